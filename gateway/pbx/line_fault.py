"""Decides when a PBX's line is at fault: busy for too long, refusing every call, in alarm, or seized from both ends at once. Pure.

A PBX does not look at the wire as a sense on an analog line does; what its channels tell is this much. `stuck_off_hook` names the
channel, `out_of_service` and `glare` the line itself, which outlives its channels.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from appliance.core.catalogue import LineFault
from appliance.core.clock import NS
from appliance.core.trunk_config import LineFaults

#: Q.850: no route, destination out of order, network out of order, temporary failure, no answer to the signalling.
REFUSED: Final = frozenset((3, 27, 38, 41, 102))
#: Q.850 cause 44, requested circuit not available: the other end took that circuit in the same moment.
_GLARE: Final = 44
_MAX_LINES: Final = 4_096
_SUFFIX: Final = re.compile(r"-[0-9a-fA-F]+(;\d)?$")
#: One wire that carries one call: a channel by number (`DAHDI/3-1`), not a group or a peer.
_ONE_WIRE: Final = re.compile(r"[A-Za-z]+/\d+")


def line_of(channel: str) -> str:
    """The line under a channel's name, without what makes each channel's name its own.

    >>> line_of("PJSIP/trunk-norte-0000001f"), line_of("DAHDI/3-1"), line_of("DAHDI/i1/600123451-a2")
    ('PJSIP/trunk-norte', 'DAHDI/3', 'DAHDI/i1')
    """
    return "/".join(_SUFFIX.sub("", channel).split("/")[:2])


class Use(Struct):
    """A line in use: since when, and from which end it was seized (None: not known)."""

    channel: str
    trunk: str
    since_ns: int
    direction: str | None
    rules: LineFaults
    stuck: bool = False


class FaultBook:
    """The lines of one PBX that are at fault, and those that may come to be; bounded."""

    def __init__(self, pbx: str, emit: Callable[[LineFault], None]) -> None:
        self.pbx, self.emit = pbx, emit
        self._uses: dict[str, Use] = {}
        self._refusals: dict[str, int] = {}
        self._standing: dict[str, LineFault] = {}
        #: When `tick` has something to do, or a little before.
        self.next_due_ns: int | None = None

    def restore(self, fault: LineFault) -> None:
        """Take up a fault that the journal holds."""
        if fault.fault == "out_of_service" and not fault.over:
            self._standing[fault.line] = fault

    def seized(self, uniqueid: str, use: Use) -> None:
        """A line is in use; a call that comes in shows that it lives."""
        line = line_of(use.channel)
        if use.rules.glare_s and use.direction and _ONE_WIRE.fullmatch(line):
            within_ns = round(use.rules.glare_s * NS)
            others = (o for o in self._uses.values() if line_of(o.channel) == line and o.direction not in (None, use.direction))
            if any(use.since_ns - other.since_ns <= within_ns for other in others):
                self._tell(line, use.trunk, "glare")
        self._uses[uniqueid] = use
        if use.direction == "in":
            self.lives(line)
        if use.rules.stuck_s:
            due_ns = use.since_ns + round(use.rules.stuck_s * NS)
            self.next_due_ns = due_ns if self.next_due_ns is None else min(self.next_due_ns, due_ns)

    def released(self, uniqueid: str, cause: int | None, *, answered: bool) -> None:
        """It is free again; `cause` is Q.850's, None where nobody saw how."""
        use = self._uses.pop(uniqueid, None)
        if use is None:
            return
        if use.stuck:
            self._tell(use.channel, use.trunk, "stuck_off_hook", over=True)
        if use.direction != "out" or cause is None:
            return
        line = line_of(use.channel)
        if cause == _GLARE and use.rules.glare_s:
            self._tell(line, use.trunk, "glare")
        if not answered and cause in REFUSED:
            self.refused(line, use.trunk, use.rules)
        else:
            self.lives(line)

    def refused(self, line: str, trunk: str, rules: LineFaults) -> None:
        """A call out failed for a reason that is the line's own."""
        while len(self._refusals) >= _MAX_LINES:
            del self._refusals[next(iter(self._refusals))]
        self._refusals[line] = self._refusals.get(line, 0) + 1
        if rules.dead_after and self._refusals[line] >= rules.dead_after:
            self.fails(line, trunk)

    def fails(self, line: str, trunk: str) -> None:
        """The line is out of service."""
        if line not in self._standing and len(self._standing) < _MAX_LINES:
            self._standing[line] = LineFault(line=line, trunk=trunk, pbx=self.pbx, fault="out_of_service")
            self.emit(self._standing[line])

    def lives(self, line: str) -> None:
        """The line carried a call, or its alarm is over."""
        self._refusals.pop(line, None)
        fault = self._standing.pop(line, None)
        if fault is not None:
            self._tell(line, fault.trunk, fault.fault, over=True)

    def tick(self, now_ns: int) -> None:
        """Tell of the lines that have been busy for too long."""
        if self.next_due_ns is None or now_ns < self.next_due_ns:
            return
        self.next_due_ns = None
        for use in self._uses.values():
            if use.stuck or not use.rules.stuck_s:
                continue
            due_ns = use.since_ns + round(use.rules.stuck_s * NS)
            if now_ns >= due_ns:
                use.stuck = True
                self._tell(use.channel, use.trunk, "stuck_off_hook")
            else:
                self.next_due_ns = due_ns if self.next_due_ns is None else min(self.next_due_ns, due_ns)

    def _tell(self, line: str, trunk: str | None, fault: str, *, over: bool = False) -> None:
        self.emit(LineFault(line=line, trunk=trunk, pbx=self.pbx, fault=fault, over=over))
