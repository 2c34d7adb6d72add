"""Decides how a rig plays hardware on a serial line: a pty under a name of its own, plugged in or pulled."""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

_CHUNK: Final = 4096


class PtyBench:
    """One device's end of a serial cable. `heard` is given what the box writes and gives what the device answers."""

    def __init__(self, path: Path, heard: Callable[[bytes], bytes]) -> None:
        self.path, self._heard = path, heard
        self._master = -1

    @property
    def plugged(self) -> bool:
        """Whether a box would find it."""
        return self._master >= 0

    def plug(self) -> None:
        """A new device under the old name."""
        if self.plugged:
            return
        self._master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(self._master, False)
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(slave))
        os.close(slave)
        asyncio.get_running_loop().add_reader(self._master, self._read)

    def pull(self) -> None:
        """Gone in the middle of whatever it did."""
        if not self.plugged:
            return
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)
        self._master = -1
        self.path.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        """The device says something; where nobody reads, a wire keeps nothing."""
        if self.plugged and data:
            with suppress(OSError):
                os.write(self._master, data)

    def _read(self) -> None:
        try:
            data = os.read(self._master, _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            # Nobody has it open: Linux then reads as broken until somebody does, and tells at once, again and again.
            asyncio.get_running_loop().remove_reader(self._master)
            asyncio.get_running_loop().call_later(0.05, self._again, self._master)
            return
        self.write(self._heard(data))

    def _again(self, master: int) -> None:
        if master == self._master:
            asyncio.get_running_loop().add_reader(master, self._read)
