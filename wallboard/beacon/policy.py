"""Decides what a stack light and its buzzer tell of the floor: one of green, amber and red for the callers, blue for faults.

| lamp | steady | rhythm |
| --- | --- | --- |
| green | all are served | – |
| amber | callers wait, or a figure is near its limit, or nobody knows how the floor is | 2 Hz: a new alarm |
| red | a figure is off target, or all lines are busy | 2 Hz: a new alarm |
| blue | – | two short flashes: PBX; three: the box; one: the link to the CRM |

New is what nobody acknowledged and is not older than `flash_s`. A level rises at once and falls after HOLD_S, so that relays do
not chatter. The buzzer tells each rise once: amber 1 beep, a fault 2, red 3, not in quiet hours. Outside opening hours all is dark.
"""

from __future__ import annotations

from typing import Final, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from appliance.core.config import Beacon
from appliance.core.config_beacon import LAMPS, minutes_of_span
from appliance.floor.snapshot import Alarm
from wallboard.alarm.quiet import in_hours
from wallboard.beacon.pattern import DOUBLE, FLASH, SINGLE, STEADY, TRIPLE, Pattern
from wallboard.beacon.step import Show
from wallboard.moment import age_s

Fault = Literal["pbx", "box", "link"]
Level = Literal["green", "amber", "red"]

HOLD_S: Final = 5.0
#: A PBX that reconnects at once is shown, and not heard.
FAULT_HEARD_AFTER_S: Final = 10.0
#: What was raised longer ago than this was heard by an earlier start of the service; and the same rise is not heard twice within it.
NEWS_S: Final = 60.0
_ORDER: Final[tuple[Level, ...]] = ("green", "amber", "red")
_FAULTS: Final[dict[Fault, Pattern]] = {"pbx": DOUBLE, "box": TRIPLE, "link": SINGLE}
#: How loud a rise is: so many beeps.
_AMBER, _FAULT, _RED = 1, 2, 3


class Sight(Struct, frozen=True):
    """What a stack light looks at: `known` is False when the figures are stale or missing; `fault` the gravest one."""

    known: bool = True
    closed: bool = False
    waiting: int | None = 0
    all_busy: bool = False
    fault: Fault | None = None
    alarms: tuple[Alarm, ...] = ()


class Told(Struct, frozen=True):
    """What is to be shown from now on, and how many beeps are due now."""

    show: Show
    beeps: int = 0


def lamps_of(beacon: Beacon) -> tuple[str, ...]:
    """The lamps that are wired, green first."""
    return tuple(lamp for lamp in LAMPS if getattr(beacon, lamp) is not None)


def safe_show(beacon: Beacon) -> Show:
    """What is shown when nobody knows how the floor is: amber steady, where there is none blue; never green, nor red, which is a claim."""
    lamp = next((lamp for lamp in ("amber", "blue") if lamp in lamps_of(beacon)), None)
    return {} if lamp is None else {lamp: STEADY}


