"""Decides what a board says: the view model, a pure function of a board file and the floor snapshot, the same for every medium.

Pages stand in the board file's order and figures in their order of importance, so that a medium with little room shows the first
ones and pages through the rest. A level comes from the snapshot's alarms alone: it decorates a figure and never takes its place.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from appliance.floor.snapshot import AgentCounts, Announcement, Snapshot
from wallboard.alarm.quiet import Level
from wallboard.banner import Banner, banners
from wallboard.layout import BoardSpec, PageSpec, is_of_sites, page_names
from wallboard.page import Maker, Page, Setting
from wallboard.scope import vip_queues

_LEVELS: tuple[Level, ...] = ("none", "amber", "red")
_SEVERITIES = ("urgent", "warning", "info")


class Board(Struct, frozen=True):
    """What one board says at one instant. `level` is the worst alarm now raised; `pin` names the page that stays, None: they take turns."""

    name: str
    title: str
    language: str
    face: Literal["normal", "closed"]
    face_text: str
    pages: tuple[Page, ...]
    banners: tuple[Banner, ...]
    announcements: tuple[Announcement, ...]
    level: Level = "none"
    pin: str | None = None


def board_from(
    spec: BoardSpec, name: str, setting: Setting, snapshot: Snapshot, now_wall_ns: int, notices: tuple[Announcement, ...] = ()
) -> Board:
    """The board at this instant; durations tick with now, also when the snapshot is older. `notices` are the board's own, now due."""
    words = setting.words
    closed = is_closed(snapshot) and not (any(is_of_sites(page) for page in spec.page) and _is_open_elsewhere(snapshot))
    announcements = announced(snapshot, name, notices)
    maker = Maker(snapshot, setting, announcements, now_wall_ns)
    pages = tuple(page for page in (maker.page(each, called) for each, called in _pages(spec)) if page is not None)
    return Board(
        name,
        title=spec.title or snapshot.site or words.text("board"),
        language=words.language,
        face="closed" if closed else "normal",
        face_text=words.text("closed") if closed else "",
        pages=pages,
        banners=banners(
            snapshot, words, now_wall_ns, setting.zone, names=setting.names, vips=tuple(vip_queues(spec.page, snapshot).values())
        ),
        announcements=announcements,
        level=max((alarm.level for alarm in snapshot.alarms), key=_LEVELS.index, default="none"),
        pin=spec.pin if any(page.name == spec.pin for page in pages) else None,
    )


def _pages(spec: BoardSpec) -> list[tuple[PageSpec, str]]:
    """The file's pages and their names; what the link holds comes last of itself, while there is something to say of it."""
    pages = list(zip(spec.page, page_names(spec), strict=True))
    if not any(page.kind == "link" for page in spec.page):
        pages.append((PageSpec(kind="link"), "link"))
    return pages


def announced(snapshot: Snapshot, board: str, notices: tuple[Announcement, ...]) -> tuple[Announcement, ...]:
    """What is announced on one board, the gravest first; those of the CRM and the command line before the board's own."""
    here = [each for each in snapshot.announcements if not each.boards or board in each.boards]
    return tuple(sorted([*here, *notices], key=lambda each: _SEVERITIES.index(each.severity)))


def is_closed(snapshot: Snapshot) -> bool:
    """Outside opening hours, once nobody waits or talks, a board shows its closed face (kpis, "Windows")."""
    floor = snapshot.floor
    counts = floor.agents or AgentCounts()
    return not snapshot.open and not floor.waiting and not (counts.talking or counts.holding or counts.ringing)


def _is_open_elsewhere(snapshot: Snapshot) -> bool:
    """A board of several sites goes on while one of them is open, or has callers after its hours."""
    return any(site.fresh != "unknown" and (site.open or site.waiting) for site in (snapshot.sites or {}).values())
