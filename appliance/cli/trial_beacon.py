"""Decides how a stack light is tried: each lamp alone, all together, each rhythm, three beeps, and a press of the button."""

from __future__ import annotations

import argparse
import asyncio
import signal

from msgspec import Struct

from appliance.cli.access import configured
from appliance.cli.idle import kept_idle
from appliance.cli.terminal import complain, say, say_json
from appliance.cli.trial_ask import Asker, asker
from appliance.cli.trial_words import words
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
_RHYTHMS = ("flash", "single", "double", "triple")


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
    ask = asker(args, complain if args.json else say)
    with kept_idle(config, "wallboard"):
        if args.off:
            with open_pins(beacon.url, wiring_of(beacon)):  # outputs begin off, and are let go so
                ask.tell(_dark(beacon, ask))
            return 0
        try:
            outcome = asyncio.run(_trial(args.name, beacon, args.seconds, None if args.no_button else args.button, ask))
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
    seen = list[bool | None]()
    with open_pins(beacon.url, wiring_of(beacon)) as pins:
        tower = Tower(Stepper(tuple(wires), {}, clockwork.now_s(), _NO_HEARTBEAT_S), pins, wires, failed.append)
        clockwork.attach(tower)
        clockwork.start()
        try:
            await _lamps(clockwork, tower, wires, step_s, ask, seen)
            if "buzzer" in wires:
                ask.say("beacon.buzzer", pin=wires["buzzer"][0])
                clockwork.play(tower, "buzzer", beeps(3))
                await asyncio.sleep(max(step_s, 1.2))
                seen.append(await ask.seen_meanwhile())
            pressed = await _button(beacon, pins, button_s, ask)
        finally:
            clockwork.stop()
            ask.tell(_dark(beacon, ask))
    if failed:
        raise failed[0]
    switched = tuple(Switched(lamp, pin) for lamp, (pin, _) in wires.items())
    return Outcome(name, beacon.url, switched, pressed, pressed is not False and False not in seen, tuple(seen))


async def _lamps(
    clockwork: Clockwork, tower: Tower, wires: dict[str, tuple[int, bool]], step_s: float, ask: Asker, seen: list[bool | None]
) -> None:
    lamps, tongue = [lamp for lamp in wires if lamp != "buzzer"], ask.tongue

    async def show(text: str, step: dict[str, Pattern], seconds: float) -> None:
        ask.tell(text)
        clockwork.tell(tower, step)
        await asyncio.sleep(seconds)
        seen.append(await ask.seen_meanwhile())

    for lamp in lamps:
        await show(words("beacon.alone", tongue, lamp=words(lamp, tongue), pin=wires[lamp][0]), {lamp: STEADY}, step_s)
    if len(lamps) > 1:
        await show(words("beacon.all", tongue), dict.fromkeys(lamps, STEADY), step_s)
    if lamps:
        last = lamps[-1]
        for rhythm in _RHYTHMS:
            # Two of its cycles, when a step is long enough to see one.
            seconds = step_s if PATTERNS[rhythm] is FLASH else step_s * 8 / 3
            await show(words(f"beacon.{rhythm}", tongue, lamp=words(last, tongue)), {last: PATTERNS[rhythm]}, seconds)
    clockwork.tell(tower, {})


async def _button(beacon: Beacon, pins: Pins, wait_s: float | None, ask: Asker) -> bool | None:
    pin = pin_number(beacon.button)
    if pin is None or wait_s is None:
        return None
    if place_from_url(beacon.url) is None:
        ask.say("beacon.unpressed")
        return None
    pressed = asyncio.Event()
    pins.watch(asyncio.get_running_loop(), pressed.set)
    ask.say("beacon.press", pin=pin, seconds=wait_s)
    try:
        async with asyncio.timeout(wait_s):
            await pressed.wait()
    except TimeoutError:
        ask.say("beacon.no_press", pin=pin)
        return False
    ask.say("beacon.pressed")
    return True


def _dark(beacon: Beacon, ask: Asker) -> str:
    lit = (words("beacon.resting", ask.tongue, lamp=words(lamp, ask.tongue)) for lamp in beacon.normally_closed)
    return words("beacon.dark", ask.tongue) + "".join(lit)


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 600:
        raise argparse.ArgumentTypeError("between 0 and 600 seconds")
    return value
