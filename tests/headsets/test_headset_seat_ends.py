"""One seat at the edges of a call: a press that came too late, an agent who leaves in the middle, a device that has gone mad."""

from __future__ import annotations

from test_headset_seat import Desk


def test_an_answer_that_came_too_late_leaves_no_lamp_lit() -> None:
    """The caller hangs up as the agent lifts: nothing is left to be off-hook for, and the lamp keeps the headset in its call."""
    desk = Desk(answer=True).call("ringing").says(hook=1)
    assert (desk.intents, desk.lit()) == (["answer"], {"off_hook"})
    assert desk.after(0.3).call("available").lit() == set()


def test_without_leave_to_answer_the_lamp_follows_the_person() -> None:
    assert Desk().call("ringing").says(hook=1).after(0.3).call("available").lit() == {"off_hook"}
