"""Decides how a serial sign is tried: whether it answers, its name, letters with accents, colours, flashing, three beeps.

All of it goes to the priority file, which takes the whole sign over and is let go at the end: the sign's own files stay as they are.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import Final

from appliance.cli.access import configured
from appliance.cli.idle import kept_idle
from appliance.cli.terminal import complain, say, say_json
from appliance.cli.trial_ask import Asker, Outcome, Tried, asker, outcome
from appliance.cli.trial_words import words
from appliance.core.config import Config, Sign
from appliance.core.errors import CorruptError, MisconfiguredError
from drivers.alpha_command import PRIORITY, ReadSpecial, Tone, WriteText
from drivers.alpha_frame import Frame, frame_of
from drivers.alpha_letters import bytes_from_text
from drivers.alpha_pace import Pace, Timing
from drivers.alpha_reply import GeneralInfo, answer_from_frame, general_info_from_answer
from drivers.alpha_text import colour, flash, segment
from drivers.led_sign import Port, open_port

LETTERS: Final = "ÁÉÍÓÚÜÑ áéíóúüñ ÃÕÇ ãõç ¿Sí? ¡No! 0123456789"
_COLOURS: Final = ("red", "green", "amber")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--seconds."""
    parser.add_argument("--seconds", type=_seconds, default=3.0, metavar="S", help="how long each step stands (default 3)")


def main(args: argparse.Namespace) -> int:
    """Try it; 1 when somebody said that a step was not seen."""
    config = configured(args)
    sign = _sign(config, args.name)
    ask = asker(args, complain if args.json else say)
    with kept_idle(config, "wallboard"):
        tried = _tried(args.name, sign, args.seconds, ask)
    if args.json:
        say_json(tried)
    return 0 if tried.ok else 1


def _sign(config: Config, name: str) -> Sign:
    signs = config.wallboard.sign
    if name in signs:
        return signs[name]
    known = f"there are {', '.join(signs)}" if signs else "write one (docs/signs.md)"
    raise MisconfiguredError(f"the configuration has no [wallboard.sign.{name}]; {known}")


def _tried(name: str, sign: Sign, seconds: float, ask: Asker) -> Outcome:
    """Whatever befalls, the priority file is let go at the end."""
    port = open_port(sign.url)
    line = _Line(port, sign)
    try:
        ask.say("sign.address", name=name, url=sign.url, address=sign.address)
        steps = list(_steps(name, sign, line, seconds, ask))
    finally:
        line.write(WriteText(PRIORITY).body)
        port.close()
        ask.say("sign.dark")
    return outcome("sign", name, sign.url, steps)


def _steps(name: str, sign: Sign, line: _Line, seconds: float, ask: Asker) -> Iterator[Tried]:
    yield Tried("answers", _told(line.asked(), ask))

    def shown(step: str, body: bytes) -> Tried:
        line.write(body)
        time.sleep(0 if ask.asks else seconds)
        return Tried(step, ask.seen())

    ask.say("sign.name", text=name)
    yield shown("name", _text(name))
    ask.say("sign.letters", text=LETTERS)
    yield shown("letters", _text(LETTERS, "rotate"))
    for each in _COLOURS if sign.colours else ():
        word = words(each, ask.tongue)
        ask.say("sign.colour", colour=word)
        yield shown(each, _text(word, lead=colour(each)))
    ask.say("sign.flash")
    yield shown("flash", _text(name, lead=flash(on=True)))
    ask.say("sign.tone")
    yield shown("tone", Tone("1").body)


def _told(info: GeneralInfo | None, ask: Asker) -> bool | None:
    """One that does not answer is no failure: most are wired one way."""
    if info is None:
        ask.say("sign.silent")
        return None
    ask.say("sign.answers", firmware=info.firmware, free=info.free_bytes, pool=info.pool_bytes)
    return True


def _text(text: str, mode: str = "hold", *, lead: bytes = b"") -> bytes:
    return WriteText(PRIORITY, (segment(lead + bytes_from_text(text, room=110).data, mode),)).body


class _Line:
    """The sign's line, written at the pace that it bears."""

    def __init__(self, port: Port, sign: Sign) -> None:
        self._port, self._sign = port, sign
        self._pace = Pace(Timing())

    def write(self, body: bytes) -> None:
        """Send one command, once the sign hears again. Raises UnpluggedError."""
        frame = self._frame(body)
        time.sleep(self._pace.wait_s(frame.address, time.monotonic()))
        wire_s = self._port.send(frame, slow=self._sign.slow)
        self._pace.sent(frame, wire_s, time.monotonic())

    def asked(self) -> GeneralInfo | None:
        """What it tells of itself; None: nothing within its time."""
        frame = self._frame(ReadSpecial('"').body)
        self._pace.sent(frame, 0.0, time.monotonic())
        for record in self._port.ask(frame, slow=self._sign.slow):
            if isinstance(record, Frame) and (command := answer_from_frame(record)) is not None:
                try:
                    return general_info_from_answer(command)
                except CorruptError:
                    continue  # it answers something else; what it shows decides
        return None

    def _frame(self, body: bytes) -> Frame:
        return frame_of(body, address=self._sign.address.upper(), checksum=self._sign.checksum)


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 600:
        raise argparse.ArgumentTypeError("between 0 and 600 seconds")
    return value
