"""Decides how a board reads in a terminal: its pages one below the other, as many as have room, the rest on the next screen. Pure.

States are told by shape and word, so that nothing is lost without colour: ▲ near the limit, ◆ off target, ✓ acknowledged, ░ seen in part.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from wallboard.board import Board
from wallboard.moment import local_time
from wallboard.page import Page
from wallboard.row import Row
from wallboard.tile import Tile, is_vip
from wallboard.words import Words

WIDTH: Final = 80
Style = Literal["none", "amber", "red", "bold", "dim"]
_LEVELS: Final = {"none": "", "amber": "▲", "red": "◆"}
_MARKS: Final = {"call": "☎", "vip": "★"}
#: The least that a queue's title takes of a table; columns go from the least important on when there is less.
_TITLE: Final = 18
_GAP: Final = 2
_AGENT: Final = 38
_NOTICES: Final = 3
#: Lines of one announcement on its own page.
_WRAPPED: Final = 8
#: Lines that the figures have at the least, whatever is said above them.
_LEAST: Final = 5


class Span(Struct, frozen=True):
    """A piece of a line in one style."""

    text: str
    style: Style = "none"


Line = tuple[Span, ...]


def screens(
    board: Board, words: Words, zone: ZoneInfo, now_wall_ns: int, height: int | None = None, width: int = WIDTH
) -> list[list[Line]]:
    """The board as screens of at most so many lines (None: one screen, as long as it gets), each with its head and troubles.

    No line is wider than `width` columns. A table that does not fit goes on with the next screen.
    """
    head = [*_head(board, zone, now_wall_ns, width), *_said(board, words, width)]
    most = len(head) if height is None else max(2, height - _LEAST)
    if len(head) > most:
        head = [*head[: most - 1], (Span(f"+{len(head) - most + 1}", "amber"),)]
    if board.face == "closed":
        return [[*head, (), (Span(board.face_text, "bold"),)]]
    shown = [page for page in board.pages if board.pin in (None, page.name)]
    room = None if height is None else max(_LEAST, height - len(head))
    packed: list[list[Line]] = [[]]
    for whole, further in (part for page in shown for part in _parts(page, words, width, room)):
        if room is not None and packed[-1] and len(packed[-1]) + len(further) > room:
            packed.append([])
        packed[-1] += further if packed[-1] else whole
    if len(packed) == 1:
        return [head + packed[0]]
    return [_counted(head, f"{at}/{len(packed)}", width) + lines for at, lines in enumerate(packed, 1)]


def _head(board: Board, zone: ZoneInfo, now_wall_ns: int, width: int) -> list[Line]:
    clock = local_time(now_wall_ns, zone, seconds=True)
    return [(Span(padded(board.title, width - columns(clock)), "bold"), Span(clock))]


def _counted(head: list[Line], mark: str, width: int) -> list[Line]:
    title, clock = head[0]
    left = padded(title.text.rstrip(), width - columns(clock.text) - len(mark) - _GAP)
    return [(Span(left, "bold"), Span(mark, "dim"), Span(" " * _GAP + clock.text)), *head[1:]]


def _said(board: Board, words: Words, width: int) -> Iterator[Line]:
    for banner in board.banners:
        style: Style = "red" if banner.severe else "amber"
        mark = _MARKS.get(banner.trouble, "▲")
        whole = f"{mark} {' · '.join((banner.text, *banner.details))}"
        said = [whole] if columns(whole) <= width else [f"{mark} {banner.text}", *_joined(banner.details, width)]
        yield from ((Span(cut(text, width), style),) for text in said)
    for notice in board.announcements[:_NOTICES]:
        text = f"{words.text(f'severity.{notice.severity}')}: {' '.join(notice.text.split())}"
        yield (Span(cut(text, width), "red" if notice.severity == "urgent" else "amber"),)
    if len(board.announcements) > _NOTICES:
        yield (Span(f"+{len(board.announcements) - _NOTICES} {words.text('page.announcements')}", "amber"),)


def _joined(details: Iterable[str], width: int) -> list[str]:
    """A trouble's details, as many to a line as have room."""
    lines: list[str] = []
    for detail in details:
        more = f"{lines[-1]} · {detail}" if lines else ""
        if lines and columns(more) <= width:
            lines[-1] = more
        else:
            lines.append(f"  {detail}")
    return lines


def _parts(page: Page, words: Words, width: int, room: int | None) -> Iterator[tuple[list[Line], list[Line]]]:
    """A page in pieces that each fit a screen: as each begins a screen, under the page's title, and as it stands below another piece."""
    title = [(), _title(page, width)]
    for piece in _pieces(list(_tiles(page.tiles, width)), len(title), room):
        yield title + piece, title + piece
    heading = list(_heading(page, width))
    rows = list(_rows(page, words, width))
    rows += [(Span(f"+{page.more}", "dim"),)] if page.more else []
    for at, piece in enumerate(_pieces(rows, len(title) + len(heading), room)):
        whole = [*title, *heading, *piece]
        yield whole, [(), *heading, *piece] if page.tiles and at == 0 else whole


def _pieces(lines: list[Line], above: int, room: int | None) -> Iterator[list[Line]]:
    """The lines in pieces that have room under so many lines of title."""
    size = len(lines) if room is None else max(1, room - above)
    for at in range(0, len(lines), size or 1):
        yield lines[at : at + size]


def _title(page: Page, width: int) -> Line:
    said = " · ".join(text for text in (page.title, page.note) if text)
    return (Span(cut(said, width), "dim"),) if not page.stamp else (Span(cut(f"{said} · {page.stamp}", width), "amber"),)


