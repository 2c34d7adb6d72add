"""Decides where in a headset's reports hook, mute, buttons and lamps are: by their usages, never by brand, report id or bit.

Of several fields with one usage the first in a telephony collection counts: some makers repeat them elsewhere. A usage of a vendor's
page is never one of these, whatever its number. A constant field with a telephony usage is taken: some makers mark their hook so.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Final, Literal

from msgspec import Struct

from headsets.field import Descriptor, Field, Kind
from headsets.usage import (
    BUTTON,
    DROP,
    FLASH,
    HOOK_SWITCH,
    PHONE_KEYS,
    PHONE_MUTE,
    PROGRAMMABLE_BUTTON,
    REDIAL,
    RINGER,
    TELEPHONY,
    is_vendors,
)

#: Lamp → its usage. Ringer is the base's own ring, not a lamp; it is switched the same way.
LEDS: Final = {
    "off_hook": 0x080017,
    "mute": 0x080009,
    "ring": 0x080018,
    "hold": 0x080020,
    "microphone": 0x080021,
    "on_line": 0x08002A,
    "speaker": 0x08001E,
    "ringer": RINGER,
}
#: Values wider than this are no control (Linux reads no wider ones either).
_MAX_BITS: Final = 32

Mode = Literal["level", "toggle"]


class Control(Struct, frozen=True):
    """One input: `size` bits at bit `offset` of report `report_id`'s payload (0: reports without id).

    `mode`: level, the value is the state; toggle, it tells a press. In an array `selector` is the value that means this control, in any
    of `count` elements; else None. A value outside `minimum` to `maximum` means nothing (HID 1.11, 5.10).
    """

    report_id: int
    offset: int
    size: int
    mode: Mode
    usage: int
    minimum: int = 0
    maximum: int = 1
    selector: int | None = None
    count: int = 1

    @property
    def end(self) -> int:
        """The first bit behind it."""
        return self.offset + self.size * self.count


class Led(Struct, frozen=True):
    """One output. `on` is the value that lights it; in an array of `count` elements it goes into any free one (`array`)."""

    report_id: int
    offset: int
    size: int
    on: int = 1
    array: bool = False
    count: int = 1

    @property
    def end(self) -> int:
        """The first bit behind it."""
        return self.offset + self.size * self.count


class HeadsetLayout(Struct, frozen=True, dict=True):
    """What a headset can tell and show. `buttons`: programmable ones; `keypad`: the phone's keys, a control each.

    `in_bytes`, `out_bytes`: payload length of each report, the id not counted. `telephony`: whether there is a telephony application.
    `numbered`: whether reports begin with their id. `notes`: what was odd in the descriptor.
    """

    hook: Control | None
    mute: Control | None
    flash: Control | None
    redial: Control | None
    drop: Control | None
    buttons: tuple[Control, ...]
    keypad: tuple[Control, ...]
    leds: dict[str, Led]
    in_bytes: dict[int, int]
    out_bytes: dict[int, int]
    telephony: bool
    numbered: bool
    notes: tuple[str, ...] = ()

    @cached_property
    def controls(self) -> dict[str, Control]:
        """Every input by its name: hook, mute, flash, redial, drop, button1 …, key0 … key9, key*, key#, keyA …"""
        single = {"hook": self.hook, "mute": self.mute, "flash": self.flash, "redial": self.redial, "drop": self.drop}
        named = {name: control for name, control in single.items() if control}
        named |= {f"button{number}": control for number, control in enumerate(self.buttons, 1)}
        return named | {f"key{'0123456789*#ABCD'[control.usage - PHONE_KEYS.start]}": control for control in self.keypad}


