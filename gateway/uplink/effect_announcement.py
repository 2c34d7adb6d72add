"""Carries out `announce`, `withdraw` and `acknowledge`: what the boards show, and what a person has seen of it."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from appliance.core.catalogue import AlarmAcknowledged, AnnouncementEnded, AnnouncementShown
from appliance.core.command import Acknowledge, Announce, Withdraw
from gateway.uplink.effect import Order


def announce(order: Order) -> Sequence[Struct]:
    """Show a text under the command's own id."""
    args, announcement = order.args, order.command.id
    assert isinstance(args, Announce)
    shown = AnnouncementShown(
        id=announcement, text=args.text, severity=args.severity, begins=args.begins, until=args.until, boards=args.boards
    )
    return [shown, order.done(announcement=announcement)]


def withdraw(order: Order) -> Sequence[Struct]:
    """Take one off that is known."""
    assert isinstance(order.args, Withdraw)
    announcement = order.args.announcement
    order.view.catch_up()
    if announcement not in order.view.floor.state.announcements:
        return [order.failed(f"unknown_announcement: none here is called {announcement}")]
    return [AnnouncementEnded(id=announcement), order.done()]


def acknowledge(order: Order) -> Sequence[Struct]:
    """A person has seen what stands; what he saw before somebody else did is done as well, and told with whose time counts."""
    assert isinstance(order.args, Acknowledge)
    alarm = order.args.alarm
    order.view.catch_up()
    known = order.view.floor.state.alarms.get(alarm)
    if known is None:
        return [order.failed(f"unknown_alarm: no alarm {alarm} is raised")]
    if known.acknowledged is not None:
        return [order.done(alarm=alarm, level=known.level, since=known.since, acknowledged=known.acknowledged)]
    done = order.done(alarm=alarm, level=known.level, since=known.since)
    return [AlarmAcknowledged(alarm=alarm, by=order.command.who or order.command.by), done]