def _tiles(tiles: tuple[Tile, ...], width: int) -> Iterator[Line]:
    """Two figures a line, their first notes beside them where there is room."""
    half = (width - 4) // 2
    cells = [_cell(tile, half) for tile in tiles]
    for at in range(0, len(cells), 2):
        right = cells[at + 1] if at + 1 < len(cells) else ()
        yield (*cells[at], *((Span("    "), *right) if right else ()))


def _cell(tile: Tile, width: int) -> Line:
    figure = _figure(tile)
    notes = [cleaned(note) for note in (*[tile.target] * (tile.level != "none"), *tile.notes, tile.last_week)]
    note = next((f" ({note})" for note in notes if note and columns(tile.label + figure + note) + 4 <= width), "")
    label = tile.label if columns(tile.label + figure) < width else cut(tile.short, width - columns(figure) - 1)
    gap = " " * max(1, width - columns(label + figure + note))
    return Span(label + gap), Span(figure + note, tile.level if tile.level != "none" else "dim" if tile.fresh != "live" else "bold")


def _figure(tile: Tile) -> str:
    seen = "✓" if tile.acknowledged else "★" if is_vip(tile) else ""
    return f"{_LEVELS[tile.level]}{seen}{tile.value}{tile.unit}{'░' if tile.hatched else ''}"


def _columns_of(page: Page, width: int) -> list[tuple[str, int]]:
    """The table's figures that have room, in order of importance, and how wide each is."""
    out: list[tuple[str, int]] = []
    left = width - _TITLE
    for at, tile in enumerate(page.rows[0].tiles if page.rows else ()):
        wide = _GAP + max([columns(tile.short), *(columns(_figure(row.tiles[at])) for row in page.rows)])
        if wide > left:
            break
        out.append((tile.key, wide))
        left -= wide
    return out


def _heading(page: Page, width: int) -> Iterator[Line]:
    wide = dict(_columns_of(page, width))
    if not wide:
        return
    tiles = page.rows[0].tiles
    text = "".join(_right(tile.short, wide[tile.key]) for tile in tiles if tile.key in wide)
    left = f"+{len(tiles) - len(wide)}" if len(wide) < len(tiles) else ""
    yield (Span(padded(left, width - sum(wide.values())) + text, "dim"),)


def _rows(page: Page, words: Words, width: int) -> Iterator[Line]:
    if page.kind in ("agents", "headsets"):
        abreast = max(1, width // (_AGENT + _GAP))
        cells = [_person(row) for row in page.rows]
        for at in range(0, len(cells), abreast):
            yield tuple(span for cell in cells[at : at + abreast] for span in cell)
        return
    if page.kind == "announcements":
        for row in page.rows:
            style: Style = "red" if row.state == "urgent" else "none"
            yield from ((Span(line, style),) for line in _wrapped(f"{row.word}: {row.title}", width))
        return
    sizes = dict(_columns_of(page, width))
    for row in page.rows:
        mark = f" {row.age or words.text('unknown')}" if row.fresh != "live" else f" {row.word}" if row.word else ""
        room = width - sum(sizes.values())
        title = padded(cut(row.title, room - columns(mark) - 1) + mark, room)
        yield (Span(title), *(_table_cell(row, key, size) for key, size in sizes.items()))


def _table_cell(row: Row, key: str, width: int) -> Span:
    tile = row.tile(key)
    return Span(_right(_figure(tile), width), tile.level if tile.level != "none" else "dim" if tile.fresh != "live" else "none")


def _person(row: Row) -> Line:
    age = f" {row.age}" if row.age else ""
    state = cut(row.word, _AGENT - columns(age) - 10) + age
    return Span(padded(row.title, _AGENT - columns(state) - 1)), Span(f" {state}", "dim"), Span(" " * _GAP)


def _right(text: str, width: int) -> str:
    return " " * max(0, width - columns(text)) + text


def padded(text: str, width: int) -> str:
    """A text in exactly so many columns.

    >>> padded("客服", 5), padded("abcdef", 4)
    ('客服 ', 'abc…')
    """
    text = cut(text, width)
    return text + " " * max(0, width - columns(text))


def _wrapped(text: str, width: int) -> list[str]:
    """A text in lines of whole words, an ellipsis at the end of the last where there is more."""
    lines = [""]
    for word in cleaned(text[: 4 * width * _WRAPPED]).split():
        more = f"{lines[-1]} {word}".lstrip()
        if columns(more) <= width or not lines[-1]:
            lines[-1] = more
        else:
            lines.append(word)
    if len(lines) > _WRAPPED or len(text) > 4 * width * _WRAPPED:
        lines[_WRAPPED - 1 :] = [f"{cut(lines[min(len(lines), _WRAPPED) - 1], width - 2)} …"]
    return [cut(line, width) for line in lines]


def cleaned(text: str) -> str:
    """A text without what a terminal would obey.

    >>> cleaned("a\\x1b[2Jb")
    'a [2Jb'
    """
    return "".join(sign if unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Zl", "Zp") else " " for sign in text)


def cut(text: str, width: int) -> str:
    """A text in at most so many columns, cleaned; an ellipsis where something is left out."""
    text = cleaned(text[: 4 * max(1, width)])
    if columns(text) <= width:
        return text
    out = ""
    for sign in text:
        if columns(out + sign) > width - 1:
            break
        out += sign
    return out + "…" if width > 0 else ""


def columns(text: str) -> int:
    """Columns that a terminal takes for a text.

    >>> columns("Año"), columns("客服")
    (3, 4)
    """
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in text)


def plain(lines: Iterable[Line]) -> list[str]:
    """The lines without their styles.

    >>> plain([(Span("a"), Span("b", "red"))])
    ['ab']
    """
    return ["".join(span.text for span in line).rstrip() for line in lines]
