"""Decides which one state an agent is in: holding, talking, ringing, wrap-up, paused, available, or away.

Evidence, strongest first: his conversations, his phones' channels, the device state of his memberships. With
`device_state_busy_at=1` a ringing phone already shows "busy", so the device state speaks only where no channel and
no ring explains it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from msgspec import Struct

from appliance.core.catalogue import AgentState, AgentStateChanged
from gateway.pbx.calls import Channel

#: Member status codes (QueueMemberStatus): invalid and unavailable; in use, busy, ringing while in use, on hold; ringing.
AWAY: Final = frozenset(("4", "5"))
IN_USE: Final = frozenset(("2", "3", "7", "8"))
_RINGING: Final = frozenset(("6",))
#: What a phone in a conversation never shows: free, away, ringing.
FREE: Final = frozenset(("1", "6")) | AWAY
_UP: Final = frozenset((4, 6))


class Member(Struct, kw_only=True):
    """One membership row: an interface in one queue. `explained`: its being in use was seen to come from a channel or ring."""

    queue: str
    key: str
    agent: str
    booked: str
    interface: str
    state_interface: str
    status: str = "0"
    paused: bool = False
    reason: str = ""
    wrap_up_s: float = 0.0
    explained: bool = False
    session: int = 0


class Agent(Struct, kw_only=True):
    """One person at one or more phones. `shown` is what the journal was last told."""

    key: str
    members: dict[tuple[str, str], Member] = {}
    channels: dict[str, Channel] = {}
    rings: dict[str, str] = {}
    talks: dict[str, str] = {}
    held: set[str] = set()
    logged_in: bool = False
    shown: AgentStateChanged | None = None


def present(agent: Agent) -> list[Member]:
    """His memberships whose phone is within reach."""
    return [m for m in agent.members.values() if m.status not in AWAY]


def busy_state(agent: Agent, *, wrapping: bool) -> AgentState | None:
    """What keeps him from taking a call, pauses aside; None when nothing does."""
    if agent.talks and agent.held and len(agent.held) >= len(agent.talks):
        return "holding"
    unexplained = any(m.status in IN_USE and not m.explained for m in agent.members.values())
    if agent.talks or unexplained or any(c.state in _UP for c in agent.channels.values()):
        return "talking"
    if agent.rings or any(c.state == 5 for c in agent.channels.values()) or any(m.status in _RINGING for m in agent.members.values()):
        return "ringing"
    return "wrap_up" if wrapping else None


def state_of(agent: Agent, *, pbx: str, title: str, wrapping: bool, wrap_up_reasons: Collection[str], inferred: bool) -> AgentStateChanged:
    """The agent's state over all and in each of his queues: a queue counts his pause in that queue, the whole his pause in all of them."""
    busy = busy_state(agent, wrapping=wrapping)
    members = present(agent)
    queues: dict[str, AgentState] = {}
    for m in members:
        idle: AgentState = ("wrap_up" if m.reason in wrap_up_reasons else "paused") if m.paused else "available"
        if queues.get(m.key) != "available":
            queues[m.key] = busy or idle
    state: AgentState = busy or "available"
    reason = None
    if busy is None and queues and "available" not in queues.values():
        state = "paused" if "paused" in queues.values() else "wrap_up"
        reason = next((m.reason for m in members if m.reason), None)
    call = next(iter(agent.talks.values()), None) or next(iter(agent.rings.values()), None)
    if call is None and agent.channels:
        call = next(iter(agent.channels.values())).call
    return AgentStateChanged(
        agent=agent.key, pbx=pbx, state=state, queues=queues, name=title, reason=reason, call=call if busy else None, inferred=inferred
    )


def devices_of(state_interface: str, interface: str) -> tuple[str, ...]:
    """The device names whose channels are an agent's, from a member's interfaces.

    A Local interface or a hint names only an extension; any technology's phone of that name is then his.

    >>> devices_of("PJSIP/104", "Local/104@agents/n")
    ('PJSIP/104',)
    >>> devices_of("hint:101@ext-local", "Local/101@from-queue/n")
    ('*/101',)
    """
    for text in (state_interface, interface):
        tech, slash, rest = text.partition("/")
        if text.startswith(("hint:", "Local/")):
            number = text[5:] if text.startswith("hint:") else rest
            return ("*/" + number.partition("@")[0],)
        if slash and tech and not tech.startswith(("Custom:", "Queue:")):
            return (text,)
    return ()
