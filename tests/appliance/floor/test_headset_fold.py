"""Headsets in the snapshot: who sits there, what the headset does, since when, and how far that is to be trusted."""

from __future__ import annotations

import msgspec

from appliance.core.catalogue import (
    BoxGap,
    BoxHealth,
    BoxStarted,
    HeadsetAttached,
    HeadsetDetached,
    HeadsetFault,
    HeadsetFinding,
    HeadsetHook,
    HeadsetMute,
    JournalPressure,
    LinkDown,
    LinkUp,
    kind_of,
)
from appliance.core.clock import rfc3339
from appliance.core.event import Event, Origin
from appliance.floor import snapshot as out
from appliance.floor.state import Heard


def headset(day) -> out.Headset:
    return day.floor.state.headsets["a1"]


def at(day, seconds: float) -> str:
    return rfc3339(day.clock.wall_ns() + round((seconds - day._at) * 1e9))


def test_a_headset_from_plug_to_pull(day) -> None:
    day.tell(10, HeadsetAttached(seat="a1", agent="ana", product="Wired"))
    assert headset(day) == out.Headset(seat="a1", agent="ana", product="Wired", attached=True, fresh="live", since=at(day, 10))
    day.tell(20, HeadsetHook(seat="a1", agent="ana", hook="off"))
    assert (headset(day).hook, headset(day).product, headset(day).since) == ("off", "Wired", at(day, 20))
    day.tell(30, HeadsetMute(seat="a1", agent="ana", mute=True, by="host"))
    assert (headset(day).mute, headset(day).since) == (True, at(day, 30)), "muted since then, not since the call began"
    day.tell(40, HeadsetMute(seat="a1", agent="ana", mute=True, by="host"))
    assert headset(day).since == at(day, 30), "told again, and nothing new"
    day.tell(50, HeadsetDetached(seat="a1", agent="ana"))
    assert headset(day) == out.Headset(seat="a1", agent="ana", attached=False, fresh="live", since=at(day, 50))
    day.tell(60, HeadsetAttached(seat="a1", agent="ana", product="Other"))
    assert (headset(day).hook, headset(day).mute, headset(day).product) == ("unknown", None, "Other")


def test_a_device_that_fails_is_stale_until_it_speaks(day) -> None:
    day.tell(10, HeadsetAttached(seat="a1"), HeadsetHook(seat="a1", hook="off"))
    day.tell(20, HeadsetFault(seat="a1", fault="it stalls"))
    assert (headset(day).fresh, headset(day).hook, headset(day).since) == ("stale", "off", at(day, 10))
    day.tell(30, HeadsetHook(seat="a1", hook="unknown"))
    assert (headset(day).fresh, headset(day).hook, headset(day).since) == ("live", "unknown", at(day, 30))
    day.tell(40, HeadsetFault(seat="a2", fault="it cannot be opened"))
    assert day.floor.state.headsets["a2"].fresh == "stale"


def test_who_sits_there_is_as_last_told(day) -> None:
    day.tell(10, HeadsetAttached(seat="a1", agent="ana"))
    day.tell(20, HeadsetHook(seat="a1", agent="eva", hook="on"))
    assert headset(day).agent == "eva"
    day.tell(30, HeadsetMute(seat="a1", mute=None))
    assert headset(day).agent is None


def test_a_finding_at_an_empty_seat_is_of_whom_it_says(day) -> None:
    """Whoever sits down where nothing is plugged in says nothing of the headset; the board would go on naming the one before."""
    day.tell(10, HeadsetAttached(seat="a1", agent="ana"), HeadsetDetached(seat="a1", agent="ana"))
    day.tell(20, HeadsetFinding(seat="a1", agent="eva", finding="available_unplugged"))
    assert (headset(day).agent, headset(day).attached, headset(day).since) == ("eva", False, at(day, 10))
    day.tell(30, HeadsetFinding(seat="a1", agent="ana", finding="available_unplugged", over=True))
    assert headset(day).agent == "eva", "the end is of whom it had begun"


def test_findings_stand_until_they_are_over(day) -> None:
    day.tell(10, HeadsetAttached(seat="a1"), HeadsetFinding(seat="a1", finding="call_on_hook"))
    day.tell(20, HeadsetFinding(seat="a1", finding="muted_in_call"), HeadsetFinding(seat="a1", finding="call_on_hook"))
    assert headset(day).findings == ("muted_in_call", "call_on_hook")
    day.tell(30, HeadsetDetached(seat="a1"))
    assert headset(day).findings == ("muted_in_call", "call_on_hook")
    day.tell(
        40, HeadsetFinding(seat="a1", finding="muted_in_call", over=True), HeadsetFinding(seat="a1", finding="call_on_hook", over=True)
    )
    assert headset(day).findings == ()


