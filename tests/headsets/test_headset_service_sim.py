"""The service over simulated headsets at sockets: what happens at the desk is in the journal, and lamps come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec import Struct, structs
from sim_desk import LONG_S, MUTE_PRESS, MUTE_UP, OFF_HOOK, open_desk, until

from appliance.core.alive import is_alive
from appliance.core.catalogue import (
    HeadsetAttached,
    HeadsetDetached,
    HeadsetFault,
    HeadsetHook,
    HeadsetMinute,
    HeadsetMute,
    event_from_stored,
)
from appliance.core.clock import SystemClock
from appliance.core.config import Config, JournalConfig
from appliance.core.errors import TransientError
from appliance.core.event import stored_from_body
from appliance.core.headset_config import HeadsetsConfig, SeatConfig
from appliance.core.journal_memory import MemoryJournal
from appliance.service import Context
from appliance.sim.headset_layout import JABRA_LIKE
from headsets.seat import Seat
from headsets.service import Headsets, wants_usb


class Silence:
    """A watch that nobody looks at."""

    def ready(self) -> None: ...
    def progress(self) -> None: ...
    def status(self, text: str) -> None: ...


class Box:
    """A service that runs, and what its journal holds of the headsets."""

    def __init__(self, journal: MemoryJournal) -> None:
        self.journal = journal
        self.service = Headsets()

    def told(self, seat: str | None = None) -> list[Struct]:
        rows = [event_from_stored(stored_from_body(entry.body)) for entry in self.journal.read(0)]
        data = [row.data for row in rows if row is not None and row.kind.startswith("headset.")]
        return [each for each in data if seat is None or getattr(each, "seat", None) == seat]

    async def until(self, *data: Struct, seat: str | None = None) -> None:
        """Till exactly these were told, in this order."""
        try:
            await until(lambda: len(self.told(seat)) >= len(data))
        finally:
            assert self.told(seat) == list(data)


@asynccontextmanager
async def open_box(headsets: HeadsetsConfig, journal: MemoryJournal | None = None, clock: SystemClock | None = None) -> AsyncIterator[Box]:
    box = Box(journal or MemoryJournal())
    context = Context(Config(headsets=headsets), box.journal, clock or SystemClock(), Silence(), "headsets")
    running = asyncio.create_task(box.service.run(context))
    try:
        yield box
    finally:
        running.cancel()
        async with asyncio.timeout(LONG_S):
            await asyncio.wait((running,))
        if not running.cancelled():
            running.result()


def seats(*paths: Path, **more: object) -> HeadsetsConfig:
    more = {"minutes": False} | more
    return HeadsetsConfig(seat={path.stem: SeatConfig(url=f"sim:{path}") for path in paths}, **more)  # type: ignore[arg-type]


ATTACHED = HeadsetAttached(seat="a", vendor_id="1209", product_id="0001", product="Desk")


@pytest.fixture
def a(tmp_path: Path) -> Path:
    return tmp_path / "a.sock"


async def test_plugged_pressed_and_pulled(a: Path) -> None:
    async with open_box(seats(a)) as box:
        await box.until(HeadsetDetached(seat="a"))
        async with open_desk(a) as desk:
            told = [HeadsetDetached(seat="a"), ATTACHED]
            await box.until(*told)
            desk.report(OFF_HOOK)
            # The lamps that answer it say that the microphone is open.
            told += [HeadsetHook(seat="a", hook="off"), HeadsetMute(seat="a", mute=False, by="host")]
            await box.until(*told)
            desk.report(MUTE_PRESS, MUTE_UP)
            told.append(HeadsetMute(seat="a", mute=True, by="host"))
            await box.until(*told)
            assert desk.written[0] == bytes((2, 1, 0))
            assert desk.written[-1] == bytes((2, 3, 0))
        await box.until(*told, HeadsetDetached(seat="a"))
        async with open_desk(a):
            await box.until(*told, HeadsetDetached(seat="a"), ATTACHED)


async def test_stopping_is_no_pulling_and_what_was_there_before_is_found(a: Path) -> None:
    journal = MemoryJournal()
    async with open_desk(a) as desk:
        async with open_box(seats(a), journal) as box:
            await box.until(ATTACHED)
        assert box.told() == [ATTACHED]
        async with open_box(seats(a), journal) as box:
            await box.until(ATTACHED, ATTACHED)
            assert desk.written == []


async def test_what_was_at_a_seat_that_is_no_more_is_told_as_gone(a: Path) -> None:
    journal = MemoryJournal()
    async with open_desk(a), open_box(seats(a), journal) as box:
        await box.until(ATTACHED)
    other = a.with_name("b.sock")
    async with open_box(seats(other), journal) as box:
        await box.until(ATTACHED, HeadsetDetached(seat="a"), seat="a")
        await box.until(HeadsetDetached(seat="b"), seat="b")


async def test_a_watched_one_is_not_written(a: Path) -> None:
    async with open_desk(a) as desk, open_box(seats(a, hold="watch")) as box:
        await box.until(ATTACHED)
        desk.report(OFF_HOOK)
        await box.until(ATTACHED, HeadsetHook(seat="a", hook="off"))
        assert desk.written == []


async def test_nonsense_is_counted_and_told_with_the_name_of_the_device(a: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with open_desk(a) as desk, open_box(seats(a, hold="watch")) as box:
        await box.until(ATTACHED)
        desk.report(*[b"\x63\xff\xff", b"\x02", bytes(3)] * 50)
        desk.report(OFF_HOOK)
        await box.until(ATTACHED, HeadsetHook(seat="a", hook="off"))
    told = [record.getMessage() for record in caplog.records if "passed over" in record.getMessage()]
    assert told == ["headset Desk (1209:0001) at port sim: report 99 is not in the descriptor; passed over 1, 1 since it was plugged"]


async def test_a_descriptor_that_is_nonsense_is_a_headset_of_which_nothing_is_known(a: Path) -> None:
    async with open_desk(a, descriptor=JABRA_LIKE[:9]) as desk, open_box(seats(a)) as box:
        desk.report(OFF_HOOK, MUTE_PRESS)
        await until(lambda: len(box.told()) == 2)
    fault = box.told()[1]
    assert isinstance(fault, HeadsetFault)
    assert fault.fault.startswith("headset Desk (1209:0001) at port sim: its report descriptor is malformed (")


async def test_one_that_breaks_off_in_a_frame_comes_back_and_the_others_never_left(a: Path) -> None:
    b = a.with_name("b.sock")
    async with open_desk(a) as one, open_desk(b) as other, open_box(seats(a, b, hold="watch")) as box:
        await box.until(ATTACHED, seat="a")
        await box.until(structs.replace(ATTACHED, seat="b"), seat="b")
        one.raw(b"\x00\x00")
        await box.until(ATTACHED, HeadsetDetached(seat="a"), ATTACHED, seat="a")
        assert (one.connections, other.connections) == (2, 1)
        other.report(OFF_HOOK)
        await box.until(structs.replace(ATTACHED, seat="b"), HeadsetHook(seat="b", hook="off"), seat="b")


class Stumbling(SystemClock):
    """Fails once whoever asks it in a task with such a name."""

    def __init__(self, task: str) -> None:
        super().__init__()
        self.task: str | None = task

    def mono_ns(self) -> int:
        task = asyncio.current_task()
        if self.task and task is not None and self.task in task.get_name():
            self.task = None
            raise ZeroDivisionError("of its own")
        return super().mono_ns()


async def test_one_life_that_dies_leaves_the_others(a: Path, caplog: pytest.LogCaptureFixture) -> None:
    b = a.with_name("b.sock")
    other_is = structs.replace(ATTACHED, seat="b")
    async with open_desk(a), open_desk(b) as other, open_box(seats(a, b, hold="watch"), clock=Stumbling("at seat a")) as box:
        await until(lambda: "the simulated headset at seat a failed: ZeroDivisionError" in caplog.text)
        await box.until(other_is, seat="b")
        other.report(OFF_HOOK)
        await box.until(other_is, HeadsetHook(seat="b", hook="off"), seat="b")


async def test_whoever_follows_the_seats_and_fails_harms_none(a: Path, caplog: pytest.LogCaptureFixture) -> None:
    def fails(_key: str, _seat: Seat, _now_ns: int) -> None:
        raise ZeroDivisionError("of whoever listens")

    async with open_box(seats(a, hold="watch")) as box:
        await box.until(HeadsetDetached(seat="a"))
        assert box.service.keeper is not None
        box.service.keeper.changed.insert(0, fails)
        async with open_desk(a) as desk:
            await box.until(HeadsetDetached(seat="a"), ATTACHED)
            desk.report(OFF_HOOK)
            await box.until(HeadsetDetached(seat="a"), ATTACHED, HeadsetHook(seat="a", hook="off"))
    assert "what follows from a change at a seat failed: ZeroDivisionError" in caplog.text


async def test_the_lamps_follow_the_newest_wish_though_one_before_hangs(a: Path) -> None:
    """Whoever does not read gets no more than one write at a time, and the newest state in the end."""
    async with open_desk(a) as desk, open_box(seats(a)) as box:
        await box.until(ATTACHED)
        keeper = box.service.keeper
        assert keeper is not None
        for state in ("ringing", "talking", "holding", "available") * 10:
            keeper.apply("a", lambda seat, now_ns, state=state: seat.told(state, now_ns))  # type: ignore[misc]
        await until(lambda: desk.written and desk.written[-1] == bytes((2, 0, 0)))
        assert len(desk.written) <= 3


async def test_the_minutes_are_told_at_the_end_too(a: Path) -> None:
    async with open_desk(a) as desk, open_box(seats(a, hold="watch", minutes=True)) as box:
        await box.until(ATTACHED)
        desk.report(OFF_HOOK)
        await box.until(ATTACHED, HeadsetHook(seat="a", hook="off"))
    (minute,) = [data for data in box.told() if isinstance(data, HeadsetMinute)]
    assert (minute.seat, minute.changes) == ("a", 1)
    assert 0 < minute.off_hook_s <= minute.told_s


async def test_where_all_seats_are_simulated_usb_is_left_alone(a: Path) -> None:
    """Whoever tries the demo on a laptop keeps the headset that is plugged there."""
    assert not wants_usb(seats(a))
    assert wants_usb(HeadsetsConfig())
    assert wants_usb(HeadsetsConfig(seat={"a": SeatConfig(url=f"sim:{a}"), "b": SeatConfig(url="usb:1-2")}))


async def test_two_on_one_box_are_one_too_many(a: Path, tmp_path: Path) -> None:
    config = Config(headsets=seats(a), journal=JournalConfig(run_dir=tmp_path))
    context = Context(config, MemoryJournal(), SystemClock(), Silence(), "headsets")
    first = asyncio.create_task(Headsets().run(context))
    await until(lambda: is_alive(tmp_path, "headsets"))
    with pytest.raises(TransientError, match="another process already reads the headsets"):
        await Headsets().run(context)
    first.cancel()
    await asyncio.wait((first,))
    assert not is_alive(tmp_path, "headsets")
