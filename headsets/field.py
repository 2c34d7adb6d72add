"""Decides what is known of a field of a HID report and of a whole report descriptor: the types that `headsets.descriptor` fills."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

Kind = Literal["input", "output", "feature"]
APPLICATION: Final = 1


class Collection(Struct, frozen=True):
    """A collection that holds a field: its kind (0 physical, 1 application, 2 logical …) and its usage, 0 where it has none."""

    kind: int
    usage: int


class UsageRange(Struct, frozen=True):
    """Usages of one page, `first` to `last`, both meant; 32 bits each."""

    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first + 1


class Field(Struct, frozen=True):
    """What stands at one place of a report: `count` elements of `bit_size` bits each, from `bit_offset` on.

    The offset counts from the payload's first bit; the report id is not in it, and is 0 where the device has none. A variable has one
    usage (0: padding); an array chooses among `usages`, by its value less `logical_min`. `path`: its collections, outermost first.
    """

    kind: Kind
    report_id: int
    bit_offset: int
    bit_size: int
    count: int
    usage_page: int
    usage: int
    usages: tuple[UsageRange, ...]
    flags: int
    logical_min: int
    logical_max: int
    path: tuple[Collection, ...]

    @property
    def whole_usage(self) -> int:
        """Page and usage in one number, as in `headsets.usage`."""
        return self.usage_page << 16 | self.usage

    @property
    def constant(self) -> bool:
        """Said never to change. Some makers say so of a hook switch, and it changes."""
        return bool(self.flags & 0x01)

    @property
    def variable(self) -> bool:
        """Each element is one control; else an array, whose elements name controls."""
        return bool(self.flags & 0x02)

    @property
    def relative(self) -> bool:
        """It tells a change, not a state: of a button, a press."""
        return bool(self.flags & 0x04)

    @property
    def no_preferred(self) -> bool:
        """It does not go back by itself when let go."""
        return bool(self.flags & 0x20)

    @property
    def null_state(self) -> bool:
        """A value outside the logical range means: nothing."""
        return bool(self.flags & 0x40)

    @property
    def end(self) -> int:
        """The first bit behind it."""
        return self.bit_offset + self.bit_size * self.count

    @property
    def application(self) -> int:
        """The usage of the innermost application collection around it, 0 where there is none."""
        return next((collection.usage for collection in reversed(self.path) if collection.kind == APPLICATION), 0)


class Descriptor(Struct, frozen=True):
    """A report descriptor that was read.

    `report_bits`: the payload of each report, in bits; `applications`: the usages of its application collections, each once.
    """

    fields: tuple[Field, ...]
    report_bits: dict[tuple[Kind, int], int]
    applications: tuple[int, ...]
    notes: tuple[str, ...]

    @property
    def numbered(self) -> bool:
        """Whether its reports begin with an id."""
        return any(report_id for _, report_id in self.report_bits)
