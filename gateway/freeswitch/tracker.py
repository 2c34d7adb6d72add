"""Decides what each event of mod_callcenter means for the floor: turns messages into catalogue events, in order.

Pure: no socket, no clock. Fed by the live service and by replays alike; `session` counts the readings of the lists, so that what
happened since is told apart from what is known from before.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from appliance.core.clock import NS
from appliance.core.config import Config, PbxConfig
from gateway.freeswitch.agents import IN_A_CALL, AgentBook
from gateway.freeswitch.cause import CANCELLED, Handed, channel_gone, handed_on, hung_up_by_pbx, sent_elsewhere, stamp_of, told
from gateway.freeswitch.esl import Message
from gateway.freeswitch.talk_end import TalkEnds
from gateway.pbx.calls import CallBook, Channel
from gateway.pbx.ivr import IvrBook, Whose
from gateway.pbx.ivr_word import events_of
from gateway.pbx.lines import LineBook
from gateway.pbx.names import AgentNames, QueueNames
from gateway.pbx.number import whole
from gateway.pbx.stay import Talk, Visit
from gateway.pbx.talks import TalkBook
from gateway.pbx.visits import VisitBook

#: An agent has picked up; that the caller was joined to him is told within milliseconds, and taken for granted after this time.
JOINED_NS = NS


class Taken(Struct, kw_only=True):
    """An agent has picked up for a visit; not yet told that both are connected."""

    visit: Visit
    name: str
    key: str
    leg: str
    phone: str
    at_ns: int
    rang_ns: int | None = None
    pbx_time: float | None = None


class Tracker:
    """One PBX's floor as its event socket tells it: `on_message` and `tick` return the events to append, oldest first."""

    def __init__(self, pbx: str, config: Config) -> None:
        self.pbx = pbx
        prefix = pbx if len(config.pbx) > 1 else ""
        self._out: list[Struct] = []
        emit = self._out.append
        self.calls = CallBook(pbx)
        self.queues = QueueNames(prefix)
        self.names = AgentNames(config, prefix)
        self.visits = VisitBook(pbx, emit)
        self.visits.hold_back_reasons = True
        self.talks = TalkBook(pbx, emit)
        self.ends = TalkEnds(self.talks)
        self.agents = AgentBook(pbx, config, self.queues, self.names, emit)
        self.lines = LineBook(pbx, config, emit)
        ivr = (config.pbx.get(pbx) or PbxConfig()).ivr
        self.ivr: IvrBook | None = None
        self._words = frozenset[str]()
        if ivr is not None:
            self.ivr = IvrBook(pbx, ivr, emit, self._whose, self.queues.key, self._agent_named, config.classification)
            self._words = frozenset(events_of(ivr))
        self.talks.on_agent_leaves = self._agent_left
        self.visits.on_visit_end = self._visit_ended
        #: `sight` is the reading that came first after blindness: later ones put nothing of it in doubt.
        self.session = self.sight = 0
        self.stopping = False
        self._members: dict[str, str] = {}
        self._sources: dict[str, str] = {}
        self._offers: dict[str, dict[str, tuple[str, int]]] = {}
        self._taken: dict[str, Taken] = {}
        self._queue: dict[str, Callable[[Message, int], None]] = {
            "member-queue-start": self._join,
            "member-queue-resume": self._join,
            "member-queue-end": self._member_end,
            "agent-offering": self._offering,
            "bridge-agent-start": self._picked_up,
            "bridge-agent-end": self._bridge_end,
            "bridge-agent-fail": self._no_answer,
            "agent-status-change": self._agent,
            "agent-state-change": self._agent,
            "agent-add": self._agent,
        }
        self._channel: dict[str, Callable[[Message, int], None]] = {
            "CHANNEL_CREATE": self._created,
            "CHANNEL_HANGUP": self._hung_up,
            "CHANNEL_HOLD": self._held,
            "CHANNEL_UNHOLD": self._held,
            "SHUTDOWN": self._shutdown,
        }

    # -- what the owner calls ----------------------------------------------------------------------------------

    def on_message(self, m: Message, mono_ns: int) -> list[Struct]:
        """The events that one live message means, in order; most messages mean none."""
        if self.ivr is not None and m.type == "event":
            self._dialplan(self.ivr, m, mono_ns)
        handler = self._queue.get(m.get("CC-Action")) if m.name == "callcenter::info" else self._channel.get(m.name)
        if handler is not None and m.type == "event":
            handler(m, mono_ns)
            self.agents.settle(mono_ns)
        return self.take()

    def tick(self, mono_ns: int) -> list[Struct]:
        """The events that are due by time alone."""
        for taken in [taken for taken in self._taken.values() if taken.at_ns + JOINED_NS <= mono_ns]:
            self._answered(taken, taken.at_ns, mono_ns)
        self.ends.tick(mono_ns)
        self.visits.tick(mono_ns)
        self.talks.tick(mono_ns)
        self.agents.tick(mono_ns)
        return self.take()

    @property
    def next_due_ns(self) -> int | None:
        """When `tick` has something to do."""
        times = [self.visits.next_due_ns, self.talks.next_due_ns, self.agents.next_due_ns, self.ends.next_due_ns]
        times += [taken.at_ns + JOINED_NS for taken in self._taken.values()]
        return min((t for t in times if t is not None), default=None)

    def disconnected(self, mono_ns: int, *, by_pbx: bool = True) -> list[Struct]:
        """The session ended: what was held back is decided now."""
        for taken in list(self._taken.values()):
            self._answered(taken, taken.at_ns, mono_ns)
        self.ends.stopped()
        self.visits.stopped(mono_ns, by_pbx=by_pbx)
        self.talks.stopped(by_pbx=by_pbx)
        self.agents.settle(mono_ns)
        return self.take()

    def take(self) -> list[Struct]:
        """Hand over what was emitted."""
        out = self._out[:]
        self._out.clear()
        return out

    def same_member(self, visit: Visit, member: str) -> bool:
        """Whether a listed caller may be this visit: mod_callcenter gives each stay an id, which the journal does not hold."""
        return self._members.get(visit.visit) in (None, member)

    # -- the queue ---------------------------------------------------------------------------------------------

    def begin_visit(
        self, uniqueid: str, queue: str, now_ns: int, *, waited_s: float = 0.0, caller: str | None = None, m: Message | None = None
    ) -> Visit:
        """Open a visit and announce it; whatever conversation its caller was in has been handed on."""
        call = self.calls.call_of(uniqueid)
        channel = self.calls.channels.get(uniqueid)
        dialled = (m and (told(m.get("CC-Member-DNIS")) or told(m.get("Caller-RDNIS")))) or (channel.dialled if channel else None)
        dialled = dialled or (m and told(m.get("Caller-Destination-Number"))) or None
        visit = Visit(
            call=call.call, visit=self.calls.next_visit(call), uniqueid=uniqueid, queue=queue, key=self.queues.key(queue),
            joined_ns=now_ns - round(waited_s * NS), session=self.session, caller=caller, dialled=dialled,
        )  # fmt: skip
        self.ends.goes_on(uniqueid, lambda leg: handed_on(m, leg) if m else Handed())
        self.talks.end_of(uniqueid, now_ns, "transfer")
        inferred = m is None or not m.get("CC-Action").startswith("member-queue-")
        self.visits.queued(visit, now_ns, inferred=inferred or waited_s > 0, pbx_time=stamp_of(m) if m else None)
        if self.ivr is not None:
            self.ivr.asked(uniqueid, now_ns)
        return visit

    def _join(self, m: Message, now_ns: int) -> None:
        uniqueid, queue, member = m.get("CC-Member-Session-UUID"), m.get("CC-Queue"), m.get("CC-Member-UUID")
        if not uniqueid or not queue:
            return
        known = self.visits.open.get(uniqueid)
        if known is not None and known.queue == queue and self._members.get(known.visit) in (None, member):
            self._members[known.visit] = member
            return
        visit = self.begin_visit(uniqueid, queue, now_ns, caller=told(m.get("CC-Member-CID-Number")), m=m)
        self._members[visit.visit] = member
        if source := m.get("variable_transfer_source"):
            self._sources[visit.visit] = source

    def _visit(self, m: Message, now_ns: int, *, make: bool) -> Visit | None:
        """The open visit that an event is about. One that we never saw begin is opened by the PBX's word of when it did."""
        uniqueid, queue, member = m.get("CC-Member-Session-UUID"), m.get("CC-Queue"), m.get("CC-Member-UUID")
        visit = self.visits.open.get(uniqueid)
        if visit is not None:
            return visit if visit.queue == queue and self._members.get(visit.visit) in (None, member) else None
        joined, stamp = whole(m.get("CC-Member-Joined-Time"), 12), stamp_of(m) or _second_of(m)
        if not make or not uniqueid or not queue or joined is None or stamp is None or self.visits.closed.get(uniqueid) == queue:
            return None
        if uniqueid in self.talks.open:
            return None
        waited_s = max(0.0, stamp - joined)
        visit = self.begin_visit(uniqueid, queue, now_ns, waited_s=waited_s, caller=told(m.get("CC-Member-CID-Number")), m=m)
        self._members[visit.visit] = member
        return visit

    def _offering(self, m: Message, now_ns: int) -> None:
        visit, name = self._visit(m, now_ns, make=False), m.get("CC-Agent")
        agent = self.agents.offered(name, m.get("CC-Queue"))
        if visit is None:
            return
        leg = f"{visit.visit}/{agent.key}"
        self._offers.setdefault(visit.visit, {})[leg] = (agent.key, now_ns)
        self.agents.rings(agent, leg, visit.call)
        self.visits.ringing(visit, agent.key, leg, stamp_of(m))

    def _no_answer(self, m: Message, now_ns: int) -> None:
        visit = self.visits.open.get(m.get("CC-Member-Session-UUID"))
        if visit is not None:
            key = self.agents.of(m.get("CC-Agent")).key
            leg = f"{visit.visit}/{key}"
            self._offers.get(visit.visit, {}).pop(leg, None)
            self.agents.rings_no_more(key, leg)
            self.visits.rings_no_more(leg)

    def _picked_up(self, m: Message, now_ns: int) -> None:
        visit = self._visit(m, now_ns, make=True)
        if visit is None:
            return
        name = m.get("CC-Agent")
        key = self.agents.offered(name, visit.queue).key
        offer = self._offers.get(visit.visit, {}).get(f"{visit.visit}/{key}")
        self._taken[name] = Taken(
            visit=visit, name=name, key=key, leg=m.get("CC-Agent-UUID"), phone=m.get("Channel-Name"), at_ns=now_ns,
            rang_ns=offer[1] if offer else None, pbx_time=stamp_of(m),
        )  # fmt: skip
        if self.agents.of(name).state == IN_A_CALL:  # the word came first
            self._answered(self._taken[name], now_ns, now_ns)

    def _answered(self, taken: Taken, at_ns: int, now_ns: int) -> None:
        """Caller and agent are connected."""
        self._taken.pop(taken.name, None)
        visit = taken.visit
        if self.visits.open.get(visit.uniqueid) is not visit:
            return
        ring_s = round((taken.at_ns - taken.rang_ns) / NS, 3) if taken.rang_ns is not None else None
        self.talks.end_of(visit.uniqueid, now_ns, "transfer")
        self.talks.disproved(taken.key, now_ns, at_once=True)
        self.talks.begin(
            Talk(
                visit=visit, agent=taken.key, presence=taken.key, interface=taken.name, legs={taken.leg: taken.phone} if taken.leg else {},
                answered_ns=at_ns, session=self.session,
            )
        )  # fmt: skip
        self.visits.answered(visit, taken.key, at_ns, ring_s=ring_s, pbx_time=taken.pbx_time)
        self.agents.talks(taken.key, visit.visit, visit.call)
        if self.ivr is not None:
            self.ivr.answered(visit.uniqueid, visit.visit, visit.key, taken.key)

    def _bridge_end(self, m: Message, now_ns: int) -> None:
        taken, bridged = self._taken.get(m.get("CC-Agent")), m.get("CC-Agent-Bridged") != "false"
        if taken is not None and taken.visit.uniqueid == m.get("CC-Member-Session-UUID"):
            if not bridged:  # the one or the other had gone before they were joined; the visit's own end is told apart
                del self._taken[taken.name]
                return
            self._answered(taken, taken.at_ns, now_ns)
        self._conversation_over(m, now_ns, bridged=bridged)

    def _conversation_over(self, m: Message, now_ns: int, *, bridged: bool) -> None:
        uniqueid, queue = m.get("CC-Member-Session-UUID"), m.get("CC-Queue")
        talk = self.talks.open.get(uniqueid)
        if talk is not None and talk.visit.queue == queue and self._members.get(talk.visit.visit) in (None, m.get("CC-Member-UUID")):
            self.ends.over(talk, now_ns)
        elif bridged and (visit := self._visit(m, now_ns, make=False)) is not None:
            # Known as waiting from before, and his conversation ends: he was answered in blindness, so his wait cannot be told.
            self.visits.lost(visit, found_talking=True, agent=self.agents.of(m.get("CC-Agent")).key)

    def _member_end(self, m: Message, now_ns: int) -> None:
        if m.get("CC-Cause") == "Terminated":
            self._conversation_over(m, now_ns, bridged=True)
            talk = self.talks.open.get(m.get("CC-Member-Session-UUID"))
            if talk is not None and talk.visit.queue == m.get("CC-Queue"):
                self.ends.caller(talk, now_ns, gone=channel_gone(m), handed=handed_on(m, next(iter(talk.legs), "")))
            return
        visit = self._visit(m, now_ns, make=True)
        if visit is None:
            return
        for taken in [taken for taken in self._taken.values() if taken.visit is visit]:
            del self._taken[taken.name]
        reason, gone = CANCELLED.get(m.get("CC-Cancel-Reason")), channel_gone(m)
        if reason is None and gone is None:
            self.visits.abandoned(visit, now_ns)
        else:
            self._cancelled(visit, now_ns, reason or (hung_up_by_pbx(m) if gone else sent_elsewhere(m, self._sources.get(visit.visit, ""))))

    def _cancelled(self, visit: Visit, now_ns: int, reason: str | None) -> None:
        """The visit ends without an answer; None: the caller hung up."""
        visit.left_ns = visit.left_ns if visit.left_ns is not None else now_ns
        if reason is None:
            visit.hung_up = True
            self.visits.abandoned(visit, now_ns)
        else:
            visit.hung_up = False
            self.visits.told(visit.uniqueid, visit.queue, reason, now_ns)  # type: ignore[arg-type]

    def _visit_ended(self, visit: Visit) -> None:
        self._sources.pop(visit.visit, None)
        for leg, (key, _) in self._offers.pop(visit.visit, {}).items():
            self.agents.rings_no_more(key, leg)
        if visit.uniqueid not in self.talks.open:
            self._members.pop(visit.visit, None)

    def _agent_left(self, talk: Talk, now_ns: int) -> None:
        self._members.pop(talk.visit.visit, None)
        wrap_up_s = self.agents.wrap_up_s(talk.interface or talk.presence, talk.visit.queue)
        self.agents.talks_no_more(talk.presence, talk.visit.visit, now_ns + round(wrap_up_s * NS) if wrap_up_s > 0 else 0)

    def _agent(self, m: Message, now_ns: int) -> None:
        name, state = m.get("CC-Agent"), m.get("CC-Agent-State")
        if not name:
            return
        if state == IN_A_CALL and (taken := self._taken.get(name)) is not None:
            self._answered(taken, now_ns, now_ns)
        self.agents.told(name, status=m.get("CC-Agent-Status"), state=state)

    # -- channels ----------------------------------------------------------------------------------------------

    def _created(self, m: Message, now_ns: int) -> None:
        uniqueid, inbound = m.get("Unique-ID"), m.get("Call-Direction") == "inbound"
        if not uniqueid:
            return
        dialled = told(m.get("Caller-Destination-Number"))
        channel = Channel(
            uniqueid=uniqueid, name=m.get("Channel-Name"), state=4 if inbound else 5, caller=told(m.get("Caller-Caller-ID-Number")),
            dialled=dialled if inbound else None, session=self.session,
        )  # fmt: skip
        self.calls.open(channel, m.get("Channel-Call-UUID"))
        self.lines.seized(channel, now_ns)
        if self.ivr is not None and (dialler := m.get("Other-Leg-Unique-ID")):
            self.ivr.asked(dialler, now_ns)
        if not inbound and dialled:
            self.lines.dialled(channel, dialled)

    def _hung_up(self, m: Message, now_ns: int) -> None:
        uniqueid, by_pbx = m.get("Unique-ID"), hung_up_by_pbx(m)
        self.stopping = self.stopping or by_pbx == "pbx_stopped"
        # Of one known from before blindness it is not known yet whether he still waits: the queue's own word follows, or the lists tell.
        if (visit := self.visits.open.get(uniqueid)) is not None and visit.session >= self.sight:
            # Between picked up and joined: whoever hangs up then has not been connected.
            for taken in [taken for taken in self._taken.values() if taken.visit is visit]:
                del self._taken[taken.name]
            self._cancelled(visit, now_ns, by_pbx)
        self.ends.hung_up(uniqueid, now_ns, stopped=by_pbx == "pbx_stopped")
        channel = self.calls.channels.get(uniqueid)
        if channel is not None and whole(m.get("Caller-Channel-Answered-Time"), 20):
            channel.state = 6  # nothing else tells of an answer outside queues
        cause = m.get("variable_hangup_cause_q850")
        self.channel_gone(uniqueid, now_ns, cause=whole(cause))

    def channel_gone(self, uniqueid: str, now_ns: int, *, inferred: bool = False, cause: int | None = None) -> None:
        """A channel hung up (`cause`: as Q.850 counts them), or was found gone after blindness."""
        if self.ivr is not None:
            self.ivr.gone(uniqueid, now_ns, inferred=inferred)
        self.calls.closed(uniqueid)
        self.visits.closed.pop(uniqueid, None) if inferred else None
        self.lines.released(uniqueid, now_ns, inferred=inferred, cause=cause)

    def _held(self, m: Message, now_ns: int) -> None:
        on = m.name == "CHANNEL_HOLD"
        if (talk := self.talks.hold(m.get("Unique-ID"), now_ns, on=on)) is not None:
            self.agents.holds(talk.presence, talk.visit.visit, on=on)

    def _dialplan(self, ivr: IvrBook, m: Message, now_ns: int) -> None:
        """What the dialplan tells of menus and surveys: events of its own, or variables, which every event of a channel carries."""
        uniqueid = m.get("Unique-ID")
        if m.name in self._words:
            ivr.event(m.name, m.get, uniqueid, now_ns, stamp_of(m))
        elif uniqueid:
            for name in ivr.variables:
                if value := m.get(f"variable_{name}"):
                    ivr.variable(uniqueid, name, value, now_ns, stamp_of(m))

    def _whose(self, uniqueid: str) -> Whose:
        call, channel = self.calls.call_of(uniqueid), self.calls.channels.get(uniqueid)
        caller, dialled = (channel.caller, channel.dialled) if channel is not None else (None, None)
        return Whose(call.call, call.visits, caller, dialled)

    def _agent_named(self, name: str, interface: str) -> str:
        known = name or interface
        return self.names.key(known, known, known)

    def _shutdown(self, m: Message, now_ns: int) -> None:
        self.stopping = True


def _second_of(m: Message) -> float | None:
    """The PBX's clock in whole seconds, as mod_callcenter's own headers give it."""
    text = m.get("CC-Agent-Answered-Time") or m.get("CC-Member-Leaving-Time")
    return None if (found := whole(text, 12)) is None else float(found)
