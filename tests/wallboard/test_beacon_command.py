"""The command `beacon` over a real journal: carried out once, in order; refused, expired, unknown; killed at every step of the way."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from appliance.core.catalogue import BoxHealth, CommandFinished, CommandReceived, event_from_stored
from appliance.core.clock import ManualClock
from appliance.core.config import Beacon, Commands, Config
from appliance.core.config import Wallboard as Boards
from appliance.core.errors import FullError
from appliance.core.event import stored_from_body
from appliance.core.journal import Cursor
from appliance.core.journal_sqlite import SqliteJournal
from appliance.service import Context
from wallboard.beacon.command import SINK, BeaconCommands
from wallboard.beacon.pattern import FLASH, STEADY, Pattern, beeps


class Notes:
    def ready(self) -> None: ...
    def progress(self) -> None: ...
    def status(self, text: str) -> None: ...


class Lamp:
    """A stack light that writes down what it was told to play."""

    def __init__(self, lamps: Sequence[str] = ("green", "red", "buzzer"), *, held: bool = True, quiet: bool = False) -> None:
        self.lamps, self.held, self.quiet = tuple(lamps), held, quiet
        self.played: list[tuple[str, Pattern, float]] = []

    def play(self, lamp: str, pattern: Pattern, seconds: float) -> bool:
        if self.held:
            self.played.append((lamp, pattern, seconds))
        return self.held

    def is_quiet(self) -> bool:
        return self.quiet


class Room:
    def __init__(self, folder: Path, clock: ManualClock, config: Config | None = None) -> None:
        self.config = config or Config(wallboard=Boards(beacon={"torre": Beacon(red=22)}))
        self.journal = SqliteJournal.open(folder / "journal.db", run_dir=folder / "run", due=lambda _: False, clock=clock)
        self.context = Context(self.config, self.journal, clock, Notes(), "wallboard")

    async def command(self, name: str, expires: str | None = None, **args: Any) -> int:
        return await self.context.emit(CommandReceived(id=name, verb="beacon", args=args, expires=expires, digest="d"))

    def ends(self) -> list[tuple[str, str, str | None]]:
        rows = (event_from_stored(stored_from_body(row.body)) for row in self.journal.read(0))
        return [(e.data.id, e.data.state, e.data.reason) for e in rows if e is not None and isinstance(e.data, CommandFinished)]


@contextlib.asynccontextmanager
async def running(room: Room, lights: Mapping[str, Lamp], ends: int, full_s: float = 1.0) -> AsyncIterator[None]:
    """The owner at work until so many commands have their end."""
    task = asyncio.create_task(BeaconCommands(room.context, lights, full_s=full_s).run())
    try:
        yield
        async with asyncio.timeout(15):
            while len(room.ends()) < ends and not task.done():
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def room(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Room]:
    made = Room(tmp_path, clock)
    yield made
    made.journal.close()


async def test_a_lamp_is_lit_and_the_end_told(room: Room) -> None:
    torre = Lamp()
    async with running(room, {"torre": torre}, 4):
        await room.command("c1", lamp="torre.red", pattern="steady", seconds=30)
        await room.command("c2", lamp="torre")
        await room.command("c3", lamp="torre.buzzer", seconds=5)
        await room.command("c4", lamp="torre.buzzer", pattern="beep")
    assert torre.played == [
        ("red", STEADY, 30.0), ("green", FLASH, 60.0), ("red", FLASH, 60.0), ("buzzer", beeps(3), 5.0), ("buzzer", beeps(3), 60.0),
    ]  # fmt: skip
    assert room.ends() == [(f"c{number}", "done", None) for number in (1, 2, 3, 4)]


async def test_a_name_with_a_point_is_not_mistaken(room: Room) -> None:
    norte, torre = Lamp(("red",)), Lamp(("red",))
    async with running(room, {"torre.norte": norte, "torre": torre}, 2):
        await room.command("c1", lamp="torre.norte")
        await room.command("c2", lamp="torre.norte.red")
    assert (len(norte.played), len(torre.played)) == (2, 0)


@pytest.mark.parametrize(
    ("args", "expires", "state", "word"),
    [
        ({"lamp": "faro.red"}, None, "failed", "unknown_lamp: none here is called faro.red; there are torre.green"),
        ({"lamp": "torre.blue"}, None, "failed", "unknown_lamp"),
        ({"lamp": "red"}, None, "failed", "unknown_lamp"),
        ({"lamp": "torre.red", "pattern": "disco"}, None, "failed", "unknown_pattern: disco; there are dark, steady"),
        ({"lamp": "torre.buzzer", "pattern": "steady"}, None, "failed", "a buzzer knows beep"),
        ({"lamp": "torre.red", "pattern": "beep"}, None, "failed", "unknown_pattern"),
        ({"lamp": "torre.red", "seconds": 0}, None, "refused", "bad_args"),
        ({"lamp": "torre.red", "siren": True}, None, "refused", "bad_args"),
        ({}, None, "refused", "bad_args"),
        ({"lamp": "torre.red"}, "2020-01-01T00:00:00Z", "expired", "expired at"),
    ],
)
async def test_what_is_not_carried_out_says_why(room: Room, args: dict[str, Any], expires: str | None, state: str, word: str) -> None:
    torre = Lamp()
    async with running(room, {"torre": torre}, 1):
        await room.command("c1", expires, **args)
    [(name, ended, reason)] = room.ends()
    assert (name, ended, torre.played) == ("c1", state, [])
    assert word in (reason or "")


@pytest.mark.parametrize(
    ("light", "lamp", "word"), [(Lamp(held=False), "torre", "unplugged"), (Lamp(quiet=True), "torre.buzzer", "quiet_hours")]
)
async def test_a_light_that_cannot(room: Room, light: Lamp, lamp: str, word: str) -> None:
    async with running(room, {"torre": light}, 1):
        await room.command("c1", lamp=lamp)
    assert room.ends()[0][1] == "failed"
    assert word in (room.ends()[0][2] or "")


async def test_a_verb_that_the_site_does_not_allow(tmp_path: Path, clock: ManualClock) -> None:
    config = Config(wallboard=Boards(beacon={"torre": Beacon(red=22)}), commands=Commands(allow=("ping",)))
    shut = Room(tmp_path, clock, config)
    async with running(shut, {"torre": (torre := Lamp())}, 1):
        await shut.command("c1", lamp="torre")
    assert (shut.ends()[0][1], torre.played) == ("refused", [])
    shut.journal.close()


async def test_other_rows_ids_that_come_again_and_what_was_refused_at_the_door_are_passed_over(room: Room) -> None:
    torre = Lamp()
    refused = CommandReceived(id="c0", verb="beacon", digest="d")
    await room.context.emit(refused, CommandFinished(id="c0", state="refused", reason="retained"))
    await room.context.emit(CommandReceived(id="p1", verb="ping", digest="d"), BoxHealth(id="disk", level="ok"))
    async with running(room, {"torre": torre}, 2):
        await room.command("c1", lamp="torre.red")
        await room.command("c1", lamp="torre.red")
    assert room.ends() == [("c0", "refused", "retained"), ("c1", "done", None)]
    assert len(torre.played) == 1


async def test_received_before_a_restart_and_not_passed_runs_for_what_is_left_of_its_time(room: Room, clock: ManualClock) -> None:
    torre = Lamp()
    await room.command("short", lamp="torre.red", seconds=10)
    await room.command("long", lamp="torre.red", seconds=100)
    clock.advance(40.0)
    async with running(room, {"torre": torre}, 2):
        pass
    assert [end[:2] for end in room.ends()] == [("short", "expired"), ("long", "done")]
    assert torre.played == [("red", FLASH, pytest.approx(60.0))]


async def test_after_another_boot_the_wall_clock_counts(room: Room, clock: ManualClock) -> None:
    await room.command("c1", lamp="torre.red", seconds=100)
    clock.step_wall(30.0)
    clock.reboot("next")
    async with running(room, {"torre": (torre := Lamp())}, 1):
        pass
    assert torre.played == [("red", FLASH, pytest.approx(70.0))]


async def test_passed_and_without_an_end_is_unknown_and_not_run_again(room: Room) -> None:
    """Killed after the cursor was on disk and before the end was told, whether or not the lamp was lit."""
    seq = await room.command("c1", lamp="torre.red")
    room.journal.save(SINK, Cursor(room.journal.epoch, seq))
    await room.context.emit(BoxHealth(id="disk", level="ok"))
    async with running(room, {"torre": (torre := Lamp())}, 1):
        pass
    assert [end[:2] for end in room.ends()] == [("c1", "unknown")]
    assert torre.played == []
    async with running(room, {"torre": torre}, 2):
        await room.command("c2", lamp="torre.red")
    assert [end[:2] for end in room.ends()] == [("c1", "unknown"), ("c2", "done")]


async def test_a_restart_after_the_end_runs_nothing_again(room: Room, clock: ManualClock) -> None:
    torre = Lamp()
    async with running(room, {"torre": torre}, 1):
        await room.command("c1", lamp="torre.red", seconds=600)
    for _ in range(2):
        async with running(room, {"torre": torre}, 1):
            await asyncio.sleep(0.02)
    room.journal.save(SINK, Cursor("another-epoch", 5))  # a cursor that was lost: every row is read again
    async with running(room, {"torre": torre}, 1):
        await asyncio.sleep(0.05)
    assert (len(torre.played), len(room.ends())) == (1, 1)


async def test_the_place_is_kept_lazily_so_that_a_start_need_not_read_the_day(room: Room, clock: ManualClock) -> None:
    async with running(room, {"torre": Lamp()}, 0):
        last = await room.context.emit(BoxHealth(id="disk", level="ok"))
        async with asyncio.timeout(15):
            while room.journal.cursor(SINK).seq < last:
                clock.advance(61.0)
                await room.context.emit(BoxHealth(id="disk", level="ok"))
                await asyncio.sleep(0.01)


class FullOnce:
    """A journal whose disk is full for one save and one append; everything else is the real one's."""

    def __init__(self, journal: SqliteJournal) -> None:
        self._journal, self.saves, self.appends = journal, 0, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def save(self, name: str, cursor: Cursor) -> None:
        self.saves += 1
        if self.saves == 1:
            raise FullError("no room")
        self._journal.save(name, cursor)

    async def appended(self, *args: Any) -> int:
        self.appends += 1
        if self.appends == 1:
            raise FullError("no room")
        return await self._journal.appended(*args)


async def test_a_full_disk_holds_a_command_up_and_loses_none(room: Room) -> None:
    await room.command("c1", lamp="torre.red")
    full = FullOnce(room.journal)
    room.context = Context(room.config, full, room.context.clock, Notes(), "wallboard")  # type: ignore[arg-type]
    async with running(room, {"torre": (torre := Lamp())}, 1, full_s=0.02):
        pass
    assert (full.saves, full.appends, len(torre.played)) == (2, 2, 1)
    assert [end[:2] for end in room.ends()] == [("c1", "done")]
