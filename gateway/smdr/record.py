"""Decides what a call record is once it is read: the same members whichever PBX printed it; None for what its profile does not tell."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal

from msgspec import UNSET, Struct, UnsetType, to_builtins

Direction = Literal["in", "out", "internal"]
#: A printed text is data for a person; none of them is longer than this but by damage.
MAX_TEXT: Final = 120


class CallRecord(Struct, kw_only=True):
    """One record. The members up to `transferred` are always told, the others where there is something to tell.

    `start` is local, when the call began (began to ring, where the ring time is told); `duration_s` is the talk as the PBX counts it.
    `event` marks a line that is no call: a log-in, a call that only rings yet, all lines busy. `fields` is the line's own text by column.
    """

    profile: str
    direction: Direction | None = None
    extension: str | None = None
    trunk: str | None = None
    number: str | None = None
    start: datetime | None = None
    duration_s: float | None = None
    ring_s: float | None = None
    answered: bool | None = None
    abandoned: bool | None = None
    transferred: bool | None = None
    event: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    dialled: str | UnsetType = UNSET
    account: str | UnsetType = UNSET
    queue: str | UnsetType = UNSET
    call_id: str | UnsetType = UNSET
    transferred_to: str | UnsetType = UNSET
    hold_s: float | UnsetType = UNSET
    talk_s: float | UnsetType = UNSET
    end: datetime | UnsetType = UNSET
    time: str | UnsetType = UNSET
    internal: bool | UnsetType = UNSET
    voicemail: bool | UnsetType = UNSET
    supervised: bool | UnsetType = UNSET
    cut: bool | UnsetType = UNSET
    last: bool | UnsetType = UNSET
    text: str | UnsetType = UNSET
    opened_by: str | UnsetType = UNSET
    fields: dict[str, str] = {}
    raw: str = ""

    @property
    def is_call(self) -> bool:
        """Whether it counts as a call."""
        return self.event is UNSET

    def as_json(self) -> dict[str, Any]:
        """As `callfloor decode smdr` prints it."""
        out = to_builtins(self)
        assert isinstance(out, dict)
        out.pop("raw")
        for name in ("start", "end"):
            moment = getattr(self, name)
            if isinstance(moment, datetime):
                out[name] = moment.isoformat(timespec="seconds")
        return out


#: Members that a profile's rule may set as they are.
FLAGS: Final = frozenset(("answered", "abandoned", "transferred", "internal", "voicemail", "supervised", "cut", "last"))
TEXTS: Final = frozenset(
    (
        "extension", "trunk", "number", "event", "name", "dialled", "account", "queue", "call_id", "transferred_to", "text",
        "opened_by",
    )
)  # fmt: skip
SPANS: Final = frozenset(("duration_s", "ring_s", "hold_s", "talk_s"))
