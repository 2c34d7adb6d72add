"""Decides what is known here of the headsets of seat boxes, from their events in this box's journal. Pure.

What a seat box told holds while it is heard: while its status is online, the link to the broker stands, and none of its events was
lost. What it told before is stale meanwhile, and no ground for a finding.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from msgspec import Struct

from appliance.core.catalogue import (
    BoxGap,
    BoxHealth,
    HeadsetAttached,
    HeadsetDetached,
    HeadsetFault,
    HeadsetHook,
    HeadsetMute,
    JournalPressure,
    LinkDown,
    LinkUp,
)
from appliance.core.event import Event
from appliance.floor.headset import HEALTH
from appliance.floor.snapshot import Fresh
from headsets.hook import State

_KEPT: Final = 5000


class AfarSeat(Struct):
    """One seat of another box."""

    box: str
    seat: str
    agent: str | None = None
    attached: bool | None = None
    hook: State = "unknown"
    mute: bool | None = None
    fresh: Fresh = "unknown"


class Afar(Struct):
    """The seats of other boxes, by `box/seat`.

    `away`: boxes that are not heard (`*`: none is); `hears`: the link stands; `pressed`: changes go unrecorded; `relieved`: how often
    that has ended.
    """

    seats: dict[str, AfarSeat] = {}
    away: dict[str, bool] = {}
    hears: bool = False
    pressed: bool = False
    relieved: int = 0

    def feed(self, event: Event) -> None:
        """One event, oldest first; those that tell nothing of other boxes are passed over."""
        if event.origin is not None:
            self._told(event.origin.box, event.data)
            return
        match event.data:
            case LinkUp():
                self.hears = True
            case LinkDown():
                self.hears = event.data.reason == "no_consumer"
            case BoxHealth() if event.data.id.startswith(HEALTH):
                self._seen(event.data.id.removeprefix(HEALTH), event.data.level == "ok")
            case BoxGap():
                self._forget(event.data.box)
            case JournalPressure():
                self.pressed = event.data.state == "begins"
                self.relieved += not self.pressed
                for box in {seat.box for seat in self.seats.values()}:
                    self._forget(box)

    def heard(self, boxes: Collection[str]) -> dict[str, AfarSeat]:
        """The seats of the boxes that this one shows (`*`: all)."""
        return {key: seat for key, seat in self.seats.items() if seat.box in boxes or "*" in boxes}

    def fresh_of(self, seat: AfarSeat, *, linked: bool) -> Fresh:
        """How far what is known of a seat holds. `linked`: the uplink runs."""
        heard = linked and self.hears and not self.pressed and not self.away.keys() & {seat.box, "*"}
        return seat.fresh if heard or seat.fresh == "unknown" else "stale"

    def _told(self, box: str, data: Struct) -> None:
        if not isinstance(data, HeadsetAttached | HeadsetDetached | HeadsetHook | HeadsetMute | HeadsetFault):
            return
        key = f"{box}/{data.seat}"
        seat = self.seats.get(key)
        if seat is None or isinstance(data, HeadsetAttached | HeadsetDetached):
            seat = self.seats[key] = AfarSeat(box, data.seat)
        seat.agent = data.agent
        seat.fresh = "stale" if isinstance(data, HeadsetFault) else "live"
        seat.attached = not isinstance(data, HeadsetDetached)
        if isinstance(data, HeadsetHook):
            seat.hook = data.hook
        elif isinstance(data, HeadsetMute):
            seat.mute = data.mute
        while len(self.seats) > _KEPT:
            del self.seats[next(iter(self.seats))]

    def _seen(self, box: str, here: bool) -> None:
        if here:
            self.away.pop(box, None)
        elif len(self.away) < _KEPT:
            self.away[box] = True

    def _forget(self, box: str) -> None:
        for key, seat in self.seats.items():
            if seat.box == box:
                self.seats[key] = AfarSeat(box, seat.seat, seat.agent)
