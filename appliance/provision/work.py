"""Decides the order in which a box is changed and put back, so that a power cut at any moment is healed by the next run.

First the state with how everything was, then the things step by step, then each step's commands. `at` is called before every single
deed with its name: progress for a person, and the place where a test cuts the power.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from appliance.provision.machine import Machine
from appliance.provision.state import State, States
from appliance.provision.step import Due
from appliance.provision.thing import Was, put, put_back, was

At = Callable[[str], object]


def apply(machine: Machine, plan: tuple[Due, ...], sheet: str, at: At, now_s: float | None = None) -> State:
    """Carry out what is due; returns the state, still `begun`: `finish` closes it. Raises OSError, CallfloorError."""
    states = States(machine)
    todo = tuple(each for each in plan if each.pending)
    at("state")
    before = tuple(was(machine, place) for place in _places(machine, todo))
    state = states.begin(before, tuple(each.step.name for each in todo), sheet, time.time() if now_s is None else now_s)
    for each in todo:
        for thing in each.changes:
            at(f"{each.step.name} {thing.path}")
            put(machine, thing)
        if machine.live:
            for words in each.step.runs:
                at(f"{each.step.name} {' '.join(words)}")
                machine.run(words)
    at("finish")
    return state


def _places(machine: Machine, todo: tuple[Due, ...]) -> tuple[str, ...]:
    """Every path that is changed, each behind the folders that are made for it: undone backwards, they go empty."""
    places: list[str] = []
    for each in todo:
        for thing in each.changes:
            above = (str(parent) for parent in reversed(Path(thing.path).parents))
            places += [place for place in above if not machine.path(place).exists()]
            places.append(thing.path)
    return tuple(dict.fromkeys(places))


def finish(machine: Machine, state: State) -> None:
    """The outcome was looked at and is good."""
    States(machine).save(replace(state, stage="done", unfinished=()))


def go_back(machine: Machine, states: tuple[State, ...], runs: Callable[[], tuple[tuple[str, ...], ...]], at: At) -> tuple[Was, ...]:
    """Undo these states, the newest first; `runs`: what a running box is told then. Raises OSError, CallfloorError."""
    book, done = States(machine), list[Was]()
    for state in states:
        at(f"state {state.number}")
        book.save(replace(state, stage="going-back"))
        for old in reversed(state.before):
            at(f"back {old.path}")
            put_back(machine, old)
            done.append(old)
    if machine.live:
        for words in runs():
            at(" ".join(words))
            machine.run(words)
    for state in states:
        book.save(replace(state, stage="undone", unfinished=()))
    return tuple(done)
