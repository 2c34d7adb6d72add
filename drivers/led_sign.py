"""Decides how bytes reach a serial sign: by which port, with which time limits; foreign faults become ours.

URLs: `serial:///dev/ttyUSB0?baud=9600&format=7E1`, `tcp://host:port` (a transparent serial server), `rfc2217://host:port?baud=9600`
(one that takes line settings), `loop://`. 7E1 is the document's default; 8N1 works on a BetaBrite too.
"""

from __future__ import annotations

import termios
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from appliance.core.errors import CallfloorError, MisconfiguredError, UnpluggedError, UnsupportedError
from drivers.alpha_frame import MAX_FRAME_BYTES, Decoder, Frame, Noise
from drivers.alpha_pace import Timing, pieces_of, wire_s

Scheme = Literal["serial", "tcp", "rfc2217", "loop"]
_SCHEMES: Final[tuple[Scheme, ...]] = ("serial", "tcp", "rfc2217", "loop")
_BAUDS: Final = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
_FORMATS: Final = {"7E1": (7, "E", 1), "8N1": (8, "N", 1), "7E2": (7, "E", 2), "7O1": (7, "O", 1)}
#: What a line does not take in so long, it does not take: there is no flow control, so a live one never waits.
WRITE_S: Final = 2.0
_POLL_S: Final = 0.05
#: pyserial's own faults are OSErrors; of a port that went away under it the others come.
_FAULTS: Final = (OSError, termios.error, ValueError, TypeError, AttributeError)
_FORM: Final = "use serial:///dev/ttyUSB0?baud=9600&format=7E1, tcp://host:port, rfc2217://host:port or loop://"


class SignUrl(Struct, frozen=True):
    """A line as its URL describes it: `place` is the device's path, or host and port."""

    url: str
    scheme: Scheme
    place: str
    baud: int = 9600
    format: str = "7E1"


def sign_url(url: str) -> SignUrl:
    """What a sign's URL means. Raises MisconfiguredError.

    >>> sign_url("serial:///dev/ttyUSB0?format=8N1").place
    '/dev/ttyUSB0'
    """
    parts = urlsplit(url)
    scheme = next((known for known in _SCHEMES if known == parts.scheme), None)
    if scheme is None:
        raise MisconfiguredError(f'sign url "{url}": {_FORM}')
    place = parts.path if scheme == "serial" else parts.netloc
    if (scheme == "serial" and (parts.netloc or not place.startswith("/") or len(place) < 2)) or (scheme == "loop" and place):
        raise MisconfiguredError(f'sign url "{url}": {_FORM}')
    if scheme in ("tcp", "rfc2217"):
        _check_host(url, parts)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = set(options) - ({"baud", "format"} if scheme in ("serial", "rfc2217") else set())
    if unknown:
        raise MisconfiguredError(f'sign url "{url}": no option {", ".join(sorted(unknown))} here; {_FORM}')
    baud, form = options.get("baud", "9600"), options.get("format", "7E1").upper()
    if not baud.isdecimal() or int(baud) not in _BAUDS:
        raise MisconfiguredError(f'sign url "{url}": baud={baud}; it may be {", ".join(map(str, _BAUDS))}')
    if form not in _FORMATS:
        raise MisconfiguredError(f'sign url "{url}": format={form}; it may be {", ".join(_FORMATS)}')
    return SignUrl(url, scheme, place, int(baud), form)


def _check_host(url: str, parts: Any) -> None:
    try:
        known = bool(parts.hostname) and parts.port is not None and not parts.username and parts.path in ("", "/")
    except ValueError as fault:
        raise MisconfiguredError(f'sign url "{url}": {fault}; {_FORM}') from fault
    if not known:
        raise MisconfiguredError(f'sign url "{url}": name host and port; {_FORM}')


