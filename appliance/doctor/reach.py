"""Decides how far a connection gets: the name, the network, TLS, the peer's first words. Nothing is sent beyond TLS's own greeting."""

from __future__ import annotations

import socket
import ssl
import time
from typing import Literal

from msgspec import Struct

#: For each of: to connect, to shake hands, to hear the first words.
STEP_S = 3.0

#: How far it got: the name is not known; nobody answers; refused; no way there; TLS failed; through.
Stage = Literal["name", "silent", "refused", "route", "tls", "through"]


class Reached(Struct, frozen=True):
    """Where a connection ended. `fault` in the system's words; `hello` the peer's first words, where they were waited for."""

    where: str
    stage: Stage
    fault: str = ""
    took_ms: int = 0
    hello: bytes = b""


def reached(host: str, port: int, context: ssl.SSLContext | None = None, *, hello: bool = False) -> Reached:
    """Connect, listen for the first words if wanted, close. Blocks for three steps at most. Raises nothing."""
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    start_s = time.monotonic()
    try:
        line = socket.create_connection((host, port), STEP_S)
    except (OSError, UnicodeError) as fault:  # a host that is no legal name makes a UnicodeError
        return Reached(where, _stage(fault), getattr(fault, "strerror", None) or str(fault))
    with line:
        line.settimeout(STEP_S)
        try:
            talk = line if context is None else context.wrap_socket(line, server_hostname=host)
        except ssl.SSLCertVerificationError as fault:
            return Reached(where, "tls", fault.verify_message or str(fault))
        except (OSError, ValueError) as fault:
            return Reached(where, "tls", getattr(fault, "reason", None) or str(fault))
        took_ms = round((time.monotonic() - start_s) * 1000)
        with talk:
            return Reached(where, "through", took_ms=took_ms, hello=_hello(talk) if hello else b"")


def _stage(fault: Exception) -> Stage:
    """How far a connection got that was not made."""
    if isinstance(fault, socket.gaierror | UnicodeError):
        return "name"
    if isinstance(fault, TimeoutError):
        return "silent"
    return "refused" if isinstance(fault, ConnectionRefusedError) else "route"


def _hello(talk: socket.socket) -> bytes:
    try:
        return talk.recv(256)
    except OSError:
        return b""
