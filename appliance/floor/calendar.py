"""Where a moment falls: its local day, its clock half-hour, and how much of a span lies in opening hours.

Local midnight and half-hours follow the site's timezone across daylight-saving changes (IANA database).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from appliance.core.clock import NS
from appliance.core.hours_config import Hours

HALF_HOUR_NS: Final = 1800 * NS
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Span = tuple[int, int]


class Calendar:
    """A site's days, half-hours and opening hours; all times are nanoseconds since 1970 UTC.

    Raises zoneinfo.ZoneInfoNotFoundError for an unknown timezone, ValueError for malformed hours.
    """

    def __init__(self, timezone: str, hours: Hours | None = None) -> None:
        self._zone = ZoneInfo(timezone)
        self._hours = hours
        self._day: Span = (0, 0)
        self._half: Span = (0, 0)
        self._open_cache: dict[date, tuple[Span, ...]] = {}
        self._plan = {name: [_span_from_text(text) for text in getattr(hours, name)] for name in _WEEKDAYS} if hours else {}

    def day(self, at_ns: int) -> Span:
        """The local day around a moment, [midnight, next midnight)."""
        if not self._day[0] <= at_ns < self._day[1]:
            local = self._local(at_ns).date()
            self._day = (self._midnight(local), self._midnight(local + timedelta(days=1)))
        return self._day

    def half_hour(self, at_ns: int) -> int:
        """The start of the clock half-hour around a moment."""
        if not self._half[0] <= at_ns < self._half[1]:
            local = self._local(at_ns)
            into = (local.minute % 30) * 60 + local.second
            start = (at_ns // NS - into) * NS
            self._half = (start, start + HALF_HOUR_NS)
        return self._half[0]

    def halves(self, day: Span) -> list[int]:
        """The starts of a day's clock half-hours: 48, and 46 or 50 where the clock is put forward or back."""
        starts, at = [], day[0]
        while at < day[1]:
            starts.append(at)
            at = self.half_hour(at) + HALF_HOUR_NS
        return starts

    def date_of(self, at_ns: int) -> date:
        """The local date of a moment."""
        return self._local(at_ns).date()

    def day_on(self, local: date) -> Span:
        """The local day of a date, [midnight, next midnight)."""
        return self._midnight(local), self._midnight(local + timedelta(days=1))

    def days_before(self, at_ns: int, days: int) -> int | None:
        """The same local time so many days earlier; None where the clock was put forward over it."""
        local = self._local(at_ns)
        wanted = local.replace(tzinfo=None) - timedelta(days=days)
        then = int(wanted.replace(tzinfo=self._zone, fold=local.fold).timestamp()) * NS
        return then + at_ns % NS if self._local(then).replace(tzinfo=None) == wanted else None

    def local_text(self, at_ns: int) -> str:
        """A moment as RFC 3339 with the site's offset, to the second: unambiguous when the clock is put back."""
        return self._local(at_ns).isoformat()

    def time_of_day(self, at_ns: int) -> str:
        """The local time, as `14:06`."""
        return f"{self._local(at_ns):%H:%M}"

    def is_open(self, at_ns: int) -> bool:
        """Whether a moment lies in opening hours; always, where none are configured."""
        return self._hours is None or any(start <= at_ns < end for start, end in self.open_spans(at_ns, at_ns + 1))

    def open_spans(self, start_ns: int, end_ns: int) -> list[Span]:
        """The parts of a span that lie in opening hours, in order; the whole span where no hours are configured."""
        if self._hours is None:
            return [(start_ns, end_ns)] if end_ns > start_ns else []
        local = self._local(start_ns).date() - timedelta(days=1)  # yesterday's hours may reach past midnight
        last = self._local(end_ns).date()
        spans: list[Span] = []
        while local <= last:
            inside = ((max(begins, start_ns), min(ends, end_ns)) for begins, ends in self._opening(local))
            spans += [span for span in inside if span[0] < span[1]]
            local += timedelta(days=1)
        return sorted(spans)

    def _opening(self, day: date) -> tuple[Span, ...]:
        known = self._open_cache.get(day)
        if known is None:
            spans = []
            if self._hours and day.isoformat() not in self._hours.holidays:
                for begins, ends in self._plan[_WEEKDAYS[day.weekday()]]:
                    spans.append((self._moment(day, begins), self._moment(day, ends)))
            if len(self._open_cache) > 32:
                self._open_cache.clear()
            known = self._open_cache[day] = tuple(spans)
        return known

    def _local(self, at_ns: int) -> datetime:
        return datetime.fromtimestamp(at_ns // NS, UTC).astimezone(self._zone)

    def _midnight(self, day: date) -> int:
        return int(datetime.combine(day, time(), self._zone).timestamp()) * NS

    def _moment(self, day: date, minutes: int) -> int:
        day += timedelta(days=minutes // 1440)
        minutes %= 1440
        return int(datetime.combine(day, time(minutes // 60, minutes % 60), self._zone).timestamp()) * NS


def _span_from_text(text: str) -> tuple[int, int]:
    """`08:00-18:00` as minutes of the day; an end not after its start is on the next day.

    >>> _span_from_text("08:00-18:30")
    (480, 1110)
    >>> _span_from_text("22:00-06:00")
    (1320, 1800)
    """
    begins, dash, ends = text.partition("-")
    if not dash:
        raise ValueError(f"hours {text!r}: write them as 08:00-18:00")
    start, end = _minutes_from_text(begins), _minutes_from_text(ends)
    return start, end if end > start else end + 1440


def _minutes_from_text(text: str) -> int:
    hours, _, minutes = text.strip().partition(":")
    value = int(hours) * 60 + int(minutes or "0")
    if not 0 <= value <= 1440:
        raise ValueError(f"time {text!r}: write it as 00:00 to 24:00")
    return value
