"""Decides what the journal gets of a call record: the catalogue's `pbx.record`, and of which records."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from appliance.core.catalogue import PbxRecord
from gateway.smdr.record import CallRecord
from gateway.smdr.twice import digest_of

_PLAIN = ("direction", "extension", "trunk", "number", "duration_s", "ring_s", "answered", "abandoned", "transferred")
_PERHAPS = ("name", "dialled", "account", "queue", "call_id", "hold_s")


def event_from_record(pbx: str, record: CallRecord) -> PbxRecord | None:
    """The event; None for a line that is no call (a log-in, a call that only rings yet)."""
    if not record.is_call:
        return None
    told: dict[str, Any] = {name: getattr(record, name) for name in _PLAIN}
    told |= {name: value for name in _PERHAPS if (value := getattr(record, name)) is not UNSET}
    start = record.start.isoformat(timespec="seconds") if record.start is not None else None
    return PbxRecord(pbx=pbx, profile=record.profile, start=start, digest=digest_of(record.raw), **told)
