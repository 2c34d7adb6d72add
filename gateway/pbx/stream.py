"""Decides how the bytes of a session with a PBX come and go: TCP or TLS, one alarm for many reads, a tap for recordings."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Final

from appliance.core.config import PbxConfig
from appliance.core.errors import MisconfiguredError, TransientError
from gateway.pbx.dialect import Tap

CONNECT_S: Final = 10.0
READ_BYTES: Final = 65_536


class Stream:
    """One TCP or TLS connection. Made by `open_stream`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tap: Tap | None = None) -> None:
        self._reader, self._writer, self._tap = reader, writer, tap
        self._alarm: asyncio.TimerHandle | None = None
        self._reading: asyncio.Task[object] | None = None
        self._late = False

    async def read(self) -> bytes:
        """The next chunk; waits for one. Raises TransientError when the peer has closed."""
        try:
            data = await self._reader.read(READ_BYTES)
        except OSError as fault:
            raise TransientError(f"the connection broke: {fault.strerror or fault}") from fault
        if not data:
            raise TransientError("the PBX closed the connection")
        if self._tap is not None:
            self._tap("in", data)
        return data

    async def read_within(self, wait_s: float) -> bytes:
        """`read`, for `wait_s` at most; nothing then, and sometimes before.

        One alarm serves many reads: it is set anew only when it rang or rings too late, for a timer a read costs as much as the read.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_s
        if self._alarm is None or self._alarm.when() > until:
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm = loop.call_at(until, self._ring)
        self._reading, self._late = asyncio.current_task(), False
        try:
            return await self.read()
        except asyncio.CancelledError:
            if self._late and self._reading is not None and not self._reading.uncancel():
                return b""
            raise
        finally:
            self._reading = None

    def _ring(self) -> None:
        self._alarm = None
        if self._reading is not None:
            self._late = True
            self._reading.cancel()

    def write(self, data: bytes, *, told: bytes | None = None) -> None:
        """Send; `told` is what a recording may hold of it, where it has secrets."""
        if self._tap is not None:
            self._tap("out", data if told is None else told)
        self._writer.write(data)

    async def leave(self, say: Callable[[], object]) -> None:
        """Close once what `say` sends is sent; never waits long."""
        try:
            say()
            async with asyncio.timeout(0.5):
                await self._writer.drain()
        except (OSError, TimeoutError):
            pass  # the peer is gone already, which is what was wanted
        finally:
            self.close()

    def close(self) -> None:
        """Close at once, whatever is still unsent."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._writer.transport.abort()


async def open_stream(config: PbxConfig, port: int, *, what: str, tls: str, tap: Tap | None = None) -> Stream:
    """Connect. `what` and `tls` say what to look after at the PBX when nobody answers, or TLS fails.

    Raises TransientError when the PBX cannot be reached, MisconfiguredError for an unusable ca_file.
    """
    where = f"{config.host}:{port}"
    context: ssl.SSLContext | None = None
    if config.tls:
        try:
            context = ssl.create_default_context(cafile=config.ca_file)
        except (OSError, ssl.SSLError) as fault:
            raise MisconfiguredError(
                f"{config.ca_file}: no usable certificate ({fault}); give the CA of the PBX's certificate as PEM"
            ) from fault
    try:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(config.host, port, ssl=context, limit=4 * READ_BYTES)
    except TimeoutError as fault:
        raise TransientError(f"{where} does not answer within {CONNECT_S:.0f} s; check host, port and the network") from fault
    except ssl.SSLError as fault:
        raise TransientError(f"{where}: TLS failed: {fault.reason or fault}; check {tls}, and ca_file") from fault
    except OSError as fault:
        raise TransientError(f"{where} cannot be reached: {fault.strerror or fault}; check that {what}") from fault
    return Stream(reader, writer, tap)


def secret_of(config: PbxConfig) -> str:
    """The PBX's secret: the first line of its file. Raises MisconfiguredError when it cannot be read."""
    if config.secret_file is None:
        return ""
    try:
        lines = config.secret_file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        reason = getattr(fault, "strerror", None) or str(fault)
        raise MisconfiguredError(
            f"{config.secret_file}: cannot be read ({reason}); put the PBX user's secret in its first line, readable by callfloor"
        ) from fault
    return lines[0].strip() if lines else ""
