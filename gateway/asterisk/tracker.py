"""Decides what each AMI event means for the floor: turns messages into catalogue events, in order.

Pure: no socket, no clock. Fed by the live service and by replays alike; `session` counts connections, so that what
was seen live in this one is told apart from what is known from before.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from appliance.core.catalogue import CallLeft
from appliance.core.clock import NS
from appliance.core.config import Config, PbxConfig
from gateway.asterisk.agent_state import FREE, Member
from gateway.asterisk.agents import AgentBook
from gateway.asterisk.ami import Message
from gateway.asterisk.local_leg import LocalLegs
from gateway.asterisk.reason import Told, refused_by_user_event, told_by_user_event, told_by_variable
from gateway.pbx.calls import CallBook, Channel, told
from gateway.pbx.ivr import IvrBook, Whose
from gateway.pbx.lines import LineBook
from gateway.pbx.names import AgentNames, QueueNames
from gateway.pbx.number import whole
from gateway.pbx.stay import Talk, Visit
from gateway.pbx.talks import TalkBook
from gateway.pbx.visits import VisitBook


class Tracker:
    """One PBX's floor as AMI tells it: `on_message` and `tick` return the events to append, oldest first."""

    def __init__(self, pbx: str, config: Config) -> None:
        self.pbx = pbx
        self.config = config
        prefix = pbx if len(config.pbx) > 1 else ""
        self._out: list[Struct] = []
        emit = self._out.append
        self.calls = CallBook(pbx)
        self.queues = QueueNames(prefix)
        self.names = AgentNames(config, prefix)
        self.visits = VisitBook(pbx, emit)
        self.talks = TalkBook(pbx, emit)
        self.agents = AgentBook(pbx, config, self.queues, self.names, emit)
        self.lines = LineBook(pbx, config, emit)
        self.talks.on_agent_leaves = self._agent_left
        self.visits.on_visit_end = self._visit_ended
        self.session = 0
        self.stopping = False
        own = config.pbx.get(pbx) or PbxConfig()
        self.ivr = None
        if own.ivr is not None:
            self.ivr = IvrBook(pbx, own.ivr, emit, self._whose, self.queues.key, self._agent_named, config.classification, self._owner)
        self._mapped = own.queue_result
        self.visits.hold_back_reasons = self._mapped is not None
        self.locals = LocalLegs()
        self._call_class = False
        self._handlers: dict[str, Callable[[Message, int], None]] = {
            "QueueCallerJoin": self._join,
            "QueueCallerLeave": self._leave,
            "QueueCallerAbandon": self._abandon,
            "AgentCalled": self._agent_called,
            "AgentRingNoAnswer": self._no_answer,
            "AgentConnect": self._connect,
            "AgentComplete": self._complete,
            "HangupRequest": self._hangup_request,
            "SoftHangupRequest": self._soft_hangup,
            "Hangup": self._hangup,
            "Newchannel": self._newchannel,
            "Newstate": self._newstate,
            "Rename": self._rename,
            "LocalBridge": self._local_bridge,
            "DialBegin": self._dial_begin,
            "DialEnd": self._dial_end,
            "Hold": self._hold,
            "Unhold": self._unhold,
            "BlindTransfer": self._blind_transfer,
            "AttendedTransfer": self._attended_transfer,
            "QueueMemberStatus": self._member,
            "QueueMemberAdded": self._member,
            "QueueMemberPause": self._member,
            "QueueMemberRemoved": self._member_removed,
            "VarSet": self._varset,
            "UserEvent": self._user_event,
            "Alarm": self._alarm,
            "AlarmClear": self._alarm,
            "SpanAlarm": self._alarm,
            "SpanAlarmClear": self._alarm,
            "Shutdown": self._shutdown,
        }

    # -- what the owner calls ----------------------------------------------------------------------------------

    def on_message(self, message: Message, mono_ns: int) -> list[Struct]:
        """The events that one live message means, in order; most messages mean none."""
        if not self._call_class and b"\r\nPrivilege: call," in message.raw:
            self._call_class = True
        handler = self._handlers.get(message.name)
        if handler is not None and message.type == "event":
            handler(message, mono_ns)
            if self.agents.dirty:
                self.agents.settle(mono_ns)
        return self.take()

    def tick(self, mono_ns: int) -> list[Struct]:
        """The events that are due by time alone: held-back endings and wrap-ups."""
        self.visits.tick(mono_ns)
        self.talks.tick(mono_ns)
        self.agents.tick(mono_ns)
        self.lines.faults.tick(mono_ns)
        return self.take()

    @property
    def next_due_ns(self) -> int | None:
        """When `tick` has something to do."""
        books = (self.visits, self.talks, self.agents, self.lines.faults)
        return min((due for book in books if (due := book.next_due_ns) is not None), default=None)

    def connected(self) -> None:
        """A session with the PBX begins: what is known until now is from before."""
        self.session += 1
        self.stopping = False

    def disconnected(self, mono_ns: int, *, by_pbx: bool = True) -> list[Struct]:
        """The session ended: what was held back is decided now."""
        self.visits.stopped(mono_ns, by_pbx=by_pbx)
        self.talks.stopped(by_pbx=by_pbx)
        self.agents.settle(mono_ns)
        return self.take()

    def take(self) -> list[Struct]:
        """Hand over what was emitted."""
        if not self._out:
            return []
        out = self._out[:]
        self._out.clear()
        return out

    # -- the queue ---------------------------------------------------------------------------------------------

    def open_visit(self, m: Message, joined_ns: int) -> Visit:
        """A visit of the channel that a message names, not yet announced."""
        uniqueid, queue = m.get("Uniqueid"), m.get("Queue")
        call = self.calls.call_of(uniqueid, m.get("Linkedid"))
        channel = self.calls.channels.get(uniqueid)
        dialled = (channel.dialled if channel else None) or dnis_of(m)
        return Visit(
            call=call.call, visit=self.calls.next_visit(call), uniqueid=uniqueid, queue=queue, key=self.queues.key(queue),
            joined_ns=joined_ns, session=self.session, caller=told(m.get("CallerIDNum")), dialled=dialled,
        )  # fmt: skip

    def begin_visit(
        self, visit: Visit, now_ns: int, *, position: int | None = None, inferred: bool = False, pbx_time: float | None = None
    ) -> None:
        """Announce a visit; whatever conversation its channel was in has been handed on."""
        self.talks.end_of(visit.uniqueid, now_ns, "transfer")
        self.visits.queued(visit, now_ns, position=position, inferred=inferred, pbx_time=pbx_time)
        if self.ivr is not None:
            self.ivr.asked(visit.uniqueid, now_ns)

    def _join(self, m: Message, now_ns: int) -> None:
        uniqueid = m.get("Uniqueid")
        if not uniqueid:
            return
        known = self.visits.open.get(uniqueid)
        if known is not None and known.session == self.session and known.queue == m.get("Queue") and known.left_ns is None:
            return
        position = m.get("Position")
        self.begin_visit(self.open_visit(m, now_ns), now_ns, position=whole(position), pbx_time=stamp_of(m))

    def _visit(self, m: Message, now_ns: int, *, make: bool) -> Visit | None:
        """The open visit that a message is about. One that we never saw begin (it joined in blindness) is opened by its HoldTime."""
        visit = self.visits.open.get(m.get("Uniqueid"))
        if visit is not None and visit.queue == m.get("Queue"):
            return visit
        waited_s = whole(m.get("HoldTime") or m.get("Holdtime"))
        uniqueid, queue = m.get("Uniqueid"), m.get("Queue")
        if not make or waited_s is None or not uniqueid or not queue or self.visits.closed.get(uniqueid) == queue:
            return None
        visit = self.open_visit(m, now_ns - waited_s * NS)
        self.begin_visit(visit, now_ns, inferred=True)
        return visit

    def _leave(self, m: Message, now_ns: int) -> None:
        if (visit := self._visit(m, now_ns, make=False)) is not None:
            self.visits.left(visit, now_ns)

    def _abandon(self, m: Message, now_ns: int) -> None:
        visit = self._visit(m, now_ns, make=True)
        if visit is not None:
            channel = self.calls.channels.get(visit.uniqueid)
            if channel is not None:
                visit.hung_up = visit.hung_up or channel.asked_hangup
            if self._call_class:
                self.visits.abandoned(visit, now_ns)
            else:
                # A user without the call class is not told who hung up: abandoned or left, nobody can say.
                self.visits.lost(visit)

    def _agent_called(self, m: Message, now_ns: int) -> None:
        leg = m.get("DestUniqueid")
        member = self._seen(m)
        visit = self._visit(m, now_ns, make=False)
        if visit is None or not leg:
            return
        self.agents.rings(member.agent, leg, visit.call)
        self.visits.ringing(visit, member.booked, leg, stamp_of(m))

    def _no_answer(self, m: Message, now_ns: int) -> None:
        leg = m.get("DestUniqueid")
        self.agents.rings_no_more(leg)
        self.visits.rings_no_more(leg)

    def _connect(self, m: Message, now_ns: int) -> None:
        visit = self._visit(m, now_ns, make=True)
        if visit is None:
            return
        member, interface, leg, ring = self._seen(m), m.get("Interface"), m.get("DestUniqueid"), m.get("RingTime")
        legs = {leg: m.get("DestChannel")} if leg else {}
        legs.update(self.locals.behind(leg))
        ring_s = float(ring) if whole(ring) is not None else None
        self.talks.end_of(visit.uniqueid, now_ns, "transfer")
        self.talks.disproved(member.agent, now_ns, at_once=True)
        self.talks.begin(
            Talk(
                visit=visit, agent=member.booked, presence=member.agent, interface=interface, legs=legs,
                answered_ns=now_ns, session=self.session,
            )
        )  # fmt: skip
        self.visits.answered(visit, member.booked, now_ns, ring_s=ring_s, pbx_time=stamp_of(m))
        self.agents.talks(member.agent, visit.visit, visit.call)
        if self.ivr is not None:
            self.ivr.answered(visit.uniqueid, visit.visit, visit.key, member.booked, member.agent)

    def _complete(self, m: Message, now_ns: int) -> None:
        queue, interface, uniqueid = m.get("Queue"), m.get("Interface"), m.get("Uniqueid")
        talk = self.talks.open.get(uniqueid) if uniqueid else self._talk_by_interface(queue, interface, m.get("TalkTime"), now_ns)
        if talk is None or talk.visit.queue != queue or talk.interface not in ("", interface):
            return
        reason = m.get("Reason")
        if reason == "transfer":
            self.talks.transferred(talk, now_ns, to=None, attended=False)
        else:
            self.talks.end(talk, now_ns, reason if reason in ("caller", "agent") else None)

    def _talk_by_interface(self, queue: str, interface: str, talk_time: str, now_ns: int) -> Talk | None:
        """Whose conversation an AgentComplete without a channel ends: the one of this member whose length fits best."""
        found = [t for t in self.talks.open.values() if t.visit.queue == queue and t.interface == interface]
        talk_ns = (whole(talk_time) or 0) * NS
        return min(found, key=lambda t: abs(now_ns - t.answered_ns - talk_ns), default=None)

    def _seen(self, m: Message) -> Member:
        return self.agents.seen(m.get("Queue"), m.get("Interface"), m.get("MemberName"), self.session)

    def _visit_ended(self, visit: Visit) -> None:
        for leg in visit.ringing:
            self.agents.rings_no_more(leg)

    def _agent_left(self, talk: Talk, now_ns: int) -> None:
        wrap_up_s = self.agents.wrap_up_s(talk.visit.queue, talk.interface)
        self.agents.talks_no_more(talk.presence, talk.visit.visit, now_ns + round(wrap_up_s * NS) if wrap_up_s > 0 else 0)

    # -- channels ----------------------------------------------------------------------------------------------

    def _newchannel(self, m: Message, now_ns: int) -> None:
        uniqueid = m.get("Uniqueid")
        if not uniqueid:
            return
        state, dialled = m.get("ChannelState"), m.get("Exten")
        channel = Channel(
            uniqueid=uniqueid, name=m.get("Channel"), state=whole(state) or 0,
            caller=told(m.get("CallerIDNum")), dialled=dialled if dialled not in ("", "s", "h") else None, session=self.session,
        )  # fmt: skip
        self.calls.open(channel, m.get("Linkedid"))
        self.lines.seized(channel, now_ns)
        self.agents.channel(channel)

    def _newstate(self, m: Message, now_ns: int) -> None:
        channel = self.calls.channels.get(m.get("Uniqueid"))
        state = whole(m.get("ChannelState"))
        if channel is not None and state is not None:
            channel.state = state
            self.agents.channel(channel)

    def _rename(self, m: Message, now_ns: int) -> None:
        if (channel := self.calls.channels.get(m.get("Uniqueid"))) is not None:
            channel.name = m.get("Newname") or m.get("NewName") or channel.name

    def _hangup_request(self, m: Message, now_ns: int) -> None:
        self._asked(m, soft=False)

    def _soft_hangup(self, m: Message, now_ns: int) -> None:
        self._asked(m, soft=True)

    def _asked(self, m: Message, *, soft: bool) -> None:
        uniqueid = m.get("Uniqueid")
        if (channel := self.calls.channels.get(uniqueid)) is not None and not soft:
            channel.asked_hangup = True
        self.visits.asked(uniqueid, soft=soft)
        self.talks.asked(uniqueid, soft=soft)

    def _hangup(self, m: Message, now_ns: int) -> None:
        uniqueid = m.get("Uniqueid")
        if self.ivr is not None and self.ivr.variables:
            for name, _, value in (text.partition("=") for text in m.all("ChanVariable")):
                self.ivr.variable(uniqueid, name, value, now_ns, stamp_of(m))
        cause = m.get("Cause")
        self.channel_gone(uniqueid, now_ns, cause=whole(cause))

    def channel_gone(self, uniqueid: str, now_ns: int, *, inferred: bool = False, cause: int | None = None) -> None:
        """A channel hung up, or was found gone after blindness."""
        if self.ivr is not None:
            self.ivr.gone(uniqueid, now_ns, inferred=inferred)
        self.calls.closed(uniqueid)
        self.locals.gone(uniqueid)
        if not inferred:
            self.visits.channel_gone(uniqueid, now_ns)
            self.talks.channel_gone(uniqueid, now_ns)
        self.agents.channel_gone(uniqueid)
        self.lines.released(uniqueid, now_ns, inferred=inferred, cause=cause)

    def _local_bridge(self, m: Message, now_ns: int) -> None:
        self.locals.bridged(m.get("LocalOneUniqueid"), m.get("LocalTwoUniqueid"))

    def _dial_begin(self, m: Message, now_ns: int) -> None:
        two, leg = m.get("Uniqueid"), m.get("DestUniqueid")
        if self.ivr is not None:
            self.ivr.asked(two, now_ns)
        if self.lines.trunks and (dialled := self.calls.channels.get(leg)) is not None:
            self.lines.dialled(dialled, m.get("DialString"))
        if two and leg and m.get("Channel").startswith("Local/"):
            self.locals.dials(two, leg, m.get("DestChannel"))

    def _dial_end(self, m: Message, now_ns: int) -> None:
        dialler, leg, answered = m.get("Uniqueid"), m.get("DestUniqueid"), m.get("DialStatus") == "ANSWER"
        if answered and (visit := self.visits.open.get(dialler)) is not None:
            visit.picked.add(leg)
        one = self.locals.dialled(dialler, leg, answered=answered)
        if one is not None and (talk := self.talks.legs.get(one)) is not None:
            self.talks.add_leg(talk, leg, m.get("DestChannel"))

    def _hold(self, m: Message, now_ns: int) -> None:
        if (talk := self.talks.hold(m.get("Uniqueid"), now_ns, on=True)) is not None:
            self.agents.holds(talk.presence, talk.visit.visit, on=True)

    def _unhold(self, m: Message, now_ns: int) -> None:
        if (talk := self.talks.hold(m.get("Uniqueid"), now_ns, on=False)) is not None:
            self.agents.holds(talk.presence, talk.visit.visit, on=False)

    def _blind_transfer(self, m: Message, now_ns: int) -> None:
        talk = self.talks.legs.get(m.get("TransfererUniqueid"))
        if talk is not None and m.get("Result") == "Success":
            self.talks.transferred(talk, now_ns, to=m.get("Extension") or None, attended=False)

    def _attended_transfer(self, m: Message, now_ns: int) -> None:
        legs = (m.get("OrigTransfererUniqueid"), m.get("SecondTransfererUniqueid"))
        talk = next((self.talks.legs[leg] for leg in legs if leg in self.talks.legs), None)
        if talk is not None and m.get("Result") == "Success":
            self.talks.transferred(talk, now_ns, to=None, attended=True)

    # -- members, and what the dialplan tells ------------------------------------------------------------------

    def _member(self, m: Message, now_ns: int) -> None:
        member = self.member_row(m, m.get("Interface"), m.get("MemberName"))
        if member is not None and m.get("Status") in FREE:
            self.talks.disproved(member.agent, now_ns, at_once=False)

    def member_row(self, m: Message, interface: str, name: str) -> Member | None:
        """A membership, from a live event or a list row (which calls the same things Location and Name)."""
        if not interface or not m.get("Queue"):
            return None
        return self.agents.member(
            queue=m.get("Queue"), interface=interface, name=name, state_interface=m.get("StateInterface"), status=m.get("Status"),
            paused=m.get("Paused") == "1", reason=m.get("PausedReason"), wrap_up=m.get("Wrapuptime"), session=self.session,
        )  # fmt: skip

    def _member_removed(self, m: Message, now_ns: int) -> None:
        self.agents.removed(m.get("Queue"), m.get("Interface"))

    def _varset(self, m: Message, now_ns: int) -> None:
        # A stream with variables is a stream of the dialplan class: it will tell why visits leave.
        self.visits.hold_back_reasons = True
        self._tell(told_by_variable(m), now_ns)
        if self.ivr is not None and (name := m.get("Variable")) in self.ivr.variables:
            self.ivr.variable(m.get("Uniqueid"), name, m.get("Value"), now_ns, stamp_of(m))

    def _user_event(self, m: Message, now_ns: int) -> None:
        if self.ivr is not None:
            self.ivr.event(m.get("UserEvent"), m.get, m.get("Uniqueid"), now_ns, stamp_of(m))
        if self.lines.trunks:
            self.lines.user_event(m.get("UserEvent"), m.get, self.calls.call_of, m.get("Uniqueid"))
        self._tell(told_by_user_event(m, self._mapped), now_ns)
        refused = refused_by_user_event(m, self._mapped)
        if refused is not None and refused.uniqueid not in self.visits.open:
            call = self.calls.call_of(refused.uniqueid, m.get("Linkedid"))
            queue = self.queues.key(refused.queue or "")
            if self.ivr is not None:
                self.ivr.asked(refused.uniqueid, now_ns)
            self._out.append(
                CallLeft(
                    call=call.call,
                    pbx=self.pbx,
                    queue=queue,
                    uniqueid=refused.uniqueid,
                    reason=refused.reason,
                    wait_s=0.0,
                    pbx_time=stamp_of(m),
                )
            )

    def _whose(self, uniqueid: str) -> Whose:
        call, channel = self.calls.call_of(uniqueid), self.calls.channels.get(uniqueid)
        caller, dialled = (channel.caller, channel.dialled) if channel is not None else (None, None)
        return Whose(call.call, call.visits, caller, dialled)

    def _owner(self, uniqueid: str) -> str | None:
        """The agent whose own phone a channel is."""
        channel = self.calls.channels.get(uniqueid)
        return self.agents.owner_of(channel.name) if channel is not None else None

    def _agent_named(self, name: str, interface: str) -> str:
        presence = self.names.key(name, interface)
        return self.names.booked(presence, name)

    def _tell(self, told_why: Told | None, now_ns: int) -> None:
        if told_why is not None:
            self.visits.told(told_why.uniqueid, told_why.queue, told_why.reason, now_ns)

    def _alarm(self, m: Message, now_ns: int) -> None:
        """A DAHDI channel or span; what these names say is all of the event that is needed."""
        number = m.get("DAHDIChannel") or m.get("Channel")
        line = f"DAHDI/i{m.get('Span')}" if m.name.startswith("Span") else f"DAHDI/{number}"
        self.lines.alarm(line, on=not m.name.endswith("Clear"))

    def _shutdown(self, m: Message, now_ns: int) -> None:
        self.stopping = True
        self.visits.stopped(now_ns, by_pbx=True)
        self.talks.stopped(by_pbx=True)


def stamp_of(m: Message) -> float | None:
    """The PBX's own stamp, where `timestampevents` is on."""
    text = m.get("Timestamp")
    try:
        return float(text) if text else None
    except ValueError:
        return None


def dnis_of(m: Message) -> str | None:
    """The dialled number, where the manager's `channelvars` names DNIS."""
    return next((text[5:] for text in m.all("ChanVariable") if text.startswith("DNIS=") and text[5:]), None)
