"""Decides what the headsets' service keeps of the journal: who does what at the PBX, the seats of other boxes, findings that stand. Pure.

All of it is a fold of the journal's rows, small enough to be kept beside it, so that a start need not read the journal again; without
what was kept the same comes of reading it all. Rows of other kinds, nearly all, are passed over by their first bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

import msgspec
from msgspec import Struct, field

from appliance.core.catalogue import HeadsetFinding, event_from_stored
from appliance.core.event import Entry, Event, stored_from_body
from headsets.afar import Afar, AfarSeat
from headsets.crosscheck import Facts
from headsets.staff import Staff

VERSION: Final = 1
_TOLD: Final = (
    *("agent.", "pbx.down", "pbx.resynced", "link.", "box.started", "box.health", "box.gap", "journal.pressure", "headset.finding"),
)
_KINDS: Final = tuple(f'{{"k":"{kind}'.encode() for kind in _TOLD)
_HEADSET: Final = b'{"k":"headset.'
#: Where another box told it.
_ORIGIN: Final = b'"o":{"id":'
_KEPT: Final = 5000


class Stood(Struct, frozen=True):
    """A finding that was told and is not over: of whom, and when it was told, `for_s` after it began."""

    agent: str | None
    boot: str
    mono_ns: int
    wall_ns: int
    for_s: float

    def since_ns(self, boot: str, now_mono_ns: int, now_wall_ns: int) -> int:
        """When it began, on this boot's monotonic clock; by wall time where the box was booted since."""
        told_ns = self.mono_ns if boot == self.boot else now_mono_ns - max(0, now_wall_ns - self.wall_ns)
        return min(told_ns, now_mono_ns) - round(self.for_s * 1e9)


class Heard(Struct):
    """What is known as of one row. `standing`: by place (`box/seat`, no box for this one), then by finding."""

    epoch: str = ""
    seq: int = 0
    staff: Staff = field(default_factory=Staff)
    afar: Afar = field(default_factory=Afar)
    standing: dict[str, dict[str, Stood]] = {}
    version: int = VERSION

    def feed(self, rows: Iterable[Entry]) -> bool:
        """The next rows, oldest first; whether one of them told anything. Rows that cannot be read tell nothing."""
        told = False
        for row in rows:
            self.seq = row.seq
            if not row.body.startswith(_KINDS) and not (row.body.startswith(_HEADSET) and _ORIGIN in row.body):
                continue
            try:
                event = event_from_stored(stored_from_body(row.body))
            except msgspec.DecodeError:  # whoever folds the floor counts it
                continue
            if event is not None:
                self._apply(event)
                told = True
        return told

    def facts_of(self, seat: AfarSeat, hidden: Collection[str] = (), *, linked: bool = True) -> Facts:
        """What is known of a seat of another box. `hidden`: PBXs not heard for too long; `linked`: the uplink runs."""
        return Facts(
            agent_state=self.staff.state_of(seat.agent, hidden),
            attached=seat.attached,
            hook=seat.hook,
            mute=seat.mute,
            fresh=self.afar.fresh_of(seat, linked=linked),
        )

    def _apply(self, event: Event) -> None:
        self.afar.feed(event)
        if event.origin is not None:
            return
        self.staff.feed(event.data)
        if isinstance(event.data, HeadsetFinding):
            self._found(event, event.data)

    def _found(self, event: Event, data: HeadsetFinding) -> None:
        place = place_of(data.box, data.seat)
        if data.over:
            stood = self.standing.get(place, {})
            stood.pop(data.finding, None)
            if not stood:
                self.standing.pop(place, None)
        else:
            stood = self.standing.setdefault(place, {})
            stood[data.finding] = Stood(data.agent, event.boot, event.mono_ns, event.wall_ns, data.for_s or 0.0)
            while len(self.standing) > _KEPT:
                del self.standing[next(iter(self.standing))]


def place_of(box: str | None, seat: str) -> str:
    """One seat of one box; no key holds a stroke.

    >>> place_of(None, "a12"), place_of("piso-2", "a12")
    ('/a12', 'piso-2/a12')
    """
    return f"{box or ''}/{seat}"


def kept_from(data: bytes, epoch: str, first_seq: int, head_seq: int) -> Heard | None:
    """What was kept, if it is of this journal and still joins on to its rows; else None."""
    try:
        heard = msgspec.json.decode(data, type=Heard)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    fits = heard.version == VERSION and heard.epoch == epoch and first_seq - 1 <= heard.seq <= head_seq
    return heard if fits else None
