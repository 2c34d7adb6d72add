"""Decides how calls stand on a board by what became of them: classified calls by type, outbound ones by outcome, with shares. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.floor.snapshot import Fresh, Outbound
from wallboard.figure import OUTCOMES, share_of
from wallboard.tile import Tile, figure_text
from wallboard.words import Words


def class_shares(counts: Mapping[str, int], titles: Mapping[str, str]) -> list[tuple[str, str, int]]:
    """Key, title and count of each type of call: those of the configuration in its order, also with none; others as they came.

    >>> class_shares({"odd": 1, "perfect": 3}, {"perfect": "Perfecta", "improper": "Impropia"})
    [('perfect', 'Perfecta', 3), ('improper', 'Impropia', 0), ('odd', 'odd', 1)]
    """
    keys = dict.fromkeys((*titles, *sorted(counts)))
    return [(key, titles.get(key, key), counts.get(key, 0)) for key in keys]


def attempt_shares(outbound: Outbound, words: Words) -> list[tuple[str, str, int]]:
    """Key, title and count of each outcome that there was."""
    keys = dict.fromkeys((*OUTCOMES, *sorted(outbound.outcomes)))
    return [(key, words.texts.get(f"attempt.{key}", key), count) for key in keys if (count := outbound.outcomes.get(key, 0))]


def count_tiles(words: Words, what: str, count: int, total: int, fresh: Fresh) -> tuple[Tile, Tile]:
    """One outcome's share and its count, numerator and denominator with them; `what` is `class` or `attempt`. `total` 0: it is no part."""
    share = share_of(count, total)
    digits, unit = figure_text(words, "share", share)
    of = words.text("of", a=words.number(count), b=words.number(total))
    label, brief = words.text(f"{what}_share"), words.text(f"short.{what}_share")
    counted = Tile(
        f"{what}_count", words.text(f"{what}_count"), words.text(f"short.{what}_count"), words.number(count),
        notes=(f"{digits}{unit} · {of}",) if share is not None else (), fresh=fresh,
    )  # fmt: skip
    return Tile(f"{what}_share", label, brief, digits, unit, notes=(of,) if share is not None else (), fresh=fresh), counted


def whole_of(key: str, attempts: int) -> int:
    """Of how many calls an outcome is a part: a number that was never dialled, for the agent did not answer, is no attempt."""
    return 0 if key.startswith("agent_") else attempts
