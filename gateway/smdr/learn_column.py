"""Decides what a column of an unknown printout is, by its values: a date, a time of day, a duration, an extension, a number… Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final

from msgspec import Struct

from gateway.smdr.moment import Dates, clock_from_text
from gateway.smdr.profile import SHAPES
from gateway.smdr.span import Form, seconds

#: What a column may be, tried in this order.
_DATE: Final = re.compile(SHAPES["%date%"])
_TIME: Final = re.compile(r"\d{1,2}:\d\d(?::\d\d)?(?:\s?[AaPp][Mm]?)?")
_SPAN: Final = re.compile(r"(?:\d{1,4}[:])?\d{1,3}[:;']\d\d\"?")
_TRUNK: Final = re.compile(r"[A-Z]{1,2}\d{1,6}(?:[ /.-]\d{1,4})?")
_NOW: Final = datetime(2026, 1, 1)  # noqa: DTZ001 - only whether a text is a date is asked
IN_WORDS: Final = r"(?i)i|in|inc|incoming|entrante|e|<i>"
OUT_WORDS: Final = r"(?i)o|out|outgoing|saliente|s"


class Column(Struct):
    """One column. `sure` 0 to 1: the share of its values that are what it is taken for, less where another meaning is near."""

    name: str
    kind: str
    sure: float
    values: list[str]
    why: str = ""

    @property
    def filled(self) -> int:
        """How many lines have something there."""
        return sum(1 for value in self.values if value)


def shape_of(text: str) -> str:
    """What a text looks like by itself.

    >>> [shape_of(text) for text in ("11/21/26", "10:03AM", "00:05'12", "1200", "0991234567", "TR", "T102", "ANA LOPEZ", "$1.25", "")]
    ['date', 'clock', 'span', 'digits', 'number', 'word', 'trunk', 'text', 'money', '']
    """
    if not text:
        return ""
    if _DATE.fullmatch(text) and Dates().day_line(text, _NOW):
        return "date"
    if _TIME.fullmatch(text):
        return "clock"
    for shape, pattern in _OTHERS:
        if pattern.fullmatch(text):
            return shape
    return "text"


_OTHERS: Final = (
    ("span", _SPAN),
    ("digits", re.compile(r"\d{1,5}")),
    ("number", re.compile(r"[+*#]?[\d*#]{6,}")),
    ("money", re.compile(r"[$€£]?\d+[.,]\d{2,3}[A-Z]{0,3}")),
    ("trunk", _TRUNK),
    ("word", re.compile(r"[A-Z]{1,4}")),
)


def named(values_of: Sequence[list[str]]) -> list[Column]:
    """The columns, named by what they are; of two that could be the same the surer one is."""
    columns = [_shaped(f"column{at}", values) for at, values in enumerate(values_of, 1)]
    _clocks(columns)
    _numbers(columns)
    _marks(columns)
    taken: set[str] = set()
    for at, column in enumerate(columns, 1):
        if column.name in taken:
            column.name = f"column{at}"
        taken.add(column.name)
    return columns


def _shaped(name: str, values: list[str]) -> Column:
    shapes = Counter(shape for value in values if (shape := shape_of(value)))
    if not shapes:
        return Column(name, "blank", 1.0, values)
    kind, count = shapes.most_common(1)[0]
    return Column(name, kind, count / shapes.total(), values)


def _clocks(columns: list[Column]) -> None:
    """Of columns with colons: the time of day goes up from line to line, a duration does not; a ring is a short duration."""
    for column in columns:
        if column.kind == "date" and not _taken(columns, "date"):
            column.name, column.why = "date", _order_told(column.values)
    clocks = [column for column in columns if column.kind == "clock" and column.sure > 0.5]
    rising = sorted(((_rises(column.values), -columns.index(column)) for column in clocks), reverse=True)
    if rising:
        share, place = rising[0]
        time = columns[-place]
        if share >= 0.75 or (len(clocks) == 1 and not any(column.kind == "span" for column in columns)):
            time.name, time.kind, time.sure, time.why = "time", "time", time.sure * share, f"goes up in {round(100 * share)} % of the lines"
    spans = [column for column in columns if column.kind in ("clock", "span") and column.name.startswith("column") and column.sure > 0.5]
    means = sorted(((_mean(column.values), columns.index(column)) for column in spans), reverse=True)
    for role, (mean, place) in zip(("duration", "ring"), means, strict=False):
        columns[place].name, columns[place].kind, columns[place].why = role, "span", f"{mean:.0f} s on average"


def _numbers(columns: list[Column]) -> None:
    """Of columns with digits: the longest are the number, those with the fewest different values the trunk, then the extension."""
    for column in columns:
        if column.kind == "number" and not _taken(columns, "number"):
            column.name = "number"
    trunks = [column for column in columns if column.kind == "trunk" and column.sure > 0.5 and column.name.startswith("column")]
    if trunks:
        trunks[0].name = "trunk"
    short = [column for column in columns if column.kind == "digits" and column.name.startswith("column") and column.filled]
    counting = [column for column in short if _counts_up(column.values)]
    for column in counting[:1]:
        column.name, column.why = "sequence", "counts up"
    short = [column for column in short if column not in counting and 2 * column.filled > len(column.values)]
    ranked = sorted(short, key=lambda column: (_longest(column.values), len(set(column.values))))
    roles = ["extension"] if _taken(columns, "trunk") else ["trunk", "extension"] if len(ranked) > 1 else ["extension"]
    for role, column in zip(roles, ranked, strict=False):
        column.name = role
        column.sure *= 0.9 if len({_longest(each.values) for each in ranked}) == len(ranked) else 0.6
        column.why = f"{len(set(column.values) - {''})} different ones, up to {_longest(column.values)} digits"
    rest = [column for column in columns if column.kind in ("digits", "number") and column.name.startswith("column") and column.filled]
    for column in rest[:1]:
        column.name, column.sure = "account", column.sure * 0.4
        column.why = "digits that are neither extension, trunk nor number"


def _marks(columns: list[Column]) -> None:
    words = [column for column in columns if column.kind == "word" and column.name.startswith("column") and len(set(column.values)) <= 16]
    for name, column in zip(("mark", "mark2", "mark3"), words, strict=False):
        column.name, column.why = name, "one of " + ", ".join(sorted(set(column.values) - {""})[:8])
    texts = [column for column in columns if column.kind == "text" and column.name.startswith("column")]
    if texts:
        column = texts[-1]
        mixed = sum(1 for value in column.values if re.search(r"\d{5}", value))
        column.name = "number" if mixed * 2 > column.filled and not _taken(columns, "number") else "name"
        column.sure *= 0.5


def duration_form(values: Sequence[str]) -> Form:
    """How the durations are written: `10:20` is minutes and seconds unless the hours of a day would be many."""
    return "clock" if any(seconds(value) is not None for value in values if value) else "seconds"


def _taken(columns: list[Column], name: str) -> bool:
    return any(column.name == name for column in columns)


def _rises(values: list[str]) -> float:
    """Share of lines whose time is not before the one above; midnight once is no fall."""
    times = [moment for value in values if value and (moment := clock_from_text(value)) is not None]
    if len(times) < 2:
        return 1.0 if times else 0.0
    return sum(1 for before, after in pairwise(times) if after >= before) / (len(times) - 1)


def _counts_up(values: list[str]) -> bool:
    numbers = [int(value) for value in values if value.isascii() and value.isdigit()]
    return len(numbers) > 2 and sum(after - before == 1 for before, after in pairwise(numbers)) > 0.6 * len(numbers)


def _mean(values: list[str]) -> float:
    spans = [span for value in values if (span := seconds(value)) is not None]
    return sum(spans) / len(spans) if spans else 0.0


def _longest(values: list[str]) -> int:
    return max((len(value) for value in values), default=0)


def _order_told(values: list[str]) -> str:
    dates = Dates()
    for value in values:
        dates.day_line(value, _NOW)
    return ("month first" if dates.order == "mdy" else "day first") if dates.is_told else "no date tells whether month or day comes first"
