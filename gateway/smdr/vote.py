"""Decides which profile some lines were printed by: all are tried, and the one that most lines fit is named. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from gateway.smdr.moment import Dates
from gateway.smdr.profile import ReadyProfile
from gateway.smdr.reader import Reader
from gateway.smdr.record import CallRecord


class Result(Struct):
    """What one profile makes of the lines."""

    profile: ReadyProfile
    records: list[CallRecord]
    reader: Reader

    @property
    def weight(self) -> tuple[int, int]:
        """Lines that are records or belong to one, less those that fit nothing; then its headings."""
        counts = self.reader.counts
        return counts.records + counts.events + counts.continued - counts.unknown, counts.headers


def read(profile: ReadyProfile, lines: Sequence[str], now: datetime, dates: Dates | None = None) -> Result:
    """Read all lines by one profile. They are gone through twice: a date late in the file may tell the order of the first."""
    if dates is None:
        dates = Dates(profile.spec.order)
        _once(profile, lines, now, dates)
        dates = dates.anew()
    return _once(profile, lines, now, dates)


def _once(profile: ReadyProfile, lines: Sequence[str], now: datetime, dates: Dates) -> Result:
    reader = Reader(profile, dates)
    records = [record for text in lines for record in reader.feed(text, now)]
    return Result(profile, [*records, *reader.idle()], reader)


def winner(profiles: Sequence[ReadyProfile], lines: Sequence[str], now: datetime) -> Result | None:
    """The profile that fits best; of headings alone the first that knows one. None when none fits any line."""
    best: Result | None = None
    for each in profiles:
        result = read(each, lines, now)
        if result.records and (best is None or result.weight > best.weight):
            best = result
    if best is None:
        headed = (each for each in profiles if each.skip is not None and any(each.skip.search(text) for text in lines))
        best = next((read(each, lines, now) for each in headed), None)
    return best
