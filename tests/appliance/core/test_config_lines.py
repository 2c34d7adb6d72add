"""What the description of analog lines may not say, each fault with its key; and what it may."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from appliance.core.config_file import ConfigFaultsError, load
from appliance.core.line_config import Country
from appliance.registry import enabled
from gateway.fxo.country import COUNTRIES
from gateway.fxo.line_books import LineBooks
from gateway.fxo.modem_profile import PROFILES

ALL = """
[lines.l1]
url = "serial:///dev/ttyUSB0?baud=115200"
profile = "conexant"
country = "ec"
hook_sense = true
queue = "ventas"
trunk = "pstn"
[lines.rack]
url = "udp://0.0.0.0:3520"
unit = "000000123456"
country = "es"
[lines.rack.line.1]
queue = "ventas"
trunk = "pstn"
[lines.rack.line.b]
number = 2
hook_sense = false
[lines.door]
url = "gpio:"
ring = 5
loop = 6
cpc_ms = [200, 800]
[lines.ht813.gateway]
address = "192.168.1.20"
make = "grandstream"
snmp_file = "ht813.snmp"
[lines.ht813.line.1]
port = 0
user = "linea-1"
parallel_phones = false
[lines.ht813.line.2]
user = "linea-2"
[sip]
listen = "127.0.0.1:5060"
[trunks.pstn]
lines = 2
[queues.ventas]
title = "Ventas"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "callfloor.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_lines_of_every_kind(tmp_path: Path) -> None:
    (tmp_path / "ht813.snmp").write_text("public\n")
    (tmp_path / "ht813.snmp").chmod(0o600)
    config = load(write(tmp_path, ALL))
    assert enabled(config) == ("gateway", "uplink")
    books = LineBooks(config, lambda: "")
    assert list(books.settings) == ["l1", "rack-1", "rack-b", "door", "ht813-1", "ht813-2"]
    assert {line: each.senses_answer for line, each in books.settings.items()} == {
        "l1": True, "rack-1": True, "rack-b": False, "door": True, "ht813-1": True, "ht813-2": False,
    }  # fmt: skip
    assert [books.settings[line].country for line in ("l1", "rack-1", "rack-b", "door")] == ["ec", "es", "es", None]
    assert (list(books.queues), books.queues["ventas"].title, {key: group.lines for key, group in books.groups.items()}) == (
        ["ventas"], "Ventas", {"pstn": 2},
    )  # fmt: skip
    assert [limit.partition(":")[0] for limit in books.limits] == ["line rack-b", "line ht813-2"]


def test_the_configuration_knows_the_countries_and_profiles_that_there_are(tmp_path: Path) -> None:
    assert set(get_args(Country)) == set(COUNTRIES)
    for profile in PROFILES:
        load(write(tmp_path, f'[lines.l1]\nurl = "loop://"\nprofile = "{profile}"'))


MODEM = '[lines.l1]\nurl = "serial:///dev/ttyUSB0"\n'
RACK = '[lines.rack]\nurl = "udp://0.0.0.0"\n'
BOX = '[lines.box.gateway]\naddress = "192.168.1.20"\n'


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[lines.l1]\nurl = "COM3"', "lines.l1.url"),
        ('[lines.l1]\nqueue = "ventas"', "lines.l1.url"),
        (MODEM + 'kind = "pins"\nring = 5', "lines.l1.url"),
        (MODEM + 'kind = "gateway"', "lines.l1"),
        (MODEM + 'profile = "usrobotics"', "lines.l1.profile"),
        (MODEM + "ring = 5", "lines.l1"),
        (MODEM + "ring_ms = [1000]", "lines.l1.ring_ms"),
        (MODEM + "cpc_ms = [800, 200]", "lines.l1.cpc_ms"),
        (MODEM + 'country = "atlantis"', "lines.l1.country"),
        (MODEM + 'queue = "Ventas Norte"', "lines.l1.queue"),
        (MODEM + "[lines.l1.line.1]", "lines.l1.line"),
        (MODEM + '[lines.l2]\nurl = "serial:///dev/ttyUSB0?baud=9600"', "lines.l2.url"),
        (MODEM + '[smdr.l1]\nurl = "tcp://h:1"', "lines.l1"),
        (RACK, "lines.rack"),
        (RACK + "[lines.rack.line.a]", "lines.rack.line.a"),
        (RACK + "[lines.rack.line.1]\n[lines.rack.line.a]\nnumber = 1", "lines.rack.line.1"),
        (RACK + '[lines.rack.line.1]\nuser = "linea-1"', "lines.rack.line.1"),
        (RACK + 'unit = "12"\n[lines.rack.line.1]', "lines.rack.unit"),
        (RACK + '[lines.rack.line.1]\n[lines.rack-1]\nurl = "serial:///dev/ttyUSB0"', "lines.rack-1"),
        ('[lines.p]\nurl = "gpio:"', "lines.p"),
        ('[lines.p]\nurl = "gpio:"\nring = 5\nloop = 5', "lines.p.loop"),
        (MODEM + "answer_reversal = true", "lines.l1.answer_reversal"),
        ('[lines.p]\nurl = "gpio:"\nring = 5\nanswer_reversal = true', "lines.p.answer_reversal"),
        ('[lines.p]\nurl = "gpio:"\nring = 5\nreversed = 13\nanswer_reversal = true', "lines.p.answer_reversal"),
        (BOX + '[lines.box.line.1]\nuser = "a"\nanswer_reversal = true', "lines.box.line.1.answer_reversal"),
        (BOX, "lines.box"),
        (BOX + "[lines.box.line.1]", "lines.box.line.1"),
        (BOX + "[lines.box.line.1]\nport = 0", "lines.box.gateway"),
        (BOX + '[lines.box.line.1]\nuser = "a"\n[lines.box.line.2]\nuser = "a"', "lines.box.line"),
        (BOX + '[lines.box.line.1]\nuser = "a"\n[lines.box2.gateway]\naddress = "192.168.1.20"\n[lines.box2.line.1]\nuser = "b"',
         "lines.box2.gateway.address"),
        (BOX + '[lines.box.line.1]\nuser = "a"\n[sip]\nlisten = "0.0.0.0:x"', "sip.listen"),
        ("[trunks.pstn]\nlines = 4", "trunks.pstn.channels"),
        ('[pbx.lines]\nhost = "h"\nusername = "u"\nsecret_file = "callfloor.toml"\n' + MODEM, "pbx.lines"),
    ],
)  # fmt: skip
def test_what_lines_may_not_be(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(ConfigFaultsError) as caught:
        load(write(tmp_path, text))
    assert key in [fault.key for fault in caught.value.faults], [fault.key for fault in caught.value.faults]
