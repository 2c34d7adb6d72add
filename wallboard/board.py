"""Decides what a board says: the view model, a pure function of the floor snapshot, the same for LED, terminal and (in the page) TV.

Tiles come in their order of importance, so that a medium with little room shows the first ones and pages through the rest.
"""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from appliance.core.clock import NS, wall_ns_from_rfc3339
from appliance.floor.snapshot import AgentCounts, Announcement, Fresh, Pbx, Queue, Snapshot
from wallboard.alarm import Holder, Level, Threshold
from wallboard.moment import age_s, local_time
from wallboard.words import DASH, Words, clock_text

Trouble = Literal["link", "pbx", "box", "clock"]


class Tile(Struct, frozen=True):
    """One figure: `value` is digits (or a dash), `unit` what follows them, `note` what stands beside in small."""

    key: str
    label: str
    short: str
    value: str
    unit: str = ""
    note: str = ""
    fresh: Fresh = "live"
    level: Level = "none"


class Banner(Struct, frozen=True):
    """One trouble in words: what, and its details in order of importance. `short` is for ten characters of LED."""

    trouble: Trouble
    state: str
    text: str
    short: str
    details: tuple[str, ...] = ()
    severe: bool = True


class Row(Struct, frozen=True):
    """One queue in the table: its title and its tiles by key."""

    key: str
    title: str
    tiles: dict[str, Tile]


class Board(Struct, frozen=True):
    """What one board says at one instant."""

    title: str
    face: Literal["normal", "closed"]
    face_text: str
    stamp: str
    tiles: tuple[Tile, ...]
    banners: tuple[Banner, ...]
    rows: tuple[Row, ...]
    announcements: tuple[Announcement, ...]


class Maker:
    """Makes boards from snapshots; keeps only each figure's held alarm level between two of them."""

    def __init__(self, words: Words, zone: ZoneInfo, thresholds: dict[str, Threshold], queue: str | None = None, name: str = "") -> None:
        self._words, self._zone, self._thresholds, self._queue, self._name = words, zone, thresholds, queue, name
        self._holder = Holder()

    def board(self, snapshot: Snapshot, now_wall_ns: int) -> Board:
        """The board at this instant; durations tick with now, also when the snapshot is older."""
        words = self._words
        scope = snapshot.floor if self._queue is None else snapshot.queues.get(self._queue, Queue())
        path = "floor" if self._queue is None else f"queue.{self._queue}"
        title = snapshot.site if self._queue is None else scope.title or self._queue
        return Board(
            title=title,
            face="closed" if is_closed(snapshot) else "normal",
            face_text=words.text("closed") if is_closed(snapshot) else "",
            stamp=stale_text(words, scope, now_wall_ns, self._zone),
            tiles=self._tiles(snapshot, scope, path, now_wall_ns),
            banners=banners(snapshot, words, now_wall_ns, self._zone),
            rows=tuple(
                Row(key, queue.title or key, {tile.key: tile for tile in self._tiles(snapshot, queue, f"queue.{key}", now_wall_ns)})
                for key, queue in snapshot.queues.items()
            ),
            announcements=tuple(a for a in snapshot.announcements if not a.boards or self._name in a.boards),
        )

    def _tiles(self, snapshot: Snapshot, scope: Queue, path: str, now_wall_ns: int) -> tuple[Tile, ...]:
        words, today, counts = self._words, scope.today, scope.agents
        waited_s = longest_wait_s(scope, now_wall_ns)

        def held(figure: str, value: float | None) -> Level:
            return "none" if scope.fresh != "live" else self._level(snapshot, path, figure, value, now_wall_ns)

        out = [
            self._tile("waiting", count(words, scope.waiting), scope),
            self._tile("longest_wait", clock_text(waited_s), scope, "", "", held("longest_wait", waited_s)),
            self._share("service_level", today.service_level, today.service_level_of, scope, held("service_level", today.service_level)),
            self._tile("available", _agents(words, counts, "available"), scope),
            self._tile("busy", _agents(words, counts, "talking", "holding", "ringing"), scope),
            self._tile("wrap_up", _agents(words, counts, "wrap_up"), scope),
            self._tile("paused", _agents(words, counts, "paused"), scope),
            self._share("abandon_rate", today.abandon_rate, today.abandon_rate_of, scope, held("abandon_rate", today.abandon_rate)),
            self._tile("asa", clock_text(today.asa), scope, "", "", held("asa", today.asa)),
            self._tile("answered", count(words, today.answered), scope),
            self._tile("offered", count(words, today.offered), scope),
        ]
        return tuple(out)

    def _share(self, key: str, share: float | None, parts: tuple[int, int] | None, scope: Queue, level: Level) -> Tile:
        words = self._words
        value, unit = (DASH, "") if share is None else words.percent(share)
        note = "" if not parts else words.text("of", a=words.number(parts[0]), b=words.number(parts[1]))
        return self._tile(key, value, scope, unit, note, level)

    def _tile(self, key: str, value: str, scope: Queue, unit: str = "", note: str = "", level: Level = "none") -> Tile:
        words = self._words
        if scope.fresh == "unknown":
            value, unit, note, level = DASH, "", "", "none"
        return Tile(key, words.text(key), words.texts.get(f"short.{key}", words.text(key)), value, unit, note, scope.fresh, level)

    def _level(self, snapshot: Snapshot, path: str, figure: str, value: float | None, now_wall_ns: int) -> Level:
        name = f"{path}.{figure}"
        for alarm in snapshot.alarms:
            if alarm.id == name:
                return alarm.level
        threshold = self._thresholds.get(figure)
        level: Level = "none" if threshold is None else threshold.level(value)
        return self._holder.hold(name, level, now_wall_ns / NS)


