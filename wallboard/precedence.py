"""Decides what comes first where a medium says one thing at a time: priority, then alarm, then scheduled, then the board. Pure.

priority: an urgent announcement, a severe trouble (an extraordinary call, link, PBX, box). alarm: a figure that is off target and that
nobody has acknowledged; after those a VIP who waits. scheduled: every other announcement and trouble. board: the pages in their order. A
higher rung is said first, and again between the figures of the board; it never takes their place, so that no figure is hidden for good.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from appliance.floor.snapshot import Announcement
from wallboard.banner import Banner
from wallboard.board import Board
from wallboard.page import Page
from wallboard.row import Row
from wallboard.tile import Tile

Rung = Literal["priority", "alarm", "scheduled", "board"]
RUNGS: tuple[Rung, ...] = ("priority", "alarm", "scheduled", "board")


class Item(Struct, frozen=True):
    """One thing to say: a trouble, an announcement, a figure (of a page, or of a `row` of its table), or a whole row.

    `key` is its identity.
    """

    rung: Rung
    key: str
    banner: Banner | None = None
    notice: Announcement | None = None
    page: Page | None = None
    tile: Tile | None = None
    row: Row | None = None


def items(board: Board) -> tuple[Item, ...]:
    """Everything that the board has to say, highest rung first, each rung in the board's own order."""
    troubles = [each for each in board.banners if each.trouble != "vip"]
    out = [Item(_rung(urgent=each.severe), f"{each.trouble}.{at}", banner=each) for at, each in enumerate(troubles)]
    out += [Item(_rung(urgent=each.severity == "urgent"), f"notice.{each.id}", notice=each) for each in board.announcements]
    if board.face == "normal":
        for page in (page for page in board.pages if board.pin in (None, page.name)):
            out += _of_page(page)
    out += [Item("alarm", "vip", banner=each) for each in board.banners if each.trouble == "vip"]
    return tuple(sorted(out, key=lambda item: RUNGS.index(item.rung)))


def _rung(*, urgent: bool) -> Rung:
    return "priority" if urgent else "scheduled"


def _of_page(page: Page) -> list[Item]:
    """The page's figures and rows on the board rung; what is off target and not acknowledged also on the alarm rung."""
    if page.kind == "announcements":  # said already, each on its own rung
        return []
    out = []
    for tile in page.tiles:
        if tile.level == "red" and not tile.acknowledged:
            out.append(Item("alarm", f"alarm.{page.name}.{tile.key}", page=page, tile=tile))
        out.append(Item("board", f"{page.name}.{tile.key}", page=page, tile=tile))
    for row in page.rows:
        red = [tile for tile in row.tiles if tile.level == "red" and not tile.acknowledged]
        out += [Item("alarm", f"alarm.{page.name}/{row.key}.{tile.key}", page=page, tile=tile, row=row) for tile in red]
        out.append(Item("board", f"{page.name}/{row.key}", page=page, row=row))
    return out
