"""Decides how what a PBX's call records tell stands on a board: calls that are over; who waits is not known from them, and never 0."""

from __future__ import annotations

from appliance.floor.snapshot import Fresh, Records
from wallboard.tile import Tile
from wallboard.words import DASH, Words, clock_text


def record_tiles(words: Words, told: Records, fresh: Fresh) -> tuple[Tile, ...]:
    """The figures of one PBX's records of today, the most important first."""
    figures = {
        "waiting": DASH,
        "answered": words.number(told.answered),
        "abandoned": words.number(told.abandoned),
        "records.not_told": words.number(told.not_told),
        "records.ring": clock_text(told.ring_avg),
        "records.talk": clock_text(told.talk_avg),
    }
    return tuple(Tile(key, words.text(key), words.text(f"short.{key}"), value, fresh=fresh) for key, value in figures.items())
