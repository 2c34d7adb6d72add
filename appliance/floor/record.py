"""Decides what a PBX's call records tell of the day: calls that are over, as they were printed. Nothing of who waits, nor of queues.

A record counts on the day on which its call ended, where it says so: a buffer printed again in the morning adds nothing to today.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from appliance.core.catalogue import PbxRecord
from appliance.core.clock import NS
from appliance.floor import snapshot as out
from appliance.floor.calendar import Calendar

_DAYS_KEPT: Final = 2
#: A PBX's clock may be so far ahead of ours; whatever is later has a wrong date, and is of now.
_AHEAD: Final = timedelta(hours=1)
#: A date before that is a PBX's whose clock was never set.
_PAST: Final = timedelta(days=365)
_SOURCES: Final = 256


class RecordDay(Struct, array_like=True):
    """A day's records of one PBX. Incoming calls are answered, abandoned (by the PBX's own mark) or not told."""

    incoming: int = 0
    answered: int = 0
    abandoned: int = 0
    outgoing: int = 0
    internal: int = 0
    ring_ms: int = 0
    rang: int = 0
    talk_ms: int = 0
    talked: int = 0


class RecordFold:
    """Applies `pbx.record` to a state's `records`, by PBX and day."""

    def __init__(self, records: dict[str, dict[int, RecordDay]], calendar: Calendar) -> None:
        self._records, self._calendar = records, calendar

    def told(self, data: PbxRecord, at_ns: int) -> None:
        """One record."""
        if data.pbx not in self._records and len(self._records) >= _SOURCES:
            return
        days = self._records.setdefault(data.pbx, {})
        key = self._day(data, at_ns)
        if key not in days:
            days[key] = RecordDay()
            for old in sorted(days)[:-_DAYS_KEPT]:
                del days[old]
        if key in days:
            _counted(days[key], data)

    def _day(self, data: PbxRecord, at_ns: int) -> int:
        """The day on which the call ended, as the record has it; else the one on which it was printed."""
        today = self._calendar.day(at_ns)
        if data.start is None:
            return today[0]
        try:
            ended = datetime.fromisoformat(data.start).replace(tzinfo=None) + timedelta(
                seconds=(data.ring_s or 0.0) + (data.duration_s or 0.0)
            )
        except (ValueError, OverflowError):
            return today[0]
        printed = datetime.fromisoformat(self._calendar.local_text(at_ns // NS * NS)).replace(tzinfo=None)
        if ended.date() == printed.date() or ended > printed + _AHEAD or ended < printed - _PAST:
            return today[0]
        return self._calendar.day_on(ended.date())[0]


def _counted(day: RecordDay, data: PbxRecord) -> None:
    if data.direction == "out":
        day.outgoing += 1
    elif data.direction == "internal":
        day.internal += 1
    else:
        day.incoming += data.direction == "in"
    if data.direction != "in":
        return
    day.answered += data.answered is True
    day.abandoned += data.abandoned is True
    if data.answered and data.ring_s is not None:
        day.ring_ms += round(data.ring_s * 1000)
        day.rang += 1
    if data.answered and data.duration_s is not None:
        day.talk_ms += round(data.duration_s * 1000)
        day.talked += 1


def records_snapshot(day: RecordDay | None) -> out.Records:
    """A day as it is shown; nothing was printed yet: all 0."""
    if day is None:
        return out.Records()
    return out.Records(
        incoming=day.incoming, answered=day.answered, abandoned=day.abandoned, outgoing=day.outgoing, internal=day.internal,
        not_told=max(0, day.incoming - day.answered - day.abandoned),
        ring_avg=round(day.ring_ms / day.rang / 1000, 1) if day.rang else None,
        talk_avg=round(day.talk_ms / day.talked / 1000, 1) if day.talked else None,
    )  # fmt: skip
