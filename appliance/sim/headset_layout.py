"""Decides which report descriptors the simulated headsets have: rebuilt from field tables and the HID Usage Tables, no bytes of a maker's.

Laid out as those of four makers are known to be, each with the oddities that a reader of descriptors has to stand.
"""

from __future__ import annotations

from typing import Final

from appliance.sim.headset_descriptor import PRESS, application, bits, item, keys, padding, report, said
from headsets.usage import CONSUMER, DROP, FLASH, HEADSET, HOOK_SWITCH, KEY_PAD, PHONE, PHONE_MUTE, PROGRAMMABLE_BUTTON, REDIAL, RINGER

OFF_HOOK, MUTE_LED, RING, HOLD, MICROPHONE, ON_LINE = (0x080000 | led for led in (0x17, 0x09, 0x18, 0x20, 0x21, 0x2A))
LINE_BUSY: Final = 0x0B0097
VOLUME_UP, VOLUME_DOWN = 0x0C00E9, 0x0C00EA
CONSUMER_CONTROL: Final = CONSUMER << 16 | 1

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

#: A consumer application that is not closed before the headset's begins; an array with a button of another page;
#: inputs and outputs under two ids.
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
