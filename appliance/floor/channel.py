"""Decides what is known of what only the CRM can tell: other channels, first-contact resolution, paid time; and how old it is. Pure.

What was told counts from its own `as_of`, by this box's clock at the most. A channel that is told of replaces what was told of it before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct

from appliance.core import catalogue
from appliance.core.channels_config import CHANNELS_MOST
from appliance.core.clock import NS, rfc3339, wall_ns_from_rfc3339
from appliance.core.config import Config
from appliance.floor.calendar import Calendar
from appliance.floor.snapshot import Channel, Fresh
from appliance.floor.state import ChannelState, FloorState

#: A channel that was not told of for so long is gone.
_FORGET_NS: Final = 7 * 86_400 * NS
#: Everybody's time is added up for paid time no more often than this: a CRM may tell it every few seconds, all day.
_WORKED_EVERY_NS: Final = 60 * NS


class Paid(Struct, frozen=True):
    """Time on the phone (B), logged in (C) and paid (D), in seconds, all until the same moment of today."""

    on_phone_s: float
    logged_in_s: float
    paid_s: float


class ChannelFold:
    """Applies `kpi.told` to a floor state. `worked` gives B and C of all agents today, in milliseconds."""

    def __init__(self, state: FloorState, config: Config, calendar: Calendar, worked: Callable[[int], tuple[int, int]]) -> None:
        self.state = state
        self._config, self._calendar, self._worked = config.channels, calendar, worked
        self._paid_hours, self._has_crm = config.kpi.paid_hours, config.crm is not None

    def told(self, data: catalogue.KpiTold, at_ns: int) -> None:
        """The CRM told figures; what is older than what is held changes nothing."""
        told, as_of_ns = self.state.told, as_of(data.as_of, at_ns)
        if as_of_ns is None:
            return
        if data.fcr is not None and as_of_ns >= told.fcr_ns:
            told.fcr, told.fcr_ns = data.fcr, as_of_ns
        # Paid time is held against the time worked until then: told late, it cannot be.
        on_time = at_ns - as_of_ns <= self._config.stale_s * NS
        if data.paid_seconds is not None and as_of_ns >= told.paid_ns and on_time:
            told.paid_s, told.paid_ns = data.paid_seconds, as_of_ns
            if not 0 <= at_ns - told.worked_ns < _WORKED_EVERY_NS or self._day(at_ns) != self._day(told.worked_ns):
                told.worked_ms, told.worked_ns = self._worked(at_ns), at_ns
        for key, channel in data.channels.items():
            own_ns = as_of(channel.as_of, at_ns) if channel.as_of is not None else as_of_ns
            before = told.channels.get(key)
            if own_ns is not None and (before is None or own_ns >= before.as_of_ns):
                told.channels[key] = ChannelState(
                    own_ns, channel.title, channel.waiting, channel.longest_wait, channel.service_level_of, channel.target_s
                )
        while len(told.channels) > CHANNELS_MOST:
            del told.channels[min(told.channels, key=lambda key: told.channels[key].as_of_ns)]

    def forget_old(self, now_ns: int) -> None:
        """A day begins: what was not told of for a week is gone."""
        channels = self.state.told.channels
        for key in [key for key, channel in channels.items() if channel.as_of_ns < now_ns - _FORGET_NS]:
            del channels[key]

    def fcr(self, now_ns: int) -> float | None:
        """First-contact resolution, where today's was told: it stands under `today`, and yesterday's would pass for it."""
        told, (begins, ends) = self.state.told, self._calendar.day(now_ns)
        return told.fcr if begins <= told.fcr_ns < ends else None

    def paid(self, now_ns: int, on_phone_s: float, logged_in_s: float) -> Paid | None:
        """Today's time, paid and worked: as of the CRM's last word of today, else of the configuration by the opening hours so far.

        `on_phone_s`, `logged_in_s` are B and C now. None where nobody knows what is paid.
        """
        told, day = self.state.told, self._calendar.day(now_ns)
        if told.paid_s is not None and day[0] <= told.paid_ns < day[1]:
            return Paid(told.worked_ms[0] / 1000, told.worked_ms[1] / 1000, told.paid_s)
        if self._paid_hours is None:
            return None
        total = sum(ends - begins for begins, ends in self._calendar.open_spans(*day))
        passed = sum(ends - begins for begins, ends in self._calendar.open_spans(day[0], now_ns))
        return Paid(on_phone_s, logged_in_s, self._paid_hours * 3600 * passed / total) if passed else None

    def channels(self, now_ns: int, *, unlinked: bool) -> dict[str, Channel]:
        """Every channel as the boards show it: the configured ones first. `unlinked`: whoever speaks with the CRM is gone."""
        known, told = self._config.known, self.state.told.channels
        away = self._has_crm and (unlinked or self.state.link.state != "up")
        keys = sorted(dict.fromkeys((*known, *told)), key=lambda key: known[key].order if key in known else 1_000_000)
        shown = {}
        for key in keys:
            own, channel = known.get(key), told.get(key)
            title = (channel.title if channel is not None else None) or (own.title if own is not None else None)
            if channel is None:
                shown[key] = Channel(title=title)
            else:
                stale = away or now_ns - channel.as_of_ns > self._config.stale_s * NS
                shown[key] = channel_of(channel, title, "stale" if stale else "live", now_ns)
        return shown

    def _day(self, at_ns: int) -> int:
        return self._calendar.day(at_ns)[0]


def channel_of(told: ChannelState, title: str | None, fresh: Fresh, now_ns: int) -> Channel:
    """One channel. Its longest wait grows while it is live; what is stale stands as it was told, with its age beside it."""
    since_ns = wait_s = None
    if told.longest_wait_s is not None and told.waiting != 0:
        since_ns = told.as_of_ns - round(told.longest_wait_s * NS)
        wait_s = round(max(0, (now_ns if fresh == "live" else told.as_of_ns) - since_ns) / NS, 1)
    parts = told.service_level_of
    return Channel(
        title=title,
        fresh=fresh,
        as_of=rfc3339(told.as_of_ns),
        waiting=told.waiting,
        longest_wait=wait_s,
        longest_since=rfc3339(since_ns) if since_ns is not None else None,
        service_level=round(parts[0] / parts[1], 4) if parts is not None and parts[1] else None,
        service_level_of=parts,
        target=told.target_s,
    )


def as_of(text: str, at_ns: int) -> int | None:
    """When figures were true, in nanoseconds: as they say, and not after they came. None for no time."""
    try:
        return min(wall_ns_from_rfc3339(text), at_ns)
    except (ValueError, OverflowError):
        return None


def worked_ms(each: Iterable[list[int]]) -> tuple[int, int]:
    """B and C (docs/kpis.md, "Agents' time") of agents' milliseconds by state, in the order of `STATES`.

    >>> worked_ms([[10, 1, 2, 3, 4, 5, 100]])
    (20, 25)
    """
    on_phone = logged_in = 0
    for ms in each:
        on_phone += sum(ms[:5])
        logged_in += sum(ms[:6])
    return on_phone, logged_in
