"""Decides which PBX a command is for, and whether it may be carried out now; the verbs that reach a PBX are the gateway's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from appliance.command_crew import MOST, CommandCrew, Ended, Given
from appliance.core.catalogue import CallAttempted, CallPreviewed, CommandReceived
from appliance.core.clock import NS
from appliance.core.command import TOUCHES_MOST_S, VERBS, Originate, Verdict, args_of, judge
from appliance.core.command_limit import CommandLimit
from appliance.core.commands_config import PBX_VERBS, DialConfig
from appliance.core.dial_number import number_from_text
from appliance.core.directory import Directory
from appliance.core.event import Stored
from appliance.service import Context
from gateway.pbx.attempts import Attempts, attempt_of, dialled_since, originate_of, was_dialled
from gateway.pbx.link import Link
from gateway.pbx.order import Order
from gateway.pbx.orders import Orders
from gateway.pbx.outbound import OutboundRules, is_internal

SINK: Final = "gateway.commands"
#: A command waits so long for a PBX that has just gone out of sight, or is not yet in sight.
READY_S: Final = 5.0
_LOOK_S: Final = 0.05
#: What a press on a headset asks for; that it may is said in [headsets].
_PRESSES: Final = frozenset({"answer", "hangup"})


class PbxCommands:
    """Carries out the verbs that reach a PBX, by the links of the gateway."""

    verbs: Collection[str] = frozenset(PBX_VERBS)

    def __init__(self, context: Context, links: Mapping[str, Link]) -> None:
        self._context, self._links = context, links
        self._limit = CommandLimit(context.config)
        self._attempts = Attempts()
        #: The day whose attempts were read from the journal.
        self._counted_ns: int | None = None
        self._seen_s = self._now_s()
        self._ready = False

    async def run(self) -> None:
        """Follow the journal until cancelled."""
        await self._count()
        await CommandCrew(self._context, SINK, self, most=MOST).run()

    @cached_property
    def _outbound(self) -> OutboundRules:
        """With the box's directory, of which a box that dials nobody needs nothing."""
        return OutboundRules(self._context.config, Directory.open(self._context.config), self._attempts)

    def key(self, verb: str, args: Any) -> str:
        """The agent whom it touches, else the call."""
        return str(getattr(args, "agent", None) or getattr(args, "call", None) or "")

    async def ready(self) -> None:
        """Wait while a PBX has been out of sight for less than a few seconds, as after a start; count the attempts of a new day."""
        await self._count()
        while not all(_is_ready(link) for link in self._links.values()):
            if self._ready:
                self._ready, self._seen_s = False, self._now_s()
            if self._now_s() - self._seen_s >= READY_S:
                return
            self._context.watch.progress()
            await asyncio.sleep(_LOOK_S)
        self._ready = True

    def judge(self, command: CommandReceived, row: Stored, age_s: float) -> Verdict:
        """By the configuration, its time, and how often the like was carried out."""
        context = self._context
        allow: Collection[str] = context.config.commands.allow
        if row.source.startswith("headsets/") and command.verb in _PRESSES:
            allow = _PRESSES
        quality = context.clock.quality()
        verdict = judge(
            command.verb, command.args, command.expires, allow=allow, owned=self.verbs, now_ns=context.clock.wall_ns(), quality=quality
        )  # fmt: skip
        if verdict.state == "run" and VERBS[command.verb].touches_call and age_s > TOUCHES_MOST_S:
            verdict = Verdict("expired", f"too_old: it came {age_s:.0f} s ago, and a call is not touched so late")
        if verdict.state == "run" and VERBS[command.verb].touches_call and row.boot != context.clock.boot and quality != "synced":
            reason = "too_old: it came before the box was started anew, and how long ago nobody knows until the clock is synchronised"
            verdict = Verdict("expired", reason)
        if verdict.state == "run":
            refusal = self._refusal(command.id, command.verb, args_of(command.verb, command.args))
            verdict = verdict if refusal is None else Verdict("refused", refusal)
        if verdict.state != "run":  # judged a second time, it may have counted as under way the first
            self._attempts.ended(command.id, dialled=False)
        return verdict

    async def carry_out(self, given: Given) -> Ended:
        """At the PBX that has its agent or its call."""
        dialled = True  # of a fault of the program nobody can say
        try:
            ended = await self._carried_out(given)
            dialled = any(was_dialled(each.outcome) for each in ended.also if isinstance(each, CallAttempted))
            return ended
        finally:
            self._attempts.ended(given.id, dialled=dialled)

    async def _carried_out(self, given: Given) -> Ended:
        pbx = self._pbx_for(given.args)
        if isinstance(pbx, Ended):
            return pbx
        orders = self._links[pbx].orders
        if not orders.is_open:
            return Ended("failed", f"pbx_down: the PBX {pbx} is out of sight; `callfloor status` says why")
        order = Order(id=given.id, verb=given.verb, args=given.args)
        rings = self._rings(given, pbx) if isinstance(given.args, Originate) and given.args.preview else None
        ended = await orders.carry_out(order, given.accepted, self._context.clock.mono_ns(), rings)
        return self._told(given.id, given.args, pbx, ended) if isinstance(given.args, Originate) else ended

    def lost(self, command: CommandReceived) -> Sequence[Struct]:
        """A call that was under way when the box died: somebody may have been called."""
        args = originate_of(command)
        if args is None:
            return ()
        named = args.agent.partition(".")[0]
        pbx = named if named in self._links else next(iter(self._links))
        told = self._told(command.id, args, pbx, Ended("unknown")).also
        if told and self._counted_ns is not None:
            self._attempts.add(self._outbound.key(number_from_text(args.number), self._dial(pbx)), self._counted_ns)
        return told

    def _refusal(self, command: str, verb: str, args: Struct) -> str | None:
        """What the limits have against it, and of a call what the rules for calling outside have."""
        if (refusal := self._limit.forbidden(verb, args)) is not None:
            return refusal
        if isinstance(args, Originate):
            pbx = self._pbx_for(args)
            dial = self._dial(pbx) if isinstance(pbx, str) else None
            number, now_ns = number_from_text(args.number), self._context.clock.wall_ns()
            if (refusal := self._outbound.refusal(command, number, dial, now_ns)) is not None:
                return refusal
        if (refusal := self._limit.too_many(verb, args, self._now_s())) is not None:
            return refusal
        if isinstance(args, Originate) and self._context.config.outbound.attempts_per_day and not is_internal(number, dial):
            self._attempts.begun(command, self._outbound.key(number, dial))
        return None

    def _rings(self, given: Given, pbx: str) -> Callable[[str], None]:
        """What is told, for the screen pop, once the agent's phone rings for a number that he sees first."""
        args: Originate = given.args

        def told(call: str) -> None:
            number = number_from_text(args.number)
            seen = CallPreviewed(call=call, pbx=pbx, agent=args.agent, dialled=number, command=given.id, card=args.card or None)
            self._links[pbx].tell(seen)

        return told

    def _told(self, command: str, args: Originate, pbx: str, ended: Ended) -> Ended:
        """The end of a call outside, with what is told of it."""
        if is_internal(number_from_text(args.number), self._dial(pbx)):
            return ended
        attempt = attempt_of(command, args, pbx, ended)
        return replace(ended, also=(attempt,)) if attempt is not None else ended

    def _dial(self, pbx: str) -> DialConfig:
        return self._context.config.pbx[pbx].dial

    async def _count(self) -> None:
        """How often each number was dialled today, by the journal: once a day, and when a clock was set."""
        clock = self._context.clock
        if self._context.config.outbound.attempts_per_day is None or clock.quality() == "unset":
            return
        since_ns = self._outbound.day_ns(clock.wall_ns())
        if since_ns == self._counted_ns:
            return
        self._counted_ns = since_ns
        self._attempts.begin(since_ns)
        reading = asyncio.ensure_future(asyncio.to_thread(dialled_since, self._context.journal, since_ns))
        while not reading.done():
            await asyncio.wait((reading,), timeout=_LOOK_S * 10)
            self._context.watch.progress()
        for number in reading.result():
            self._attempts.add(self._outbound.key(number, None), since_ns)

    def _pbx_for(self, args: Any) -> str | Ended:
        agent, call = getattr(args, "agent", None), getattr(args, "call", None)
        able = {pbx: link.orders for pbx, link in self._links.items() if link.orders.commander is not None}
        if not able:
            kinds = ", ".join(sorted({pbx.kind for pbx in self._context.config.pbx.values()}))
            return Ended("refused", f"unsupported: no command can be given to a PBX of kind {kinds}")
        named = agent.partition(".")[0] if agent is not None and len(self._links) > 1 else None
        knowing = [pbx for pbx, orders in able.items() if _knows(orders, agent, call)] or [pbx for pbx in able if pbx == named]
        if not knowing and len(able) == 1:
            knowing = list(able)
        if not knowing:
            what = f"agent {agent}" if agent is not None else f"call {call}"
            return Ended("failed", f"unknown_{'agent' if agent is not None else 'call'}: no PBX here has the {what}")
        return knowing[0]

    def _now_s(self) -> float:
        return self._context.clock.mono_ns() / NS


def _knows(orders: Orders, agent: str | None, call: str | None) -> bool:
    return orders.commander is not None and orders.commander.knows(agent=agent, call=call)


def _is_ready(link: Link) -> bool:
    return link.orders.is_open and bool(getattr(link.source, "settled", True))
