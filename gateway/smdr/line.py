"""Decides what a line is in bytes from a PBX's printer port: where it ends, what of it is noise, and how long it may be.

Any of CR, LF, NUL, form feed and vertical tab ends a line, alone or together: PBXs use them all, and a blank line means nothing.
The same bytes give the same lines however they come in pieces.
"""

from __future__ import annotations

import re
from typing import Final

#: Longer than any record met; a syslog record of Cisco's has 700.
MAX_LINE_BYTES: Final = 1024
_ENDS: Final = re.compile(rb"[\r\n\0\f\v]+")
#: What a Telnet server says between the lines: IAC and a word of one or two bytes, the last perhaps cut off by the line's end.
_TELNET: Final = re.compile(rb"\xff(?:[\xfb-\xfe].?|[\xf0-\xfa])", re.S)
_CONTROL: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffd]")
_EVEN: Final = bytes(byte for byte in range(256) if byte.bit_count() % 2 == 0)


class Splitter:
    """Bytes in, lines out. Their blanks are kept: columns count from the left, and a narrow printer may have cut a record at one.

    >>> Splitter().feed(b"one\\r\\ntw")
    ['one']
    """

    def __init__(self, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._max = max_line_bytes
        self._rest = b""
        self._overlong = False
        self.bytes = 0
        #: Ends seen: a peer that never sends one ends each record by hanging up.
        self.ends = 0
        #: Lines dropped as longer than any record: a wrong baud rate, or another kind of data.
        self.overlong = 0
        #: Lines in which something was not text, and was taken out.
        self.noisy = 0

    @property
    def pending(self) -> bool:
        """Whether a line has begun that has not ended."""
        return bool(self._rest) or self._overlong

    def feed(self, data: bytes) -> list[str]:
        """The lines that end in this piece."""
        self.bytes += len(data)
        *ended, rest = _ENDS.split(self._rest + data)
        self.ends += len(ended)
        out: list[str] = []
        for piece in ended:
            self._take(piece, out)
        if len(rest) > self._max:
            self._overlong, rest = True, b""
        self._rest = rest
        return out

    def flush(self) -> list[str]:
        """The line that has begun, taken as ended: the PBX has been silent for so long that no more of it will come."""
        piece, self._rest = self._rest, b""
        out: list[str] = []
        self._take(piece, out)
        return out

    def _take(self, piece: bytes, out: list[str]) -> None:
        if self._overlong or len(piece) > self._max:
            self._overlong = False
            self.overlong += 1
            return
        text = self._text(piece)
        if text and not text.isspace():
            out.append(text)

    def _text(self, piece: bytes) -> str:
        if piece.isascii():
            text = piece.decode("ascii")
            if text.isprintable():
                return text
        else:
            text = _decoded(_TELNET.sub(b"", piece))
        clean = _CONTROL.sub("", text)
        if clean != text:
            self.noisy += 1
        return clean


def _decoded(piece: bytes) -> str:
    """Text of a line with high bytes: seven bits read as eight (all bytes of one parity), UTF-8, or Latin-1.

    >>> _decoded(b"\\xb10:03AM\\x8d"), _decoded("Peña".encode()), _decoded("Peña".encode("latin-1"))
    ('10:03AM', 'Peña', 'Peña')
    """
    odd = len(piece.translate(None, _EVEN))
    if odd in (0, len(piece)) and len(piece) > 7:
        seven = bytes(byte & 0x7F for byte in piece).decode("ascii").rstrip()
        if seven.isprintable():
            return seven
    try:
        return piece.decode("utf-8")
    except UnicodeDecodeError:
        return piece.decode("latin-1")
