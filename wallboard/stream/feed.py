"""Decides when boards are told what: the full floor first, then merge patches, and a beat when nothing else was said.

Contract, "HTTP, towards the boards". A patch is due when more changed than what ticks by itself (`wallboard.stream.patch`),
and at least every 5 s for what ticks; whoever follows has at each seq what GET /api/floor answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, Protocol

import msgspec

from appliance.core.clock import NS, Clock, rfc3339
from appliance.core.config import Privacy
from appliance.floor.snapshot import Agent, Alarm, Snapshot
from wallboard.stream.hub import Client, Hub
from wallboard.stream.pace import Pace
from wallboard.stream.patch import diff, is_due

#: The contract says at least every 5 s; a second is left for a busy box.
TICK_EVERY_NS: Final = 4 * NS
BEAT_EVERY_NS: Final = 2 * NS
#: How old a document may be when somebody asks for it and nothing happened since.
_FRESH_NS: Final = NS
#: Above this number of agents (the contract's own bound for MQTT) seconds that merely tick wait for the next tick.
_MANY_AGENTS: Final = 100
_encode = msgspec.json.Encoder().encode


class View(Protocol):
    """What boards need of the floor: `appliance.floor_view.FloorView`."""

    @property
    def seq(self) -> int:
        """The journal position the view stands at."""
        ...

    def snapshot(self, now_wall_ns: int | None = None) -> Snapshot:
        """The floor at that position and time."""
        ...

    def now_ns(self) -> int:
        """Now, on the time line on which the floor's moments are dated."""
        ...


class Feed:
    """The floor document as boards see it, and the stream of its changes. Everything happens on the loop's thread."""

    def __init__(self, view: View, clock: Clock, privacy: Privacy, hub: Hub | None = None) -> None:
        self.hub = Hub() if hub is None else hub
        self._view, self._clock, self._privacy = view, clock, privacy
        self._dirty = True
        self._snapshot = Snapshot()
        self._raised: list[Alarm] = []
        self._snapshot_mono_ns = 0
        self._sent = self._snapshot
        #: The agents of the last snapshot that was not a tick, and how they stand in what is sent.
        self._seen: dict[str, Agent] = {}
        self._kept: dict[str, Agent] = {}
        self._sent_mono_ns = 0
        self._ticked_mono_ns = 0
        #: What a page must be to show all this (`wallboard.web.revision`); whoever follows is told it, and when it changes.
        self.revision: Callable[[], str] | None = None
        self._told_revision = ""
        self._full: tuple[Snapshot | None, bytes] = (None, b"")
        self._pace = Pace()

    def changed(self) -> None:
        """The view has folded something new."""
        self._dirty = True

    def now_ns(self) -> int:
        """Now, on the floor's time line."""
        return self._view.now_ns()

    def snapshot(self, max_age_ns: int = _FRESH_NS) -> Snapshot:
        """The floor now: made anew when something was folded, or when the last one is older than max_age_ns."""
        mono_ns = self._clock.mono_ns()
        if self._dirty or mono_ns - self._snapshot_mono_ns >= max_age_ns:
            snapshot = self._view.snapshot()
            self._raised = snapshot.alarms
            self._snapshot = _private(snapshot, self._privacy)
            self._snapshot_mono_ns = mono_ns
            self._dirty = False
        return self._snapshot

    def raised(self) -> dict[str, str]:
        """The ids under which the journal knows the alarms, by those under which the last `snapshot` showed them."""
        return {each.id: alarm.id for each, alarm in zip(self._snapshot.alarms, self._raised, strict=True)}

    def document(self) -> bytes:
        """The body of GET /api/floor. Whoever follows the stream is brought to the same position first."""
        snapshot = self.snapshot()
        if len(self.hub):
            self._publish(snapshot)
        return _encode(snapshot)

    def join(self, abort: Callable[[], None]) -> Client:
        """A new follower, its `floor` event queued. Raises FullError when there are too many."""
        snapshot = self.snapshot()
        if len(self.hub):
            self._publish(snapshot)
        else:
            self._sent = snapshot
            self._seen = self._kept = snapshot.agents or {}
            self._sent_mono_ns = self._ticked_mono_ns = self._clock.mono_ns()
        self._tell_revision()
        if self._full[0] is not self._sent:  # fifty boards come back at once after a restart: one text for all
            self._full = (self._sent, b"retry: 2000\n" + sse("floor", self._sent, self._sent.seq))
        setup = sse("setup", {"revision": self._told_revision}) if self._told_revision else b""
        return self.hub.join(abort, self._full[1] + setup)

    def _tell_revision(self) -> None:
        revision = "" if self.revision is None else self.revision()
        if revision != self._told_revision:
            self._told_revision = revision
            self.hub.send(sse("setup", {"revision": revision}))

    def turn(self) -> None:
        """Send what is due. Call after each fold, and at least once a second."""
        if len(self.hub):
            self._tell_revision()
            self._publish(self.snapshot())

    def rest_s(self) -> float:
        """How long to let changes gather before the next turn; 0 while they may go out one by one."""
        followers = len(self.hub)
        return self._pace.rest_s(self._clock.mono_ns(), followers) if followers else 0.0

    def _publish(self, snapshot: Snapshot) -> None:
        mono_ns = self._clock.mono_ns()
        ticking = mono_ns - self._ticked_mono_ns >= TICK_EVERY_NS
        new = snapshot if ticking else self._without_mere_seconds(snapshot)
        patch = diff(self._sent, new)
        if patch and (ticking or is_due(patch)):
            self._sent = new
            self._sent_mono_ns = mono_ns
            if ticking:
                self._ticked_mono_ns = mono_ns
                self._seen = self._kept = snapshot.agents or {}
            self._pace.sent(mono_ns, len(self.hub))
            self.hub.send(sse("patch", patch, snapshot.seq))
        elif mono_ns - self._sent_mono_ns >= BEAT_EVERY_NS:
            self._sent_mono_ns = mono_ns
            self.hub.send(sse("beat", {"time": rfc3339(self._view.now_ns()), "seq": self._sent.seq}))

    def _without_mere_seconds(self, snapshot: Snapshot) -> Snapshot:
        """On a large floor: the snapshot with those agents as they were sent of whom only the seconds ticked, until the next tick.

        Every patch of a floor of 2 000 agents would otherwise carry 2 000 agents. An agent that the view handed out
        before is not compared again.
        """
        agents, sent = snapshot.agents, self._sent.agents
        if not agents or not sent or len(agents) <= _MANY_AGENTS:
            return snapshot
        if agents is not self._seen:
            seen, kept = self._seen, self._kept
            self._kept = {key: kept[key] if seen.get(key) is agent else _as_sent(sent.get(key), agent) for key, agent in agents.items()}
            self._seen = agents
        return msgspec.structs.replace(snapshot, agents=self._kept)


