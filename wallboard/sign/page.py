"""Decides what a serial sign says, and in which order: a board as short phrases, by the ladder priority > alarm > scheduled > board. Pure.

What is urgent takes the whole sign for some seconds and always carries its figure; the rotation goes on between. Digits are marked by
shape and word, as many signs have one colour: `!83` near the limit, `!!83` off target, `(83)` no longer live, `/83/` of which too little
was seen, a dash for what is not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from msgspec import Struct

from appliance.floor.snapshot import Announcement
from wallboard.banner import Banner
from wallboard.board import Board
from wallboard.page import Page
from wallboard.precedence import Item, items
from wallboard.row import Row
from wallboard.tile import Tile
from wallboard.words import Words, words_of

Tone = Literal["plain", "dim", "amber", "red"]
#: How much room a live part may need: a figure, a row of figures, a sentence.
Size = Literal["figure", "row", "long"]
_TONES: Final[tuple[Tone, ...]] = ("plain", "dim", "amber", "red")
_MARKS: Final = {"none": "", "amber": "!", "red": "!!"}
#: Of a row these are known by their shape; any other has its short label.
_BARE: Final = ("waiting", "longest_wait", "trunks", "callbacks", "class_share", "attempt_count")
_ROW_FIGURES: Final = 3
_ROW_LETTERS: Final = 44
#: So many announcements are said in the rotation; of more it is said how many.
_NOTICES: Final = 6


class Phrase(Struct, frozen=True):
    """One thing said. `label` stands still (`short` where that has no room); `value` changes while the text runs, and is called by `live`.

    Two phrases with one `live` say the same figure. `title`: it introduces those that follow.
    """

    key: str
    label: str
    short: str = ""
    value: str = ""
    live: str = ""
    size: Size = "figure"
    tone: Tone = "plain"
    title: bool = False

    @property
    def text(self) -> str:
        """Label and value."""
        return " ".join(part for part in (self.label, self.value) if part)


class Sayings(Struct, frozen=True):
    """What takes the sign over, the gravest first, and what goes round."""

    priority: tuple[Phrase, ...]
    rotation: tuple[Phrase, ...]


def sayings_from(board: Board, time_of_day: str | None = None) -> Sayings:
    """The board in phrases. `time_of_day` ends the rotation: of when the figures are, so that a sign that was cut off gives itself away."""
    words = words_of(board.language)
    said = items(board)
    urgent = [phrase for item in said if item.rung in ("priority", "alarm") for phrase in _urgent(item, words)]
    rotation = [phrase for item in said if item.banner is not None for phrase in _banner(f"banner.{item.key}", item.banner)]
    rotation += _notices([item.notice for item in said if item.notice is not None], words)
    if board.face == "closed":
        rotation.append(Phrase("closed", board.face_text))
    rotation += _pages([item for item in said if item.rung == "board"], words)
    if time_of_day is not None:
        rotation.append(Phrase("as_of", words.text("sign.as_of"), value=time_of_day, live="as_of"))
    return Sayings(tuple(urgent), tuple(rotation))


def value_text(tile: Tile, words: Words) -> str:
    """The digits of a figure with what they need to be believed.

    >>> value_text(Tile("waiting", "En cola", "Cola", "4", fresh="stale"), words_of("es"))
    '(4)'
    """
    text = f"{tile.value}{tile.unit}"
    if tile.hatched:
        text = f"/{text}/"
    if tile.fresh == "stale":
        text = f"({text})"
    seen = f" {words.text('acknowledged')}" if tile.acknowledged else ""
    return f"{_MARKS[tile.level]}{text}{seen}"


def _tone(tile: Tile) -> Tone:
    return "dim" if tile.fresh != "live" else tile.level if tile.level != "none" else "plain"


def _urgent(item: Item, words: Words) -> Iterator[Phrase]:
    key = f"now.{item.key}"
    if item.banner is not None:
        for phrase in _banner(f"banner.{item.key}", item.banner):
            tone: Tone = "red" if item.rung == "priority" else phrase.tone
            yield Phrase(key, phrase.label, phrase.short, phrase.value, phrase.live, phrase.size, tone)
    elif item.notice is not None:
        yield Phrase(key, _notice_text(item.notice, words), tone="red")
    elif item.tile is not None and item.page is not None:
        tile, title = item.tile, item.page.title if item.row is None else item.row.title
        label, short = f"{title}: {tile.label}", f"{title}: {tile.short}"
        place = item.page.name if item.row is None else f"{item.page.name}/{item.row.key}"
        yield Phrase(key, label, short, value_text(tile, words), f"{place}.{tile.key}", tone="red")


def _banner(key: str, banner: Banner) -> Iterator[Phrase]:
    tone: Tone = "red" if banner.severe else "amber"
    details = " - ".join(banner.details)
    if banner.value:
        yield Phrase(key, banner.text, banner.short, details, key, "row", tone)
        return
    yield Phrase(key, banner.text + (":" if details else ""), banner.short, details, key if details else "", "long", tone)


def _notices(notices: list[Announcement], words: Words) -> list[Phrase]:
    tones: dict[str, Tone] = {"info": "plain", "warning": "amber", "urgent": "red"}
    out = [Phrase(f"notice.{each.id}", _notice_text(each, words), tone=tones[each.severity]) for each in notices[:_NOTICES]]
    if len(notices) > _NOTICES:
        out.append(Phrase("notice+", words.text("more", n=words.number(len(notices) - _NOTICES))))
    return out


def _notice_text(notice: Announcement, words: Words) -> str:
    return f"{words.text(f'severity.{notice.severity}')}: {' '.join(notice.text.split())}"


def _pages(said: list[Item], words: Words) -> Iterator[Phrase]:
    pages = list({item.page.name: item.page for item in said if item.page is not None}.values())
    for page in pages:
        if len(pages) > 1 or page.kind in ("queue", "group"):
            yield Phrase(f"{page.name}#", page.title, title=True)
        if page.stamp:
            yield Phrase(f"{page.name}@", "", value=page.stamp, live=f"{page.name}@", size="long", tone="dim")
        for tile in page.tiles:
            key = f"{page.name}.{tile.key}"
            yield Phrase(key, tile.label, tile.short, value_text(tile, words), key, tone=_tone(tile))
        if page.kind in ("agents", "headsets"):
            yield from _counted(page, words)
        else:
            yield from (_row(f"{page.name}/{row.key}", row, words) for row in page.rows)
        if page.more and page.kind not in ("agents", "headsets"):
            yield Phrase(f"{page.name}+", words.text("more", n=words.number(page.more)))


def _row(key: str, row: Row, words: Words) -> Phrase:
    """A queue, a group, a trunk: its title and its first figures, as many as have room."""
    said = ""
    for at, tile in enumerate(row.tiles[:_ROW_FIGURES]):
        figure = value_text(tile, words) if tile.key in _BARE else f"{tile.short} {value_text(tile, words)}"
        if at and len(said) + len(figure) + 2 > _ROW_LETTERS:
            break
        said += f"  {figure}" if at else figure
    worst = max((_tone(tile) for tile in row.tiles[:_ROW_FIGURES]), key=_TONES.index, default=_TONES[0])
    if row.fresh != "live":
        said += f" {row.age or words.text('unknown')}"
    elif row.word:
        said = f"{said} {row.word}".strip()
    return Phrase(key, row.title or row.key, "", said, key, "row", "dim" if row.fresh != "live" else worst)


def _counted(page: Page, words: Words) -> Iterator[Phrase]:
    """People and seats by what they do: a sign names nobody."""
    counts: dict[str, int] = {}
    for row in page.rows:
        # One is disponible, many are disponibles.
        word = words.text("available") if row.state == "available" else row.word.partition(" · ")[0]
        counts[word] = counts.get(word, 0) + 1
    for word, count in counts.items():
        key = f"{page.name}={word}"
        number = words.number(count)
        yield Phrase(key, word, "", number if page.fresh == "live" else f"({number})", key, tone="plain" if page.fresh == "live" else "dim")
    if page.more:
        yield Phrase(f"{page.name}+", words.text("more", n=words.number(page.more)))
