"""Decides which usages the next main item of a report descriptor gets (HID 1.11, 6.2.2.8), pages that come after them included."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from headsets.field import UsageRange
from headsets.item import Item

USAGE: Final = 0x08
MINIMUM: Final = 0x18
MAXIMUM: Final = 0x28
DELIMITER: Final = 0xA8


class _Usage(Struct):
    """A usage or a range of them as it was said; `whole`: its page came with it, in four bytes."""

    page: int
    first: int
    last: int
    whole: bool


class Gathering:
    """The usages said since the last main item, ranges never spelt out."""

    def __init__(self) -> None:
        self._usages: list[_Usage] = []
        self._minimum: Item | None = None
        self._maximum: Item | None = None
        # Inside a set of alternatives (delimiters), and whether its first usage is there already.
        self._in_set = False
        self._chosen = False

    def take(self, item: Item, page: int) -> str | None:
        """One of the four items above, under the usage page that stands now. Returns what is wrong with it, None when nothing."""
        if item.tag == USAGE:
            return self._add(_said(item, item, page))
        if item.tag == DELIMITER:
            return self._delimit(opens=item.value == 1)
        if item.tag == MINIMUM:
            self._minimum = item
        else:
            self._maximum = item
        low, high = self._minimum, self._maximum
        if low is None or high is None:
            return None
        # Both ends are there, in whichever order they came.
        self._minimum = self._maximum = None
        if low.size == high.size == 4 and low.value >> 16 != high.value >> 16:
            return "usages from one page to another, passed over"
        said = _said(low, high, page)
        if said.last < said.first:
            return f"usages from {said.first:#x} down to {said.last:#x}, passed over"
        return self._add(said)

    def ranges(self, page: int) -> tuple[UsageRange, ...]:
        """What was gathered, for a main item under this page.

        A page that comes after usages is theirs too, back to the last one that had it already (Linux: hid_concatenate_last_usage_page).
        """
        for usage in reversed(self._usages):
            if usage.whole:
                continue
            if usage.page == page:
                break
            usage.page = page
        return tuple(UsageRange(usage.page << 16 | usage.first, usage.page << 16 | usage.last) for usage in self._usages)

    def _add(self, usage: _Usage) -> str | None:
        """Of alternatives for one control the first is the most fitting one."""
        if self._in_set and self._chosen:
            return None
        self._chosen = self._in_set
        fault = "a range among alternatives, of which its first usage is taken" if self._in_set and usage.last != usage.first else None
        if fault:
            usage.last = usage.first
        self._usages.append(usage)
        return fault

    def _delimit(self, *, opens: bool) -> str | None:
        fault = "delimiters that do not match" if opens == self._in_set else None
        self._in_set, self._chosen = opens, False
        return fault


def _said(low: Item, high: Item, page: int) -> _Usage:
    """Four bytes bring their own page; fewer have the one that stands now, unless another follows."""
    whole = next((item for item in (low, high) if item.size == 4), None)
    return _Usage(page if whole is None else whole.value >> 16, low.value & 0xFFFF, high.value & 0xFFFF, whole is not None)
