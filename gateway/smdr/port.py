"""Decides how bytes of a call-record port are got: by a serial line, by calling the PBX, or by waiting for its call.

A peer that hung up without a word is noticed by TCP's keep-alive and by `silent_s`; one that floods is read no faster than `RATE_BYTES_S`
lets it (TCP holds it back), and that is counted.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address, ip_network
from typing import Any, Final

from appliance.core.endpoint import endpoint_from_text
from appliance.core.errors import MisconfiguredError, TransientError, UnpluggedError
from appliance.core.smdr_config import SmdrConfig
from drivers.serial_line import SerialLine, open_line
from drivers.serial_url import serial_url

_log = logging.getLogger("callfloor.gateway")

#: Far beyond what a PBX prints, a buffer printed again at full speed included.
RATE_BYTES_S: Final = 262_144
#: How long silence makes a line that has no end, or a record that may go on, complete.
IDLE_S: Final = 2.0
#: A port that asks for a name asks soon.
ASK_S: Final = 3.0
_CHUNK: Final = 16_384
_PEERS: Final = 4
#: Calls of one address at once.
_CALLS: Final = 16
#: What a call has brought is read before the next of its address, but it is not waited for longer than this.
_GRACE_S: Final = 1.0
_KEEPALIVE: Final = ((socket.TCP_KEEPIDLE, 30), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 3))

#: Told of bytes that came (`in`) or went (`out`), for a recording.
Tap = Callable[[str, bytes], None]


class Pace:
    """How fast a port is read. `held` counts the times that it was made to wait."""

    def __init__(self, rate_bytes_s: float = RATE_BYTES_S) -> None:
        self._rate = rate_bytes_s
        self._free_s = 0.0
        self.held = 0

    async def took(self, count: int) -> None:
        """So many bytes were read."""
        now_s = asyncio.get_running_loop().time()
        self._free_s = max(self._free_s, now_s - 1.0) + count / self._rate
        if self._free_s > now_s:
            self.held += 1
            await asyncio.sleep(self._free_s - now_s)


@asynccontextmanager
async def open_calling(name: str, config: SmdrConfig, tap: Tap) -> AsyncIterator[SerialLine]:
    """A serial line, or the PBX called, logged in where it asks. Raises UnpluggedError, UnsupportedError, MisconfiguredError."""
    what = f"smdr {name}"
    async with open_line(serial_url(config.url, what), what) as line:
        for word in _login(config):
            with suppress(TimeoutError):  # what the port asks is of no interest, only that it does; it is no record either
                async with asyncio.timeout(ASK_S):
                    await line.read()
            await line.write(word + b"\r\n")
            tap("out", b"***\r\n")
        yield line


def _login(config: SmdrConfig) -> list[bytes]:
    if config.login_file is None:
        return []
    try:
        return [line.strip() for line in config.login_file.read_bytes().splitlines() if line.strip()][:8]
    except OSError as fault:
        raise MisconfiguredError(f"{config.login_file}: {fault.strerror}; let the service's user read it") from fault


#: One call: the line, and who called.
Session = Callable[[SerialLine, str], Coroutine[Any, Any, None]]


class Listener:
    """Where the PBX calls. Of an address several may call at once (behind one router): a new call first lets those before it, which have
    perhaps hung up, say their last word; where they stay, they are heard beside it, and what is half-open of them TCP's keep-alive ends.
    """

    def __init__(self, name: str, config: SmdrConfig) -> None:
        try:
            self.at = endpoint_from_text(config.url.partition("://")[2])
            self._allow = [ip_network(text) for text in config.allow]
        except ValueError as fault:
            raise MisconfiguredError(f'smdr {name}: "{config.url}": {fault}') from fault
        self._where = f"smdr {name} {config.url}"
        self._peers: dict[str, list[asyncio.Task[None]]] = {}
        self._session: Session | None = None
        self._broken: asyncio.Future[None] | None = None
        self.refused = 0
        self.port: int | None = None

    async def run(self, session: Session, up: Callable[[], None]) -> None:
        """Listen until cancelled. Raises TransientError when nobody can call there, and what a session raises but a lost line."""
        self._session = session
        self._broken = asyncio.get_running_loop().create_future()
        try:
            server = await asyncio.start_server(self._called, self.at.host or "0.0.0.0", self.at.port, limit=_CHUNK)  # noqa: S104 - as configured
        except OSError as fault:
            raise TransientError(f"{self._where}: cannot listen there ({fault}); end the other program, or name another port") from fault
        try:
            async with server:
                self.port = server.sockets[0].getsockname()[1]
                up()
                await self._broken
        finally:
            peers = [call for calls in self._peers.values() for call in calls]
            for peer in peers:
                peer.cancel()
            if peers:
                await asyncio.wait(peers, timeout=1.0)

    def _called(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = str((writer.get_extra_info("peername") or ("?",))[0])
        calls = self._peers.get(address, [])
        if not self._may(address) or (not calls and len(self._peers) >= _PEERS):
            self.refused += 1
            writer.transport.abort()
            return
        if len(calls) >= _CALLS:  # the oldest is half-open, or somebody dials without end
            calls[0].cancel()
        self._peers[address] = calls
        calls.append(asyncio.create_task(self._life(_Peer(reader, writer, f"{self._where}: {address}"), address, calls), name=self._where))

    async def _life(self, peer: _Peer, address: str, calls: list[asyncio.Task[None]]) -> None:
        own = asyncio.current_task()
        try:
            before = [call for call in calls[: calls.index(own)] if not call.done()] if own is not None else []
            if before:
                await asyncio.wait(before, timeout=_GRACE_S)
            if self._session is not None:
                peer.keep_alive()
                await self._session(peer, address)
        except OSError as fault:  # it hung up, and calls again
            _log.info("%s", fault)
        except Exception as fault:  # noqa: BLE001, RUF100 - told where the listener lives
            if self._broken is not None and not self._broken.done():
                self._broken.set_exception(fault)
        finally:
            peer.close()
            calls[:] = [call for call in calls if call is not own]
            if not calls:
                self._peers.pop(address, None)

    def _may(self, address: str) -> bool:
        try:
            peer = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        peer = getattr(peer, "ipv4_mapped", None) or peer
        return peer.is_loopback if not self._allow else any(peer in network for network in self._allow)


class _Peer:
    """Who called."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, where: str) -> None:
        self._reader, self._writer, self._where = reader, writer, where

    async def read(self) -> bytes:
        try:
            data = await self._reader.read(_CHUNK)
        except OSError as error:
            raise UnpluggedError(f"{self._where} is gone ({error})") from error
        if not data:
            raise UnpluggedError(f"{self._where} hung up")
        return data

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def keep_alive(self) -> None:
        """Ask now and then whether it is still there. Raises OSError when it is not already."""
        raw = self._writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _KEEPALIVE:
            raw.setsockopt(socket.IPPROTO_TCP, option, value)

    def close(self) -> None:
        self._writer.transport.abort()
