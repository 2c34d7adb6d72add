"""Decides what `callfloor top` shows in 80 by 24 signs: services, links, backlog, what is wrong, the queues, the headsets. Pure.

What does not fit is counted, never cut in silence: the worst stands first. Durations stand in whole seconds or minutes, so that a line
changes no more often than it has to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from appliance.core.clock import NS, wall_ns_from_rfc3339
from appliance.core.journal import Limits
from appliance.floor.snapshot import Crm, Headset, Queue, Snapshot
from wallboard.text import cleaned
from wallboard.words import clock_text

#: Rows that the queues and the headsets have at least, headings with them, where both are there.
_LEAST: Final = 3
_DASH: Final = "–"
_LEVEL: Final = {"up": "green", "down": "red", "denied": "red", "no_consumer": "red", "resyncing": "amber", "draining": "amber", "off": ""}


class Span(Struct, frozen=True):
    """A piece of a line, and its colour ("": none)."""

    text: str
    colour: str = ""


Line = tuple[Span, ...]


class Facts(Struct, frozen=True):
    """What a page is made of besides the snapshot: which services run (None: it may not be seen), the journal's room, its fault."""

    services: Mapping[str, bool | None] = {}
    limits: Limits | None = None
    fault: str = ""


def page(shot: Snapshot, facts: Facts, now_ns: int, width: int = 80, height: int = 24) -> list[Line]:
    """The screen, at most so many lines of so many signs."""
    out = [_head(shot, facts), _links(shot, now_ns), _backlog(shot.crm, facts.limits)]
    wrong = _wrong(shot, facts)
    room = height - len(out) - 2 * _LEAST
    out += _cut(wrong, max(1, min(len(wrong), room)), "more") if wrong else []
    seats = _seats(shot.headsets or {}, width)
    left = height - len(out)
    for_seats = min(len(seats), max(_LEAST, left - 1 - len(shot.queues))) if seats else 0
    out += _queues(shot, left - for_seats)
    out += _cut(seats, height - len(out), "more rows of headsets") if seats and height > len(out) else []
    return [_fitted(line, width) for line in out[:height]]


def _head(shot: Snapshot, facts: Facts) -> Line:
    spans = [Span(f"{shot.site}/{shot.box}", "bold"), Span(f"  {shot.time[11:19]}Z {'' if shot.open else 'closed '}")]
    if shot.clock != "synced":
        spans.append(Span(f"clock {shot.clock} ", "red" if shot.clock == "unset" else ""))
    for name, runs in facts.services.items():
        spans.append(
            Span(f" {name} {'?' if runs is None else 'up' if runs else 'DOWN'}", "" if runs is None else "green" if runs else "red")
        )
    return tuple(spans)


def _links(shot: Snapshot, now_ns: int) -> Line:
    spans = []
    for key, pbx in shot.pbx.items():
        why = f" {pbx.reason}" if pbx.reason and pbx.state != "up" else ""
        spans.append(Span(f"pbx {key} {pbx.state}{why}{_for(pbx.since, now_ns)}  ", _LEVEL[pbx.state]))
    spans.append(Span(f"crm {shot.crm.state}{_for(shot.crm.since, now_ns)}", _LEVEL[shot.crm.state]))
    return tuple(spans)


def _backlog(crm: Crm, limits: Limits | None) -> Line:
    text = f"held {crm.backlog:,}  delivered {crm.delivered:,} of {crm.recorded:,}"
    lost = "".join(f"  {name} {count:,}" for name, count in (("shed", crm.shed), ("skipped", crm.skipped)) if count)
    ends = f"  empty in {_span(crm.drain_s)}" if crm.drain_s is not None else f"  room for {_span(crm.full_in_s)}" if crm.full_in_s else ""
    spans = [Span(text, "amber" if crm.backlog else ""), Span(lost, "amber"), Span(ends)]
    if limits is not None:
        share = limits.bytes_used / limits.max_bytes if limits.max_bytes else 0.0
        commit = f", {limits.commit_s * 1000:.0f} ms a commit" if limits.commit_s is not None else ""
        spans.append(Span(f"  journal {share:.0%}{commit}", "red" if limits.full else "amber" if limits.pressure else ""))
    return tuple(spans)


def _wrong(shot: Snapshot, facts: Facts) -> list[Line]:
    """What is not well, the gravest first."""
    found = [(0, Span(f"! journal: {cleaned(facts.fault)}", "red"))] if facts.fault else []
    found += [(item.level != "red", Span(f"! {item.id}: {cleaned(item.text)}", item.level)) for item in shot.health if item.level != "ok"]
    found += [(alarm.level != "red", Span(f"! alarm {alarm.id}", alarm.level)) for alarm in shot.alarms]
    return [(span,) for _, span in sorted(found, key=lambda each: each[0])]


