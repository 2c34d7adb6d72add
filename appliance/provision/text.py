"""Decides how a plan, its outcome and the states look: as lines for a person, and as plain data for scripts.

Secrets are in neither."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any, Final

from appliance.provision.machine import Machine
from appliance.provision.plan import Plan
from appliance.provision.step import Due
from appliance.provision.thing import File, Folder, Link, Thing, Was, was
from appliance.provision.words import Words

#: A file that is new is shown as far as this; the rest is a number of lines.
_LINES: Final = 40


def plan_lines(machine: Machine, plan: Plan, words: Words) -> Iterator[tuple[str, str]]:
    """(style, line) of the whole plan; styles are terminal.coloured's, or empty."""
    site = plan.sheet.site
    yield "bold", words("plan.title", host=plan.sheet.host, site=site.name, box=site.box)
    if plan.cut is not None:
        yield "amber", words("plan.cut")
    if not plan.pending:
        yield "green", words("plan.none")
        return
    number = 0
    for each in plan.steps:
        if not each.pending and each.step.cannot is None:
            continue
        number += 1
        yield "", ""
        yield "bold", f"{number}. {words(f'{each.step.name}.what', **each.step.about)}"
        yield "dim", f"   {words(f'{each.step.name}.why')}"
        if each.step.cannot is not None:
            yield "red", f"   {words('plan.blocked', fault=each.step.cannot)}"
        for thing in each.changes:
            yield from _change(machine, thing, words)
        if each.resumed and not each.changes:
            yield "", f"   {words('plan.resumed')}"
        if machine.live:
            for command in each.step.runs:
                yield "dim", f"   $ {' '.join(command)}"
    yield "", ""
    right = sum(not each.pending for each in plan.steps)
    changes = sum(len(each.changes) for each in plan.steps)
    yield "", words("plan.sum", steps=sum(each.pending for each in plan.steps), changes=changes, right=right)


def plan_data(machine: Machine, plan: Plan, words: Words) -> dict[str, Any]:
    """The same for scripts."""
    return {
        "host": plan.sheet.host,
        "site": plan.sheet.site.name,
        "box": plan.sheet.site.box,
        "pending": plan.pending,
        "resumes": None if plan.cut is None else plan.cut.number,
        "steps": [_step_data(machine, each, words) for each in plan.steps],
        "faults": [{"step": step, "fault": fault} for step, fault in plan.faults],
    }


def _step_data(machine: Machine, each: Due, words: Words) -> dict[str, Any]:
    name = each.step.name
    return {
        "step": name,
        "what": words(f"{name}.what", **each.step.about),
        "why": words(f"{name}.why"),
        "pending": each.pending,
        "changes": [{"path": thing.path, "now": _now(was(machine, thing.path), thing), "then": _then(thing)} for thing in each.changes],
        "runs": [list(command) for command in each.step.runs] if machine.live and each.pending else [],
    }


def _now(old: Was, thing: Thing) -> str | None:
    if old.kind == "absent":
        return None
    if old.kind == "link":
        return f"-> {old.target}"
    if old.kind == "folder":
        return f"{old.mode:04o}"
    secret = isinstance(thing, File) and thing.secret
    return "(secret)" if secret else old.data.decode("utf-8", "replace")


def _then(thing: Thing) -> str | None:
    if isinstance(thing, Link):
        return None if thing.target is None else f"-> {thing.target}"
    if isinstance(thing, Folder):
        return f"{thing.mode:04o} {thing.user}:{thing.group}"
    if thing.content is None:
        return None
    return "(secret)" if thing.secret else thing.content.decode("utf-8", "replace")


def _change(machine: Machine, thing: Thing, words: Words) -> Iterator[tuple[str, str]]:
    old = was(machine, thing.path)
    head = f"   {thing.path}"
    if isinstance(thing, Link):
        now = old.target if old.kind == "link" else None if old.kind == "absent" else old.kind
        yield "", f"{head}: {now or words('change.new')} → {thing.target or words('change.gone')}"
        return
    if isinstance(thing, Folder):
        rights = f"{thing.mode:04o} {thing.user}:{thing.group}"
        new = old.kind == "absent"
        yield (
            "",
            f"{head}/: {words('change.new')}, {rights}" if new else f"{head}/: {words('change.rights', now=_rights(old), then=rights)}",
        )
        return
    if thing.content is None:
        yield "", f"{head}: {words('change.gone')}"
    elif thing.secret:
        told = words("change.new") if old.kind == "absent" else words("change.secret")
        yield "", f"{head}: {told} ({thing.mode:04o} {thing.user}:{thing.group})"
    elif old.kind == "file" and old.data == thing.content:
        yield "", f"{head}: {words('change.rights', now=_rights(old), then=f'{thing.mode:04o} {thing.user}:{thing.group}')}"
    else:
        yield "", f"{head}: {words('change.new')}" if old.kind == "absent" else f"{head}:"
        yield from _diff(old, thing.content)


def _rights(old: Was) -> str:
    return f"{old.mode:04o} {old.uid}:{old.gid}"


def _diff(old: Was, content: bytes) -> Iterator[tuple[str, str]]:
    now = old.data.decode("utf-8", "replace").splitlines() if old.kind == "file" else []
    then = content.decode("utf-8", "replace").splitlines()
    lines = [line for line in difflib.unified_diff(now, then, lineterm="", n=1) if not line.startswith(("---", "+++", "@@"))]
    for line in lines[:_LINES]:
        colour = "green" if line.startswith("+") else "red" if line.startswith("-") else "dim"
        yield colour, f"      {line[:1]} {line[1:]}".rstrip()
    if len(lines) > _LINES:
        yield "dim", f"      … {len(lines) - _LINES}"
