"""Decides how one PBX is kept in sight: connect, log in, read without pause, notice silence, come back.

Half-open connections are found by pinging; reconnects wait longer each time, with jitter; a refused login is retried
slowly. Whatever happens, the journal is told once per change.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final

from msgspec import Struct

from appliance.core.alive import Sight
from appliance.core.catalogue import PbxDown, PbxDownReason
from appliance.core.clock import NS
from appliance.core.config import PbxConfig
from appliance.core.errors import DeniedError, MisconfiguredError, TransientError
from appliance.outbox import Outbox
from appliance.service import Context
from gateway.pbx.dialect import Dialect, Message, Source, Wire
from gateway.pbx.orders import Orders
from gateway.pbx.stream import secret_of

_log = logging.getLogger("callfloor.gateway")

FIRST_RETRY_S: Final = 0.5
DENIED_RETRY_S: Final = 60.0
#: A session shorter than this does not count as recovered: the next attempt waits longer still.
STEADY_NS: Final = 2 * NS
#: The loop turns at least this often, so that the watchdog is fed and silence noticed.
TURN_S: Final = 1.0
#: Last-sight stamps are renewed at most this often.
STAMP_NS: Final = NS // 10


Renew = Callable[[], Awaitable[Source]]


class OverflowingError(Exception):
    """The journal took no events for so long that the memory's share is used up."""


