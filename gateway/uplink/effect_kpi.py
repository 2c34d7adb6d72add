"""Carries out `kpi`: tells the journal what only the CRM knows, as of its own time; what is older than what is held is not told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from appliance.core.catalogue import Channel, KpiTold
from appliance.core.clock import NS, rfc3339, wall_ns_from_rfc3339
from appliance.core.command import ChannelFigures, KpiFigures
from gateway.uplink.effect import Order

#: Clocks of two computers may differ by so much; figures from later than that are from the future.
SKEW_S: Final = 60.0


def kpi(order: Order) -> Sequence[Struct]:
    """Tell what is new of it. Failed: `future` or, where nothing is newer than what is held, `older`."""
    args, context = order.args, order.context
    assert isinstance(args, KpiFigures)
    now_ns, whole_ns = context.clock.wall_ns(), wall_ns_from_rfc3339(args.as_of)
    figures = {key: args.channel(key) for key in args.channels}
    moments = {key: wall_ns_from_rfc3339(each.as_of) if each.as_of is not None else whole_ns for key, each in figures.items()}
    latest_ns = max((whole_ns, *moments.values()))
    if context.clock.quality() != "unset" and latest_ns > now_ns + SKEW_S * NS:
        return [order.failed(f"future: as_of {rfc3339(latest_ns)} is later than the box's clock, {rfc3339(now_ns)}")]
    order.view.catch_up()
    told = order.view.floor.state.told
    fcr = args.fcr if args.fcr is not None and whole_ns >= told.fcr_ns else None
    paid_s = args.paid_seconds if args.paid_seconds is not None and whole_ns >= told.paid_ns else None
    channels = {}
    for key, each in figures.items():
        held = told.channels.get(key)
        if held is None or moments[key] >= held.as_of_ns:
            channels[key] = _channel(each, moments[key])
    older = [f"channels.{key}" for key in args.channels if key not in channels]
    older += [name for name, given, kept in (("fcr", args.fcr, fcr), ("paid_seconds", args.paid_seconds, paid_s)) if given is not kept]
    if fcr is None and paid_s is None and not channels:
        return [order.failed(f"older: figures as of {rfc3339(whole_ns)}; newer ones are held of {', '.join(older[:5])}")]
    event = KpiTold(as_of=rfc3339(whole_ns), fcr=fcr, paid_seconds=paid_s, channels=channels)
    return [event, order.done(as_of=event.as_of, **({"older": older} if older else {}))]


def _channel(figures: ChannelFigures, as_of_ns: int) -> Channel:
    return Channel(
        title=figures.title,
        waiting=figures.waiting,
        longest_wait=figures.longest_wait,
        service_level_of=figures.service_level_of,
        target_s=figures.target_s,
        as_of=rfc3339(as_of_ns),
    )
