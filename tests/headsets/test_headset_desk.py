"""The seats and the PBX, through the whole service: a journal on disk, simulated headsets, the PBX's events as the gateway appends them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from desk_floor import ANA, SOON, Floor, state
from sim_desk import MUTE_PRESS, MUTE_UP, OFF_HOOK, ON_HOOK, open_desk

from appliance.core import catalogue as c
from appliance.core.clock import NS
from appliance.core.headset_config import HeadsetsConfig, SeatConfig
from headsets.service import Headsets

UP = c.PbxResynced(pbx="p")
#: The second byte of what is written to the headset.
LIT_OFF_HOOK, LIT_RING, LIT_HOLD = 1, 4, 8


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    floor = Floor(tmp_path)
    yield floor
    floor.close()


@pytest.fixture
def a(tmp_path: Path) -> Path:
    return tmp_path / "a.sock"


@pytest.fixture
def b(tmp_path: Path) -> Path:
    return tmp_path / "b.sock"


def by_phone(path: Path, phone: str = "PJSIP/101", **more: object) -> SeatConfig:
    return SeatConfig(url=f"sim:{path}", interface=phone, **more)  # type: ignore[arg-type]


def config(*, hold_s: object = SOON, **seats: SeatConfig) -> HeadsetsConfig:
    return HeadsetsConfig(minutes=False, hold_s=hold_s, seat=seats)  # type: ignore[arg-type]


async def test_the_headset_rings_when_the_agents_phone_does_and_follows_the_call(floor: Floor, a: Path) -> None:
    await floor.tell(UP, ANA, state("available"))
    async with open_desk(a) as desk, floor.service(config(a=by_phone(a))):
        await floor.reached(lambda: desk.connections)
        await floor.tell(state("ringing"))
        await floor.reached(lambda: desk.written and desk.written[-1][1] == LIT_RING)
        await floor.tell(state("talking"))
        await floor.reached(lambda: desk.written[-1][1] == LIT_OFF_HOOK)
        await floor.tell(state("available"))
        await floor.reached(lambda: desk.written[-1][1] == 0)
        await floor.reached(lambda: floor.events(c.HeadsetHook))
        assert {each.agent for each in floor.events(c.HeadsetHook)} == {"ana"}


async def test_who_logs_out_in_the_middle_of_a_call_leaves_no_lamp_lit(floor: Floor, a: Path) -> None:
    await floor.tell(UP, ANA, state("talking"))
    async with open_desk(a) as desk, floor.service(config(a=by_phone(a))):
        await floor.reached(lambda: desk.connections)
        await floor.tell(state("holding"))
        await floor.reached(lambda: desk.written and desk.written[-1][1] & LIT_OFF_HOOK)
        await floor.tell(c.AgentLoggedOut(agent="ana", pbx="p"))
        await floor.reached(lambda: desk.written[-1][1] == 0)
        await floor.tell(ANA, state("talking"))
        await floor.reached(lambda: desk.written[-1][1] == LIT_OFF_HOOK)
        before = len(desk.written)
        await floor.tell(
            c.AgentLoggedOut(agent="ana", pbx="p"), c.AgentLoggedIn(agent="eva", pbx="p", interface="PJSIP/101"), state("talking", "eva")
        )
        await floor.reached(lambda: len(desk.written) >= before + 2)
        assert [each[1] for each in desk.written[before:]] == [0, LIT_OFF_HOOK], "a call of hers, and lit anew"


async def test_in_a_call_and_on_hook(floor: Floor, a: Path) -> None:
    await floor.tell(UP, ANA, state("talking"))
    async with open_desk(a) as desk, floor.service(config(a=by_phone(a, hold="watch"))):
        await floor.reached(lambda: desk.connections)
        desk.report(ON_HOOK)
        await floor.found("call_on_hook ana")
        assert floor.events(c.HeadsetFinding)[0].for_s >= SOON.call_on_hook


async def test_off_hook_and_no_call(floor: Floor, a: Path) -> None:
    await floor.tell(UP, ANA, state("available"))
    async with open_desk(a) as desk, floor.service(config(a=by_phone(a, hold="watch"))):
        await floor.reached(lambda: desk.connections)
        desk.report(OFF_HOOK)
        await floor.found("off_hook_no_call ana")


async def test_available_and_unplugged(floor: Floor, a: Path) -> None:
    await floor.tell(UP, ANA, state("available"))
    async with floor.service(config(a=by_phone(a))):
        await floor.found("available_unplugged ana")
        async with open_desk(a):
            await floor.found("available_unplugged ana", "-available_unplugged ana")
        await floor.found("available_unplugged ana", "-available_unplugged ana", "available_unplugged ana")


async def test_muted_in_a_call(floor: Floor, a: Path) -> None:
    await floor.tell(UP, ANA, state("talking"))
    async with open_desk(a) as desk, floor.service(config(a=by_phone(a))):
        await floor.reached(lambda: desk.connections)
        desk.report(OFF_HOOK)
        await floor.reached(lambda: floor.events(c.HeadsetMute))
        desk.report(MUTE_PRESS, MUTE_UP)
        await floor.found("muted_in_call ana")


async def test_what_another_program_holds_is_found_without_any_pbx(floor: Floor, a: Path) -> None:
    async with open_desk(a) as desk, floor.service(config(a=SeatConfig(url=f"sim:{a}"))) as service:
        await floor.reached(lambda: desk.connections and service.keeper and "a" in service.keeper.held)
        assert service.keeper is not None
        service.keeper.held["a"] = True  # as the life of a USB headset tells it; a simulated one is nobody else's
        await floor.found("held_elsewhere None")


async def test_only_the_findings_that_are_configured_are_told(floor: Floor, a: Path) -> None:
    await floor.tell(UP, ANA, state("available"))
    seats = HeadsetsConfig(minutes=False, hold_s=SOON, findings=("off_hook_no_call",), seat={"a": by_phone(a, hold="watch")})
    async with floor.service(seats):
        await floor.reached(lambda: floor.events(c.HeadsetDetached))
        async with open_desk(a) as desk:
            await floor.reached(lambda: desk.connections)
            desk.report(OFF_HOOK)
            await floor.found("off_hook_no_call ana")


@pytest.mark.parametrize("how", ["told", "killed", "silent"])
async def test_without_sight_of_the_pbx_no_finding_stands(floor: Floor, a: Path, how: str) -> None:
    await floor.tell(UP, ANA, state("talking"))
    floor.saw(floor.clock.mono_ns())
    async with open_desk(a) as desk, floor.service(config(a=by_phone(a, hold="watch"))) as service:
        await floor.reached(lambda: desk.connections)
        desk.report(ON_HOOK)
        await floor.found("call_on_hook ana")
        if how == "told":
            await floor.tell(c.PbxDown(pbx="p", reason="unreachable"))
        elif how == "killed":
            floor.kill_gateway()
        else:
            floor.saw(floor.clock.mono_ns() - 3600 * NS)
        await floor.found("call_on_hook ana", "-call_on_hook ana")
        assert service.keeper is not None
        assert service.keeper.seats["a"].agent == "ana"
        if how == "told":
            await floor.tell(UP)
            await floor.found("call_on_hook ana", "-call_on_hook ana", "call_on_hook ana")


async def test_no_headset_rings_on_while_the_pbx_is_out_of_sight_and_a_call_is_left_alone(floor: Floor, a: Path) -> None:
    await floor.tell(UP, ANA, state("ringing"))
    async with open_desk(a) as desk, floor.service(config(a=by_phone(a))):
        await floor.reached(lambda: desk.written and desk.written[-1][1] == LIT_RING)
        await floor.tell(c.PbxDown(pbx="p", reason="unreachable"))
        await floor.reached(lambda: desk.written[-1][1] == 0)
        await floor.tell(UP)
        await floor.reached(lambda: desk.written[-1][1] == LIT_RING)
        await floor.tell(state("talking"))
        await floor.reached(lambda: desk.written[-1][1] == LIT_OFF_HOOK)
        before = len(desk.written)
        await floor.tell(c.PbxDown(pbx="p", reason="unreachable"))
        await floor.tell(UP, state("holding"))
        await floor.reached(lambda: desk.written[-1][1] == LIT_OFF_HOOK | LIT_HOLD)
        assert {written[1] for written in desk.written[before:]} == {LIT_OFF_HOOK | LIT_HOLD}


async def test_an_agent_changes_seat(floor: Floor, a: Path, b: Path) -> None:
    await floor.tell(UP, ANA, state("available"))
    seats = config(a=by_phone(a), b=by_phone(b, "PJSIP/102"))
    async with open_desk(b) as desk, floor.service(seats) as service:
        await floor.found("available_unplugged ana")
        await floor.tell(
            c.AgentLoggedOut(agent="ana", pbx="p"), c.AgentLoggedIn(agent="ana", pbx="p", interface="PJSIP/102"), state("ringing")
        )
        await floor.found("available_unplugged ana", "-available_unplugged ana", seat="a")
        await floor.reached(lambda: desk.written and desk.written[-1][1] == LIT_RING)
        assert service.keeper is not None
        assert {key: seat.agent for key, seat in service.keeper.seats.items()} == {"a": None, "b": "ana"}
        await floor.reached(lambda: floor.events(c.HeadsetHook))
        hook = floor.events(c.HeadsetHook)[0]
        assert (hook.seat, hook.agent, hook.hook) == ("b", "ana", "unknown")
    assert not floor.findings("b")


async def test_a_seat_of_somebodys_own_is_his_wherever_he_logs_in(floor: Floor, a: Path) -> None:
    await floor.tell(UP, c.AgentLoggedIn(agent="ana", pbx="p", interface="PJSIP/999"), state("available"))
    async with floor.service(config(a=SeatConfig(url=f"sim:{a}", agent="ana"))):
        await floor.found("available_unplugged ana")
        assert floor.events(c.HeadsetDetached) == [c.HeadsetDetached(seat="a", agent="ana")]


def _is_empty(service: Headsets) -> bool:
    return service.keeper is not None and service.keeper.seats["a"].attached is False


async def test_a_finding_that_stands_over_a_restart_is_told_once_and_its_end_too(floor: Floor, a: Path) -> None:
    await floor.tell(UP, ANA, state("available"))
    async with floor.service(config(a=by_phone(a))):
        await floor.found("available_unplugged ana")
    for _ in range(2):
        async with floor.service(config(a=by_phone(a))) as service:
            await floor.reached(partial(_is_empty, service))
            await floor.tell(state("available"))
        assert floor.findings() == ["available_unplugged ana"]
    (floor.folder / "cache" / "seats.fold").unlink()  # what is kept costs time only
    await floor.tell(state("paused"))
    async with floor.service(config(a=by_phone(a))):
        await floor.found("available_unplugged ana", "-available_unplugged ana")
    async with floor.service(config(a=by_phone(a))):
        await floor.tell(state("available"))
        await floor.found("available_unplugged ana", "-available_unplugged ana", "available_unplugged ana")


async def test_a_finding_at_a_seat_that_is_no_more_ends(floor: Floor, a: Path, b: Path) -> None:
    await floor.tell(UP, ANA, state("available"))
    async with floor.service(config(a=by_phone(a))):
        await floor.found("available_unplugged ana")
    async with floor.service(config(b=by_phone(b, "PJSIP/102"))):
        await floor.found("available_unplugged ana", "-available_unplugged ana")


async def test_a_journal_far_longer_than_a_page_is_read_before_anything_is_said(floor: Floor, a: Path) -> None:
    await floor.tell(UP, ANA, state("available"), state("talking"))
    for _ in range(4):
        await floor.tell(*[c.BoxHealth(id="disk", level="ok")] * 400)
    await floor.tell(state("paused"))
    async with floor.service(config(a=by_phone(a))) as service:
        await floor.reached(lambda: service.keeper and service.keeper.seats["a"].host.call == "none")
        assert not floor.findings()


async def test_the_seats_of_a_seat_box(floor: Floor) -> None:
    await floor.tell(UP, ANA, state("talking"), c.LinkUp())
    hook = c.HeadsetHook(seat="a", agent="ana", hook="on")
    headsets = HeadsetsConfig(minutes=False, hold_s=SOON, boxes=("far",))
    async with floor.service(headsets):
        await floor.tell(hook, box="far")
        await floor.tell(hook, box="stranger")
        await floor.found("call_on_hook ana")
        await floor.tell(c.BoxHealth(id="seat-box.far", level="amber"))
        await floor.found("call_on_hook ana", "-call_on_hook ana")
        await floor.tell(c.BoxHealth(id="seat-box.far", level="ok"))
        await floor.found("call_on_hook ana", "-call_on_hook ana", "call_on_hook ana")
        floor.kill_uplink()
        await floor.found("call_on_hook ana", "-call_on_hook ana", "call_on_hook ana", "-call_on_hook ana")
    assert {(each.box, each.seat) for each in floor.events(c.HeadsetFinding)} == {("far", "a")}


async def test_a_hook_press_asks_the_pbx_where_that_is_configured(floor: Floor, a: Path) -> None:
    await floor.tell(UP, ANA, state("ringing"))
    async with open_desk(a) as desk, floor.service(config(a=by_phone(a, answer=True))):
        await floor.reached(lambda: desk.written and desk.written[-1][1] == LIT_RING)
        desk.report(OFF_HOOK)
        await floor.reached(lambda: floor.events(c.CommandReceived))
        asked = floor.events(c.CommandReceived)
        assert [(each.verb, each.args, each.by) for each in asked] == [("answer", {"agent": "ana"}, "local")]
        assert asked[0].expires
        # What comes of it the gateway tells, which carries it out.
        assert not floor.events(c.CommandFinished)


async def test_a_hook_press_asks_nothing_unless_configured(floor: Floor, a: Path) -> None:
    await floor.tell(UP, ANA, state("ringing"))
    async with open_desk(a) as desk, floor.service(config(a=by_phone(a))):
        await floor.reached(lambda: desk.written and desk.written[-1][1] == LIT_RING)
        desk.report(OFF_HOOK)
        await floor.reached(lambda: any(each.hook == "off" for each in floor.events(c.HeadsetHook)))
        assert not floor.events(c.CommandReceived)
