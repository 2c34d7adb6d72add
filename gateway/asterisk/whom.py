"""Decides which interfaces, phones and channels of an Asterisk a command means, from what the tracker knows of agents and calls."""

from __future__ import annotations

from typing import Final

from appliance.core.config import Config
from gateway.asterisk.agent_state import Member
from gateway.asterisk.tracker import Tracker
from gateway.pbx.calls import Channel
from gateway.pbx.order import failed
from gateway.pbx.stay import Talk

_UP: Final = 6
_RINGING: Final = 5


class Whom:
    """Looks things up in one PBX's tracker. What is not there raises RefusedOrderError."""

    def __init__(self, tracker: Tracker, config: Config) -> None:
        self._tracker, self._config = tracker, config

    def knows_agent(self, agent: str) -> bool:
        """Whether he is, or was, a member here, or the configuration gives him a phone."""
        return agent in self._tracker.agents.agents or bool(self._configured(agent))

    def knows_call(self, call: str) -> bool:
        """Whether a channel of that call stands here."""
        return any(channel.call == call for channel in self._tracker.calls.channels.values())

    def memberships(self, agent: str) -> list[Member]:
        """His rows in the queues. Raises for one who has none."""
        found = self._tracker.agents.agents.get(agent)
        if found is None or not found.members:
            raise failed(f"unknown_agent: {agent} is a member of no queue of this PBX")
        return list(found.members.values())

    def phone(self, agent: str) -> str:
        """What is dialled to ring him: his phone itself where it is known, else what his queues dial."""
        if configured := self._configured(agent):
            return configured[0]
        members = self.memberships(agent)
        for member in members:
            if "/" in member.state_interface and not member.state_interface.startswith(("hint:", "Custom:", "Queue:", "Local/")):
                return member.state_interface
        return members[0].interface

    def interface(self, agent: str) -> tuple[str, str]:
        """What a queue dials for him, and whose state it looks at."""
        found = self._tracker.agents.agents.get(agent)
        if found is not None and found.members:
            member = next(iter(found.members.values()))
            return member.interface, member.state_interface
        if configured := self._configured(agent):
            return configured[0], ""
        raise failed(f"unknown_agent: {agent} is not known here; give [agents.{agent}] interfaces")

    def name(self, agent: str) -> str:
        """His MemberName."""
        return self._tracker.names.title(agent)

    def queue(self, key: str) -> str:
        """The PBX's own name of a queue."""
        for named in self._tracker.queues.all():
            if named.key == key:
                return named.title
        raise failed(f"unknown_queue: this PBX has no queue {key}")

    def channels(self, agent: str) -> list[Channel]:
        """The live channels of his phones."""
        found = self._tracker.agents.agents.get(agent)
        return list(found.channels.values()) if found is not None else []

    def talking(self, agent: str) -> Channel:
        """The channel of his phone that is in a call, the newest."""
        return self._one(agent, _UP, "is in no call")

    def ringing(self, agent: str) -> Channel:
        """The channel of his phone that rings."""
        return self._one(agent, _RINGING, "has no call that rings")

    def _one(self, agent: str, state: int, not_there: str) -> Channel:
        found = [channel for channel in self.channels(agent) if channel.state == state]
        if not found:
            raise failed(f"no_call: {agent} {not_there}")
        return found[-1]

    def talk(self, call: str) -> Talk | None:
        """The conversation with an agent that a call is in."""
        return next((talk for talk in self._tracker.talks.open.values() if talk.visit.call == call), None)

    def caller(self, call: str) -> Channel:
        """The channel that began a call."""
        for channel in self._tracker.calls.channels.values():
            if channel.call == call and not channel.name.startswith("Local/"):
                return channel
        raise failed(f"no_call: no call {call} is under way at this PBX")

    def live(self, uniqueid: str) -> Channel | None:
        """A channel that stands."""
        return self._tracker.calls.channels.get(uniqueid)

    def call_of(self, uniqueid: str) -> str:
        """Our name of a channel's call."""
        return self._tracker.calls.call_of(uniqueid).call

    def _configured(self, agent: str) -> tuple[str, ...]:
        configured = self._config.agents.get(agent)
        return configured.interfaces if configured is not None else ()
