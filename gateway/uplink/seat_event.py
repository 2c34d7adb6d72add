"""Decides what a message of a seat box is worth: a headset event as its box told it, checked from end to end, or none. Pure."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from msgspec import Struct

from appliance.core.catalogue import KINDS
from appliance.core.clock import wall_ns_from_rfc3339
from appliance.core.event import ClockQuality, Origin
from appliance.core.slug import is_key

#: No headset event is longer; the longest of ours have a product's name and a fault's text.
MAX_BYTES: Final = 4096
_TEXT_MOST: Final = 512
_LATEST_NS: Final = 1 << 62
_COUNT_MOST: Final = 1 << 31
_ID: Final = re.compile(r"([a-z0-9]{1,32})-([0-9]{1,15})")
_SOURCE: Final = re.compile(r"[a-z0-9._-]{1,64}/[a-z0-9._-]{1,64}")
_PREVIOUS: Final = re.compile(r"[0-9]{1,15}")


class _Told(Struct, frozen=True):
    """The envelope, as far as it is read."""

    id: str
    source: str
    type: str
    time: str
    data: msgspec.Raw
    clock: ClockQuality = "unset"
    previous: str | None = None


class SeatEvent(Struct, frozen=True):
    """One event of a seat box. `data` None: of a kind that this version does not know. `previous` None: it does not say."""

    kind: str
    source: str
    origin: Origin
    previous: int | None
    data: Any = None

    @property
    def place(self) -> tuple[str, int]:
        """Epoch and seq in its box's journal."""
        return self.origin.place


def seat_event_from(site: str, box: str, kind: str, payload: bytes) -> SeatEvent:
    """Read what came on a box's topic of this kind (`headset.…`). Raises ValueError, with what is wrong in words, for anything else."""
    if len(payload) > MAX_BYTES:
        raise ValueError(f"{len(payload)} bytes; a headset event has {MAX_BYTES} at most")
    try:
        told = msgspec.json.decode(payload, type=_Told)
    except RecursionError as fault:
        raise ValueError("it is nested too deep") from fault
    place_from(told.id)
    source = told.source.removeprefix(f"/{site}/{box}/")
    if source == told.source or not _SOURCE.fullmatch(source):
        raise ValueError(f"its source {told.source[:60]!r} is not the box of its topic")
    if re.fullmatch(rf"callfloor\.{re.escape(kind)}\.v[0-9]{{1,4}}", told.type) is None:
        raise ValueError(f"its type {told.type[:60]!r} is not that of its topic, {kind}")
    if told.previous is not None and not _PREVIOUS.fullmatch(told.previous):
        raise ValueError(f"its previous {told.previous[:60]!r} is no number")
    origin = Origin(told.id, box, _wall_ns(told.time), told.clock)
    previous = int(told.previous) if told.previous is not None else None
    known = KINDS.get(kind)
    return SeatEvent(kind, source, origin, previous, _data(told.data, known.type) if known is not None else None)


def place_from(text: str) -> tuple[str, int]:
    """Epoch and seq of an event's id. Raises ValueError for one that is none."""
    if (found := _ID.fullmatch(text)) is None:
        raise ValueError(f"its id {text[:60]!r} is none of a journal")
    return found[1], int(found[2])


def _wall_ns(text: str) -> int:
    try:
        wall_ns = wall_ns_from_rfc3339(text)
    except (ValueError, OverflowError) as fault:
        raise ValueError(f"its time {text[:60]!r} is none") from fault
    if not 0 <= wall_ns < _LATEST_NS:
        raise ValueError(f"its time {text[:60]!r} is none between 1970 and 2116")
    return wall_ns


def _data(raw: msgspec.Raw, kind: type[Struct]) -> Struct:
    try:
        data = msgspec.json.decode(raw, type=kind)
    except RecursionError as fault:
        raise ValueError("it is nested too deep") from fault
    for name in data.__struct_fields__:
        value = getattr(data, name)
        if name in ("seat", "agent", "box") and value is not None and not is_key(value):
            raise ValueError(f"its {name} {str(value)[:60]!r} is no key")
        if isinstance(value, int) and not -_COUNT_MOST < value < _COUNT_MOST:
            raise ValueError(f"its {name} counts beyond all measure")
        if isinstance(value, str) and len(value) > _TEXT_MOST:
            raise ValueError(f"its {name} has {len(value)} letters; {_TEXT_MOST} at most")
    return data
