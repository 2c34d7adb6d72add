"""The clock's steps and the box's health become events, once each, by whoever keeps house."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from appliance.core.catalogue import BoxClockStepped, BoxHealth, BoxStarted, event_from_stored
from appliance.core.clock import NS, ManualClock
from appliance.core.config import Config, JournalConfig
from appliance.core.event import Event, stored_from_body
from appliance.core.journal import Limits
from appliance.core.journal_memory import MemoryJournal
from appliance.runner_house import ClockWatch, Housekeeper, disk_health, journal_health, offset_from_rows


def data(journal: MemoryJournal, kind: str) -> list[Any]:
    found = [event_from_stored(stored_from_body(row.body)) for row in journal.read(0)]
    return [event.data for event in found if event is not None and event.kind == kind]


def started(clock: ManualClock) -> Event:
    return Event("box.started", "box/box", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), BoxStarted(version="1"))


async def keep_house(
    journal: MemoryJournal, clock: ManualClock, folder: Path, until: Callable[[], object], then: Callable[[], object]
) -> None:
    """Keep house until the first condition, then do something, until the second."""
    config = Config(journal=JournalConfig(path=folder / "journal.db"))
    task = asyncio.create_task(Housekeeper(config, journal, clock, folder, every_s=0.01).run())
    try:
        async with asyncio.timeout(10):
            while not until():
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            then()
            await asyncio.sleep(0.2)
    finally:
        task.cancel()


async def test_a_clock_that_jumps_an_hour_either_way_is_recorded_once(tmp_path: Path) -> None:
    for jump_s in (3600.0, -3600.0):
        journal, clock = MemoryJournal(), ManualClock()
        journal.append([started(clock)])
        await keep_house(journal, clock, tmp_path, lambda j=journal: data(j, "box.health"), lambda c=clock, s=jump_s: c.step_wall(s))
        steps = data(journal, "box.clock_stepped")
        assert steps == [BoxClockStepped(offset_ns=clock.wall_ns() - clock.mono_ns(), by_s=jump_s, quality="synced")]


async def test_a_step_while_nobody_kept_house_is_seen_at_the_start(tmp_path: Path) -> None:
    journal, clock = MemoryJournal(), ManualClock(quality="holdover")
    journal.append([started(clock)])
    clock.advance(100)
    clock.step_wall(-7200, "synced")
    journal.append([started(clock)])
    await keep_house(journal, clock, tmp_path, lambda: data(journal, "box.clock_stepped"), lambda: None)
    assert [(step.by_s, step.quality) for step in data(journal, "box.clock_stepped")] == [(-7200.0, "synced")]
    # The next one to keep house knows of it.
    await keep_house(journal, clock, tmp_path, lambda: len(data(journal, "box.health")) > 3, lambda: None)
    assert len(data(journal, "box.clock_stepped")) == 1


def test_small_steps_add_up_and_durations_do_not_count() -> None:
    clock = ManualClock()
    watch = ClockWatch(clock)
    found = []
    for _ in range(4):
        clock.advance(3600)
        clock.step_wall(0.2)
        found.append(watch.look())
    assert [step.by_s for step in found if step] == [0.6]


def test_another_boots_rows_say_nothing_of_this_ones_clock() -> None:
    clock, journal = ManualClock(), MemoryJournal()
    journal.append([started(clock)])
    assert offset_from_rows(journal.read(0), "other") is None
    assert offset_from_rows(journal.read(0), clock.boot) == (clock.wall_ns() - clock.mono_ns(), "synced")
    clock.reboot("other")
    clock.advance(5)
    journal.append([started(clock)])
    assert offset_from_rows(journal.read(0), "other") == (clock.wall_ns() - 6 * NS, "synced")


async def test_only_one_of_two_keeps_house(tmp_path: Path) -> None:
    journal, clock = MemoryJournal(), ManualClock()
    config = Config(journal=JournalConfig(path=tmp_path / "journal.db"))
    both = [asyncio.create_task(Housekeeper(config, journal, clock, tmp_path, every_s=0.01).run()) for _ in range(2)]
    await asyncio.sleep(0.3)
    clock.step_wall(60)
    await asyncio.sleep(0.3)
    assert len(data(journal, "box.clock_stepped")) == 1
    for task in both:
        task.cancel()


def test_levels_of_disk_and_journal() -> None:
    assert [disk_health(free).level for free in (10**12, 10**8, 10**6)] == ["ok", "amber", "red"]
    limits = Limits(bytes_used=90, max_bytes=100, first_seq=1)
    assert journal_health(limits) == BoxHealth(id="journal", level="ok")
    assert journal_health(Limits(90, 100, 1, pressure=True)).level == "amber"
    assert journal_health(Limits(100, 100, 1, pressure=True, full=True)).level == "red"
    assert "90%" in journal_health(Limits(90, 100, 1, pressure=True)).text


def test_a_log_that_a_reader_holds_open_is_said() -> None:
    finding = journal_health(Limits(bytes_used=0, max_bytes=1 << 30, first_seq=1, wal_bytes=40 * 1024**2))
    assert (finding.id, finding.level) == ("journal", "amber")
    assert "40 MiB" in finding.text
    assert journal_health(Limits(bytes_used=0, max_bytes=1 << 30, first_seq=1, wal_bytes=5 * 1024**2)).level == "ok"


async def test_the_board_s_own_troubles_are_told_by_whoever_keeps_house(tmp_path: Path) -> None:
    """Once each, on the housekeeping's own step; a board that tells nothing has no items."""
    machine = tmp_path / "machine"
    word = machine / "sys/devices/platform/soc/soc:firmware/get_throttled"
    word.parent.mkdir(parents=True)
    word.write_text("1\n")
    journal, clock = MemoryJournal(), ManualClock()
    config = Config(journal=JournalConfig(path=tmp_path / "journal.db"))
    task = asyncio.create_task(Housekeeper(config, journal, clock, tmp_path, every_s=0.01, root=machine).run())
    try:
        async with asyncio.timeout(10):
            while "power" not in {each.id for each in data(journal, "box.health")}:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
    finally:
        task.cancel()
    told = [each for each in data(journal, "box.health") if each.id not in ("clock", "disk", "journal")]
    assert told == [BoxHealth(id="power", level="red", text="the voltage is too low now (get_throttled: 0x1)")]
