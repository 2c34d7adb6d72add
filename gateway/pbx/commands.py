"""Decides which PBX a command is for, and whether it may be carried out now; the verbs that reach a PBX are the gateway's."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Any, Final

from appliance.command_crew import MOST, CommandCrew, Ended, Given
from appliance.core.catalogue import CommandReceived
from appliance.core.clock import NS
from appliance.core.command import TOUCHES_MOST_S, VERBS, Verdict, args_of, judge
from appliance.core.command_limit import CommandLimit
from appliance.core.commands_config import PBX_VERBS
from appliance.core.event import Stored
from appliance.service import Context
from gateway.pbx.link import Link
from gateway.pbx.order import Order
from gateway.pbx.orders import Orders

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
        self._seen_s = self._now_s()
        self._ready = False

    async def run(self) -> None:
        """Follow the journal until cancelled."""
        await CommandCrew(self._context, SINK, self, most=MOST).run()

    def key(self, verb: str, args: Any) -> str:
        """The agent whom it touches, else the call."""
        return str(getattr(args, "agent", None) or getattr(args, "call", None) or "")

    async def ready(self) -> None:
        """Wait while a PBX has been out of sight for less than a few seconds, as after a start."""
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
            refusal = self._limit.refusal(command.verb, args_of(command.verb, command.args), self._now_s())
            verdict = verdict if refusal is None else Verdict("refused", refusal)
        return verdict

    async def carry_out(self, given: Given) -> Ended:
        """At the PBX that has its agent or its call."""
        found = self._orders_for(given.args)
        if isinstance(found, Ended):
            return found
        order = Order(id=given.id, verb=given.verb, args=given.args)
        return await found.carry_out(order, given.accepted, self._context.clock.mono_ns())

    def _orders_for(self, args: Any) -> Orders | Ended:
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
        orders = able[knowing[0]]
        if not orders.is_open:
            return Ended("failed", f"pbx_down: the PBX {knowing[0]} is out of sight; `callfloor status` says why")
        return orders

    def _now_s(self) -> float:
        return self._context.clock.mono_ns() / NS


def _knows(orders: Orders, agent: str | None, call: str | None) -> bool:
    return orders.commander is not None and orders.commander.knows(agent=agent, call=call)


def _is_ready(link: Link) -> bool:
    return link.orders.is_open and bool(getattr(link.source, "settled", True))
