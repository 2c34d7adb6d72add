"""A configuration with faults names them all, with line, key and mend; a sound one comes out with its paths made absolute."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.config import Config
from appliance.core.config_file import ConfigFaultsError, Fault, config_from_toml, load
from appliance.core.errors import MisconfiguredError

LEAST = """
[site]
name = "quito-norte"
box = "piso-3"
timezone = "America/Guayaquil"
language = "es"

[journal]
path = "journal.db"

[pbx.central]
kind = "asterisk"
host = "127.0.0.1"
port = 5038
username = "callfloor"
secret_file = "pbx.secret"

[crm]
url = "mqtt://127.0.0.1:1883"

[wallboard.tv]
listen = "127.0.0.1:8080"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pbx.secret").write_text("s3cret\n")
    return tmp_path


def faults(text: str, folder: Path) -> list[Fault]:
    with pytest.raises(ConfigFaultsError) as caught:
        config_from_toml(text, folder / "callfloor.toml", {})
    return list(caught.value.faults)


def one(text: str, folder: Path) -> Fault:
    found = faults(text, folder)
    assert len(found) == 1, [str(fault) for fault in found]
    return found[0]


def test_the_least_that_runs(folder: Path) -> None:
    (folder / "callfloor.toml").write_text(LEAST)
    config = load(folder / "callfloor.toml", {})
    assert config.site.box == "piso-3"
    assert config.pbx["central"].secret_file == folder / "pbx.secret"
    assert config.journal.path == folder / "journal.db"
    assert config.journal.run_dir == folder / "run"
    assert config.wallboard.tv is not None
    assert config.wallboard.tv.listen == "127.0.0.1:8080"


def test_an_empty_file_is_sound(folder: Path) -> None:
    assert config_from_toml("", folder / "c.toml", {}).site.timezone == "UTC"


def test_where_the_journal_lies(folder: Path) -> None:
    def path(place: Path, **environ: str) -> tuple[Path, Path | None]:
        journal = config_from_toml("[journal]\npath = 'journal.db'\n", place, environ).journal
        return journal.path, journal.run_dir

    assert path(folder / "c.toml", STATE_DIRECTORY="/srv/x:/srv/y", RUNTIME_DIRECTORY="/run/z") == (
        Path("/srv/x/journal.db"),
        Path("/run/z"),
    )
    assert path(Path("/etc/callfloor/callfloor.toml")) == (Path("/var/lib/callfloor/journal.db"), Path("/run/callfloor"))
    absolute = config_from_toml(
        "[journal]\npath = '/mnt/j.db'\nrun_dir = '/tmp/r'\n", folder / "c.toml", {"STATE_DIRECTORY": "/srv"}
    ).journal
    assert (absolute.path, absolute.run_dir) == (Path("/mnt/j.db"), Path("/tmp/r"))


TEN = """[site]
name = "Quito Norte"
timezone = "America/Guayaquill"
langage = "es"

[site.hours]
mon = ["08:00-18:00",
       "8-18"]

[journal]
keep_days = 0

[pbx.central]
secret_file = "nowhere"
port = 99999

[crm]
url = [
  "mqtts://one.example.com",
  "mqtt://two.example.com:1883",
]

[wallboard.tv]
listen = "0.0.0.0:8080"

[queues."Atención"]
target_s = "15"
"""


def test_a_service_finds_the_copy_of_a_secret_that_systemd_loaded(tmp_path: Path) -> None:
    text = '[pbx.main]\nsecret_file = "credentials/pbx.secret"\n[pbx.other]\nsecret_file = "other.secret"\n'
    (tmp_path / "credentials").mkdir()
    (tmp_path / "other.secret").write_text("o")
    (own := tmp_path / "credentials/pbx.secret").write_text("s")
    copies = tmp_path / "run"
    copies.mkdir()
    where, environ = tmp_path / "callfloor.toml", {"CREDENTIALS_DIRECTORY": str(copies)}
    assert config_from_toml(text, where, environ).pbx["main"].secret_file == own
    (copy := copies / "credentials_pbx.secret").write_text("s")
    (copies / "credentials_other.secret").write_text("not asked for")
    config = config_from_toml(text, where, environ)
    assert (config.pbx["main"].secret_file, config.pbx["other"].secret_file) == (copy, tmp_path / "other.secret")
    assert config_from_toml(text, where, {}).pbx["main"].secret_file == own


def test_ten_faults_are_all_told_with_their_lines(folder: Path) -> None:
    assert [(fault.line, fault.key) for fault in faults(TEN, folder)] == [
        (2, "site.name"),
        (3, "site.timezone"),
        (4, "site.langage"),
        (8, "site.hours.mon[1]"),
        (11, "journal.keep_days"),
        (14, "pbx.central.secret_file"),
        (15, "pbx.central.port"),
        (20, "crm.url[1]"),
        (24, "wallboard.tv.listen"),
        (27, 'queues."Atención".target_s'),
    ]
    told = faults(TEN, folder)
    assert all(fault.mend and fault.fault and fault.file == str(folder / "callfloor.toml") for fault in told)
    assert told[0].mend == 'write "quito-norte"'
    assert "America/Guayaquil" in told[1].mend
    assert told[2].mend == "did you mean language?"


