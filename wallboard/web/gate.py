"""Decides how many connections the listener holds, and how long one may say nothing: before any request is read.

aiohttp bounds what a request may hold and how long a connection may idle after one; not who never sends a whole first request.
A browser holds up to six connections to one box; two of them are streams.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import Final

from wallboard.web.access import is_loopback

_log = logging.getLogger(__name__)
#: Fifty TVs with all six, and as many again that come back before the old ones are given up.
MAX_CONNECTIONS: Final = 600
#: From one address beyond this box: a computer that drives a wall of screens, or a few TVs behind one router.
MAX_PER_PEER: Final = 100
#: From the connection to the whole head of its first request.
FIRST_REQUEST_S: Final = 10.0


class Gate:
    """Hands each connection to the server behind it, or cuts it. `refused` and `silent` count those cut."""

    def __init__(
        self,
        server: Callable[[], asyncio.Protocol],
        max_connections: int = MAX_CONNECTIONS,
        max_per_peer: int = MAX_PER_PEER,
        first_request_s: float = FIRST_REQUEST_S,
    ) -> None:
        self._server, self._max_connections, self._max_per_peer = server, max_connections, max_per_peer
        self.first_request_s = first_request_s
        self._open: Counter[str] = Counter()
        self.refused = 0
        self.silent = 0

    def __call__(self) -> asyncio.Protocol:
        """For `loop.create_server`."""
        return _Connection(self, self._server())

    def enters(self, peer: str) -> bool:
        """Whether one more connection from there may stay; if so it is counted until `leaves`."""
        if self._open.total() >= self._max_connections or (self._open[peer] >= self._max_per_peer and not is_loopback(peer)):
            self.refused += 1
            if self.refused & (self.refused - 1) == 0:  # the 1st, 2nd, 4th, 8th…: a flood does not fill the log
                counts = self._open[peer], peer, self._open.total(), self.refused
                _log.warning("%d connections from %s already, %d in all; refused so far: %d", *counts)
            return False
        self._open[peer] += 1
        return True

    def leaves(self, peer: str) -> None:
        """That connection is gone."""
        self._open[peer] -= 1
        if not self._open[peer]:
            del self._open[peer]


class _Connection(asyncio.Protocol):
    """One connection: passes everything on to the protocol behind it."""

    def __init__(self, gate: Gate, inner: asyncio.Protocol) -> None:
        self._gate, self._inner = gate, inner
        self._peer: str | None = None
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it, or cut it."""
        assert isinstance(transport, asyncio.Transport)
        name = transport.get_extra_info("peername")
        peer = str(name[0]) if name else ""
        if not self._gate.enters(peer):
            transport.abort()
            return
        self._peer = peer
        self._patience = asyncio.get_running_loop().call_later(self._gate.first_request_s, self._give_up, transport)
        self._inner.connection_made(transport)

    def _give_up(self, transport: asyncio.Transport) -> None:
        self._gate.silent += 1
        transport.abort()

    def asked(self) -> None:
        """A whole request has come: from here on the server has its own limits."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone."""
        if self._peer is not None:
            self.asked()
            self._gate.leaves(self._peer)
            self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Passed on."""
        if self._peer is not None:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Passed on."""
        return self._inner.eof_received() if self._peer is not None else None

    def pause_writing(self) -> None:
        """Passed on."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Passed on."""
        self._inner.resume_writing()


def asked(transport: asyncio.BaseTransport | None) -> None:
    """Tell the gate that this connection has sent a whole request."""
    protocol = transport.get_protocol() if transport is not None else None
    if isinstance(protocol, _Connection):
        protocol.asked()
