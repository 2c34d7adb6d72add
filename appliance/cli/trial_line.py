"""Decides how an analog line is tried: somebody calls it from a mobile, and what the box senses is shown as it comes.

At the device itself while the gateway's service does not run; else through that service's events, from the journal. A number is shown by
its length and its last two digits: enough to know one's own mobile, and nothing for a log.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from collections.abc import Callable, Collection
from typing import Final

from msgspec import DecodeError, Struct

from appliance.cli.access import configured, open_readonly
from appliance.cli.idle import kept_idle
from appliance.cli.terminal import complain, say, say_json
from appliance.cli.trial_ask import Asker, Outcome, Tried, asker, outcome
from appliance.cli.trial_words import words
from appliance.core.catalogue import LineCallerId, LineFault, LineReleased, LineRinging, LineSeized, event_from_stored
from appliance.core.clock import SystemClock
from appliance.core.config import Config
from appliance.core.errors import MisconfiguredError, TransientError
from appliance.core.event import stored_from_body
from appliance.core.journal import PAGE
from appliance.core.line_config import LinesConfig
from appliance.doctor.lines import unsensed
from gateway.fxo.line_call import Told
from gateway.fxo.made import Maker
from gateway.fxo.source import Health

_LOOK_S: Final = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--seconds."""
    parser.add_argument(
        "--seconds", type=_seconds, default=90.0, metavar="S", help="how long to wait for the call, and for its end (default 90)"
    )


def main(args: argparse.Namespace) -> int:
    """Try it; 1 when no ring was sensed, or the call's end was not."""
    config = configured(args)
    if args.name not in config.lines:
        known = f"there are {', '.join(config.lines)}" if config.lines else "write one (docs/lines.md)"
        raise MisconfiguredError(f"the configuration has no [lines.{args.name}]; {known}")
    ask = asker(args, complain if args.json else say)
    trial = Trial(args.name, config.lines[args.name], ask, args.seconds)
    try:
        with kept_idle(config, "gateway"):
            tried = asyncio.run(trial.at_the_device(config))
    except TransientError:
        tried = asyncio.run(trial.beside_the_service(config))
    failed = [each.step for each in tried.steps if each.seen is False]
    ask.say("all.failed", steps=", ".join(failed)) if failed else ask.say("all.well")
    if args.json:
        say_json(tried)
    return 0 if tried.ok else 1


class Trial:
    """One try of the lines at one device."""

    def __init__(self, name: str, config: LinesConfig, ask: Asker, limit_s: float) -> None:
        self._name, self._config, self._ask, self._limit_s = name, config, ask, limit_s
        self._lines: Collection[str] = tuple(config.lines(name))
        self._deaf = {each.line for each in unsensed(name, config)}
        self._rang = self._number = self._seized = False
        self._end: str | None = None
        self._changed = asyncio.Event()

    async def at_the_device(self, config: Config) -> Outcome:
        """Open what senses the lines, as the service does. Raises MisconfiguredError."""
        source = Maker(config.sip, SystemClock()).source(self._name, self._config)
        source.sighted = self._sighted
        running = asyncio.create_task(source.run(self._told))
        return await self._until_over(running, "own")

    async def beside_the_service(self, config: Config) -> Outcome:
        """Follow the service's events. Raises TransientError where there is no journal to read."""
        self._ask.say("line.service")
        return await self._until_over(asyncio.create_task(self._follow(config)), "service")

    async def _until_over(self, running: asyncio.Task[None], by: str) -> Outcome:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
        self._ask.say("line.call", lines=", ".join(self._lines))
        try:
            await self._until(lambda: self._rang, running)
            if self._rang:
                self._ask.say("line.unsensed" if self._deaf.issuperset(self._lines) else "line.take")
                await self._until(lambda: self._end is not None, running)
            else:
                self._ask.say("line.nothing", seconds=self._limit_s)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        return outcome("line", self._name, self._config.url, self._steps(), by)

    async def _until(self, so: Callable[[], bool], running: asyncio.Task[None]) -> None:
        """Until something is so, the time is over, or what senses the lines gave up. Raises what that raised."""
        try:
            async with asyncio.timeout(self._limit_s):
                while not so():
                    self._changed.clear()
                    waiting = asyncio.ensure_future(self._changed.wait())
                    await asyncio.wait((waiting, running), return_when=asyncio.FIRST_COMPLETED)
                    waiting.cancel()
                    if running.done():
                        running.result()
                        return
        except TimeoutError:
            return

    def _steps(self) -> list[Tried]:
        taken = None if self._deaf.issuperset(self._lines) else self._end == "answered"
        steps = [Tried("ring", self._rang), Tried("caller_id", self._number or None)]
        return [*steps, Tried("answer", taken), Tried("end", self._end is not None)] if self._rang else steps

    # -- what comes --------------------------------------------------------------

    async def _follow(self, config: Config) -> None:
        journal = open_readonly(config.journal.path, config.journal.run_dir)
        try:
            at = journal.head().seq
            while True:
                rows = journal.read(at, PAGE)
                for row in rows:
                    at = row.seq
                    if row.body.startswith(b'{"k":"line.'):
                        self._take_stored(row.body)
                if len(rows) < PAGE:
                    await asyncio.sleep(_LOOK_S)
        finally:
            journal.close()

    def _take_stored(self, body: bytes) -> None:
        try:
            event = event_from_stored(stored_from_body(body))
        except DecodeError:
            return  # `journal verify` tells of such rows
        if event is not None and getattr(event.data, "line", None) in self._lines:
            self._take(event.data)

    def _told(self, told: list[Told]) -> None:
        for each in told:
            self._take(each.event)

    def _sighted(self, health: Health) -> None:
        if health.up:
            self._ask.say("line.open", where=self._config.url)
        elif health.fault:
            self._ask.say("line.away", fault=health.fault)

    def _take(self, data: Struct) -> None:
        """One event of one of the lines."""
        tongue = self._ask.tongue
        match data:
            case LineRinging(line=line):
                self._rang = True
                self._ask.say("line.ringing", line=line)
            case LineCallerId(line=line, number=number):
                self._number = self._number or number is not None
                self._ask.say("line.caller", line=line, number=masked(number, self._ask))
            case LineSeized(line=line):
                self._seized = True
                self._ask.say("line.seized", line=line)
            case LineReleased(line=line, outcome=how) if self._rang:
                self._end = how or ("answered" if self._seized else "unknown")
                self._ask.say("line.released", line=line, outcome=words(self._end, tongue))
            case LineFault(line=line, fault=fault, over=False):
                self._ask.say("line.fault", line=line, fault=fault)
        self._changed.set()


def masked(number: str | None, ask: Asker) -> str:
    """Enough of a number to know one's own by."""
    if number is None:
        return words("line.absent", ask.tongue)
    digits = [sign for sign in number if sign.isdigit()]
    return words("line.digits", ask.tongue, count=len(digits), end="".join(digits[-2:]))


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError("between 0 and 3600 seconds")
    return value
