"""Decides how each stay in a queue ends, and when each conversation does, exactly as the KPI definitions have it.

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
    CallEnded,
    CallHeld,
    CallLeft,
    CallLost,
    CallQueued,
    CallResumed,
    CallRinging,
    CallTransferred,
    LeftReason,
)
from appliance.core.clock import NS

#: How long an ending waits for the word that tells its reason.
HOLD_BACK_NS: Final = 2 * NS
_MAX_CLOSED: Final = 4_096
#: QUEUESTATUS as app_queue sets it, and what it means for a visit that left.
QUEUESTATUS: Final[dict[str, LeftReason]] = {
    "TIMEOUT": "timeout",
    "LEAVEEMPTY": "empty",
    "LEAVEUNAVAIL": "empty",
    "WITHDRAW": "withdrawn",
}


class Visit(Struct, kw_only=True):
    """A stay in one queue that has not ended, or whose ending is held back until `due_ns`."""

    call: str
    visit: str
    uniqueid: str
    queue: str
    key: str
    joined_ns: int
    session: int
    caller: str | None = None
    dialled: str | None = None
    hung_up: bool = False
    soft: bool = False
    left_ns: int | None = None
    abandoned: bool = False
    due_ns: int | None = None
    ringing: dict[str, str] = {}
    picked: set[str] = set()


class Talk(Struct, kw_only=True):
    """A conversation of an answered visit. `legs` are the agent's channels: the queue's and, behind a Local one, his phone's.

    `agent` is who the call is booked under, `presence` whose phone it is; they differ where two names share a phone.
    """

    visit: Visit
    agent: str
    presence: str
    interface: str
    legs: dict[str, str]
    answered_ns: int
    session: int
    held_ns: int | None = None
    hold_ns: int = 0
    asked: str | None = None
    soft: bool = False
    transferred: bool = False
    agent_left: bool = False
    ended_ns: int | None = None
    ended_by: str = "unknown"
    due_ns: int | None = None


class VisitBook:
    """Open visits and conversations of one PBX. `emit` takes the events; `on_agent_leaves(talk, now_ns)` starts the wrap-up.

    `closed` names the queue that a live channel's last visit was in: late events of a visit that has ended open no new one.
    """

    def __init__(self, pbx: str, emit: Callable[[Struct], None]) -> None:
        self.pbx = pbx
        self.emit = emit
        self.hold_back_reasons = False
        self.open: dict[str, Visit] = {}
        self.talks: dict[str, Talk] = {}
        self.legs: dict[str, Talk] = {}
        self.closed: dict[str, str] = {}
        self._due: dict[str, Visit | Talk] = {}
        self.on_agent_leaves: Callable[[Talk, int], None] = lambda talk, now_ns: None
        self.on_visit_end: Callable[[Visit], None] = lambda visit: None

    # -- the queue ---------------------------------------------------------------------------------------------

    def queued(
        self, visit: Visit, now_ns: int, *, position: int | None = None, inferred: bool = False, pbx_time: float | None = None
    ) -> None:
        """A visit begins. Whatever this channel was in before ends now."""
        self.flush(visit.uniqueid, now_ns)
        if (before := self.open.pop(visit.uniqueid, None)) is not None:
            self._left(before, "not_told", now_ns)
        self.end_talk_of(visit.uniqueid, now_ns, "transfer")
        self.open[visit.uniqueid] = visit
        self.closed.pop(visit.uniqueid, None)
        waited_s = max(0.0, (now_ns - visit.joined_ns) / NS)
        self.emit(
            CallQueued(**self._of(visit), title=visit.queue, position=position, waited_s=_s(waited_s), inferred=inferred, pbx_time=pbx_time)
        )

    def ringing(self, visit: Visit, agent: str, leg: str, pbx_time: float | None = None) -> None:
        """An agent's phone began to ring for it."""
        visit.ringing[leg] = agent
        self.emit(CallRinging(**self._of(visit), agent=agent, pbx_time=pbx_time))

    def answered(
        self, visit: Visit, agent: str, interface: str, legs: dict[str, str], now_ns: int, *, presence: str,
        session: int, ring_s: float | None = None, pbx_time: float | None = None,
    ) -> Talk:  # fmt: skip
        """An agent of the queue took it."""
        self._close(visit)
        self.end_talk_of(visit.uniqueid, now_ns, "transfer")
        talk = Talk(visit=visit, agent=agent, presence=presence, interface=interface, legs=legs, answered_ns=now_ns, session=session)
        self.talks[visit.uniqueid] = talk
        for leg in legs:
            self.legs[leg] = talk
        wait_s = _s((now_ns - visit.joined_ns) / NS)
        self.emit(CallAnswered(**self._of(visit), agent=agent, wait_s=wait_s, ring_s=ring_s, pbx_time=pbx_time))
        self.on_visit_end(visit)
        return talk

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

    def hung_up(self, uniqueid: str, *, soft: bool) -> None:
        """HangupRequest (the far end asked), or SoftHangupRequest (the PBX did)."""
        visit = self.open.get(uniqueid)
        if visit is not None and visit.left_ns is None:
            if soft:
                visit.soft = True
            else:
                visit.hung_up = True
        talk = self.talks.get(uniqueid)
        side = "caller"
        if talk is None:
            talk, side = self.legs.get(uniqueid), "agent"
        if talk is not None:
            if soft:
                talk.soft = True
            elif talk.asked is None:
                talk.asked = side

    def _end_abandoned(self, visit: Visit) -> None:
        end_ns = visit.left_ns if visit.left_ns is not None else visit.joined_ns
        self._close(visit)
        ringing = bool(visit.ringing)
        self.emit(CallAbandoned(**self._of(visit), wait_s=_s((end_ns - visit.joined_ns) / NS), ringing=ringing))
        self.on_visit_end(visit)

    def _left(self, visit: Visit, reason: LeftReason, now_ns: int) -> None:
        end_ns = visit.left_ns if visit.left_ns is not None else now_ns
        self._close(visit)
        self.emit(CallLeft(**self._of(visit), reason=reason, wait_s=_s((end_ns - visit.joined_ns) / NS)))
        self.on_visit_end(visit)

    def lost(self, visit: Visit, *, killed: bool = False, found_talking: bool = False) -> None:
        """Sight came back and it waits no more."""
        self._close(visit)
        self.emit(CallLost(**self._of(visit), reason="pbx_killed" if killed else "blind", found_talking=found_talking))
        self.on_visit_end(visit)

    def _close(self, visit: Visit) -> None:
        while len(self.closed) >= _MAX_CLOSED:
            self.closed.pop(next(iter(self.closed)))
        self.closed[visit.uniqueid] = visit.queue
        if self.open.get(visit.uniqueid) is visit:
            del self.open[visit.uniqueid]
        self._due.pop(visit.uniqueid, None)

    # -- the conversation --------------------------------------------------------------------------------------

    def add_leg(self, talk: Talk, leg: str, name: str) -> None:
        """A further channel of the agent's side is known: his phone behind a Local channel."""
        if talk.ended_ns is None:
            talk.legs[leg] = name
            self.legs[leg] = talk

    def channel_gone(self, uniqueid: str, now_ns: int) -> None:
        """A channel hung up: a visit or conversation that it carried is over.

        A Local leg may be optimised away while the phone behind it talks on, and a phone may hand the caller on behind a
        Local leg that stays: the agent is free when his phone is, the conversation ends with the last leg, as the PBX has it.
        """
        visit = self.open.get(uniqueid)
        if visit is not None and visit.left_ns is None:
            self.abandoned(visit, now_ns)
        elif visit is not None and not visit.soft:
            self.flush(uniqueid, now_ns)
        self.closed.pop(uniqueid, None)
        self.end_talk_of(uniqueid, now_ns)
        talk = self.legs.pop(uniqueid, None)
        if talk is not None:
            name = talk.legs.pop(uniqueid)
            if not talk.legs:
                self.end_talk(talk, now_ns)
            elif not name.startswith("Local/"):
                self._agent_leaves(talk, now_ns)

    def hold(self, uniqueid: str, now_ns: int, *, on: bool) -> Talk | None:
        """Hold or Unhold of an agent's channel; idempotent, since Unhold comes without Hold. Returns the talk it changed."""
        talk = self.legs.get(uniqueid)
        if talk is None or (talk.held_ns is not None) == on:
            return None
        if on:
            talk.held_ns = now_ns
            self.emit(CallHeld(**self._of(talk.visit), agent=talk.agent))
        else:
            talk.hold_ns += now_ns - (talk.held_ns or now_ns)
            talk.held_ns = None
            self.emit(CallResumed(**self._of(talk.visit), agent=talk.agent))
        return talk

    def transferred(self, talk: Talk, now_ns: int, *, to: str | None, attended: bool) -> None:
        """The agent handed the caller on: his talk ends here."""
        if not talk.transferred:
            talk.transferred = True
            self.emit(CallTransferred(**self._of(talk.visit), agent=talk.agent, to=to, attended=attended))
        if any(name.startswith("Local/") for name in talk.legs.values()) and len(talk.legs) > 1:
            self._agent_leaves(talk, now_ns)
        else:
            self.end_talk(talk, now_ns, "transfer")

    def _agent_leaves(self, talk: Talk, now_ns: int) -> None:
        if not talk.agent_left:
            talk.agent_left = True
            self.on_agent_leaves(talk, now_ns)

    def end_talk_of(self, uniqueid: str, now_ns: int, by: str | None = None) -> None:
        """End the conversation of this caller, if there is one."""
        if (talk := self.talks.get(uniqueid)) is not None:
            self.end_talk(talk, now_ns, by)

    def end_talk(self, talk: Talk, now_ns: int, by: str | None = None, *, inferred: bool = False) -> None:
        """The conversation is over; `by` None: told by who asked to hang up."""
        if talk.ended_ns is not None:
            return
        talk.ended_ns = now_ns
        if talk.held_ns is not None:
            talk.hold_ns += max(0, now_ns - talk.held_ns)
            talk.held_ns = None
        if self.talks.get(talk.visit.uniqueid) is talk:
            del self.talks[talk.visit.uniqueid]
        for leg in talk.legs:
            if self.legs.get(leg) is talk:
                del self.legs[leg]
        talk.ended_by = "transfer" if talk.transferred else (by or talk.asked or "unknown")
        if talk.soft and talk.asked is None and not inferred and not talk.transferred:
            # The PBX itself hung up; whether it was stopping is known in a moment.
            talk.due_ns = now_ns + HOLD_BACK_NS
            self._due[f"talk {talk.visit.visit}"] = talk
        else:
            self._emit_ended(talk, inferred=inferred)
        self._agent_leaves(talk, now_ns)

    def _emit_ended(self, talk: Talk, *, inferred: bool = False) -> None:
        talk_ns = max(0, (talk.ended_ns or talk.answered_ns) - talk.answered_ns)
        hold_s = _s(min(talk.hold_ns, talk_ns) / NS)
        by: Any = talk.ended_by
        self.emit(
            CallEnded(**self._of(talk.visit), agent=talk.agent, talk_s=_s(talk_ns / NS), hold_s=hold_s, ended_by=by, inferred=inferred)
        )

    # -- what is held back -------------------------------------------------------------------------------------

    def _hold_back(self, visit: Visit, now_ns: int) -> None:
        if visit.due_ns is None:
            visit.due_ns = now_ns + HOLD_BACK_NS
            self._due[visit.uniqueid] = visit

    @property
    def next_due_ns(self) -> int | None:
        """When the next held-back ending is due; a visit that an agent's phone has picked up is not due."""
        times = [item.due_ns for item in self._due.values() if item.due_ns is not None]
        return min(times) if times else None

    def tick(self, now_ns: int) -> None:
        """Let go of the endings that are due."""
        for item in [item for item in self._due.values() if item.due_ns is not None and item.due_ns <= now_ns]:
            if isinstance(item, Visit) and item.picked and not item.abandoned:
                item.due_ns = now_ns + HOLD_BACK_NS
            else:
                self._settle(item, now_ns)

    def flush(self, uniqueid: str, now_ns: int) -> None:
        """This channel did something new: its held-back ending is decided by what is known."""
        if (item := self._due.get(uniqueid)) is not None:
            self._settle(item, now_ns)

    def stopped(self, now_ns: int, *, by_pbx: bool) -> None:
        """Sight is lost. When the PBX stopped or its socket died, what it alone hung up a moment ago was its stopping."""
        for item in list(self._due.values()):
            if isinstance(item, Talk):
                item.ended_by = "pbx_stopped" if by_pbx else item.ended_by
                self._settle(item, now_ns)
            elif item.abandoned and item.soft and by_pbx:
                self._left(item, "pbx_stopped", now_ns)
            elif item.abandoned:
                self._settle(item, now_ns)
            else:
                # Leave was seen and its meaning was not: neither exit key nor answer may be said.
                item.due_ns = None
                self._due.pop(item.uniqueid, None)

    def _settle(self, item: Visit | Talk, now_ns: int) -> None:
        if isinstance(item, Talk):
            self._due.pop(f"talk {item.visit.visit}", None)
            self._emit_ended(item)
        elif item.abandoned:
            self._left(item, "not_told", now_ns)
        else:
            self._left(item, "exit_key", now_ns)

    def waiting(self) -> Iterator[Visit]:
        """Open visits, in order of joining."""
        return iter(list(self.open.values()))

    def _of(self, visit: Visit) -> dict[str, Any]:
        return {
            "call": visit.call,
            "pbx": self.pbx,
            "visit": visit.visit,
            "queue": visit.key,
            "caller": visit.caller,
            "dialled": visit.dialled,
            "uniqueid": visit.uniqueid,
        }


def _s(seconds: float) -> float:
    return round(max(0.0, seconds), 3)
