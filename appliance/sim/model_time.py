"""Decides how time passes where a whole floor and a box are played in one process: it stands while anything is under way, then jumps.

The loop is asyncio's own with real sockets, ptys and threads; only its clock is not the machine's. Whatever happens at one moment of
the model (bytes on a wire, a commit, what follows from them) has happened before the next moment begins, however slow the machine is.
So the box dates everything exactly, and a day passes as fast as the box follows.
"""

from __future__ import annotations

import asyncio
import fcntl
import math
import os
import selectors
import socket
import stat
import struct
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

from appliance.core.clock import NS
from appliance.core.event import ClockQuality

_MS: Final = 1_000_000
#: How long one waits for a thread, or for bytes that left and have not arrived: real seconds, then time goes on all the same.
_PATIENCE_S: Final = 10.0
_WIRE_S: Final = 0.25
_LOOK_S: Final = 0.0002


class ModelLoop(asyncio.SelectorEventLoop):
    """An event loop in which time is the model's. `speed` None: as fast as it goes; else at most so many times as fast as real."""

    def __init__(self, speed: float | None = None) -> None:
        self._now_ns = 1_000 * NS
        self._under_way: dict[object, float] = {}
        self._quiet: list[asyncio.Future[None]] = []
        self._speed, self._real_zero_s, self._zero_ns = speed, time.monotonic(), self._now_ns
        #: How often the patience with a thread, or with a wire, came to its end: 0, or the machine is too slow to be exact.
        self.hurried = 0
        super().__init__(_Patient(selectors.DefaultSelector(), self._idle))
        self._clock_resolution = 1e-9

    def time(self) -> float:
        """Seconds of the model."""
        return self._now_ns / NS

    @property
    def now_ns(self) -> int:
        return self._now_ns

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """As asyncio's; time stands while it runs."""
        future = super().run_in_executor(executor, func, *args)
        self.hold(future)
        return future

    def hold(self, future: asyncio.Future[Any]) -> None:
        """Let time stand until this is done."""
        self._under_way[future] = time.monotonic()
        future.add_done_callback(lambda done: self._under_way.pop(done, None))

    def arrived(self, is_there: Callable[[], bool]) -> None:
        """Wait, in real time, for something that was written just now and that only its reader's end tells of."""
        end_s = time.monotonic() + _PATIENCE_S
        while not is_there():
            if time.monotonic() > end_s:
                self.hurried += 1
                return
            time.sleep(_LOOK_S)

    async def quiet(self) -> None:
        """Wait until all that belongs to this moment has happened."""
        future: asyncio.Future[None] = self.create_future()
        self._quiet.append(future)
        await future

    @contextmanager
    def pace(self, speed: float) -> Iterator[None]:
        """At most so many times as fast as real while the block runs: for whatever another process has a part in."""
        before = self._speed
        self._paced(speed)
        try:
            yield
        finally:
            self._paced(before)

    def _paced(self, speed: float | None) -> None:
        self._speed, self._real_zero_s, self._zero_ns = speed, time.monotonic(), self._now_ns

    def _idle(self, selector: _Patient, timeout_s: float | None) -> list[Any]:
        """Nothing is to be done in the loop for so long: wait for what is under way, then jump."""
        began_s = time.monotonic()
        while True:
            if events := selector.real.select(0):
                return events
            if self._waits() or not selector.settled(began_s):
                if events := selector.real.select(_LOOK_S):
                    return events
                continue
            if self._quiet:
                quiet, self._quiet = self._quiet, []
                for future in quiet:
                    if not future.done():
                        future.set_result(None)
                return []
            if timeout_s is None:
                return selector.real.select(0.05)
            jump_ns = math.ceil(timeout_s * NS) or 1
            if self._speed is not None:
                ahead_s = (self._now_ns + jump_ns - self._zero_ns) / NS / self._speed - (time.monotonic() - self._real_zero_s)
                if ahead_s > 0 and (events := selector.real.select(ahead_s)):
                    return events
            self._now_ns += jump_ns
            return []

    def _waits(self) -> bool:
        """Whether a thread works for the loop."""
        if not self._under_way:
            return False
        now_s = time.monotonic()
        for job in [job for job, since_s in self._under_way.items() if now_s - since_s > _PATIENCE_S]:
            del self._under_way[job]
            self.hurried += 1
        return bool(self._under_way)


class _Patient(selectors.BaseSelector):
    """A selector that asks what to do instead of waiting, and knows whether the wires have handed on what they were given."""

    def __init__(self, real: selectors.BaseSelector, idle: Callable[[_Patient, float | None], list[Any]]) -> None:
        self.real, self._idle = real, idle
        self._sockets: set[int] = set()
        self._settled = True

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = self.real.register(fileobj, events, data)
        if stat.S_ISSOCK(os.fstat(key.fd).st_mode):
            self._sockets.add(key.fd)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        key = self.real.unregister(fileobj)
        self._sockets.discard(key.fd)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self.real.modify(fileobj, events, data)

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is not None and timeout <= 0:
            self._settled = False
            return self.real.select(0)
        events = self._idle(self, timeout)
        self._settled = self._settled and not events
        return events

    def settled(self, began_s: float) -> bool:
        """Whether every byte that was written has arrived. What has not after a while is somebody's who does not read."""
        if self._settled:
            return True
        waited_s = time.monotonic() - began_s
        if waited_s < _WIRE_S and any(_unsent(fd) for fd in self._sockets):
            for fd in self._sockets:
                _acknowledge(fd)
            return False
        self._settled = True
        return True

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self.real.get_map() or {}

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        return self.real.get_key(fileobj)

    def close(self) -> None:
        self.real.close()


def _unsent(fd: int) -> int:
    """Bytes that the other end's kernel has not taken (SIOCOUTQ, tcp(7) and unix(7)); 0 where that cannot be asked."""
    try:
        told: bytes = fcntl.ioctl(fd, termios.TIOCOUTQ, b"\0\0\0\0")
    except OSError:
        return 0
    return int(struct.unpack("i", told)[0])


def _acknowledge(fd: int) -> None:
    """Have the kernel acknowledge at once what it would by itself after 40 ms (TCP_QUICKACK, tcp(7)): only so its sender knows."""
    wire = socket.socket(fileno=fd)
    try:
        with suppress(OSError):  # no TCP, or no connection yet
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
    finally:
        wire.detach()


class ModelClock:
    """The box's clock in a model's time, in whole milliseconds, so that no figure is a nanosecond off. `wall_ns`: what it shows first."""

    def __init__(self, loop: ModelLoop, wall_ns: int, boot: str = "model") -> None:
        self._loop, self._boot = loop, boot
        self._offset_ns = wall_ns - _whole_ms(loop.now_ns)

    @property
    def boot(self) -> str:
        return self._boot

    def mono_ns(self) -> int:
        return _whole_ms(self._loop.now_ns)

    def wall_ns(self) -> int:
        return self._offset_ns + _whole_ms(self._loop.now_ns)

    def quality(self) -> ClockQuality:
        return "synced"


def _whole_ms(at_ns: int) -> int:
    return (at_ns + _MS // 2) // _MS * _MS
