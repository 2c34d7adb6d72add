"""Decides where the items of a HID report descriptor begin and end (HID 1.11, 6.2.2.2 and 6.2.2.3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

#: The prefix of a long item: a length and a tag of one byte each follow it. No long item has been defined.
_LONG: Final = 0xFE
#: The two lowest bits of a prefix → bytes of data.
_SIZES: Final = (0, 1, 2, 4)


class Item(Struct, frozen=True):
    """One short item. `tag`: the prefix without its size, so type and tag in one; `at`: where it begins; `size`: bytes of data, 0 to 4."""

    at: int
    tag: int
    size: int
    value: int

    @property
    def signed(self) -> int:
        """The data as a two's complement number of its own size."""
        bits = 8 * self.size
        return self.value - (1 << bits) if bits and self.value >> (bits - 1) else self.value


class Oddity(Struct, frozen=True):
    """What is no short item: a long one, or a last one that is cut off."""

    at: int
    text: str


def items(raw: bytes) -> Iterator[Item | Oddity]:
    """All items in their order; a cut-off one ends them.

    >>> list(items(bytes.fromhex("05 0B  FE 01 F0 00  26 FF")))  # doctest: +NORMALIZE_WHITESPACE
    [Item(at=0, tag=4, size=1, value=11), Oddity(at=2, text='a long item, passed over'), Oddity(at=6, text='an item that is cut off')]
    """
    at = 0
    while at < len(raw):
        prefix = raw[at]
        long = prefix == _LONG
        # A long item without even its length is cut off, whatever the length would be.
        end = at + 3 + (raw[at + 1] if at + 1 < len(raw) else 0) if long else at + 1 + _SIZES[prefix & 3]
        if end > len(raw):
            yield Oddity(at, "an item that is cut off")
            return
        if long:
            yield Oddity(at, "a long item, passed over")
        else:
            yield Item(at, prefix & 0xFC, end - at - 1, int.from_bytes(raw[at + 1 : end], "little"))
        at = end
