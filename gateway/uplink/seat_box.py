"""Decides what is known of each seat box: how far it was heard, whether something is missing, whether it is there. Pure."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Final, Literal

from msgspec import Struct

from appliance.core.catalogue import BoxGap, BoxHealth
from appliance.floor.headset import HEALTH
from appliance.floor.state import FloorState
from gateway.uplink.seat_event import SeatEvent

_log = logging.getLogger(__name__)

#: More boxes than these are not read, and of more seats than these in all of them nothing is taken.
MOST_BOXES: Final = 64
MOST_SEATS: Final = 500
#: The name under which is said what concerns all boxes at once.
ALL: Final = "*"


class SeatBox:
    """One box: the last event heard, its seats, and what was said of it last."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.epoch: str | None = None
        self.seq = 0
        self.seats: set[str] = set()
        #: What is wrong with it, None while nothing is; as it was said last.
        self.said: str | None = None
        #: That the broker lets us not read its events, which no word of its status mends.
        self.barred: str | None = None
        self.state: Literal["online", "offline", "gone"] | None = None
        self.doubted = False
        self.dropped = self.repeated = 0

    def status(self, state: Literal["online", "offline", "gone"], told_to: tuple[str, int] | None, *, named: bool) -> list[Struct]:
        """Its status came; `told_to` is the place up to which it has told of its headsets.

        A box that never told anything and is not asked for by name is nobody's trouble.
        """
        self.state = state
        if state == "offline":
            text = f"seat box {self.name} is offline: its headsets are shown as last heard"
            return self.complain(text) if named or self.epoch is not None else []
        lost: list[Struct] = []
        if state == "gone":
            lost = self.lost("gone")
        elif told_to is None:
            lost = self.lost("session") if self.doubted else []
        elif self.epoch is not None and told_to[0] != self.epoch:
            lost = self.lost("journal")
        elif self.epoch is not None and told_to[1] > self.seq:
            lost = self.lost("missing")
        self.doubted = False
        return [*lost, *self.complain(self.barred)]

    def doubt(self) -> list[Struct]:
        """The broker kept nothing for us: until the box says how far it has told, nobody knows whether something was lost."""
        if self.epoch is None:
            return []
        self.doubted, self.state = True, None
        return self.complain(f"seat box {self.name} was not heard since the broker forgot what it kept for this box")

    def complain(self, text: str | None) -> list[Struct]:
        """Say what is wrong, or that nothing is any more; nothing new is nothing said."""
        if text == self.said:
            return []
        self.said = text
        _log.info("%s", text or f"seat box {self.name} is heard")
        return [BoxHealth(id=f"{HEALTH}{self.name}", level="amber" if text else "ok", text=text or "")]

    def lost(self, reason: Literal["missing", "session", "journal", "gone"]) -> list[Struct]:
        """Something of it was lost: what is known of its seats holds no more."""
        seats, self.seats = self.seats, set()
        if not seats:
            return []
        _log.warning("events of seat box %s were lost (%s): its seats are unknown until they speak anew", self.name, reason)
        return [BoxGap(box=self.name, reason=reason)]

    def drop(self, why: str) -> None:
        """Count a message that is none; the 1st, 2nd, 4th, 8th… is logged."""
        self.dropped += 1
        if self.dropped.bit_count() == 1:
            _log.warning("seat box %s: message %d dropped: %s", self.name, self.dropped, why[:200])


class SeatRoll:
    """All seat boxes."""

    def __init__(self) -> None:
        self.boxes: dict[str, SeatBox] = {}

    def recall(self, state: FloorState, reads: Callable[[str], bool]) -> None:
        """Take up what the journal knows."""
        for name, heard in state.boxes.items():
            box = self.box(name) if reads(name) else None
            if box is not None:
                box.epoch, box.seq = heard.epoch, heard.seq
                box.seats = {one.seat for one in state.headsets.values() if one.box == name and one.fresh != "unknown"}
        for item in state.health.values():
            if item.id.startswith(HEALTH) and reads(item.id[len(HEALTH) :]) and (box := self.box(item.id[len(HEALTH) :])) is not None:
                box.said = item.text

    def left_over(self, state: FloorState, reads: Callable[[str], bool]) -> list[Struct]:
        """Boxes that were said to be away and are read no more are no trouble any more."""
        ids = [key for key in state.health if key.startswith(HEALTH)]
        return [BoxHealth(id=key, level="ok") for key in ids if not reads(key[len(HEALTH) :])]

    def box(self, name: str) -> SeatBox | None:
        """The box; None when it would be one too many."""
        known = self.boxes.get(name)
        if known is None and len(self.boxes) < MOST_BOXES:
            known = self.boxes[name] = SeatBox(name)
        return known

    def heard(self, box: SeatBox, event: SeatEvent) -> tuple[list[Struct], bool]:
        """An event came: what is to be told before it, and whether it is to be appended itself."""
        epoch, seq = event.place
        missed: list[Struct] = []
        if epoch == box.epoch and seq <= box.seq:
            box.repeated += 1
            return [], False
        if box.epoch is not None and epoch != box.epoch:
            missed = box.lost("journal")
        elif box.epoch is not None and event.previous is not None and event.previous > box.seq:
            missed = box.lost("missing")
        box.epoch, box.seq = epoch, seq
        if event.data is None:
            return missed, False
        seat = event.data.seat
        if seat not in box.seats:
            if sum(len(each.seats) for each in self.boxes.values()) >= MOST_SEATS:
                box.drop(f"seat {seat} is one too many: {MOST_SEATS} are read of all boxes together")
                return missed, False
            box.seats.add(seat)
        return missed, True

    def all_in_doubt(self) -> list[Struct]:
        """The broker knew nothing of us any more."""
        return [told for box in self.boxes.values() for told in box.doubt()]

    def refused(self, name: str, text: str | None) -> list[Struct]:
        """A subscription was refused, or (None) granted."""
        box = self.box(name)
        if box is None:
            return []
        box.barred = text
        if text is None and (box.said is None or "access rules" not in box.said):
            return []
        return box.complain(text)

    def silent(self, names: Iterable[str]) -> list[Struct]:
        """Of these boxes not even a status came."""
        told: list[Struct] = []
        for name in names:
            box = self.box(name)
            if box is not None and box.state is None and box.said is None:
                told += box.complain(f"no status has come from seat box {name}: is that its [site] box, and may this box read its topics?")
        return told
