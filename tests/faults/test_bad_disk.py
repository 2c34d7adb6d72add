"""A journal whose place fails: no database, read-only, full. Refused with a word, shown on the board, healed when room returns."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_box import Box, Broker, Site
from fault_place import Hog
from fault_truth import absences_of, board_counts, crm_has_the_journal, crm_visits, journal_visits, judged, paired, settled

from appliance.core.catalogue import CallHeld
from appliance.core.clock import SystemClock
from appliance.core.errors import FullError
from appliance.core.event import Event
from appliance.core.journal_sqlite import SqliteJournal


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own; skipped where mounting is not allowed."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128m,mode=0755", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"no file system may be mounted here: {made.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def held(number: int) -> Event:
    clock = SystemClock()
    return Event(
        "call.held", "test/test", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), CallHeld(call=f"c{number}", pbx="other")
    )


def filled_and_healed(site: Site, disk: Path, broker: Broker, box: Box) -> int:
    """With the broker away fill the disk, see it said and refused, drain while it is full, give the room back; how many events were taken."""
    site.until(lambda: (floor := box.floor()) and floor["crm"]["state"] == "down" and floor["crm"]["backlog"] > 0, what=box.logs)

    def said() -> list[str]:
        health = (box.floor() or {"health": []})["health"]
        return [f"{item['id']}: {item['text']}" for item in health if item["level"] == "red" and item["id"] in {"disk", "journal"}]

    journal = SqliteJournal.open(disk / "journal.db", run_dir=disk / "run")  # as another process of the box
    hog, taken = Hog(disk), 0
    hog.start()
    try:
        with pytest.raises(FullError, match="no room for the journal"):
            while taken < 200_000:
                journal.append([held(number) for number in range(taken, taken + 200)])
                taken += 200
        if "gateway" in box.services:
            site.until(lambda: "the journal takes no events" in box.services["gateway"].log(), what=box.logs)
        site.until(said, 10.0, lambda: f"the board does not say it: {box.floor()['health']}\n{box.logs()}")
        broker.start()
        site.until(lambda: box.account().waiting == 0, 30.0, box.logs)
        time.sleep(2.0)
        assert said()
    finally:
        journal.close()
        hog.stop()
    site.until(lambda: not said(), 90.0, lambda: f"the board says still: {said()}\n{box.logs()}")
    return taken


@pytest.mark.broker
def test_a_full_disk_is_said_and_draining_goes_on(site: Site, disk: Path) -> None:
    broker = site.broker()
    crm = site.crm(broker.port)
    broker.stop()  # before anything flows: what a killed broker had acknowledged and not passed on is lost with it
    box = site.box(mqtt_port=broker.port, journal=disk / "journal.db")
    box.keep("wallboard", "uplink")
    recorded = filled_and_healed(site, disk, broker, box)
    site.until(lambda: len(crm.once()) == box.account().recorded, what=box.logs)
    crm_has_the_journal(box, crm)
    assert recorded > 0
    assert box.services["uplink"].log().count("cannot be saved") <= 1, "a save that fails is no reason to spin"
    assert sum("Traceback" in process.log() for process in box.services.values()) == 0


@pytest.mark.slow
@pytest.mark.broker
def test_a_full_disk_in_a_busy_hour_loses_nothing(site: Site, disk: Path) -> None:
    pbx = site.pbx(seed=5, speed=6, rate=24, agents=20, patience=25, talk=15, last_call=8)
    broker = site.broker()
    crm = site.crm(broker.port)
    broker.stop()  # before anything flows: what a killed broker had acknowledged and not passed on is lost with it
    box = site.box(pbx_port=pbx.port, mqtt_port=broker.port, journal=disk / "journal.db")
    box.keep("gateway", "wallboard", "uplink")
    site.until(box.sighted, what=box.logs)
    filled_and_healed(site, disk, broker, box)
    truth = pbx.empty()
    floor = settled(box, crm)
    crm_has_the_journal(box, crm)
    seen = crm_visits(crm, box)
    assert seen == journal_visits(box)
    pairs, missed = paired(seen, truth)
    figures = judged(pairs, missed, absences_of(box, []))
    assert figures["unknown"] == 0, "what could not be recorded waited in memory"
    board_counts(floor, pairs)
    assert {name: process.starts for name, process in box.services.items()} == {"gateway": 1, "wallboard": 1, "uplink": 1}
    assert sum("Traceback" in process.log() for process in box.services.values()) == 0


def test_a_read_only_disk_is_a_clear_word(site: Site, disk: Path) -> None:
    journal = SqliteJournal.open(disk / "journal.db")
    journal.append([held(1)])
    journal.close()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    box = site.box(journal=disk / "journal.db")
    run = box.service("wallboard")
    run.start()
    assert run.wait(10) == 1
    assert str(disk) in run.log()
    assert "ead-only" in run.log()
    assert "Traceback" not in run.log()
    assert len(run.log().splitlines()) == 1


def test_a_journal_that_is_no_database_is_set_aside_and_the_boards_and_the_crm_are_told(site: Site) -> None:
    (site.folder / "journal.db").write_bytes(b"\0not a database\n" * 4000)
    box = site.box()
    box.service("wallboard", "uplink").start()
    floor = site.until(box.floor, what=box.logs)
    assert [path.read_bytes()[:16] for path in site.folder.glob("journal.db.damaged-*")] == [b"\0not a database\n"]
    first = box.rows()[0]
    assert (box.events()[0].kind, box.events()[0].data.reason, first.n) == ("journal.started", "damaged", 1)  # type: ignore[attr-defined]
    with box.journal() as now:
        assert floor["epoch"] == now.epoch
