"""Decides how reports cross from where they are read into the event loop: in order, stamped, at most so many waiting."""

from __future__ import annotations

import asyncio
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
        self._closed = False
        self.dropped = 0

    def put(self, report: bytes, mono_ns: int) -> None:
        """From the reading thread: the loop is woken once for all that wait."""
        if len(self._waiting) >= _WAITING:
            self.dropped += 1
            with suppress(IndexError):  # the loop has just emptied it
                self._waiting.popleft()
        self._waiting.append((report, mono_ns))
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
        while self._waiting and not self._closed:
            self._heard(*self._waiting.popleft())

    def _end(self, fault: CallfloorError) -> None:
        if not self._closed:
            self._drain()
            self._closed = True
            self._lost(fault)