def is_closed(snapshot: Snapshot) -> bool:
    """Outside opening hours, once nobody waits or talks, a board shows its closed face (kpis, "Windows")."""
    floor = snapshot.floor
    counts = floor.agents or AgentCounts()
    return not snapshot.open and not floor.waiting and not (counts.talking or counts.holding or counts.ringing)


def longest_wait_s(scope: Queue, now_wall_ns: int) -> float | None:
    """The longest wait now: ticking from when that caller joined; 0 when nobody waits; None when not known."""
    if scope.waiting is None:
        return None
    if scope.waiting == 0:
        return 0.0
    if scope.longest_since is None:
        return scope.longest_wait
    # Out of sight nobody knows whether that caller still waits: the wait stands as it was last seen.
    seen_ns = min(now_wall_ns, wall_ns_from_rfc3339(scope.as_of)) if scope.fresh == "stale" and scope.as_of else now_wall_ns
    return age_s(scope.longest_since, seen_ns)


def stale_text(words: Words, scope: Queue, now_wall_ns: int, zone: ZoneInfo) -> str:
    """The stamp of a stale scope, the word for an unknown one, nothing for a live one."""
    if scope.fresh == "unknown":
        return words.text("unknown")
    if scope.fresh == "live":
        return ""
    if scope.as_of is None:
        return words.text("unknown")
    age = clock_text(age_s(scope.as_of, now_wall_ns))
    return words.text("stale", age=age, time=local_time(wall_ns_from_rfc3339(scope.as_of), zone, seconds=True))


def count(words: Words, value: int | None) -> str:
    """A count, or a dash when it is not known."""
    return DASH if value is None else words.number(value)


def _agents(words: Words, counts: AgentCounts | None, *states: str) -> str:
    return DASH if counts is None else words.number(sum(getattr(counts, state) for state in states))


def banners(snapshot: Snapshot, words: Words, now_wall_ns: int, zone: ZoneInfo) -> tuple[Banner, ...]:
    """Every trouble that a board must say in words, gravest first."""
    out = [banner for key, pbx in snapshot.pbx.items() if (banner := _pbx_banner(key, pbx, len(snapshot.pbx), words, now_wall_ns, zone))]
    link = _link_banner(snapshot, words, now_wall_ns, zone)
    if link:
        out.append(link)
    out += [
        Banner("box", item.level, words.text("box.fault"), item.id.upper(), (item.text or item.id,), item.level == "red")
        for item in snapshot.health
        if item.level != "ok"
    ]
    if snapshot.clock == "unset":
        out.append(Banner("clock", "unset", words.text("clock.unset"), words.text("clock.unset"), (), severe=False))
    return tuple(sorted(out, key=lambda banner: not banner.severe))


def _pbx_banner(key: str, pbx: Pbx, of: int, words: Words, now_wall_ns: int, zone: ZoneInfo) -> Banner | None:
    if pbx.state == "up":
        return None
    details = () if pbx.since is None else (_since(pbx.since, words, now_wall_ns, zone),)
    named = details if of == 1 else (key, *details)
    severe = pbx.state != "resyncing"
    return Banner("pbx", pbx.state, words.text(f"pbx.{pbx.state}"), words.text("short.pbx.down"), named, severe)


def _link_banner(snapshot: Snapshot, words: Words, now_wall_ns: int, zone: ZoneInfo) -> Banner | None:
    crm = snapshot.crm
    if crm.state in {"up", "off"}:
        return None
    held = f"{words.text('held')} {words.number(crm.backlog)}"
    details = [held]
    if crm.oldest is not None:
        details.append(f"{words.text('oldest')} {clock_text(age_s(crm.oldest, now_wall_ns))}")
    if crm.state == "draining":
        if crm.drain_s is not None:
            details.append(words.text("to_go", t=clock_text(crm.drain_s)))
    elif crm.since is not None:
        details.insert(0, _since(crm.since, words, now_wall_ns, zone))
    short = words.texts.get(f"short.link.{crm.state}", words.text("short.link.down"))
    return Banner("link", crm.state, words.text(f"link.{crm.state}"), short, tuple(details), crm.state != "draining")


def _since(moment: str, words: Words, now_wall_ns: int, zone: ZoneInfo) -> str:
    at = local_time(wall_ns_from_rfc3339(moment), zone)
    return f"{words.text('since', t=at)} ({clock_text(age_s(moment, now_wall_ns))})"
