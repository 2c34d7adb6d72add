"""Decides what `callfloor top` shows in 80 by 24 signs: services, links, backlog, what is wrong, the queues, the headsets. Pure.

What does not fit is counted, never cut in silence: the worst stands first. Durations stand in whole seconds or minutes, so that a line
changes no more often than it has to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from appliance.cli.top_words import said
from appliance.core.clock import NS, wall_ns_from_rfc3339
from appliance.core.journal import Limits
from appliance.floor.snapshot import Channel, Crm, Headset, Queue, Snapshot
from appliance.provision.words import Language
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
    """What a page is made of besides the snapshot: which services run (None: it may not be seen), the journal's room, its fault.

    `tongue`: the reader's.
    """

    services: Mapping[str, bool | None] = {}
    limits: Limits | None = None
    fault: str = ""
    tongue: Language = "en"


def page(shot: Snapshot, facts: Facts, now_ns: int, width: int = 80, height: int = 24) -> list[Line]:
    """The screen, at most so many lines of so many signs."""
    tongue = facts.tongue
    out = [_head(shot, facts), _links(shot, now_ns, tongue), _backlog(shot.crm, facts.limits, tongue), *_back(shot, now_ns, width, tongue)]
    wrong = _wrong(shot, facts)
    room = height - len(out) - 2 * _LEAST
    out += _cut(wrong, max(1, min(len(wrong), room)), "more", tongue) if wrong else []
    seats = _seats(shot.headsets or {}, width, tongue)
    left = height - len(out)
    for_seats = min(len(seats), max(_LEAST, left - 1 - len(shot.queues))) if seats else 0
    out += _queues(shot, left - for_seats, tongue)
    out += _cut(seats, height - len(out), "more rows of headsets", tongue) if seats and height > len(out) else []
    return [_fitted(line, width) for line in out[:height]]


def _head(shot: Snapshot, facts: Facts) -> Line:
    spans = [
        Span(f"{shot.site}/{shot.box}", "bold"),
        Span(f"  {shot.time[11:19]}Z {'' if shot.open else said('closed', facts.tongue) + ' '}"),
    ]
    if shot.clock != "synced":
        spans.append(Span(said("clock {}", facts.tongue, said(shot.clock, facts.tongue)) + " ", "red" if shot.clock == "unset" else ""))
    for name, runs in facts.services.items():
        state = "?" if runs is None else said("up" if runs else "DOWN", facts.tongue)
        spans.append(Span(f" {name} {state}", "" if runs is None else "green" if runs else "red"))
    return tuple(spans)


def _links(shot: Snapshot, now_ns: int, tongue: Language) -> Line:
    spans = []
    for key, pbx in shot.pbx.items():
        why = f" {said(pbx.reason, tongue)}" if pbx.reason and pbx.state != "up" else ""
        spans.append(Span(f"{said('pbx {}', tongue, key)} {said(pbx.state, tongue)}{why}{_for(pbx.since, now_ns)}  ", _LEVEL[pbx.state]))
    spans.append(Span(f"crm {said(shot.crm.state, tongue)}{_for(shot.crm.since, now_ns)}", _LEVEL[shot.crm.state]))
    return tuple(spans)


def _backlog(crm: Crm, limits: Limits | None, tongue: Language) -> Line:
    text = said("held {}  delivered {} of {}", tongue, f"{crm.backlog:,}", f"{crm.delivered:,}", f"{crm.recorded:,}")
    lost = "".join(f"  {said(name, tongue, f'{count:,}')}" for name, count in (("shed {}", crm.shed), ("skipped {}", crm.skipped)) if count)
    ends = ""
    if crm.drain_s is not None:
        ends = "  " + said("empty in {}", tongue, _span(crm.drain_s))
    elif crm.full_in_s:
        ends = "  " + said("room for {}", tongue, _span(crm.full_in_s))
    spans = [Span(text, "amber" if crm.backlog else ""), Span(lost, "amber"), Span(ends)]
    if limits is not None:
        share = limits.bytes_used / limits.max_bytes if limits.max_bytes else 0.0
        commit = ", " + said("{} ms a commit", tongue, f"{limits.commit_s * 1000:.0f}") if limits.commit_s is not None else ""
        spans.append(
            Span(f"  {said('journal {}', tongue, f'{share:.0%}')}{commit}", "red" if limits.full else "amber" if limits.pressure else "")
        )
    return tuple(spans)


def _back(shot: Snapshot, now_ns: int, width: int, tongue: Language) -> list[Line]:
    """A line of who is to be called back, which VIPs wait, what was dialled, one of the other channels; none where nobody knows of any."""
    floor, spans = shot.floor, []
    if floor.callbacks is not None:
        due = floor.callbacks
        taken = f" ({said('{} taken', tongue, due.claimed)})" if due.claimed else ""
        spans.append(Span(f"{said('callbacks {}', tongue, due.open)}{taken}{_for(due.oldest_since, now_ns)}  "))
    if floor.vip_waiting is not None:
        spans.append(Span(f"VIP {floor.vip_waiting}{_for(floor.vip_longest_since, now_ns)}  ", "amber" if floor.vip_waiting else ""))
    if floor.today.outbound is not None:
        out = floor.today.outbound
        spans.append(Span(f"{said('dialled {}, reached {}', tongue, out.attempts, out.contacts)}  "))
    return [tuple(line) for line in (spans, _channels(shot.channels, width, tongue)) if line]


def _channels(channels: Mapping[str, Channel], width: int, tongue: Language) -> list[Span]:
    """How many wait in each, `~` as of a while ago; of those that have no room how many there are."""
    out = [Span(said("waiting by channel:", tongue))] if channels else []
    for at, (key, channel) in enumerate(channels.items()):
        told = Span(f"  {key} {'~' if channel.fresh == 'stale' else ''}{_cell(channel.waiting)}", "" if channel.fresh == "live" else "dim")
        if sum(len(span.text) for span in (*out, told)) > width - len("  +99") * (at < len(channels) - 1):
            return [*out, Span(f"  +{len(channels) - at}", "dim")]
        out.append(told)
    return out


def _wrong(shot: Snapshot, facts: Facts) -> list[Line]:
    """What is not well, the gravest first."""
    found = [(0, Span(said("! journal: {}", facts.tongue, cleaned(facts.fault)), "red"))] if facts.fault else []
    found += [(item.level != "red", Span(f"! {item.id}: {cleaned(item.text)}", item.level)) for item in shot.health if item.level != "ok"]
    found += [(alarm.level != "red", Span(said("! alarm {}", facts.tongue, alarm.id), alarm.level)) for alarm in shot.alarms]
    return [(span,) for _, span in sorted(found, key=lambda each: each[0])]


def _queues(shot: Snapshot, rows: int, tongue: Language) -> list[Line]:
    """The table: the floor's sum, then the queues, those that wait longest first."""
    if rows < 2:
        return []
    named = [said(each, tongue) for each in ("wait", "longest", "avail", "busy", "answ", "aband", "in time")]
    head = f"{said('queue', tongue):<20}" + "".join(f"{name:>{wide}}" for name, wide in zip(named, (5, 9, 7, 6, 7, 7, 9), strict=True))
    ranked = sorted(shot.queues.items(), key=lambda each: (-(each[1].longest_wait or 0.0), -(each[1].waiting or 0), each[0]))
    lines: list[Line] = [(Span(head, "dim"),), _queue(said("all", tongue), shot.floor)]
    return lines[:rows] + _cut([_queue(queue.title or key, queue) for key, queue in ranked], rows - len(lines), "more queues", tongue)


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


