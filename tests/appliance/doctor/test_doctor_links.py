"""What the services have learnt of their peers: the doctor says it without logging in anywhere."""

from __future__ import annotations

from pathlib import Path

from appliance.core.alive import Alive
from appliance.core.catalogue import LinkDown, PbxDown, PbxResynced, PbxUp, kind_of
from appliance.core.clock import SystemClock
from appliance.core.config import Config, Crm, JournalConfig, PbxConfig
from appliance.core.event import Event
from appliance.core.journal_sqlite import SqliteJournal
from appliance.doctor.finding import Finding, Scene
from appliance.doctor.links import findings, wanted

SITE = """
[journal]
path = "{folder}/journal.db"
[pbx.central]
host = "127.0.0.1"
secret_file = "secret"
[pbx.old]
host = "127.0.0.1"
secret_file = "secret"
[pbx.new]
host = "127.0.0.1"
secret_file = "secret"
[crm]
url = "mqtt://127.0.0.1:1"
"""


def seen(tmp_path: Path, *data: PbxDown | PbxUp | PbxResynced | LinkDown) -> tuple[Finding, ...]:
    (tmp_path / "callfloor.toml").write_text(SITE.format(folder=tmp_path))
    (tmp_path / "secret").write_text("x")
    clock = SystemClock()
    journal = SqliteJournal.open(tmp_path / "journal.db", run_dir=tmp_path / "run")
    for each in data:
        source = "uplink/crm" if isinstance(each, LinkDown) else f"gateway/{each.pbx}"
        journal.append([Event(kind_of(each), source, clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), each)])
    journal.close()
    config = Config(
        journal=JournalConfig(path=tmp_path / "journal.db"),
        pbx={name: PbxConfig(host="127.0.0.1") for name in ("central", "old", "new")},
        crm=Crm(url="mqtt://127.0.0.1:1"),
    )
    assert wanted(config)
    services = [Alive.open(tmp_path / "run", name) for name in ("gateway", "uplink")]
    try:
        return findings(Scene(config, tmp_path / "callfloor.toml"))
    finally:
        for service in services:
            service.close()


def test_who_refuses_and_who_does_not_listen(tmp_path: Path) -> None:
    down = (PbxDown(pbx="central", reason="denied"), PbxDown(pbx="old", reason="unreachable"), PbxDown(pbx="new", reason="silent"))
    told = {each.item: each for each in seen(tmp_path, *down, LinkDown(reason="no_consumer"))}
    assert {item: each.level for item, each in told.items()} == {"link pbx central": "red", "link pbx new": "red", "link crm": "amber"}
    assert told["link pbx central"].mend.startswith("sudo callfloor config secret pbx.central --restart ")
    assert told["link pbx central"].evidence.startswith("denied since 20")
    assert "0 events are held" not in told["link crm"].evidence


def test_links_that_stand_are_no_finding(tmp_path: Path) -> None:
    up = PbxUp(pbx="central", version="20"), PbxResynced(pbx="central")
    (told,) = seen(tmp_path, PbxDown(pbx="central", reason="denied"), *up)
    assert (told.item, told.level, told.evidence) == ("links", "ok", "central, new, old")


def test_a_journal_that_cannot_be_read_is_another_probes(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    (tmp_path / "callfloor.toml").write_text(SITE.format(folder=tmp_path))
    (tmp_path / "journal.db").write_bytes(b"no journal")
    assert findings(Scene(Config(), tmp_path / "callfloor.toml")) == ()


def test_a_box_without_a_journal_is_not_asked(tmp_path: Path) -> None:
    assert not wanted(Config(journal=JournalConfig(path=tmp_path / "journal.db"), pbx={"a": PbxConfig(host="127.0.0.1")}))
