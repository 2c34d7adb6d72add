"""The simulated PBX itself: it turns what happens on the floor into channels, bridges, queue rows and manager events.

The order of the events of each happening is that of the recorded Asterisk 22 (`tests/captures`): a hang-up while waiting is
HangupRequest, QueueCallerAbandon, QueueCallerLeave; a time-out the same without the HangupRequest; an exit key only a Leave.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from appliance.sim import pbx_dial
from appliance.sim.floor_model_staff import Staff
from appliance.sim.floor_model_state import (
    Agent,
    Answered,
    Arrived,
    Call,
    Ended,
    FloorEvent,
    Gone,
    Held,
    Joined,
    Left,
    Member,
    MemberAdded,
    MemberPaused,
    MemberRemoved,
    PhoneReachable,
    Rang,
    Refused,
    RingEnded,
    Visit,
)
from appliance.sim.pbx_board import DEVICE_WORD, HINT_WORD, Entry, MemberRow, QueueRow
from appliance.sim.pbx_channel import Channel, Legs, Numbering
from appliance.sim.pbx_text import CAUSES, UNKNOWN, event, fields

#: What callers answer, one after the other.
_SCORES: Final = (5, 4, 5, 3, 4, 5, 2, 4, 5, 1)
#: What its agents' words for a call are, as `[classification] words` has to map them, beside EXTRA.
_CLASSES: Final = ("OK", "OK", "OK", "INCOMPLETA", "OK", "IMPROPIA", "OK")
Say = Callable[[str, bytes], None]


def score_of(number: int) -> int | None:
    """What the caller of the call of this number answers when he is asked: every third does."""
    return _SCORES[number // 3 % len(_SCORES)] if number % 3 == 0 else None


def class_of(number: int) -> str | None:
    """What an agent calls the call of this number, by the words of his dialplan; of every fourth he says nothing."""
    return None if number % 4 == 3 else "EXTRA" if number % 40 == 10 else _CLASSES[number % len(_CLASSES)]


class Switch:
    """A PBX from one start to its end. `say(privilege, block)` takes each event; `wall_s` is the PBX's clock in epoch seconds."""

    def __init__(self, rows: dict[str, QueueRow], staff: Staff, wall_s: Callable[[], float], say: Say, *, timestamps: bool) -> None:
        self.wall_s, self._say, self._timestamps = wall_s, say, timestamps
        #: Whether its agents classify their calls.
        self.classifies = False
        self.numbering = Numbering()
        self.legs: dict[int, Legs] = {}
        self.rows = rows
        self.staff = staff
        self.status: dict[str, int] = {}
        self.busy: dict[str, int] = {"trunk-norte": 0, "trunk-sur": 0}
        self.processed = 0
        self.started_s = wall_s()
        self.silent = self.stopping = False
        for row in rows.values():
            row.members = [MemberRow(m, int(self.started_s), last_pause=int(self.started_s) if m.paused else 0) for m in row.queue.members]
        for agent in staff.agents.values():
            self.status[agent.plan.device] = 5 if agent.mode == "away" else 1
        for row in rows.values():
            row.available = self._is_available(row)

    # What is said

    def say(self, name: str, privilege: str, body: str) -> None:
        if not self.silent:
            stamp = f"Timestamp: {self.wall_s():.6f}\r\n" if self._timestamps else ""
            self._say(privilege, event(name, privilege, stamp, body))

    def call(self, name: str, channel: Channel, **more: object) -> None:
        """An event of class call about one channel."""
        self.say(name, "call", channel.lines() + fields(**more))

    def hangup(self, channel: Channel, cause: int) -> None:
        self.call("Hangup", channel, Cause=cause, Cause_txt=CAUSES[cause])

    def device(self, name: str, word: str) -> None:
        self.say("DeviceStateChange", "call", fields(Device=name, State=word))

    def phone(self, agent: Agent, status: int) -> None:
        """A phone's state changed: told as hint, device, and one member event per queue."""
        device = agent.plan.device
        if self.status.get(device) == status:
            return
        self.status[device] = status
        code, word = HINT_WORD[status]
        extension = agent.plan.extension
        hint = f"PJSIP/{extension},CustomPresence:{extension}"
        self.say("ExtensionStatus", "call", fields(Exten=extension, Context="internal", Hint=hint, Status=code, StatusText=word))
        self.device(device, DEVICE_WORD[status])
        for row in self.rows.values():
            for member in row.members:
                if member.member.agent is agent:
                    self.say("QueueMemberStatus", "agent", row.member_event(member, status))
        self.note_available()

    def note_available(self) -> None:
        """Tell of queues that gained their first or lost their last free member."""
        for row in self.rows.values():
            available = self._is_available(row)
            if available != row.available:
                row.available = available
                self.device(f"Queue:{row.name}_avail", "NOT_INUSE" if available else "INUSE")

    def _is_available(self, row: QueueRow) -> bool:
        return any(self.status.get(m.member.agent.plan.device) == 1 and not m.member.paused for m in row.members)

    def trunk(self, call: Call, change: int) -> None:
        before = self.busy[call.trunk]
        self.busy[call.trunk] = before + change
        if (before == 0) != (before + change == 0):
            self.device(f"PJSIP/{call.trunk}", "INUSE" if before == 0 else "NOT_INUSE")

    def member_row(self, member: Member) -> MemberRow | None:
        return next((r for r in self.rows[member.queue.plan.name].members if r.member is member), None)

    def rows_of(self, agent: Agent) -> list[MemberRow]:
        return [r for row in self.rows.values() for r in row.members if r.member.agent is agent]

    # What happens

    def apply(self, happened: FloorEvent) -> None:  # noqa: PLR0912  one case per kind of happening
        """Take one thing that happened on the floor."""
        match happened:
            case Arrived(call):
                self._arrive(call)
            case Refused(call, queue, why):
                caller = self.legs[call.number].caller
                caller.at("queue", "s", 6)
                self.queue_result(caller, queue.plan.name, why)
            case Joined(visit):
                self._join(visit)
            case Rang(visit, member):
                pbx_dial.ring(self, visit, member)
            case RingEnded(visit, member, _):
                pbx_dial.give_up_ringing(self, visit, member)
            case Answered(visit, member, _):
                pbx_dial.answer(self, visit, member)
            case Held(visit, on):
                pbx_dial.hold(self, visit, on)
            case Ended(visit, by, to):
                pbx_dial.end(self, visit, by, to)
            case Left(visit, _, by, member):
                self._leave(visit, by, member)
            case Gone(call, by):
                self._go(call, by)
            case MemberPaused(member):
                self._pause(member)
            case MemberAdded(member):
                self._add(member)
            case MemberRemoved(member):
                self._remove(member)
            case PhoneReachable(agent, on):
                self._reach(agent, on)

    def _arrive(self, call: Call) -> None:
        uniqueid = self.numbering.uniqueid(self.wall_s())
        caller = Channel(
            self.numbering.name(f"PJSIP/{call.trunk}"), uniqueid, uniqueid, self.wall_s(), state=4, caller=call.caller,
            caller_name=call.caller_name or UNKNOWN, account="TN" if call.trunk == "trunk-norte" else "TS", context="from-trunk",
            exten=call.dialled, application="Queue", data=f"{call.queue},ctTkK,,,120",
        )  # fmt: skip
        self.legs[call.number] = Legs(caller)
        self.processed += 1
        self.call("Newchannel", caller)
        caller.state, caller.dnis = 6, call.dialled
        caller.at("queue", "s", 4)
        self.call("Newstate", caller)
        self.trunk(call, 1)

    def _join(self, visit: Visit) -> None:
        row, caller = self.rows[visit.queue.plan.name], self.legs[visit.call.number].caller
        caller.at("queue", "s", 5)
        if not row.entries:
            self.device(f"Queue:{row.name}", "RINGING")
        place = sum(other.visit.call.priority >= visit.call.priority for other in row.entries)
        row.entries.insert(place, Entry(visit, self.wall_s(), place + 1))
        told = fields(Queue=row.name, Position=place + 1, Count=len(row.entries))
        self.say("QueueCallerJoin", "agent", caller.lines() + told)
        self.call("MusicOnHoldStart", caller, Class="default")

    def take_entry(self, visit: Visit) -> tuple[QueueRow, Entry, int]:
        """Take a visit out of its line: the queue, the entry, the position it stood at."""
        row = self.rows[visit.queue.plan.name]
        position, entry = next((i + 1, e) for i, e in enumerate(row.entries) if e.visit is visit)
        row.entries.remove(entry)
        return row, entry, position

    def queue_left(self, row: QueueRow, caller: Channel, position: int) -> None:
        if not row.entries:
            self.device(f"Queue:{row.name}", "NOT_INUSE")
        self.say("QueueCallerLeave", "agent", caller.lines() + fields(Queue=row.name, Position=position, Count=len(row.entries)))

    def queue_result(self, caller: Channel, queue: str, word: str, agent: str = "") -> None:
        """What this PBX's own dialplan tells after each Queue()."""
        told = fields(UserEvent="QueueResult", CallUniqueid=caller.uniqueid, Queue=queue, QueueStatus=word, CallerNum=caller.caller)
        self.say("UserEvent", "user", caller.lines() + told + (fields(AgentName=agent) if agent else ""))

    def survey(self, caller: Channel, number: int, queue: str, member: Member) -> None:
        """Every third caller whose agent hung up first answers what he thought of it, from 1 to 5."""
        if (score := score_of(number)) is not None:
            told = fields(UserEvent="SurveyResult", CallUniqueid=caller.uniqueid, Queue=queue, Agent=member.name, Q1=score)
            self.say("UserEvent", "user", caller.lines() + told)

    def classified(self, caller: Channel, number: int) -> None:
        """An agent says what kind of call it was, at its end."""
        if self.classifies and (word := class_of(number)) is not None:
            told = fields(UserEvent="CallClassified", CallUniqueid=caller.uniqueid, Type=word)
            self.say("UserEvent", "user", caller.lines() + told)

    def waited(self, entry: Entry) -> int:
        """Whole seconds as Asterisk counts them: the difference of two clocks without fractions."""
        return int(self.wall_s()) - int(entry.joined)

    def _leave(self, visit: Visit, by: str, member: Member | None) -> None:
        row, entry, position = self.take_entry(visit)
        legs = self.legs[visit.call.number]
        caller, outcome = legs.caller, visit.outcome
        hung_up = outcome == "abandoned" or (outcome == "withdrawn" and by == "pbx")
        if hung_up:
            self.call("HangupRequest" if by == "caller" else "SoftHangupRequest", caller, Cause=16 if by == "caller" else 4)
        if outcome == "exitkey":
            self.say("DTMFBegin", "dtmf", caller.lines() + fields(Digit=row.queue.plan.exit_key, Direction="Received"))
            self.say("DTMFEnd", "dtmf", caller.lines() + fields(Digit=row.queue.plan.exit_key, DurationMs=100, Direction="Received"))
            caller.at(f"q-exit-{row.name}", str(row.queue.plan.exit_key), 0)
        self.call("MusicOnHoldStop", caller)
        if member is not None:
            pbx_dial.cancel_ring(self, visit, member)
        if outcome != "exitkey":
            wait_s = self.waited(entry)
            row.gave_up(wait_s)
            told = fields(Queue=row.name, Position=position, OriginalPosition=entry.first, HoldTime=wait_s)
            self.say("QueueCallerAbandon", "agent", caller.lines() + told)
        self.queue_left(row, caller, position)
        if hung_up:
            self.call("SoftHangupRequest", caller, Cause=16)
            caller.at("queue", "h", 2)
            self._drop(visit.call, caller, 16 if by == "caller" else 0)
        elif outcome == "timeout":
            caller.priority = 6
            self.queue_result(caller, row.name, "TIMEOUT")

    def _go(self, call: Call, by: str) -> None:
        caller = self.legs[call.number].caller
        self.call("HangupRequest" if by == "caller" else "SoftHangupRequest", caller, Cause=16)
        self._drop(call, caller, 16)

    def _drop(self, call: Call, caller: Channel, cause: int) -> None:
        self.hangup(caller, cause)
        del self.legs[call.number]
        self.trunk(call, -1)

    def drop_call(self, call: Call) -> None:
        """The caller's own channel hangs up after a conversation."""
        caller = self.legs[call.number].caller
        caller.at("queue", "h", 2)
        self._drop(call, caller, 16)

    def _pause(self, member: Member) -> None:
        row, kept = self.rows[member.queue.plan.name], self.member_row(member)
        if kept is None:
            return
        if member.paused:
            kept.last_pause = int(self.wall_s())
        word = "INUSE" if member.paused else "NOT_INUSE"
        self.device(f"Queue:{row.name}_pause_{member.interface}", word)
        status = self.status[member.agent.plan.device]
        self.say("QueueMemberPause", "agent", row.member_event(kept, status, in_call=kept.in_call))
        self.note_available()

    def _add(self, member: Member) -> None:
        row = self.rows[member.queue.plan.name]
        now = int(self.wall_s())
        kept = MemberRow(member, now, last_pause=now if member.paused else 0)
        row.members.append(kept)
        status = self.status.setdefault(member.agent.plan.device, 1)
        self.say("QueueMemberAdded", "agent", row.member_event(kept, status))
        self.note_available()

    def _remove(self, member: Member) -> None:
        row, kept = self.rows[member.queue.plan.name], self.member_row(member)
        if kept is not None:
            row.members.remove(kept)
            status = self.status[member.agent.plan.device]
            self.say("QueueMemberRemoved", "agent", row.member_event(kept, status))
            self.note_available()

    def _reach(self, agent: Agent, on: bool) -> None:
        if self.stopping:
            return
        device, extension = agent.plan.device, agent.plan.extension
        word = "Reachable" if on else "Unreachable"
        self.say("PeerStatus", "system", fields(ChannelType="PJSIP", Peer=device, PeerStatus=word))
        uri = f"sip:{extension}@127.0.0.1:15070"
        told = fields(URI=uri, ContactStatus=word, AOR=extension, EndpointName=extension, RoundtripUsec=449 if on else 0)
        self.say("ContactStatus", "system", told)
        self.phone(agent, 1 if on else 5)