def layout_of(descriptor: Descriptor) -> HeadsetLayout:
    """Never raises; what the descriptor does not have is None or empty."""
    found = dict(_controls(descriptor))
    lamps = dict(_lamps(descriptor))
    buttons = (usage for usage in found if usage == PROGRAMMABLE_BUTTON or usage >> 16 == BUTTON)
    return HeadsetLayout(
        hook=found.get(HOOK_SWITCH),
        mute=found.get(PHONE_MUTE),
        flash=found.get(FLASH),
        redial=found.get(REDIAL),
        drop=found.get(DROP),
        buttons=tuple(found[usage] for usage in buttons),
        keypad=tuple(found[usage] for usage in PHONE_KEYS if usage in found),
        leds={name: lamps[usage] for name, usage in LEDS.items() if usage in lamps},
        in_bytes=_bytes(descriptor, "input"),
        out_bytes=_bytes(descriptor, "output"),
        telephony=any(usage >> 16 == TELEPHONY for usage in descriptor.applications),
        numbered=descriptor.numbered,
        notes=descriptor.notes,
    )


def _bytes(descriptor: Descriptor, kind: Kind) -> dict[int, int]:
    return {report_id: (bits + 7) // 8 for (of, report_id), bits in descriptor.report_bits.items() if of == kind}


def _rank(field: Field) -> int:
    """The lower the better: in a telephony collection; in some other one; in the vendor's own."""
    if is_vendors(field.application >> 16):
        return 2
    return 0 if any(collection.usage >> 16 == TELEPHONY for collection in field.path) else 1


def _elements(descriptor: Descriptor, kind: Kind, wanted: frozenset[int]) -> Iterator[tuple[int, Field, int | None]]:
    """Each wanted usage once: its best field, and in an array the value that selects it."""
    fields = [field for field in descriptor.fields if field.kind == kind and field.bit_size <= _MAX_BITS]
    seen: set[int] = set()
    for field in sorted(fields, key=_rank):
        for usage, selector in _usages(field, wanted):
            if usage not in seen:
                seen.add(usage)
                yield usage, field, selector


def _usages(field: Field, wanted: frozenset[int]) -> Iterator[tuple[int, int | None]]:
    # An array of one usage with two values is a variable that somebody forgot to call so.
    two_values = field.count == 1 and (field.logical_min, field.logical_max) == (0, 1)
    if field.variable or (two_values and sum(map(len, field.usages)) == 1):
        if field.whole_usage in wanted:
            yield field.whole_usage, None
        return
    selector = field.logical_min
    for usages in field.usages:
        for usage in sorted(usage for usage in wanted if usages.first <= usage <= usages.last):
            value = selector + usage - usages.first
            # Zero at rest is how devices with such arrays say "none", though their range may begin with it.
            if 0 < value <= min(field.logical_max, (1 << field.bit_size) - 1):
                yield usage, value
        selector += len(usages)


_WANTED: Final = frozenset(
    (HOOK_SWITCH, PHONE_MUTE, FLASH, REDIAL, DROP, PROGRAMMABLE_BUTTON, *PHONE_KEYS, *range(BUTTON << 16 | 1, BUTTON << 16 | 17)),
)


def _controls(descriptor: Descriptor) -> Iterator[tuple[int, Control]]:
    for usage, field, selector in _elements(descriptor, "input", _WANTED):
        # A webcam's or a mouse's buttons are no headset's.
        if usage >> 16 == BUTTON and _rank(field):
            continue
        mode: Mode = "toggle" if field.relative else "level"
        count = 1 if selector is None else field.count
        # A range without extent was never said: every value counts.
        low, high = (field.logical_min, field.logical_max) if field.logical_min < field.logical_max else (0, (1 << field.bit_size) - 1)
        place = (field.report_id, field.bit_offset, field.bit_size, mode, usage, low, high)
        yield usage, Control(*place, selector, count)


def _lamps(descriptor: Descriptor) -> Iterator[tuple[int, Led]]:
    for usage, field, selector in _elements(descriptor, "output", frozenset(LEDS.values())):
        if selector is None:
            yield usage, Led(field.report_id, field.bit_offset, field.bit_size)
        else:
            yield usage, Led(field.report_id, field.bit_offset, field.bit_size, selector, array=True, count=field.count)
