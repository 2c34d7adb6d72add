"""Decides when two calls are one caller's, without keeping a number: by a salted hash of what its spellings have in common. Pure.

Numbers that end in the same eight digits are one: `+593991234567`, `00593 99 123 4567`, `0991234567`. What one spelling has in front is
a country, a carrier or the way out of the house (appliance/core/callers.py). Shorter ones are one when all their digits are the same.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from appliance.core.callers import MARK, digits_of

_SUFFIX_DIGITS: Final = 8
_BYTES: Final = 8


class CallerKeys:
    """The keys of one salt; the salt itself is the box's, and stays there."""

    def __init__(self, salt: bytes) -> None:
        self._salt = salt[: blake2b.MAX_KEY_SIZE]
        #: Tells one salt from another and gives none away: keys of different salts have nothing to do with one another.
        self.mark = blake2b(b"mark", digest_size=_BYTES, key=self._salt).hexdigest()

    def of(self, caller: str | None) -> int | None:
        """The key of a caller as the PBX spells him, or of the mark that stands in his number's place; None where he tells no number.

        >>> keys = CallerKeys(b"salt")
        >>> keys.of("+593 99 123 4567") == keys.of("0991234567"), keys.of("0991234568") == keys.of("0991234567"), keys.of("anonymous")
        (True, False, None)
        """
        if not caller:
            return None
        plain = caller.removeprefix("+")
        if plain.isdecimal():  # as nearly every PBX spells them: a floor's day is folded in seconds
            told = plain.lstrip("0")[-_SUFFIX_DIGITS:]
        else:
            told = caller if MARK.fullmatch(caller) else digits_of(caller)[-_SUFFIX_DIGITS:]
        return int.from_bytes(blake2b(told.encode(), digest_size=_BYTES, key=self._salt).digest(), "big") if told else None