class Link:
    """One PBX's connection, for as long as the service runs."""

    def __init__(
        self,
        pbx: str,
        config: PbxConfig,
        dialect: Dialect,
        source: Source,
        context: Context,
        outbox: Outbox,
        saw: Callable[[str, Sight], None],
    ) -> None:
        self.pbx = pbx
        self._dialect = dialect
        self.source = source
        self.sessions = 0
        self.overflows = 0
        #: Pieces that were no messages, of all sessions.
        self.damaged = 0
        self._damaged_before = 0
        self._config, self._context, self._outbox, self._saw = config, context, outbox, saw
        self._clock = context.clock
        self._retry_s = FIRST_RETRY_S
        self._told: PbxDownReason | None = None
        self._stamped_ns = 0
        self.orders = Orders(None)
        self._command()

    def _command(self) -> None:
        """Whoever carries out orders goes by what the source knows."""
        make = getattr(self._dialect, "commander", None)
        self.orders.commander = make(self.source, self._context.config) if make is not None else None

    async def run(self, renew: Renew) -> None:
        """Keep the PBX in sight until cancelled. `renew` makes the source anew from the journal after an overflow."""
        self._put(self.source.disconnected(self._clock.mono_ns(), "service_stopped", "the gateway was not running"))
        while True:
            self._context.watch.progress()
            try:
                pause_s = await self._once()
            except OverflowingError:
                self.overflows += 1
                _log.error("pbx %s: the journal takes no events; session dropped, everything is taken up again from the journal", self.pbx)
                await self._awaited(self._outbox.drained())
                self.source = await renew()
                self._command()
                self._put(self.source.disconnected(self._clock.mono_ns(), "lost", "the journal was full: events of the PBX were not taken"))
                continue
            await self._awaited(asyncio.sleep(pause_s * random.uniform(0.5, 1.5)))  # noqa: S311 - jitter, not secrecy

    def tell(self, data: Struct) -> None:
        """An event that a command made of what this PBX said; dropped where the journal takes nothing, as then the session goes too."""
        self._put([data])

    def leave(self) -> None:
        """The service stops: say so."""
        self._put(self.source.disconnected(self._clock.mono_ns(), "shutdown"))

    async def _once(self) -> float:
        """One attempt, one session. Returns how long to wait before the next."""
        wire: Wire | None = None
        try:
            secret = secret_of(self._config)
            wire = await self._dialect.open(self._config)
            self._context.watch.progress()
            await self._awaited(wire.login(self._config, secret))
            reason, text = await self._session(wire)
        except (DeniedError, MisconfiguredError) as fault:
            return self._failed("denied", str(fault), DENIED_RETRY_S)
        except TransientError as fault:
            return self._failed("unreachable", str(fault), self._backoff())
        finally:
            self.orders.close("the session with the PBX ended")
            if wire is not None:
                wire.close()
        _log.warning("pbx %s: out of sight (%s): %s", self.pbx, reason, text)
        self._told = reason
        if not self._put(self.source.disconnected(self._clock.mono_ns(), reason, text)):
            raise OverflowingError
        return self._backoff()

    # -- a session ---------------------------------------------------------------------------------------------

    async def _session(self, wire: Wire) -> tuple[PbxDownReason, str]:
        """Read until the session ends; returns why it did."""
        self.sessions += 1
        self._damaged_before = self.damaged
        self._told = None
        began_ns = heard_ns = pinged_ns = self._clock.mono_ns()
        self._put(self.source.connected(began_ns))
        self.orders.open(getattr(wire, "order", wire.send))
        self._context.watch.status(f"{self.pbx}: connected")
        self._take(wire, wire.early, began_ns)
        wire.early = []
        while True:
            now_ns = self._clock.mono_ns()
            if now_ns - heard_ns >= self._config.silent_s * NS:
                return "silent", f"no byte for {self._config.silent_s:.0f} s though pinged: the connection is half open"
            if now_ns - max(heard_ns, pinged_ns) >= self._config.ping_s * NS:
                pinged_ns = now_ns
                wire.ping()
            try:
                messages = await wire.read_within(self._turn_s(now_ns, began_ns))
            except TransientError as fault:
                return "lost", str(fault)
            now_ns = self._clock.mono_ns()
            if now_ns - began_ns > STEADY_NS:
                self._retry_s = FIRST_RETRY_S
            if messages:
                heard_ns = now_ns
            self._take(wire, messages, now_ns)
            self._context.watch.progress()

    def _turn_s(self, now_ns: int, began_ns: int) -> float:
        turn_s = TURN_S if now_ns - began_ns > STEADY_NS else TURN_S / 4  # at first the source waits to ask
        for due_ns in (self.source.next_due_ns, self.orders.next_due_ns):
            if due_ns is not None:
                turn_s = min(turn_s, max(0.0, (due_ns - now_ns) / NS))
        return turn_s

    def _take(self, wire: Wire, messages: Sequence[Message], now_ns: int) -> None:
        """What one read gave, in one append."""
        source, events = self.source, list[Struct]()
        due_ns = source.next_due_ns
        if due_ns is not None and due_ns <= now_ns:
            events += source.tick(now_ns)
        for message in messages:
            events += source.on_message(message, now_ns)
        self.orders.heard(messages, now_ns)
        if messages and now_ns - self._stamped_ns > STAMP_NS:
            self._stamped_ns = now_ns
            self._saw(self.pbx, Sight(self._clock.boot, now_ns, self._clock.wall_ns()))
        self.damaged = self._damaged_before + wire.damaged
        if source.damaged(wire.damaged, now_ns):
            _log.warning("pbx %s: damaged pieces in what it sent, %d by now; its lists are read again", self.pbx, wire.damaged)
        for request in source.requests(now_ns):
            source.sent(request, wire.send(request))
        if not self._put(events):
            raise OverflowingError

    # -- between sessions --------------------------------------------------------------------------------------

    def _failed(self, reason: PbxDownReason, text: str, pause_s: float) -> float:
        """An attempt failed: tell the journal if that is news, the log always once per kind."""
        if self._told is None or (reason == "denied") != (self._told == "denied"):
            self._told = reason
            _log.warning("pbx %s: %s (tried again, at first in about %.0f s)", self.pbx, text, max(1.0, pause_s))
            self._put([PbxDown(pbx=self.pbx, reason=reason, text=text)])
        self._context.watch.status(f"{self.pbx}: {text}")
        return pause_s

    def _backoff(self) -> float:
        pause_s = self._retry_s
        self._retry_s = min(self._retry_s * 2, self._config.reconnect_max_s)
        return pause_s

    def _put(self, events: list[Struct]) -> bool:
        return self._outbox.put([self._context.event(data, self.pbx) for data in events])

    async def _awaited(self, waiting: Coroutine[Any, Any, object]) -> None:
        """Wait for something long, with an end of its own, without seeming dead. Raises what it raises."""
        task = asyncio.ensure_future(waiting)
        try:
            while not task.done():
                await asyncio.wait((task,), timeout=TURN_S)
                self._context.watch.progress()
            task.result()
        finally:
            task.cancel()