def _seats(headsets: Mapping[str, Headset], width: int, tongue: Language) -> list[Line]:
    """Seats in columns of 20: those that somebody should look at first, then those that talk."""
    if not headsets:
        return []
    across = max(1, width // 20)
    ranked = sorted(headsets.items(), key=lambda each: (_rank(each[1]), each[0]))
    cells = [_seat(key, one, tongue) for key, one in ranked]
    talk = sum(one.hook == "off" for one in headsets.values())
    mute = sum(one.mute is True for one in headsets.values())
    away = sum(one.attached is False for one in headsets.values())
    head = said("headsets {}: {} off hook, {} muted, {} unplugged", tongue, len(headsets), talk, mute, away)
    return [(Span(head, "dim"),), *(tuple(cells[at : at + across]) for at in range(0, len(cells), across))]


def _seat(key: str, one: Headset, tongue: Language) -> Span:
    if one.attached is False:
        state, colour = said("unplugged", tongue), "amber"
    elif one.fresh != "live":
        state, colour = one.fresh if tongue == "en" else said(one.fresh, tongue), "dim"
    else:
        hooks = {"off": "off", "on": "on"} if tongue == "en" else {"off": said("off hook", tongue), "on": said("on hook", tongue)}
        state = hooks.get(one.hook, "?") + (said(" mute", tongue) if one.mute else "")
        colour = "red" if one.mute and one.hook == "off" else "green" if one.hook == "off" else ""
    mark = "!" if one.findings else " "
    return Span(f"{mark}{cleaned(key)[:8]:<9}{state:<10}", "amber" if one.findings else colour)


def _rank(one: Headset) -> int:
    return 0 if one.findings else 1 if one.attached is False else 2 if one.hook == "off" else 3


def _cut(lines: Sequence[Line], rows: int, what: str, tongue: Language) -> list[Line]:
    """So many of them; the last says how many more there are."""
    if len(lines) <= rows:
        return list(lines)
    if rows <= 0:
        return []
    return [*lines[: rows - 1], (Span(f"  … {len(lines) - rows + 1} {said(what, tongue)}", "dim"),)]


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
