"""Descriptors of our own making, laid out as those of four makers are known to be, and where their controls then are."""

from __future__ import annotations

from typing import Any

from descriptor_builder import ARRAY, CONSTANT, LEVEL, PRESS, application, bits, item, keys, padding, report, said

from headsets.usage import CONSUMER, DROP, FLASH, HOOK_SWITCH, KEY_PAD, PHONE_MUTE, PROGRAMMABLE_BUTTON, REDIAL, RINGER

HEADSET = 0x0B0005
PHONE = 0x0B0001
OFF_HOOK, MUTE_LED, RING, HOLD, MICROPHONE, ON_LINE, SPEAKER = (0x080000 | led for led in (0x17, 0x09, 0x18, 0x20, 0x21, 0x2A, 0x1E))
LINE_BUSY = 0x0B0097
VOLUME_UP, VOLUME_DOWN = 0x0C00E9, 0x0C00EA
CONSUMER_CONTROL = CONSUMER << 16 | 1


def at(report_id: int, offset: int, mode: str, size: int = 1) -> dict[str, Any]:
    return {"report_id": report_id, "offset": offset, "size": size, "mode": mode}


def lamps(**places: tuple[int, int]) -> dict[str, Any]:
    return {name: {"report_id": report_id, "offset": offset} for name, (report_id, offset) in places.items()}


#: Hook a level, mute a press in one report with keys in an array; six outputs in two bytes; a vendor's page repeats them all.
JABRA_LIKE = (
    application(
        HEADSET,
        report(2),
        bits("input", HOOK_SWITCH, LINE_BUSY),
        bits("input", PHONE_MUTE, FLASH, REDIAL, flags=PRESS),
        # The page comes after the usage, and is the button's all the same.
        said(("page", 0x0B), ("usage", 7), ("page", 9), ("size", 1), ("count", 1), ("input", 0x02)),
        said(("page", 0x0B), ("usage", KEY_PAD & 0xFFFF), ("collection", 2)) + keys(0x0B00B0, 0x0B00BB) + item("end"),
        padding("input", 6),
        bits("output", OFF_HOOK, MUTE_LED, RING, HOLD, MICROPHONE),
        bits("output", RINGER),
        padding("output", 10),
    )
    + application(
        0xFF000005,
        report(4),
        bits("input", 0xFF300020, 0xFF300097),
        bits("input", 0xFF30002F, flags=PRESS),
        padding("input", 13),
        bits("output", 0xFF400017, 0xFF400009, 0xFF400018),
        padding("output", 13),
    )
    + application(CONSUMER_CONTROL, report(1), bits("input", VOLUME_UP, VOLUME_DOWN, flags=0x02), padding("input", 14))
)

#: A vendor's collection first; mute before hook; each lamp a report of its own, numbered by its usage; push and pop around the page.
POLY_LIKE = application(0xFFA00003, report(6), bits("input", 0xFFA000B7, 0xFFA000B5, flags=PRESS), padding("input", 6)) + application(
    HEADSET,
    report(8),
    bits("input", PHONE_MUTE, flags=PRESS),
    bits("input", HOOK_SWITCH),
    bits("input", FLASH, flags=0x02),
    bits("input", REDIAL, flags=PRESS),
    bits("input", PROGRAMMABLE_BUTTON, flags=0x02),
    padding("input", 3),
    item("push"),
    *(
        report(number) + bits("output", lamp) + padding("output", 7)
        for number, lamp in ((9, MUTE_LED), (0x17, OFF_HOOK), (0x18, RING), (0x20, HOLD), (0x2A, ON_LINE))
    ),
    item("pop"),
)

#: A consumer application that is not closed before the headset's begins; an array with a button of another page; inputs and outputs under two ids.
EPOS_LIKE = (
    said(("page", CONSUMER), ("usage", 1), ("collection", 1))
    + report(1)
    + bits("input", VOLUME_UP, VOLUME_DOWN, flags=0x02)
    + padding("input", 6)
    + application(
        HEADSET,
        report(2),
        bits("input", HOOK_SWITCH, flags=0x02),
        bits("input", FLASH, REDIAL, PHONE_MUTE, DROP, flags=PRESS),
        said(("page", 0x0B), ("usage", 7), ("page", 9), ("usage", 1), ("size", 1), ("count", 1), ("input", 0x40)),
        padding("input", 2),
        report(3),
        bits("output", OFF_HOOK, MICROPHONE, RING, MUTE_LED, ON_LINE, HOLD, flags=0x02),
        padding("output", 2),
    )
    + item("end")
)

