"""What a minute at a seat sums up to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.core.catalogue import HeadsetMinute
from appliance.core.clock import NS
from appliance.sim.headset_layout import JABRA_LIKE
from headsets.minute import Minutes
from headsets.model import layout_from
from headsets.seat import Device, Seat

DEVICE = Device(vendor_id="1209", product_id="0001")
LAYOUT = layout_from(JABRA_LIKE)


def seat() -> Seat:
    """A watched headset: what it says is what counts."""
    return Seat("a", hold="watch")


def test_a_minute_in_which_nothing_was_is_not_told() -> None:
    minutes, a = Minutes(), seat()
    minutes.feed("a", a, 0)
    a.plugged(DEVICE, LAYOUT, 0)
    minutes.feed("a", a, 0)
    assert minutes.end(60 * NS) == ()
    a.reported({"hook": 0}, 70 * NS)
    minutes.feed("a", a, 70 * NS)
    assert minutes.end(120 * NS) == (HeadsetMinute(seat="a", told_s=60.0, unknown_s=10.0, changes=1),)
    assert minutes.end(180 * NS) == ()


def test_how_long_what_was_so() -> None:
    minutes, a = Minutes(), seat()
    a.seated("ana", 0)
    a.told("available", 0)
    a.plugged(DEVICE, LAYOUT, 0)
    minutes.feed("a", a, 0)
    for at_s, said in ((10, {"hook": 1}), (40, {"hook": 0})):
        a.reported(said, at_s * NS)
        minutes.feed("a", a, at_s * NS)
    a.told("talking", 45 * NS)
    minutes.feed("a", a, 45 * NS)
    (told,) = minutes.end(60 * NS)
    assert told == HeadsetMinute(seat="a", agent="ana", told_s=60.0, off_hook_s=30.0, in_call_s=15.0, unknown_s=10.0, changes=2)
    (told,) = minutes.end(120 * NS)
    assert told == HeadsetMinute(seat="a", agent="ana", told_s=60.0, in_call_s=60.0)


def test_a_headset_that_is_pulled_or_fails_is_told_of_no_longer() -> None:
    minutes, a = Minutes(), seat()
    a.plugged(DEVICE, LAYOUT, 0)
    minutes.feed("a", a, 0)
    a.reported({"hook": 1}, 0)
    minutes.feed("a", a, 0)
    a.failed("silent")
    minutes.feed("a", a, 20 * NS)
    a.pulled()
    minutes.feed("a", a, 30 * NS)
    assert minutes.end(60 * NS) == (HeadsetMinute(seat="a", told_s=30.0, off_hook_s=20.0, unknown_s=10.0, changes=1),)
    assert minutes.end(120 * NS) == ()


def test_nobody_is_told_the_minute_of_another() -> None:
    minutes, a = Minutes(), seat()
    a.seated("ana", 0)
    a.plugged(DEVICE, LAYOUT, 0)
    a.reported({"hook": 1}, 0)
    minutes.feed("a", a, 0)
    a.seated("bea", 20 * NS)
    minutes.feed("a", a, 20 * NS)
    assert minutes.end(60 * NS) == (
        HeadsetMinute(seat="a", agent="ana", told_s=20.0, off_hook_s=20.0),
        HeadsetMinute(seat="a", agent="bea", told_s=40.0, off_hook_s=40.0),
    )


@given(st.lists(st.tuples(st.integers(0, 5_000), st.sampled_from(["off", "on", "pull", "plug", "fail", "talk", "rest", "minute"]))))
def test_no_part_is_longer_than_the_whole(acts: list[tuple[int, str]]) -> None:
    minutes, a, now_ns, since_ns = Minutes(), seat(), 0, 0
    for wait_ms, act in [*acts, (1, "minute")]:
        now_ns += wait_ms * NS // 1000
        if act in ("off", "on"):
            a.reported({"hook": int(act == "off")}, now_ns)
        elif act in ("talk", "rest"):
            a.told("talking" if act == "talk" else "available", now_ns)
        elif act == "plug":
            a.plugged(DEVICE, LAYOUT, now_ns)
        elif act == "pull":
            a.pulled()
        elif act == "fail":
            a.failed("silent")
        minutes.feed("a", a, now_ns)
        if act == "minute":
            for told in minutes.end(now_ns):
                assert told.told_s <= (now_ns - since_ns) / NS + 0.001
                assert told.off_hook_s + told.unknown_s <= told.told_s + 0.002
                assert max(told.muted_s, told.in_call_s) <= told.told_s + 0.001
            since_ns = now_ns
