"""The service over simulated headsets at sockets: what happens at the desk is in the journal, and lamps come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec import Struct
from sim_desk import LONG_S, MUTE_PRESS, MUTE_UP, OFF_HOOK, open_desk, until

from appliance.core.catalogue import (
    HeadsetAttached,
    HeadsetDetached,
    HeadsetHook,
    HeadsetMute,
    event_from_stored,
)
from appliance.core.clock import SystemClock
from appliance.core.config import Config
from appliance.core.event import stored_from_body
from appliance.core.headset_config import HeadsetsConfig, SeatConfig
from appliance.core.journal_memory import MemoryJournal
from appliance.service import Context
from headsets.service import Headsets


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
async def open_box(headsets: HeadsetsConfig, journal: MemoryJournal | None = None) -> AsyncIterator[Box]:
    box = Box(journal or MemoryJournal())
    context = Context(Config(headsets=headsets), box.journal, SystemClock(), Silence(), "headsets")
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


async def test_stopping_is_no_pulling(a: Path) -> None:
    async with open_desk(a), open_box(seats(a)) as box:
        await box.until(ATTACHED)
    assert box.told() == [ATTACHED]
