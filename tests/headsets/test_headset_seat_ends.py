"""One seat at the edges of a call: a press that came too late, an agent who leaves in the middle, a device that has gone mad."""

from __future__ import annotations

import msgspec
from test_headset_seat import Desk

from gateway.uplink.seat_event import seat_event_from


def test_an_answer_that_came_too_late_leaves_no_lamp_lit() -> None:
    """The caller hangs up as the agent lifts: nothing is left to be off-hook for, and the lamp keeps the headset in its call."""
    desk = Desk(answer=True).call("ringing").says(hook=1)
    assert (desk.intents, desk.lit()) == (["answer"], {"off_hook"})
    assert desk.after(0.3).call("available").lit() == set()


def test_without_leave_to_answer_the_lamp_follows_the_person() -> None:
    assert Desk().call("ringing").says(hook=1).after(0.3).call("available").lit() == {"off_hook"}


def test_an_agent_who_logs_out_in_the_middle_of_a_call_takes_it_along() -> None:
    """Nobody tells of the end of a call of whom nobody sits there: its lamp would be lit until the next one logs in."""
    desk = Desk()
    desk.run(desk.seat.seated("ana", desk.now)).call("talking")
    assert desk.lit() == {"off_hook"}
    desk.run(desk.seat.seated(None, desk.now)).call(None)
    assert desk.lit() == set()
    desk.run(desk.seat.seated("ana", desk.now)).call("talking").run(desk.seat.seated("eva", desk.now)).call("talking")
    assert desk.lit() == {"off_hook"}, "who comes may be in a call as well"


def test_who_sits_down_at_the_start_ends_no_call() -> None:
    desk = Desk(state="talking")
    written = len(desk.writes)
    desk.run(desk.seat.seated("ana", desk.now)).call("talking")
    assert len(desk.writes) == written


def test_a_device_that_chatters_stays_at_fault_though_it_takes_its_lamps() -> None:
    desk = Desk(hold="own").call("talking").after(5)
    for number in range(1, 230):
        desk.now += 5_000_000
        desk.run(desk.seat.missed(desk.now))
        desk.says(hook=number % 2)
    assert "changes a second" in (desk.seat.fault or "")
    desk.told()
    desk.call("available").says(hook=1)
    assert (desk.seat.fresh, desk.told()) == ("stale", [])
    assert desk.lit() == set(), "its lamps go on following the call"
    desk.after(10).call("talking")
    assert desk.seat.fresh == "live", "it has been quiet for long enough, and answers"


def test_a_fault_is_told_in_a_length_that_every_box_takes() -> None:
    """A floor box drops longer ones of its seat boxes: its seat would be live there."""
    (event,) = Desk().seat.failed("its report descriptor is malformed (" + "; ".join(["a pop without a push"] * 40)).events
    told = {"id": "abc-1", "source": "/here/one/headsets/a1", "type": "callfloor.headset.fault.v1", "time": "2026-11-21T14:00:00Z"}
    assert seat_event_from("here", "one", "headset.fault", msgspec.json.encode({**told, "data": event})).data == event


def test_a_device_that_has_failed_asks_nothing_of_the_pbx() -> None:
    """What looked like an echo would count as a press when its time is over; by then the device is gone."""
    desk = Desk(hang_up=True).says(hook=0).call("talking").says(hook=1).says(hook=0)
    assert desk.intents == []
    desk.run(desk.seat.failed("the line is broken")).after(1)
    assert desk.intents == []