def _queues(shot: Snapshot, rows: int) -> list[Line]:
    """The table: the floor's sum, then the queues, those that wait longest first."""
    if rows < 2:
        return []
    head = f"{'queue':<20}{'wait':>5}{'longest':>9}{'avail':>7}{'busy':>6}{'answ':>7}{'aband':>7}{'in time':>9}"
    ranked = sorted(shot.queues.items(), key=lambda each: (-(each[1].longest_wait or 0.0), -(each[1].waiting or 0), each[0]))
    lines: list[Line] = [(Span(head, "dim"),), _queue("all", shot.floor)]
    return lines[:rows] + _cut([_queue(queue.title or key, queue) for key, queue in ranked], rows - len(lines), "more queues")


def _queue(name: str, queue: Queue) -> Line:
    agents, today = queue.agents, queue.today
    busy = agents.ringing + agents.talking + agents.holding if agents else None
    mark = {"live": " ", "stale": "~", "unknown": "?"}[queue.fresh]
    level = f"{today.service_level:.0%}" if today.service_level is not None else _DASH
    cells = (
        f"{mark}{cleaned(name)[:18]:<19}{_cell(queue.waiting):>5}{clock_text(queue.longest_wait):>9}"
        f"{_cell(agents.available if agents else None):>7}{_cell(busy):>6}{today.answered:>7}{today.abandoned:>7}{level:>9}"
    )
    return (Span(cells, "" if queue.fresh == "live" else "dim"),)


def _seats(headsets: Mapping[str, Headset], width: int) -> list[Line]:
    """Seats in columns of 20: those that somebody should look at first, then those that talk."""
    if not headsets:
        return []
    across = max(1, width // 20)
    ranked = sorted(headsets.items(), key=lambda each: (_rank(each[1]), each[0]))
    cells = [_seat(key, one) for key, one in ranked]
    talk = sum(one.hook == "off" for one in headsets.values())
    mute = sum(one.mute is True for one in headsets.values())
    away = sum(one.attached is False for one in headsets.values())
    head = f"headsets {len(headsets)}: {talk} off hook, {mute} muted, {away} unplugged"
    return [(Span(head, "dim"),), *(tuple(cells[at : at + across]) for at in range(0, len(cells), across))]


def _seat(key: str, one: Headset) -> Span:
    if one.attached is False:
        state, colour = "unplugged", "amber"
    elif one.fresh != "live":
        state, colour = one.fresh, "dim"
    else:
        state = {"off": "off", "on": "on", "unknown": "?"}[one.hook] + (" mute" if one.mute else "")
        colour = "red" if one.mute and one.hook == "off" else "green" if one.hook == "off" else ""
    mark = "!" if one.findings else " "
    return Span(f"{mark}{cleaned(key)[:8]:<9}{state:<10}", "amber" if one.findings else colour)


def _rank(one: Headset) -> int:
    return 0 if one.findings else 1 if one.attached is False else 2 if one.hook == "off" else 3


def _cut(lines: Sequence[Line], rows: int, what: str) -> list[Line]:
    """So many of them; the last says how many more there are."""
    if len(lines) <= rows:
        return list(lines)
    if rows <= 0:
        return []
    return [*lines[: rows - 1], (Span(f"  … {len(lines) - rows + 1} {what}", "dim"),)]


def _fitted(line: Line, width: int) -> Line:
    out, left = [], width
    for span in line:
        if left > 0 and span.text:
            out.append(Span(span.text[:left], span.colour))
            left -= len(span.text)
    return tuple(out)


def _cell(value: int | None) -> str:
    return _DASH if value is None else str(value)


def _for(since: str | None, now_ns: int) -> str:
    return f" {_span((now_ns - wall_ns_from_rfc3339(since)) / NS)}" if since is not None else ""


def _span(seconds: float | None) -> str:
    """A duration in its largest whole unit.

    >>> _span(42.0), _span(3601.0), _span(200_000.0)
    ('42s', '60m', '55h')
    """
    if seconds is None:
        return _DASH
    whole = max(0, int(seconds))
    return (
        f"{whole}s"
        if whole < 100
        else f"{whole // 60}m"
        if whole < 6000
        else f"{whole // 3600}h"
        if whole < 360_000
        else f"{whole // 86400}d"
    )
