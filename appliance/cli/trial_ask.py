"""Decides how a person who tries hardware is asked whether it did what was said: one key and Enter, in the person's language.

Alone on a ladder: Enter is yes, n is no, s is "could not see". `--yes` answers for a rig; without a terminal nobody is asked, and the
answer is not known.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from appliance.cli.trial_words import words
from appliance.provision.words import LANGUAGES, Language, language

Tell = Callable[[str], None]
_TRIES: Final = 3


class Tried(Struct, frozen=True):
    """One step. `seen`: somebody saw it, or the box did; None: nobody was asked, or could tell."""

    step: str
    seen: bool | None


class Outcome(Struct, frozen=True):
    """What was tried. `by`: `own`, at the device itself; `service`, through the running service's events. `ok`: no step failed."""

    device: str
    name: str
    where: str
    steps: tuple[Tried, ...]
    by: str = "own"
    ok: bool = True


def outcome(device: str, name: str, where: str, steps: Sequence[Tried], by: str = "own") -> Outcome:
    """All steps together."""
    return Outcome(device, name, where, tuple(steps), by, all(step.seen is not False for step in steps))


class Asker:
    """Asks after each step. `pause_s` is how long what was switched stands before nobody is asked."""

    def __init__(self, tongue: Language, tell: Tell, *, yes: bool) -> None:
        self.tongue, self.tell, self._yes = tongue, tell, yes

    @property
    def asks(self) -> bool:
        """Whether a person answers."""
        return not self._yes and sys.stdin.isatty()

    def say(self, key: str, /, **gaps: object) -> None:
        """One line in the person's language."""
        self.tell(words(key, self.tongue, **gaps))

    def seen(self) -> bool | None:
        """Whether the step was seen. Blocks until a line was typed."""
        if not self.asks:
            return True if self._yes else None
        for _ in range(_TRIES):
            self._prompt()
            line = sys.stdin.readline()
            known, answer = self._answer(line)
            if known:
                return answer
        return None

    async def seen_meanwhile(self) -> bool | None:
        """The same without holding up the loop, whose lamps go on blinking."""
        if not self.asks:
            return True if self._yes else None
        for _ in range(_TRIES):
            self._prompt()
            known, answer = self._answer(await _line())
            if known:
                return answer
        return None

    def _prompt(self) -> None:
        sys.stderr.write(f"  {words('ask', self.tongue)} ")
        sys.stderr.flush()

    def _answer(self, line: str) -> tuple[bool, bool | None]:
        """Whether that was an answer, and which. An input that ended tells nothing more."""
        if not line:
            return True, None
        word = line.strip().casefold()
        for answer, key in ((True, "ask.yes"), (False, "ask.no"), (None, "ask.skip")):
            if word in words(key, self.tongue).split():
                return True, answer
        return (True, True) if not word else (False, None)


async def _line() -> str:
    """The next line that is typed, heard by the loop."""
    loop, descriptor = asyncio.get_running_loop(), sys.stdin.fileno()
    typed: asyncio.Future[str] = loop.create_future()

    def read() -> None:
        text = os.read(descriptor, 1024).decode("utf-8", "replace")
        if not typed.done():
            typed.set_result(text)

    loop.add_reader(descriptor, read)
    try:
        return await typed
    finally:
        loop.remove_reader(descriptor)


def add_asking(parser: argparse.ArgumentParser) -> None:
    """--yes, --lang."""
    parser.add_argument("--yes", action="store_true", help="ask nobody: take it that each step was seen (for rigs)")
    parser.add_argument("--lang", choices=LANGUAGES, help="language (default: the terminal's)")


def asker(args: argparse.Namespace, tell: Tell) -> Asker:
    """As the arguments and the terminal have it."""
    return Asker(language(args.lang), tell, yes=args.yes)
