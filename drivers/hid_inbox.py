"""Decides how reports cross from where they are read into the event loop: in order, stamped, at most so many waiting."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from contextlib import suppress
from typing import Final

from appliance.core.errors import CallfloorError
from drivers.hid_device import Heard, Lost

#: A person presses a few times a second; a device that sends more than these while the loop is busy is broken.
_WAITING: Final = 256


class Inbox:
    """From one thread into one loop. The oldest report goes when it is full, counted."""

    def __init__(self, loop: asyncio.AbstractEventLoop, heard: Heard, lost: Lost) -> None:
        self._loop, self._heard, self._lost = loop, heard, lost
        self._waiting: deque[tuple[bytes, int]] = deque()
        self._lock = threading.Lock()
        self._closed = False
        self._overflowed = 0
        #: Those lost before the report that is being heard.
        self.dropped = 0

    def put(self, report: bytes, mono_ns: int) -> None:
        """From the reading thread: the loop is woken once for all that wait."""
        with self._lock:
            asleep = not self._waiting
            if len(self._waiting) >= _WAITING:
                self._waiting.popleft()
                self._overflowed += 1
            self._waiting.append((report, mono_ns))
        if asleep:
            self._wake(self._drain)

    def end(self, fault: CallfloorError) -> None:
        """From the reading thread: nothing comes any more."""
        self._wake(self._end, fault)

    def close(self) -> None:
        """In the loop: whatever is under way is not delivered any more."""
        self._closed = True

    def _wake(self, call: object, *args: object) -> None:
        with suppress(RuntimeError):  # the loop has ended, and so has whoever wanted to know
            self._loop.call_soon_threadsafe(call, *args)  # type: ignore[arg-type]

    def _drain(self) -> None:
        with self._lock:
            taken, self._waiting = self._waiting, deque()
            self.dropped, self._overflowed = self.dropped + self._overflowed, 0
        while taken and not self._closed:
            try:
                self._heard(*taken.popleft())
            except BaseException:  # the loop tells of it; what came after it is heard all the same
                with self._lock:
                    self._waiting.extendleft(reversed(taken))
                self._loop.call_soon(self._drain)
                raise

    def _end(self, fault: CallfloorError) -> None:
        if not self._closed:
            try:
                self._drain()
            finally:
                self._closed = True
                self._lost(fault)