def test_the_error_is_one_a_reader_expects_and_its_text_says_it_all(folder: Path) -> None:
    with pytest.raises(MisconfiguredError) as caught:
        config_from_toml(TEN, folder / "callfloor.toml", {})
    text = str(caught.value)
    assert text.startswith("10 faults in the configuration:\n")
    assert f"{folder}/callfloor.toml:15: pbx.central.port: 99999 is not allowed; write a whole number from 1 to 65535" in text


@pytest.mark.parametrize(
    ("text", "line", "key", "words"),
    [
        ("[crm]\nurl = 'mqtt://127.0.0.1'\nprotocol = '3.1.1'\nrequire_consumer = true\n", 4, "crm.require_consumer", "MQTT 3.1.1"),
        ("[crm]\nurl = 'mqtts://u:pw@crm.example.com'\n", 2, "crm.url", "never stands in a url"),
        ("[crm]\nurl = 'http://crm.example.com'\n", 2, "crm.url", "no broker's address"),
        ("[crm]\nurl = 'mqtts://crm.example.com:http'\n", 2, "crm.url", '"http" is no number'),
        ("[crm]\nurl = 'mqtts://'\n", 2, "crm.url", "host or the port is missing"),
        ("[crm]\nevents = ['calls']\n", 2, "crm.events[0]", 'no events "calls"'),
        ("[crm]\npassword = 'x'\n", 2, "crm.password", "secrets never stand in this file"),
        ("[pbx.a]\nkind = 'asterix'\nsecret_file = 'pbx.secret'\n", 2, "pbx.a.kind", "no kind of PBX"),
        ("[crm]\npassword_file = 'pbx.secret'\n", 2, "crm.password_file", "without username"),
        ("[crm]\ncert_file = 'pbx.secret'\n", 2, "crm.cert_file", "without key_file"),
        ("[commands]\nallow = ['ping', 'anounce']\n", 2, "commands.allow[1]", 'no command "anounce"'),
        ("[wallboard.tv]\nlisten = '8080'\n", 2, "wallboard.tv.listen", "is no host"),
        ("[wallboard.tv]\nlisten = '127.0.0.1:80800'\n", 2, "wallboard.tv.listen", "no number from 0 to 65535"),
        ("[wallboard.tv]\nlisten = '300.0.0.1:80'\n", 2, "wallboard.tv.listen", "no host"),
        ("[wallboard.tv]\nlisten = ':8080'\n", 2, "wallboard.tv.listen", "lets everybody"),
        ("[wallboard.tv]\nlisten = '0.0.0.0:80'\nallow = ['10.0.0.1/8']\n", 3, "wallboard.tv.allow[0]", "no network"),
        ("[wallboard.led.a]\nurl = 'spidev'\n", 2, "wallboard.led.a.url", "no LED chain"),
        ("[trunks.pstn]\nchannels = ['PJSIP/t']\nlines = 8\npbx = 'x'\n", 4, "trunks.pstn.pbx", "no [pbx.x]"),
        (
            "[trunks.pstn]\nchannels = ['PJSIP/t']\nlines = 8\n[pbx.a]\nsecret_file = 'pbx.secret'\n[pbx.b]\nsecret_file = 'pbx.secret'\n",
            1,
            "trunks.pstn",
            "whose lines",
        ),
        ("[trunks.pstn]\nchannels = ['PJSIP/t']\n", 1, "trunks.pstn", "key lines is missing"),
        ("[groups.a]\nqueues = []\n", 2, "groups.a.queues", "no queues"),
        ("[queues.'Atención']\n[queues.atencion]\n", 2, "queues.atencion", "same key"),
        ("[agents.a]\ninterfaces = ['SIP/1']\n[agents.b]\ninterfaces = ['SIP/2', 'SIP/1']\n", 4, "agents.b.interfaces[1]", "belongs to agent"),
        ("[pbx.'Planta 1']\nsecret_file = 'pbx.secret'\n", 1, 'pbx."Planta 1"', "may hold only"),
        ("[pbx.a]\n", 1, "pbx.a", "secret_file is missing"),
        ("[pbx.a]\nsecret_file = 'pbx.secret'\nping_s = 30\n", 1, "pbx.a.silent_s", "not longer than"),
        ("[pbx.a]\nsecret_file = 'pbx.secret'\n[pbx.a.queue_result]\nreasons = {FULL = 'overflw'}\n", 4, "pbx.a.queue_result.reasons.FULL", "no reason"),
        ("[site.hours]\nholidays = ['2026-12-25', '25.12.']\n", 2, "site.hours.holidays[1]", "no date"),
        ("[site.hours]\nsun = ['10:00-10:00']\n", 2, "site.hours.sun[0]", "empty"),
        ("[kpi]\nservice_level = 'handeld'\n", 2, "kpi.service_level", "not allowed"),
        ("[kpi]\nabandon_rate_max = nan\n", 2, "kpi.abandon_rate_max", "nan is not allowed"),
        ("pbx = 3\n", 1, "pbx", "where a table is wanted"),
        ("[pbx]\nhost = 'x'\n", 2, "pbx.host", "where a table is wanted"),
        ("[journal]\npath = ''\n", 2, "journal.path", "not allowed"),
        ("[journal]\npath = 3\n", 2, "journal.path", "not allowed"),
        ("a = 1\n[site\nname = 'x'\n", 2, "", "not TOML"),
    ],
)  # fmt: skip
def test_each_fault_has_its_line_and_key(folder: Path, text: str, line: int, key: str, words: str) -> None:
    found = [fault for fault in faults(text, folder) if words in str(fault)]
    assert [(fault.line, fault.key) for fault in found] == [(line, key)]


