"""Decides how a headset's layout is told to people and scripts, and which texts are a report descriptor in hex."""

from __future__ import annotations

import re
from typing import Any, Final

from appliance.core.errors import CorruptError
from headsets.layout import Control, HeadsetLayout

#: The lamps that the contract names.
_LAMPS: Final = ("off_hook", "mute", "ring", "hold", "microphone")
#: Every descriptor begins with an item, which is no printable text: 05 to 0B, 06, 85, A1 …
_TEXT: Final = re.compile(rb"[\t\n\r -~]*")
#: The line of hid-recorder that holds the descriptor: its length, then its bytes.
_RECORDED: Final = re.compile(r"^R:\s*\d+\s+([0-9a-fA-F \t]+)$", re.MULTILINE)
#: What may stand between the digits: blanks, the signs of a C list and its comments, colons.
_BETWEEN: Final = re.compile(r"(?://[^\n]*|/\*.*?\*/|[\s,;:{}])+", re.DOTALL)


def record(layout: HeadsetLayout) -> dict[str, Any]:
    """Hook, mute and lamps, as `callfloor decode hid` says them (docs/contract.md)."""
    lamps = {name: layout.leds[name] for name in _LAMPS if name in layout.leds}
    return {
        "hook": _control(layout.hook),
        "mute": _control(layout.mute),
        "leds": {name: {"report_id": led.report_id, "offset": led.offset} for name, led in lamps.items()},
    }


def _control(control: Control | None) -> dict[str, Any] | None:
    if control is None:
        return None
    told = {"report_id": control.report_id, "offset": control.offset, "size": control.size, "mode": control.mode}
    # Only an array needs to say which of its values is meant.
    return told if control.selector is None else told | {"value": control.selector}


def bytes_of(data: bytes) -> bytes:
    """A report descriptor from hex digits, from a C list (`0x05, 0x0B, …`), from a hid-recorder file; from its own bytes as they are.

    Raises CorruptError for a text that is none of these.

    >>> bytes_of(b"05 0b\\n0905").hex(), bytes_of(b"0x05, 0x0B, 0x9, 0x05").hex(), bytes_of(b"R: 2 05 0b\\nN: a headset").hex()
    ('050b0905', '050b0905', '050b')
    """
    if not _TEXT.fullmatch(data):
        return data
    text = data.decode("ascii")
    if recorded := _RECORDED.search(text):
        text = recorded[1]
    words = filter(None, _BETWEEN.split(text))
    try:
        raw = bytes.fromhex("".join(word[2:].zfill(2) if len(word) > 2 and word[:2] in {"0x", "0X"} else word for word in words))
    except ValueError as fault:
        raise CorruptError("not hex; give a report descriptor as pairs of hex digits") from fault
    if not raw:
        raise CorruptError("empty; give a report descriptor as pairs of hex digits")
    return raw
