"""Decides who the agents are, which evidence is whose, and when a change of state is told.

Wrap-up has no event: it is a timer, or a pause whose reason the configuration names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from appliance.core.catalogue import AgentLoggedIn, AgentLoggedOut, AgentStateChanged
from appliance.core.config import Config
from gateway.asterisk.agent_state import IN_USE, Agent, Member, devices_of, present, state_of
from gateway.pbx.calls import Channel
from gateway.pbx.names import MAX_NAMES, AgentNames, QueueNames
from gateway.pbx.number import whole
from gateway.pbx.wrap_up import Settling

_MAX_LEGS: Final = 16_384


class AgentBook(Settling[Agent]):
    """Agents and memberships of one PBX."""

    def __init__(self, pbx: str, config: Config, queues: QueueNames, names: AgentNames, emit: Callable[[Struct], None]) -> None:
        self.pbx = pbx
        self.queues = queues
        self.names = names
        self.emit = emit
        super().__init__()
        self._config = config
        self._reasons = frozenset(config.kpi.wrap_up_reasons)
        self._members: dict[tuple[str, str], Member] = {}
        self._by_device: dict[str, str] = {}
        self._leg_agent: dict[str, str] = {}
        self._introduced: set[str] = set()

    # -- memberships -------------------------------------------------------------------------------------------

    def member(
        self,
        *,
        queue: str,
        interface: str,
        name: str,
        state_interface: str,
        status: str,
        paused: bool,
        reason: str,
        wrap_up: str,
        session: int,
    ) -> Member:
        """A membership as an event or a list row tells it; an empty status or interface means that it is not told again."""
        before = self._members.get((queue, interface))
        if before is not None:
            status, state_interface = status or before.status, state_interface or before.state_interface
            wrap_up = wrap_up or str(int(before.wrap_up_s))
        state_interface = state_interface or interface
        key = self.names.key(name or interface, interface, state_interface)
        row = (queue, interface)
        member = self._members.get(row)
        if member is None or member.agent != key:
            if member is not None:
                self._drop(member)
            booked = self.names.booked(key, name)
            member = Member(
                queue=queue, key=self.queues.key(queue), agent=key, booked=booked, interface=interface, state_interface=state_interface
            )
            self._members[row] = member
        member.state_interface = state_interface
        agent = self.agent(key)
        agent.members[row] = member
        for device in devices_of(state_interface, interface):
            self._by_device.setdefault(device, key)
        if status not in IN_USE or member.status not in IN_USE:
            member.explained = status in IN_USE and bool(agent.channels or agent.rings or agent.talks)
        member.status, member.paused, member.reason, member.session = status, paused, reason, session
        member.wrap_up_s = float(whole(wrap_up) or 0)
        self.touch(key)
        return member

    def removed(self, queue: str, interface: str) -> None:
        """A membership ended."""
        if (member := self._members.pop((queue, interface), None)) is not None:
            self._drop(member)

    def _drop(self, member: Member) -> None:
        self._members.pop((member.queue, member.interface), None)
        agent = self.agents[member.agent]
        agent.members.pop((member.queue, member.interface), None)
        if all(other.state_interface != member.state_interface for other in agent.members.values()):
            self.names.release(member.state_interface)
            for device in devices_of(member.state_interface, member.interface):
                if self._by_device.get(device) == agent.key:
                    del self._by_device[device]
        self.touch(agent.key)

    def drop_unseen(self, session: int) -> None:
        """A full list has been read: memberships that it did not name are gone."""
        for member in [m for m in self._members.values() if m.session != session]:
            self._drop(member)

    def agent(self, key: str) -> Agent:
        """The agent of a key, made at first sight."""
        found = self.agents.get(key)
        if found is None:
            found = self.agents[key] = Agent(key=key)
        return found

    def restore(self, state: AgentStateChanged) -> None:
        """Take up an agent as the journal last told him; his memberships come with the lists."""
        agent = self.agent(state.agent)
        agent.logged_in, agent.shown = True, state

    def is_member(self, key: str) -> bool:
        """Whether he is a member of any queue."""
        agent = self.agents.get(key)
        return agent is not None and bool(agent.members)

    def owner_of(self, channel: str) -> str | None:
        """Whose phone a channel belongs to by its name."""
        return self._owner(channel)

    def seen(self, queue: str, interface: str, name: str, session: int) -> Member:
        """The agent whom a call event names. A queue rings only its members, so an unknown one is a membership not yet listed."""
        member = self._members.get((queue, interface))
        if member is None:
            member = self.member(
                queue=queue, interface=interface, name=name, state_interface="", status="1", paused=False, reason="", wrap_up="",
                session=session,
            )  # fmt: skip
        if member.booked != member.agent and member.booked not in self._introduced:
            if len(self._introduced) >= MAX_NAMES:
                self._introduced.clear()
            self._introduced.add(member.booked)
            title = self.names.title(member.booked)
            self.emit(AgentStateChanged(agent=member.booked, pbx=self.pbx, state="logged_out", name=title))
        return member

    def in_use(self, key: str) -> bool:
        """Whether any of his memberships shows his phone in use."""
        agent = self.agents.get(key)
        return agent is not None and any(m.status in IN_USE for m in agent.members.values())

    def wrap_up_s(self, queue: str, interface: str) -> float:
        """Wrap-up after a conversation: the member's own, else the queue's or the floor's as configured (AMI never tells the queue's)."""
        member = self._members.get((queue, interface))
        if member is not None and member.wrap_up_s > 0:
            return member.wrap_up_s
        configured = self._config.queues.get(self.queues.key(queue)) or self._config.queues.get(queue)
        if configured is not None and configured.wrap_up_s is not None:
            return configured.wrap_up_s
        return self._config.kpi.wrap_up_s

    # -- evidence ----------------------------------------------------------------------------------------------

    def channel(self, channel: Channel) -> str | None:
        """A channel came to be or changed state; returns whose it is, None when nobody's."""
        key = self._leg_agent.get(channel.uniqueid) or self._owner(channel.name)
        if key is None:
            return None
        agent = self.agent(key)
        if channel.uniqueid not in agent.channels:
            agent.channels[channel.uniqueid] = channel
            self._belongs(channel.uniqueid, key)
            for member in agent.members.values():
                member.explained = True
        self.touch(key)
        return key

    def channel_gone(self, uniqueid: str) -> None:
        """A channel hung up."""
        key = self._leg_agent.pop(uniqueid, None)
        if key is not None:
            agent = self.agent(key)
            agent.channels.pop(uniqueid, None)
            agent.rings.pop(uniqueid, None)
            self.touch(key)

    def rings(self, key: str, leg: str, call: str) -> None:
        """His phone began to ring."""
        agent = self.agent(key)
        agent.rings[leg] = call
        self._belongs(leg, key)
        for member in agent.members.values():
            member.explained = True
        self.touch(key)

    def _belongs(self, leg: str, key: str) -> None:
        """A leg is this agent's, bounded: a user without the call class is never told that it hung up."""
        while len(self._leg_agent) >= _MAX_LEGS:
            self._leg_agent.pop(next(iter(self._leg_agent)))
        self._leg_agent.setdefault(leg, key)

    def rings_no_more(self, leg: str) -> None:
        """It stopped ringing."""
        key = self._leg_agent.get(leg)
        if key is not None and self.agent(key).rings.pop(leg, None) is not None:
            self.touch(key)

    def talks(self, key: str, visit: str, call: str) -> None:
        """A conversation of a queue began."""
        agent = self.agent(key)
        agent.talks[visit] = call
        self.wrap_no_more(key)
        for member in agent.members.values():
            member.explained = True
        self.touch(key)

    def talks_no_more(self, key: str, visit: str, until_ns: int) -> None:
        """It ended; wrap-up lasts until then."""
        agent = self.agent(key)
        agent.talks.pop(visit, None)
        agent.held.discard(visit)
        if until_ns:
            self.wrap_until(key, until_ns)
        self.touch(key)

    def explain_anew(self) -> None:
        """The channels have been compared: a phone in use that none of them explains is in a call that we do not see."""
        for member in self._members.values():
            agent = self.agent(member.agent)
            member.explained = member.status in IN_USE and bool(agent.channels or agent.rings or agent.talks)
            self.touch(member.agent)

    def holds(self, key: str, visit: str, *, on: bool) -> None:
        """The conversation went on hold, or came off it."""
        held = self.agent(key).held
        (held.add if on else held.discard)(visit)
        self.touch(key)

    def _owner(self, channel: str) -> str | None:
        device = channel.rpartition("-")[0]
        if device.startswith("Local/"):
            return None
        return self._by_device.get(device) or self._by_device.get("*/" + device.partition("/")[2])

    # -- the verdict -------------------------------------------------------------------------------------------

    def _judge(self, agent: Agent | None, now_ns: int, *, inferred: bool = False) -> None:
        if agent is None:
            return
        members = present(agent)
        title = self.names.title(agent.key)
        if not members and not agent.talks:
            if agent.logged_in:
                agent.logged_in, agent.shown = False, None
                self.emit(AgentLoggedOut(agent=agent.key, pbx=self.pbx, name=title, inferred=inferred))
            if not (agent.members or agent.channels or agent.rings):
                self.agents.pop(agent.key, None)
            return
        if not agent.logged_in:
            agent.logged_in = True
            keys = tuple(dict.fromkeys(m.key for m in members))
            interface = members[0].state_interface if members else None
            self.emit(AgentLoggedIn(agent=agent.key, pbx=self.pbx, name=title, interface=interface, queues=keys, inferred=inferred))
        wrapping = self.is_wrapping(agent.key, now_ns)
        shown = state_of(agent, pbx=self.pbx, title=title, wrapping=wrapping, wrap_up_reasons=self._reasons, inferred=inferred)
        before = agent.shown
        if before is None or any(getattr(before, name) != getattr(shown, name) for name in ("state", "queues", "reason", "name")):
            agent.shown = shown
            self.emit(shown)
