"""Decides, at each start of a box with two slots, what becomes of an update: judged, kept, given up, or gone on with. Run as root, once.

Whatever this cannot do any more (the new version's Python does not start, the box hangs) callfloor-rollback.service does in POSIX sh.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from appliance.core.clock import SystemClock, rfc3339
from appliance.core.errors import CallfloorError
from appliance.update import note
from appliance.update.boot import NO_WORD, NOT_JUDGED, step_at_boot
from appliance.update.facts import collected, usable
from appliance.update.health import STABLE_S, Judge, Verdict, limit_s_from
from appliance.update.install import activated, needs_slots, restart
from appliance.update.place import Place, said
from appliance.update.slots import Slots
from appliance.update.state import Facts, State, load, save, write_whole

_LOOK_S = 3.0
Say = Callable[[str], object]


def at_boot(place: Place, config: Path, say: Say) -> int:
    """Do what this start calls for; 1 when a version was given up. Raises CallfloorError, and then the slot is given up as well."""
    slots, state = needs_slots(place), load(place.folder)
    step = step_at_boot(state, slots)
    if step == "judge":
        return _judged(place, config, state, slots, say)
    if step == "resume":
        say(f"{state.version} was staged when the power was cut: restarting into it")
        resumed = msgspec.structs.replace(state, resumed=state.resumed + 1)
        save(place.folder, resumed)
        activated(place, resumed, None)
        restart()
        return 0
    if step == "came-back":
        give_up(place, config, state, say)
    elif step == "settled":
        _end(place, config, state.ended("good", "", _now()), say)
    elif step == "interrupted":
        said(place.tryboot, "unstage")
        _end(place, config, state.ended("interrupted", "the power was cut while the other slot was being written", _now()), say)
    elif step == "staged":
        say(f"{state.version} is staged in slot {state.slot} and not tried yet: sudo callfloor update activate")
    elif not slots.good.count(slots.booted):
        # The factory's slot: it runs, and nobody judges it; `good` is what RAUC asks for.
        said(place.tryboot, "set-state", slots.booted, "good")
    return 0


def judged(before: Facts | None, config: Path, say: Say, stable_s: float = STABLE_S, limit_s: float | None = None) -> Verdict:
    """Look again and again until it is known. Blocks for `limit_s` at most (None: as health.py says), and one look more."""
    judge = Judge(before, time.monotonic(), stable_s, limit_s_from() if limit_s is None else limit_s)
    shown: tuple[str, ...] = ()
    while True:
        verdict = judge.look(collected(usable(config)), time.monotonic())
        if verdict.level != "wait":
            return verdict
        if verdict.missing != shown:
            shown = verdict.missing
            say(f"waiting: {'; '.join(shown) or 'all is well, for how long?'}")
        time.sleep(_LOOK_S)


def give_up(place: Place, config: Path, state: State, say: Say) -> None:
    """Keep and tell why a version did not stay; what it left on CONFIG is forgotten."""
    reason_file, reached = place.folder / "reason", place.folder / "reached"
    try:
        reason = reason_file.read_text(encoding="utf-8", errors="replace").strip()[:500]
    except OSError:
        reason = ""
    reason = reason or (NOT_JUDGED if reached.exists() else NO_WORD)
    if state.kind == "image":
        said(place.tryboot, "unstage")
    _end(place, config, state.ended("rolled-back", reason, _now()), say)
    reason_file.unlink(missing_ok=True)
    reached.unlink(missing_ok=True)


def accept(place: Place, config: Path, state: State, say: Say) -> None:
    """Remember and tell that a version stays."""
    _end(place, config, state.ended("good", "", _now()), say)
    (place.folder / "reached").unlink(missing_ok=True)
    (place.folder / "reason").unlink(missing_ok=True)


def _judged(place: Place, config: Path, state: State, slots: Slots, say: Say) -> int:
    write_whole(place.folder / "reached", slots.booted.encode())
    say(f"slot {slots.booted} is being tried")
    known = state.before if state.slot == slots.booted else None
    verdict = judged(known, config, say)
    if verdict.level == "good":
        said(place.tryboot, "commit")
        say(f"slot {slots.booted} accepted")
        accept(place, config, state, say)
        return 0
    reason = "; ".join(verdict.missing)
    say(f"slot {slots.booted} did not pass: {reason}")
    write_whole(place.folder / "reason", reason.encode())
    said(place.tryboot, "rollback", reason)
    return 1


def _end(place: Place, config: Path, state: State, say: Say) -> None:
    save(place.folder, state)
    last = state.past[-1]
    say(f"{last.version}: {last.outcome}{f': {last.reason}' if last.reason else ''}")
    try:
        fault = note.told(config)
    except CallfloorError as refused:
        fault = str(refused)
    if fault:
        say(f"the journal was not told: {fault}")


def _now() -> str:
    return rfc3339(SystemClock().wall_ns())
