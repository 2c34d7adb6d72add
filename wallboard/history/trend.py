"""Decides what a trend line remembers: one sample a minute of every figure over the last hour; a minute not known is a gap.

Series are flat arrays of single precision: 200 queues with every figure are about 2 MB. A figure that was never known has none.
"""

from __future__ import annotations

import hashlib
import math
import zlib
from array import array
from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import Struct

from appliance.core.clock import NS
from appliance.floor.snapshot import Queue, Satisfaction, Snapshot
from wallboard.figure import FIGURES, Figure, member_at, share_of
from wallboard.layout import WindowName
from wallboard.moment import age_s
from wallboard.tile import longest_wait_s

STEP_S: Final = 60
POINTS: Final = 61
WINDOWS: Final[tuple[WindowName, ...]] = ("today", "interval", "rolling")
_STEP_NS: Final = STEP_S * NS
_VERSION: Final = 1
#: Beyond so many scopes none is added: a floor has 200 queues at most.
_SCOPES_MAX: Final = 1_000
_FILE_MAX: Final = 64 * 1024 * 1024
_MARK_BYTES: Final = 32
_GAP: Final = math.nan

Value = float | int | None


class _Kept(Struct):
    version: int
    minute: int
    scopes: dict[str, dict[str, bytes]]


class Trend:
    """The last hour of every figure: of the floor, the queues and the groups, by path (`floor`, `queue.KEY`, `group.KEY`)."""

    def __init__(self) -> None:
        #: The minute of the newest sample, since 1970; 0 before the first.
        self.minute = 0
        self._scopes: dict[str, dict[str, array[float]]] = {}

    def is_due(self, now_ns: int) -> bool:
        """Whether this minute has no sample yet; after a clock was stepped back by no more than a minute it has."""
        return now_ns // _STEP_NS not in (self.minute, self.minute - 1)

    def sample(self, snapshot: Snapshot, now_ns: int) -> None:
        """Take the minute's sample. A clock stepped back, or on by an hour, begins anew."""
        self._move_to(now_ns // _STEP_NS)
        for path, scope in _scopes(snapshot):
            self._take(path, scope, snapshot, now_ns)
        for path in [path for path, series in self._scopes.items() if all(_is_blank(points) for points in series.values())]:
            del self._scopes[path]  # nothing was known of it for an hour

    def points(self, path: str, figure: str, window: WindowName = "today") -> list[Value]:
        """One figure's last hour, oldest first, the newest sample last; None where it was not known. Raises KeyError for no figure."""
        told = FIGURES[figure]
        series = self._scopes.get(path, {}).get(_key(figure, told, window))
        if series is None:
            return [None] * POINTS
        # NaN alone differs from itself; written out, for a large floor has a quarter of a million points.
        if told.form in ("count", "agents", "lines"):
            return [int(value) if value == value else None for value in series]  # noqa: PLR0124
        digits = 1 if told.form in ("wait", "since", "duration") else 4
        return [round(value, digits) if value == value else None for value in series]  # noqa: PLR0124

    def figures(self, path: str) -> list[str]:
        """The figures of which a scope has a line."""
        series = self._scopes.get(path, {})
        return [key for key, figure in FIGURES.items() if any(_key(key, figure, window) in series for window in WINDOWS)]

    def paths(self) -> list[str]:
        """The scopes that have lines."""
        return list(self._scopes)

    def to_bytes(self) -> bytes:
        """The lines as a cache for the next start."""
        scopes = {path: {key: points.tobytes() for key, points in series.items()} for path, series in self._scopes.items()}
        body = zlib.compress(msgspec.msgpack.encode(_Kept(_VERSION, self.minute, scopes)), 1)
        return hashlib.sha256(body).digest() + body

    @classmethod
    def from_bytes(cls, data: bytes) -> Trend:
        """The lines of the last start; empty ones when the cache is damaged or another version's: they fill again in an hour."""
        trend = cls()
        mark, body = data[:_MARK_BYTES], data[_MARK_BYTES:]
        if hashlib.sha256(body).digest() != mark:
            return trend
        try:
            unpacked = zlib.decompressobj().decompress(body, _FILE_MAX)
            kept = msgspec.msgpack.decode(unpacked, type=_Kept)
        except (zlib.error, msgspec.DecodeError):
            return trend
        if kept.version != _VERSION:
            return trend
        whole = POINTS * array("f").itemsize
        trend.minute = kept.minute
        for path, series in list(kept.scopes.items())[:_SCOPES_MAX]:
            trend._scopes[path] = {key: array("f", points) for key, points in series.items() if len(points) == whole}
        return trend

    def _move_to(self, minute: int) -> None:
        passed = minute - self.minute
        if not 0 < passed < POINTS:
            self._scopes.clear()
            passed = 0
        self.minute = minute
        if passed:
            gap = array("f", [_GAP] * passed)
            for series in self._scopes.values():
                for key, points in series.items():
                    series[key] = points[passed:] + gap
        # A scope that is new begins with an hour of gaps.

    def _take(self, path: str, scope: Queue, snapshot: Snapshot, now_ns: int) -> None:
        series = self._scopes.get(path)
        if series is None:
            if len(self._scopes) >= _SCOPES_MAX:
                return
            series = self._scopes[path] = {}
        for key, value in _values(path, scope, snapshot, now_ns):
            points = series.get(key)
            if points is None:
                if value is None:
                    continue
                points = series[key] = array("f", [_GAP] * POINTS)
            points[-1] = _GAP if value is None else value


def _scopes(snapshot: Snapshot) -> Iterator[tuple[str, Queue]]:
    yield "floor", snapshot.floor
    for kind, scopes in (("queue", snapshot.queues), ("group", snapshot.groups)):
        for key, scope in scopes.items():
            yield f"{kind}.{key}", scope


def _values(path: str, scope: Queue, snapshot: Snapshot, now_ns: int) -> Iterator[tuple[str, float | None]]:
    """Every figure of a scope, in each window where it has one; what is stale or unknown is None."""
    live = scope.fresh == "live"
    for key, figure in FIGURES.items():
        source = figure.source
        if source.startswith("window."):
            name = source.removeprefix("window.")
            for window in WINDOWS:
                shown = getattr(scope, window) if live else None
                value = member_at(shown, name)
                if figure.form == "rate":
                    value = share_of(value, member_at(shown, figure.of.removeprefix("window.")))
                yield _key(key, figure, window), _number(value)
        elif source.startswith("/"):
            if path == "floor":
                yield key, _of_the_house(figure, snapshot)
        elif not live:
            yield key, None
        elif figure.form == "wait":
            yield key, longest_wait_s(scope, now_ns)
        elif figure.form == "since":
            since = member_at(scope, source)
            yield key, 0.0 if member_at(scope, figure.of) == 0 else None if since is None else age_s(since, now_ns)
        elif figure.form == "agents":
            counts = scope.agents
            yield key, None if counts is None else float(sum(getattr(counts, state) for state in figure.states))
        else:
            yield key, _number(member_at(scope, source))


def _of_the_house(figure: Figure, snapshot: Snapshot) -> float | None:
    """A figure of the whole document: lines, shares of agents' time, what is held for the CRM."""
    trunks = snapshot.trunks.values()
    if figure.form == "lines":
        busy = [trunk.busy for trunk in trunks]
        known = [count for count in busy if count is not None]
        return float(sum(known)) if known and len(known) == len(busy) else None
    if figure.form == "all_busy":
        return max((share for trunk in trunks if (share := getattr(trunk, figure.of)) is not None), default=None)
    return _number(member_at(snapshot, figure.source[1:]))


def _key(figure: str, told: Figure, window: WindowName) -> str:
    """Where a line is kept: a figure of a window has one for each.

    >>> _key("waiting", FIGURES["waiting"], "today"), _key("asa", FIGURES["asa"], "rolling")
    ('waiting', 'rolling.asa')
    """
    return f"{window}.{figure}" if told.source.startswith("window.") else figure


def _number(value: object) -> float | None:
    if isinstance(value, Satisfaction):
        return value.mean
    return float(value) if isinstance(value, int | float) else None


def _is_blank(points: array[float]) -> bool:
    return all(math.isnan(value) for value in points)
