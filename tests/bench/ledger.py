"""What a writer was told of each event, in a file of its own that a kill of the writer, or a cut of its disk, does not touch.

No import from outside the standard library: writers of other makers' stores run in an environment of their own.
"""

from __future__ import annotations

import json
import mmap
import time
from collections.abc import Iterator
from pathlib import Path

ACCEPTED, REFUSED = 1, 2
_KINDS = {"call.queued": 0, "call.answered": 1}
_FIRST_CALL = 1_772_438_400


class Ledger:
    """One byte an event: nothing, accepted, refused."""

    def __init__(self, path: str, events: int) -> None:
        file = Path(path)
        if not file.exists():
            file.write_bytes(bytes(events + 1))
        with file.open("r+b") as opened:
            self._map = mmap.mmap(opened.fileno(), events + 1)
        self._events = events

    def note(self, number: int, what: int) -> None:
        """Write down what the store said of an event."""
        self._map[number] = what

    def end(self) -> None:
        """All events were offered."""
        self._map[self._events] = 1

    @property
    def ended(self) -> bool:
        """Whether all events were offered."""
        return self._map[self._events] == 1

    def numbers(self, what: int) -> set[int]:
        """All events of which that was said."""
        return {number for number, said in enumerate(self._map[: self._events]) if said == what}


def number_from(body: bytes | str) -> int:
    """Which of the events of `tests.bench.work` this is."""
    stored = json.loads(body)
    return (int(stored["d"]["uniqueid"].partition(".")[0]) - _FIRST_CALL) * 3 + _KINDS.get(stored["k"], 2)


def paced(events: int, rate: float) -> Iterator[int]:
    """The numbers of the events, so many a second; 0: without pause."""
    began = time.monotonic()
    for number in range(events):
        if rate:
            time.sleep(max(0.0, began + number / rate - time.monotonic()))
        yield number
