"""Decides how a stack light is tried: each lamp alone, all together, each rhythm, three beeps, and a press of the button."""

from __future__ import annotations

import argparse
import asyncio
import signal
from collections.abc import Callable

from msgspec import Struct

from appliance.cli.access import configured
from appliance.cli.idle import kept_idle
from appliance.cli.terminal import complain, say, say_json
from appliance.cli.trial_ask import Asker, asker
from appliance.core.clock import SystemClock
from appliance.core.config import Beacon, Config
from appliance.core.config_beacon import pin_number
from appliance.core.errors import CallfloorError, MisconfiguredError
from drivers.gpio import Pins, open_pins, place_from_url
from wallboard.beacon.clockwork import Clockwork, Tower
from wallboard.beacon.pattern import FLASH, PATTERNS, STEADY, Pattern, beeps
from wallboard.beacon.run import wires_of, wiring_of
from wallboard.beacon.step import Stepper

#: A person's test may stand still for as long as a person does.
_NO_HEARTBEAT_S = 1e6
_RHYTHMS = {"flash": "what is new", "single": "the link to the CRM", "double": "the PBX", "triple": "the box"}


class Switched(Struct, frozen=True):
    """One output that was switched; whether it lit, only a person saw."""

    lamp: str
    pin: int


class Outcome(Struct, frozen=True):
    """What was tried. `pressed`: None when there is no button or nobody was asked."""

    beacon: str
    url: str
    switched: tuple[Switched, ...]
    pressed: bool | None
    ok: bool
    seen: tuple[bool | None, ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--seconds, --button, --no-button, --off."""
    parser.add_argument("--seconds", type=_seconds, default=1.5, metavar="S", help="how long each step takes (default 1.5)")
    parser.add_argument("--button", type=_seconds, default=20.0, metavar="S", help="how long to wait for a press (default 20)")
    parser.add_argument("--no-button", action="store_true", help="ask for no press")
    parser.add_argument("--off", action="store_true", help="only switch everything off: for what a killed service left lit")


def main(args: argparse.Namespace) -> int:
    """Try it; 1 when the button was not pressed."""
    config = configured(args)
    beacon = _beacon(config, args.name)
    tell = complain if args.json else say
    with kept_idle(config, "wallboard"):
        if args.off:
            with open_pins(beacon.url, wiring_of(beacon)):  # outputs begin off, and are let go so
                tell(_dark(beacon))
            return 0
        try:
            outcome = asyncio.run(_trial(args.name, beacon, args.seconds, None if args.no_button else args.button, asker(args, tell)))
        except asyncio.CancelledError:  # SIGTERM; Ctrl-C is a KeyboardInterrupt, and both left everything off
            return 1
    if args.json:
        say_json(outcome)
    return 0 if outcome.ok else 1


def _beacon(config: Config, name: str) -> Beacon:
    beacons = config.wallboard.beacon
    if name in beacons:
        return beacons[name]
    known = f"there are {', '.join(beacons)}" if beacons else "write one (docs/lamps.md)"
    raise MisconfiguredError(f"the configuration has no [wallboard.beacon.{name}]; {known}")


async def _trial(name: str, beacon: Beacon, step_s: float, button_s: float | None, ask: Asker) -> Outcome:
    """Everything is off when this is left, whether it ended, was cancelled, or failed."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    wires = wires_of(beacon)
    clockwork = Clockwork(SystemClock())
    failed: list[CallfloorError] = []
    tell, seen = ask.tell, list[bool | None]()
    with open_pins(beacon.url, wiring_of(beacon)) as pins:
        tower = Tower(Stepper(tuple(wires), {}, clockwork.now_s(), _NO_HEARTBEAT_S), pins, wires, failed.append)
        clockwork.attach(tower)
        clockwork.start()
        try:
            await _lamps(clockwork, tower, wires, step_s, ask, seen)
            if "buzzer" in wires:
                tell(f"buzzer (GPIO {wires['buzzer'][0]}): three beeps")
                clockwork.play(tower, "buzzer", beeps(3))
                await asyncio.sleep(max(step_s, 1.2))
                seen.append(await ask.seen_meanwhile())
            pressed = await _button(beacon, pins, button_s, tell)
        finally:
            clockwork.stop()
            tell(_dark(beacon))
    if failed:
        raise failed[0]
    switched = tuple(Switched(lamp, pin) for lamp, (pin, _) in wires.items())
    return Outcome(name, beacon.url, switched, pressed, pressed is not False and False not in seen, tuple(seen))


async def _lamps(
    clockwork: Clockwork, tower: Tower, wires: dict[str, tuple[int, bool]], step_s: float, ask: Asker, seen: list[bool | None]
) -> None:
    lamps = [lamp for lamp in wires if lamp != "buzzer"]

    async def show(words: str, step: dict[str, Pattern], seconds: float) -> None:
        ask.tell(words)
        clockwork.tell(tower, step)
        await asyncio.sleep(seconds)
        seen.append(await ask.seen_meanwhile())

    for lamp in lamps:
        await show(f"{lamp} (GPIO {wires[lamp][0]}): alone", {lamp: STEADY}, step_s)
    if len(lamps) > 1:
        await show("all lamps: steady", dict.fromkeys(lamps, STEADY), step_s)
    if lamps:
        last = lamps[-1]
        for rhythm, meaning in _RHYTHMS.items():
            # Two of its cycles, when a step is long enough to see one.
            seconds = step_s if PATTERNS[rhythm] is FLASH else step_s * 8 / 3
            await show(f"{last}: {rhythm}, as for {meaning}", {last: PATTERNS[rhythm]}, seconds)
    clockwork.tell(tower, {})


async def _button(beacon: Beacon, pins: Pins, wait_s: float | None, tell: Callable[[str], None]) -> bool | None:
    pin = pin_number(beacon.button)
    if pin is None or wait_s is None:
        return None
    if place_from_url(beacon.url) is None:
        tell("button: none to press on simulated pins")
        return None
    pressed = asyncio.Event()
    pins.watch(asyncio.get_running_loop(), pressed.set)
    tell(f"button (GPIO {pin}): press it within {wait_s:g} s")
    try:
        await asyncio.wait_for(pressed.wait(), wait_s)
    except TimeoutError:
        tell(f"button: no press was seen; it must close GPIO {pin} to ground")
        return False
    tell("button: pressed")
    return True


def _dark(beacon: Beacon) -> str:
    return "every lamp is off" + "".join(f"; {lamp}, on a resting contact, is lit" for lamp in beacon.normally_closed)


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 600:
        raise argparse.ArgumentTypeError("between 0 and 600 seconds")
    return value
