"""Decides whether a service of several parts moves: only while each of them does. One that hangs must not hide behind the others' progress.

A part is a loop that turns, or work with an end; each says by its own progress when it is expected again. Nothing here is a timer: who says
nothing more is missed at the next word of any other part, or because no word comes at all.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from appliance.service import Watch

_log = logging.getLogger("callfloor.progress")

#: Every part's loop turns far more often; a Raspberry Pi whose card stalls is slow, and not dead.
EXPECTED_S: Final = 15.0


class Parts:
    """The parts of one run of a service, before its `Watch`."""

    def __init__(self, watch: Watch, expected_s: float = EXPECTED_S, now_s: Callable[[], float] = time.monotonic) -> None:
        self._watch, self._expected_s, self._now_s = watch, expected_s, now_s
        self._due_s: dict[str, float] = {}
        self._missed: frozenset[str] = frozenset()

    def part(self, name: str, expected_s: float | None = None) -> Part:
        """A part's own watch, to be handed to it. From its first word on it is expected every so many seconds."""
        return Part(self, name, self._watch, self._expected_s if expected_s is None else expected_s)

    def moved(self, name: str, within_s: float) -> None:
        """The part moved, and will again within so long. The service's watch hears of it while no other part is overdue."""
        now_s = self._now_s()
        self._due_s[name] = now_s + within_s
        missed = frozenset(part for part, due_s in self._due_s.items() if due_s < now_s)
        for part in sorted(missed - self._missed):
            _log.error("%s does not move any more: the watchdog is not fed until it does", part)
        self._missed = missed
        if not missed:
            self._watch.progress()

    def rests(self, name: str) -> None:
        """Nothing is expected of the part until it moves again: it ended, or waits for what may take any time."""
        self._due_s.pop(name, None)


class Part:
    """One part's `Watch`."""

    def __init__(self, parts: Parts, name: str, watch: Watch, expected_s: float) -> None:
        self._parts, self._name, self._watch, self._expected_s = parts, name, watch, expected_s

    def ready(self) -> None:
        """The service does its job now, as far as this part can tell."""
        self._watch.ready()

    def progress(self) -> None:
        """Real work was done or really awaited."""
        self._parts.moved(self._name, self._expected_s)

    def rests(self) -> None:
        """Nothing is expected of this part until it moves again."""
        self._parts.rests(self._name)

    def status(self, text: str) -> None:
        """One line for people."""
        self._watch.status(text)
