"""Decides what stands on each page of a board: its figures in large, or its rows, from one floor snapshot. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from appliance.core.clock import wall_ns_from_rfc3339
from appliance.floor.snapshot import Announcement, Channel, Fresh, Queue, Records, Site, Snapshot
from wallboard.alarm.quiet import Threshold
from wallboard.channel import queue_of
from wallboard.figure import (
    CALLBACK_COLUMNS,
    CHANNEL_COLUMNS,
    CHANNEL_FIGURES,
    COLUMNS,
    FLOOR_ONLY,
    LARGE,
    member_at,
    usual_figures,
)
from wallboard.history.last_week import LastWeek
from wallboard.layout import EVERY_CHANNEL, EVERY_SITE, PageKind, PageSpec, is_of_sites
from wallboard.moment import age_s, local_time
from wallboard.outcome import attempt_shares, class_shares, count_tiles, whole_of
from wallboard.record_row import record_tiles
from wallboard.row import Row
from wallboard.staff_row import agent_rows, headset_rows, trunk_rows
from wallboard.tile import Reader, Scope, Tile
from wallboard.words import DASH, Words, clock_text

#: The path of the sum of all sites; no alarm is of it.
ALL_SITES = "sites"
#: The paths of other channels begin so; no alarm is of them.
CHANNEL = "channel"
#: More rows than this no rotation shows in a time that anybody waits; the rest is counted in `more`.
_ROWS = 500
#: Pages that are about what a window counted.
_WINDOWED: Final = frozenset({"floor", "queue", "group", "queues", "totals", "classes", "outbound"})
#: Pages that are left out while they have no row; those that are not as old as the floor's figures.
_NEEDS_ROWS: Final = frozenset({"trunks", "records", "headsets", "announcements", "totals", "channels", "classes"})
_TIMELESS: Final = frozenset({"link", "announcements", "headsets", "records", "channels"})
#: Where a site's age stands among its columns: on the first screen.
_AGE_AT: Final = 3
#: Columns that stand only where some row knows them, and the member that tells.
_TOLD_BY: Final = {"vip_wait": "vip_waiting", "callbacks": "callbacks"}


class Page(Struct, frozen=True):
    """One page at one instant: figures in large, rows, or both. `stamp` says how old it is where it is not live."""

    name: str
    kind: PageKind
    title: str
    dwell_s: float
    fresh: Fresh = "live"
    stamp: str = ""
    note: str = ""
    tiles: tuple[Tile, ...] = ()
    rows: tuple[Row, ...] = ()
    more: int = 0


class Setting(Struct, frozen=True):
    """What a board needs to know besides the floor: language, place, targets, whose names it may show, and how things stood a week ago.

    `classes`: what each type of call is called, in the order in which they stand.
    """

    words: Words
    zone: ZoneInfo
    thresholds: dict[str, Threshold]
    names: bool = False
    completion: bool = False
    week: LastWeek | None = None
    classes: dict[str, str] = {}


class Maker:
    """Makes the pages of one snapshot at one instant."""

    def __init__(self, snapshot: Snapshot, setting: Setting, notices: tuple[Announcement, ...], now_wall_ns: int) -> None:
        self._snapshot, self._setting, self._notices, self._now_ns = snapshot, setting, notices, now_wall_ns
        self._reader = Reader(snapshot, setting.words, setting.thresholds, now_wall_ns, setting.week)

    def page(self, spec: PageSpec, name: str) -> Page | None:
        """One page; None for one with nothing to show: trunks where there are none, headsets that may not be shown."""
        scope = self._scope(spec)
        tiles, rows = self._tiles(spec, scope), self._rows(spec)
        if not rows and (spec.kind in _NEEDS_ROWS or (not tiles and spec.kind in LARGE)):
            return None
        if spec.kind == "outbound" and member_at(scope.figures(), "outbound") is None:
            return None
        if spec.kind == "link" and self._snapshot.crm.state in ("up", "off"):
            return None
        fresh: Fresh = "live" if spec.kind in _TIMELESS else scope.queue.fresh
        return Page(
            name, spec.kind, self._title(spec, scope), spec.dwell_s, fresh,
            stamp=stale_text(self._setting.words, scope.queue, self._now_ns, self._setting.zone) if fresh != "live" else "",
            note=self._note(spec), tiles=tiles, rows=rows[:_ROWS], more=max(0, len(rows) - _ROWS),
        )  # fmt: skip

    def _scope(self, spec: PageSpec) -> Scope:
        if spec.kind in ("queue", "classes") and spec.queue is not None:
            return Scope(f"queue.{spec.queue}", self._snapshot.queues.get(spec.queue or "", Queue()), spec.window)
        if is_of_sites(spec):
            return Scope(ALL_SITES, self._snapshot.all_sites or Queue(), spec.window)
        if spec.group is not None:
            return Scope(f"group.{spec.group}", self._snapshot.groups.get(spec.group, Queue()), spec.window)
        return Scope("floor", self._snapshot.floor, spec.window)

    def _title(self, spec: PageSpec, scope: Scope) -> str:
        if spec.title is not None:
            return spec.title
        if spec.kind in ("queue", "group"):
            return scope.queue.title or spec.queue or spec.group or ""
        if spec.kind == "classes" and (spec.queue or spec.group):
            return f"{self._setting.words.text('page.classes')} · {scope.queue.title or spec.queue or spec.group}"
        return self._setting.words.text("page.sites" if is_of_sites(spec) else f"page.{spec.kind}")

    def _note(self, spec: PageSpec) -> str:
        """Which window the figures are of, where it is not the day; and by which rule, where it is not by arrival."""
        words, said = self._setting.words, []
        if spec.kind in _WINDOWED:
            said += [words.text(f"window.{spec.window}")] if spec.window != "today" else []
            said += [words.text("window.completion")] if self._setting.completion else []
        if spec.kind == "records":
            said.append(words.text("records.note"))
        return " · ".join(said)

    def _tiles(self, spec: PageSpec, scope: Scope) -> tuple[Tile, ...]:
        keys = LARGE.get(spec.kind, ())
        if spec.kind in ("floor", "queue", "group", "totals") or (spec.kind == "outbound" and spec.figures):
            keys = spec.figures or (*usual_figures(floor=scope.path == "floor"), *_aged(spec))
        named = bool(spec.figures)
        tiles = (self._tile(key, scope, named=named) for key in keys if named or scope.path == "floor" or key not in FLOOR_ONLY)
        return tuple(tile for tile in tiles if tile is not None)

    def _tile(self, key: str, scope: Scope, *, named: bool) -> Tile | None:
        # What another site's box does not tell must not be shown as this one's.
        elsewhere = key in FLOOR_ONLY and scope.path.partition(".")[0] in (ALL_SITES, "site")
        # What no CRM tells of a channel is not known, and never 0.
        elsewhere = elsewhere or (scope.path.partition(".")[0] == CHANNEL and key not in CHANNEL_FIGURES)
        tile = None if elsewhere else self._reader.tile(key, scope)
        if tile is None and named:
            words = self._setting.words
            return Tile(key, words.text(key), words.texts.get(f"short.{key}", words.text(key)), DASH, fresh=scope.queue.fresh)
        return tile

    def _rows(self, spec: PageSpec) -> tuple[Row, ...]:
        of_kind: dict[str, Callable[[PageSpec], tuple[Row, ...]]] = {
            "queues": self._queues, "totals": self._totals, "agents": self._agents, "callbacks": self._callbacks,
            "channels": self._channels, "classes": self._classes, "outbound": self._outcomes,
            "trunks": self._trunks, "records": self._records, "headsets": self._headsets, "announcements": self._announcements,
        }  # fmt: skip
        rows = of_kind.get(spec.kind)
        return () if rows is None else rows(spec)

    def _queues(self, spec: PageSpec) -> tuple[Row, ...]:
        queues = chosen(self._snapshot.queues, spec.queues)
        columns = _columns(spec, queues.values())
        return (*self._queue_rows(queues, columns, spec), *self._channel_rows(spec, columns))

    def _queue_rows(self, queues: dict[str, Queue], columns: tuple[str, ...], spec: PageSpec) -> tuple[Row, ...]:
        times = Counter(queue.title or key for key, queue in queues.items())
        rows = ((self._queue_row(columns, Scope(f"queue.{key}", queue, spec.window), key), queue.pbx) for key, queue in queues.items())
        # Two PBXs may each have a "Ventas".
        return tuple(replace(row, title=f"{row.title} ({pbx})") if times[row.title] > 1 and pbx else row for row, pbx in rows)

    def _totals(self, spec: PageSpec) -> tuple[Row, ...]:
        if is_of_sites(spec):
            own, sites = self._snapshot.site, sites_of(self._snapshot, spec.sites)
            usual = _columns(spec, sites.values())
            columns = (*usual[:_AGE_AT], *_aged(spec), *usual[_AGE_AT:])
            paths = {key: "floor" if key == own else f"site.{key}" for key in sites}
            rows = ((self._queue_row(columns, Scope(paths[key], site, spec.window), key), site) for key, site in sites.items())
            return tuple(replace(row, title=self._site_title(row.title, site)) for row, site in rows)
        groups = chosen(self._snapshot.groups, spec.groups)
        columns = _columns(spec, groups.values())
        return tuple(self._queue_row(columns, Scope(f"group.{key}", group, spec.window), key) for key, group in groups.items())

    def _site_title(self, title: str, site: Queue) -> str:
        """A site that is not heard, or whose box is off, says so: its figures are old, and no zeros."""
        state = site.state if isinstance(site, Site) else ""
        return f"{title} · {self._setting.words.text(f'site.{state}')}" if state in ("silent", "down") else title

    def _callbacks(self, spec: PageSpec) -> tuple[Row, ...]:
        """Queues in which somebody is to be called back, the longest due first; those that the page names, in its order."""
        due = {key: queue for key, queue in self._snapshot.queues.items() if queue.callbacks is not None and queue.callbacks.open}
        oldest = {key: queue.callbacks.oldest_since or "" for key, queue in due.items() if queue.callbacks is not None}
        queues = (
            chosen(self._snapshot.queues, spec.queues) if spec.queues else {key: due[key] for key in sorted(due, key=oldest.__getitem__)}
        )
        return self._queue_rows(queues, CALLBACK_COLUMNS, spec)

    def _channels(self, spec: PageSpec) -> tuple[Row, ...]:
        """The floor's voice queues as one row, and each channel below it."""
        rows = self._channel_rows(replace(spec, channels=spec.channels or (EVERY_CHANNEL,)), CHANNEL_COLUMNS)
        if not rows:
            return ()
        voice = self._queue_row(CHANNEL_COLUMNS, Scope("floor", self._snapshot.floor, spec.window), "voice")
        return (replace(voice, title=self._setting.words.text("channel.voice")), *rows)

    def _channel_rows(self, spec: PageSpec, columns: tuple[str, ...]) -> tuple[Row, ...]:
        words, known = self._setting.words, self._snapshot.channels
        wanted = tuple(known) if EVERY_CHANNEL in spec.channels else spec.channels
        queues = {key: queue_of(key, known.get(key, Channel()), words) for key in wanted}
        return tuple(self._queue_row(columns, Scope(f"{CHANNEL}.{key}", queue, spec.window), key) for key, queue in queues.items())

    def _classes(self, spec: PageSpec) -> tuple[Row, ...]:
        scope = self._scope(spec)
        window = scope.figures()
        counts = class_shares(window.classes, self._setting.classes) if window is not None and window.classes else []
        total = sum(count for _, _, count in counts)
        return self._counted("class", [(key, title, count, total) for key, title, count in counts], scope)

    def _outcomes(self, spec: PageSpec) -> tuple[Row, ...]:
        scope = self._scope(spec)
        window = scope.figures()
        if window is None or window.outbound is None or scope.queue.fresh == "unknown":
            return ()
        attempts, shown = window.outbound.attempts, attempt_shares(window.outbound, self._setting.words)
        return self._counted("attempt", [(key, title, count, whole_of(key, attempts)) for key, title, count in shown], scope)

    def _counted(self, what: str, counts: list[tuple[str, str, int, int]], scope: Scope) -> tuple[Row, ...]:
        """A row for each outcome; of calls by class the share comes first, of outbound calls their number."""
        words, fresh = self._setting.words, scope.queue.fresh
        rows = []
        for key, title, count, total in counts:
            share, counted = count_tiles(words, what, count, total, fresh)
            tiles = (share, counted) if what == "class" else (counted, share)
            rows.append(Row(key, title, tiles, fresh, share=count / total if total else None))
        return tuple(rows)

    def _announcements(self, _spec: PageSpec) -> tuple[Row, ...]:
        words = self._setting.words
        return tuple(Row(each.id, each.text, state=each.severity, word=words.text(f"severity.{each.severity}")) for each in self._notices)

    def _trunks(self, _spec: PageSpec) -> tuple[Row, ...]:
        return trunk_rows(self._snapshot, self._setting.words)

    def _records(self, _spec: PageSpec) -> tuple[Row, ...]:
        lost = {each.id for each in self._snapshot.health if each.level == "red"}

        def row(key: str, records: Records) -> Row:
            fresh: Fresh = "stale" if f"smdr.{key}" in lost else "live"
            return Row(key, key, record_tiles(self._setting.words, records, fresh), fresh)

        return tuple(row(key, records) for key, records in self._snapshot.records.items())

    def _agents(self, spec: PageSpec) -> tuple[Row, ...]:
        named = spec.names and self._setting.names
        return agent_rows(self._snapshot, self._setting.words, spec.queues, self._now_ns, named=named)

    def _headsets(self, spec: PageSpec) -> tuple[Row, ...]:
        named = spec.names and self._setting.names
        return headset_rows(self._snapshot, self._setting.words, self._now_ns, named=named)

    def _queue_row(self, columns: tuple[str, ...], scope: Scope, key: str) -> Row:
        queue = scope.queue
        tiles = (self._tile(figure, scope, named=True) for figure in columns)
        age = clock_text(age_s(queue.as_of, self._now_ns)) if queue.fresh == "stale" and queue.as_of else ""
        return Row(key, queue.title or key, tuple(tile for tile in tiles if tile is not None), queue.fresh, age)


