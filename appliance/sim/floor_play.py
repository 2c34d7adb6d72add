"""Decides how a scenario is played through with a box on it and held against the truth: when one looks, and what is written down."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, to_builtins

from appliance.core.clock import rfc3339
from appliance.core.slug import slug
from appliance.floor.snapshot import Snapshot
from appliance.sim.floor_analog import document as analog_document
from appliance.sim.floor_analog import is_certain
from appliance.sim.floor_analog import visits as analog_visits
from appliance.sim.floor_check import Checked, compared, sights_of
from appliance.sim.floor_scenario import Scenario, seconds_of
from appliance.sim.floor_seen import Seen
from appliance.sim.floor_stage import Stage, on_stage
from appliance.sim.floor_truth import Truth
from appliance.sim.model_time import ModelLoop

#: Looked at so often, unless told otherwise: not at every half-hour, where windows begin and everything is small.
EVERY_S: Final = 300.0
#: A box makes sure for so long what a touch of a headset was (headsets/hook.py); a look waits for it, in steps of a second.
_MADE_SURE_S: Final = 0.6
_PATIENCE: Final = 120
#: Told after each look: the time of day, figures compared, those that differ.
Progress = Callable[[str, int, int], object]


class Asked(Struct, frozen=True, kw_only=True):
    """What to play. `until`: a time of day (None: the scenario's end); `offset_s` moves each look off the full minute:
    somebody who takes a headset up at that very moment is not seen to before the box has made sure."""

    scenario: Scenario
    seed: int = 1
    until: str | None = None
    every_s: float = EVERY_S
    offset_s: float = 0.2
    services: tuple[str, ...] | None = None


class Played(Struct):
    """What came of it. `truth` is the document beside it: the figures at each look, and at its end every visit behind them."""

    checked: Checked
    truth: dict[str, Any]
    snapshot: Snapshot
    #: 0, or the machine was too slow to be exact.
    hurried: int


def play(asked: Asked, folder: Path, progress: Progress = lambda _at, _count, _differ: None) -> Played:
    """Play it in a loop of its own. `folder`: for the box's files; short, and best in memory."""
    with asyncio.Runner(loop_factory=ModelLoop) as runner:
        return runner.run(played(asked, folder, progress))


async def played(asked: Asked, folder: Path, progress: Progress) -> Played:
    """As `play`, in a ModelLoop that runs."""
    scenario = asked.scenario
    length_s = seconds_of(asked.until or scenario.ends) - seconds_of(scenario.begins)
    checked, looks = Checked(), list[dict[str, Any]]()
    async with on_stage(scenario, seed=asked.seed, folder=folder, services=asked.services) as stage:
        at_s = asked.every_s
        while True:
            at_s = min(at_s, float(length_s))
            await _look_at(stage, stage.zero_ms + round((at_s + asked.offset_s) * 1000))
            document = document_of(stage)
            look = compared(snapshot := stage.snapshot(), document)
            checked.add(look)
            looks.append({"time": rfc3339(stage.now_ms * 1_000_000), **document})
            progress(_time_of(scenario, at_s), look.counted.total(), len(look.differ))
            if at_s >= length_s:
                break
            at_s += asked.every_s
        visits = [_visit(seen) for seen in visits_of(stage)]
        hurried = stage.loop.hurried
        if scenario.analog is not None and not scenario.happens:
            hurried += len(stage.whole_ms()) - 1  # a modem was taken for dead
    document = {"scenario": scenario.title, "seed": asked.seed, "simulated": True, "looks": looks, "visits": visits}
    return Played(checked, document, snapshot, hurried)


async def _look_at(stage: Stage, at_ms: int) -> None:
    """Play on to a moment at which it is plain what is true: with analog lines or headsets it may take some seconds more."""
    await stage.until(at_ms)
    for _ in range(_PATIENCE):
        lines, desks = stage.around.lines, stage.around.desks
        touched_s = max((desk.touched_s for desk in desks.desks), default=0.0) if desks is not None else 0.0
        if (lines is None or is_certain(lines.ledger.calls, stage.now_ms)) and stage.loop.time() - touched_s > _MADE_SURE_S:
            break
        await stage.until(stage.now_ms + 1000)


def document_of(stage: Stage) -> dict[str, Any]:
    """Every figure of the floor as it truly is now."""
    lines, scenario = stage.around.lines, stage.around.scenario
    if lines is None or scenario is None:
        return truth_of(stage).document(stage.now_ms) | headsets_of(stage)
    return analog_document(scenario, lines.ledger.calls, stage.now_ms, stage.whole_ms()[0])


def visits_of(stage: Stage) -> list[Seen]:
    """The visits behind the figures."""
    lines = stage.around.lines
    return analog_visits(lines.ledger.calls) if lines is not None else truth_of(stage).visits(stage.now_ms)


def truth_of(stage: Stage) -> Truth:
    """The truth of a stage with a PBX, as far as its box could see it by now."""
    assert stage.book is not None
    assert stage.around.pbx is not None
    assert stage.around.scenario is not None
    return Truth(stage.around.scenario, stage.book, stage.zero_ms, sights_of(stage.around.pbx, stage.whole_ms()))


def headsets_of(stage: Stage) -> dict[str, Any]:
    """What the people at the desks would say of their headsets."""
    desks = stage.around.desks
    if desks is None:
        return {}
    out = {}
    for desk in desks.desks:
        headset, plugged = desk.line.headset, desk.line.plugged
        told: dict[str, Any] = {"hook": "off" if headset.off_hook else "on"} if plugged else {}
        if plugged and headset.off_hook:  # a call's end ends its mute, and few headsets say so
            told["mute"] = headset.muted
        if desk.agent.mode != "away":  # whose seat it was stays until somebody touches the headset again
            told["agent"] = slug(desk.agent.plan.name, "a")
        out[f"s-{desk.agent.plan.extension}"] = {"attached": plugged, **told}
    return {"headsets": out}


def write_truth(played: Played, path: Path) -> None:
    """The ground truth as a file. Raises OSError."""
    path.write_text(json.dumps(to_builtins(played.truth), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _visit(seen: Seen) -> dict[str, Any]:
    answered = None if seen.answered_ms is None else rfc3339(seen.answered_ms * 1_000_000)
    return {
        "call": seen.number, "queue": slug(seen.queue), "joined": rfc3339(seen.joined_ms * 1_000_000), "outcome": seen.outcome,
        "reason": seen.reason, "wait_s": seen.wait_ms / 1000, "answered": answered, "agent": slug(seen.agent, "a") if seen.agent else None,
        "talk_s": seen.talk_ms / 1000, "hold_s": seen.hold_ms / 1000, "wrap_up_s": seen.wrap_ms / 1000, "repeat": seen.repeat,
        "scores": list(seen.scores), "joined_told": seen.told,
    }  # fmt: skip


def _time_of(scenario: Scenario, at_s: float) -> str:
    whole = seconds_of(scenario.begins) + round(at_s)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}"
