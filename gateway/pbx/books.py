"""Decides, for a dialect that needs nothing of its own, what a queue's calls mean: the books together, restored and put to the test.

What a PBX tells in its own way comes down to: a caller joined, a phone rang, an agent took the call, it ended. `Books` turns that into
events, and after blindness compares what was known with the PBX's own list. Asterisk and FreeSWITCH use the books one by one, for they
tell more; a small dialect needs this module alone (docs/adding-a-pbx.md).
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from appliance.core.catalogue import AgentLoggedIn, AgentLoggedOut, AgentState, AgentStateChanged, LeftReason
from appliance.core.clock import NS
from appliance.core.config import Config
from gateway.pbx.calls import CallBook
from gateway.pbx.dialect import Mono
from gateway.pbx.known import Known
from gateway.pbx.names import AgentNames, QueueNames
from gateway.pbx.restore import stand
from gateway.pbx.stay import Talk, Visit
from gateway.pbx.talks import TalkBook
from gateway.pbx.visits import VisitBook


class Waiting(Struct, frozen=True):
    """A caller as the PBX lists him."""

    queue: str
    caller: str | None = None
    waited_s: float = 0.0


class Books:
    """One PBX's queues, conversations and agents. Whatever happens is collected in order; `take` hands it over."""

    def __init__(self, pbx: str, config: Config) -> None:
        self.pbx = pbx
        self._out: list[Struct] = []
        prefix = pbx if len(config.pbx) > 1 else ""
        self.calls, self.queues, self.names = CallBook(pbx), QueueNames(prefix), AgentNames(config, prefix)
        self.visits, self.talks = VisitBook(pbx, self._out.append), TalkBook(pbx, self._out.append)
        self.agents: dict[str, tuple[AgentState, tuple[str, ...]]] = {}
        #: How often the lists were asked for; what is older than the last time is what they are compared with.
        self.session = 0

    def take(self, *before: Struct) -> list[Struct]:
        """Hand over what happened, after `before`."""
        out = [*before, *self._out]
        self._out.clear()
        return out

    @property
    def next_due_ns(self) -> int | None:
        """When `tick` has something to do."""
        return min((t for t in (self.visits.next_due_ns, self.talks.next_due_ns) if t is not None), default=None)

    def tick(self, now_ns: int) -> list[Struct]:
        """What is due by time alone."""
        self.visits.tick(now_ns)
        self.talks.tick(now_ns)
        return self.take()

    def stopped(self, now_ns: int) -> None:
        """Sight is lost: what was held back is decided."""
        self.visits.stopped(now_ns, by_pbx=True)
        self.talks.stopped(by_pbx=True)

    # -- what happens ------------------------------------------------------------------------------------------

    def joined(self, channel: str, waiting: Waiting, now_ns: int, *, inferred: bool = False) -> None:
        """A caller joined a queue; `channel` is his for his whole call, `inferred`: he was found there."""
        call = self.calls.call_of(channel)
        visit = Visit(
            call=call.call, visit=self.calls.next_visit(call), uniqueid=channel, queue=waiting.queue, key=self.queues.key(waiting.queue),
            joined_ns=now_ns - round(waiting.waited_s * NS), session=self.session, caller=waiting.caller,
        )  # fmt: skip
        self.talks.end_of(channel, now_ns, "transfer")
        self.visits.queued(visit, now_ns, inferred=inferred)

    def rang(self, channel: str, agent: str) -> None:
        """An agent's phone began to ring for him."""
        if (visit := self.visits.open.get(channel)) is not None:
            self.visits.ringing(visit, self.names.key(agent, agent), f"{channel} {agent}")

    def answered(self, channel: str, agent: str, now_ns: int) -> None:
        """The agent took him. Of one who was never seen waiting there is no visit to answer."""
        if (visit := self.visits.open.get(channel)) is not None:
            key = self.names.key(agent, agent)
            talk = Talk(visit=visit, agent=key, presence=key, interface=agent, legs={}, answered_ns=now_ns, session=self.session)
            self.talks.begin(talk)
            self.visits.answered(visit, key, now_ns)

    def abandoned(self, channel: str, now_ns: int) -> None:
        """He hung up while he waited."""
        if (visit := self.visits.open.get(channel)) is not None:
            visit.hung_up = True
            self.visits.abandoned(visit, now_ns)

    def left(self, channel: str, reason: LeftReason, now_ns: int) -> None:
        """The queue let him go."""
        if (visit := self.visits.open.get(channel)) is not None:
            visit.left_ns = now_ns
            self.visits.told(channel, visit.queue, reason, now_ns)

    def ended(self, channel: str, by: str, now_ns: int) -> None:
        """The conversation is over: by caller, agent, transfer or unknown."""
        talk, visit = self.talks.open.get(channel), self.visits.open.get(channel)
        if talk is not None and by == "transfer":
            self.talks.transferred(talk, now_ns, to=None, attended=False)
        elif talk is not None:
            self.talks.end(talk, now_ns, by)
        elif visit is not None:  # known as waiting: he was answered unseen, so his wait cannot be told
            self.visits.lost(visit, found_talking=True)

    def agent(self, name: str, state: AgentState, queues: tuple[str, ...]) -> None:
        """An agent's state; `logged_out` for one who is not there."""
        key, keys = self.names.key(name, name), tuple(map(self.queues.key, queues))
        before = self.agents.get(key)
        if state == "logged_out":
            if self.agents.pop(key, None) is not None:
                self._out.append(AgentLoggedOut(agent=key, pbx=self.pbx, name=name))
            return
        if before is None:
            self._out.append(AgentLoggedIn(agent=key, pbx=self.pbx, name=name, interface=name, queues=keys))
        if before != (state, keys):
            self.agents[key] = (state, keys)
            self._out.append(AgentStateChanged(agent=key, pbx=self.pbx, state=state, queues=dict.fromkeys(keys, state), name=name))

    # -- after blindness ---------------------------------------------------------------------------------------

    def compare(
        self, waiting: Mapping[str, Waiting], talking: Mapping[str, str], now_ns: int, seen_ns: int | None, *, restarted: bool
    ) -> int:
        """The PBX's lists are whole: put what was known before them to the test; returns how many callers were lost.

        `talking`: each caller in conversation, and his queue; `seen_ns`: the last sight before. What ended unseen is unknown.
        """
        lost, ended_ns = 0, now_ns if seen_ns is None else min(now_ns, seen_ns)
        for talk in [talk for talk in self.talks.open.values() if talk.session < self.session]:
            talk.session = self.session
            if restarted or talking.get(talk.visit.uniqueid) != talk.visit.queue:
                by = "pbx_stopped" if restarted else "unknown"
                self.talks.end(talk, max(talk.answered_ns, ended_ns), by, inferred=True)
        for visit in [visit for visit in self.visits.waiting() if visit.session < self.session]:
            visit.session = self.session
            listed = waiting.get(visit.uniqueid)
            if restarted or listed is None or listed.queue != visit.queue:
                found = not restarted and talking.get(visit.uniqueid) == visit.queue
                self.visits.lost(visit, killed=restarted, found_talking=found)
                lost += 1
        for channel, one in waiting.items():
            if channel not in self.visits.open:
                self.joined(channel, one, now_ns, inferred=True)
        return lost

    def restore(self, known: Known, mono: Mono) -> None:
        """Take up what the journal holds."""
        for key, title in known.titles.items():
            self.queues.restore(key, title)
        for key, state in known.agents.items():
            login = known.logins.get(key)
            self.names.restore(key, state.name, login.interface if login else None)
            self.agents[key] = (state.state, tuple(state.queues))
        for channel, (call, visits) in known.calls.items():
            self.calls.restore(channel, call, visits)
        for standing in known.standing.values():
            stand(standing, self.queues, self.visits, self.talks, mono)
