"""Decides which fields the reports of a HID device have, from its report descriptor, whatever its bytes are.

HID 1.11, chapter 6.2.2, and where that leaves room what Linux does (drivers/hid/hid-core.c). Linux refuses a faulty descriptor
whole; here what can be known is kept, and `notes` says what was not as it should be. Pure; bounded in time and memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from headsets.field import APPLICATION, Collection, Descriptor, Field, Kind, UsageRange
from headsets.gathering import DELIMITER, MAXIMUM, MINIMUM, USAGE, Gathering
from headsets.item import Item, Oddity, items

__all__ = ["Collection", "Descriptor", "Field", "Kind", "UsageRange", "parse"]

#: As much of a descriptor as Linux takes (HID_MAX_DESCRIPTOR_SIZE).
MAX_BYTES: Final = 4096
#: The longest report of Linux (HID_MAX_BUFFER_SIZE, its id not counted).
MAX_REPORT_BITS: Final = 8 * 16_383
#: More fields than any device has; further ones are not listed.
MAX_FIELDS: Final = 8192
_MAX_NOTES: Final = 20
#: Collections within collections that a field's path tells; deeper ones are counted only.
_MAX_PATH: Final = 16
_MAX_APPLICATIONS: Final = 64


def parse(raw: bytes) -> Descriptor:
    """Never raises; of nonsense the result has few fields and many notes.

    >>> hook = parse(bytes.fromhex("05 0B 09 05 A1 01 85 02 09 20 15 00 25 01 75 01 95 01 81 02 C0")).fields[0]
    >>> hook.report_id, hook.bit_offset, hex(hook.whole_usage), hook.relative
    (2, 0, '0xb0020', False)
    """
    reader = _Reader()
    if len(raw) > MAX_BYTES:
        reader.note(f"{len(raw)} bytes: only the first {MAX_BYTES} are read")
    for item in items(raw[:MAX_BYTES]):
        reader.take(item)
    return reader.result()


class _Globals(Struct, frozen=True):
    """What stays until it is said anew. `high` is the item, for its sign follows from `low`."""

    page: int = 0
    low: int = 0
    high: Item = Item(0, 0x24, 0, 0)
    size: int = 0
    count: int = 0
    report_id: int = 0


class _Reader:
    """The parser's state while the items go by."""

    def __init__(self) -> None:
        self._globals = _Globals()
        self._usages = Gathering()
        self._stack: list[_Globals] = []
        self._path: tuple[Collection, ...] = ()
        self._deeper = 0
        self._fields: list[Field] = []
        self._bits: dict[tuple[Kind, int], int] = {}
        self._spoilt: set[tuple[Kind, int]] = set()
        self._applications: dict[int, None] = {}
        self._notes: dict[str, None] = {}
        self._unsaid = 0

    def result(self) -> Descriptor:
        if self._path:
            self.note("a collection that is not closed")
        if len({bool(report_id) for _, report_id in self._bits}) > 1:
            self.note("some reports have an id and some have none")
        notes = (*self._notes, *((f"and {self._unsaid} more",) if self._unsaid else ()))
        return Descriptor(tuple(self._fields), dict(self._bits), tuple(self._applications), notes)

    def note(self, text: str) -> None:
        if len(self._notes) < _MAX_NOTES or text in self._notes:
            self._notes[text] = None
        else:
            self._unsaid += 1

    def take(self, item: Item | Oddity) -> None:
        if isinstance(item, Oddity):
            self.note(f"byte {item.at}: {item.text}")
            return
        known = _TAGS.get(item.tag)
        if known is None:
            self.note(f"byte {item.at}: an item that HID 1.11 does not define, 0x{item.tag:02X}")
        else:
            known(self, item)
        if not item.tag & 0x0C:
            self._usages = Gathering()

    def set_page(self, item: Item) -> None:
        self._globals = replace(self._globals, page=item.value & 0xFFFF)

    def set_low(self, item: Item) -> None:
        self._globals = replace(self._globals, low=item.signed)

    def set_high(self, item: Item) -> None:
        self._globals = replace(self._globals, high=item)

    def set_size(self, item: Item) -> None:
        self._globals = replace(self._globals, size=item.value)

    def set_count(self, item: Item) -> None:
        self._globals = replace(self._globals, count=item.value)

    def set_report_id(self, item: Item) -> None:
        if not 1 <= item.value <= 255:
            self.note(f"byte {item.at}: report id {item.value}, where 1 to 255 are allowed")
        self._globals = replace(self._globals, report_id=item.value)

    def push(self, _: Item) -> None:
        # What is pushed is shared, not copied: even a descriptor of nothing else costs little.
        self._stack.append(self._globals)

    def pop(self, item: Item) -> None:
        if self._stack:
            self._globals = self._stack.pop()
        else:
            self.note(f"byte {item.at}: a pop without a push")

    def gather(self, item: Item) -> None:
        if fault := self._usages.take(item, self._globals.page):
            self.note(f"byte {item.at}: {fault}")

    def open(self, item: Item) -> None:
        usages = self._usages.ranges(self._globals.page)
        usage = usages[0].first if usages else 0
        if item.value == APPLICATION and len(self._applications) < _MAX_APPLICATIONS:
            self._applications[usage] = None
        if len(self._path) < _MAX_PATH:
            self._path = (*self._path, Collection(item.value, usage))
        else:
            self._deeper += 1
            self.note(f"collections deeper than {_MAX_PATH}")

    def close(self, item: Item) -> None:
        if self._deeper:
            self._deeper -= 1
        elif self._path:
            self._path = self._path[:-1]
        else:
            self.note(f"byte {item.at}: the end of a collection that was not begun")

    def add_input(self, item: Item) -> None:
        self._main("input", item)

    def add_output(self, item: Item) -> None:
        self._main("output", item)

    def add_feature(self, item: Item) -> None:
        self._main("feature", item)

    def _main(self, kind: Kind, item: Item) -> None:
        now = self._globals
        report, usages = (kind, now.report_id), self._usages.ranges(self._globals.page)
        if now.report_id > 255 or report in self._spoilt:
            return
        start = self._bits.get(report, 0)
        if not now.size or not now.count:
            self.note(f"byte {item.at}: a field of {now.count} × {now.size} bits, passed over")
            return
        if start + now.size * now.count > MAX_REPORT_BITS:
            # Nobody can tell where what follows in this report would stand.
            self._spoilt.add(report)
            self.note(f"byte {item.at}: {now.count} × {now.size} bits: {kind} {now.report_id} gets too long, and is left out from here on")
            return
        self._bits[report] = start + now.size * now.count
        if not item.value & 0x02:
            self._list(kind, item, start, now.count, usages[0].first if usages else 0, usages)
            return
        # Each element has its usage, in their order; the last stays for all that are left (6.2.2.8).
        at = 0
        for number, usage in enumerate(usages or (UsageRange(0, 0),)):
            last = number >= len(usages) - 1
            for one in range(usage.first, usage.last + 1):
                if at >= now.count or len(self._fields) >= MAX_FIELDS:
                    break
                count = now.count - at if last and one == usage.last else 1
                self._list(kind, item, start + at * now.size, count, one)
                at += count
        if at < now.count:
            self.note(f"byte {item.at}: more than {MAX_FIELDS} fields, the others are not listed")

    def _list(self, kind: Kind, item: Item, start: int, count: int, usage: int, usages: tuple[UsageRange, ...] = ()) -> None:
        now = self._globals
        if len(self._fields) >= MAX_FIELDS:
            self.note(f"byte {item.at}: more than {MAX_FIELDS} fields, the others are not listed")
            return
        high = now.high.signed if now.low < 0 else now.high.value
        place = (start, now.size, count, usage >> 16, usage & 0xFFFF)
        self._fields.append(Field(kind, now.report_id, *place, usages, item.value, now.low, high, self._path))


def _nothing(_: _Reader, __: Item) -> None:
    """Units, strings, designators: no matter here."""


_TAGS: Final[dict[int, Callable[[_Reader, Item], None]]] = {
    0x80: _Reader.add_input,
    0x90: _Reader.add_output,
    0xB0: _Reader.add_feature,
    0xA0: _Reader.open,
    0xC0: _Reader.close,
    0x04: _Reader.set_page,
    0x14: _Reader.set_low,
    0x24: _Reader.set_high,
    0x74: _Reader.set_size,
    0x84: _Reader.set_report_id,
    0x94: _Reader.set_count,
    0xA4: _Reader.push,
    0xB4: _Reader.pop,
    **dict.fromkeys((USAGE, MINIMUM, MAXIMUM, DELIMITER), _Reader.gather),
    **dict.fromkeys((0x34, 0x44, 0x54, 0x64, 0x38, 0x48, 0x58, 0x78, 0x88, 0x98), _nothing),
}
