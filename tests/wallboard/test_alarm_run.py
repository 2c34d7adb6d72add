"""The alarm watch over a real journal, fold and feed, on a clock that is moved by hand: a morning, a restart, a full disk, a kill."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from msgspec import Struct

from appliance.core.alive import Alive
from appliance.core.catalogue import (
    AlarmAcknowledged,
    AlarmRaised,
    CallAnswered,
    CallQueued,
    PbxDown,
    PbxResynced,
    PbxUp,
    kind_of,
)
from appliance.core.clock import NS, ManualClock
from appliance.core.config import AlarmConfig, Config, Limit, PbxConfig, Site
from appliance.core.errors import FullError
from appliance.core.event import Event, stored_from_body
from appliance.core.hours_config import Hours
from appliance.core.journal_sqlite import SqliteJournal
from appliance.floor_view import FloorView
from appliance.service import Context
from wallboard.alarm.run import AlarmRun
from wallboard.stream.feed import Feed

SL = "queue.ventas.service_level"
#: 2026-11-20 is a Friday; noon.
NOON_NS = 1_795_176_000 * NS
CONFIG = Config(site=Site(timezone="UTC"), pbx={"central": PbxConfig()}, alarm=AlarmConfig(min_calls=2))


class Disk(SqliteJournal):
    """A real journal; while `full` is set its disk takes nothing."""

    full = False

    def appended(self, events: Sequence[Event], advance: tuple[str, int] | None = None) -> Awaitable[int]:
        if self.full:
            text = "no room for the journal"
            raise FullError(text)
        return super().appended(events, advance)


class Runner:
    """What a service is given to say that it lives."""

    def ready(self) -> None:
        pass

    def progress(self) -> None:
        pass

    def status(self, text: str) -> None:
        pass


class Floor:
    """A box whose second lasts as long as a turn: the boards' loop, taken by hand."""

    def __init__(self, folder: Path, config: Config = CONFIG) -> None:
        self.folder, self.config = folder, config
        self.clock = ManualClock(wall_ns=NOON_NS)
        self.journal: SqliteJournal = Disk.open(folder / "journal.db", run_dir=folder / "run", clock=self.clock)
        self.gateway = Alive.open(folder / "run", "gateway")
        self.calls = 0
        self.tell(PbxUp(pbx="central"), PbxResynced(pbx="central"))
        self.start()

    def kill(self) -> None:
        """The kernel takes a dead process's locks away, and nothing else."""
        if self.run._alive is not None:
            self.run._alive.close()

    def close(self) -> None:
        self.kill()
        self.gateway.close()
        self.journal.close()

    def start(self) -> None:
        context = Context(self.config, self.journal, self.clock, Runner(), "wallboard")
        self.view = FloorView(self.journal, self.config, self.clock)
        self.feed = Feed(self.view, self.clock, self.config.privacy)
        self.run = AlarmRun(context, self.feed)

    def tell(self, *told: Struct) -> None:
        clock = self.clock
        self.journal.append(
            [Event(kind_of(data), "gateway/central", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data) for data in told]
        )

    def answer(self, count: int, wait_s: float) -> None:
        for _ in range(count):
            self.calls += 1
            name = f"c{self.calls}"
            self.tell(
                CallQueued(call=name, pbx="central", visit=name, queue="ventas"),
                CallAnswered(call=name, pbx="central", visit=name, queue="ventas", agent="ana", wait_s=wait_s),
            )

    async def seconds(self, count: int) -> None:
        for _ in range(count):
            if self.view.catch_up():
                self.feed.changed()
            self.run.turn(self.view.seq)
            await asyncio.sleep(0)
            if self.run._append is not None:
                await asyncio.wait({self.run._append})
            self.clock.advance(1.0)

    def alarms(self) -> list[tuple[str, str]]:
        """What the journal tells of alarms, in order: the id, and the level or the word."""
        told = []
        for row in self.rows():
            stored = stored_from_body(row)
            if stored.kind.startswith("alarm."):
                data = msgspec.json.decode(stored.data)

                told.append((data["alarm"], data.get("level") or stored.kind.removeprefix("alarm.")))
        return told

    def rows(self) -> Iterator[bytes]:
        page = self.journal.read(0)
        while page:
            yield from (row.body for row in page)
            page = self.journal.read(page[-1].seq)


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    made = Floor(tmp_path)
    yield made
    made.close()


