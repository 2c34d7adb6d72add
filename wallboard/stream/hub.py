"""Decides how many listeners a stream has and what becomes of a slow one: it is dropped, never buffered without bound.

A chunk is encoded once and shared by all clients. A client that was dropped reconnects and starts from a full document.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from appliance.core.errors import FullError

#: What may wait for one client beyond the kernel's own buffer: several full documents of a large floor.
MAX_BYTES: Final = 4 * 1024 * 1024
MAX_WRITE: Final = 64 * 1024
#: Fifty TVs and as many programs, and all of them again that come back before the old connections are given up.
MAX_CLIENTS: Final = 250


class Client:
    """One listener: what waits to be written to it."""

    def __init__(self, abort: Callable[[], None]) -> None:
        self.dropped = False
        self._abort = abort
        self._chunks: deque[bytes] = deque()
        self._bytes = 0
        self._ready = asyncio.Event()

    def push(self, chunk: bytes, max_bytes: int) -> bool:
        """Queue a chunk; False when the client is too far behind and was cut off."""
        if self._bytes + len(chunk) > max_bytes and self._chunks:
            self.drop()
            return False
        self._chunks.append(chunk)
        self._bytes += len(chunk)
        self._ready.set()
        return True

    def drop(self) -> None:
        """Cut the connection and forget what waits."""
        self.dropped = True
        self._chunks.clear()
        self._bytes = 0
        self._ready.set()
        self._abort()

    async def take(self) -> bytes:
        """What waits, joined, at least one chunk and no more than MAX_WRITE of several; empty once the client was dropped.

        A chunk is shared by all clients, what was joined is this one's alone: so no more of it than one write needs.
        """
        await self._ready.wait()
        taken: list[bytes] = []
        size = 0
        while self._chunks and (not taken or size + len(self._chunks[0]) <= MAX_WRITE):
            taken.append(self._chunks.popleft())
            size += len(taken[-1])
        self._bytes -= size
        if not self._chunks and not self.dropped:
            self._ready.clear()
        return taken[0] if len(taken) == 1 else b"".join(taken)


class Hub:
    """The listeners of one stream, with their numbers for /metrics."""

    def __init__(self, max_clients: int = MAX_CLIENTS, max_bytes: int = MAX_BYTES) -> None:
        self._clients: set[Client] = set()
        self._max_clients, self._max_bytes = max_clients, max_bytes
        self.dropped = 0
        self.sent = 0
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._clients)

    def join(self, abort: Callable[[], None], first: bytes) -> Client:
        """A new listener, `first` already queued for it. Raises FullError when there are too many."""
        if len(self._clients) >= self._max_clients:
            text = f"{self._max_clients} boards follow this stream already; close one, or wait until one leaves"
            raise FullError(text)
        client = Client(abort)
        client.push(first, self._max_bytes)
        self._clients.add(client)
        return client

    def leave(self, client: Client) -> None:
        """Forget a listener; harmless when it is gone already."""
        self._clients.discard(client)

    def send(self, chunk: bytes) -> None:
        """Queue one chunk for every listener; those too far behind are dropped."""
        self.sent += 1
        self.bytes += len(chunk) * len(self._clients)
        slow = [client for client in self._clients if not client.push(chunk, self._max_bytes)]
        self.dropped += len(slow)
        self._clients.difference_update(slow)

    def close(self) -> None:
        """Cut every listener off: the server stops."""
        for client in self._clients:
            client.drop()
        self._clients.clear()
