"""A seat's lamps on their way to a device: one write at a time, the newest wish, and whose answer counts."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sim_desk import until

from appliance.core.clock import ManualClock
from appliance.core.config import Config
from appliance.core.errors import TransientError
from appliance.core.headset_config import HeadsetsConfig
from appliance.core.journal_memory import MemoryJournal
from appliance.outbox import Outbox
from appliance.service import Context
from appliance.sim.headset_layout import JABRA_LIKE, POLY_LIKE
from drivers.hid_device import HidInfo
from drivers.hid_sim import SimHid
from headsets.host import Leds
from headsets.keeper import SeatKeeper
from headsets.lamps import Lamps
from headsets.model import layout_from
from headsets.rim import Rim
from headsets.seat import Seat, Step

INFO = HidInfo("1-2", 3, "", 1, 2, 0x1209, 0x0001, product="Desk")
DARK: Leds = {"off_hook": False, "mute": False, "ring": False, "hold": False}
OFF_HOOK: Leds = DARK | {"off_hook": True}
MUTED: Leds = OFF_HOOK | {"mute": True}


class Silence:
    def ready(self) -> None: ...
    def progress(self) -> None: ...
    def status(self, text: str) -> None: ...


class Told(Seat):
    """A seat that remembers what it is told of writes."""

    def __init__(self) -> None:
        super().__init__("a")
        self.wrote_: list[bool] = []

    def wrote(self, ok: bool, now_ns: int) -> Step:
        self.wrote_.append(ok)
        return Step()


class Place:
    """Lamps, and a device that takes a write only when it is let."""

    def __init__(self, rim: Rim, descriptor: bytes) -> None:
        context = Context(Config(headsets=HeadsetsConfig()), MemoryJournal(), ManualClock(), Silence(), "headsets")
        self.keeper = SeatKeeper(context, Outbox(context.journal))
        self.seat = self.keeper.seats["a"] = Told()
        self.faults: list[BaseException] = []
        self.lamps = Lamps("a", self.keeper, rim, self.faults.append)
        self.keeper.lamps["a"] = self.lamps.show
        self.layout = layout_from(descriptor)
        self.device = SimHid(INFO, descriptor)
        self.may = threading.Event()
        self.may.set()
        self.refuses = False
        self.device.on_write = self._takes

    def _takes(self, _report: bytes) -> None:
        self.may.wait(20)
        if self.refuses:
            raise TransientError("it refuses")


@asynccontextmanager
async def open_place(descriptor: bytes = JABRA_LIKE) -> AsyncIterator[Place]:
    rim = Rim()
    place = Place(rim, descriptor)
    try:
        yield place
    finally:
        place.may.set()
        await rim.finish()


async def test_what_is_wished_before_it_is_open_is_shown_when_it_is() -> None:
    async with open_place() as place:
        place.lamps.show(OFF_HOOK)
        place.lamps.show(MUTED)
        assert not place.device.written
        place.lamps.opened(place.device, place.layout)
        await until(lambda: place.seat.wrote_)
        assert list(place.device.written) == [bytes((2, 3, 0))]
        assert place.seat.wrote_ == [True]


async def test_the_newest_wish_wins_while_a_write_is_under_way_and_one_answer_is_told() -> None:
    async with open_place() as place:
        place.lamps.opened(place.device, place.layout)
        place.may.clear()
        for leds in (OFF_HOOK, MUTED, OFF_HOOK, DARK):
            place.lamps.show(leds)
        await until(lambda: len(place.device.written) == 1)
        place.may.set()
        await until(lambda: place.seat.wrote_)
        assert list(place.device.written) == [bytes((2, 1, 0)), bytes((2, 0, 0))]
        assert place.seat.wrote_ == [True]


async def test_only_what_changed_is_written_but_a_press_is_answered_with_all() -> None:
    """Of a device with a report for each lamp."""
    async with open_place(POLY_LIKE) as place:
        place.lamps.opened(place.device, place.layout)
        place.lamps.show(OFF_HOOK)
        await until(lambda: len(place.seat.wrote_) == 1)
        whole = len(place.device.written)
        assert whole > 1
        place.lamps.show(MUTED)
        await until(lambda: len(place.seat.wrote_) == 2)
        assert len(place.device.written) == whole + 1
        place.lamps.show(MUTED)
        await until(lambda: len(place.seat.wrote_) == 3)
        assert len(place.device.written) == 2 * whole + 1


async def test_a_write_that_fails_is_told_and_the_next_writes_all() -> None:
    async with open_place(POLY_LIKE) as place:
        place.lamps.opened(place.device, place.layout)
        place.refuses = True
        place.lamps.show(OFF_HOOK)
        await until(lambda: place.seat.wrote_ == [False])
        assert [str(fault) for fault in place.faults] == ["it refuses"]
        assert len(place.device.written) == 1
        place.refuses = False
        place.lamps.show(OFF_HOOK)
        await until(lambda: place.seat.wrote_ == [False, True])
        assert len(place.device.written) > 2


async def test_the_answer_of_one_that_was_pulled_is_not_the_next_ones() -> None:
    async with open_place() as place:
        place.lamps.opened(place.device, place.layout)
        place.may.clear()
        place.lamps.show(OFF_HOOK)
        await until(lambda: place.device.written)
        writing = place.lamps.shut()
        assert writing is not None
        place.keeper.lamps["a"] = lambda _leds: None  # the next one's
        place.may.set()
        await writing
        await until(writing.done)
        assert place.seat.wrote_ == []
