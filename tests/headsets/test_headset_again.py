"""Seats tell again how they are: after the journal was short of room, and on a seat box now and then. It is no change of anything."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk_floor import Floor, Silence
from sim_desk import MUTE_PRESS, MUTE_UP, OFF_HOOK, open_desk, until
from test_headset_keeper import open_keeper, plugged, told

from appliance.core import catalogue as c
from appliance.core.clock import SystemClock
from appliance.core.config import Config, Site
from appliance.core.headset_config import HeadsetsConfig, SeatConfig
from appliance.core.journal_memory import MemoryJournal
from appliance.service import Context
from headsets.minute import Minutes
from headsets.service import Headsets

STATE = [c.HeadsetHook(seat="a", hook="off"), c.HeadsetMute(seat="a", mute=None)]


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    floor = Floor(tmp_path)
    yield floor
    floor.close()


async def test_what_is_told_again_is_no_change() -> None:
    minutes = Minutes()
    changes: list[str] = []
    async with open_keeper(hold="watch") as (keeper, journal):
        keeper.tell_again()
        keeper.apply("a", plugged)
        keeper.apply("a", lambda seat, now_ns: seat.reported({"hook": 1}, now_ns))
        keeper.changed += [minutes.feed, lambda key, _seat, _now_ns: changes.append(key)]
        for _ in range(100):
            keeper.tell_again()
        await until(lambda: len(told(journal)) == 2 + 200)
        assert told(journal)[2:] == STATE * 100
        assert (changes, minutes.end(0), keeper.seats["a"].fresh) == ([], (), "live")
        keeper.apply("a", lambda seat, _now_ns: seat.failed("it stalls"))
        keeper.tell_again()
        keeper.apply("a", lambda seat, _now_ns: seat.pulled())
        keeper.tell_again()
        await until(lambda: isinstance(told(journal)[-1], c.HeadsetDetached))
        assert told(journal)[2 + 200 :] == [c.HeadsetFault(seat="a", fault="it stalls"), c.HeadsetDetached(seat="a")]


async def test_when_the_journal_has_room_again_seats_tell_what_was_not_recorded(floor: Floor, tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    seats = HeadsetsConfig(minutes=False, hold="watch", seat={"a": SeatConfig(url=f"sim:{path}")})
    await floor.tell(c.JournalPressure(state="begins"), c.JournalPressure(state="ends"))
    async with open_desk(path) as desk, floor.service(seats):
        await floor.reached(lambda: desk.connections)
        await floor.tell(c.JournalPressure(state="begins"))
        desk.report(OFF_HOOK, MUTE_PRESS, MUTE_UP)
        await floor.reached(lambda: floor.events(c.HeadsetHook, c.HeadsetMute) == STATE[:1])
        await floor.tell(c.JournalPressure(state="ends"))
        await floor.reached(lambda: floor.events(c.HeadsetHook, c.HeadsetMute) == [STATE[0], *STATE])
        await floor.tell(c.JournalPressure(state="ends"))
        await floor.reached(lambda: floor.events(c.HeadsetHook, c.HeadsetMute) == [STATE[0], *STATE * 2])


@pytest.mark.parametrize(("role", "again_s"), [("seat", 0.2), ("floor", 0.01)])
async def test_a_seat_box_tells_again_now_and_then(tmp_path: Path, role: Any, again_s: float) -> None:
    a, b = tmp_path / "a.sock", tmp_path / "b.sock"
    seats = HeadsetsConfig(minutes=False, hold="watch", seat={"a": SeatConfig(url=f"sim:{a}"), "b": SeatConfig(url=f"sim:{b}")})
    journal = MemoryJournal()
    context = Context(Config(site=Site(role=role), headsets=seats), journal, SystemClock(), Silence(), "headsets")
    async with open_desk(a) as desk:
        running = asyncio.create_task(Headsets(again_s=again_s).run(context))
        try:
            await until(lambda: desk.connections and c.HeadsetDetached(seat="b") in told(journal))
            desk.report(OFF_HOOK)
            await until(lambda: STATE[0] in told(journal))
            if role == "seat":
                await until(lambda: told(journal)[-4:] == STATE * 2)
            else:
                async with open_desk(b) as other:  # looked for again in a quarter of a second
                    await until(lambda: other.connections)
                assert told(journal).count(STATE[0]) == 1, "its own journal has it"
        finally:
            running.cancel()
            await asyncio.wait((running,))
    assert not any(isinstance(each, c.HeadsetHook | c.HeadsetMute) and each.seat == "b" for each in told(journal))
