"""Decides how far a connection gets: the name, the network, TLS, the peer's first words. Nothing is sent beyond TLS's own greeting."""

from __future__ import annotations

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final, Literal, TypeVar

from msgspec import Struct

#: For each of: to look its name up, to connect, to shake hands, to hear the first words.
STEP_S: Final = 3.0
#: Of a name's addresses so many are tried, in the time that there is for connecting.
_ADDRESSES: Final = 3

_Place = TypeVar("_Place")
_Seen = TypeVar("_Seen")

#: How far it got: the name is not known; nobody answers; refused; no way there; TLS failed; through.
Stage = Literal["name", "silent", "refused", "route", "tls", "through"]


class Reached(Struct, frozen=True):
    """Where a connection ended. `fault` in the system's words; `hello` the peer's first words, where they were waited for."""

    where: str
    stage: Stage
    fault: str = ""
    took_ms: int = 0
    hello: bytes = b""


def at_once(look: Callable[[_Place], _Seen], places: Iterable[_Place]) -> tuple[_Seen, ...]:
    """Look at all places at the same time; raises what a look raises. In daemon threads, as an executor's hold up the process's end."""
    return tuple(answer(None) for answer in [_begun(look, place) for place in places])


def _begun(look: Callable[[_Place], _Seen], place: _Place) -> Callable[[float | None], _Seen]:
    """Begin a look; what is returned waits for it, for ever or so long, and raises queue.Empty then."""
    done: queue.SimpleQueue[tuple[_Seen | None, Exception | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put((look(place), None))
        except Exception as fault:  # noqa: BLE001, RUF100 - raised where it is waited for
            done.put((None, fault))

    def answer(wait_s: float | None) -> _Seen:
        seen, fault = done.get(timeout=wait_s)
        if fault is not None:
            raise fault
        return seen  # type: ignore[return-value]

    threading.Thread(target=run, name="doctor look", daemon=True).start()
    return answer


def reached(host: str, port: int, context: ssl.SSLContext | None = None, *, hello: bool = False) -> Reached:
    """Look its name up, connect, listen for the first words if wanted, close. Blocks for four steps at most. Raises nothing."""
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    start_s = time.monotonic()
    try:
        line = _line(host, port)
    except queue.Empty:
        return Reached(where, "name", f"no name server answered within {STEP_S:g} s")
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


def _line(host: str, port: int) -> socket.socket:
    """A connection to the first of its addresses that takes one. Raises OSError, UnicodeError; queue.Empty: no name server answers."""
    found = _begun(lambda name: socket.getaddrinfo(name, port, type=socket.SOCK_STREAM), host)(STEP_S)[:_ADDRESSES]
    last: OSError = OSError("its name has no address")
    for family, kind, protocol, _, address in found:
        line = socket.socket(family, kind, protocol)
        try:
            line.settimeout(STEP_S / len(found))
            line.connect(address)
        except OSError as fault:
            line.close()
            last = fault
        else:
            return line
    raise last


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