#: Every call late: service level and speed of answer are red, of the queue and of the floor.
LATE = {("floor.service_level", "red"), ("floor.asa", "red"), (SL, "red"), ("queue.ventas.asa", "red")}


async def test_a_bad_morning_is_raised_once_and_cleared_once(floor: Floor) -> None:
    floor.answer(4, wait_s=40.0)
    await floor.seconds(10)
    assert floor.alarms() == []
    await floor.seconds(2)
    assert set(floor.alarms()) == LATE
    await floor.seconds(120)
    assert len(floor.alarms()) == 4
    assert {(alarm.id, alarm.level) for alarm in floor.view.snapshot().alarms} == LATE
    floor.answer(200, wait_s=2.0)
    await floor.seconds(13)
    assert set(floor.alarms()[4:]) == {(name, "cleared") for name, _ in LATE}
    await floor.seconds(60)
    assert len(floor.alarms()) == 8
    assert floor.view.snapshot().alarms == []


async def test_a_wait_turns_amber_then_red_though_nothing_happens(floor: Floor) -> None:
    floor.tell(CallQueued(call="w", pbx="central", visit="w", queue="ventas"))
    await floor.seconds(15 + 10 + 2)
    assert ("queue.ventas.longest_wait", "amber") in floor.alarms()
    assert ("queue.ventas.longest_wait", "red") not in floor.alarms()
    await floor.seconds(35 + 10 + 2)
    assert ("queue.ventas.longest_wait", "red") in floor.alarms()


async def test_a_restart_neither_doubles_nor_loses(floor: Floor) -> None:
    floor.answer(4, wait_s=40.0)
    await floor.seconds(12)
    floor.tell(AlarmAcknowledged(alarm=SL, by="local"))
    floor.kill()
    floor.start()
    await floor.seconds(60)
    assert len(floor.alarms()) == 5
    assert next(alarm for alarm in floor.view.snapshot().alarms if alarm.id == SL).acknowledged is not None
    floor.answer(200, wait_s=2.0)
    await floor.seconds(3)
    floor.kill()
    floor.start()
    await floor.seconds(12)
    assert set(floor.alarms()[5:]) == {(name, "cleared") for name, _ in LATE}


async def test_killed_between_the_look_and_the_append_nothing_stands_twice(floor: Floor) -> None:
    floor.answer(4, wait_s=40.0)
    await floor.seconds(10)
    for _ in range(3):
        floor.view.catch_up()
        floor.feed.changed()
        floor.run.turn(floor.view.seq)
        floor.clock.advance(1.0)
    assert floor.run._append is not None
    floor.run._append.cancel()  # the append never began
    await asyncio.wait({floor.run._append})
    assert floor.alarms() == []
    floor.kill()
    floor.start()
    await floor.seconds(12)
    assert len(floor.alarms()) == 4
    # And killed behind it: the journal has them, the process that wrote them is gone before it folded them.
    floor.kill()
    floor.start()
    await floor.seconds(30)
    assert len(floor.alarms()) == 4


async def test_what_is_appended_and_not_folded_yet_is_not_said_again(floor: Floor) -> None:
    floor.answer(4, wait_s=40.0)
    await floor.seconds(11)
    for _ in range(5):  # a fold that lags behind
        floor.run.turn(floor.view.seq)
        await asyncio.sleep(0.05)
        floor.clock.advance(1.0)
    assert len(floor.alarms()) == 4
    await floor.seconds(5)
    assert len(floor.alarms()) == 4


async def test_a_full_disk_is_survived_and_tried_again(floor: Floor, caplog: pytest.LogCaptureFixture) -> None:
    floor.answer(4, wait_s=40.0)
    floor.journal.full = True  # type: ignore[attr-defined]
    await floor.seconds(30)
    assert floor.alarms() == []
    assert caplog.text.count("an alarm cannot be recorded") == 1
    floor.journal.full = False  # type: ignore[attr-defined]
    await floor.seconds(2)
    assert set(floor.alarms()) == LATE