def test_an_unplugged_seat_is_listed_for_the_day_and_a_plugged_one_stays(day) -> None:
    day.tell(10, HeadsetAttached(seat="a1"), HeadsetDetached(seat="a1"), HeadsetAttached(seat="a2"))
    day.tell(20, HeadsetHook(seat="a2", hook="on"))
    assert list(day.floor.state.headsets) == ["a1", "a2"]
    day.tell(86_400, HeadsetHook(seat="a2", hook="off"))
    assert list(day.floor.state.headsets) == ["a2"]


def test_a_snapshot_keeps_what_it_saw(day) -> None:
    day.tell(10, HeadsetAttached(seat="a1"))
    seen = headset(day)
    before = msgspec.json.encode(seen)
    day.tell(20, HeadsetHook(seat="a1", hook="off"), HeadsetFinding(seat="a1", finding="call_on_hook"), HeadsetFault(seat="a1", fault="x"))
    assert msgspec.json.encode(seen) == before


def elsewhere(day, at_s: float, number: int, data, *, ago_s: float = 0.0, clock: str = "synced", box: str = "isla-4") -> None:
    """Another box told this so many seconds ago; it comes now."""
    day.tell(at_s)
    origin = Origin(f"e-{number}", box, day.clock.wall_ns() - round(ago_s * 1e9), clock)
    day.floor.apply(day.floor.state.seq + 1, msgspec.structs.replace(event(day, data), origin=origin))


def event(day, data) -> Event:
    clock = day.clock
    return Event(kind_of(data), "headsets/headsets", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data)


def shown(day, *boxes: str, linked: bool = True) -> dict[str, out.Headset]:
    return day.floor.headsets.shown(boxes or ("*",), linked=linked)


def test_seats_of_other_boxes_stand_beside_the_own_by_box_and_seat(day) -> None:
    day.tell(5, LinkUp())
    day.tell(10, HeadsetAttached(seat="a1", product="Own"))
    elsewhere(day, 20, 3, HeadsetAttached(seat="a1", product="There"))
    elsewhere(day, 30, 4, HeadsetHook(seat="a1", hook="off"), ago_s=4)
    assert [(one.box, one.product, one.hook, one.fresh) for one in shown(day).values()] == [
        (None, "Own", "unknown", "live"),
        ("isla-4", "There", "off", "live"),
    ]
    assert list(shown(day)) == ["a1", "isla-4.a1"]
    assert shown(day)["isla-4.a1"].since == at(day, 26), "by that box's clock, for both are set by a time server"
    assert day.floor.state.boxes == {"isla-4": Heard("e", 4)}
    assert list(shown(day, "isla-5")) == ["a1"], "one that is not read any more is not shown"
    elsewhere(day, 40, 5, HeadsetMute(seat="a1", mute=True), ago_s=5, clock="holdover")
    assert shown(day)["isla-4.a1"].since == at(day, 40)


def test_a_key_that_is_taken_gets_a_number_and_keeps_it(day) -> None:
    day.tell(5, LinkUp(), HeadsetAttached(seat="isla-4.a1"))
    for number, box in enumerate(("x" * 64, "x" * 63 + "y")):
        elsewhere(day, 10 + number, 1, HeadsetHook(seat="a1", hook="off"), box=box)
    elsewhere(day, 20, 1, HeadsetHook(seat="a1", hook="off"))
    elsewhere(day, 21, 2, HeadsetMute(seat="a1", mute=False))
    seats = [(key, one.box or "", one.hook) for key, one in shown(day).items()]
    long = "x" * 64
    assert seats == [
        ("isla-4.a1", "", "unknown"),
        ("isla-4.a1-2", "isla-4", "off"),
        (long, long, "off"),
        (long[:63] + "y", long[:63] + "y", "off"),
    ]


def test_another_boxs_seats_are_stale_while_it_or_the_link_is_away(day) -> None:
    elsewhere(day, 10, 1, HeadsetHook(seat="a1", hook="off"))
    assert shown(day)["isla-4.a1"].fresh == "stale", "nothing is known of the link"
    day.tell(20, LinkUp())
    assert shown(day)["isla-4.a1"].fresh == "live"
    assert shown(day, linked=False)["isla-4.a1"].fresh == "stale", "the process that hears it is dead"
    day.tell(30, BoxHealth(id="seat-box.isla-4", level="amber", text="away"))
    stale = shown(day)["isla-4.a1"]
    assert (stale.fresh, stale.hook) == ("stale", "off")
    assert shown(day)["isla-4.a1"] is stale, "the same object while nothing changed"
    day.tell(40, BoxHealth(id="seat-box.isla-4", level="ok"), LinkDown(reason="no_consumer"))
    assert shown(day)["isla-4.a1"].fresh == "live", "the link stands, though the CRM does not listen"
    day.tell(50, LinkDown(reason="unreachable"))
    assert shown(day)["isla-4.a1"].fresh == "stale"


