"""Decides how the listener proves who it is: a certificate and its key from files, TLS 1.2 at least, renewed without a restart.

The files are looked at when a client knocks; a renewed pair serves from the next handshake on, and streams that are open go on as
they are. A pair that does not fit (half written, or damaged) leaves the former one in service and says so once.
"""

from __future__ import annotations

import logging
import ssl
from pathlib import Path
from typing import Final

from appliance.core.config import Tv
from appliance.core.errors import MisconfiguredError

_log = logging.getLogger(__name__)
HANDSHAKE_S: Final = 10.0


class Certificate:
    """A certificate and its key. `context` is what a server listens with. Raises MisconfiguredError when they are of no use at start."""

    def __init__(self, cert_file: Path, key_file: Path) -> None:
        self._cert_file, self._key_file = cert_file, key_file
        self._stamp = self._seen()
        self._current = self.context = self._load()
        self.context.sni_callback = self._knock

    def _knock(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        """OpenSSL calls this in every handshake, also where the client names no host."""
        stamp = self._seen()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._current = self._load()
            except MisconfiguredError as fault:
                _log.error("%s; the former certificate goes on", fault)
            else:
                _log.info("certificate read again: %s", self._cert_file)
        connection.context = self._current

    def _seen(self) -> tuple[tuple[int, int, int] | None, ...]:
        """What changes when either file is written or replaced."""
        out: list[tuple[int, int, int] | None] = []
        for path in (self._cert_file, self._key_file):
            try:
                stat = path.stat()
            except OSError:
                out.append(None)
            else:
                out.append((stat.st_mtime_ns, stat.st_size, stat.st_ino))
        return tuple(out)

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        try:
            # A service has nobody to ask for a passphrase.
            context.load_cert_chain(self._cert_file, self._key_file, password=lambda: "")
        except (OSError, ssl.SSLError) as fault:
            said = getattr(fault, "reason", None) or getattr(fault, "strerror", None) or str(fault)
            text = (
                f"[wallboard.tv] cert_file {self._cert_file}, key_file {self._key_file}: {said}; "
                "both PEM, the certificate with its chain first, the key its own and without a passphrase, readable by this service"
            )
            raise MisconfiguredError(text) from fault
        return context


def certificate_of(tv: Tv) -> Certificate | None:
    """The certificate that a listener is configured with; None for plain HTTP. Raises MisconfiguredError."""
    if tv.cert_file is None and tv.key_file is None:
        return None
    if tv.cert_file is None or tv.key_file is None:
        text = "[wallboard.tv] cert_file and key_file go together: write both, or neither"
        raise MisconfiguredError(text)
    return Certificate(tv.cert_file, tv.key_file)
