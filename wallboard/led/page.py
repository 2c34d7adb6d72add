"""Decides what an LED chain says, and in which order: a board as short pages, by the ladder priority > alarm > scheduled > board. Pure.

A higher rung comes first and again between the figures of the board; it never takes their place. An alarm is a sign before the digits
(▲ near the limit, ◆ off target, hollow once acknowledged) that blinks until somebody acknowledged it. On a stale figure the unit (or the
label) blinks; digits never do. An unknown one is a dash; one that too little of the day was seen for stands behind a hatched bar.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from appliance.floor.snapshot import Announcement
from drivers.led_matrix import Ink
from wallboard.banner import Banner
from wallboard.board import Board
from wallboard.led.text import glyph_text
from wallboard.page import Page
from wallboard.precedence import Item, items
from wallboard.row import Row
from wallboard.tile import Tile
from wallboard.words import Words, words_of

_TROUBLES: Final = {"call": "☎", "link": "▲", "pbx": "✕", "box": "◆", "clock": "◆", "vip": "★"}
_ALARMS: Final = {"amber": ("▲", "△"), "red": ("◆", "◇"), "none": ("", "")}
_INKS: Final = {"none": Ink.PLAIN, "amber": Ink.AMBER, "red": Ink.RED}
_SEVERITIES: Final = {"info": Ink.PLAIN, "warning": Ink.AMBER, "urgent": Ink.RED}
THIN: Final = "▒"
#: Priority is said again after so many figures, an alarm after twice as many.
_BETWEEN: Final = 3
#: So many of each are said again at a time.
_AGAIN: Final = 4
_ALARMS_AT_ONCE: Final = 6
#: A table of people or seats longer than this is counted by what they do.
_ROWS: Final = 12
#: Figures of a row that are known by their shape; any other has its short label.
_BARE: Final = ("waiting", "longest_wait", "trunks", "callbacks", "class_share", "attempt_count")


class Part(Struct, frozen=True):
    """Some signs that stand together. `blinks`: they come and go twice in a second; `apart`: a gap before them; `spare`: left out first.

    `digits`: the figure itself, twice as high where there are two rows.
    """

    text: str
    ink: Ink = Ink.PLAIN
    blinks: bool = False
    apart: bool = False
    spare: bool = False
    digits: bool = False


class Said(Struct, frozen=True):
    """One thing said: a label (with a shorter form) and what stands after it, or a text alone. `key` is its identity in the rotation.

    `urgent`: it need not wait for its turn when it is new. `alone`: nothing stands beside it. `cells`: what stands side by side
    in its place.
    """

    key: str
    label: str
    short: str = ""
    parts: tuple[Part, ...] = ()
    blinks: bool = False
    ink: Ink = Ink.LABEL
    urgent: bool = False
    alone: bool = False
    cells: tuple[Said, ...] = ()


def pages_from(board: Board, *, dark_when_closed: bool = False) -> list[Said]:
    """The board as pages, in the order in which they are shown; at least one.

    `dark_when_closed`: outside opening hours nothing but the priority rung is said, and where there is none, nothing at all.
    """
    said = items(board)
    words = words_of(board.language)
    several = len({item.page.name for item in said if item.page is not None}) > 1
    rungs: dict[str, list[Said]] = {"priority": [], "alarm": [], "scheduled": []}
    for item in said:
        if item.rung in rungs:
            rungs[item.rung] += _of(item, words, several)
    figures = _board(said, words, several)
    if board.face == "closed":
        if dark_when_closed:
            return _interleaved(rungs["priority"], [], []) or [Said("closed", "")]
        figures = [Said("closed", glyph_text(board.face_text), ink=Ink.PLAIN), *figures]
    return _interleaved(rungs["priority"], rungs["alarm"], [*rungs["scheduled"], *figures]) or [Said("nothing", "")]


def _interleaved(priority: list[Said], alarms: list[Said], figures: list[Said]) -> list[Said]:
    """The rungs above the board first, and again between its figures: a few at a time, taking turns, so that many hide no figure."""
    out: list[Said] = []
    for slot, at in enumerate(range(0, max(1, len(figures)), _BETWEEN)):
        again = priority if slot == 0 else _turn(priority, slot, _AGAIN)
        if slot % 2 == 0:
            again = again + _turn(alarms, slot // 2, _ALARMS_AT_ONCE)
        out += [replace(page, key=f"{page.key}.{at}", urgent=slot == 0, alone=True) for page in again]
        out += figures[at : at + _BETWEEN]
    keys: dict[str, int] = {}
    for at, page in enumerate(out):
        # The rotation finds its place by the key: two announcements with one id must not send it round and round.
        keys[page.key] = keys.get(page.key, 0) + 1
        if keys[page.key] > 1:
            out[at] = replace(page, key=f"{page.key}~{keys[page.key]}")
    return out


def _turn(pages: list[Said], slot: int, most: int) -> list[Said]:
    """So many of the pages, others at each slot.

    >>> [said.key for said in _turn([Said("a", ""), Said("b", ""), Said("c", "")], 1, 2)]
    ['c', 'a']
    """
    if len(pages) <= most:
        return pages
    begin = slot * most % len(pages)
    return [*pages, *pages][begin : begin + most]


def _board(said: Iterable[Item], words: Words, several: bool) -> list[Said]:
    """The board rung: each page's figures and rows, under its title where there are several pages."""
    out: list[Said] = []
    titled: set[str] = set()
    for item in said:
        if item.rung != "board" or item.page is None:
            continue
        page = item.page
        if page.name not in titled:
            titled.add(page.name)
            if several:
                out.append(Said(f"{page.name}#", glyph_text(page.title), blinks=page.fresh == "stale"))
            if _is_counted(page):
                out += _counted(page, words)
        if item.row is None or not _is_counted(page):
            out += _of(item, words, several)
        if page.more and item.row is page.rows[-1]:
            out.append(Said(f"{page.name}+", glyph_text(words.text("more", n=words.number(page.more)))))
    return out


