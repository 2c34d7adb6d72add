"""Decides what may stand in a board file: its pages, their figures in order of importance, the room it hangs in, its notices."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

PageKind = Literal[
    "floor", "queue", "group", "queues", "totals", "callbacks", "channels", "classes", "outbound", "agents", "trunks", "records",
    "headsets", "link", "announcements",
]  # fmt: skip
WindowName = Literal["today", "interval", "rolling"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
#: In `sites`: the own floor and every other site.
EVERY_SITE = "*"
#: In `channels`: every channel that the CRM tells of.
EVERY_CHANNEL = "*"
#: A board that nobody described: the customer's own measure, a 43-inch screen read from ten metres.
DISTANCE_M = 10.0
DIAGONAL_IN = 43.0
DWELL_S = 12.0


class PageSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One page. `figures` are keys of `wallboard.figure.FIGURES`, the most important first; none: the usual ones in their usual order.

    `floor`, `queue`, `group`: figures in large. `queues`, `totals`: a table, of queues, or of groups or sites with their sum on top;
    `queues`, `groups` or `sites` narrow and order its rows; sites by their keys, the own floor by its site's name, `["*"]` all.
    `channels`: other channels than voice, below the queues of a table, `["*"]` all; on a page of channels they narrow and order its rows.
    `classes` and `callbacks` are of the whole floor, `classes` of one `queue` or `group` where it is named.
    `names`: agents by name, where `[privacy] agent_names` allows it.
    """

    kind: PageKind
    name: str | None = None
    title: str | None = None
    queue: str | None = None
    group: str | None = None
    queues: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    window: WindowName = "today"
    dwell_s: Annotated[float, Meta(ge=2, le=3600, extra={"unit": "s"})] = DWELL_S
    names: bool = False


class NoticeSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One announcement of the board's own, on a schedule: local times of day, `until` before `at` means past midnight.

    `days` empty: every day. `first`, `last` are local dates (`2026-12-01`), both included. Without `at` and `until`: all day.
    """

    text: Annotated[str, Meta(min_length=1, max_length=1000)]
    severity: Literal["info", "warning", "urgent"] = "info"
    days: tuple[Weekday, ...] = ()
    at: str | None = None
    until: str | None = None
    first: str | None = None
    last: str | None = None


class BoardSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One board. `distance_m` is from where it must be read, `diagonal_in` its screen's diagonal; `pin` names the page that stays."""

    title: str | None = None
    language: Literal["es", "en", "pt"] | None = None
    distance_m: Annotated[float, Meta(ge=0.5, le=60, extra={"unit": "m"})] = DISTANCE_M
    diagonal_in: Annotated[float, Meta(ge=7, le=200, extra={"unit": "in"})] = DIAGONAL_IN
    pin: str | None = None
    page: tuple[PageSpec, ...] = ()
    notice: tuple[NoticeSpec, ...] = ()


def page_names(spec: BoardSpec) -> tuple[str, ...]:
    """Each page's name: its own, or one from what it shows, made unique by a number.

    >>> page_names(BoardSpec(page=(PageSpec(kind="queue", queue="ventas"), PageSpec(kind="agents"), PageSpec(kind="agents"))))
    ('queue.ventas', 'agents', 'agents-2')
    """
    names: list[str] = []
    taken = {page.name for page in spec.page if page.name}
    for page in spec.page:
        if page.name:
            names.append(page.name)
            continue
        key = page.queue if page.queue and page.kind in ("queue", "classes") else page.group
        wanted = f"{page.kind}.{key}" if key else page.kind
        name, number = wanted, 2
        while name in taken:
            name, number = f"{wanted}-{number}", number + 1
        taken.add(name)
        names.append(name)
    return tuple(names)


def is_of_sites(spec: PageSpec) -> bool:
    """Whether a page shows sites and not groups."""
    return spec.kind == "totals" and bool(spec.sites)


def board_of_floor() -> BoardSpec:
    """The board that every box has: the floor's figures, its queues and other channels; types of call, outbound calls, trunks and call
    records where there are any."""
    queues = PageSpec(kind="queues", channels=(EVERY_CHANNEL,))
    others = (PageSpec(kind="classes"), PageSpec(kind="outbound"), PageSpec(kind="trunks"), PageSpec(kind="records"))
    return BoardSpec(page=(PageSpec(kind="floor"), queues, *others))


def board_of_queue(key: str) -> BoardSpec:
    """One queue in large."""
    return BoardSpec(page=(PageSpec(kind="queue", queue=key),))


def board_of_group(key: str) -> BoardSpec:
    """One group of queues in large."""
    return BoardSpec(page=(PageSpec(kind="group", group=key),))
