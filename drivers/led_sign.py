"""Decides how bytes reach a serial sign: by which port, with which time limits; foreign faults become ours.

URLs: `serial:///dev/ttyUSB0?baud=9600&format=7E1`, `tcp://host:port` (a transparent serial server), `rfc2217://host:port?baud=9600`
(one that takes line settings), `loop://`. 7E1 is the document's default; 8N1 works on a BetaBrite too.
"""

from __future__ import annotations

import termios
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, Final

from appliance.core.errors import CallfloorError, UnpluggedError, UnsupportedError
from drivers.alpha_frame import MAX_FRAME_BYTES, Decoder, Frame, Noise
from drivers.alpha_pace import Timing, pieces_of, wire_s
from drivers.serial_url import SerialUrl, serial_url, why_not

#: What a line does not take in so long, it does not take: there is no flow control, so a live one never waits.
WRITE_S: Final = 2.0
_POLL_S: Final = 0.05
#: pyserial's own faults are OSErrors; of a port that went away under it the others come.
_FAULTS: Final = (OSError, termios.error, ValueError, TypeError, AttributeError)


def sign_url(url: str) -> SerialUrl:
    """What a sign's URL means. Raises MisconfiguredError.

    >>> sign_url("serial:///dev/ttyUSB0?format=8N1").place
    '/dev/ttyUSB0'
    """
    return serial_url(url, "sign", format="7E1")


class Port:
    """An open line. Its calls block, for at most their time limits: call them in a thread."""

    def __init__(self, serial: Any, line: SerialUrl, timing: Timing) -> None:
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
    bits, parity, stop = line.frame
    place = {"serial": line.place, "tcp": f"socket://{line.place}", "rfc2217": f"rfc2217://{line.place}", "loop": "loop://"}[line.scheme]
    settings: dict[str, Any] = {"exclusive": True} if line.scheme == "serial" else {}
    if line.scheme != "rfc2217":  # its socket has a limit of 5 s of its own
        settings["write_timeout"] = WRITE_S
    try:
        port = serial.serial_for_url(place, baudrate=line.baud, bytesize=bits, parity=parity, stopbits=stop, timeout=_POLL_S, **settings)
    except _FAULTS as error:
        raise UnpluggedError(f"sign {url}: {why_not(line, error)}") from error
    return Port(port, line, Timing() if timing is None else timing)
