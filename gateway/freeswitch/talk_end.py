"""Decides how a conversation ended: hung up by whom, or the caller handed on.

Whose channel hangs up first ended it; the other's follows at once. When only the agent's does and the caller's lives on, he was handed
on. mod_callcenter notices the agent's leaving up to a tenth of a second later and says so of both sides, which tells it too where
channels are not told.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from appliance.core.clock import NS
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
    to: str = ""


class TalkEnds:
    """The conversations of one PBX that are ending."""

    def __init__(self, talks: TalkBook) -> None:
        self._talks = talks
        self._open: dict[str, Ending] = {}

    def over(self, talk: Talk, now_ns: int) -> None:
        """mod_callcenter says that the agent is rid of it."""
        self._ending(talk, now_ns)

    def caller(self, talk: Talk, now_ns: int, *, gone: bool | None, to: str) -> None:
        """And it says whether the caller is there still (None: it does not), and where his call points to."""
        ending = self._ending(talk, now_ns)
        ending.to = to or ending.to
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

    def goes_on(self, uniqueid: str, to: str) -> None:
        """The caller turns up elsewhere: if his conversation was ending, he was handed on."""
        talk = self._talks.open.get(uniqueid)
        if talk is not None and (ending := self._open.pop(talk.visit.visit, None)) is not None:
            self._talks.transferred(talk, ending.at_ns, to=to or None, attended=False)

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
        if talk.ended_ns is None and ending.alive:
            to = ending.to if ending.to != (talk.visit.dialled or "") else ""
            self._talks.transferred(talk, ending.at_ns, to=to or None, attended=False)
        else:
            self._talks.end(talk, ending.at_ns)
