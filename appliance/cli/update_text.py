"""Decides what the plan of an update and its state say, in lines for a person."""

from __future__ import annotations

from msgspec import Struct

from appliance.core.errors import CallfloorError
from appliance.update.candidate import Candidate, running_version
from appliance.update.place import Place
from appliance.update.slots import Slots, slots_of
from appliance.update.state import Facts, Past, Phase, at_work, load
from appliance.update.words import Language, text


class Status(Struct, frozen=True):
    """`update status --json`. `slots` None: a stock Debian, or CONFIG cannot be read (`fault`)."""

    running: str
    phase: Phase
    version: str | None
    slots: Slots | None
    past: tuple[Past, ...]
    source: str = ""
    fault: str = ""
    #: Whether a process is at it now: what is not, and is not idle either, was interrupted or waits.
    at_work: bool = False


def status_of(place: Place) -> Status:
    """How things stand; raises nothing."""
    state, fault, slots = load(place.folder), "", None
    try:
        slots = slots_of(place)
    except CallfloorError as refused:
        fault = str(refused)
    version = state.version if state.phase != "idle" else None
    return Status(running_version(place), state.phase, version, slots, state.past, state.source, fault, at_work(place.folder))


def status_lines(status: Status, language: Language) -> list[tuple[str, str | None]]:
    """Lines, each with its colour."""
    slots = status.slots
    lines: list[tuple[str, str | None]] = []
    if slots is None:
        lines.append((text("running", language, running=status.running), None))
    else:
        key = "trial" if slots.trial else "slots"
        values = {"running": status.running, "booted": slots.booted, "committed": slots.committed}
        lines.append((text(key, language, **values), "amber" if slots.trial else None))
    if status.fault:
        lines.append((status.fault, "red"))
    if status.phase == "staged" and slots is not None:
        lines.append((text("staged", language, version=status.version, slot=slots.staged), "amber"))
    elif status.phase == "writing" and status.at_work:
        lines.append((text("writing-now", language, version=status.version), "amber"))
    elif status.phase == "writing":
        lines.append((text("writing-left", language, version=status.version, source=status.source), "amber"))
    elif status.phase == "trying" and not (slots and slots.trial):
        lines.append((text("trying", language, version=status.version), "amber"))
    colours = {"good": "green", "rolled-back": "red", "interrupted": "amber"}
    lines += [
        (text(past.outcome, language, at=past.at[:16], version=past.version, reason=past.reason), colours[past.outcome])
        for past in reversed(status.past)
    ]
    if not status.past and status.phase == "idle":
        lines.append((text("never", language), "dim"))
    return lines


def planned(candidate: Candidate, running: str, slot: str, before: Facts, language: Language) -> str:
    """What will happen, and what the new version must show to stay: what works now."""
    lines = [text("what", language, version=candidate.version, fits=candidate.fits, running=running)]
    lines.append(text(f"plan-{candidate.kind}", language, slot=slot, running=running, version=candidate.version))
    lines += [f"   - {text('up', language, name=unit)}" for unit, state in before.services.items() if state == "active"]
    lines += [f"   - {text('answers', language, name=peer)}" for peer, answered in before.reach.items() if answered]
    if before.board:
        lines.append(f"   - {text('board', language)}")
    return "\n".join([*lines, text("else", language, running=running), text("journal", language)])
