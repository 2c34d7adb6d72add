"""Decides how what senses a line is kept open: waited for when it is not there, with its lines out of sight, and opened again, for ever.

`run` tells every event of its lines to a callback, in order and in the loop; it ends only by cancellation or a faulty configuration.
"""

from __future__ import annotations

import asyncio
import logging
import random
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from msgspec import Struct

from appliance.core.clock import NS, Clock
from appliance.core.errors import CallfloorError, MisconfiguredError
from drivers.serial_line import SerialLine
from gateway.fxo.line import Line
from gateway.fxo.line_call import Told

_log = logging.getLogger("callfloor.gateway")

FIRST_RETRY_S: Final = 0.5
LAST_RETRY_S: Final = 10.0
#: A session shorter than this has proved nothing: the next attempt waits longer still.
STEADY_NS: Final = 5 * NS

#: Told of every chunk that came (`in`) and was sent (`out`), for a capture.
Tap = Callable[[str, bytes], None]
Tell = Callable[[list[Told]], None]


class Health(Struct):
    """How a source does, for doctor and boards. `fault`: why it is down, in words; `limits`: what it cannot do."""

    up: bool = False
    fault: str | None = None
    since_ns: int = 0
    sessions: int = 0
    heard_ns: int | None = None
    received_bytes: int = 0
    noise_bytes: int = 0
    limits: tuple[str, ...] = ()


class LineSource(ABC):
    """What senses one or several lines. `sighted` is called with every change of `health.up`."""

    def __init__(
        self, name: str, lines: Sequence[Line], clock: Clock, *, tap: Tap | None = None, spread: Callable[[], float] = random.random
    ) -> None:
        self.name, self.lines, self.clock = name, tuple(lines), clock
        self.health = Health(since_ns=clock.mono_ns())
        self._limited()
        self.sighted: Callable[[Health], None] = lambda _: None
        self._tap: Tap = tap or (lambda _way, _data: None)
        self._spread = spread
        self._tell: Tell = lambda _: None
        self._retry_s = FIRST_RETRY_S
        self._logged_bytes = 0

    async def run(self, tell: Tell) -> None:
        """Sense until cancelled. Raises MisconfiguredError for what no retry mends."""
        self._tell = tell
        while True:
            began_ns = self.clock.mono_ns()
            try:
                self.health.sessions += 1
                await self._session()
            except MisconfiguredError:
                self._down("misconfigured")
                raise
            except CallfloorError as fault:
                self._down(str(fault))
            except Exception as fault:  # whoever runs us begins again; until then it is not in sight
                self._down(f"{type(fault).__name__}: {fault}")
                raise
            finally:
                self._blind()
            if self.clock.mono_ns() - began_ns >= STEADY_NS:
                self._retry_s = FIRST_RETRY_S
            wait_s, self._retry_s = self._retry_s, min(2 * self._retry_s, LAST_RETRY_S)
            await self._pause(wait_s * (0.5 + 0.5 * self._spread()))

    @abstractmethod
    async def _session(self) -> None:
        """Open it and sense, until it fails with an error of ours."""

    # -- for the sessions --------------------------------------------------------------------------------------

    def _up(self, *, tells_hook: bool = False) -> None:
        """It is there, and what it says can be read."""
        now_ns = self.clock.mono_ns()
        for line in self.lines:
            if line.blind:
                self._say(line.found(now_ns, tells_hook=tells_hook))
        if not self.health.up:
            self.health.up, self.health.fault, self.health.since_ns = True, None, now_ns
            _log.info("line source %s: in sight", self.name)
            self.sighted(self.health)

    def _down(self, fault: str) -> None:
        health = self.health
        if health.up or health.fault != fault:
            health.up, health.fault, health.since_ns = False, fault, self.clock.mono_ns()
            _log.warning("line source %s: %s", self.name, fault)
            self.sighted(health)

    def _blind(self) -> None:
        now_ns = self.clock.mono_ns()
        for line in self.lines:
            self._say(line.lost(now_ns))

    def _limited(self, *limits: str) -> None:
        """What it cannot do, beside what its lines' senses lack."""
        self.health.limits = (*(limit for line in self.lines for limit in line.settings.limits), *limits)

    def _received(self, data: bytes) -> None:
        self._tap("in", data)
        self.health.received_bytes += len(data)
        self.health.heard_ns = self.clock.mono_ns()

    def _unread(self, total: int) -> None:
        """So many bytes could not be read since the start: counted, and logged each time that they have doubled."""
        self.health.noise_bytes = total
        if total > 2 * self._logged_bytes:
            self._logged_bytes = total
            _log.info("line source %s: %d bytes could not be read", self.name, total, extra={"line": self.name, "unread_bytes": total})

    def _say(self, told: list[Told]) -> None:
        if told:
            self._tell(told)

    def _tick(self, now_ns: int) -> None:
        for line in self.lines:
            due_ns = line.due_ns
            if due_ns is not None and due_ns <= now_ns:
                self._say(line.tick(now_ns))

    def _due_ns(self) -> int | None:
        """When `_tick` has something to do."""
        return min((due for line in self.lines if (due := line.due_ns) is not None), default=None)

    async def _pause(self, wait_s: float) -> None:
        """Wait for the next attempt; what is due on the lines meanwhile is told."""
        until_ns = self.clock.mono_ns() + int(wait_s * NS)
        while (now_ns := self.clock.mono_ns()) < until_ns:
            due_ns = self._due_ns()
            await asyncio.sleep(max(0.0, (until_ns if due_ns is None else min(until_ns, due_ns)) - now_ns) / NS)
            self._tick(self.clock.mono_ns())

    async def _heard(self, wire: SerialLine, due_ns: int | None) -> bytes:
        """What came on a wire, or nothing once that moment has passed; what came in the same moment goes before it."""
        return await self._within(wire.read(), due_ns) or await self._within(wire.read(), self.clock.mono_ns())

    async def _within(self, what: Awaitable[bytes], due_ns: int | None) -> bytes:
        """What came, or nothing once that moment has passed."""
        wait_s = None if due_ns is None else max(0.0, (due_ns - self.clock.mono_ns()) / NS)
        try:
            async with asyncio.timeout(wait_s):
                return await what
        except TimeoutError:
            return b""
