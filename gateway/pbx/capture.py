"""Decides what a recording of a PBX holds: everything it sent, as it arrived, and what the box sent, its secrets struck out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from appliance.core.clock import NS, Clock, rfc3339
from appliance.core.config import PbxConfig
from appliance.core.errors import TransientError
from gateway.pbx.source import ACTIONS
from gateway.pbx.wire import Wire, open_wire, secret_of

_RETRY_S: Final = 1.0

#: Takes one line of the capture file, its newline included.
Write = Callable[[bytes], object]


class Recorder:
    """Writes a capture file (docs/contract.md), line by line as things happen."""

    def __init__(self, name: str, clock: Clock, write: Write) -> None:
        self._clock, self._write = clock, write
        self._zero_ns = clock.mono_ns()
        self._line({"capture": 1, "kind": "asterisk", "name": name, "started": rfc3339(clock.wall_ns())})

    def tap(self, way: str, data: bytes) -> None:
        """What a `Wire` tells: `in` bytes that came, `out` what was sent, already without secrets."""
        self._line({"t": self._t(), "data" if way == "in" else "sent": data.decode("latin-1")})

    def event(self, name: str) -> None:
        """`connected` or `disconnected`."""
        self._line({"t": self._t(), "event": name})

    def _t(self) -> float:
        return round((self._clock.mono_ns() - self._zero_ns) / NS, 6)

    def _line(self, row: dict[str, object]) -> None:
        self._write(msgspec.json.encode(row) + b"\n")


async def record(name: str, config: PbxConfig, clock: Clock, write: Write) -> None:
    """Record a PBX until cancelled, reconnecting as often as it takes.

    Raises TransientError when the first connection fails, DeniedError whenever the login is refused.
    """
    recorder = Recorder(name, clock, write)
    secret, first = secret_of(config), True
    while True:
        try:
            wire = await open_wire(config, recorder.tap)
            if not first:
                recorder.event("connected")
        except TransientError:
            if first:
                raise
            await asyncio.sleep(_RETRY_S)
            continue
        first = False
        try:
            await wire.login(config, secret)
            await _session(wire, config)
        except TransientError:
            recorder.event("disconnected")
        except asyncio.CancelledError:
            await wire.logoff()
            raise
        finally:
            wire.close()
        await asyncio.sleep(_RETRY_S)


async def _session(wire: Wire, config: PbxConfig) -> None:
    for action in ACTIONS:
        wire.send(action)
    loop = asyncio.get_running_loop()
    heard_s = loop.time()
    while True:
        try:
            async with asyncio.timeout(config.ping_s):
                await wire.read()
            heard_s = loop.time()
        except TimeoutError as fault:
            if loop.time() - heard_s > config.silent_s:
                text = "the PBX fell silent"
                raise TransientError(text) from fault
            wire.send("Ping")
