"""Decides what a start of the box means for an update: judge this slot, say that it came back, go on where a cut interrupted. Pure."""

from __future__ import annotations

from typing import Literal

from appliance.update.slots import Slots
from appliance.update.state import State

#: `judge`: this slot is tried now. `settled`: it was committed before the cut. `came-back`: it was tried, and the other one runs again.
#: `resume`: staged, and whoever asked wanted it. `staged`: only shown. `interrupted`: while the other slot was being written.
Step = Literal["nothing", "judge", "settled", "came-back", "resume", "staged", "interrupted"]
#: So often a start that a cut interrupted is tried again by itself.
RESUMES = 2

NO_WORD = "the new version never got as far as its health check: its kernel stopped, it hung, or the power was cut"
NOT_JUDGED = "the new version had started, and the box restarted before it was judged"


def step_at_boot(state: State, slots: Slots) -> Step:
    """What to do. A committed slot is never left again by itself, however it is."""
    if slots.trial:
        return "judge"
    if state.kind != "image":
        return "nothing"
    if state.phase == "trying":
        return "settled" if state.slot == slots.booted else "came-back"
    if state.phase == "staged" and slots.staged and slots.staged != slots.booted:
        return "resume" if state.activate and state.resumed < RESUMES else "staged"
    return "interrupted" if state.phase in ("writing", "staged") else "nothing"
