"""Decides when a group is all busy that has both a PBX's channels and analog lines: neither sees the whole, so both are counted here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from appliance.core.catalogue import LineAllBusy, LineAllBusyEnded, LineReleased, LineRinging, LineSeized, kind_of
from appliance.core.clock import NS
from appliance.core.event import Event
from appliance.core.journal import Journal
from appliance.core.line_config import LINES
from appliance.outbox import Outbox
from appliance.service import Watch


class SharedTrunks:
    """The groups by key, how many lines each has, and those that are busy now."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self.sizes = dict(sizes)
        self.busy: dict[str, set[str]] = {key: set() for key in sizes}
        self.full: dict[str, Event] = {}

    def restore(self, events: Iterable[Event]) -> None:
        """Take up what the journal, oldest first, holds."""
        for event in events:
            data = event.data
            if isinstance(data, LineAllBusy) and data.trunk in self.sizes:
                self.full[data.trunk] = event
            elif isinstance(data, LineAllBusyEnded):
                self.full.pop(data.trunk, None)
            else:
                self._count(event)

    def apply(self, events: list[Event]) -> list[Event]:
        """The same events, with what they mean for the groups: one call more than there are lines, the last line taken, one free again."""
        out: list[Event] = []
        for event in events:
            data = event.data
            if isinstance(data, LineSeized) and data.pbx != LINES and not data.inferred and self._is_full(data.trunk):
                # An analog line that was taken up was there to be taken up: only a PBX's channels can be more than there are lines.
                event = msgspec.structs.replace(event, data=msgspec.structs.replace(data, beyond=True))  # noqa: PLW2901
            out.append(event)
            trunk = self._count(event)
            if trunk is None:
                continue
            if self._is_full(trunk) and trunk not in self.full:
                self.full[trunk] = event
                out.append(_with(event, LineAllBusy(trunk=trunk, lines=self.sizes[trunk])))
            elif not self._is_full(trunk) and trunk in self.full:
                out.append(
                    _with(event, LineAllBusyEnded(trunk=trunk, lines=self.sizes[trunk], busy_s=_seconds(self.full.pop(trunk), event)))
                )
        return out

    def _count(self, event: Event) -> str | None:
        """The group whose count this event changed."""
        data = event.data
        if not isinstance(data, LineRinging | LineSeized | LineReleased) or data.trunk not in self.sizes:
            return None
        busy, line = self.busy[data.trunk], f"{data.pbx}/{data.line}"
        before = len(busy)
        (busy.discard if isinstance(data, LineReleased) else busy.add)(line)
        return data.trunk if len(busy) != before else None

    def _is_full(self, trunk: str | None) -> bool:
        return trunk in self.sizes and len(self.busy[trunk]) >= self.sizes[trunk]


class SharedOutbox(Outbox):
    """The way to the journal of a gateway with such groups."""

    def __init__(self, journal: Journal, max_events: int, trunks: SharedTrunks, *, watch: Watch | None = None) -> None:
        super().__init__(journal, max_events, watch=watch)
        self.trunks = trunks

    def put(self, events: list[Event]) -> bool:
        """Queue events, all or none, with what they mean for the groups; False when there is no room."""
        if not any(isinstance(event.data, LineRinging | LineSeized | LineReleased) for event in events):
            return super().put(events)
        trunks = SharedTrunks(self.trunks.sizes)
        trunks.busy, trunks.full = {key: set(busy) for key, busy in self.trunks.busy.items()}, dict(self.trunks.full)
        if not super().put(trunks.apply(events)):
            return False
        self.trunks = trunks
        return True


def _with(event: Event, data: LineAllBusy | LineAllBusyEnded) -> Event:
    return msgspec.structs.replace(event, kind=kind_of(data), data=data)


def _seconds(since: Event, until: Event) -> float:
    """By the monotonic clock within a boot, by the wall's else; a clock that was set meanwhile makes no time of less than none."""
    ns = until.mono_ns - since.mono_ns if since.boot == until.boot else until.wall_ns - since.wall_ns
    return round(max(0, ns) / NS, 3)
