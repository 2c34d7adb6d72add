"""Decides how a conversation ended: hung up by whom, or the caller handed on.

Whose channel hangs up first ended it; the other's follows at once. When only the agent's does and the caller's lives on, he was handed
on. mod_callcenter notices the agent's leaving up to a tenth of a second later and says so of both sides, which tells it too where
channels are not told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from appliance.core.clock import NS
from gateway.freeswitch.cause import Handed
from gateway.pbx.stay import Talk
from gateway.pbx.talks import TalkBook

#: How long the caller's channel has to follow the agent's before he is held to be handed on.
FOLLOWS_NS: Final = NS


class Ending(Struct, kw_only=True):
    """A conversation that is over; how is not known yet. `alive`: the caller was said to be there still."""

    talk: Talk
    at_ns: int
    due_ns: int
    alive: bool | None = None
    handed: Handed | None = Handed()


class TalkEnds:
    """The conversations of one PBX that are ending."""

    def __init__(self, talks: TalkBook) -> None:
        self._talks = talks
        self._open: dict[str, Ending] = {}

    def over(self, talk: Talk, now_ns: int) -> None:
        """mod_callcenter says that the agent is rid of it."""
        self._ending(talk, now_ns)

    def caller(self, talk: Talk, now_ns: int, *, gone: bool | None, handed: Handed | None) -> None:
        """And it says whether the caller is there still (None: it does not), and whether he was handed on."""
        ending = self._ending(talk, now_ns)
        ending.handed = handed
        if gone:
            self._end(ending)
        elif gone is False:
            ending.alive = True

    def hung_up(self, uniqueid: str, now_ns: int, *, stopped: bool) -> None:
        """A channel hung up."""
        talks = self._talks
        if (talk := talks.open.get(uniqueid)) is not None:
            talks.asked(uniqueid, soft=False)
            ending = self._ending(talk, now_ns)
            self._end(ending, "pbx_stopped" if stopped else None)
        elif (talk := talks.legs.get(uniqueid)) is not None:
            talks.asked(uniqueid, soft=False)
            ending = self._ending(talk, now_ns)
            ending.alive = True if ending.alive is None else ending.alive
            if stopped:
                self._end(ending, "pbx_stopped")

    def goes_on(self, uniqueid: str, handed: Callable[[str], Handed | None]) -> None:
        """The caller turns up elsewhere: that decides how a conversation of his ended that was ending. `handed` is asked by agent's leg."""
        talk = self._talks.open.get(uniqueid)
        if talk is not None and (ending := self._open.get(talk.visit.visit)) is not None:
            ending.alive, ending.handed = True, handed(next(iter(talk.legs), ""))
            self._decide(ending)

    def _ending(self, talk: Talk, now_ns: int) -> Ending:
        known = self._open.get(talk.visit.visit)
        if known is None:
            known = self._open[talk.visit.visit] = Ending(talk=talk, at_ns=now_ns, due_ns=now_ns + FOLLOWS_NS)
        return known

    def _end(self, ending: Ending, by: str | None = None) -> None:
        self._open.pop(ending.talk.visit.visit, None)
        self._talks.end(ending.talk, ending.at_ns, by)

    @property
    def next_due_ns(self) -> int | None:
        """When the next of them is decided."""
        return min((ending.due_ns for ending in self._open.values()), default=None)

    def tick(self, now_ns: int) -> None:
        """Decide those that are due."""
        for ending in [ending for ending in self._open.values() if ending.due_ns <= now_ns]:
            self._decide(ending)

    def stopped(self) -> None:
        """Sight is lost: whether the caller's channel would have followed is not told any more."""
        for ending in list(self._open.values()):
            self._end(ending)

    def _decide(self, ending: Ending) -> None:
        talk = ending.talk
        self._open.pop(talk.visit.visit, None)
        if talk.ended_ns is None and ending.alive and ending.handed is not None:
            to = ending.handed.to if ending.handed.to != (talk.visit.dialled or "") else ""
            self._talks.transferred(talk, ending.at_ns, to=to or None, attended=ending.handed.attended)
        else:
            self._talks.end(talk, ending.at_ns)
