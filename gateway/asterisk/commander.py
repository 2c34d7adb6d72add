"""Decides which manager actions a command is, on which channels and interfaces; what an Asterisk cannot do is refused with the reason.

Originate is always asynchronous: a synchronous one holds up every event of its session until the call is answered.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import Final

from appliance.core.command import CallOrAgent, Membership, Originate, Pause, Supervise, Transfer
from appliance.core.config import Config, PbxConfig
from appliance.core.dial_number import number_from_text
from gateway.asterisk.ami import Message
from gateway.asterisk.job import Action, Answered, Call, Effect
from gateway.asterisk.source import PbxSource
from gateway.asterisk.whom import Whom
from gateway.pbx.calls import Channel
from gateway.pbx.order import Job, Order, failed, unsupported

CONTEXT: Final = "from-internal"
#: Asterisk takes no line of more than 1023 bytes.
_CARD_BYTES: Final = 600
_NAME_LETTERS: Final = 40
#: ChanSpy: quiet, and gone with the call that is listened to.
_SPY: Final = {"listen": "qES", "whisper": "qwES", "barge": "qBES"}
_NOTIFY: Final = (
    "Asterisk cannot make a phone do that by itself; where the phones heed NOTIFY talk and hold, "
    "write phone_notify = true in [pbx.{pbx}.dial]"
)
_HEED: Final = "do the phones heed NOTIFY talk and hold, and let the PBX send it?"


class AsteriskCommander:
    """Carries out one Asterisk's orders."""

    def __init__(self, source: PbxSource, config: Config) -> None:
        self._source, self._pbx = source, source.pbx
        own = config.pbx.get(source.pbx) or PbxConfig()
        self._dial, self._user = own.dial, own.username
        self._whom = Whom(source.tracker, config)
        self._verbs: dict[str, Callable[[Order, int], Job]] = {
            "originate": self._originate, "answer": self._answer, "hangup": self._hangup, "hold": self._hold, "resume": self._hold,
            "transfer": self._transfer, "pause": self._pause, "unpause": self._pause, "queue_add": self._join, "queue_remove": self._leave,
            "supervise": self._supervise,
        }  # fmt: skip

    def knows(self, *, agent: str | None, call: str | None) -> bool:
        """Whether this PBX has that agent, or that call."""
        return (agent is not None and self._whom.knows_agent(agent)) or (call is not None and self._whom.knows_call(call))

    def job(self, order: Order, now_ns: int) -> Job:
        """An order begins. Raises RefusedOrderError."""
        return self._verbs[order.verb](order, now_ns)

    # -- calls ---------------------------------------------------------------------------------------------------

    def _originate(self, order: Order, now_ns: int) -> Job:
        args: Originate = order.args
        dial, number = self._dial, number_from_text(args.number)
        phone = self._whom.phone(args.agent)
        ring_s = args.timeout_s or dial.ring_s
        context = (dial.preview_context if args.preview else None) or dial.context or CONTEXT
        variables = [f"CALLFLOOR_COMMAND={order.id}", f"CALLFLOOR_NUMBER={number}"]
        if args.card:
            variables.append(f"CALLFLOOR_CARD={_cut(args.card, _CARD_BYTES)}")
        exten = number if args.preview and dial.preview_context else dial.dialled(number)
        headers: dict[str, str | list[str]] = {"Context": context, "Exten": exten, "Priority": "1", "Variable": variables}
        name = _shown(args.card) if args.preview and args.card and dial.show_card else ""
        own = dial.caller_id or _extension(phone)
        if name or dial.caller_id:
            headers["CallerID"] = f'"{name}" <{own}>' if name else own
        action, uniqueid = self._ring(phone, ring_s, order.id, headers)
        return Call(
            action, now_ns, uniqueid=uniqueid, whom=self._whom, user=self._user, whose="agent", ring_s=ring_s, number_s=dial.number_s
        )  # fmt: skip

    def _supervise(self, order: Order, now_ns: int) -> Job:
        args: Supervise = order.args
        spied, phone, ring_s = self._whom.talking(args.agent), self._whom.phone(args.supervisor), self._dial.ring_s
        headers: dict[str, str | list[str]] = {
            "Application": "ChanSpy",
            "Data": f"{spied.name},{_SPY[args.mode]}",
            "Variable": [f"CALLFLOOR_COMMAND={order.id}"],
        }
        action, uniqueid = self._ring(phone, ring_s, order.id, headers)
        return Call(
            action, now_ns, uniqueid=uniqueid, whom=self._whom, user=self._user, whose="supervisor", ring_s=ring_s, number_s=None
        )  # fmt: skip

    def _ring(self, phone: str, ring_s: float, order: str, headers: dict[str, str | list[str]]) -> tuple[Action, str]:
        uniqueid = f"callfloor-{hashlib.sha256(order.encode()).hexdigest()[:10]}-{os.urandom(3).hex()}"
        ring = {
            "Channel": phone,
            "ChannelId": uniqueid,
            "OtherChannelId": f"{uniqueid}-2",
            "Async": "true",
            "Timeout": f"{ring_s * 1000:.0f}",
        }
        return ("Originate", {**ring, **headers}), uniqueid

    def _answer(self, order: Order, now_ns: int) -> Job:
        agent = self._agent_of(order, "answer")
        self._needs_notify()
        channel = self._whom.ringing(agent)

        def shows(m: Message) -> bool:
            return m.name == "Newstate" and m.get("Uniqueid") == channel.uniqueid and m.get("ChannelState") == "6"

        return self._notified(channel, "talk", shows, now_ns)

    def _hold(self, order: Order, now_ns: int) -> Job:
        agent = self._agent_of(order, order.verb)
        self._needs_notify()
        channel = self._whom.talking(agent)
        word, event = ("hold", "Hold") if order.verb == "hold" else ("talk", "Unhold")
        return self._notified(channel, word, lambda m: m.name == event and m.get("Uniqueid") == channel.uniqueid, now_ns)

    def _agent_of(self, order: Order, verb: str) -> str:
        args: CallOrAgent = order.args
        if args.agent is not None:
            return args.agent
        talk = self._whom.talk(args.call or "")
        if talk is None:
            raise failed(f"no_call: no agent has the call {args.call}; to {verb} one that rings give the agent")
        return talk.presence

    def _needs_notify(self) -> None:
        if not self._dial.phone_notify:
            raise unsupported(_NOTIFY.format(pbx=self._pbx))

    def _notified(self, channel: Channel, word: str, shows: Callable[[Message], bool], now_ns: int) -> Job:
        technology, _, rest = channel.name.rpartition("-")[0].partition("/")
        if technology not in ("PJSIP", "SIP"):
            raise unsupported(f"a phone on {technology or 'an unknown channel'} takes no NOTIFY")
        where = {"Endpoint": rest} if technology == "PJSIP" else {"Channel": f"SIP/{rest}"}
        action: Action = (f"{technology}{'Notify' if technology == 'PJSIP' else 'notify'}", {**where, "Variable": f"Event={word}"})
        return Effect([action], now_ns, user=self._user, shows=shows, hint=_HEED)

    def _hangup(self, order: Order, now_ns: int) -> Job:
        args: CallOrAgent = order.args
        if args.call is not None:
            channels = [self._whom.caller(args.call)]
        else:
            channels = self._whom.channels(args.agent or "")[-1:]
            if not channels:
                raise failed(f"no_call: {args.agent} has no call")
        actions: list[Action] = [("Hangup", {"Channel": channel.name, "Cause": "16"}) for channel in channels]
        return Answered(actions, now_ns, user=self._user, result={"call": channels[0].call})

    def _transfer(self, order: Order, now_ns: int) -> Job:
        args: Transfer = order.args
        where: dict[str, str | list[str]] = {
            "Context": self._dial.context or CONTEXT,
            "Exten": self._dial.dialled(number_from_text(args.to)),
            "Priority": "1",
        }
        talk = self._whom.talk(args.call)
        leg = next((channel for each in talk.legs if (channel := self._whom.live(each)) is not None), None) if talk is not None else None
        if leg is None:
            if args.attended:
                raise failed("no_call: nobody has this call who could announce it; transfer it with attended = false")
            return Answered([("Redirect", {"Channel": self._whom.caller(args.call).name, **where})], now_ns, user=self._user)
        if args.attended:
            if "+" in str(where["Exten"]):  # it is played as digits, and a sign that is none left out: another number
                raise failed(f"bad_number: an international number needs international in [pbx.{self._pbx}.dial] to be announced")
            phone = self._whom.talking(talk.presence) if talk is not None else leg
            return Answered([("Atxfer", {"Channel": phone.name, **where})], now_ns, user=self._user, result={"outcome": "consulting"})
        return Answered([("BlindTransfer", {"Channel": leg.name, **where})], now_ns, user=self._user)

    # -- queues --------------------------------------------------------------------------------------------------

    def _pause(self, order: Order, now_ns: int) -> Job:
        args: Pause = order.args
        members = self._whom.memberships(args.agent)
        word = {"Paused": "true" if order.verb == "pause" else "false", **({"Reason": args.reason} if args.reason else {})}
        actions: list[Action] = []
        for key in args.queues:
            title = self._whom.queue(key)
            member = next((member for member in members if member.queue == title), None)
            if member is None:
                raise failed(f"not_a_member: {args.agent} is not in {key}")
            actions.append(("QueuePause", {"Interface": member.interface, "Queue": title, **word}))
        if not args.queues:
            actions = [("QueuePause", {"Interface": interface, **word}) for interface in dict.fromkeys(m.interface for m in members)]
        queues = list(args.queues or dict.fromkeys(member.key for member in members))
        return Answered(actions, now_ns, user=self._user, result={"queues": queues})

    def _join(self, order: Order, now_ns: int) -> Job:
        args: Membership = order.args
        interface, state_interface = self._whom.interface(args.agent)
        fields: dict[str, str | list[str]] = {"Queue": self._whom.queue(args.queue), "Interface": interface}
        fields["MemberName"] = self._whom.name(args.agent)
        if state_interface and state_interface != interface:
            fields["StateInterface"] = state_interface
        if args.penalty is not None:
            fields["Penalty"] = str(args.penalty)
        return Answered([("QueueAdd", fields)], now_ns, user=self._user)

    def _leave(self, order: Order, now_ns: int) -> Job:
        args: Membership = order.args
        title = self._whom.queue(args.queue)
        member = next((member for member in self._whom.memberships(args.agent) if member.queue == title), None)
        if member is None:
            raise failed(f"not_a_member: {args.agent} is not in {args.queue}")
        return Answered([("QueueRemove", {"Queue": title, "Interface": member.interface})], now_ns, user=self._user)


def _cut(text: str, most_bytes: int) -> str:
    """On one line, no longer than that, and without what would end a channel's variable or be read as dialplan.

    >>> _cut("VIP, debe ${2}\\nfactura", 99)
    'VIP; debe 2 factura'
    """
    plain = "".join(letter for letter in text.replace(",", ";") if letter not in '|"\\${}')
    return " ".join(plain.split()).encode()[:most_bytes].decode("utf-8", "ignore")


def _shown(card: str) -> str:
    """What a phone shows of a card as a name.

    >>> _shown('Ana "la jefa" <VIP>  factura')
    'Ana la jefa VIP factura'
    """
    return " ".join("".join(letter for letter in card if letter not in '"<>;,|\\${}').split())[:_NAME_LETTERS]


def _extension(phone: str) -> str:
    """A phone's own number, as its name has it.

    >>> _extension("PJSIP/101"), _extension("Local/104@agents/n")
    ('101', '104')
    """
    return phone.partition("/")[2].partition("@")[0].partition("/")[0]
