"""Decides how a stack light lives: opened, told what the floor shows, acknowledged at its button, opened again when it failed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final
from zoneinfo import ZoneInfo

from appliance.core.catalogue import AlarmAcknowledged, BoxHealth
from appliance.core.clock import NS
from appliance.core.config import Beacon
from appliance.core.config_beacon import pin_number
from appliance.core.errors import CallfloorError
from appliance.core.journal import BATCH
from appliance.core.meter import WireBook
from appliance.service import Context
from drivers.gpio import Pins, Wiring, open_pins, place_from_url
from wallboard.beacon.clockwork import Clockwork, Tower
from wallboard.beacon.pattern import DARK, STEADY, Pattern, beeps, once
from wallboard.beacon.policy import Policy, lamps_of, safe_show
from wallboard.beacon.sight import Viewpoint
from wallboard.beacon.step import Stepper
from wallboard.stream.feed import Feed

_log = logging.getLogger(__name__)
RETRY_S: Final = 5.0
#: The floor is looked at no more often than this, however fast it changes.
LOOK_EVERY_S: Final = 0.1
#: A lamp's turn in the lamp test.
TEST_S: Final = 0.6
#: A button that chatters in spite of its bounce time is one press.
PRESS_EVERY_S: Final = 0.5


class BeaconRun:
    """One stack light of the configuration."""

    def __init__(
        self,
        name: str,
        beacon: Beacon,
        context: Context,
        feed: Feed,
        clockwork: Clockwork,
        *,
        retry_s: float = RETRY_S,
        test_s: float = TEST_S,
    ) -> None:
        """Raises MisconfiguredError for a URL that is none."""
        place_from_url(beacon.url)
        self.name, self._beacon, self._context, self._feed = name, beacon, context, feed
        self._clockwork, self._retry_s, self._test_s = clockwork, retry_s, test_s
        self._policy = Policy(beacon, ZoneInfo(context.config.site.timezone), context.config.alarm.quiet)
        self._viewpoint = Viewpoint(beacon, context.config)
        self._wires = wires_of(beacon)
        self._tower: Tower | None = None
        self.book = WireBook()
        self._looked_s = self._pressed_s = float(-NS)
        self._later: asyncio.TimerHandle | None = None
        self._wake = asyncio.Event()
        self._pressed = False
        self._failed: CallfloorError | None = None
        #: The fault that stands among the box's health; "": none, None: not looked yet. And the one that was logged last.
        self._told: str | None = None
        self._logged = ""

    @property
    def lamps(self) -> tuple[str, ...]:
        """What can be lit or heard: the lamps, and `buzzer`."""
        return tuple(self._wires)

    @property
    def is_open(self) -> bool:
        """Its pins are held now."""
        return self._tower is not None

    async def run(self) -> None:
        """Work until cancelled, then leave it off. What fails is tried again, a pin that the board lacks too: the other media go on."""
        while True:
            try:
                with self._opened():
                    await self._say_health("")
                    await self._live()
            except CallfloorError as fault:
                self.book.failed("lost" if self.book.up else "not_opened")
                self.book.lost()
                await self._say_health(str(fault))
            await asyncio.sleep(self._retry_s)

    async def _say_health(self, fault: str) -> None:
        """A light that fails stands among the box's health until it is back, once each; what an earlier process left there counts."""
        item = f"beacon.{self.name}"
        if self._told is None:
            self._told = next((health.text for health in self._feed.snapshot().health if health.id == item and health.level != "ok"), "")
        if fault and fault != self._logged:
            _log.warning("stack light %s: %s; trying again every %.0f s", self.name, fault, self._retry_s)
        self._logged = fault
        if fault == self._told:
            return
        try:
            await self._context.emit(BoxHealth(id=item, level="amber" if fault else "ok", text=fault), name=self.name)
            self._told = fault
        except CallfloorError as full:  # said again at the next try
            _log.warning("the state of stack light %s could not be recorded: %s", self.name, full)

    def turn(self) -> None:
        """Look at the floor and tell the lamps. Call when the floor changed, and at least once a second: it is the heartbeat."""
        tower = self._tower
        if tower is None:
            return
        now_s = self._clockwork.now_s()
        rest_s = self._looked_s + LOOK_EVERY_S - now_s
        if rest_s > 0:
            if self._later is None:
                self._later = asyncio.get_running_loop().call_later(rest_s, self._late_turn)
            return
        self._looked_s = now_s
        now_ns = self._feed.now_ns()
        told = self._policy.tell(self._viewpoint.sight(self._feed.snapshot()), now_ns, now_s)
        self._clockwork.tell(tower, told.show)
        if told.beeps:
            self._clockwork.play(tower, "buzzer", beeps(told.beeps))

    def play(self, lamp: str, pattern: Pattern, seconds: float) -> bool:
        """Play a pattern on one lamp for so long, steady where lamps must not flash; False while the pins are not held."""
        if self._tower is None:
            return False
        if not self._beacon.flash and lamp != "buzzer" and pattern != DARK:
            pattern = STEADY
        self._clockwork.play(self._tower, lamp, pattern, seconds)
        return True

    def is_quiet(self) -> bool:
        """Whether the buzzer must be silent now."""
        return self._policy.is_quiet(self._feed.now_ns())

    def _late_turn(self) -> None:
        self._later = None
        self.turn()

    @contextmanager
    def _opened(self) -> Iterator[None]:
        beacon, clockwork = self._beacon, self._clockwork
        with open_pins(beacon.url, wiring_of(beacon)) as pins:
            stepper = Stepper(tuple(self._wires), safe_show(beacon), clockwork.now_s())
            tower = Tower(stepper, pins, self._wires, self._fail_later(asyncio.get_running_loop()))
            self._watch(pins)
            if beacon.test_at_start:
                self._test(stepper)
            self._tower = tower
            self.book.opened()
            clockwork.attach(tower)
            try:
                self.turn()
                yield
            finally:
                self._tower = None
                clockwork.detach(tower)
                if self._later is not None:
                    self._later.cancel()
                    self._later = None

    async def _live(self) -> None:
        while True:
            while self._told and not self._wake.is_set():  # that it is back could not be recorded
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self._retry_s)
                await self._say_health("")
            await self._wake.wait()
            self._wake.clear()
            if self._failed is not None:
                fault, self._failed = self._failed, None
                raise fault
            if self._pressed:
                self._pressed = False
                await self._acknowledge()

    def _test(self, stepper: Stepper) -> None:
        """Each lamp in its turn, and one short beep at the end."""
        now_s = self._clockwork.now_s()
        for index, lamp in enumerate(self._wires):
            if lamp != "buzzer":
                stepper.play(lamp, once(index * self._test_s, self._test_s), now_s)
            elif not self._policy.is_quiet(self._feed.now_ns()):
                stepper.play(lamp, once(index * self._test_s, 0.1), now_s)

    def _watch(self, pins: Pins) -> None:
        pins.watch(asyncio.get_running_loop(), self._press)

    def _press(self) -> None:
        """The button was pressed. Silence comes at once; the lamps follow what the journal then says."""
        now_s = self._clockwork.now_s()
        if now_s - self._pressed_s < PRESS_EVERY_S:
            return
        self._pressed_s, self._pressed = now_s, True
        self._policy.hush()
        if self._tower is not None:
            self._clockwork.hush(self._tower)
        self._wake.set()

    def _fail_later(self, loop: asyncio.AbstractEventLoop) -> Callable[[CallfloorError], None]:
        def fail(fault: CallfloorError) -> None:
            self._failed = fault
            self._wake.set()

        def hand_over(fault: CallfloorError) -> None:  # in the thread of the lamps
            with suppress(RuntimeError):  # the loop has ended: whoever wanted to know is gone
                loop.call_soon_threadsafe(fail, fault)

        return hand_over

    async def _acknowledge(self) -> None:
        """Every alarm that this light shows and nobody has acknowledged."""
        sight, journalled = self._viewpoint.sight(self._feed.snapshot()), self._feed.raised()
        raised = [journalled[alarm.id] for alarm in sight.alarms if alarm.acknowledged is None]
        seen = [AlarmAcknowledged(alarm=alarm, by=f"button {self.name}") for alarm in raised]
        try:
            for at in range(0, len(seen), BATCH):
                await self._context.emit(*seen[at : at + BATCH], name=self.name)
        except CallfloorError as fault:
            _log.warning("a press of the button of stack light %s could not be recorded: %s", self.name, fault)


def wires_of(beacon: Beacon) -> dict[str, tuple[int, bool]]:
    """The pin of each lamp and of the buzzer, and whether it hangs on a resting contact, green first."""
    wires = {}
    for role in (*lamps_of(beacon), "buzzer"):
        pin = pin_number(getattr(beacon, role))
        if pin is not None:
            wires[role] = (pin, role in beacon.normally_closed)
    return wires


def wiring_of(beacon: Beacon) -> Wiring:
    """The pins to open."""
    outputs = tuple(pin for pin, _ in wires_of(beacon).values())
    return Wiring(outputs, beacon.active_high, pin_number(beacon.button), beacon.bounce_s)
