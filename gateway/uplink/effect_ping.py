"""Carries out `ping`: the box says that it takes commands, what time it has and how far its journal is."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from appliance.core.clock import rfc3339
from gateway.uplink.effect import Order


def ping(order: Order) -> Sequence[Struct]:
    """Answer; nothing else comes of it."""
    return [order.done(time=rfc3339(order.context.clock.wall_ns()), seq=order.seq)]
