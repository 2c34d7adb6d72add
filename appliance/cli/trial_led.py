"""Decides how an LED chain is tried: every dot, rows, columns, module numbers, letters, brightness; or which way its modules are turned."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from itertools import product
from urllib.parse import parse_qsl, urlencode

from msgspec import Struct

from appliance.cli.access import configured
from appliance.cli.idle import kept_idle
from appliance.cli.terminal import complain, say, say_json
from appliance.cli.trial_ask import Asker, asker
from appliance.cli.trial_words import led_words
from appliance.core.config import Config, Led
from appliance.core.errors import MisconfiguredError
from drivers.led_matrix import open_matrix
from drivers.led_url import LedUrl, checked_url


class Outcome(Struct, frozen=True):
    """What was shown, and whether somebody saw it so; None: nobody was asked, or could tell."""

    led: str
    url: str
    width: int
    height: int
    steps: tuple[str, ...]
    seen: tuple[bool | None, ...] = ()
    ok: bool = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--seconds, --find."""
    parser.add_argument("--seconds", type=_seconds, default=2.0, metavar="S", help="how long each step takes, about (default 2)")
    parser.add_argument("--find", action="store_true", help="try every way that modules may be wired, and say the url of each")


def main(args: argparse.Namespace) -> int:
    """Try it. What fails is said by its own error."""
    config = configured(args)
    led = _led(config, args.name)
    url = checked_url(led.url, led.width, led.height)
    ask, seen = asker(args, complain if args.json else say), list[bool | None]()
    with kept_idle(config, "wallboard"):
        found = _find(led, url, args.seconds, ask) if args.find else _walk(led, url, args.seconds, ask)
        shown = tuple(_asked(found, ask, seen, is_walk=not args.find))
    ask.say("led.dark")
    is_well = False not in seen
    if args.json:
        say_json(Outcome(args.name, led.url, led.width, led.height, shown, tuple(seen), is_well))
    return 0 if is_well else 1


def _asked(steps: Iterator[str], ask: Asker, seen: list[bool | None], *, is_walk: bool) -> Iterator[str]:
    """Each step, and of a walk whether it was seen; what is asked about still stands there."""
    for step in steps:
        if is_walk:
            seen.append(ask.seen())
        yield step


def _led(config: Config, name: str) -> Led:
    leds = config.wallboard.led
    if name in leds:
        return leds[name]
    known = f"there are {', '.join(leds)}" if leds else "write one (docs/leds.md)"
    raise MisconfiguredError(f"the configuration has no [wallboard.led.{name}]; {known}")


def _walk(led: Led, url: LedUrl, seconds: float, ask: Asker) -> Iterator[str]:
    from wallboard.led.trial import steps  # noqa: PLC0415 - Pillow, only where there is a chain

    with open_matrix(led.url, led.width, led.height) as matrix:
        for step in steps(led.width, led.height, seconds, colours=url.colours):
            ask.tell(led_words(step.words, ask.tongue))
            matrix.brightness(led.brightness if step.percent is None else step.percent)
            for image, stands_s in step.frames:
                matrix.show(image)
                time.sleep(stands_s)
            yield step.words


def _find(led: Led, url: LedUrl, seconds: float, ask: Asker) -> Iterator[str]:
    """Every way in turn: the right one is where all numbers stand upright, in order, and nothing is mirrored."""
    from wallboard.led.trial import numbered  # noqa: PLC0415

    if url.kind == "sim":
        raise MisconfiguredError(f'url = "{led.url}": a simulated chain is never wired wrongly; try one with spi:, ws2812: or apa102:')
    ask.say("led.find")
    for ways in _ways(url, led.height):
        text = _with(led.url, ways)
        ask.tell(f'url = "{text}"')
        with open_matrix(text, led.width, led.height) as matrix:
            matrix.brightness(led.brightness)
            matrix.show(numbered(led.width, led.height))
            time.sleep(2 * seconds)
        yield text


def _ways(url: LedUrl, height: int) -> Iterator[dict[str, str]]:
    if url.kind == "max7219":
        zigzags = ("0", "1") if height == 16 and len(url.selects) == 1 else ("0",)
        for zigzag, reverse, orientation in product(zigzags, ("0", "1"), ("-90", "90", "0", "180")):
            yield {"orientation": orientation, "reverse": reverse} | ({"zigzag": zigzag} if len(zigzags) > 1 else {})
        return
    for path, zigzag, start in product(("rows", "columns"), ("1", "0"), ("top-left", "top-right", "bottom-left", "bottom-right")):
        yield {"path": path, "zigzag": zigzag, "start": start}


def _with(text: str, ways: dict[str, str]) -> str:
    """The URL with these options in place of its own.

    >>> _with("spi:0.0?cascaded=8&reverse=0", {"reverse": "1"})
    'spi:0.0?cascaded=8&reverse=1'
    """
    head, _, query = text.partition("?")
    return f"{head}?{urlencode(dict(parse_qsl(query)) | ways)}"


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 600:
        raise argparse.ArgumentTypeError("between 0 and 600 seconds")
    return value
