"""Decides what was known of a PBX when this process last stopped: a pure fold of the journal's newest events.

After kill -9 callers still waiting are taken up again with their true join time and the same visit id; only what began
or ended in the process's absence is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, TypeVar

from msgspec import Struct

from appliance.core import catalogue as c
from appliance.core.event import Event
from gateway.pbx.number import whole

if TYPE_CHECKING:
    from gateway.pbx.dialect import Source

_T = TypeVar("_T")
#: Kinds that the fold needs; a reader skips the rest without decoding them.
KINDS: Final = frozenset(
    (
        "call.queued", "call.answered", "call.abandoned", "call.left", "call.lost", "call.ended", "call.held", "call.resumed",
        "call.offered", "call.digits", "call.survey", "call.callback_requested", "call.classified", "agent.logged_in",
        "agent.logged_out", "agent.state",
        "line.ringing", "line.seized", "line.released", "line.fault", "line.all_busy", "line.all_busy_ended", "pbx.up", "pbx.down",
        "pbx.resynced",
    )
)  # fmt: skip
_MAX_CALLS: Final = 4_096


class Moment(Struct, frozen=True):
    """When an event was recorded, on both clocks of its boot."""

    wall_ns: int
    mono_ns: int
    boot: str

    def mono_in(self, boot: str, now_mono_ns: int, now_wall_ns: int) -> int:
        """The same instant on this boot's monotonic clock; by wall time when the box has rebooted since."""
        if self.boot == boot:
            return min(self.mono_ns, now_mono_ns)
        return now_mono_ns - max(0, now_wall_ns - self.wall_ns)


class Standing(Struct):
    """A visit that had not ended: its data, when it was queued and, if it was answered, by whom, when, and held how long."""

    queued: c.CallQueued
    at: Moment
    answered: c.CallAnswered | None = None
    answered_at: Moment | None = None
    held_at: Moment | None = None
    hold_ns: int = 0


class Known(Struct):
    """What the journal holds of one PBX."""

    standing: dict[str, Standing] = {}
    calls: dict[str, tuple[str, int]] = {}
    agents: dict[str, c.AgentStateChanged] = {}
    logins: dict[str, c.AgentLoggedIn] = {}
    titles: dict[str, str] = {}
    lines: dict[str, c.LineSeized] = {}
    full: dict[str, Moment] = {}
    faults: dict[str, c.LineFault] = {}
    menus: dict[str, tuple[c.CallDigits, Moment]] = {}
    stays: dict[str, c.CallAnswered] = {}
    #: By channel, what its menu and its surveys told last, by question: some PBXs tell it again with every event of the channel.
    words: dict[str, dict[str, Struct]] = {}
    started: str | None = None
    up: bool | None = None
    last: Moment | None = None


def fold(events: Iterable[Event]) -> dict[str, Known]:
    """Fold events, oldest first, into what is known per PBX."""
    known: dict[str, Known] = {}
    for event in events:
        pbx = getattr(event.data, "pbx", None)
        if pbx is None:
            pbx = event.source.partition("/")[2]
        _apply(known.setdefault(pbx, Known()), event)
    return known


def _apply(known: Known, event: Event) -> None:
    at = Moment(event.wall_ns, event.mono_ns, event.boot)
    known.last = at
    if event.kind.startswith("call."):
        _apply_call(known, event.data, at)
    elif event.kind.startswith("agent."):
        _apply_agent(known, event.data)
    elif event.kind.startswith("line."):
        _apply_line(known, event.data, at)
    else:
        _apply_pbx(known, event.data)


def _apply_call(known: Known, data: Struct, at: Moment) -> None:
    _apply_word(known, data)
    visit = getattr(data, "visit", None) or ""
    standing = known.standing.get(visit)
    match data:
        case c.CallQueued() if visit:
            known.standing[visit] = Standing(data, at)
            if data.queue and data.title:
                known.titles[data.queue] = data.title
            _call(known, data.uniqueid, data.call, visit)
        case c.CallAnswered() if standing is not None:
            standing.answered, standing.answered_at = data, at
            if data.uniqueid:
                _bounded(known.stays)[data.uniqueid] = data
        case c.CallHeld() if standing is not None:
            standing.held_at = at
        case c.CallResumed() if standing is not None and standing.held_at is not None:
            standing.hold_ns += max(0, at.wall_ns - standing.held_at.wall_ns)
            standing.held_at = None
        case c.CallDigits() if data.uniqueid and not data.visit:
            if known.calls.get(data.uniqueid, ("", 0))[0] != data.call:
                _call(known, data.uniqueid, data.call, "")
            began = known.menus.pop(data.uniqueid, (data, at))[1]
            if data.ended is None:
                _bounded(known.menus)[data.uniqueid] = (data, began)
        case c.CallOffered():
            _call(known, data.uniqueid, data.call, "")
        case c.CallAbandoned() | c.CallLeft() | c.CallLost() | c.CallEnded():
            known.standing.pop(visit, None)


def _apply_word(known: Known, data: Struct) -> None:
    match data:
        case c.CallDigits(ended=None):
            key = "menu"
        case c.CallCallbackRequested():
            key = "callback"
        case c.CallClassified():
            key = "classify"
        case c.CallSurvey(question=question):
            key = question
        case _:
            return
    if data.uniqueid:
        words = known.words.pop(data.uniqueid, {})
        words[key] = data
        _bounded(known.words)[data.uniqueid] = words


def _apply_agent(known: Known, data: Struct) -> None:
    match data:
        case c.AgentLoggedIn():
            known.logins[data.agent] = data
        case c.AgentLoggedOut():
            known.agents.pop(data.agent, None)
            known.logins.pop(data.agent, None)
        case c.AgentStateChanged() if data.state != "logged_out":
            known.agents[data.agent] = data


def _apply_line(known: Known, data: Struct, at: Moment) -> None:
    match data:
        case c.LineSeized():
            known.lines[data.line] = data
        case c.LineReleased():
            known.lines.pop(data.line, None)
        case c.LineFault() if data.over:
            known.faults.pop(data.line, None)
        case c.LineFault():
            _bounded(known.faults)[data.line] = data
        case c.LineAllBusy():
            known.full[data.trunk] = at
        case c.LineAllBusyEnded():
            known.full.pop(data.trunk, None)


def _apply_pbx(known: Known, data: Struct) -> None:
    match data:
        case c.PbxUp():
            known.started, known.up = data.started or known.started, True
        case c.PbxDown():
            known.up = False
        case c.PbxResynced():
            known.titles.update({named.key: named.title for named in data.queues})


def _call(known: Known, uniqueid: str | None, call: str, visit: str) -> None:
    if uniqueid:
        number = visit.rpartition(".")[2]
        _bounded(known.calls).pop(uniqueid, None)
        known.calls[uniqueid] = (call, whole(number) or 0)


def _bounded(book: dict[str, _T]) -> dict[str, _T]:
    while len(book) >= _MAX_CALLS:
        book.pop(next(iter(book)))
    return book


def restore(source: Source, known: Known, *, boot: str, now_mono_ns: int, now_wall_ns: int, last_seen: Moment | None = None) -> None:
    """Bring a new source to what was known. `last_seen`: the newest sight of the PBX, the journal's last event if that is later."""

    def mono(at: Moment) -> int:
        return at.mono_in(boot, now_mono_ns, now_wall_ns)

    sights = [mono(at) for at in (known.last, last_seen) if at is not None]
    source.restore(known, mono, max(sights) if sights else None)