class Port:
    """An open line. Its calls block, for at most their time limits: call them in a thread."""

    def __init__(self, serial: Any, line: SignUrl, timing: Timing) -> None:
        self._serial, self.line, self._timing = serial, line, timing
        self._decoder = Decoder()

    def send(self, frame: Frame, *, slow: bool = False) -> float:
        """Write a frame; how many seconds of it may still be on the wire. Raises UnpluggedError."""
        for piece in pieces_of(frame, self._timing, slow=slow):
            with self._faults("takes no bytes"):
                self._serial.write(piece.data)
            if piece.pause_s:
                time.sleep(piece.pause_s)
        return wire_s(len(frame.raw), self.line.baud) if self.line.scheme in ("serial", "rfc2217") else 0.0

    def heard(self) -> list[Frame | Noise]:
        """What the line said meanwhile, without waiting; a peer that hung up shows here. Raises UnpluggedError."""
        return self._decoder.feed(self._waiting())

    def ask(self, frame: Frame, *, slow: bool = False) -> list[Frame | Noise]:
        """Write a question and wait for a frame in answer; what came until then, rubbish too. Raises UnpluggedError."""
        self.heard()
        until_s = time.monotonic() + self._timing.answer_s + self.send(frame, slow=slow)
        out: list[Frame | Noise] = []
        size = 0
        while time.monotonic() < until_s and size < MAX_FRAME_BYTES and not any(isinstance(each, Frame) for each in out):
            with self._faults("is gone"):
                data = bytes(self._serial.read(1))  # with the patience that it was opened with
            data += self._waiting() if data else b""
            size += len(data)
            out += self._decoder.feed(data)
        return out

    def _waiting(self) -> bytes:
        out = bytearray()
        with self._faults("is gone"):
            # Over TCP `in_waiting` says whether, not how many.
            while len(out) < MAX_FRAME_BYTES and (count := self._serial.in_waiting):
                data = self._serial.read(count)
                if not data:
                    break
                out += data
        return bytes(out)

    @contextmanager
    def _faults(self, what: str) -> Iterator[None]:
        try:
            yield
        except CallfloorError:
            raise
        except _FAULTS as error:
            raise UnpluggedError(
                f"sign {self.line.url}: {self.line.place or 'the line'} {what} ({error}); look at cable and power"
            ) from error

    def close(self, *, failed: bool = False) -> None:
        """Close the line; one that failed without waiting for what is still to be written."""
        with suppress(*_FAULTS):
            if failed:
                self._serial.reset_output_buffer()
        # Of a peer that hung up pyserial forgets the socket without closing it.
        with suppress(*_FAULTS), closing(getattr(self._serial, "_socket", None) or self._serial):
            self._serial.close()


def open_port(url: str, timing: Timing | None = None) -> Port:
    """Open a line. Blocks for some seconds at most.

    Raises MisconfiguredError for a bad URL, UnpluggedError when nothing is there, UnsupportedError without pyserial.
    """
    line = sign_url(url)
    try:
        import serial  # type: ignore[import-untyped]  # noqa: PLC0415 - only where there is a sign
    except ImportError as error:
        raise UnsupportedError(f"sign {url}: the package pyserial is not installed; install callfloor[serial]") from error
    # A pty (of a simulated sign) has no wire: it keeps eight bits, and refuses to be asked for seven a second time.
    bits, parity, stop = _FORMATS["8N1" if line.scheme == "serial" and _is_pty(line.place) else line.format]
    place = {"serial": line.place, "tcp": f"socket://{line.place}", "rfc2217": f"rfc2217://{line.place}", "loop": "loop://"}[line.scheme]
    settings: dict[str, Any] = {"exclusive": True} if line.scheme == "serial" else {}
    if line.scheme != "rfc2217":  # its socket has a limit of 5 s of its own
        settings["write_timeout"] = WRITE_S
    try:
        port = serial.serial_for_url(place, baudrate=line.baud, bytesize=bits, parity=parity, stopbits=stop, timeout=_POLL_S, **settings)
    except PermissionError as error:
        raise UnpluggedError(f"sign {url}: no right to {line.place}; put this service's user in the group dialout") from error
    except _FAULTS as error:
        raise UnpluggedError(f"sign {url}: {_why(line, error)}") from error
    return Port(port, line, Timing() if timing is None else timing)


def _is_pty(path: str) -> bool:
    return Path(path).resolve().parent == Path("/dev/pts")


def _why(line: SignUrl, error: Exception) -> str:
    text = str(error)
    if line.scheme != "serial":
        return f"{line.place} does not answer ({text}); look at the serial server's power, address and port"
    if "Permission denied" in text:
        return f"no right to {line.place}; put this service's user in the group dialout"
    if "exclusively lock" in text:
        return f"another program holds {line.place}; end it"
    return f"{line.place} cannot be opened ({text}); plug it in, or correct the path"
