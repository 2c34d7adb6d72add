"""Carries out `classify`: what a call was about, by the CRM's word, with the agent, queue and visit that the box knows of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from appliance.core.catalogue import CallClassified
from appliance.core.command import Classify
from gateway.uplink.effect import Order, StagedEffect
from gateway.uplink.known_calls import KnownCalls

VERB: Final = "classify"


def classifier(calls: KnownCalls) -> StagedEffect:
    """The effect. Failed: `unknown_type`, `unknown_call` (none of the newest calls that the journal tells of)."""

    async def classify(order: Order) -> Sequence[Struct]:
        args, context = order.args, order.context
        assert isinstance(args, Classify)
        own = context.config.classification
        kind = own.type_of_word(args.type) if args.type is not None else None
        if args.type is not None and kind is None:
            return [order.failed(f"unknown_type: {args.type} is none of {', '.join(own.known)}")]
        known = await calls.get(args.call)
        if known is None:
            return [order.failed(f"unknown_call: no call {args.call} is held here")]
        event = CallClassified(
            call=args.call, pbx=known.pbx, visit=known.visit, queue=known.queue, agent=known.agent, type=kind, topic=args.topic,
            reason=args.reason, subreason=args.subreason, question=args.question, age_s=known.age_s(context.clock),
        )  # fmt: skip
        told = {"type": kind, "agent": known.agent, "queue": known.queue}
        return [event, order.done(**{name: value for name, value in told.items() if value is not None})]

    return classify
