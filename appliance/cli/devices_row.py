"""Decides what `callfloor devices` says of one device: a row, and which of its words are for copying into the configuration."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Kind = Literal["headset", "serial", "spi", "gpio"]


class Row(Struct, frozen=True, kw_only=True):
    """One device as it is seen now; what is None is not known, or not said by such a device.

    `url` is what the configuration takes. `there` false: it is configured and not to be seen. `use`: what the configuration has it for
    (`seat a-101`, `sign strip`). `hook`, `mute`: only while the box's own service looks. `holder`: who has it open. `fault`: what
    cannot be read, and `mend` the command that mends it.
    """

    kind: Kind
    url: str
    there: bool = True
    use: tuple[str, ...] = ()
    seat: str | None = None
    agent: str | None = None
    port: str | None = None
    node: str | None = None
    maker: str | None = None
    product: str | None = None
    vendor_id: str | None = None
    product_id: str | None = None
    serial: str | None = None
    hook: Literal["off", "on", "unknown"] | None = None
    mute: bool | None = None
    findings: tuple[str, ...] = ()
    holder: str | None = None
    fault: str | None = None
    mend: str | None = None


class Seen(Struct, frozen=True):
    """All rows, and what is to be said of the look itself: why hooks and mutes are not known, what was not found."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
