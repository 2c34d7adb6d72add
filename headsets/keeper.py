"""Decides how what happens at the seats becomes events, lamps and wishes: every call on a `Seat` goes through its keeper.

Events are queued in order and at once; lamps are handed to whoever holds the device; time is let pass when a seat asks for it, by one
timer a seat and none while nothing runs. Events that found no room are counted, and the newest state is told once there is some.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, TypeAlias

from msgspec import Struct

from appliance.apart import Apart
from appliance.core.catalogue import HeadsetDetached
from appliance.core.clock import NS
from appliance.core.headset_config import HeadsetsConfig, SeatConfig
from appliance.core.meter import Counter, Family, Wire, gauge, wire_families
from appliance.outbox import Outbox
from appliance.service import Context
from headsets.host import Leds
from headsets.seat import HeadsetEvent, Intent, Seat, Step

_log = logging.getLogger("callfloor.headsets")
#: A seat's timer never comes sooner, so that none that asks for the past can take the loop.
_SOONEST_S: Final = 0.002

#: What is done with a seat, at a monotonic time.
Call: TypeAlias = Callable[[Seat, int], Step]
#: Told after each call on a seat: its key, the seat, and when.
Changed: TypeAlias = Callable[[str, Seat, int], object]


class SeatKeeper:
    """The seats of this box: those configured from the start, others while something is plugged there.

    `held`: seats whose device another program holds (True) or is known not to hold. `on_intent` takes what a hook press asks of the PBX;
    `changed` are told after each call on a seat; `missed` are called when there is room again after events were lost.
    """

    def __init__(self, context: Context, outbox: Outbox) -> None:
        self._config = context.config.headsets or HeadsetsConfig()
        self.seats: dict[str, Seat] = {key: _seat(key, seat, self._config) for key, seat in self._config.seat.items()}
        self.held: dict[str, bool] = {}
        self.on_intent: Callable[[Intent], object] = lambda _intent: None
        self.changed: list[Changed] = []
        self.missed: list[Callable[[], object]] = []
        #: Who writes a seat's lamps: it tells `Seat.wrote` for each that it was handed.
        self.lamps: dict[str, Callable[[Leds], object]] = {}
        self._context, self._outbox = context, outbox
        #: Reports of all devices that could not be understood, and openings that failed.
        self.passed_over, self.failed = Counter(), Counter()
        context.meter.ask("headsets", self._figures)
        #: The box's clock. Whoever opens a device for a seat has its reports dated by it: of two clocks no seat can tell what came first.
        self.now_ns: Callable[[], int] = context.clock.mono_ns
        self._last_ns: dict[str, int] = {}
        self._timers: dict[str, tuple[int, asyncio.TimerHandle]] = {}
        self._untold: set[str] = set()
        self._followers = Apart("what follows from a change at a seat")
        outbox.on_room = self._room

    def seat(self, key: str) -> Seat:
        """The seat, made if nobody knew of it: one that the configuration does not name."""
        if key not in self.seats:
            self.seats[key] = _seat(key, None, self._config)
        return self.seats[key]

    def forget(self, key: str) -> None:
        """Nothing is at this seat any more; one that the configuration does not name goes."""
        self.held.pop(key, None)
        self.lamps.pop(key, None)
        if key not in self._config.seat:
            self._disarm(key)
            self.seats.pop(key, None)
            self._last_ns.pop(key, None)

    def apply(self, key: str, call: Call, at_ns: int | None = None) -> None:
        """Do this with the seat now, or as of `at_ns`; time never goes back at a seat. Nothing for one that is not there."""
        seat = self.seats.get(key)
        if seat is None:
            return
        now_ns = self._last_ns[key] = max(self._last_ns.get(key, 0), self.now_ns() if at_ns is None else at_ns)
        step = call(seat, now_ns)
        if step.events:
            self._tell(key, step.events)
        self._arm(key, seat.due_ns, now_ns)
        if step.lamps is not None and (show := self.lamps.get(key)) is not None:
            show(step.lamps)
        for changed in self.changed:
            self._followers.turn(partial(changed, key, seat, now_ns))
        if step.intent is not None:
            self._followers.turn(partial(self.on_intent, step.intent))

    def emit(self, *data: Struct) -> None:
        """Queue events of other makes (findings, minutes, commands) behind those of the seats."""
        self._put(data)

    def tell_again(self) -> None:
        """Tell how the plugged headsets are, though nothing has changed: no change is counted, in minutes or as chatter."""
        for key, seat in self.seats.items():
            if events := seat.again():
                self._tell(key, events)

    def _figures(self) -> Iterator[Family]:
        """What the service tells a monitoring system: all headsets together, for a seat is somebody's."""
        seats = list(self.seats.values())
        errors = {"passed_over_report": self.passed_over.value, "lost_or_not_opened": self.failed.value}
        yield from wire_families("headset", [Wire(name="all", errors=errors)])
        yield gauge("callfloor_headset_seats", "Seats by how their headset is: plugged, with a fault, held by another program.", [
            ({"state": "plugged"}, sum(seat.attached is True for seat in seats)),
            ({"state": "fault"}, sum(seat.fault is not None for seat in seats)),
            ({"state": "held"}, sum(self.held.values())),
        ])  # fmt: skip
        yield from self._outbox.figures("headsets")

    def close(self) -> None:
        """Time passes no more."""
        for key in tuple(self._timers):
            self._disarm(key)

    def _tell(self, key: str, events: tuple[HeadsetEvent, ...]) -> None:
        if not self._put(events):
            self._untold.add(key)
        elif events and isinstance(events[-1], HeadsetDetached):
            self._untold.discard(key)  # nothing that was there before matters any more

    def _put(self, data: tuple[Struct, ...]) -> bool:
        fits = self._outbox.put([self._context.event(each) for each in data])
        if not fits and self._outbox.refused == len(data):
            _log.error("the journal takes nothing and no more can wait: headset events are lost from now on, and counted")
        return fits

    def _room(self) -> None:
        """There is room again: tell how things stand, of the seats whose events were lost."""
        untold, self._untold = self._untold, set()
        _log.warning(
            "%d headset events were lost while the journal took nothing; %d seats are told anew", self._outbox.refused, len(untold)
        )
        for key in sorted(untold):
            seat = self.seats.get(key)  # None: one without a name whose headset was pulled meanwhile
            self._tell(key, (HeadsetDetached(seat=key),) if seat is None else seat.news())
        for missed in self.missed:
            self._followers.turn(missed)

    def _arm(self, key: str, due_ns: int | None, now_ns: int) -> None:
        armed = self._timers.get(key)
        if armed is not None and armed[0] == due_ns:
            return
        self._disarm(key)
        if due_ns is not None:
            wait_s = max(_SOONEST_S, (due_ns - now_ns) / NS)
            self._timers[key] = due_ns, asyncio.get_running_loop().call_later(wait_s, self._tick, key)

    def _tick(self, key: str) -> None:
        del self._timers[key]
        self.apply(key, lambda seat, now_ns: seat.tick(now_ns))

    def _disarm(self, key: str) -> None:
        armed = self._timers.pop(key, None)
        if armed is not None:
            armed[1].cancel()


def _seat(key: str, seat: SeatConfig | None, config: HeadsetsConfig) -> Seat:
    own = seat or SeatConfig(url="")
    return Seat(
        key,
        hold=own.hold or config.hold,
        answer=config.answer if own.answer is None else own.answer,
        hang_up=config.hang_up if own.hang_up is None else own.hang_up,
    )
