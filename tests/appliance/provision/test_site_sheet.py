"""The site sheet: every fault at its line, nothing secret in what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.core.config_file import ConfigFaultsError
from appliance.provision.site_file import document, load_site, named_files, over, site_from_toml

from .conftest import SHEET

HERE = Path("/nowhere/site.toml")


def faults(text: str) -> list[tuple[int | None, str]]:
    with pytest.raises(ConfigFaultsError) as caught:
        site_from_toml(text, HERE)
    assert "s3cr3t" not in str(caught.value)
    return [(fault.line, fault.key) for fault in caught.value.faults]


def line_of(word: str) -> int:
    return next(number for number, line in enumerate(SHEET.splitlines(), 1) if word in line)


def test_a_sheet_becomes_a_configuration(sheet: Path) -> None:
    read = load_site(sheet)
    assert read.host == "callfloor-quito-piso-3"
    said = document(read, sheet.parent)
    assert said["kpi"] == {"target_s": 20}
    assert said["pbx"] == {"central": {"host": "192.168.1.10", "secret_file": "credentials/pbx.central.secret"}}
    assert said["crm"] == {"url": "mqtts://crm.example.com:8883"}
    assert "s3cr3t" not in str(said)
    assert next(iter(said)) == "site"
    assert named_files(read) == {("pbx", "central", "secret_file"): "credentials/pbx.central.secret"}


@pytest.mark.parametrize(
    ("old", "new", "key", "at"),
    [
        ('name = "quito"', 'name = "Quito Norte"', "site.name", None),
        ('timezone = "America/Guayaquil"', 'timezone = "America/Guayaqil"', "site.timezone", None),
        ('host = "192.168.1.10"', 'hots = "192.168.1.10"', "pbx.central.hots", None),
        ('title = "Ventas"', 'titel = "Ventas"', "queues.ventas.titel", None),
        ("target_s = 20", "target_s = -1", "callfloor.kpi.target_s", None),
        ('ntp = ["192.168.1.1"]', 'ntp = ["a b"]', "time.ntp[0]", None),
        ('listen = "127.0.0.1:8080"', 'listen = "0.0.0.0:8080"', "wallboard.tv.listen", None),
        ('url = "mqtts://crm', 'url = "mqtt://crm', "crm.url", None),
        ('secret = "s3cr3t of the manager"', 'secret = ["s3cr3t"]', "pbx.central.secret", None),
        ('secret = "s3cr3t of the manager"', 'secret = "s3cr3t"\nsecret_file = "x"', "pbx.central.secret_file", 1),
        ('keys = ["ssh-ed25519', 'keys = ["-----BEGIN OPENSSH PRIVATE KEY-----', "ssh.keys[0]", None),
        ("site_sheet = 1", "site_sheet = 2", "site_sheet", None),
        ("site_sheet = 1", 'site_sheet = 1\nhostname = "-x"', "hostname", 1),
        ("site_sheet = 1", 'site_sheet = 1\nboards = "gone"', "boards", 1),
        ("[queues.ventas]", '[enrol]\nurl = "http://crm.example.com"\n[queues.ventas]', "enrol.url", 1),
        ("[queues.ventas]", '[network]\ngateway = "192.168.1.1"\n[queues.ventas]', "network.gateway", 1),
        ("[queues.ventas]", '[network]\naddress = "192.168.1.9/24"\ngateway = "10.0.0.1"\n[queues.ventas]', "network.gateway", 2),
    ],
)
def test_a_fault_is_named_with_its_line(old: str, new: str, key: str, at: int | None) -> None:
    assert old in SHEET
    found = faults(SHEET.replace(old, new))
    assert key in [name for _, name in found]
    line = {name: number for number, name in found}[key]
    assert line == line_of(old) + (at or 0)


def test_all_faults_at_once() -> None:
    text = SHEET.replace('name = "quito"', 'name = "Q"').replace("target_s = 20", "targets = 20").replace('title = "Ventas"', "title = 3")
    assert {key for _, key in faults(text)} == {"site.name", "callfloor.kpi.targets", "queues.ventas.title"}


def test_what_is_no_sheet_says_so() -> None:
    assert faults('[site]\nname = "x"\n') == [(None, "")]
    assert faults("site_sheet = 1\n") == [(None, "")]  # no [site]
    assert [line for line, _ in faults("site_sheet = 1\nname = \n")] == [2]


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=60), st.integers(0, SHEET.count("\n")), st.booleans())
def test_whatever_is_written_is_read_or_named(junk: str, at: int, replace: bool) -> None:
    lines = SHEET.split("\n")
    lines[at : at + replace] = [junk]
    try:
        site_from_toml("\n".join(lines), HERE)
    except ConfigFaultsError as wrong:
        if not wrong.faults:
            raise AssertionError("refused without a reason") from wrong


@given(st.recursive(st.integers() | st.text(max_size=3), lambda inner: st.dictionaries(st.text(max_size=2), inner, max_size=3)))
def test_what_is_laid_over_itself_is_itself(value: object) -> None:
    if isinstance(value, dict):
        assert over(value, value) == value
        assert over({}, value) == value == over(value, {})
