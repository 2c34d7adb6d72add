"""Calls that rang when the gateway stopped: the same call where the bell goes on, unknown where it does not, nobody's after a while."""

from __future__ import annotations

import pytest

from appliance.core.catalogue import CallQueued, LineCallerId, LineReleased, LineRinging, LineSeized
from appliance.core.clock import NS
from appliance.core.event import Event
from gateway.fxo.line import Line
from gateway.fxo.line_settings import LineSettings
from gateway.fxo.ring_on import MOST_UNSEEN_NS, RingOn, ringing_on

SETTINGS = LineSettings(line="l1", trunk="pstn", country="us", hook_sense=True)


def event(data: object, at_s: float, boot: str = "b") -> Event:
    mono_ns = int(at_s * NS)
    return Event(kind="", source="gateway/l1", data=data, wall_ns=mono_ns, mono_ns=mono_ns, boot=boot, clock="synced")  # type: ignore[arg-type]


RING = event(LineRinging(line="l1", trunk="pstn", pbx="lines"), 10)
QUEUED = event(CallQueued(call="c", pbx="lines", visit="v", queue="ventas", waited_s=0.5), 10)
CALLER = event(LineCallerId(line="l1", pbx="lines", number="600123456"), 12)


def test_what_rang_a_moment_ago_rings_on() -> None:
    rings = ringing_on([RING, QUEUED, CALLER], "b", 15 * NS, None)
    assert rings == {"l1": RingOn("l1", "pstn", round(9.5 * NS), "ventas", "v", "600123456")}


@pytest.mark.parametrize("end", [LineSeized(line="l1", direction="in"), LineReleased(line="l1")])
def test_what_was_taken_or_had_ended_does_not(end: object) -> None:
    assert ringing_on([RING, QUEUED, event(end, 14)], "b", 15 * NS, None) == {}


def test_after_a_while_it_is_somebody_else_who_rings() -> None:
    assert ringing_on([RING, QUEUED], "b", 11 * NS + MOST_UNSEEN_NS, None) == {}
    assert ringing_on([RING, QUEUED], "b", 11 * NS + MOST_UNSEEN_NS, 12 * NS)  # it rang so long before the gateway died


def test_another_boot_s_call_is_not_this_one() -> None:
    assert ringing_on([event(RING.data, 10, boot="a"), event(QUEUED.data, 10, boot="a")], "b", 15 * NS, None) == {}


def resumed() -> Line:
    line = Line(SETTINGS)
    line.rings_on(10 * NS, 20 * NS)
    line.found(21 * NS, tells_hook=False)
    return line


def test_one_that_is_heard_again_ends_as_any_other() -> None:
    line = resumed()
    assert line.ring(25 * NS) == []
    (end,) = line.tick(60 * NS)
    assert (end.event.outcome, end.event.rang_s) == ("abandoned", 15.0)  # type: ignore[union-attr]
    line = resumed()
    line.ring(25 * NS)
    seized, released = line.hook(True, 27 * NS) + line.hook(False, 50 * NS, steady=True)
    assert (seized.event.direction, released.event.outcome) == ("in", "answered")  # type: ignore[union-attr]


def test_one_that_is_heard_no_more_is_never_abandoned() -> None:
    line = resumed()
    assert line.tick(27 * NS) == []
    (end,) = line.tick(29 * NS)
    assert (end.event.outcome, end.event.rang_s) == ("unknown", None)  # type: ignore[union-attr]
    (again,) = line.ring(30 * NS)
    assert isinstance(again.event, LineRinging)
