"""Decides how bytes come and go on a serial line that is listened to: floods are bounded, a line that is gone is told, waiting is free.

By pyserial's file descriptor where there is one, by a socket for `tcp://`, by a thread for what pyserial alone can read.
"""

from __future__ import annotations

import asyncio
import os
import socket
import termios
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, Protocol

from appliance.core.errors import UnpluggedError, UnsupportedError
from drivers.serial_url import SerialUrl, why_not

_CHUNK: Final = 4_096
#: What nobody has read yet; beyond it the line is not read, and the kernel's own buffer drops.
MAX_HELD: Final = 65_536
OPEN_S: Final = 10.0
#: What a line does not take in so long, it does not take.
WRITE_S: Final = 2.0
_POLL_S: Final = 0.2
#: A serial server that vanished without a word is noticed after about a minute.
_KEEPALIVE: Final = ((socket.TCP_KEEPIDLE, 30), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 3))
#: pyserial's own faults are OSErrors; of a port that went away under it the others come.
_FAULTS: Final = (OSError, termios.error, ValueError, TypeError, AttributeError)


class SerialLine(Protocol):
    """An open line. Both raise UnpluggedError once it is gone."""

    async def read(self) -> bytes:
        """Some bytes; waits for the first. What a slow reader left is handed out as one."""
        ...

    async def write(self, data: bytes) -> None:
        """Write all of it, within two seconds."""
        ...


@asynccontextmanager
async def open_line(line: SerialUrl, what: str) -> AsyncIterator[SerialLine]:
    """Open a line; `what` names it in faults. Raises UnpluggedError when nothing is there, UnsupportedError without pyserial."""
    if line.scheme == "tcp":
        socket_line = await _open_tcp(line, what)
        try:
            yield socket_line
        finally:
            socket_line.close()
        return
    opening = asyncio.create_task(asyncio.to_thread(_open_serial, line, what))
    try:
        port = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_late)
        raise
    made: _FdLine | _ThreadLine = _FdLine(port, line, what) if line.scheme == "serial" else _ThreadLine(port, line, what)
    try:
        yield made
    finally:
        made.close()


def _close_late(opening: asyncio.Task[Any]) -> None:
    """Nobody waits any more for a port that is open only now. To close one of a serial server may wait for its answer."""
    if not opening.cancelled() and opening.exception() is None:
        threading.Thread(target=_close, args=(opening.result(),), name="serial line closing", daemon=True).start()


def _open_serial(line: SerialUrl, what: str) -> Any:
    try:
        import serial  # type: ignore[import-untyped]  # noqa: PLC0415 - only where there is a serial line
    except ImportError as error:
        raise UnsupportedError(f"{what} {line.url}: the package pyserial is not installed; install callfloor[serial]") from error
    bits, parity, stop = line.frame
    place = {"serial": line.place, "rfc2217": f"rfc2217://{line.place}", "loop": "loop://"}[line.scheme]
    settings: dict[str, Any] = {"exclusive": True, "timeout": 0} if line.scheme == "serial" else {"timeout": _POLL_S}
    try:
        return serial.serial_for_url(place, baudrate=line.baud, bytesize=bits, parity=parity, stopbits=stop, **settings)
    except _FAULTS as error:
        raise UnpluggedError(f"{what} {line.url}: {why_not(line, error)}") from error


def _close(port: Any) -> None:
    with suppress(*_FAULTS):
        port.reset_output_buffer()  # a line that takes nothing is not waited for
    with suppress(*_FAULTS):
        port.close()


class _Held:
    """Bytes that came and were not read yet, and why no more come."""

    def __init__(self, line: SerialUrl, what: str) -> None:
        self._where = f"{what} {line.url}: {line.place or 'the line'}"
        self._held = bytearray()
        self._news = asyncio.Event()
        self._fault: Exception | None = None

    def _came(self, data: bytes) -> None:
        self._held += data
        self._news.set()

    def _gone(self, error: Exception | None) -> None:
        self._fault = self._fault or error or EOFError("it hung up")
        self._news.set()

    def _is_gone(self, did: str = "is gone") -> UnpluggedError:
        return UnpluggedError(f"{self._where} {did} ({self._fault}); look at cable and power")

    async def read(self) -> bytes:
        while not self._held:
            if self._fault is not None:
                raise self._is_gone() from self._fault
            self._news.clear()
            await self._news.wait()
        data = bytes(self._held)
        self._held.clear()
        self._resume()
        return data

    def _resume(self) -> None:
        """There is room again."""


