"""Decides what a plan is: steps, each with its things as they shall be and the commands that make a running box heed them."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from appliance.provision.machine import Machine
from appliance.provision.thing import Thing, differs


class Step(Struct, frozen=True, kw_only=True):
    """One step. `name` is its key in the words and in the states; `about` fills the words' gaps.

    `runs` are run on a live box once its things are in place, and only if one of them changed (or a run was cut off before them).
    `acts`: there is more to do than things to put in place.
    `cannot` is a fault that keeps the whole plan from being carried out, with its mend.
    """

    name: str
    things: tuple[Thing, ...] = ()
    runs: tuple[tuple[str, ...], ...] = ()
    about: dict[str, Any] = field(default_factory=dict)
    cannot: str | None = None
    acts: bool = False


class Due(Struct, frozen=True, kw_only=True):
    """A step as it stands: what of it is to be done. `resumed`: a run was cut off before its commands had run."""

    step: Step
    changes: tuple[Thing, ...]
    resumed: bool = False

    @property
    def pending(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.changes) or self.resumed or self.step.acts


def due(machine: Machine, steps: tuple[Step, ...], unfinished: frozenset[str] = frozenset()) -> tuple[Due, ...]:
    """Each step with what of it is to be done now."""
    return tuple(
        Due(step=step, changes=tuple(thing for thing in step.things if differs(machine, thing)), resumed=step.name in unfinished)
        for step in steps
    )
