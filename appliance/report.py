"""Decides where the figures of a day come from: the journal where it holds the whole day, else the kept summary, and says which.

A day in which the journal was begun anew is both: what the summary kept of the one before, and what the journal holds now.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Literal

import msgspec
from msgspec import Struct

from appliance.core.clock import Clock, rfc3339
from appliance.core.config import Config
from appliance.core.errors import CorruptError, TransientError
from appliance.core.journal import Journal, begins_ns
from appliance.floor.calendar import Calendar
from appliance.floor.collector import Collector
from appliance.floor.history import Day, Part, day_from_bytes, empty_day, part_from_floor, tells_something, with_part, without_names
from appliance.floor_view import FloorView, cache_of, summaries_of

Origin = Literal["journal", "summary", "journal and summary"]
Told = Callable[[int, int], None]


class DayReport(Struct, frozen=True):
    """A day and where it is from. `from_ns`: 0 when it is whole from its beginning, else when what is known of it begins."""

    local: date
    day: Day
    origin: Origin
    from_ns: int
    as_of_ns: int
    complaints: tuple[str, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to come."""
        return all(part.final for part in self.day.parts)


def day_report(journal: Journal, config: Config, clock: Clock, local: date | None = None, progress: Told | None = None) -> DayReport:
    """The figures of a day, today's when none is named. Reads only. `progress` is told rows folded and rows there are.

    Raises TransientError when nothing is known of the day; the text says of which days something is.
    """
    calendar = Calendar(config.site.timezone, config.site.hours)
    today = calendar.date_of(clock.wall_ns())
    wanted = today if local is None else local
    kept, complaints = _kept(journal, wanted)
    if wanted > today:
        raise TransientError(f"nothing is known of {wanted}: it is {today} at the site")
    begins = begins_ns(journal)
    whole_from = 0 if journal.first_seq() == 1 else begins
    day = calendar.day_on(wanted)
    held = begins is not None and begins < day[1] and (whole_from or 0) <= day[0]
    part = None
    if held or (begins is not None and begins < day[1] and kept is None):
        part = _folded(journal, config, clock, wanted, today, progress)
    if part is not None and not (held or tells_something(part)):
        part = None
    if part is None and kept is None:
        raise TransientError("; ".join((_nothing(journal, calendar, wanted, begins), *complaints)))
    shown = kept if part is None else with_part(_without(kept, part, config, wanted), part)
    assert shown is not None
    if not config.privacy.agent_names:
        shown = without_names(shown)
    origin: Origin = "summary" if part is None else "journal" if len(shown.parts) == 1 else "journal and summary"
    froms = [each.from_ns for each in shown.parts]
    return DayReport(wanted, shown, origin, min(froms, default=0), max(p.as_of_ns for p in shown.parts), complaints)


def _kept(journal: Journal, local: date) -> tuple[Day | None, tuple[str, ...]]:
    files = summaries_of(journal)
    if files is None:
        return None, ()
    try:
        data = files.read(local)
        return (None if data is None else day_from_bytes(data, local)), ()
    except CorruptError as fault:
        return None, (f"the kept summary {files.path(local)} is left aside: {fault}",)
    except OSError as fault:
        return None, (f"the kept summary {files.path(local)} cannot be read: {fault.strerror or fault}",)


def _folded(journal: Journal, config: Config, clock: Clock, wanted: date, today: date, progress: Told | None) -> Part | None:
    """What the journal tells of a day. Of today and yesterday the fold that the box keeps knows it; else all before is folded first."""
    recent = wanted >= today - timedelta(days=1)
    collector = Collector([wanted])
    view = FloorView(journal, config, clock, cache_of(journal) if recent else None, collector)
    while view.catch_up(pages=4):  # to the end, for a clock stepped later dates anew what was before
        if progress is not None:
            progress(view.seq, journal.head().seq)
    floor, part = view.floor, collector.parts.get(wanted)
    if part is not None and part.final:
        return part
    if recent:
        view.snapshot()  # a source whose process died is out of sight, whatever it told last
    now = view.now_ns() if recent else floor.state.now_ns
    floor.advance(now)
    last = floor.calendar.day(now)
    for span in (last, floor.calendar.day(last[0] - 1)):
        if floor.calendar.date_of(span[0]) == wanted:
            part = part_from_floor(floor, span, now)
    return part


def _without(kept: Day | None, part: Part, config: Config, wanted: date) -> Day:
    """What is kept of other journals: of this one the journal itself tells more."""
    if kept is None:
        return empty_day(wanted, config.site.timezone)
    return msgspec.structs.replace(kept, parts=[old for old in kept.parts if old.epoch != part.epoch])


def _nothing(journal: Journal, calendar: Calendar, wanted: date, begins: int | None) -> str:
    files = summaries_of(journal)
    days = files.days() if files is not None else []
    many = "1 day" if len(days) == 1 else f"{len(days)} days"
    kept = f"summaries are kept of {many}, {days[0]} to {days[-1]}" if days else "no summary is kept"
    held = "the journal is empty" if begins is None else f"the journal begins {calendar.date_of(begins)} ({rfc3339(begins)})"
    return f"nothing is known of {wanted}: {held}; {kept}"
