"""Alarms in the fold: what stands, since when, and what a person has seen of it."""

from __future__ import annotations

from msgspec import Struct

from appliance.core.catalogue import AlarmAcknowledged, AlarmCleared, AlarmRaised, kind_of
from appliance.core.clock import ManualClock, rfc3339
from appliance.core.config import Config
from appliance.core.event import Event
from appliance.floor.floor import Floor
from appliance.floor.snapshot import Alarm


def stands(*events: Struct, seconds: float = 60.0) -> tuple[list[Alarm], list[str]]:
    """What stands after these events, one a minute; and the time of each."""
    floor, clock, times = Floor(Config()), ManualClock(), []
    for seq, data in enumerate(events, 1):
        times.append(rfc3339(clock.wall_ns()))
        floor.apply(seq, Event(kind_of(data), "wallboard/alarm", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data))
        clock.advance(seconds)
    return list(floor.state.alarms.values()), times


RED, AMBER = AlarmRaised(alarm="floor.asa", level="red"), AlarmRaised(alarm="floor.asa", level="amber")
SEEN, CLEARED = AlarmAcknowledged(alarm="floor.asa", by="local"), AlarmCleared(alarm="floor.asa")


def test_raised_seen_and_cleared() -> None:
    alarms, times = stands(AMBER)
    assert alarms == [Alarm(id="floor.asa", level="amber", since=times[0])]
    alarms, times = stands(AMBER, SEEN, SEEN)
    assert alarms == [Alarm(id="floor.asa", level="amber", since=times[0], acknowledged=times[1])], "the first who saw it counts"
    assert stands(AMBER, SEEN, CLEARED)[0] == []


def test_what_got_worse_or_came_back_has_been_seen_by_nobody() -> None:
    alarms, times = stands(AMBER, SEEN, RED)
    assert alarms == [Alarm(id="floor.asa", level="red", since=times[2])]
    alarms, times = stands(RED, SEEN, CLEARED, RED)
    assert alarms == [Alarm(id="floor.asa", level="red", since=times[3])]


def test_what_eased_has_been_seen_still() -> None:
    alarms, times = stands(RED, SEEN, AMBER)
    assert alarms == [Alarm(id="floor.asa", level="amber", since=times[2], acknowledged=times[1])]
    alarms, times = stands(RED, SEEN, AMBER, RED)
    assert alarms == [Alarm(id="floor.asa", level="red", since=times[3])]


def test_the_same_told_twice_changes_nothing() -> None:
    alarms, times = stands(RED, SEEN, RED)
    assert alarms == [Alarm(id="floor.asa", level="red", since=times[0], acknowledged=times[1])]


def test_what_does_not_stand_cannot_be_seen() -> None:
    assert stands(SEEN)[0] == []
    assert stands(CLEARED, SEEN)[0] == []


def test_there_is_an_end_to_them() -> None:
    alarms, _ = stands(*(AlarmRaised(alarm=f"queue.q{at}.asa", level="red") for at in range(5100)), seconds=0.001)
    assert len(alarms) == 5000
    assert alarms[-1].id == "queue.q5099.asa"
