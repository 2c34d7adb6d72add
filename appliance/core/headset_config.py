"""Decides what callfloor.toml may say of headsets and the seats they are at: `[headsets]` and its tables, as types."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from appliance.core.quantity import Period, Span

Hold = Literal["own", "watch"]
FindingName = Literal["call_on_hook", "off_hook_no_call", "available_unplugged", "muted_in_call", "held_elsewhere"]


class FindingHolds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For how long each disagreement must stand before it is told."""

    call_on_hook: Span = 5.0
    off_hook_no_call: Span = 10.0
    available_unplugged: Span = 10.0
    muted_in_call: Span = 90.0
    held_elsewhere: Span = 10.0


class SeatConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One seat: which headset is its own and who sits there. What is None is as in [headsets].

    `url` is `usb:` and what `callfloor devices` prints: a port (`usb:1-1.2`: whatever is plugged there), an identity
    (`usb:0b0e:0307:A1`, `usb:0b0e:0307@1-1.2`) or a model (`usb:0b0e:0307`); or `sim:/path/of/a/socket`.
    `interface` is the phone at the seat as the PBX names it (`PJSIP/101`): whoever is logged in there sits here.
    """

    url: str
    agent: str | None = None
    interface: str | None = None
    hold: Hold | None = None
    answer: bool | None = None
    hang_up: bool | None = None


class HeadsetsConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The headsets of this box, and the seat boxes whose headsets it shows too. The table's presence starts the service."""

    hold: Hold = "own"
    answer: bool = False
    hang_up: bool = False
    findings: tuple[FindingName, ...] = ("call_on_hook", "off_hook_no_call", "available_unplugged", "muted_in_call", "held_elsewhere")
    hold_s: FindingHolds = field(default_factory=FindingHolds)
    ring_s: Period = 10.0
    minutes: bool = True
    keep_days: Annotated[float, Meta(gt=0, le=3660)] = 2.0
    boxes: Annotated[tuple[str, ...], Meta(max_length=64)] = ()
    seat: Annotated[dict[str, SeatConfig], Meta(max_length=500)] = field(default_factory=dict)
