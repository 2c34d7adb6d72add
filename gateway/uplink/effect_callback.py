"""Carries out `callback`: somebody takes a callback on, or says that it is done.

A claim is refused where somebody else has it; anybody may close. Whoever asks for what is so already gets the same answer again.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from appliance.core.catalogue import CallbackClaimed, CallbackClosed, CommandFinished
from appliance.core.clock import rfc3339
from appliance.core.command import Callback
from appliance.floor.callback import CallbackState, ClosedCallback, is_kept
from gateway.uplink.effect import Order


def callback(order: Order) -> Sequence[Struct]:
    """Claim or close one by its id; `by` is who gave the command unless it is told."""
    args = order.args
    assert isinstance(args, Callback)
    if not is_kept(order.context.config):
        return [CommandFinished(id=order.command.id, state="refused", reason="unsupported: this box keeps no callbacks ([callbacks])")]
    order.view.catch_up()
    book, key = order.view.floor.state.callbacks, args.callback
    by = args.by or order.command.who or order.command.by
    known, closed = book.open.get(key), book.closed.get(key)
    if known is not None:
        return _closed(order, key, by) if args.action == "close" else _claimed(order, key, by, known)
    if closed is None:
        return [order.failed(f"unknown_callback: none here is called {key}")]
    when, who = rfc3339(closed.at_ns), f" by {closed.by}" if closed.by else ""
    return [_already(order, key, f"{closed.reason} at {when}{who}", closed)]


def _closed(order: Order, key: str, by: str) -> Sequence[Struct]:
    return [CallbackClosed(callback=key, reason="closed", by=by), order.done(callback=key, state="closed", by=by)]


def _claimed(order: Order, key: str, by: str, known: CallbackState) -> Sequence[Struct]:
    if known.claimed_ns and known.by != by:
        return [order.failed(f"claimed_by_other: {known.by} has it since {rfc3339(known.claimed_ns)}")]
    told = [] if known.claimed_ns else [CallbackClaimed(callback=key, by=by)]
    return [*told, order.done(callback=key, state="claimed", by=by)]


def _already(order: Order, key: str, how: str, closed: ClosedCallback) -> CommandFinished:
    result = {"callback": key, "state": "closed", "reason": closed.reason, "closed": rfc3339(closed.at_ns), "by": closed.by}
    return CommandFinished(id=order.command.id, state="failed", reason=f"already_closed: {how}", result=result)
