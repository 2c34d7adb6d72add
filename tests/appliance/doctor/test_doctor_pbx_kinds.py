"""What doctor says of a PBX's first words, by the kind that the configuration names."""

from __future__ import annotations

import pytest

from appliance.core.config import PbxConfig
from appliance.doctor.pbx import PbxFacts, judge
from appliance.doctor.reach import Reached

AMI, ESL = b"Asterisk Call Manager/11.0.0\r\n", b"Content-Type: auth/request\n\n"


@pytest.mark.parametrize(
    ("kind", "hello", "level", "found"),
    [
        ("asterisk", AMI, "ok", "it answers"),
        ("asterisk", ESL, "red", "something answers, and it is no Asterisk manager"),
        ("freeswitch", ESL, "ok", "it answers"),
        ("freeswitch", AMI, "red", "something answers, and it is no FreeSWITCH event socket"),
        ("freeswitch", b"Content-Type: text/rude-rejection\n", "red", "it turns this box away before the login"),
        ("slate", b"SLATE 1\n", "ok", "it answers"),
    ],
)
def test_first_words(kind: str, hello: bytes, level: str, found: str) -> None:
    finding = judge(PbxFacts("central", PbxConfig(kind=kind, port=1), Reached("pbx:1", "through", "", hello=hello, took_ms=3)))
    assert (finding.level, finding.finding) == (level, found)


def test_nothing_listens_there() -> None:
    finding = judge(PbxFacts("central", PbxConfig(kind="freeswitch", port=1), Reached("127.0.0.1:1", "refused", "connection refused")))
    assert finding.mend == "sudo fs_cli -x 'module_exists mod_event_socket'"
