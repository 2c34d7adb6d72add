"""Decides when a record was printed: which of two numbers is the month, which year it was, and which day where no date is printed.

Local time, as PBXs print it. Nothing here looks at a clock: `now` is handed in.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Final, Literal

Order = Literal["mdy", "dmy"]
_NUMERIC: Final = re.compile(r"(\d{1,4})[/.\-](\d{1,2})(?:[/.\-](\d{2,4}))?")
_WORDS: Final = re.compile(r"([A-Za-z]{3})\s+(\d{1,2})(?:,?\s+(\d{4}))?")
_TIME: Final = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d)(\.\d+)?)?\s*([AaPp])?[Mm]?")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
#: A record may be dated a little after now: two clocks are never the same, and some PBXs' zones are wrong.
_AHEAD: Final = timedelta(hours=36)
#: A box whose clock was not set yet tells no year.
_CLOCK_FROM: Final = 2020
#: What comes as it is printed was printed now.
_NEAR: Final = timedelta(days=2)


class Dates:
    """What a source's dates have told so far; one per source, asked in the order of its lines.

    `live`: the records come as they are printed, so `now` is evidence. `fixed`: the configuration says the order.
    """

    def __init__(self, order: Order = "mdy", *, live: bool = False, fixed: bool = False) -> None:
        self._default, self._live, self._fixed = order, live, fixed
        self._votes = {"mdy": 0, "dmy": 0}
        self._day: date | None = None
        self._last: datetime | None = None
        #: Our day when the PBX's day was `_day`.
        self._heard = date.min

    @property
    def order(self) -> Order:
        """The order as far as known."""
        if self._fixed or self._votes["mdy"] == self._votes["dmy"]:
            return self._default
        return "mdy" if self._votes["mdy"] > self._votes["dmy"] else "dmy"

    @property
    def is_told(self) -> bool:
        """Whether some date told the order by itself."""
        return self._votes["mdy"] != self._votes["dmy"]

    def anew(self) -> Dates:
        """The same knowledge of the order, from the first line again."""
        out = Dates(self._default, live=self._live, fixed=self._fixed)
        out._votes = dict(self._votes)
        return out

    def day_line(self, text: str, now: datetime) -> bool:
        """A line with nothing but a date: the day of the records that follow."""
        found = self._date(text, now)
        if found is not None:
            self._day, self._last, self._heard = found, None, now.date()
        return found is not None

    def at(self, day: str, time: str, now: datetime) -> datetime | None:
        """The moment printed; None when it cannot be known."""
        clock = clock_from_text(time)
        if clock is None:
            return None
        if day.strip():
            found = self._date(day, now)
            return datetime.combine(found, clock.time()) if found is not None else None
        return self._without_date(clock, now)

    def _without_date(self, clock: datetime, now: datetime) -> datetime | None:
        if self._day is None:
            if not self._live or now.year < _CLOCK_FROM:
                return None
            moment = datetime.combine(now.date(), clock.time())
            return moment - timedelta(days=1) if moment > now + timedelta(hours=1) else moment
        if self._live and now.year >= _CLOCK_FROM and now.date() > self._heard:  # quiet days have passed that no line tells
            moment = datetime.combine(self._day + (now.date() - self._heard), clock.time())
            if datetime.combine(now.date(), clock.time()) > now + timedelta(hours=1):
                moment -= timedelta(days=1)
            else:
                self._day, self._heard = moment.date(), now.date()
            self._last = moment
            return moment
        moment = datetime.combine(self._day, clock.time())
        if self._last is not None and moment < self._last - timedelta(hours=12):
            self._day += timedelta(days=1)  # past midnight, by a clock that is ahead of ours
            self._heard += timedelta(days=1)
            moment += timedelta(days=1)
        self._last = moment
        return moment

    def _date(self, text: str, now: datetime) -> date | None:
        parts = _parts(text.strip())
        if parts is None:
            return None
        year, first, second, known = parts
        if known:
            return _of(year, first, second, now)
        both = {"mdy": _of(year, first, second, now), "dmy": _of(year, second, first, now)}
        if both["mdy"] is None or both["dmy"] is None:
            order = "dmy" if both["mdy"] is None else "mdy"
            if both[order] is not None:
                self._votes[order] += 1
            return both[order]
        if self._live and first != second:
            near = [order for order, day in both.items() if day is not None and abs(datetime.combine(day, now.time()) - now) <= _NEAR]
            if len(near) == 1:
                self._votes[near[0]] += 1
        return both[self.order]


def clock_from_text(text: str) -> datetime | None:
    """A time of day, on a day of no meaning; None for what is none.

    >>> [f"{clock_from_text(t):%H:%M:%S}" for t in ("10:03AM", "12:05 am", "1:07p", "0852", "17:15:13", "221502")]
    ['10:03:00', '00:05:00', '13:07:00', '08:52:00', '17:15:13', '22:15:02']
    """
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) in (4, 6):
        text = ":".join(text[at : at + 2] for at in range(0, len(text), 2))
    m = _TIME.fullmatch(text) if text.isascii() else None
    if m is None:
        return None
    hour = int(m[1])
    if m[5]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if m[5] in "Pp" else 0)
    try:
        return datetime(2000, 1, 1, hour, int(m[2]), int(m[3] or 0), int(float(m[4] or 0) * 1_000_000))  # noqa: DTZ001 - of no zone
    except ValueError:
        return None


def _parts(text: str) -> tuple[int | None, int, int, bool] | None:
    """(year, first, second, known): numbers as printed; `known` when first is the month for sure."""
    if not text.isascii():
        return None
    if m := _NUMERIC.fullmatch(text):
        if len(m[1]) == 4:
            return (int(m[1]), int(m[2]), int(m[3]), True) if m[3] and len(m[3]) == 2 else None
        return (_year(m[3]), int(m[1]), int(m[2]), False) if len(m[1]) <= 2 else None
    if (m := _WORDS.fullmatch(text)) and m[1].lower() in _MONTHS:
        return _year(m[3]), _MONTHS.index(m[1].lower()) + 1, int(m[2]), True
    return _digits(text)


def _digits(text: str) -> tuple[int | None, int, int, bool] | None:
    """As `_parts`, of a date without separators."""
    if m := re.fullmatch(r"(\d\d) ?(\d\d)", text):
        return None, int(m[1]), int(m[2]), False
    if not text.isdigit() or len(text) not in (6, 8):
        return None
    if len(text) == 8 and text[:2] in ("19", "20") and int(text[4:6]) <= 12:
        return int(text[:4]), int(text[4:6]), int(text[6:]), True
    return _year(text[4:]), int(text[:2]), int(text[2:4]), False


def _year(text: str | None) -> int | None:
    if not text:
        return None
    year = int(text)
    return year if len(text) == 4 else year + (1900 if year >= 70 else 2000)


def _of(year: int | None, month: int, day: int, now: datetime) -> date | None:
    """The date; without a year the latest such day that is not ahead of now. None when the calendar has none."""
    if year is None and now.year < _CLOCK_FROM:
        return None
    for guess in [year] if year is not None else range(now.year + 1, now.year - 9, -1):
        try:
            found = date(guess, month, day)
        except ValueError:
            continue
        if year is not None or datetime.combine(found, datetime.min.time()) <= now + _AHEAD:
            return found
    return None
