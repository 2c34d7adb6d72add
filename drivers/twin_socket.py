"""Decides how a twin is reached that lies outside this process: by `sim:/PATH`, a unix socket where somebody plays it.

For hardware that is told and hardly ever asked (LED chains, lamps). A SOCK_SEQPACKET connection, a message each: first ours, which says
in JSON what is wired; then what the driver tells, in its own bytes; from the twin whatever the hardware would say.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from appliance.core.errors import UnpluggedError

#: A frame of the largest chain is 4 KiB.
_LARGEST: Final = 65_536
#: A twin that takes nothing for so long hangs: hardware does not.
_SEND_S: Final = 0.2


class TwinSocket:
    """One connection. `send` may be called from any thread."""

    def __init__(self, url: str, wire: socket.socket) -> None:
        self._url, self._wire = url, wire
        self._loop: asyncio.AbstractEventLoop | None = None

    def send(self, message: bytes) -> None:
        """Tell the twin something. Raises UnpluggedError when it is gone or takes nothing."""
        try:
            self._wire.send(message)
        except OSError as error:
            fault = f"{self._url}: the simulated device is gone ({error.strerror or error}); plug it in again"
            raise UnpluggedError(fault) from error

    def watch(self, loop: asyncio.AbstractEventLoop, heard: Callable[[bytes], None]) -> None:
        """Call `heard` in this loop with each message of the twin."""

        def ready() -> None:
            with suppress(OSError):
                message = self._wire.recv(_LARGEST)
                if message:
                    heard(message)
                    return
            loop.remove_reader(self._wire)

        self._loop = loop
        loop.add_reader(self._wire, ready)

    def close(self) -> None:
        """Let it go."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._wire)
        self._wire.close()


@contextmanager
def open_twin(url: str, path: str, hello: bytes) -> Iterator[TwinSocket]:
    """Connect to the twin at a path. Raises UnpluggedError when nobody is there."""
    wire = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    twin = TwinSocket(url, wire)
    try:
        wire.settimeout(_SEND_S)
        try:
            wire.connect(path)
        except OSError as error:
            fault = f"{url}: no simulated device there ({error.strerror or error}); start it, or mend the path"
            raise UnpluggedError(fault) from error
        twin.send(hello)
        yield twin
    finally:
        twin.close()
