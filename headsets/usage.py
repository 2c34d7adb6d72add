"""Decides what a HID usage is called, and which pages are nobody's but the vendor's.

Usages as 32 bits, `page << 16 | id`. Names from the HID Usage Tables 1.5: Telephony (0x0B) whole; of LED (0x08) and Consumer (0x0C)
what headsets use.
"""

from __future__ import annotations

from typing import Final

DESKTOP: Final = 0x01
LED: Final = 0x08
BUTTON: Final = 0x09
TELEPHONY: Final = 0x0B
CONSUMER: Final = 0x0C
#: Pages from here on are the vendors' own (HUT 3.1).
_VENDOR: Final = 0xFF00

PHONE: Final = 0x0B0001
HEADSET: Final = 0x0B0005
KEY_PAD: Final = 0x0B0006
HOOK_SWITCH: Final = 0x0B0020
PHONE_MUTE: Final = 0x0B002F
FLASH: Final = 0x0B0021
REDIAL: Final = 0x0B0024
DROP: Final = 0x0B0026
PROGRAMMABLE_BUTTON: Final = 0x0B0007
#: The phone's keys 0 to 9, star, pound, A to D.
PHONE_KEYS: Final = range(0x0B00B0, 0x0B00C0)
RINGER: Final = 0x0B009E

_PAGES: Final = {DESKTOP: "Desktop", 0x07: "Keyboard", LED: "LED", BUTTON: "Button", TELEPHONY: "Telephony", CONSUMER: "Consumer"}

_TELEPHONY: Final = {
    0x01: "Phone",
    0x02: "Answering Machine",
    0x03: "Message Controls",
    0x04: "Handset",
    0x05: "Headset",
    0x06: "Telephony Key Pad",
    0x07: "Programmable Button",
    0x20: "Hook Switch",
    0x21: "Flash",
    0x22: "Feature",
    0x23: "Hold",
    0x24: "Redial",
    0x25: "Transfer",
    0x26: "Drop",
    0x27: "Park",
    0x28: "Forward Calls",
    0x29: "Alternate Function",
    0x2A: "Line",
    0x2B: "Speaker Phone",
    0x2C: "Conference",
    0x2D: "Ring Enable",
    0x2E: "Ring Select",
    0x2F: "Phone Mute",
    0x30: "Caller ID",
    0x31: "Send",
    0x50: "Speed Dial",
    0x51: "Store Number",
    0x52: "Recall Number",
    0x53: "Phone Directory",
    0x70: "Voice Mail",
    0x71: "Screen Calls",
    0x72: "Do Not Disturb",
    0x73: "Message",
    0x74: "Answer On/Off",
    0x90: "Inside Dial Tone",
    0x91: "Outside Dial Tone",
    0x92: "Inside Ring Tone",
    0x93: "Outside Ring Tone",
    0x94: "Priority Ring Tone",
    0x95: "Inside Ringback",
    0x96: "Priority Ringback",
    0x97: "Line Busy Tone",
    0x98: "Reorder Tone",
    0x99: "Call Waiting Tone",
    0x9A: "Confirmation Tone 1",
    0x9B: "Confirmation Tone 2",
    0x9C: "Tones Off",
    0x9D: "Outside Ringback",
    0x9E: "Ringer",
    **{0xB0 + key: f"Phone Key {name}" for key, name in enumerate((*"0123456789", "Star", "Pound", *"ABCD"))},
    0xC0: "Phone Call History Key",
    0xC1: "Phone Caller ID Key",
    0xC2: "Phone Settings Key",
    0xF0: "Host Control",
    0xF1: "Host Available",
    0xF2: "Host Call Active",
    0xF3: "Activate Handset Audio",
    0xF4: "Ring Type",
    0xF5: "Re-dialable Phone Number",
    0xF8: "Stop Ring Tone",
    0xF9: "PSTN Ring Tone",
    0xFA: "Host Ring Tone",
    0xFB: "Alert Sound Error",
    0xFC: "Alert Sound Confirm",
    0xFD: "Alert Sound Notification",
    0xFE: "Silent Ring",
}

_LED: Final = {
    0x01: "Num Lock",
    0x02: "Caps Lock",
    0x03: "Scroll Lock",
    0x09: "Mute",
    0x17: "Off-Hook",
    0x18: "Ring",
    0x19: "Message Waiting",
    0x1A: "Data Mode",
    0x1E: "Speaker",
    0x1F: "Head Set",
    0x20: "Hold",
    0x21: "Microphone",
    0x22: "Coverage",
    0x2A: "On-Line",
    0x2B: "Off-Line",
}

_CONSUMER: Final = {
    0x01: "Consumer Control",
    0xB0: "Play",
    0xB1: "Pause",
    0xB3: "Fast Forward",
    0xB4: "Rewind",
    0xB5: "Next Track",
    0xB6: "Previous Track",
    0xB7: "Stop",
    0xCD: "Play/Pause",
    0xCF: "Voice Command",
    0xE2: "Mute",
    0xE9: "Volume Up",
    0xEA: "Volume Down",
}

_NAMES: Final = {TELEPHONY: _TELEPHONY, LED: _LED, CONSUMER: _CONSUMER}


def is_vendors(page: int) -> bool:
    """Whether the page belongs to the maker of the device, so that its usages mean only what he says."""
    return page >= _VENDOR


def name_of(usage: int) -> str:
    """Page and usage in words, in hex where the tables above have none.

    >>> name_of(HOOK_SWITCH), name_of(0x090007), name_of(0xFF300020)
    ('Telephony/Hook Switch', 'Button/0x07', '0xFF30/0x20')
    """
    page, number = usage >> 16, usage & 0xFFFF
    return f"{_PAGES.get(page, f'0x{page:04X}')}/{_NAMES.get(page, {}).get(number, f'0x{number:02X}')}"
