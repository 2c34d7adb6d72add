"""Decides what a recording of a PBX holds: everything it sent, as it arrived, and what the box sent, its secrets struck out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from appliance.core.clock import NS, Clock, rfc3339
from appliance.core.config import Config, PbxConfig, TrunkConfig
from appliance.core.errors import TransientError
from gateway.pbx.dialect import Source, Wire, dialect
from gateway.pbx.stream import secret_of

_RETRY_S: Final = 1.0
_TURN_S: Final = 0.25

#: A recording is for whatever configuration it is replayed with: all is asked for that any would ask, such as the channels of trunks.
_ALL: Final = Config(trunks={"all": TrunkConfig(channels=("",), lines=10_000)})

#: Takes one line of the capture file, its newline included.
Write = Callable[[bytes], object]


class Recorder:
    """Writes a capture file (docs/contract.md), line by line as things happen."""

    def __init__(self, kind: str, name: str, clock: Clock, write: Write) -> None:
        self._clock, self._write = clock, write
        self._zero_ns = clock.mono_ns()
        self._line({"capture": 1, "kind": kind, "name": name, "started": rfc3339(clock.wall_ns())})

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
    recorder, speaks = Recorder(config.kind, name, clock, write), dialect(config.kind)
    secret, first = secret_of(config), True
    while True:
        try:
            wire = await speaks.open(config, recorder.tap)
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
            await _session(wire, config, speaks.source(name, _ALL), clock)
        except TransientError:
            recorder.event("disconnected")
        except asyncio.CancelledError:
            await wire.logoff()
            raise
        finally:
            wire.close()
        await asyncio.sleep(_RETRY_S)


async def _session(wire: Wire, config: PbxConfig, source: Source, clock: Clock) -> None:
    """Read until it ends; `source` knows what a live session would ask."""
    source.connected(clock.mono_ns())
    messages, wire.early = wire.early, []
    heard_ns = pinged_ns = clock.mono_ns()
    while True:
        now_ns = clock.mono_ns()
        for message in messages:
            source.on_message(message, now_ns)
        source.tick(now_ns)
        for request in source.requests(now_ns):
            source.sent(request, wire.send(request))
        if now_ns - heard_ns > config.silent_s * NS:
            raise TransientError("the PBX fell silent")
        if now_ns - max(heard_ns, pinged_ns) >= config.ping_s * NS:
            pinged_ns = now_ns
            wire.ping()
        messages = list(await wire.read_within(_TURN_S))
        if messages:
            heard_ns = clock.mono_ns()