def _as_sent(sent: Agent | None, agent: Agent) -> Agent:
    """The agent as sent where only seconds tell them apart."""
    return sent if sent is not None and msgspec.structs.replace(sent, seconds=agent.seconds) == agent else agent


def sse(event: str, data: Any, position: int | None = None) -> bytes:
    """One server-sent event; JSON has no raw line break, so one data line carries it.

    >>> sse("beat", {"seq": 4})
    b'event: beat\\ndata: {"seq":4}\\n\\n'
    """
    head = f"event: {event}\n" if position is None else f"event: {event}\nid: {position}\n"
    return head.encode() + b"data: " + _encode(data) + b"\n\n"


def _private(snapshot: Snapshot, privacy: Privacy) -> Snapshot:
    """What may leave the box towards screens: headsets, and names or keys made of them, only where the site allows them."""
    if snapshot.headsets is not None and not privacy.headsets:
        snapshot = msgspec.structs.replace(snapshot, headsets=None)
    if privacy.agent_names:
        return snapshot
    epoch = snapshot.epoch or ""
    if snapshot.agents:
        nameless = {_alias(epoch, key): msgspec.structs.replace(agent, name=None) for key, agent in snapshot.agents.items()}
        snapshot = msgspec.structs.replace(snapshot, agents=nameless)
    if any(alarm.agent is not None for alarm in snapshot.alarms):
        snapshot = msgspec.structs.replace(snapshot, alarms=[_nameless(alarm, epoch) for alarm in snapshot.alarms])
    if snapshot.headsets:
        unworn = {
            seat: each if each.agent is None else msgspec.structs.replace(each, agent=_alias(epoch, each.agent))
            for seat, each in snapshot.headsets.items()
        }
        snapshot = msgspec.structs.replace(snapshot, headsets=unworn)
    return snapshot


def _nameless(alarm: Alarm, epoch: str) -> Alarm:
    """An alarm of an agent's call, under his alias in its id too."""
    if alarm.agent is None:
        return alarm
    alias = _alias(epoch, alarm.agent)
    return msgspec.structs.replace(alarm, id=alarm.id.removesuffix(alarm.agent) + alias, agent=alias)


@lru_cache(maxsize=5000)
def _alias(epoch: str, key: str) -> str:
    """A key for an agent who is not named: a PBX's member key is mostly somebody's name. The same as long as the journal lasts."""
    return f"a-{hashlib.sha256(f'{epoch}/{key}'.encode()).hexdigest()[:12]}"