class Policy:
    """One stack light's mind: remembers what it showed, for the holding of levels and the counting of rises."""

    def __init__(self, beacon: Beacon, zone: ZoneInfo, quiet: tuple[str, ...] = ()) -> None:
        """`quiet` are the quiet hours of all alarms, in which nothing flashes for a new one either."""
        self._beacon, self._zone, self._lamps = beacon, zone, lamps_of(beacon)
        self._still = [minutes_of_span(span) for span in quiet]
        self._quiet = [*self._still, *(minutes_of_span(span) for span in beacon.quiet)]
        self._level: Level = "green"
        self._lower_since_s: float | None = None
        self._fault: Fault | None = None
        self._fault_since_s = 0.0
        self._hushed = False
        self._urgency = 0
        self._heard: tuple[int, float] | None = None

    def tell(self, sight: Sight, now_ns: int, mono_s: float) -> Told:
        """What to show of this sight, now: in wall nanoseconds on the floor's time line, and in seconds that no clock setting moves."""
        if sight.fault != self._fault:
            self._fault, self._fault_since_s, self._hushed = sight.fault, mono_s, False
        if sight.closed:
            self._level, self._lower_since_s, self._urgency = "green", None, 0
            return Told({})
        beeps = self._beeps(sight, now_ns, mono_s)
        show: dict[str, Pattern] = {}
        if not sight.known:
            self._level, self._lower_since_s = "green", None  # whatever is known next is shown at once
            show.update(safe_show(self._beacon))
        else:
            show.update(self._of_level(self._held(_level(sight, self._beacon.waiting_from), mono_s), sight, now_ns))
        if sight.fault is not None:
            lamp = next((lamp for lamp in ("blue", "amber", "red") if lamp in self._lamps), None)
            if lamp is not None:
                show[lamp] = _FAULTS[sight.fault]
        if not self._beacon.flash:
            show = dict.fromkeys(show, STEADY)
        return Told(show, beeps)

    def hush(self) -> None:
        """Somebody pressed the button: the fault of now is heard no more."""
        self._hushed = True

    def is_quiet(self, now_ns: int) -> bool:
        """Whether a moment lies in quiet hours, by the clock on the site's wall (an hour that comes twice is quiet twice).

        Without a span: never.
        """
        return in_hours(self._quiet, now_ns, self._zone)

    def _of_level(self, level: Level, sight: Sight, now_ns: int) -> Show:
        flashes = not in_hours(self._still, now_ns, self._zone)
        new = flashes and any(alarm.level == level and is_new(alarm, now_ns, self._beacon.flash_s) for alarm in sight.alarms)
        pattern = FLASH if new else STEADY
        if level == "red" and "red" not in self._lamps:
            return _only(self._lamps, "amber", FLASH)
        return _only(self._lamps, level, pattern)

    def _held(self, level: Level, mono_s: float) -> Level:
        if _ORDER.index(level) >= _ORDER.index(self._level):
            self._level, self._lower_since_s = level, None
        elif self._lower_since_s is None:
            self._lower_since_s = mono_s
        elif mono_s - self._lower_since_s >= HOLD_S:
            self._level, self._lower_since_s = level, None
        return self._level

    def _beeps(self, sight: Sight, now_ns: int, mono_s: float) -> int:
        fresh = [alarm for alarm in sight.alarms if alarm.acknowledged is None]
        ranks = [(_RED if alarm.level == "red" else _AMBER, age_s(alarm.since, now_ns) < NEWS_S) for alarm in fresh]
        lasted_s = mono_s - self._fault_since_s
        if self._fault is not None and not self._hushed and lasted_s >= FAULT_HEARD_AFTER_S:
            ranks.append((_FAULT, lasted_s < NEWS_S))
        urgency = max((rank for rank, _ in ranks), default=0)
        rise, self._urgency = urgency > self._urgency, urgency
        if not rise or not any(rank == urgency and is_news for rank, is_news in ranks):
            return 0
        least = {"amber": _AMBER, "red": _FAULT, "never": _RED + 1}[self._beacon.beep_from]
        if urgency < least or self.is_quiet(now_ns):
            return 0
        if self._heard is not None and self._heard[0] >= urgency and mono_s - self._heard[1] < NEWS_S:
            return 0
        self._heard = (urgency, mono_s)
        return urgency


def is_new(alarm: Alarm, now_ns: int, flash_s: float) -> bool:
    """Raised lately, and nobody has acknowledged it."""
    return alarm.acknowledged is None and age_s(alarm.since, now_ns) < flash_s


def _level(sight: Sight, waiting_from: int) -> Level:
    levels = {alarm.level for alarm in sight.alarms}
    if "red" in levels or sight.all_busy:
        return "red"
    return "amber" if "amber" in levels or sight.waiting is None or sight.waiting >= waiting_from else "green"


def _only(lamps: tuple[str, ...], lamp: str, pattern: Pattern) -> dict[str, Pattern]:
    return {lamp: pattern} if lamp in lamps else {}
