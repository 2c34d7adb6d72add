"""The command `headset_ring` through the whole service: rung for its time, and refused with the reason where nothing can ring."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk_floor import Floor
from sim_desk import Desk, open_desk

from appliance.core.catalogue import AgentStateChanged, CommandFinished, CommandReceived, HeadsetAttached, HeadsetDetached, PbxResynced
from appliance.core.clock import NS
from appliance.core.command_owner import owned_elsewhere
from appliance.core.config import Config
from appliance.core.headset_config import HeadsetsConfig, SeatConfig
from appliance.sim.headset_descriptor import application, bits, padding, report
from headsets.usage import HEADSET, HOOK_SWITCH

LIT_RING, RINGER = 4, 32
#: A headset with a hook switch and no lamp.
PLAIN = application(HEADSET, report(2), bits("input", HOOK_SWITCH), padding("input", 7))


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    floor = Floor(tmp_path)
    yield floor
    floor.close()


@pytest.fixture
def a(tmp_path: Path) -> Path:
    return tmp_path / "a.sock"


def config(path: Path, **more: Any) -> HeadsetsConfig:
    return HeadsetsConfig(minutes=False, seat={"a": SeatConfig(url=f"sim:{path}")}, **more)


async def end_of(floor: Floor, **args: Any) -> CommandFinished:
    """Give the command, and wait for its end."""
    name = f"c-{len(floor.events(CommandReceived))}"
    await floor.tell(CommandReceived(id=name, verb="headset_ring", args=args, digest="d"))
    await floor.reached(lambda: name in {each.id for each in floor.events(CommandFinished)})
    (end,) = (each for each in floor.events(CommandFinished) if each.id == name)
    assert isinstance(end, CommandFinished)
    return end


async def test_it_rings_for_as_long_as_is_asked_or_configured(floor: Floor, a: Path) -> None:
    async with open_desk(a) as desk:
        await _rung(floor, desk, a)
        # Whoever stops the service does not leave a headset that rings for ever.
        await floor.reached(lambda: desk.written[-1][1] == 0)


async def _rung(floor: Floor, desk: Desk, a: Path) -> None:
    async with floor.service(config(a, ring_s=80.0)) as service:
        await floor.reached(lambda: floor.events(HeadsetAttached))
        end = await end_of(floor, seat="a", seconds=400)
        assert (end.state, end.reason) == ("done", None)
        assert end.result is not None
        assert end.result["seat"] == "a"
        assert 300 < end.result["seconds"] <= 400
        await floor.reached(lambda: desk.written and desk.written[-1][1] == LIT_RING | RINGER)
        end = await end_of(floor, seat="a", pattern="ring")
        assert end.result is not None
        assert 40 < end.result["seconds"] <= 80
        assert service.keeper is not None
        due_ns = service.keeper.seats["a"].due_ns
        assert due_ns is not None
        assert due_ns <= floor.clock.mono_ns() + 80 * NS


async def test_one_that_is_unplugged_cannot_and_neither_can_one_that_is_nobodys(floor: Floor, a: Path) -> None:
    async with floor.service(config(a)):
        await floor.reached(lambda: floor.events(HeadsetDetached))
        end = await end_of(floor, seat="a")
        assert (end.state, (end.reason or "").split(":")[0]) == ("failed", "unplugged")
        end = await end_of(floor, seat="far.a")
        assert (end.state, end.reason) == ("failed", "unknown_seat: far.a is no seat of this box; there are a")
        assert (await end_of(floor, seat="a", pattern="waltz")).reason == "unknown_pattern: waltz; a headset knows ring"
        assert (await end_of(floor, seat="a", volume=11)).state == "refused"


async def test_one_that_is_watched_is_never_written(floor: Floor, a: Path) -> None:
    async with open_desk(a) as desk, floor.service(config(a, hold="watch")):
        await floor.reached(lambda: floor.events(HeadsetAttached))
        end = await end_of(floor, seat="a")
        assert (end.state, (end.reason or "").split(":")[0]) == ("failed", "watched")
        assert not desk.written


async def test_one_in_a_call_that_was_there_before_us_is_not_written_and_it_is_said(floor: Floor, a: Path) -> None:
    """Our first report would end its mute, so a ring is not worth it; but who asked must not go and listen for it."""
    await floor.tell(PbxResynced(pbx="p"), AgentStateChanged(agent="ana", pbx="p", state="talking"))
    seats = HeadsetsConfig(minutes=False, seat={"a": SeatConfig(url=f"sim:{a}", agent="ana")})
    async with open_desk(a) as desk, floor.service(seats) as service:
        await floor.reached(lambda: service.keeper and service.keeper.seats["a"].attached and service.keeper.seats["a"].call == "talking")
        end = await end_of(floor, seat="a")
        assert (end.state, (end.reason or "").split(":")[0]) == ("failed", "busy")
        assert not desk.written
        await floor.tell(AgentStateChanged(agent="ana", pbx="p", state="paused"))
        await floor.reached(lambda: desk.written)
        assert (await end_of(floor, seat="a")).state == "done"


async def test_one_without_lamps_has_nothing_that_rings(floor: Floor, a: Path) -> None:
    async with open_desk(a, descriptor=PLAIN) as desk, floor.service(config(a)):
        await floor.reached(lambda: floor.events(HeadsetAttached))
        end = await end_of(floor, seat="a")
        assert (end.state, end.reason) == ("failed", "unsupported: the headset at a (Desk) has nothing that rings")
        assert not desk.written


async def test_one_that_was_given_while_nobody_listened_rings_once_for_what_is_left(floor: Floor, a: Path) -> None:
    await floor.tell(CommandReceived(id="c-0", verb="headset_ring", args={"seat": "a", "seconds": 600}, digest="d"))
    async with open_desk(a) as desk:
        async with floor.service(config(a)):
            await floor.reached(lambda: desk.written and desk.written[-1][1] == LIT_RING | RINGER)
            await floor.reached(lambda: floor.events(CommandFinished))
        async with floor.service(config(a)):
            assert (await end_of(floor, seat="b")).state == "failed"
        assert [(each.id, each.state) for each in floor.events(CommandFinished)] == [("c-0", "done"), ("c-1", "failed")]


def test_who_owns_the_verb() -> None:
    assert "headset_ring" not in owned_elsewhere(Config())
    assert "headset_ring" in owned_elsewhere(Config(headsets=HeadsetsConfig()))
