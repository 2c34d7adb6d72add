"""How a process tells systemd that it is ready, what it does and that it lives (sd_notify), without a library.

Protocol: one datagram of `KEY=value` lines to the unix socket that $NOTIFY_SOCKET names; a leading `@` stands for
the abstract namespace. Without the variable every call does nothing.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping

_log = logging.getLogger(__name__)


class Notifier:
    """One process's line to its service manager. `watchdog_s` is how often systemd wants to hear, None when it does not."""

    def __init__(self, address: str | None = None, watchdog_s: float | None = None) -> None:
        self._address = "\0" + address[1:] if address and address.startswith("@") else address
        self.watchdog_s = watchdog_s
        self._status = ""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Notifier:
        """Read NOTIFY_SOCKET and WATCHDOG_USEC; the watchdog counts only when WATCHDOG_PID is ours or absent."""
        usec = environ.get("WATCHDOG_USEC", "")
        ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        watchdog_s = int(usec) / 1e6 if usec.isdigit() and int(usec) > 0 and ours else None
        return cls(environ.get("NOTIFY_SOCKET") or None, watchdog_s)

    def ready(self) -> None:
        """Every service of this process does its job, or is being restarted and says so."""
        self._send("READY=1")

    def stopping(self) -> None:
        """The drain has begun."""
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`; sent only when it changed."""
        if text != self._status:
            self._status = text
            self._send("STATUS=" + text.replace("\n", " "))

    def alive(self) -> None:
        """Feed the watchdog."""
        if self.watchdog_s is not None:
            self._send("WATCHDOG=1")

    def hung(self) -> None:
        """Ask to be killed now, as one that has not fed the watchdog in time (`WATCHDOG=trigger`, systemd 243)."""
        if self.watchdog_s is not None:
            self._send("WATCHDOG=trigger")

    def _send(self, text: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
                line.setblocking(False)
                line.sendto(text.encode(), self._address)
        except OSError as fault:
            _log.debug("systemd did not take %s: %s", text.partition("=")[0], fault)