def test_after_a_gap_nothing_is_known_until_a_seat_speaks_anew(day) -> None:
    day.tell(5, LinkUp(), HeadsetHook(seat="a1", hook="off"))
    elsewhere(day, 10, 1, HeadsetHook(seat="a1", hook="off"))
    elsewhere(day, 11, 2, HeadsetAttached(seat="a2"))
    day.tell(20, BoxGap(box="isla-4", reason="missing"))
    assert [(one.attached, one.hook, one.fresh) for one in shown(day).values()] == [
        (True, "off", "live"),
        (None, "unknown", "unknown"),
        (None, "unknown", "unknown"),
    ]
    elsewhere(day, 30, 9, HeadsetMute(seat="a2", mute=True))
    one = shown(day)["isla-4.a2"]
    assert (one.attached, one.hook, one.mute, one.fresh) == (True, "unknown", True, "live")
    elsewhere(day, 86_400 + 30, 10, HeadsetMute(seat="a2", mute=False))
    assert list(shown(day)) == ["a1", "isla-4.a2"], "what never spoke again is forgotten at the turn of the day"


def test_own_seats_hold_only_while_their_service_lives(day) -> None:
    day.tell(10, HeadsetHook(seat="a1", hook="off"), HeadsetHook(seat="a2", hook="on"))
    day.floor.headsets.unheard = day.floor.headsets.own_seats()
    assert [one.fresh for one in shown(day).values()] == ["stale", "stale"]
    day.tell(20, HeadsetFinding(seat="a2", finding="call_on_hook"))
    day.tell(21, HeadsetAttached(seat="a1"))
    assert [(one.hook, one.fresh) for one in shown(day).values()] == [("unknown", "live"), ("on", "stale")]
    day.tell(30, BoxStarted(version="1", services=("gateway",)))
    assert shown(day)["a1"].fresh == "live"
    day.tell(40, BoxStarted(version="1", services=("headsets",)))
    assert [(one.hook, one.fresh) for one in shown(day).values()] == [("unknown", "unknown")] * 2


def test_changes_that_were_not_recorded_are_not_known(day) -> None:
    day.tell(10, HeadsetAttached(seat="a1"), HeadsetHook(seat="a1", hook="off"))
    day.tell(20, JournalPressure(state="begins"))
    assert (shown(day)["a1"].hook, shown(day)["a1"].fresh) == ("off", "stale")
    day.tell(30, JournalPressure(state="ends", not_recorded=7))
    assert (shown(day)["a1"].hook, shown(day)["a1"].attached, shown(day)["a1"].fresh) == ("unknown", True, "live")


def test_a_finding_names_the_box_of_its_seat(day) -> None:
    day.tell(5, LinkUp())
    elsewhere(day, 10, 1, HeadsetHook(seat="a1", hook="on"))
    day.tell(20, HeadsetFinding(seat="a1", box="isla-4", finding="call_on_hook"))
    assert {key: one.findings for key, one in shown(day).items()} == {"isla-4.a1": ("call_on_hook",)}


def test_what_another_floor_box_finds_at_a_third_boxs_seat_makes_no_seat(day) -> None:
    day.tell(5, LinkUp())
    elsewhere(day, 10, 3, HeadsetAttached(seat="a1"))
    elsewhere(day, 20, 7, HeadsetFinding(seat="a1", box="isla-4", finding="call_on_hook"), box="piso-2")
    assert {key: one.findings for key, one in shown(day).items()} == {"isla-4.a1": ()}
    elsewhere(day, 30, 8, HeadsetFinding(seat="b1", finding="call_on_hook"), box="piso-2")
    day.tell(40, HeadsetFinding(seat="a1", box="isla-4", finding="muted_in_call"))
    assert {key: one.findings for key, one in shown(day).items()} == {"isla-4.a1": ("muted_in_call",), "piso-2.b1": ("call_on_hook",)}


def test_seats_stand_in_the_order_of_their_names_whoever_spoke_first(day) -> None:
    """What a purge takes away is often the first word of a seat: a fold made anew would else show them in another order."""
    day.tell(5, LinkUp())
    elsewhere(day, 10, 3, HeadsetHook(seat="a2", hook="off"))
    elsewhere(day, 20, 3, HeadsetHook(seat="a1", hook="off"), box="isla-3")
    day.tell(30, HeadsetHook(seat="z9", hook="off"), HeadsetHook(seat="b1", hook="off"))
    assert list(shown(day)) == ["b1", "z9", "isla-3.a1", "isla-4.a2"]


def test_a_box_that_names_seats_without_end_drives_out_its_own_and_not_this_boxs(day) -> None:
    day.tell(10, HeadsetAttached(seat="a1"), HeadsetAttached(seat="a2"))
    day.tell(20)
    for number in range(5010):
        origin = Origin(f"e-{number}", "isla-4", day.clock.wall_ns(), "synced")
        day.floor.apply(day.floor.state.seq + 1, msgspec.structs.replace(event(day, HeadsetAttached(seat=f"s{number}")), origin=origin))
    kept = day.floor.state.headsets
    assert (len(kept), [key for key, one in kept.items() if one.box is None], "isla-4.s5009" in kept) == (5000, ["a1", "a2"], True)
