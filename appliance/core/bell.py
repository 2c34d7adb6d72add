"""The bell: a datagram to every waiting process after a commit, so that nobody polls a file.

Each listener binds a socket in `run_dir/bells`; a ringer sends the newest seq to all of them. A lost or late ring
costs at most the one-second poll that stands behind it. Inotify on the write-ahead log is no substitute: it fires
before the commit is visible (docs/decisions/0002).
"""

from __future__ import annotations

import errno
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import socket


#: The kernel stamps a folder's change with a clock that ticks every few milliseconds: within one tick a second change does
#: not show, so a stamp is believed only when it is older than this.
_TICK_NS: Final = 50_000_000
#: What fits a socket's address, its closing zero left aside.
_ADDRESS_BYTES: Final = 107


class _Folder:
    """Addresses of sockets in a folder, however deep it lies: through a descriptor where the path is too long for an address."""

    def __init__(self, folder: Path) -> None:
        self._path, self._descriptor = str(folder), -1

    def address(self, name: str) -> str:
        """Where the socket of this name is. Raises OSError when the folder is not there."""
        whole = f"{self._path}/{name}"
        if len(os.fsencode(whole)) <= _ADDRESS_BYTES:
            return whole
        if self._descriptor < 0:
            self._descriptor = os.open(self._path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        return f"/proc/self/fd/{self._descriptor}/{name}"

    def close(self) -> None:
        """Let go of the folder; the next address looks for it again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class Ringer:
    """Rings every bell in a folder; finds new ones by the folder's change time."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._places = folder, _Folder(folder)
        self._stamp = -1
        self._targets: list[str] = []
        self._socket: socket.socket | None = None

    def ring(self, seq: int) -> None:
        """Tell every listener that rows up to seq are visible. Never blocks and never raises."""
        try:
            stamp = os.stat(self._folder).st_mtime_ns  # noqa: PTH116 - on the append path, a third of Path.stat's cost
        except OSError:
            return
        if stamp != self._stamp:
            self._stamp = stamp if time.time_ns() - stamp > _TICK_NS else -1
            self._places.close()
            with suppress(OSError):  # the folder may go away meanwhile: then nobody listens
                self._targets = [self._places.address(name) for name in os.listdir(self._folder) if name.endswith(".bell")]  # noqa: PTH208 - names alone, as fast as it goes
        if not self._targets:
            return
        if self._socket is None:
            import socket  # noqa: PLC0415 - a process that never rings need not pay for it at start

            try:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
            except OSError:  # no descriptor left: the listeners' own poll finds the rows
                return
        message = seq.to_bytes(8, "big")
        for target in self._targets:
            try:
                self._socket.sendto(message, target)
            except OSError as fault:
                if fault.errno in (errno.ECONNREFUSED, errno.ENOENT):  # its process died: clear the place
                    with suppress(OSError):
                        os.unlink(target)  # noqa: PTH108
                # A full socket means that the listener has rings enough waiting.

    def close(self) -> None:
        """Let go of the socket."""
        self._places.close()
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class Bell:
    """One process's listener."""

    def __init__(self, folder: Path) -> None:
        import socket  # noqa: PLC0415

        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{os.getpid()}-{os.urandom(4).hex()}.bell"
        self._places = _Folder(folder)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        self.socket.bind(self._places.address(self.path.name))
        with suppress(OSError):
            self.path.chmod(0o660)

    def heard(self) -> int:
        """The highest seq rung since the last call; 0 when none. Never blocks."""
        newest = 0
        try:
            while True:
                newest = max(newest, int.from_bytes(self.socket.recv(8), "big"))
        except BlockingIOError:
            return newest

    def close(self) -> None:
        """Unbind and remove the socket file."""
        self._places.close()
        self.socket.close()
        with suppress(OSError):
            self.path.unlink()
