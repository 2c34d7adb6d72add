"""Descriptors of our own making, laid out as those of four makers are known to be or odder, and where their controls then are."""

from __future__ import annotations

from typing import Any

from appliance.sim.headset_descriptor import ARRAY, CONSTANT, LEVEL, PRESS, application, bits, padding, report, said
from appliance.sim.headset_layout import (
    CONSUMER_CONTROL,
    EPOS_LIKE,
    HEADSET,
    JABRA_LIKE,
    MUTE_LED,
    OFF_HOOK,
    POLY_LIKE,
    VOLUME_DOWN,
    VOLUME_UP,
    YEALINK_LIKE,
)
from headsets.usage import HOOK_SWITCH, PHONE_MUTE


def at(report_id: int, offset: int, mode: str, size: int = 1) -> dict[str, Any]:
    return {"report_id": report_id, "offset": offset, "size": size, "mode": mode}


def lamps(**places: tuple[int, int]) -> dict[str, Any]:
    return {name: {"report_id": report_id, "offset": offset} for name, (report_id, offset) in places.items()}


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