async def test_out_of_sight_nothing_is_raised_and_what_stands_stays(floor: Floor) -> None:
    floor.answer(4, wait_s=40.0)
    await floor.seconds(12)
    floor.tell(PbxDown(pbx="central", reason="lost"))
    await floor.seconds(60)
    floor.tell(CallQueued(call="w", pbx="central", visit="w", queue="ventas"))
    await floor.seconds(120)
    assert len(floor.alarms()) == 4


async def test_a_step_of_the_wall_clock_is_no_time(floor: Floor) -> None:
    floor.answer(4, wait_s=40.0)
    await floor.seconds(5)
    floor.clock.step_wall(3600)
    await floor.seconds(4)
    assert floor.alarms() == []
    floor.clock.step_wall(-3000)
    await floor.seconds(4)
    assert set(floor.alarms()) == LATE


async def test_closing_time_clears_and_an_idle_floor_is_looked_at_seldom(tmp_path: Path) -> None:
    hours = Hours(fri=("08:00-12:01",))
    config = msgspec.structs.replace(CONFIG, site=Site(timezone="UTC", hours=hours))
    floor = Floor(tmp_path, config)
    floor.answer(4, wait_s=40.0)
    await floor.seconds(40)
    assert len(floor.alarms()) == 4
    await floor.seconds(50)
    assert set(floor.alarms()[4:]) == {(name, "cleared") for name, _ in LATE}
    looked, before = 0, floor.run._looked_ns
    for _ in range(60):
        await floor.seconds(1)
        looked, before = looked + (floor.run._looked_ns != before), floor.run._looked_ns
    assert looked <= 7, "nobody waits and nothing turns"
    floor.close()


async def test_thresholds_taken_out_of_the_configuration_leave_no_alarm_behind(floor: Floor) -> None:
    floor.answer(4, wait_s=40.0)
    floor.tell(AlarmRaised(alarm="headset.a12.mute", level="amber"), AlarmAcknowledged(alarm="headset.a12.mute"))
    await floor.seconds(12)
    off = AlarmConfig(min_calls=2, every={"asa": Limit(off=True)})
    floor.config = msgspec.structs.replace(CONFIG, alarm=off)
    floor.kill()
    floor.start()
    await floor.seconds(13)
    assert {alarm.id for alarm in floor.view.snapshot().alarms} == {SL, "floor.service_level", "headset.a12.mute"}


async def test_of_two_processes_one_watches_and_the_other_takes_over(floor: Floor) -> None:
    first = floor.run
    await floor.seconds(2)
    floor.start()
    floor.answer(4, wait_s=40.0)
    await floor.seconds(40)
    assert floor.alarms() == [], "the first one has the watch, and its loop stands still here"
    await first.leave()
    await floor.seconds(25)
    assert set(floor.alarms()) == LATE


async def test_more_alarms_than_one_append_takes_are_raised_and_cleared_all_the_same(tmp_path: Path) -> None:
    """A large floor at closing time: every queue's alarms are cleared in one second."""
    only = {figure: Limit(off=True) for figure in ("longest_wait", "service_level", "abandon_rate", "asa", "fcr")}
    every = {**only, "waiting": Limit(amber=0, red=0)}
    floor = Floor(tmp_path, msgspec.structs.replace(CONFIG, alarm=AlarmConfig(hold_s=0, every=every)))
    for at in range(600):
        floor.tell(CallQueued(call=f"c{at}", pbx="central", visit=f"v{at}", queue=f"q{at}"))
    await floor.seconds(6)
    assert len(floor.alarms()) == 601
    assert floor.run._watch.left_out == 0
    for at in range(600):
        floor.tell(CallAnswered(call=f"c{at}", pbx="central", visit=f"v{at}", queue=f"q{at}", agent="ana", wait_s=1.0))
    await floor.seconds(6)
    assert len(floor.alarms()) == 1202
    assert len(set(floor.alarms())) == 1202, "each once"
    assert floor.view.snapshot().alarms == []
    floor.close()
