"""Decides what is let in before anything is decoded: frames of a plausible shape and size, from as many connections as there is room for.

The frame: OPC 10000-6, 7.1.2: three letters, one for the chunk, the length as 32 bits, little endian.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from asyncua.common.utils import Buffer
from asyncua.server.binary_server_asyncio import BinaryServer, OPCUAProtocol
from asyncua.ua.ua_binary import header_from_binary

from gateway.opcua.channel import Channel

if TYPE_CHECKING:
    from gateway.opcua.server import Insides

_log = logging.getLogger(__name__)

#: A chunk is no longer (asyncua offers clients as much).
CHUNK_MOST: Final = 65_535
_HEADER: Final = 8
#: Kinds of frames, and the least that one takes: Hello has 32 bytes, the others a channel's number and a security header.
_LEAST: Final = {b"HEL": 32, b"OPN": 12, b"MSG": 16, b"CLO": 16}
_CHUNKS: Final = b"FCA"
#: What a client that does not read may have waiting for it, and for how long, before it is cut off.
_UNREAD_BYTES: Final = 1 << 20
_UNREAD_S: Final = 20.0


class Door(OPCUAProtocol):
    """One connection: cuts the stream into frames, and closes it at the first that is none."""

    processor: Channel | None

    def __init__(self, iserver: Insides, *args: Any, **named: Any) -> None:
        super().__init__(iserver, *args, **named)
        self._counts = iserver.counts
        self._held = bytearray()
        self._said_hello = False
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client, or whoever else found the port."""
        super().connection_made(transport)
        if self.processor is None:  # no room: asyncua closed it
            self._counts.connections_refused += 1
            return
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(high=_UNREAD_BYTES)
        self.processor = Channel(self.iserver, transport, self.limits)
        self.processor.set_policies(self.policies)

    def data_received(self, data: bytes) -> None:
        """Hand on each whole frame; what is none ends the connection."""
        self._held += data
        while len(self._held) >= _HEADER:
            size = self._size()
            if size is None:
                self._counts.garbage += 1
                self._cut("bytes that are no OPC UA")
                return
            if len(self._held) < size:
                return
            frame = Buffer(bytes(self._held[:size]))
            del self._held[:size]
            try:
                header = header_from_binary(frame)
                self.messages.put_nowait((header, frame))
            except asyncio.QueueFull:
                self._cut("more requests at once than it may have under way")
                return
            except Exception as fault:
                self._counts.garbage += 1
                self._cut(f"a frame that cannot be read ({type(fault).__name__})")
                return

    def pause_writing(self) -> None:
        """The client does not read what it asked for: it is not heard until it does, and not for long."""
        if self.transport is not None:
            self.transport.pause_reading()
            self._unread = asyncio.get_running_loop().call_later(_UNREAD_S, self._cut, "it does not read its answers")

    def resume_writing(self) -> None:
        """It reads again."""
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        if self.transport is not None:
            self.transport.resume_reading()

    def connection_lost(self, ex: BaseException | None) -> None:
        """It is gone."""
        if self._unread is not None:
            self._unread.cancel()
        self._held.clear()
        super().connection_lost(ex)

    def _size(self) -> int | None:
        """How long the frame at hand is; None: it is none, or none that may come now."""
        kind, size = bytes(self._held[:3]), int.from_bytes(self._held[4:8], "little")
        if kind not in _LEAST or self._held[3] not in _CHUNKS or not _LEAST[kind] <= size <= CHUNK_MOST:
            return None
        if (kind == b"HEL") == self._said_hello:  # the first, and only the first
            return None
        if len(self._held) >= size:
            self._said_hello = True
        return size

    def _cut(self, why: str) -> None:
        _log.warning("a connection from %s is closed: %s", self.peer_name, why)
        self._held.clear()
        if self.transport is not None:
            self.transport.abort()


class Listener(BinaryServer):
    """The listening socket."""

    def _make_protocol(self) -> Door:
        return Door(
            iserver=self.iserver, policies=self._policies, clients=self.clients, closing_tasks=self.closing_tasks, limits=self.limits
        )
