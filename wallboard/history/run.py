"""Decides when days are kept and minutes sampled: each half-hour the day so far is written beside the journal, each minute the trends.

Exactly one process writes summaries: the wallboard, which folds the journal anyway. Days that have no summary though the journal holds
them whole (lost, damaged, or this service was off) are folded again in the background, at leisure.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import msgspec

from appliance.core.clock import NS
from appliance.core.day_files import DayFiles
from appliance.core.errors import CorruptError
from appliance.core.journal import begins_ns
from appliance.floor.calendar import Calendar
from appliance.floor.collector import Collector
from appliance.floor.history import (
    Day,
    Part,
    bytes_from_day,
    day_from_bytes,
    empty_day,
    is_same,
    part_from_floor,
    tells_something,
    with_part,
)
from appliance.floor_view import SAVE_EVERY_NS, FloorView, cache_of, summaries_of
from appliance.service import Context
from wallboard.history.last_week import LastWeek, Then, last_week_from, then_of
from wallboard.history.trend import Trend
from wallboard.history.trend_document import trend_document
from wallboard.layout import WindowName
from wallboard.stream.feed import Feed

_log = logging.getLogger(__name__)
#: A half-hour's last calls are in the journal this long after it ended.
_SETTLE_NS: Final = 5 * NS
_LOOK_S: Final = 1.0
#: A page folded in the background, then a rest five times as long as a page takes.
_REST_S: Final = 0.1
#: Answers of one minute that are kept: boards of one kind ask for the same.
_ANSWERS: Final = 64
_ANSWERS_BYTES: Final = 8 * 1024 * 1024


class HistoryRun:
    """The kept days and the last hour of one box. Everything but the writing of files happens on the loop's thread."""

    def __init__(self, context: Context, view: FloorView, feed: Feed) -> None:
        self._context, self._view, self._feed = context, view, feed
        config = context.config
        self._config, self._clock = config, context.clock
        self._calendar = Calendar(config.site.timezone, config.site.hours)
        self._files = summaries_of(context.journal) if config.journal.summary_days else None
        cache = cache_of(context.journal)
        self._trend_file = None if cache is None else cache.with_name("trend.bin")
        self._saved_ns = self._clock.mono_ns()
        self._kept_half = 0
        self._week_at = 0
        self._told: set[str] = set()
        #: The fold that days are taken from, and those written since the start: when it was dated anew they may be wrong.
        self._floor = view.floor
        self._written: set[date] = set()
        self._suspect: set[date] = set()
        self._suspected = asyncio.Event()
        self._answers: dict[tuple[object, ...], tuple[bytes, str]] = {}
        self.trend = _trend_from(self._trend_file)
        #: The same time a week ago; None until it was looked for.
        self.week: LastWeek | None = None

    async def run(self) -> None:
        """Work until cancelled. A file that cannot be written is told once and tried again at the next half-hour."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._rebuilds())
            while True:
                await self.turn()
                await asyncio.sleep(_LOOK_S)

    async def turn(self) -> None:
        """Do what is due now: the minute's sample, the half-hour's summary, last week's figures, now and then the trends' cache."""
        now_ns = self._feed.now_ns()
        if self._view.floor is not self._floor:  # the clock was stepped: what was written may stand under another date
            self._floor, self._kept_half, self._week_at = self._view.floor, 0, 0
            self._suspect |= self._written
            self._suspected.set()
        if self.trend.is_due(now_ns):
            self.trend.sample(self._feed.snapshot(), now_ns)
            self._answers.clear()
        half = self._calendar.half_hour(now_ns)
        if half != self._kept_half and now_ns - half >= _SETTLE_NS:
            self._kept_half = half
            await self.keep()
        quarter = now_ns // (900 * NS)
        if quarter != self._week_at:
            self._week_at = quarter
            await self._look_back(now_ns)
        if self._clock.mono_ns() - self._saved_ns >= SAVE_EVERY_NS:
            self._save_trend()

    async def leave(self) -> None:
        """Keep what is known: the service stops."""
        await self.keep()
        self._save_trend()

    async def keep(self) -> None:
        """Write today's summary, and yesterday's where something was still to come of it; none under a date that is not to be believed."""
        if self._files is None or self._clock.quality() == "unset":
            return
        now_ns, floor = self._feed.now_ns(), self._view.floor
        floor.advance(now_ns)
        span = self._calendar.day(now_ns)
        for day in (self._calendar.day(span[0] - 1), span):
            part = part_from_floor(floor, day, now_ns)
            if tells_something(part):
                await self._put(self._files, self._calendar.date_of(day[0]), part)

    async def _rebuilds(self) -> None:
        await self.rebuild()
        while True:
            await self._suspected.wait()
            await self.rebuild()

    async def rebuild(self) -> None:
        """Make summaries again from the journal: missing ones of days that it holds from their beginning, and those under suspicion."""
        missing = self._missing() | self._suspect
        self._suspect = set()
        self._suspected.clear()
        if not missing or self._files is None:
            return
        _log.info("summaries of %s are made again from the journal", ", ".join(day.isoformat() for day in sorted(missing)))
        collector, journal = Collector(missing), self._context.journal
        view, end = FloorView(journal, self._config, self._clock, collector=collector), journal.head().seq
        while view.seq < end:  # to the end: a clock stepped later may date the days anew
            view.catch_up(1)
            await asyncio.sleep(_REST_S)
        for local, part in sorted(collector.parts.items()):
            await self._put(self._files, local, part)
        self._week_at = 0

    def answer(self, window: WindowName, scopes: frozenset[str], figures: frozenset[str]) -> tuple[bytes, str]:
        """The body of GET /api/trend and its ETag: made once a minute for all who ask the same."""
        key = (window, scopes, figures)
        made = self._answers.get(key)
        if made is None:
            body = msgspec.json.encode(trend_document(self.trend, self.week, window, scopes, figures))
            made = body, f'"{hashlib.sha256(body).hexdigest()[:20]}"'
            if len(self._answers) >= _ANSWERS or sum(len(each) for each, _ in self._answers.values()) > _ANSWERS_BYTES:
                self._answers.clear()
            self._answers[key] = made
        return made

    async def _put(self, files: DayFiles, local: date, part: Part) -> None:
        before = self._read(files, local)
        day = with_part(before or empty_day(local, self._config.site.timezone), part)
        if before is not None and is_same(before, day):
            return
        data = bytes_from_day(day)  # here: the tallies go on changing under it
        try:
            await asyncio.to_thread(files.write, local, data)
            self._written.add(local)
            files.prune(self._config.journal.summary_days)
            self._told.discard("write")
        except OSError as fault:
            self._tell("write", f"the summary of {local} cannot be kept in {files.folder}: {fault.strerror or fault}; tried again later")

    def _read(self, files: DayFiles, local: date) -> Day | None:
        """A kept day; one that is damaged is set aside and told, and made anew as far as the journal goes back."""
        try:
            data = files.read(local)
            return None if data is None else day_from_bytes(data, local)
        except CorruptError as fault:
            try:
                aside = files.set_aside(local)
                _log.error("%s was damaged (%s) and is now %s; it is made again from the journal", files.path(local), fault, aside.name)
            except OSError as refused:
                self._tell("aside", f"{files.path(local)} is damaged ({fault}) and cannot be set aside: {refused.strerror or refused}")
        except OSError as fault:
            self._tell("read", f"{files.path(local)} cannot be read: {fault.strerror or fault}")
        return None

    def _missing(self) -> set[date]:
        """Days before yesterday that the journal holds whole and that no finished summary of this journal tells."""
        journal = self._context.journal
        begins = begins_ns(journal)
        if begins is None or self._files is None or self._clock.quality() == "unset":
            return set()
        first = self._calendar.date_of(begins) + timedelta(days=0 if journal.first_seq() == 1 else 1)
        today = self._calendar.date_of(self._feed.now_ns())
        kept = self._config.journal
        furthest = min((today - first).days, kept.summary_days, int(kept.keep_days) + 2)
        days = [today - timedelta(days=back) for back in range(2, furthest + 1)]
        return {day for day in days if not self._is_told(self._files, day)}

    def _is_told(self, files: DayFiles, local: date) -> bool:
        day = self._read(files, local)
        return day is not None and any(part.epoch == self._context.journal.epoch and part.final for part in day.parts)

    async def _look_back(self, now_ns: int) -> None:
        then = then_of(self._calendar, now_ns)
        # In a thread: a large floor's day takes long enough for a lamp or a chain to stumble.
        self.week = None if then is None else await asyncio.to_thread(self._week_of, then)
        self._answers.clear()

    def _week_of(self, then: Then) -> LastWeek:
        day = None if self._files is None else self._read(self._files, then.day)
        return last_week_from(day, then, self._config)

    def _save_trend(self) -> None:
        self._saved_ns = self._clock.mono_ns()
        if self._trend_file is None:
            return
        try:
            self._trend_file.parent.mkdir(parents=True, exist_ok=True)
            part = self._trend_file.with_suffix(".part")
            part.write_bytes(self.trend.to_bytes())
            part.replace(self._trend_file)
        except OSError as fault:
            self._tell("trend", f"the last hour's lines could not be kept for the next start: {fault.strerror or fault}")

    def _tell(self, what: str, text: str) -> None:
        if what not in self._told:
            self._told.add(what)
            _log.warning("%s", text)


def _trend_from(path: Path | None) -> Trend:
    try:
        return Trend() if path is None else Trend.from_bytes(path.read_bytes())
    except OSError:
        return Trend()  # none yet
