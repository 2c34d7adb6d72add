"""Decides how a headset without hardware behaves on the box's side (`sim:`): it remembers what was written, and reports when told to."""

from __future__ import annotations

import asyncio
import queue
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from appliance.core.errors import TransientError, UnpluggedError
from drivers.hid_device import Heard, HidInfo, Lost
from drivers.hid_inbox import Inbox

_REMEMBERED: Final = 10_000


class SimHid:
    """The twin (`HidDevice`). `report` and `pull` are what happens at the desk, from any thread; `written` what the host sent."""

    def __init__(self, info: HidInfo, descriptor: bytes, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self.info = info
        self.written: deque[bytes] = deque(maxlen=_REMEMBERED)
        #: Called at each write: where a simulated headset's habits begin.
        self.on_write: Callable[[bytes], object] = lambda _report: None
        self._descriptor, self._now_ns = descriptor, now_ns
        self._reports: queue.Queue[bytes | None] = queue.Queue(_REMEMBERED)
        self._inbox: Inbox | None = None
        self._pulled = self._closed = False

    def __enter__(self) -> SimHid:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def dropped(self) -> int:
        return self._inbox.dropped if self._inbox else 0

    def report(self, report: bytes) -> None:
        """The headset sends this."""
        if self._inbox:
            self._inbox.put(report, self._now_ns())
        else:
            self._reports.put_nowait(report)

    def pull(self) -> None:
        """Somebody pulls it."""
        self._pulled = True
        self._reports.put_nowait(None)
        if self._inbox:
            self._inbox.end(self._gone())

    def report_descriptor(self) -> bytes:
        return self._descriptor

    def read(self, timeout_s: float) -> bytes | None:
        self._check()
        try:
            report = self._reports.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if report is None:
            raise self._gone()
        return report

    def write(self, report: bytes) -> None:
        self._check()
        self.written.append(report)
        self.on_write(report)

    def listen(self, loop: asyncio.AbstractEventLoop, heard: Heard, lost: Lost) -> None:
        self._check()
        self._inbox = Inbox(loop, heard, lost)
        while not self._reports.empty():
            self.report(self._reports.get_nowait() or b"")

    def close(self) -> None:
        self._closed = True
        if self._inbox:
            self._inbox.close()

    def _check(self) -> None:
        if self._pulled:
            raise self._gone()
        if self._closed:
            raise TransientError(f"{self.info}: it is closed; open it again")

    def _gone(self) -> UnpluggedError:
        return UnpluggedError(f"{self.info}: it was pulled; plug it in again")
