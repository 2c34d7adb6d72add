"""Decides what a pattern of a routing rule fits: `*` any signs, `?` one sign, everything else itself, upper and lower case alike. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_BETWEEN_DIGITS: Final = re.compile(r"[ ()./-]")
_GLOB: Final = re.compile(r"[*?]")
#: A pattern longer than this fits nothing that a PBX tells, and one of many `*` is tried for too long.
MOST_SIGNS: Final = 128
MOST_STARS: Final = 4


def number_pattern(text: str) -> str:
    """A pattern for numbers, without what people write between digits.

    >>> number_pattern("+593 (99) 123-*")
    '+59399123*'
    """
    return _BETWEEN_DIGITS.sub("", text)


class Patterns:
    """A row of patterns as one: whole texts and beginnings are looked up, the others tried.

    >>> some = Patterns(["+5939*", "VIP", "menu:?", "?9?"])
    >>> some.fit(["+593991"]), some.fit(["vip"]), some.fit(["menu:12"]), some.fit(["191"]), some.fit([])
    (True, True, False, True, False)
    """

    __slots__ = ("_beginnings", "_others", "_texts", "_wholes", "_wide")

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = frozenset(re.sub(r"\*+", "*", text.casefold()) for text in texts)
        self._wholes = frozenset(text for text in self._texts if not _GLOB.search(text))
        self._beginnings = tuple(sorted(text[:-1] for text in self._texts if text.endswith("*") and not _GLOB.search(text[:-1])))
        others = sorted(text for text in self._texts - self._wholes if text[:-1] not in self._beginnings or text[-1] != "*")
        self._others = _compiled(others, ".")
        # One sign of a wider pattern may not stand for a narrower one's `*`.
        self._wide = _compiled(others, "[^*]")

    def fit(self, spellings: Iterable[str]) -> bool:
        """Whether any pattern fits any of the spellings, which are casefolded already: there may be a thousand rules to ask."""
        for one in spellings:
            if one in self._wholes or one.startswith(self._beginnings):
                return True
            if self._others is not None and self._others.fullmatch(one):
                return True
        return False

    def cover(self, others: Patterns) -> bool:
        """Whether whatever fits the others also fits one of these, as far as one pattern of these alone does it.

        >>> Patterns(["09*", "?1"]).cover(Patterns(["0991*", "21"])), Patterns(["09?1"]).cover(Patterns(["09*"]))
        (True, False)
        """
        return all(
            text in self._texts or text.startswith(self._beginnings) or (self._wide is not None and self._wide.fullmatch(text) is not None)
            for text in others._texts
        )


def _compiled(texts: list[str], one_sign: str) -> re.Pattern[str] | None:
    def regex(text: str) -> str:
        return "".join(".*" if sign == "*" else one_sign if sign == "?" else re.escape(sign) for sign in text)

    return re.compile("|".join(regex(text) for text in texts), re.DOTALL) if texts else None
