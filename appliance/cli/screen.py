"""Decides how the floor looks in a terminal: one screen of 80 columns from the same view model as every board."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final
from zoneinfo import ZoneInfo

from appliance.cli.terminal import coloured
from appliance.core.clock import wall_ns_from_rfc3339
from appliance.core.config import Config
from appliance.floor.snapshot import Snapshot
from wallboard.alarm import thresholds_from
from wallboard.board import Board, Maker, Tile
from wallboard.moment import local_time
from wallboard.words import words_of

WIDTH: Final = 80
#: The table's columns: figure, width, and its heading in Spanish, English and Portuguese, too narrow for the boards' own words.
_COLUMNS: Final[tuple[tuple[str, int, dict[str, str]], ...]] = (
    ("waiting", 8, {"es": "En cola", "en": "Waiting", "pt": "Na fila"}),
    ("longest_wait", 8, {"es": "Espera", "en": "Longest", "pt": "Espera"}),
    ("service_level", 7, {"es": "Nivel", "en": "Level", "pt": "Nível"}),
    ("available", 7, {"es": "Disp.", "en": "Avail.", "pt": "Disp."}),
    ("busy", 6, {"es": "Ocup.", "en": "Busy", "pt": "Ocup."}),
    ("abandon_rate", 8, {"es": "Aband.", "en": "Aband.", "pt": "Aband."}),
    ("answered", 7, {"es": "Atend.", "en": "Answ.", "pt": "Atend."}),
    ("offered", 8, {"es": "Ofrec.", "en": "Offered", "pt": "Oferec."}),
)
_TITLE: Final = WIDTH - sum(width for _, width, _ in _COLUMNS)


class Screen:
    """Renders snapshots; keeps the alarms' hysteresis between two of them."""

    def __init__(self, config: Config, language: str | None = None) -> None:
        self.words = words_of(language or config.site.language)
        self.zone = ZoneInfo(config.site.timezone)
        self._maker = Maker(self.words, self.zone, thresholds_from(config.kpi))

    def board(self, snapshot: Snapshot, now_wall_ns: int | None = None) -> Board:
        """The view model, as of now or of the snapshot."""
        return self._maker.board(snapshot, now_wall_ns or wall_ns_from_rfc3339(snapshot.time))

    def lines(self, snapshot: Snapshot, now_wall_ns: int | None = None, queues: int | None = None) -> list[str]:
        """The screen, line by line; at most so many queues, the rest counted."""
        now = now_wall_ns or wall_ns_from_rfc3339(snapshot.time)
        board = self.board(snapshot, now)
        place = f"{snapshot.site} · {snapshot.box}" if snapshot.site else self.words.text("board")
        out = [_spread(coloured(place, "bold"), place, local_time(now, self.zone, seconds=True))]
        out += [coloured(f"▲ {' · '.join((b.text, *b.details))}"[:WIDTH], "red" if b.severe else "amber") for b in board.banners]
        out += [coloured(f"{self.words.text('announcement')}: {a.text}"[:WIDTH], "amber") for a in board.announcements]
        if board.stamp:
            out.append(coloured(board.stamp, "amber"))
        out += ["", *_tiles(board.tiles), "", self._head()]
        rows = board.rows if queues is None else board.rows[:queues]
        out += [_row(row.title, row.tiles) for row in rows]
        if len(rows) < len(board.rows):
            out.append(f"… {len(board.rows) - len(rows)} more")
        return out

    def _head(self) -> str:
        cells = [names[self.words.language][:width].rjust(width) for _, width, names in _COLUMNS]
        return coloured(_padded(self.words.text("board.queue"), _TITLE) + "".join(cells), "dim")


def screen(snapshot: Snapshot, config: Config | None = None, language: str | None = None) -> str:
    """One snapshot as one text."""
    return "\n".join(Screen(config or Config(), language).lines(snapshot))


def _tiles(tiles: Iterable[Tile]) -> list[str]:
    """Two figures a line."""
    cells = []
    for tile in tiles:
        figure = tile.value + tile.unit + (f" ({tile.note})" if tile.note else "")
        blank = " " * max(1, 37 - _columns(tile.label) - _columns(figure))
        cells.append(tile.label + blank + (coloured(figure, tile.level) if tile.level != "none" else coloured(figure, "bold")))
    plain = [*cells, ""] if len(cells) % 2 else cells
    return [f"{left}      {right}".rstrip() for left, right in zip(plain[::2], plain[1::2], strict=True)]


def _row(title: str, tiles: dict[str, Tile]) -> str:
    cells = []
    for key, width, _ in _COLUMNS:
        tile = tiles[key]
        text = (tile.value + tile.unit).rjust(width)
        cells.append(coloured(text, tile.level) if tile.level != "none" else text)
    return _padded(title, _TITLE) + "".join(cells)


def _spread(left: str, plain: str, right: str) -> str:
    return left + " " * max(1, WIDTH - _columns(plain) - _columns(right)) + right


def _padded(text: str, width: int) -> str:
    """A text in exactly so many columns."""
    out = ""
    for sign in text:
        if _columns(out + sign) > width - 1:
            break
        out += sign
    return out + " " * (width - _columns(out))


def _columns(text: str) -> int:
    """Columns that a terminal takes for a text.

    >>> _columns("Año"), _columns("客服")
    (3, 4)
    """
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in text)
