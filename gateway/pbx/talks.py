"""Decides when the conversation of an answered visit ends, who ended it, and when its agent is free.

AgentComplete is not trusted alone: it may come late, without its channels, or for a call that was handed on long ago.
The agent's own channels tell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from appliance.core.catalogue import CallEnded, CallHeld, CallResumed, CallTransferred
from gateway.pbx.stay import HOLD_BACK_NS, Talk, fields_of, seconds


class TalkBook:
    """Open conversations of one PBX, by the caller's channel (`open`) and by the agent's (`legs`).

    `emit` takes the events; `on_agent_leaves(talk, now_ns)` starts the wrap-up.
    """

    def __init__(self, pbx: str, emit: Callable[[Struct], None]) -> None:
        self.pbx = pbx
        self.emit = emit
        self.open: dict[str, Talk] = {}
        self.legs: dict[str, Talk] = {}
        self._due: dict[str, Talk] = {}
        self._doubted: dict[str, Talk] = {}
        self._disproved: dict[str, int] = {}
        self.on_agent_leaves: Callable[[Talk, int], None] = lambda talk, now_ns: None

    def begin(self, talk: Talk) -> None:
        """A visit was answered."""
        self.open[talk.visit.uniqueid] = talk
        for leg in talk.legs:
            self.legs[leg] = talk

    def add_leg(self, talk: Talk, leg: str, name: str) -> None:
        """A further channel of the agent's side is known: his phone behind a Local channel."""
        if talk.ended_ns is None:
            talk.legs[leg] = name
            self.legs[leg] = talk

    def asked(self, uniqueid: str, *, soft: bool) -> None:
        """HangupRequest or SoftHangupRequest of a caller's or an agent's channel."""
        talk, side = self.open.get(uniqueid), "caller"
        if talk is None:
            talk, side = self.legs.get(uniqueid), "agent"
        if talk is not None and soft:
            talk.soft = True
        elif talk is not None and talk.asked is None:
            talk.asked = side

    def channel_gone(self, uniqueid: str, now_ns: int) -> None:
        """A channel hung up: the conversation that it carried is over.

        A Local leg may be optimised away while the phone behind it talks on, and a phone may hand the caller on behind a
        Local leg that stays: the agent is free when his phone is, the conversation ends with the last leg, as the PBX has it.
        """
        self.end_of(uniqueid, now_ns)
        talk = self.legs.pop(uniqueid, None)
        if talk is not None:
            name = talk.legs.pop(uniqueid)
            if not talk.legs:
                self.end(talk, now_ns)
            elif not name.startswith("Local/"):
                self._agent_leaves(talk, now_ns)

    def hold(self, uniqueid: str, now_ns: int, *, on: bool) -> Talk | None:
        """Hold or Unhold of an agent's channel; idempotent, since Unhold comes without Hold. Returns the talk it changed."""
        talk = self.legs.get(uniqueid)
        if talk is None or (talk.held_ns is not None) == on:
            return None
        self.believe(talk)
        if on:
            talk.held_ns = now_ns
            self.emit(CallHeld(**fields_of(talk.visit, self.pbx), agent=talk.agent))
        else:
            talk.hold_ns += now_ns - (talk.held_ns or now_ns)
            talk.held_ns = None
            self.emit(CallResumed(**fields_of(talk.visit, self.pbx), agent=talk.agent))
        return talk

    def transferred(self, talk: Talk, now_ns: int, *, to: str | None, attended: bool) -> None:
        """The agent handed the caller on: his talk ends here."""
        if not talk.transferred:
            talk.transferred = True
            self.emit(CallTransferred(**fields_of(talk.visit, self.pbx), agent=talk.agent, to=to, attended=attended))
        if any(name.startswith("Local/") for name in talk.legs.values()) and len(talk.legs) > 1:
            self._agent_leaves(talk, now_ns)
        else:
            self.end(talk, now_ns, "transfer")

    def _agent_leaves(self, talk: Talk, now_ns: int) -> None:
        if not talk.agent_left:
            talk.agent_left = True
            self.on_agent_leaves(talk, now_ns)

    def kept(self, talk: Talk, last_seen_ns: int, *, proven: bool) -> None:
        """It is kept through a blindness: because its channels were listed (`proven`), or on its phone's word alone."""
        if proven:
            self.believe(talk)
        elif talk.doubted_ns is None:
            talk.doubted_ns = last_seen_ns
            self._doubted[talk.visit.visit] = talk

    def believe(self, talk: Talk) -> None:
        """One of its own channels spoke: it is there."""
        talk.doubted_ns = None
        self._doubted.pop(talk.visit.visit, None)
        self._disproved.pop(talk.visit.visit, None)

    def disproved(self, presence: str, now_ns: int, *, at_once: bool) -> None:
        """This agent's phone was seen free, or took another call (`at_once`): a doubted conversation of his ended in blindness.

        A phone's state may overtake the word that its conversation ended just now, so that word is waited for.
        """
        for talk in [talk for talk in self._doubted.values() if talk.presence == presence]:
            self._disproved.setdefault(talk.visit.visit, now_ns if at_once else now_ns + HOLD_BACK_NS)
        if at_once:
            self._end_disproved(now_ns)

    def _end_disproved(self, now_ns: int | None) -> None:
        for visit in [visit for visit, due_ns in self._disproved.items() if now_ns is None or due_ns <= now_ns]:
            talk = self._doubted[visit]
            self.end(talk, max(talk.answered_ns, talk.doubted_ns or 0), "unknown", inferred=True)

    def end_of(self, uniqueid: str, now_ns: int, by: str | None = None) -> None:
        """End the conversation of this caller, if there is one."""
        if (talk := self.open.get(uniqueid)) is not None:
            self.end(talk, now_ns, by)

    def end(self, talk: Talk, now_ns: int, by: str | None = None, *, inferred: bool = False) -> None:
        """The conversation is over; `by` None: told by who asked to hang up."""
        if talk.ended_ns is not None:
            return
        talk.ended_ns = now_ns
        self.believe(talk)
        if talk.held_ns is not None:
            talk.hold_ns += max(0, now_ns - talk.held_ns)
            talk.held_ns = None
        if self.open.get(talk.visit.uniqueid) is talk:
            del self.open[talk.visit.uniqueid]
        for leg in talk.legs:
            if self.legs.get(leg) is talk:
                del self.legs[leg]
        talk.ended_by = "transfer" if talk.transferred and by != "pbx_stopped" else (by or talk.asked or "unknown")
        if talk.soft and talk.asked is None and not inferred and not talk.transferred:
            # The PBX itself hung up; whether it was stopping is known in a moment.
            talk.due_ns = now_ns + HOLD_BACK_NS
            self._due[talk.visit.visit] = talk
        else:
            self._emit_ended(talk, inferred=inferred)
        self._agent_leaves(talk, now_ns)

    def _emit_ended(self, talk: Talk, *, inferred: bool = False) -> None:
        talk_ns = max(0, (talk.ended_ns or talk.answered_ns) - talk.answered_ns)
        talk_s, hold_s = seconds(talk_ns), seconds(min(talk.hold_ns, talk_ns))
        by: Any = talk.ended_by
        common = fields_of(talk.visit, self.pbx)
        self.emit(CallEnded(**common, agent=talk.agent, talk_s=talk_s, hold_s=hold_s, ended_by=by, inferred=inferred))

    @property
    def next_due_ns(self) -> int | None:
        """When the next held-back ending is due."""
        return min((*self._disproved.values(), *(talk.due_ns for talk in self._due.values() if talk.due_ns is not None)), default=None)

    def tick(self, now_ns: int) -> None:
        """Let go of the endings that are due."""
        for talk in [talk for talk in self._due.values() if talk.due_ns is not None and talk.due_ns <= now_ns]:
            self._settle(talk)
        self._end_disproved(now_ns)

    def stopped(self, *, by_pbx: bool) -> None:
        """Sight is lost. When the PBX stopped or its socket died, what it alone hung up a moment ago was its stopping."""
        self._end_disproved(None)
        for talk in list(self._due.values()):
            talk.ended_by = "pbx_stopped" if by_pbx else talk.ended_by
            self._settle(talk)

    def _settle(self, talk: Talk) -> None:
        self._due.pop(talk.visit.visit, None)
        self._emit_ended(talk)
