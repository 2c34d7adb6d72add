"""Decides which API commands a command is, on which channels and agents; what FreeSWITCH cannot do is refused with the reason.

Everything is asked in the background. What stands in a command line is made of what FreeSWITCH itself told, of digits, and of words
without any sign that could end an argument.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Final

from appliance.core.command import CallOrAgent, Membership, Originate, Pause, Supervise, Transfer
from appliance.core.config import Config, PbxConfig
from appliance.core.dial_number import number_from_text
from gateway.freeswitch.agents import ON_BREAK, ON_DEMAND, Agent
from gateway.freeswitch.esl import Message
from gateway.freeswitch.job import Answered, Call, Effect, EslJob
from gateway.freeswitch.source import FreeswitchSource
from gateway.pbx.calls import Channel
from gateway.pbx.order import Job, Order, failed, unsupported
from gateway.pbx.stay import Talk

CONTEXT: Final = "default"
_CARD_LETTERS: Final = 300
_PHONE: Final = re.compile(r"[A-Za-z0-9_./@:+\-]{1,200}")
_USER: Final = re.compile(r"/(?:sips?:)?([^@/;]+)(?:[@;]|$)")
#: What a supervisor is heard by: nobody, the agent, both; digits must not make one out of another.
_SPY: Final = {
    "listen": "eavesdrop_whisper_aleg=false,eavesdrop_whisper_bleg=false",
    "whisper": "eavesdrop_whisper_aleg=true,eavesdrop_whisper_bleg=false",
    "barge": "eavesdrop_whisper_aleg=true,eavesdrop_whisper_bleg=true",
}
_RINGING: Final = 5
#: What tells that a phone rings.
_RINGS: Final = " CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA"
_HEED: Final = "does the phone heed NOTIFY talk?"


class FreeswitchCommander:
    """Carries out one FreeSWITCH's orders."""

    def __init__(self, source: FreeswitchSource, config: Config) -> None:
        self._source, self._tracker, self._config = source, source.tracker, config
        self._dial = (config.pbx.get(source.pbx) or PbxConfig()).dial
        self._jobs: dict[str, EslJob] = {}
        #: Whoever asks for each call himself, and is on a break: his status would not tell.
        self._on_demand: set[str] = set()
        source.on_order_reply = self._replied
        self._verbs: dict[str, Callable[[Order, int], Job]] = {
            "originate": self._originate, "answer": self._answer, "hangup": self._hangup, "hold": self._hold, "resume": self._hold,
            "transfer": self._transfer, "pause": self._pause, "unpause": self._pause, "queue_add": self._tier, "queue_remove": self._tier,
            "supervise": self._supervise,
        }  # fmt: skip

    def knows(self, *, agent: str | None, call: str | None) -> bool:
        """Whether this PBX has that agent, or that call."""
        if agent is not None and (agent in self._tracker.agents.agents or self._configured(agent)):
            return True
        return call is not None and self._found(call) is not None

    def job(self, order: Order, now_ns: int) -> Job:
        """An order begins. Raises RefusedOrderError."""
        if not self._source.in_background:
            raise unsupported("this event socket knows no background jobs")
        return self._verbs[order.verb](order, now_ns)

    def _told(self, request_id: str, job: EslJob | None) -> None:
        self._source.ordered(request_id)
        if job is None:
            return
        while len(self._jobs) >= 1_000:
            del self._jobs[next(iter(self._jobs))]
        self._jobs[request_id] = job

    def _replied(self, request_id: str, text: str) -> None:
        if (job := self._jobs.pop(request_id, None)) is not None:
            job.replied(text)

    # -- calls ---------------------------------------------------------------------------------------------------

    def _originate(self, order: Order, now_ns: int) -> Job:
        args: Originate = order.args
        dial, number = self._dial, number_from_text(args.number)
        phone, ring_s = self._phone(args.agent), args.timeout_s or self._dial.ring_s
        own = dial.caller_id or (found[1] if (found := _USER.search(phone)) else "")
        said = {"origination_caller_id_number": own, "callfloor_command": order.id, "callfloor_number": number}
        if args.card:
            said["callfloor_card"] = f"'{_plain(args.card)}'"
            if args.preview and dial.show_card:
                said["origination_caller_id_name"] = f"'{_plain(args.card)[:40]}'"
        exten, context = dial.dialled(number), dial.context or CONTEXT
        if args.preview and dial.preview_context:
            exten, context = number, dial.preview_context
        then = f"{exten} XML {context}"
        return self._call(phone, ring_s, said, then, now_ns, whose="agent", number_s=dial.number_s, heard=_RINGS if args.preview else "")

    def _supervise(self, order: Order, now_ns: int) -> Job:
        args: Supervise = order.args
        leg, phone = self._phones_leg(args.agent), self._phone(args.supervisor)
        said = dict(pair.split("=") for pair in _SPY[args.mode].split(","))
        said |= {"eavesdrop_bridge_aleg": "true", "eavesdrop_bridge_bleg": "true", "eavesdrop_enable_dtmf": "false"}
        said["callfloor_command"] = order.id
        return self._call(phone, self._dial.ring_s, said, f"&eavesdrop({leg})", now_ns, whose="supervisor", number_s=None)

    def _call(
        self, phone: str, ring_s: float, said: dict[str, str], then: str, now_ns: int, *, whose: str, number_s: float | None,
        heard: str = "",
    ) -> Job:  # fmt: skip
        own = str(uuid.uuid4())
        variables = {"origination_uuid": own, "originate_timeout": f"{max(1.0, ring_s):.0f}", **said}
        told = ",".join(f"{key}={value}" for key, value in variables.items() if value)
        asks = [f"event plain CHANNEL_ANSWER{heard}", f"originate {{{told}}}{phone} {then}"]
        return Call(
            asks, now_ns, told=self._told, uuid=own, call=lambda each: self._tracker.calls.call_of(each).call, whose=whose, ring_s=ring_s,
            number_s=number_s,
        )  # fmt: skip

    def _answer(self, order: Order, now_ns: int) -> Job:
        args: CallOrAgent = order.args
        if args.agent is None:
            raise failed("no_agent: to answer a call that rings give the agent")
        leg = next((each for each in reversed(self._channels(args.agent)) if each.uniqueid not in self._tracker.talks.legs), None)
        if leg is None:
            raise failed(f"no_call: {args.agent} has no call that rings")
        agent = self._agent(args.agent)

        def shows(m: Message) -> bool:
            answered = m.name == "CHANNEL_ANSWER" and m.get("Unique-ID") == leg.uniqueid
            return answered or (m.get("CC-Action") == "bridge-agent-start" and m.get("CC-Agent") == agent.name)

        asks = ["event plain CHANNEL_ANSWER", f"uuid_phone_event {leg.uniqueid} talk"]
        return _Effect(asks, now_ns, told=self._told, shows=shows, hint=_HEED)

    def _hold(self, order: Order, now_ns: int) -> Job:
        args: CallOrAgent = order.args
        leg = self._phones_leg(args.agent) if args.agent is not None else self._leg(self._talk(args.call))
        return Answered([f"uuid_hold {'' if order.verb == 'hold' else 'off '}{leg}"], now_ns, told=self._told)

    def _hangup(self, order: Order, now_ns: int) -> Job:
        args: CallOrAgent = order.args
        if args.call is not None:
            return Answered([f"uuid_kill {self._caller(args.call)} NORMAL_CLEARING"], now_ns, told=self._told, call=args.call)
        talk = next((talk for talk in self._tracker.talks.open.values() if talk.presence == args.agent and talk.legs), None)
        legs = [self._leg(talk)] if talk is not None else [channel.uniqueid for channel in self._channels(args.agent or "")[-1:]]
        if not legs:
            raise failed(f"no_call: {args.agent} has no call")
        call = self._tracker.calls.call_of(talk.visit.uniqueid if talk is not None else legs[0]).call
        return Answered([f"uuid_kill {legs[0]} NORMAL_CLEARING"], now_ns, told=self._told, call=call)

    def _transfer(self, order: Order, now_ns: int) -> Job:
        args: Transfer = order.args
        if args.attended:
            raise unsupported("FreeSWITCH announces a call from the phone alone (att_xfer, in its dialplan); blind it is carried out")
        exten, context = self._dial.dialled(number_from_text(args.to)), self._dial.context or CONTEXT
        return Answered([f"uuid_transfer {self._caller(args.call)} {exten} XML {context}"], now_ns, told=self._told)

    # -- queues --------------------------------------------------------------------------------------------------

    def _pause(self, order: Order, now_ns: int) -> Job:
        args: Pause = order.args
        if args.queues:
            raise unsupported("FreeSWITCH pauses an agent in all queues at once: name none")
        agent = self._agent(args.agent)
        if agent.status == "Logged Out":
            raise failed(f"logged_out: {args.agent} is not at work, and to FreeSWITCH a pause or its end would log him in")
        if agent.status == ON_DEMAND and order.verb == "pause":
            self._on_demand.add(args.agent)
        elif agent.status == "Available":
            self._on_demand.discard(args.agent)
        again = ON_DEMAND if agent.status == ON_DEMAND or args.agent in self._on_demand else "Available"
        status = ON_BREAK if order.verb == "pause" else again
        if order.verb == "unpause":
            self._on_demand.discard(args.agent)
        asks = [f"callcenter_config agent set status {_quoted(agent.name)} '{status}'"]
        return Answered(asks, now_ns, told=self._told, queues=sorted(set(agent.queues.values())))

    def _tier(self, order: Order, now_ns: int) -> Job:
        args: Membership = order.args
        agent = self._agent(args.agent)
        title = next((named.title for named in self._tracker.queues.all() if named.key == args.queue), None)
        if title is None:
            raise failed(f"unknown_queue: this PBX has no queue {args.queue}")
        ask = f"callcenter_config tier {'add' if order.verb == 'queue_add' else 'del'} {_quoted(title)} {_quoted(agent.name)}"
        if order.verb == "queue_add":
            ask += f" {max(1, args.penalty or 1)} 1"
        return Answered([ask], now_ns, told=self._told, then=self._source.stale)

    # -- whom and what -------------------------------------------------------------------------------------------

    def _agent(self, key: str) -> Agent:
        agent = self._tracker.agents.agents.get(key)
        if agent is None or not agent.name:
            raise failed(f"unknown_agent: {key} is no agent of mod_callcenter there")
        return agent

    def _configured(self, agent: str) -> str | None:
        configured = self._config.agents.get(agent)
        return configured.interfaces[0] if configured is not None and configured.interfaces else None

    def _phone(self, key: str) -> str:
        """What is dialled to ring him: the first of his contact's alternatives, without its options."""
        text = self._configured(key) or self._agent(key).contact
        phone = re.sub(r"\[[^\]]*\]|\{[^}]*\}", "", re.split(r"[|,]", re.sub(r"\[[^\]]*\]|\{[^}]*\}", "", text))[0]).strip()
        if not _PHONE.fullmatch(phone):
            raise failed(f"unknown_phone: the contact of {key} is no single phone; give [agents.{key}] interfaces")
        return phone

    def _channels(self, key: str) -> list[Channel]:
        """The live channels of his phone, by the user that its name has."""
        user = _USER.search(self._phone(key))
        if user is None:
            return []
        every = self._tracker.calls.channels.values()
        return [each for each in every if each.state == _RINGING and (found := _USER.search(each.name)) and found[1] == user[1]]

    def _talk(self, call: str | None) -> Talk:
        for talk in self._tracker.talks.open.values():
            if talk.legs and talk.visit.call == call:
                return talk
        raise failed(f"no_call: the call {call} is no conversation of a queue; to hold another, give the agent")

    def _phones_leg(self, agent: str) -> str:
        """An agent's channel: of his conversation of a queue, else the newest of his phone, as when he was dialled for."""
        legs = [self._leg(talk) for talk in self._tracker.talks.open.values() if talk.presence == agent and talk.legs]
        legs = legs or [channel.uniqueid for channel in self._channels(agent)[-1:]]
        if not legs:
            raise failed(f"no_call: {agent} is in no call")
        return legs[0]

    def _leg(self, talk: Talk) -> str:
        return next(iter(talk.legs))

    def _caller(self, call: str) -> str:
        """The channel that began a call. One that stood before the box connected is known by its stay in a queue alone."""
        if (found := self._found(call)) is None:
            raise failed(f"no_call: no call {call} is under way at this PBX")
        return found

    def _found(self, call: str) -> str | None:
        for channel in self._tracker.calls.channels.values():
            if channel.call == call:
                return channel.uniqueid
        visits = [*self._tracker.visits.open.values(), *(talk.visit for talk in self._tracker.talks.open.values())]
        return next((visit.uniqueid for visit in visits if visit.call == call), None)


class _Effect(Effect):
    """An effect whose first ask is a subscription, which is only replied to."""

    def __init__(self, asks: list[str], now_ns: int, **more: object) -> None:
        super().__init__(asks, now_ns, **more)  # type: ignore[arg-type]
        self._left = sum(not ask.startswith("event ") for ask in asks)


def _quoted(name: str) -> str:
    """A name as one argument. Raises RefusedOrderError for one that cannot be."""
    if "'" in name or "\\" in name or not name.isprintable():
        raise failed("bad_name: the PBX's own name has signs that cannot stand in a command")
    return f"'{name}'"


def _plain(card: str) -> str:
    """A card's words, without what ends a variable.

    >>> _plain("Ana 'VIP', {debe} ${2}")
    'Ana VIP debe 2'
    """
    return " ".join("".join(letter for letter in card if letter not in "'\"\\,{}[]()^|$&;<>").split())[:_CARD_LETTERS]
