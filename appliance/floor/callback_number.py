"""Decides which of many things belongs to a number, however it is spelt: an index by its last digits. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Final, Generic, TypeVar

from appliance.core.callers import digits_of, same_number

Key = TypeVar("Key", bound=Hashable)
#: Two spellings of one number of so many digits or more share these; shorter ones are alike or are two.
_TAIL: Final = 8


def digits_from_number(number: str | None) -> str:
    """The digits that can be called; none of a mark that stands for a number, nor where there is none.

    >>> digits_from_number("+593 99 123 4567"), digits_from_number("~k2345672ab"), digits_from_number("anonymous")
    ('593991234567', '', '')
    """
    return "" if not number or number.startswith("~") else digits_of(number)


class Numbers(Generic[Key]):
    """Keys by digits (`digits_from_number`).

    >>> numbers = Numbers(); numbers.put("a", "593991234567"); list(numbers.of("991234567"))
    ['a']
    """

    def __init__(self) -> None:
        self._digits: dict[Key, str] = {}
        self._tails: dict[str, dict[Key, None]] = {}

    def put(self, key: Key, digits: str) -> None:
        """The key belongs to this number now."""
        self.drop(key)
        self._digits[key] = digits
        self._tails.setdefault(digits[-_TAIL:], {})[key] = None

    def drop(self, key: Key) -> None:
        """The key is gone, if it was there."""
        digits = self._digits.pop(key, None)
        if digits is not None:
            tail = self._tails[digits[-_TAIL:]]
            del tail[key]
            if not tail:
                del self._tails[digits[-_TAIL:]]

    def of(self, digits: str) -> Iterable[Key]:
        """The keys of this number, oldest first."""
        return [key for key in self._tails.get(digits[-_TAIL:], ()) if same_number(self._digits[key], digits)]
