"""Decides how a board comes to a terminal: the text medium's screens, coloured for a person, turning where one is not enough."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

from appliance.cli.terminal import coloured
from appliance.core.clock import NS, wall_ns_from_rfc3339
from appliance.core.config import Config
from appliance.core.errors import MisconfiguredError
from appliance.floor.snapshot import Snapshot
from wallboard.board import Board, board_from
from wallboard.board_set import FLOOR, BoardSet
from wallboard.layout import BoardSpec, PageSpec
from wallboard.text import WIDTH, Line, screens
from wallboard.words import words_of

__all__ = ["WIDTH", "Screen", "checked_board", "headset_screen", "screen"]
#: How long a screen stands where a board needs several.
TURN_S: Final = 8


class Screen:
    """Renders snapshots as one board of the configuration."""

    def __init__(self, config: Config, language: str | None = None, board: str = FLOOR) -> None:
        self._boards, self._name = BoardSet(config), board
        spec = self._boards.spec(board)
        self._language = language or (spec.language if spec else None) or config.site.language
        self._words, self._zone = words_of(self._language), ZoneInfo(config.site.timezone)

    @property
    def boards(self) -> BoardSet:
        """The boards of the configuration."""
        return self._boards

    def board(self, snapshot: Snapshot, now_wall_ns: int | None = None) -> Board:
        """The view model, as of now or of the snapshot."""
        return self._boards.board(self._name, snapshot, now_wall_ns or wall_ns_from_rfc3339(snapshot.time), self._language)

    def lines(self, snapshot: Snapshot, now_wall_ns: int | None = None, height: int | None = None, width: int = WIDTH) -> list[str]:
        """The screen that is due, line by line, in at most so many lines; all of the board where there is no such limit."""
        now = now_wall_ns or wall_ns_from_rfc3339(snapshot.time)
        made = screens(self.board(snapshot, now), self._words, self._zone, now, height, width)
        return [_coloured(line) for line in made[now // NS // TURN_S % len(made)]]


def checked_board(boards: BoardSet, name: str) -> None:
    """Raises MisconfiguredError for a board that the configuration does not have."""
    if boards.spec(name) is None:
        known = ", ".join(boards.names())
        fault = f'no board is called "{name}"; there are {known}, and queue.KEY and group.KEY for each queue and group'
        raise MisconfiguredError(fault)


def screen(snapshot: Snapshot, config: Config | None = None, language: str | None = None) -> str:
    """One snapshot as one text."""
    return "\n".join(Screen(config or Config(), language).lines(snapshot))


def headset_screen(snapshot: Snapshot, config: Config | None = None, language: str | None = None) -> str:
    """The headsets of one snapshot as one text."""
    config = config or Config()
    spec, now = BoardSpec(page=(PageSpec(kind="headsets", names=True),)), wall_ns_from_rfc3339(snapshot.time)
    words = words_of(language or config.site.language)
    board = board_from(spec, "headsets", BoardSet(config).setting(spec, language), snapshot, now)
    return "\n".join(_coloured(line) for made in screens(board, words, ZoneInfo(config.site.timezone), now) for line in made)


def _coloured(line: Line) -> str:
    return "".join(span.text if span.style == "none" else coloured(span.text, span.style) for span in line)