def _of(item: Item, words: Words, several: bool) -> Iterator[Said]:
    if item.banner is not None:
        yield from _trouble(item.key, item.banner)
    elif item.notice is not None:
        yield _notice(item.key, item.notice, words)
    elif item.tile is not None and item.page is not None:
        title = item.row.title if item.row is not None else item.page.title if several and item.rung == "alarm" else ""
        yield _figure(item.key, item.tile, title)
    elif item.row is not None:
        yield _row(item.key, item.row)


def _trouble(key: str, banner: Banner) -> Iterator[Said]:
    sign, ink = _TROUBLES[banner.trouble], Ink.RED if banner.severe else Ink.AMBER
    clock = (Part(glyph_text(banner.value), ink, digits=True),) if banner.value else ()
    yield Said(f"{key}.text", glyph_text(f"{sign} {banner.text}"), glyph_text(f"{sign} {banner.short}"), clock, ink=ink)
    if banner.details:
        yield Said(f"{key}.details", glyph_text(" · ".join(banner.details)), ink=ink)


def _notice(key: str, notice: Announcement, words: Words) -> Said:
    word = "" if notice.severity == "info" else words.text(f"severity.{notice.severity}") + ": "
    return Said(key, glyph_text(word + notice.text), ink=_SEVERITIES[notice.severity])


def _figure(key: str, tile: Tile, title: str) -> Said:
    stale = tile.fresh == "stale"
    label, short = (f"{title} {tile.label}", f"{title} {tile.short}") if title else (tile.label, tile.short)
    return Said(key, glyph_text(label), glyph_text(short), _parts(tile, stale), stale and not tile.unit)


def _parts(tile: Tile, stale: bool) -> tuple[Part, ...]:
    """Sign, digits and unit of one figure, with the hatched bar where too little was seen."""
    ink = _INKS[tile.level]
    sign = _ALARMS[tile.level][tile.acknowledged]
    parts = [Part(sign, ink, blinks=not tile.acknowledged)] if sign else []
    parts += [Part(THIN, Ink.LABEL)] if tile.hatched else []
    parts.append(Part(glyph_text(tile.value), ink, digits=True))
    if tile.unit:
        unit = tile.unit.strip()
        if tile.unit != unit:
            parts.append(Part(" ", spare=True))
        parts.append(Part(glyph_text(unit), Ink.LABEL, blinks=stale))
    return tuple(parts)


def _row(key: str, row: Row) -> Said:
    """A queue, a group, a trunk: its title and its first figures, as many as fit; an agent, a headset: who, what, how long."""
    stale = row.fresh == "stale"
    title = glyph_text(row.title or row.key)
    if not row.tiles:
        parts = [Part(glyph_text(row.word))] + ([Part(glyph_text(row.age), apart=True, spare=True)] if row.age else [])
        return Said(key, title, title, tuple(parts), stale)
    parts = []
    for at, tile in enumerate(row.tiles):
        own = list(_parts(tile, stale=False))
        if tile.key not in _BARE:
            own.insert(0, Part(glyph_text(tile.short) + " ", Ink.LABEL))
        own[0] = Part(own[0].text, own[0].ink, own[0].blinks, apart=at > 0)
        parts += [Part(part.text, part.ink, part.blinks, part.apart, part.spare or at > 0) for part in own]
    sign = _worst(row.tiles[1:])
    label = f"{row.title} {row.word}" if row.word else row.title
    return Said(key, glyph_text(sign + label), glyph_text(sign + title), tuple(parts), stale, alone=True)


def _worst(tiles: tuple[Tile, ...]) -> str:
    """The sign of the worst alarm among figures for which there may be no room: it stands before the row's title then."""
    for level in ("red", "amber"):
        raised = [tile for tile in tiles if tile.level == level]
        if raised:
            return _ALARMS[level][all(tile.acknowledged for tile in raised)] + " "
    return ""


def _is_counted(page: Page) -> bool:
    """Whether people or seats are shown as counts: there are many, or nobody may be named."""
    return page.kind in ("agents", "headsets") and bool(page.rows) and (len(page.rows) > _ROWS or not any(row.title for row in page.rows))


def _counted(page: Page, words: Words) -> list[Said]:
    counts: dict[str, int] = {}
    for row in page.rows:
        word = words.text("available") if row.state == "available" else row.word  # one is disponible, many are disponibles
        counts[word] = counts.get(word, 0) + 1
    if page.more:
        counts["…"] = page.more
    return [
        Said(
            f"{page.name}={word}",
            glyph_text(word),
            glyph_text(word.rpartition(" · ")[2]),
            (Part(str(count), digits=True),),
            page.fresh == "stale",
        )
        for word, count in counts.items()
    ]
