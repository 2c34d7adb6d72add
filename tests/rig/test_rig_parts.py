"""What a rig is made of, without a box: the lease, the reader of LED pictures, the clock, the hands on the floor."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.clock import NS, rfc3339
from appliance.core.endpoint import Endpoint
from appliance.core.errors import CallfloorError, DeniedError, MisconfiguredError
from appliance.rig.clock import MONDAY, RigClock
from appliance.rig.hand_floor import HandFloor, still_plan
from appliance.rig.lease import LONGEST_S, Lease
from appliance.rig.led_reader import UNREAD, png_from, text_from
from appliance.rig.outputs import merged
from appliance.rig.rig import Rig
from appliance.rig.values import Values
from appliance.sim.floor_model import FloorModel
from wallboard.led.text import dark, draw, width_px

pytestmark = pytest.mark.rig
#: What boards say in three languages; some signs of the font look alike (x and ×) or like two others.
_SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyzáéíóúñüçãõÁÉÍÓÚÑ.:%▲◆"


# -- the lease ---------------------------------------------------------------------------------------------------


def test_one_holds_it_until_he_lets_go() -> None:
    lease = Lease()
    held = lease.take("ana", 10.0, 100.0, 0)
    with pytest.raises(DeniedError, match=r"held by ana since 1970-01-01T00:00:00\.000Z until 1970-01-01T00:00:10\.000Z"):
        lease.take("luis", 10.0, 105.0, 0)
    lease.check(held.token, 105.0)
    lease.renew(held.token, 10.0, 109.0, 9 * NS)
    lease.check(held.token, 118.0)
    lease.free(held.token, 118.0)
    lease.check("", 118.0)
    assert lease.take("luis", 10.0, 118.0, 0).owner == "luis"


@given(st.lists(st.tuples(st.sampled_from(["take", "renew", "free", "wait"]), st.integers(0, 1), st.floats(1.0, 30.0)), max_size=40))
def test_two_never_hold_it_at_once(steps: list[tuple[str, int, float]]) -> None:
    """Whatever two runs do and however long they wait: while one's token opens the rig, the other's does not."""
    lease, now_s, tokens = Lease(), 0.0, ["", ""]
    for what, who, seconds in steps:
        try:
            if what == "take":
                tokens[who] = lease.take(f"run {who}", seconds, now_s, 0).token
            elif what == "renew":
                lease.renew(tokens[who], seconds, now_s, 0)
            elif what == "free":
                lease.free(tokens[who], now_s)
            else:
                now_s += seconds
        except DeniedError:
            pass
        opened = []
        for token in tokens:
            try:
                if token:
                    lease.check(token, now_s)
                    opened.append(token)
            except DeniedError:
                continue
        assert len(set(opened)) <= 1
        held = lease.held(now_s)
        assert opened == ([] if held is None else opened)


@pytest.mark.parametrize(("owner", "seconds"), [("", 10.0), ("a\nb", 10.0), ("x" * 101, 10.0), ("ana", 0.5), ("ana", LONGEST_S + 1)])
def test_a_lease_has_a_name_and_an_end(owner: str, seconds: float) -> None:
    with pytest.raises(ValueError, match=r"owner|seconds"):
        Lease().take(owner, seconds, 0.0, 0)


# -- the LED reader ----------------------------------------------------------------------------------------------


@settings(max_examples=50)
@given(st.text(alphabet=_SIGNS, min_size=1, max_size=9), st.integers(0, 5))
def test_what_is_drawn_is_read(text: str, x_px: int) -> None:
    """Every sign of the box's own font, beside every other."""
    width = x_px + width_px(text) + 8
    image = dark(width, 8)
    draw(image, x_px, 0, text)
    assert text_from(image.tobytes(), width) == text


@settings(max_examples=20)
@given(st.binary(min_size=64 * 8, max_size=64 * 8))
def test_any_dots_are_read_as_something(inks: bytes) -> None:
    assert len(text_from(inks, 64)) <= 64
    assert png_from(inks, 64).startswith(b"\x89PNG")


def test_a_sign_that_is_cut_is_none() -> None:
    image = dark(16, 8)
    draw(image, -3, 0, "W1")
    assert text_from(image.tobytes(), 16).startswith(UNREAD)


# -- the rest ----------------------------------------------------------------------------------------------------


def test_the_clock_begins_where_it_is_told_and_may_be_set() -> None:
    clock = RigClock()
    assert rfc3339(clock.wall_ns())[:16] == MONDAY[:16]
    before = clock.wall_ns()
    clock.step(-3600.0, "holdover")
    assert -3601 < (clock.wall_ns() - before) / NS < -3590
    assert clock.quality() == "holdover"
    clock.begin("2030-01-01T00:00:00Z")
    assert (rfc3339(clock.wall_ns())[:10], clock.quality()) == ("2030-01-01", "synced")


async def test_values_keep_their_moment_and_tell_what_changed() -> None:
    values = Values(RigClock())
    values.tell("a", "int")
    values.put("a", 1, at_ns=10)
    values.put("a", 1, at_ns=20)
    assert (values.all()["a"].value, values.all()["a"].source_ns, values.all()["a"].status) == (1, 10, "live")
    changed = values.changed()
    assert await anext(changed) == {"a"}
    values.put("a", None, status="unknown", at_ns=30)
    async with asyncio.timeout(5):
        assert await anext(changed) == {"a"}
    assert (values.all()["a"].value, values.all()["a"].status) == (None, "unknown")


def test_on_a_still_floor_nothing_happens_by_itself() -> None:
    """An hour passes: who was rung is still rung, who waits still waits, who talks still talks."""
    model = FloorModel(still_plan())
    hands = HandFloor(model)
    hands.log_in("101", "ventas")
    first = hands.call("ventas", "0991")
    hands.answer("101")
    second = hands.call("ventas", "0992")
    hands.log_in("102", "ventas")
    list(model.advance(3600.0))
    assert [call.number for call in model.calls.values()] == [first.number, second.number]
    assert {agent.plan.extension: agent.mode for agent in model.staff.agents.values()} == {"101": "talking", "102": "ringing"}
    hands.hang_up("101", by_caller=True)
    hands.give_up(second.number)
    assert [visit.outcome for visit in model.visits] == ["completed_caller", "abandoned"]
    for wrong in (lambda: hands.answer("101"), lambda: hands.hold("102", True), lambda: hands.give_up(7), lambda: hands.call("nada", "1")):
        with pytest.raises(MisconfiguredError):
            wrong()


@given(
    st.recursive(st.integers() | st.text(max_size=3), lambda inner: st.dictionaries(st.text(max_size=2), inner, max_size=4), max_leaves=12)
)
def test_a_patch_that_holds_everything_makes_the_document(document: object) -> None:
    assert merged({}, document) == document


async def test_a_rig_that_does_not_start_leaves_nothing_behind(short_path: Path) -> None:
    """A real device that is none: said at once, and broker, ptys and sockets are gone."""
    rig = Rig(short_path, Endpoint("127.0.0.1", 1), devices={"panel": "nowhere:0"})
    with pytest.raises(CallfloorError, match="nowhere"):
        async with rig:
            pass
    assert [path.name for path in short_path.iterdir() if path.is_socket() or path.is_symlink()] == []
    assert rig.values()["broker/up"].value is False
