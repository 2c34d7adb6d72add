"""Headsets in the snapshot: who sits there, what the headset does, since when, and how far that is to be trusted."""

from __future__ import annotations

import msgspec

from appliance.core.catalogue import HeadsetAttached, HeadsetDetached, HeadsetFault, HeadsetFinding, HeadsetHook, HeadsetMute
from appliance.core.clock import rfc3339
from appliance.floor import snapshot as out


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
