"""Decides which texts of a PBX are numbers: plain digits, and no more of them than its seconds, states and causes ever have."""

from __future__ import annotations

from typing import Final

#: Nine digits of seconds are thirty years. Python refuses to read thousands of them, and a damaged line may have as many.
_MAX_DIGITS: Final = 9


def whole(text: str, digits: int = _MAX_DIGITS) -> int | None:
    """The number; None for what is none.

    >>> whole("17"), whole(""), whole("-1"), whole("9" * 5000)
    (17, None, None, None)
    """
    return int(text) if len(text) <= digits and text.isascii() and text.isdigit() else None
