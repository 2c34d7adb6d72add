"""The simulated PBX's own bookkeeping of queues, members and devices: what its lists and member events tell.

It is kept from what happens, as app_queue keeps it, and not looked up in the floor model, so that the two can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.sim.floor_model_state import Member, Queue, Visit
from appliance.sim.pbx_text import fields

DEVICE_WORD = {1: "NOT_INUSE", 2: "INUSE", 5: "UNAVAILABLE", 6: "RINGING"}
HINT_WORD = {1: (0, "Idle"), 2: (1, "InUse"), 5: (4, "Unavailable"), 6: (8, "Ringing")}


@dataclass(eq=False, slots=True)
class MemberRow:
    """One member as the PBX tells him. Stamps are epoch seconds, 0 for never."""

    member: Member
    login: int
    calls_taken: int = 0
    last_call: int = 0
    last_pause: int = 0
    in_call: int = 0


@dataclass(eq=False, slots=True)
class Entry:
    """Somebody waiting; `joined` is epoch seconds, `first` the position he came in at."""

    visit: Visit
    joined: float
    first: int


@dataclass(eq=False, slots=True)
class QueueRow:
    """One queue with its counters since the PBX started (or since they were reset)."""

    queue: Queue
    wrap_up: int
    members: list[MemberRow] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    hold: int = 0
    talk: int = 0
    completed: int = 0
    abandoned: int = 0
    completed_in_level: int = 0
    abandoned_in_level: int = 0
    available: bool = True

    @property
    def name(self) -> str:
        return self.queue.plan.name

    def connected(self, hold_s: int) -> None:
        """Somebody was answered: Asterisk averages with a weight of a quarter for the newest."""
        self.hold = (3 * self.hold + hold_s) >> 2
        if hold_s <= self.queue.plan.service_level_s:
            self.completed_in_level += 1

    def finished(self, talk_s: int) -> None:
        self.completed += 1
        self.talk = (3 * self.talk + talk_s) >> 2

    def gave_up(self, wait_s: int) -> None:
        """Somebody hung up, timed out or was taken away: Asterisk counts all of these as abandoned."""
        self.abandoned += 1
        if wait_s <= self.queue.plan.service_level_s:
            self.abandoned_in_level += 1

    def reset(self) -> None:
        self.hold = self.talk = self.completed = self.abandoned = self.completed_in_level = self.abandoned_in_level = 0

    def params(self) -> str:
        plan = self.queue.plan
        level = 100.0 * self.completed_in_level / self.completed if self.completed else 0.0
        both = self.completed + self.abandoned
        level2 = 100.0 * (self.completed_in_level + self.abandoned_in_level) / both if both else 0.0
        return fields(
            Queue=plan.name, Max=plan.max_len, Strategy=plan.strategy, Calls=len(self.entries), Holdtime=self.hold, TalkTime=self.talk,
            Completed=self.completed, Abandoned=self.abandoned, ServiceLevel=plan.service_level_s, ServicelevelPerf=f"{level:.1f}",
            ServicelevelPerf2=f"{level2:.1f}", Weight=plan.weight,
        )  # fmt: skip

    def member_event(self, row: MemberRow, status: int, *, in_call: int = 0) -> str:
        """The headers of QueueMemberStatus, …Pause, …Added, …Removed."""
        m = row.member
        return fields(
            Queue=self.name, MemberName=m.name, Interface=m.interface, StateInterface=m.agent.plan.device,
            Membership="dynamic" if m.dynamic else "static", Penalty=m.penalty, CallsTaken=row.calls_taken, LastCall=row.last_call,
            LastPause=row.last_pause, LoginTime=row.login, InCall=in_call, Status=status, Paused=int(m.paused), PausedReason=m.reason,
            Ringinuse=0, Wrapuptime=self.wrap_up,
        )  # fmt: skip

    def member_row(self, row: MemberRow, status: int) -> str:
        """The headers of a QueueMember list row: the same things under other names."""
        m = row.member
        return fields(
            Queue=self.name, Name=m.name, Location=m.interface, StateInterface=m.agent.plan.device,
            Membership="dynamic" if m.dynamic else "static", Penalty=m.penalty, CallsTaken=row.calls_taken, LastCall=row.last_call,
            LastPause=row.last_pause, LoginTime=row.login, InCall=row.in_call, Status=status, Paused=int(m.paused), PausedReason=m.reason,
            Wrapuptime=self.wrap_up,
        )  # fmt: skip
