"""Decides in what a headset differs from its own descriptor: vendor's habits first, then the model's.

The descriptor says where hook and mute lie and whether they are levels or presses; a row here overrules it, or adds what no
descriptor tells. `*_from` name the row's origin. All rows come from public sources; no device was seen by us.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from msgspec import Struct, structs

Mode = Literal["level", "toggle"]
Edge = Literal["press", "release"]
MuteLed = Literal["mute", "microphone", "both"]

#: How long a device waits for the host's answer where nothing else is known: Jabra's time, the shortest that is documented.
PATIENCE_S: Final = 2.0


class Quirk(Struct, frozen=True, kw_only=True):
    """What differs from the descriptor; None leaves the descriptor's word.

    `hook`, `mute`: level or press. `hook_on`, `mute_on`: a press counts when the button goes down or when it comes up.
    `patience_s`: a press that no host answers is given up after it; `reverts`: the device then falls back to its state before.
    `mute_led`: which lamp shows mute. `mute_in_call`: mute exists while off-hook only, and ends with the call.
    `own_mute`: the device mutes by itself, whatever the host says. `wireless`: the base stays when the headset is out of range,
    so that a write which the base takes tells nothing of the headset. `off_hook_gates_mute`: the mute lamp is deaf while on-hook.
    `on_line`: a call is shown by the on-line lamp as well as by off-hook.
    `ignore_s`: a hook that moves within it after a write is no press yet (gonicus/gonnect ignores it for 500 ms).
    """

    hook: Mode | None = None
    mute: Mode | None = None
    hook_on: Edge = "press"
    mute_on: Edge = "press"
    patience_s: float = PATIENCE_S
    reverts: bool = False
    mute_led: MuteLed = "mute"
    mute_in_call: bool = False
    own_mute: bool = False
    wireless: bool = False
    off_hook_gates_mute: bool = False
    on_line: bool = False
    ignore_s: float = 0.5
    sources: tuple[str, ...] = ()


class Row(Struct, frozen=True):
    """One line of the table: whom it is about (no products: all of the vendor), what differs, and who says so."""

    vendor_id: str
    product_ids: frozenset[str]
    differs: dict[str, Any]
    source: str


def _row(vendor_id: str, products: str, source: str, **differs: Any) -> Row:
    return Row(vendor_id, frozenset(products.split()), differs, source)


_XLITE: Final = "CounterPath X-Lite device profiles (Justy5/KursachJava, HID/*.cps)"
_JABRA_21: Final = (
    "0320 0410 0412 0420 0750 0753 090a 0910 091c 1003 1004 1016 1017 1021 1022 1041 1042"
    " 2001 2002 2003 2004 2100 2400 2401 8120 9330 9350 a340 a342"
)
_JABRA_BASES: Final = "0910 1016 1017 1021 1022 1041 1042 24c8 9330 9350 a340 a342"
_EPOS_RELEASE: Final = "0008 0028 0029 0034 0035 0038 0039"

#: Later rows overrule earlier ones. Levels and presses as in each source; where two disagree the one measured on hardware stands.
TABLE: Final[tuple[Row, ...]] = (
    # Jabra / GN
    _row("0b0e", "", "developer.jabra.com, 'Interacting with Jabra devices'; WICG/webhid #61 (second report after 2000 ms)", reverts=True),
    _row("0b0e", "", "gnaudio/jabra-browser-integration #49: mute only exists while off-hook", mute_in_call=True),
    _row("0b0e", _JABRA_21, _XLITE + ": the mute indicator is LED 21", mute_led="microphone"),
    _row("0b0e", "0520", _XLITE + ": DIAL 520 sends 1 = mute, 0 = unmute", mute="level"),
    _row("0b0e", "8120 9330 9350", _XLITE + ": only value 1 of the hook acts", hook="toggle"),
    _row("0b0e", _JABRA_BASES, "product class: a dongle or base, which enumerates without its headset", wireless=True),
    # Plantronics / Poly
    _row("047f", "0715 0716 0717 0718 aa05 aa06 aa07 aa08 aa09 c003 c005 da45", _XLITE + ": mute 1 = on, 0 = off", mute="level"),
    _row("047f", "0a11", _XLITE + ": P540-M acts on value 0 of mute", mute_on="release"),
    _row("047f", "02e6", "product class: BT700 is a Bluetooth dongle that enumerates without its headset", wireless=True),
    # Sennheiser / EPOS
    _row("1395", "", _XLITE + ": 'call started' is the on-line lamp", on_line=True),
    _row("1395", _EPOS_RELEASE, _XLITE + ": hook and mute act on value 0", hook="toggle", hook_on="release", mute_on="release"),
    _row("1395", "740a", _XLITE + ": both edges of the hook act, mute on value 0", mute_on="release"),
    _row("1395", "009c 740a", "product class: a DECT base that stays when its headset is out of range", wireless=True),
    # Logitech
    _row("046d", "084c 0857 0a46 0a47 0a49 0a4a", _XLITE + ": hook 'Momentary', mute one press", hook="toggle", mute="toggle"),
    _row("046d", "0aee", "systemd hwdb comment: Zone Vibe 125 also mutes in hardware", own_mute=True),
    # Others
    _row("095d", "0005 9201", _XLITE + ": mute acts on value 0", mute_on="release"),
    _row("06e6", "f210", _XLITE + ": mute acts on value 0", mute_on="release"),
    _row("18d1", "8001", "systemd #23372: phone mute is a switch, 1 = muted", mute="level"),
    _row("291a", "3302", "WebexMuteSync: each press sends the new state; mute needs off-hook", mute="level", off_hook_gates_mute=True),
)  # fmt: skip


def quirk_of(vendor_id: str | None, product_id: str | None) -> Quirk:
    """Everything that is known of a model, by the four hex digits of its ids; a model that nobody told of has no quirk.

    >>> quirk_of("0B0E", "0520").mute, quirk_of("0b0e", "0307").mute, quirk_of(None, None).patience_s
    ('level', None, 2.0)
    """
    vendor, product = (vendor_id or "").lower(), (product_id or "").lower()
    found = Quirk()
    for row in TABLE:
        if row.vendor_id == vendor and (not row.product_ids or product in row.product_ids):
            found = structs.replace(found, **row.differs, sources=(*found.sources, row.source))
    return found
