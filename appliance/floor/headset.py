"""Decides what is known of the headset at each seat of this floor, its own and those of the seat boxes near it, and how far it holds. Pure.

The seats of another box go by `box.seat`. Whatever is no longer heard of (its process died, its box is away, its events were lost) is
stale or unknown until it speaks anew: a state that may be over is never shown as one that is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, Final

import msgspec

from appliance.core.clock import NS, rfc3339
from appliance.core.slug import prefixed, unclashed
from appliance.floor.snapshot import Headset
from appliance.floor.state import FloorState, Heard

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.core.catalogue import (
        BoxGap,
        BoxStarted,
        HeadsetAttached,
        HeadsetDetached,
        HeadsetFault,
        HeadsetFinding,
        HeadsetHook,
        HeadsetMute,
        JournalPressure,
    )
    from appliance.core.event import Event

_SEATS_KEPT: Final = 5000
_FINDINGS_KEPT: Final = 16
_BOXES_KEPT: Final = 256
#: The id of the health item that tells of a seat box that is away; with `*`, that none of them can be heard.
HEALTH: Final = "seat-box."
#: What another box says of its time is believed so far back: a broker keeps nothing for longer.
_BELIEVED_NS: Final = 8 * 86_400 * NS
#: The link as it must be for other boxes to be heard. `no_consumer`: it stands, and the CRM does not listen.
_HEARING: Final = frozenset({"up", "no_consumer"})


class HeadsetFold:
    """The headsets of one floor."""

    def __init__(self, state: FloorState) -> None:
        self._state = state
        #: Own seats whose process died, as long as its successor has not spoken of them: told from outside, as of sources.
        self.unheard: set[str] = set()
        self._stale: dict[str, tuple[Headset, Headset]] = {}
        self.handlers: dict[str, Callable[..., None]] = {
            "headset.attached": self._attached,
            "headset.detached": self._detached,
            "headset.hook": self._hook,
            "headset.mute": self._mute,
            "headset.fault": self._failed,
            "headset.finding": self._found,
            "box.gap": self._lost,
            "box.started": self._started,
            "journal.pressure": self._pressed,
        }

    def told_elsewhere(self, event: Event, at_ns: int) -> None:
        """An event of another box. Its time is that box's word where both clocks are set by a time server, else when it came."""
        origin = event.origin
        assert origin is not None
        handler = self.handlers.get(event.kind)
        if handler is not None and event.group == "headset":
            set_well = origin.clock == event.clock == "synced"
            believed = set_well and at_ns - _BELIEVED_NS < origin.wall_ns < at_ns
            handler(event.data, origin.wall_ns if believed else at_ns, origin.box)
        self._state.boxes[origin.box] = Heard(*origin.place)
        while len(self._state.boxes) > _BOXES_KEPT:
            del self._state.boxes[next(iter(self._state.boxes))]

    def own_seats(self) -> set[str]:
        """The keys of this box's own seats."""
        return {key for key, one in self._state.headsets.items() if one.box is None}

    def shown(self, boxes: Collection[str], *, linked: bool) -> dict[str, Headset]:
        """All seats as they may be shown now: those of this box and of `boxes` (`*`: of any). `linked`: the uplink runs.

        In the order of their names, this box's own first: that of their first sight would change when the fold is made anew.
        """
        state, found = self._state, dict[str, Headset]()
        hearing = linked and state.link.state in _HEARING and f"{HEALTH}*" not in state.health
        for key, one in sorted(state.headsets.items(), key=_place):
            if one.box is not None and one.box not in boxes and "*" not in boxes:
                continue
            heard = key not in self.unheard if one.box is None else hearing and f"{HEALTH}{one.box}" not in state.health
            found[key] = one if heard and not state.pressed else self._as_stale(key, one)
        return found

    def turn_day(self, today: str) -> None:
        """Forget seats at which nothing is, or of which nothing is known, since before today."""
        headsets = self._state.headsets
        gone = [
            key for key, one in headsets.items()
            if (one.attached is False or one.fresh == "unknown") and not one.findings and (one.since or "") < today
        ]  # fmt: skip
        for key in gone:
            del headsets[key]
        self._stale = {key: pair for key, pair in self._stale.items() if key in headsets}

    def _as_stale(self, key: str, one: Headset) -> Headset:
        """The same object for the same seat as it was, since snapshots are compared by what they hold."""
        if one.fresh != "live":
            return one
        known = self._stale.get(key)
        if known is None or known[0] is not one:
            known = self._stale[key] = (one, msgspec.structs.replace(one, fresh="stale"))
        return known[1]

    def _attached(self, data: HeadsetAttached, at_ns: int, box: str | None = None) -> None:
        since = rfc3339(at_ns)
        self._plug(box, Headset(seat=data.seat, box=box, agent=data.agent, product=data.product, attached=True, fresh="live", since=since))

    def _detached(self, data: HeadsetDetached, at_ns: int, box: str | None = None) -> None:
        self._plug(box, Headset(seat=data.seat, box=box, agent=data.agent, attached=False, fresh="live", since=rfc3339(at_ns)))

    def _hook(self, data: HeadsetHook, at_ns: int, box: str | None = None) -> None:
        self._changed(box, data, at_ns, hook=data.hook)

    def _mute(self, data: HeadsetMute, at_ns: int, box: str | None = None) -> None:
        self._changed(box, data, at_ns, mute=data.mute)

    def _failed(self, data: HeadsetFault, at_ns: int, box: str | None = None) -> None:
        key, before = self._headset(box, data.seat)
        self._seat(key, msgspec.structs.replace(before, agent=data.agent, fresh="stale", since=before.since or rfc3339(at_ns)))

    def _found(self, data: HeadsetFinding, _at_ns: int, box: str | None = None) -> None:
        if box is not None and data.box not in (None, box):
            return  # another floor box's word of a third's seat, which this box checks itself
        key, before = self._headset(box or data.box, data.seat)
        others = tuple(finding for finding in before.findings if finding != data.finding)
        findings = others if data.over else (*others, data.finding)[-_FINDINGS_KEPT:]
        agent = before.agent if data.over else data.agent  # at an empty seat nothing else tells who sits there now
        self._seat(key, msgspec.structs.replace(before, findings=findings, agent=agent), spoke=False)

    def _lost(self, data: BoxGap, at_ns: int) -> None:
        self._forget(data.box, at_ns)

    def _started(self, data: BoxStarted, at_ns: int) -> None:
        """Who read the headsets before is gone, and what they did meanwhile nobody saw."""
        if "headsets" in data.services:
            self._forget(None, at_ns)

    def _pressed(self, data: JournalPressure, _at_ns: int) -> None:
        """While it lasts no change of hook or mute is recorded, and after it nobody knows what became of them."""
        self._state.pressed = data.state == "begins"
        if data.state == "ends":
            for key, one in self._state.headsets.items():
                self._state.headsets[key] = msgspec.structs.replace(one, hook="unknown", mute=None)

    def _forget(self, box: str | None, at_ns: int) -> None:
        """What was told of the seats of a box holds no more; who sits there, and what was found of them, does until it is told."""
        for key, one in self._of(box):
            self._state.headsets[key] = Headset(
                seat=one.seat, box=box, agent=one.agent, product=one.product, since=rfc3339(at_ns), findings=one.findings
            )

    def _of(self, box: str | None) -> Iterator[tuple[str, Headset]]:
        yield from [(key, one) for key, one in self._state.headsets.items() if one.box == box]

    def _changed(self, box: str | None, data: HeadsetHook | HeadsetMute, at_ns: int, **change: Any) -> None:
        key, before = self._headset(box, data.seat)
        same = before.fresh == "live" and all(getattr(before, name) == value for name, value in change.items())
        since = before.since if same else rfc3339(at_ns)
        self._seat(key, msgspec.structs.replace(before, agent=data.agent, attached=True, fresh="live", since=since, **change))

    def _plug(self, box: str | None, headset: Headset) -> None:
        """Nothing of the headset before holds but what the cross-check found of the seat: it ends its findings itself."""
        key, before = self._headset(box, headset.seat)
        headset.findings = before.findings
        self._seat(key, headset)

    def _headset(self, box: str | None, seat: str) -> tuple[str, Headset]:
        """A seat and its key: its own here, `box.seat` for another box's, and with -2 where that is another's already."""
        key, headsets = prefixed(box or "", seat), self._state.headsets
        known = headsets.get(key)
        if known is not None and (known.box, known.seat) != (box, seat):
            there = (other for other, one in headsets.items() if (one.box, one.seat) == (box, seat))
            key = next(there, None) or unclashed(key, headsets)
            known = headsets.get(key)
        return key, known or Headset(seat=seat, box=box)

    def _seat(self, key: str, headset: Headset, *, spoke: bool = True) -> None:
        """Always a new object, since snapshots hold on to the one before."""
        headsets = self._state.headsets
        headsets[key] = headset
        if spoke:
            self.unheard.discard(key)
        while len(headsets) > _SEATS_KEPT:  # another box that goes mad takes no place from this one's own seats
            del headsets[next((other for other, one in headsets.items() if one.box is not None), next(iter(headsets)))]


def _place(item: tuple[str, Headset]) -> tuple[str, str]:
    return item[1].box or "", item[0]