def _aged(spec: PageSpec) -> tuple[str, ...]:
    """Each site stands with its age, where the page names no figures."""
    return ("as_of",) if is_of_sites(spec) and not spec.figures else ()


def _columns(spec: PageSpec, rows: Iterable[Queue]) -> tuple[str, ...]:
    """A table's columns: those that the page names, else the usual ones; of those that are there only while known, what any row knows."""
    if spec.figures:
        return spec.figures
    told = list(rows)
    return tuple(key for key in COLUMNS if key not in _TOLD_BY or any(getattr(row, _TOLD_BY[key]) is not None for row in told))


def chosen(all_of: dict[str, Queue], wanted: tuple[str, ...]) -> dict[str, Queue]:
    """Those wanted, in the wanted order; all of them where none is named. One that is not there yet is unknown.

    >>> list(chosen({"a": Queue(), "b": Queue()}, ("b",)))
    ['b']
    """
    return {key: all_of.get(key, Queue()) for key in wanted} if wanted else all_of


def sites_of(snapshot: Snapshot, wanted: tuple[str, ...]) -> dict[str, Queue]:
    """Those wanted, in the wanted order; with `*` the own floor, by its site's name, and every other site. None where none is configured.

    >>> from appliance.floor.snapshot import Site
    >>> here = Snapshot(site="norte", sites={"sur": Site(site="sur", box="b")})
    >>> list(sites_of(here, ("*",))), list(sites_of(here, ("sur",))), sites_of(Snapshot(site="norte"), ("*",))
    (['norte', 'sur'], ['sur'], {})
    """
    if snapshot.sites is None:
        return {}
    every: dict[str, Queue] = {snapshot.site: snapshot.floor, **snapshot.sites}
    return every if EVERY_SITE in wanted else chosen(every, wanted)


def stale_text(words: Words, scope: Queue, now_wall_ns: int, zone: ZoneInfo) -> str:
    """The stamp of a stale scope, the word for an unknown one, nothing for a live one."""
    if scope.fresh == "live":
        return ""
    if scope.fresh == "unknown" or scope.as_of is None:
        return words.text("unknown")
    age = clock_text(age_s(scope.as_of, now_wall_ns))
    return words.text("stale", age=age, time=local_time(wall_ns_from_rfc3339(scope.as_of), zone, seconds=True))
