"""Decides how each stay in a queue ends, exactly as the KPI definitions have it.

Asterisk's QueueCallerAbandon means "left the queue unanswered", not "hung up": a HangupRequest of the same channel
before it means that the caller hung up; only a SoftHangupRequest that the PBX did; neither that the call goes on in
the dialplan. A Leave with neither Abandon nor Connect is an exit by key. Where the word that tells more comes after
the event, the ending is held back for at most two seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from msgspec import Struct

from appliance.core.catalogue import (
    CallAbandoned,
    CallAnswered,
    CallLeft,
    CallLost,
    CallQueued,
    CallRinging,
    LeftReason,
)
from gateway.pbx.stay import HOLD_BACK_NS, Visit, fields_of, seconds

_MAX_CLOSED: Final = 4_096


class VisitBook:
    """Open visits of one PBX, by the caller's channel. `emit` takes the events.

    `closed` names the queue that a live channel's last visit was in: late events of a visit that has ended open no new one.
    """

    def __init__(self, pbx: str, emit: Callable[[Struct], None]) -> None:
        self.pbx = pbx
        self.emit = emit
        self.hold_back_reasons = False
        self.open: dict[str, Visit] = {}
        self.closed: dict[str, str] = {}
        self._due: dict[str, Visit] = {}
        self._rung: dict[str, Visit] = {}
        self.on_visit_end: Callable[[Visit], None] = lambda visit: None

    # -- the queue ---------------------------------------------------------------------------------------------

    def queued(
        self, visit: Visit, now_ns: int, *, position: int | None = None, inferred: bool = False, pbx_time: float | None = None
    ) -> None:
        """A visit begins. Whatever this channel was in before ends now."""
        self.flush(visit.uniqueid, now_ns)
        if (before := self.open.pop(visit.uniqueid, None)) is not None:
            self._left(before, "not_told", now_ns)
        self.open[visit.uniqueid] = visit
        self.closed.pop(visit.uniqueid, None)
        waited_s = seconds(now_ns - visit.joined_ns)
        self.emit(
            CallQueued(**self._of(visit), title=visit.queue, position=position, waited_s=waited_s, inferred=inferred, pbx_time=pbx_time)
        )

    def ringing(self, visit: Visit, agent: str, leg: str, pbx_time: float | None = None) -> None:
        """An agent's phone began to ring for it."""
        visit.ringing[leg] = agent
        self._rung[leg] = visit
        self.emit(CallRinging(**self._of(visit), agent=agent, pbx_time=pbx_time))

    def rings_no_more(self, leg: str) -> None:
        """That phone does not ring, or has not picked up, any more."""
        if (visit := self._rung.pop(leg, None)) is not None:
            visit.ringing.pop(leg, None)
            visit.picked.discard(leg)

    def answered(self, visit: Visit, agent: str, now_ns: int, *, ring_s: float | None = None, pbx_time: float | None = None) -> None:
        """An agent of the queue took it."""
        self._close(visit)
        wait_s = seconds(now_ns - visit.joined_ns)
        self.emit(CallAnswered(**self._of(visit), agent=agent, wait_s=wait_s, ring_s=ring_s, pbx_time=pbx_time))
        self._over(visit)

    def abandoned(self, visit: Visit, now_ns: int) -> None:
        """QueueCallerAbandon: decide now, or hold it back for the word that tells."""
        visit.abandoned = True
        if visit.left_ns is None:
            visit.left_ns = now_ns
        if visit.hung_up:
            self._end_abandoned(visit)
        elif visit.soft or self.hold_back_reasons:
            self._hold_back(visit, now_ns)
        else:
            self._left(visit, "not_told", now_ns)

    def left(self, visit: Visit, now_ns: int) -> None:
        """QueueCallerLeave: tells nothing by itself; without Abandon or Connect soon after, the caller pressed the exit key."""
        if visit.left_ns is None:
            visit.left_ns = now_ns
        if visit.hung_up and not visit.abandoned:
            self._end_abandoned(visit)
        elif not visit.abandoned:
            self._hold_back(visit, now_ns)

    def told(self, uniqueid: str, queue: str | None, reason: LeftReason, now_ns: int) -> None:
        """The PBX told why a visit left (QUEUESTATUS, or a mapped user event)."""
        visit = self.open.get(uniqueid)
        if visit is not None and visit.left_ns is not None and queue in (None, visit.queue) and not visit.hung_up:
            self._left(visit, reason, now_ns)

    def asked(self, uniqueid: str, *, soft: bool) -> None:
        """HangupRequest (the far end asked), or SoftHangupRequest (the PBX did)."""
        visit = self.open.get(uniqueid)
        if visit is not None and visit.left_ns is None:
            if soft:
                visit.soft = True
            else:
                visit.hung_up = True

    def channel_gone(self, uniqueid: str, now_ns: int) -> None:
        """A channel hung up: if a visit was still open on it, that is over; if a phone rang on it, it rings no more."""
        self.rings_no_more(uniqueid)
        visit = self.open.get(uniqueid)
        if visit is not None and visit.left_ns is None:
            self.abandoned(visit, now_ns)
        elif visit is not None and not visit.soft:
            self.flush(uniqueid, now_ns)
        self.closed.pop(uniqueid, None)

    def _end_abandoned(self, visit: Visit) -> None:
        end_ns = visit.left_ns if visit.left_ns is not None else visit.joined_ns
        self._close(visit)
        ringing = bool(visit.ringing)
        self.emit(CallAbandoned(**self._of(visit), wait_s=seconds(end_ns - visit.joined_ns), ringing=ringing))
        self._over(visit)

    def _left(self, visit: Visit, reason: LeftReason, now_ns: int) -> None:
        end_ns = visit.left_ns if visit.left_ns is not None else now_ns
        self._close(visit)
        self.emit(CallLeft(**self._of(visit), reason=reason, wait_s=seconds(end_ns - visit.joined_ns)))
        self._over(visit)

    def lost(self, visit: Visit, *, killed: bool = False, found_talking: bool = False, agent: str | None = None) -> None:
        """Sight came back and it waits no more; `agent`: with whom it was found talking."""
        self._close(visit)
        self.emit(CallLost(**self._of(visit), agent=agent, reason="pbx_killed" if killed else "blind", found_talking=found_talking))
        self._over(visit)

    def _close(self, visit: Visit) -> None:
        while len(self.closed) >= _MAX_CLOSED:
            self.closed.pop(next(iter(self.closed)))
        self.closed[visit.uniqueid] = visit.queue
        if self.open.get(visit.uniqueid) is visit:
            del self.open[visit.uniqueid]
        self._due.pop(visit.uniqueid, None)

    # -- what is held back -------------------------------------------------------------------------------------

    def _hold_back(self, visit: Visit, now_ns: int) -> None:
        if visit.due_ns is None:
            visit.due_ns = now_ns + HOLD_BACK_NS
            self._due[visit.uniqueid] = visit

    @property
    def next_due_ns(self) -> int | None:
        """When the next held-back ending is due."""
        return min((visit.due_ns for visit in self._due.values() if visit.due_ns is not None), default=None)

    def tick(self, now_ns: int) -> None:
        """Let go of the endings that are due; a visit that an agent's phone has picked up goes on waiting for its AgentConnect."""
        for visit in [visit for visit in self._due.values() if visit.due_ns is not None and visit.due_ns <= now_ns]:
            if visit.picked and not visit.abandoned:
                visit.due_ns = now_ns + HOLD_BACK_NS
            else:
                self._settle(visit, now_ns)

    def flush(self, uniqueid: str, now_ns: int) -> None:
        """This channel did something new: its held-back ending is decided by what is known."""
        if (visit := self._due.get(uniqueid)) is not None:
            self._settle(visit, now_ns)

    def stopped(self, now_ns: int, *, by_pbx: bool) -> None:
        """Sight is lost. When the PBX stopped or its socket died, what it alone hung up a moment ago was its stopping."""
        for visit in list(self._due.values()):
            if visit.abandoned and visit.soft and by_pbx:
                self._left(visit, "pbx_stopped", now_ns)
            elif visit.abandoned:
                self._settle(visit, now_ns)
            else:
                # Leave was seen and its meaning was not: neither exit key nor answer may be said.
                visit.due_ns = None
                self._due.pop(visit.uniqueid, None)

    def _settle(self, visit: Visit, now_ns: int) -> None:
        self._left(visit, "not_told" if visit.abandoned else "exit_key", now_ns)

    def waiting(self) -> Iterator[Visit]:
        """Open visits, in order of joining."""
        return iter(list(self.open.values()))

    def _over(self, visit: Visit) -> None:
        self.on_visit_end(visit)
        for leg in list(visit.ringing):
            self.rings_no_more(leg)

    def _of(self, visit: Visit) -> dict[str, Any]:
        return fields_of(visit, self.pbx)