#: One application without report ids is what the smallest devices have; here a phone's, with mute third and its lamps in bytes.
YEALINK_LIKE = application(
    PHONE,
    bits("input", HOOK_SWITCH, LINE_BUSY),
    bits("input", PHONE_MUTE, FLASH, flags=PRESS),
    padding("input", 4),
    bits("output", OFF_HOOK, MUTE_LED, RING, size=8),
)

#: All inputs said constant, as some makers do; a second, useless headset collection repeats the hook.
CONSTANT_HOOK = application(
    HEADSET,
    report(2),
    bits("input", HOOK_SWITCH, flags=LEVEL | CONSTANT),
    bits("input", PHONE_MUTE, flags=PRESS | CONSTANT),
    padding("input", 6),
    bits("output", OFF_HOOK, MUTE_LED),
    padding("output", 14),
) + application(HEADSET, report(3), bits("input", HOOK_SWITCH), padding("input", 7))

#: Hook and mute are values of one array, lamps of another: what HID 1.11 allows, and nobody is known to build.
ARRAY_LIKE = application(
    HEADSET,
    report(5),
    said(("page", 0x0B), ("usage", 0x20), ("usage", 0x2F), ("low", 1), ("high", 2), ("size", 8), ("count", 2), ("input", ARRAY)),
    said(
        ("page", 0x08),
        ("usage", 0x17),
        ("usage", 0x09),
        ("usage", 0x18),
        ("low", 1),
        ("high", 3),
        ("size", 8),
        ("count", 2),
        ("output", ARRAY),
    ),
)

#: Volume keys and lamps of a keyboard: no telephony.
CONSUMER_ONLY = application(CONSUMER_CONTROL, bits("input", VOLUME_UP, VOLUME_DOWN, flags=0x02), padding("input", 6))

#: Name → descriptor, and what `callfloor decode hid` says of it.
LAYOUTS: dict[str, tuple[bytes, dict[str, Any]]] = {
    "jabra-like": (
        JABRA_LIKE,
        {
            "hook": at(2, 0, "level"),
            "mute": at(2, 2, "toggle"),
            "leds": lamps(off_hook=(2, 0), mute=(2, 1), ring=(2, 2), hold=(2, 3), microphone=(2, 4)),
        },
    ),
    "poly-like": (
        POLY_LIKE,
        {
            "hook": at(8, 1, "level"),
            "mute": at(8, 0, "toggle"),
            "leds": lamps(off_hook=(0x17, 0), mute=(9, 0), ring=(0x18, 0), hold=(0x20, 0)),
        },
    ),
    "epos-like": (
        EPOS_LIKE,
        {
            "hook": at(2, 0, "level"),
            "mute": at(2, 3, "toggle"),
            "leds": lamps(off_hook=(3, 0), mute=(3, 3), ring=(3, 2), hold=(3, 5), microphone=(3, 1)),
        },
    ),
    "yealink-like": (
        YEALINK_LIKE,
        {"hook": at(0, 0, "level"), "mute": at(0, 2, "toggle"), "leds": lamps(off_hook=(0, 0), mute=(0, 8), ring=(0, 16))},
    ),
    "constant-hook": (
        CONSTANT_HOOK,
        {"hook": at(2, 0, "level"), "mute": at(2, 1, "toggle"), "leds": lamps(off_hook=(2, 0), mute=(2, 1))},
    ),
    "array-like": (
        ARRAY_LIKE,
        {
            "hook": at(5, 0, "level", 8) | {"value": 1},
            "mute": at(5, 0, "level", 8) | {"value": 2},
            "leds": lamps(off_hook=(5, 0), mute=(5, 0), ring=(5, 0)),
        },
    ),
    "consumer-only": (CONSUMER_ONLY, {"hook": None, "mute": None, "leds": {}}),
}
