"""Decides what a URL of a serial line means, and what to tell when it cannot be opened. Whose line it is the caller says (`what`).

`serial:///dev/ttyUSB0?baud=9600&format=7E1`, `tcp://host:port` (a transparent serial server), `rfc2217://host:port?baud=9600` (one that
takes line settings), `loop://` (what is written is read).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from appliance.core.errors import MisconfiguredError

Scheme = Literal["serial", "tcp", "rfc2217", "loop"]
_SCHEMES: Final[tuple[Scheme, ...]] = ("serial", "tcp", "rfc2217", "loop")
_BAUDS: Final = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
#: Bits, parity, stop bits; the names that pyserial has for them.
FORMATS: Final = {"7E1": (7, "E", 1), "8N1": (8, "N", 1), "7E2": (7, "E", 2), "7O1": (7, "O", 1)}


class SerialUrl(Struct, frozen=True):
    """A line as its URL describes it: `place` is the device's path, or host and port."""

    url: str
    scheme: Scheme
    place: str
    baud: int
    format: str

    @property
    def frame(self) -> tuple[int, str, int]:
        """Bits, parity, stop bits."""
        # A pty (of a simulation) has no wire: it keeps eight bits, and refuses to be asked for seven a second time.
        pty = self.scheme == "serial" and Path(self.place).resolve().parent == Path("/dev/pts")
        return FORMATS["8N1" if pty else self.format]


def serial_url(url: str, what: str, *, baud: int = 9600, format: str = "8N1") -> SerialUrl:  # noqa: A002 - as the URL has it
    """What a URL means; `baud` and `format` where it does not say. Raises MisconfiguredError.

    >>> serial_url("serial:///dev/ttyACM0?baud=115200", "line").baud
    115200
    """
    form = f"use serial:///dev/ttyUSB0?baud={baud}&format={format}, tcp://host:port, rfc2217://host:port or loop://"
    parts = urlsplit(url)
    scheme = next((known for known in _SCHEMES if known == parts.scheme), None)
    if scheme is None:
        raise MisconfiguredError(f'{what} url "{url}": {form}')
    place = parts.path if scheme == "serial" else parts.netloc
    if (scheme == "serial" and (parts.netloc or not place.startswith("/") or len(place) < 2)) or (scheme == "loop" and place):
        raise MisconfiguredError(f'{what} url "{url}": {form}')
    if scheme in ("tcp", "rfc2217"):
        _check_host(f'{what} url "{url}"', parts, form)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = set(options) - ({"baud", "format"} if scheme in ("serial", "rfc2217") else set())
    if unknown:
        raise MisconfiguredError(f'{what} url "{url}": no option {", ".join(sorted(unknown))} here; {form}')
    speed, frame = options.get("baud", str(baud)), options.get("format", format).upper()
    if not speed.isdecimal() or int(speed) not in _BAUDS:
        raise MisconfiguredError(f'{what} url "{url}": baud={speed}; it may be {", ".join(map(str, _BAUDS))}')
    if frame not in FORMATS:
        raise MisconfiguredError(f'{what} url "{url}": format={frame}; it may be {", ".join(FORMATS)}')
    return SerialUrl(url, scheme, place, int(speed), frame)


def _check_host(where: str, parts: Any, form: str) -> None:
    try:
        known = bool(parts.hostname) and parts.port is not None and not parts.username and parts.path in ("", "/")
    except ValueError as fault:
        raise MisconfiguredError(f"{where}: {fault}; {form}") from fault
    if not known:
        raise MisconfiguredError(f"{where}: name host and port; {form}")


def why_not(line: SerialUrl, error: Exception) -> str:
    """Why a line cannot be opened, and what to do."""
    text = str(error)
    if line.scheme != "serial":
        return f"{line.place} does not answer ({text}); look at the serial server's power, address and port"
    if isinstance(error, PermissionError) or "Permission denied" in text:
        return f"no right to {line.place}; put this service's user in the group dialout"
    if "exclusively lock" in text:
        return f"another program holds {line.place}; end it"
    return f"{line.place} cannot be opened ({text}); plug it in, or correct the path"
