"""Decides how a rig plays hardware at a unix socket (drivers/twin_socket.py): one box at a time, plugged in or pulled."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

_LARGEST: Final = 65_536


class TwinBench:
    """One device's end. `heard` is given each message of the box, the first of a connection by `came`."""

    def __init__(self, path: Path, came: Callable[[bytes], None], heard: Callable[[bytes], None], went: Callable[[], None]) -> None:
        self.path = path
        self._came, self._heard, self._went = came, heard, went
        self._listener: socket.socket | None = None
        self._box: socket.socket | None = None
        self._greeted = False

    @property
    def plugged(self) -> bool:
        """Whether a box would find it."""
        return self._listener is not None

    @property
    def connected(self) -> bool:
        """Whether a box has it open."""
        return self._greeted

    def plug(self) -> None:
        """There it is."""
        if self._listener is not None:
            return
        self.path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(str(self.path))
        listener.listen(4)
        listener.setblocking(False)
        self._listener = listener
        asyncio.get_running_loop().add_reader(listener, self._accept)

    def pull(self) -> None:
        """Gone in the middle of whatever it showed."""
        listener, self._listener = self._listener, None
        if listener is not None:
            asyncio.get_running_loop().remove_reader(listener)
            listener.close()
            self.path.unlink(missing_ok=True)
        self._leave()

    def say(self, message: bytes) -> bool:
        """Tell the box something; False when none is there."""
        if self._box is None:
            return False
        with suppress(OSError):
            self._box.send(message)
            return True
        return False

    def _accept(self) -> None:
        if self._listener is None:
            return
        with suppress(BlockingIOError):
            box, _ = self._listener.accept()
            self._leave()
            box.setblocking(False)
            self._box = box
            asyncio.get_running_loop().add_reader(box, self._read)

    def _read(self) -> None:
        if self._box is None:
            return
        while True:
            try:
                message = self._box.recv(_LARGEST)
            except BlockingIOError:
                return
            except OSError:
                message = b""
            if not message:
                self._leave()
                return
            if self._greeted:
                self._heard(message)
            else:
                self._greeted = True
                self._came(message)

    def _leave(self) -> None:
        box, self._box = self._box, None
        if box is not None:
            asyncio.get_running_loop().remove_reader(box)
            box.close()
        if self._greeted:
            self._greeted = False
            self._went()
