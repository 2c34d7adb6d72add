"""Decides what one line of a page's table holds: of a queue, a channel, an outcome, a group of lines, an agent, a headset."""

from __future__ import annotations

from msgspec import Struct

from appliance.floor.snapshot import Fresh
from wallboard.alarm.quiet import Level
from wallboard.tile import Tile


class Row(Struct, frozen=True):
    """One line of a table: its title, its figures by key in order of importance, and for agents and headsets a state with its word.

    `since` is the RFC 3339 moment from which a duration ticks, None where none does. `share`: how much of all rows it is, of 1.
    """

    key: str
    title: str
    tiles: tuple[Tile, ...] = ()
    fresh: Fresh = "live"
    age: str = ""
    state: str = ""
    word: str = ""
    since: str | None = None
    level: Level = "none"
    share: float | None = None

    def tile(self, key: str) -> Tile:
        """The figure of one key. Raises KeyError."""
        for tile in self.tiles:
            if tile.key == key:
                return tile
        raise KeyError(key)