class _FdLine(_Held):
    """A port of this machine, by its file descriptor."""

    def __init__(self, port: Any, line: SerialUrl, what: str) -> None:
        super().__init__(line, what)
        self._port, self._fd = port, int(port.fileno())
        self._loop = asyncio.get_running_loop()
        self._listening = False
        self._resume()

    def _resume(self) -> None:
        if not self._listening and self._fault is None:
            self._loop.add_reader(self._fd, self._ready)
            self._listening = True

    def _pause(self) -> None:
        if self._listening:
            self._loop.remove_reader(self._fd)
            self._listening = False

    def _ready(self) -> None:
        try:
            data = os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            self._pause()
            self._gone(error)
            return
        if not data:  # ready, and nothing to read: unplugged
            self._pause()
            self._gone(None)
            return
        self._came(data)
        if len(self._held) >= MAX_HELD:
            self._pause()

    async def write(self, data: bytes) -> None:
        left = memoryview(data)
        try:
            async with asyncio.timeout(WRITE_S):
                while left:
                    try:
                        left = left[os.write(self._fd, left) :]
                    except BlockingIOError:
                        await self._writable()
        except TimeoutError as error:
            self._fault = error
            raise self._is_gone("takes no bytes") from error
        except OSError as error:
            self._gone(error)
            raise self._is_gone() from error

    async def _writable(self) -> None:
        ready: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_writer(self._fd, _set, ready)
        try:
            await ready
        finally:
            self._loop.remove_writer(self._fd)

    def close(self) -> None:
        self._pause()
        _close(self._port)


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


class _ThreadLine(_Held):
    """A port that only pyserial can read: in a thread, which ends within its patience."""

    def __init__(self, port: Any, line: SerialUrl, what: str) -> None:
        super().__init__(line, what)
        self._port = port
        self._loop = asyncio.get_running_loop()
        self._ended = threading.Event()
        self._room = threading.Semaphore(MAX_HELD // _CHUNK)
        self._chunks = 0
        threading.Thread(target=self._read_on, name="serial line", daemon=True).start()

    def _read_on(self) -> None:
        while not self._ended.is_set():
            try:
                data = bytes(self._port.read(max(1, min(_CHUNK, self._port.in_waiting))))
            except _FAULTS as error:
                self._tell(self._gone, error)
                break
            if data and self._room.acquire(blocking=False):  # what nobody reads is dropped, as a kernel's buffer does
                self._tell(self._came, data)
        _close(self._port)

    def _tell(self, what: Any, news: Any) -> None:
        with suppress(RuntimeError):  # the loop has ended, and so has whoever wanted to know
            self._loop.call_soon_threadsafe(what, news)

    def _came(self, data: bytes) -> None:
        super()._came(data)
        self._chunks += 1

    def _resume(self) -> None:
        if self._chunks:
            self._room.release(self._chunks)
            self._chunks = 0

    async def write(self, data: bytes) -> None:
        try:
            async with asyncio.timeout(WRITE_S):
                await asyncio.to_thread(self._port.write, data)
        except (TimeoutError, *_FAULTS) as error:
            self._gone(error)
            raise self._is_gone("takes no bytes") from error

    def close(self) -> None:
        self._ended.set()


class _TcpLine:
    """A serial server's socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, where: str) -> None:
        self._reader, self._writer, self._where = reader, writer, where

    async def read(self) -> bytes:
        try:
            data = await self._reader.read(MAX_HELD)
        except OSError as error:
            raise UnpluggedError(f"{self._where} is gone ({error}); look at the serial server's power and network") from error
        if not data:
            raise UnpluggedError(f"{self._where} hung up; look at the serial server's power and network")
        return data

    async def write(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            async with asyncio.timeout(WRITE_S):
                await self._writer.drain()
        except OSError as error:
            raise UnpluggedError(f"{self._where} takes no bytes ({error or 'no answer'}); look at the serial server") from error

    def close(self) -> None:
        self._writer.transport.abort()


async def _open_tcp(line: SerialUrl, what: str) -> _TcpLine:
    host, _, port = line.place.rstrip("/").rpartition(":")
    try:
        async with asyncio.timeout(OPEN_S):
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port), limit=MAX_HELD)
    except OSError as error:
        raise UnpluggedError(f"{what} {line.url}: {why_not(line, error)}") from error
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE:
        raw.setsockopt(socket.IPPROTO_TCP, option, value)
    return _TcpLine(reader, writer, f"{what} {line.url}: {line.place}")