def test_broken_syntax_does_not_hide_the_other_faults(folder: Path) -> None:
    text = '[site]\nname = "x\nbox = "Piso 3"\n[pbx.central\nhost = 3\n[kpi]\ntarget_s = -1\n'
    assert [(fault.line, fault.key) for fault in faults(text, folder)] == [(2, ""), (3, "site.box"), (4, ""), (7, "kpi.target_s")]


def test_a_secret_is_never_echoed(folder: Path) -> None:
    text = "[pbx.a]\nsecret = 'hunter2'\nsecret_file = ['hunter2']\n[crm]\nurl = 'mqtts://bob:hunter2@x'\n"
    assert "hunter2" not in "".join(map(str, faults(text, folder)))


def test_an_empty_or_unreadable_secret(folder: Path) -> None:
    (folder / "pbx.secret").write_text("")
    assert "is empty" in one("[pbx.a]\nsecret_file = 'pbx.secret'\n", folder).fault
    (folder / "dir").mkdir()
    assert "is no file" in one("[pbx.a]\nsecret_file = 'dir'\n", folder).fault
    if os.geteuid() != 0:
        (folder / "pbx.secret").write_text("x")
        (folder / "pbx.secret").chmod(0)
        assert "may not be read" in one("[pbx.a]\nsecret_file = 'pbx.secret'\n", folder).fault


def test_files_that_are_no_configuration(folder: Path) -> None:
    def fault(name: str) -> str:
        with pytest.raises(ConfigFaultsError) as caught:
            load(folder / name, {})
        return str(caught.value)

    (folder / "latin").write_bytes(b"[site]\n# caf\xe9\n")
    (folder / "big").write_bytes(b"#" * 5_000_000)
    (folder / "deep").write_text("a = " + "[" * 5000 + "]" * 5000)
    (folder / "binary").write_bytes(bytes(range(1, 128)) * 10)
    assert "no such file" in fault("missing")
    assert "cannot be read" in fault(".")
    assert "latin:2: byte 0xe9 is not UTF-8" in fault("latin")
    assert "larger than 4 MiB" in fault("big")
    assert "nested too deep" in fault("deep")
    assert "not TOML" in fault("binary")


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(folder: Path) -> None:
    (folder / "c.toml").write_bytes(b"\xef\xbb\xbf[site]\r\nname = 'x'\r\n")
    assert load(folder / "c.toml", {}).site.name == "x"


VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(-(2**40), 2**40), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)),
    max_leaves=4,
)


@given(data=st.data())
def test_whatever_stands_in_a_known_key_gives_a_configuration_or_faults(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    table = data.draw(st.sampled_from(msgspec.structs.fields(Config))).name
    key = data.draw(st.sampled_from(["name", "url", "path", "tv", "led", "hours", "x", "target_s", "listen", "queues", "timezone"]))
    value = data.draw(VALUES)

    def toml(value: object) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{quoted(name)} = {toml(inner)}" for name, inner in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(toml, value)) + "]"
        return quoted(value) if isinstance(value, str) else str(value).lower()

    def quoted(text: str) -> str:
        return '"' + "".join(f"\\U{ord(c):08x}" if not c.isalnum() and not 0xD800 <= ord(c) <= 0xDFFF else c for c in text) + '"'

    try:
        config_from_toml(f"[{table}]\n{key} = {toml(value)}\n", Path("/nonexistent/c.toml"), {})
    except ConfigFaultsError as fault:
        assert all(each.mend for each in fault.faults)  # noqa: PT017 - a fault is one of two right outcomes


def test_the_pbxs_own_text_in_quotes_names_what_its_slug_names(folder: Path) -> None:
    text = (
        LEAST
        + """
[queues."Atención al Cliente"]
target_s = 30
[queues.ventas]
target_s = 20
[groups."Línea Uno"]
queues = ["Atención al Cliente", "ventas"]
[agents."Ana Pérez"]
interfaces = ["PJSIP/101"]
"""
    )
    config = config_from_toml(text, folder / "callfloor.toml", {})
    assert {key: queue.target_s for key, queue in config.queues.items()} == {"atencion-al-cliente": 30.0, "ventas": 20.0}
    assert {key: (group.title, group.queues) for key, group in config.groups.items()} == {
        "linea-uno": ("Línea Uno", ("atencion-al-cliente", "ventas"))
    }
    assert {key: agent.name for key, agent in config.agents.items()} == {"ana-perez": "Ana Pérez"}
