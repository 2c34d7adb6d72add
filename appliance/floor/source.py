"""Sources: when each PBX was in sight, and what share of a window's opening hours that covers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from appliance.core.catalogue import PbxDown, PbxResynced, PbxUp
from appliance.core.clock import NS
from appliance.floor.calendar import Calendar, Span
from appliance.floor.state import FloorState, Source

#: Below this share of a window seen, its figures are hatched, and none of another week is compared (kpis, "Windows").
COVERED: Final = 0.95
_SPANS_KEPT: Final = 500
_KEPT_NS: Final = 2 * 86_400 * NS


class SourceFold:
    """Applies pbx events to the sources of a floor state."""

    def __init__(self, state: FloorState, blind: Callable[[str, int], None], sighted: Callable[[str, int], None]) -> None:
        self.state = state
        self._blind = blind
        self._sighted = sighted

    def up(self, data: PbxUp, at_ns: int) -> None:
        """A session stands; sight is complete only when the resync is."""
        source = self._source(data.pbx)
        if not source.in_sight:
            source.state, source.since_ns, source.reason = "resyncing", at_ns, None

    def resynced(self, data: PbxResynced, at_ns: int) -> None:
        """Sight is complete from here on."""
        source = self._source(data.pbx)
        if source.state != "up":
            source.state, source.since_ns, source.reason = "up", at_ns, None
        if not source.in_sight:
            source.in_sight = True
            source.spans.append((at_ns, at_ns))
            self._sighted(data.pbx, at_ns)
        source.seen_ns = at_ns

    def down(self, data: PbxDown, at_ns: int) -> None:
        """Out of sight since `unseen_s` before the event."""
        source = self._source(data.pbx)
        lost_at = at_ns - int(data.unseen_s * NS)
        if source.in_sight:
            start = source.spans[-1][0]
            source.spans[-1] = (start, max(start, lost_at))
            source.in_sight = False
            source.seen_ns = max(start, lost_at)
            self._blind(data.pbx, max(start, lost_at))
            source.since_ns = source.seen_ns
        elif source.state == "resyncing" or not source.since_ns:
            source.since_ns = at_ns
        source.state = "denied" if data.reason == "denied" else "down"
        source.reason = data.reason
        edge = at_ns - _KEPT_NS
        source.spans = [span for span in source.spans[-_SPANS_KEPT:] if span[1] >= edge]

    def heard(self, pbx: str, at_ns: int) -> None:
        """Any event of a source shows that it was in sight then."""
        source = self.state.sources.get(pbx)
        if source is not None and source.in_sight:
            source.seen_ns = max(source.seen_ns, at_ns)

    def _source(self, key: str) -> Source:
        return self.state.sources.setdefault(key, Source(key))


def coverage(source: Source, calendar: Calendar, window: Span, now_ns: int, has_hours: bool) -> float | None:
    """Share of the window's opening hours so far in which the source was seen; None where there are none.

    Without opening hours the count begins at the day's first sight.
    """
    spans = [(start, now_ns if source.in_sight and at == len(source.spans) - 1 else end) for at, (start, end) in enumerate(source.spans)]
    start, end = window[0], min(window[1], now_ns)
    if not has_hours:
        day = calendar.day(now_ns)[0]
        first = min((max(begins, day) for begins, ends in spans if ends >= day), default=None)
        if first is None:
            return None
        start = max(start, first)
    due = calendar.open_spans(start, end)
    total = sum(b - a for a, b in due)
    if total <= 0:
        return 1.0 if source.in_sight and not has_hours else None
    seen = sum(max(0, min(b, d) - max(a, c)) for a, b in due for c, d in spans)
    return min(1.0, seen / total)
