"""The envelope of an event, as stored in the journal and handed to folds, and its encoding.

The stored body is one JSON object: `{"k": kind, "s": source, "w": wall_ns, "m": mono_ns, "b": boot,
"c": clock quality, "d": data}`, and `"o"` where another box told it. The data part is kept raw while an event is only carried (the uplink
splices it into a CloudEvent) and decoded into its catalogue type when it is folded.
"""

from __future__ import annotations

from typing import Literal

import msgspec

ClockQuality = Literal["synced", "holdover", "unset"]


class Origin(msgspec.Struct, frozen=True, gc=False, rename={"wall_ns": "w", "clock": "c"}):
    """Where an event comes from that another box of the site has told: its id there (`epoch-seq`), and when it was by that box's clock."""

    id: str
    box: str
    wall_ns: int
    clock: ClockQuality

    @property
    def place(self) -> tuple[str, int]:
        """Its epoch and seq in that box's journal."""
        epoch, _, seq = self.id.rpartition("-")
        return epoch, int(seq)


class Stored(
    msgspec.Struct,
    frozen=True,
    gc=False,
    omit_defaults=True,
    rename={"kind": "k", "source": "s", "wall_ns": "w", "mono_ns": "m", "boot": "b", "clock": "c", "data": "d", "origin": "o"},
):
    """An event as the journal holds it, its data still encoded.

    `kind` is `group.name`; `source` is `service/name` (`gateway/central`); `wall_ns` is nanoseconds since
    1970 UTC by the box's clock at arrival; `mono_ns` is CLOCK_MONOTONIC of the boot named by `boot`. These are of this box
    also where `origin` says that another one told it.
    """

    kind: str
    source: str
    wall_ns: int
    mono_ns: int
    boot: str
    clock: ClockQuality
    data: msgspec.Raw
    origin: Origin | None = None


class Event(msgspec.Struct, frozen=True):
    """An event with its data as the catalogue's struct (see `appliance.core.catalogue`)."""

    kind: str
    source: str
    wall_ns: int
    mono_ns: int
    boot: str
    clock: ClockQuality
    data: msgspec.Struct
    origin: Origin | None = None

    @property
    def group(self) -> str:
        """The part of the kind before the point: `call`, `agent`, …"""
        return self.kind.partition(".")[0]


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One row of the journal: its position, its delivery number if it is due to the CRM, and its body."""

    seq: int
    n: int | None
    body: bytes


class Position(msgspec.Struct, frozen=True, gc=False):
    """A place in one journal: the epoch and the last sequence number passed."""

    epoch: str
    seq: int


_stored = msgspec.json.Decoder(Stored)
_encode = msgspec.json.Encoder().encode


def stored_from_body(body: bytes) -> Stored:
    """Decode a journal body, leaving its data raw.

    Raises msgspec.DecodeError (msgspec.ValidationError for a wrong shape) when the body is not an event.
    """
    return _stored.decode(body)


def body_from_stored(stored: Stored) -> bytes:
    """Encode a stored event as it was decoded."""
    return _encode(stored)


def body_from_event(event: Event) -> bytes:
    """Encode an event as a journal body."""
    data = msgspec.Raw(_encode(event.data))
    return _encode(Stored(event.kind, event.source, event.wall_ns, event.mono_ns, event.boot, event.clock, data, event.origin))
