"""The things on a simulated floor (calls, visits, agents, members, queues) and what can happen to them (floor events)."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Literal

from msgspec import Struct

from appliance.sim.floor_model_plan import AgentPlan, QueuePlan
from appliance.sim.floor_model_timer import Timer

#: How a visit ended, in the words of the captures' truth files. `lost`: the PBX was killed while the caller waited.
Outcome = Literal[
    "waiting", "talking", "completed_agent", "completed_caller", "blind", "abandoned", "timeout", "exitkey", "withdrawn", "lost", "killed"
]
ANSWERED: frozenset[Outcome] = frozenset({"talking", "completed_agent", "completed_caller", "blind", "killed"})
AgentMode = Literal["idle", "ringing", "talking", "wrap_up", "away"]
By = Literal["caller", "agent", "transfer", "pbx", "command"]


def chance_of(name: str) -> Random:
    """A source of chance of its own for each thing, so that what happens to one does not change another's day."""
    return Random(name)  # noqa: S311  a floor to be repeated, nothing secret


@dataclass(eq=False, slots=True)
class Call:
    """One caller on one line, from arrival to hang-up; `fate` is the call's own source of chance."""

    number: int
    caller: str
    caller_name: str | None
    trunk: str
    dialled: str
    queue: str
    fate: Random
    arrived_s: float
    visits: list[Visit] = field(default_factory=list)
    gone: bool = False
    timer: Timer | None = None
    #: What the dialplan gave him: he stands before those of a lower one.
    priority: int = 0

    @property
    def visit(self) -> Visit | None:
        """The visit that goes on now, if any."""
        return self.visits[-1] if self.visits and self.visits[-1].outcome in ("waiting", "talking") else None


@dataclass(eq=False, slots=True)
class Visit:
    """One stay of a call in a queue, and the conversation that followed. Times in model seconds."""

    call: Call
    queue: Queue
    joined_s: float
    position: int
    outcome: Outcome = "waiting"
    member: Member | None = None
    rung_s: float | None = None
    ring_due: Timer | None = None
    not_before_s: float = 0.0
    answered_s: float | None = None
    ring_s: float = 0.0
    ended_s: float | None = None
    held_since_s: float | None = None
    hold_s: float = 0.0
    ended_by: By | None = None
    pbx_ended: Literal["restart", "kill"] | None = None
    timers: list[Timer] = field(default_factory=list)

    def cancel_timers(self) -> None:
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()


@dataclass(eq=False, slots=True)
class Agent:
    """A person at a phone. `visit` is what rings or talks there."""

    plan: AgentPlan
    fate: Random
    mode: AgentMode = "idle"
    visit: Visit | None = None
    members: list[Member] = field(default_factory=list)
    calls_taken: int = 0
    last_call_s: float | None = None
    wrap_up: Timer | None = None
    #: Not on shift: his phone is out of reach, or will be once he is free.
    off: bool = False


@dataclass(eq=False, slots=True)
class Member:
    """An agent in one queue, as the PBX keeps it."""

    agent: Agent
    queue: Queue
    interface: str
    name: str
    penalty: int = 0
    dynamic: bool = False
    since_s: float = 0.0
    paused: bool = False
    reason: str = ""
    paused_s: float | None = None
    gone: bool = False


@dataclass(eq=False, slots=True)
class Queue:
    """A queue: who waits (in order) and who answers."""

    plan: QueuePlan
    waiting: list[Visit] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    turn: int = 0


class Arrived(Struct, frozen=True):
    """A call reached the PBX on a trunk."""

    call: Call


class Refused(Struct, frozen=True):
    """A call found the queue full or without anybody, and never entered."""

    call: Call
    queue: Queue
    why: Literal["FULL", "JOINEMPTY"]


class Joined(Struct, frozen=True):
    """A visit began; it stands last in its queue."""

    visit: Visit


class Rang(Struct, frozen=True):
    """A member's phone began to ring for a visit."""

    visit: Visit
    member: Member


class RingEnded(Struct, frozen=True):
    """A phone stopped ringing unanswered; the visit goes on waiting."""

    visit: Visit
    member: Member
    ring_s: float


class Answered(Struct, frozen=True):
    """A member answered a visit; it has left the line (it stood at `position`)."""

    visit: Visit
    member: Member
    position: int


class Held(Struct, frozen=True):
    """The agent put the caller on hold, or took him back (`on` False)."""

    visit: Visit
    on: bool


class Ended(Struct, frozen=True):
    """A conversation ended. By `transfer`, `to` is the extension dialled and the call goes on; else the caller goes too."""

    visit: Visit
    by: By
    to: str | None = None


class Left(Struct, frozen=True):
    """A visit left the line unanswered from `position`; `member` was being rung. The outcome is the visit's."""

    visit: Visit
    position: int
    by: By
    member: Member | None = None


class Gone(Struct, frozen=True):
    """A call that was with nobody hung up (after a refusal, a time-out, an exit key, or a transfer out of the queues)."""

    call: Call
    by: By


class MemberPaused(Struct, frozen=True):
    """A member was paused or unpaused, or his reason changed."""

    member: Member


class MemberAdded(Struct, frozen=True):
    """A member was added to a queue."""

    member: Member


class MemberRemoved(Struct, frozen=True):
    """A member was taken out of a queue."""

    member: Member


class PhoneReachable(Struct, frozen=True):
    """An agent's phone registered, or went out of reach (`on` False)."""

    agent: Agent
    on: bool


FloorEvent = (
    Arrived | Refused | Joined | Rang | RingEnded | Answered | Held | Ended | Left | Gone
    | MemberPaused | MemberAdded | MemberRemoved | PhoneReachable
)  # fmt: skip
