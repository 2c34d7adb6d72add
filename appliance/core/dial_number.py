"""Decides which texts are numbers that may be dialled, and what a pattern of the configuration means: pure.

Letters are refused, never translated to keys; signs that people put between digits are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

_SIGNS: Final = re.compile(r"[ ().\-/]")
_NUMBER: Final = re.compile(r"\+?[0-9]{1,18}")
#: E.164: a country's code and a number are fifteen digits at most; none in use has fewer than seven.
_LEAST, _MOST = 7, 15
_PIECE: Final = re.compile(r"[0-9+]|[xzn]|\[[0-9]+(?:-[0-9])?\]|\*", re.IGNORECASE)
_CLASS: Final = {"x": "[0-9]", "z": "[1-9]", "n": "[2-9]", "*": "[0-9]*", "+": r"\+"}


def number_from_text(text: str) -> str:
    """The digits of a number, `+` before an international one. Raises ValueError: why it is none.

    >>> number_from_text("+593 (2) 345-6789"), number_from_text("2040")
    ('+59323456789', '2040')
    """
    number = _SIGNS.sub("", text)
    if not _NUMBER.fullmatch(number):
        raise ValueError("bad_number: a number is digits, with + before an international one; letters, * and # are not dialled")
    if number.startswith("+") and (number[1] == "0" or not _LEAST <= len(number) - 1 <= _MOST):
        raise ValueError(f"bad_number: an international number is + and {_LEAST} to {_MOST} digits (E.164), the first not 0")
    return number


@cache
def regex_of(pattern: str) -> re.Pattern[str]:
    """A pattern of numbers: digits as they are, `x` any digit, `z` 1 to 9, `n` 2 to 9, `[2-5]` one of these, `*` at the end any digits.

    >>> bool(regex_of("09xxxxxxxx").fullmatch("0991234567")), bool(regex_of("+593*").fullmatch("+59323456789"))
    (True, True)

    Raises ValueError for one that is none.
    """
    pieces = _PIECE.findall(pattern)
    if not pieces or "".join(pieces) != pattern or "*" in pieces[:-1] or "+" in pieces[1:]:
        raise ValueError(f'"{pattern}" is no pattern of numbers')
    try:
        return re.compile("".join(_CLASS.get(piece.lower(), piece) for piece in pieces))
    except re.error as fault:
        raise ValueError(f'"{pattern}" is no pattern of numbers: {fault}') from fault


def fits(number: str, patterns: Iterable[str]) -> bool:
    """Whether a number is one of those that the patterns mean."""
    return any(regex_of(pattern).fullmatch(number) for pattern in patterns)
