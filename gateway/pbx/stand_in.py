"""Decides what stands for a number, a name or an address in a recording that may leave the house: as long as it was, always the same.

Stand-ins come from a keyed hash with a salt that is thrown away. As nothing changes its length, the bytes stay in the pieces in which they
came, and lengths that a protocol tells stay true.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from appliance.core.errors import CorruptError

#: What is as long as a caller's number; extensions are shorter and stay.
NUMBER: Final = re.compile(r"(?<![0-9A-Fa-f][-])(?<![0-9A-Za-z])\d{6,}(?![0-9A-Fa-f]*-[0-9A-Fa-f]{4})")
_ADDRESS: Final = re.compile(r"(?<![\d.])(?!127\.|0\.)\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")
_ESCAPE: Final = re.compile(r"%[0-9A-Fa-f]{2}|[^\W\d_]", re.ASCII)
_DIGIT: Final = re.compile(r"\d", re.ASCII)
_HIGH: Final = re.compile(r"[\x80-\xff]")

#: Takes the text of one connection, gives another of the same length.
Clean = Callable[[str], str]


class StandIns:
    """What stands for what, consistently within one salt."""

    def __init__(self, salt: bytes | None = None) -> None:
        self._salt = salt or secrets.token_bytes(32)

    def number(self, text: str) -> str:
        """Another number of as many digits; what is no digit stays.

        >>> said = StandIns(b"s").number("+593-99123")
        >>> len(said), said[0], said[4]
        (10, '+', '-')
        """
        digits = "".join(_DIGIT.findall(text))
        made = iter(str(int.from_bytes(self._hash("number", digits), "big"))[-len(digits) :].rjust(len(digits), "7"))
        return _DIGIT.sub(lambda _: next(made), text)

    def name(self, text: str) -> str:
        """Other letters, small and capital as they were; blanks and `%20` stay, letters of other alphabets are an `x`."""
        made = iter(self._hash("name", text.casefold()) * (len(text) // 32 + 1))

        def other(m: re.Match[str]) -> str:
            if len(m[0]) > 1:
                return m[0]
            letter = string.ascii_lowercase[next(made) % 26]
            return letter.upper() if m[0].isupper() else letter

        return self.numbers(_ESCAPE.sub(other, _HIGH.sub("x", text)))

    def numbers(self, text: str) -> str:
        """A text with every caller's number and address in it replaced."""
        text = _ADDRESS.sub(lambda m: self._address(m[0]), text)
        return NUMBER.sub(lambda m: self.number(m[0]), text)

    def _address(self, text: str) -> str:
        made = self._hash("address", text)
        octets = text.split(".")
        least = {1: (1, 9), 2: (10, 90), 3: (100, 100)}
        return ".".join(str(least[len(octet)][0] + made[at] % least[len(octet)][1]) for at, octet in enumerate(octets))

    def _hash(self, kind: str, value: str) -> bytes:
        return hmac.new(self._salt, f"{kind}\0{value}".encode(), hashlib.sha256).digest()


def clean_rows(lines: Iterable[str | bytes], clean: Callable[[dict[str, Any]], Clean]) -> Iterator[bytes]:
    """A recording's lines with what came and what was sent cleaned, connection by connection; `clean` is chosen by its first line.

    Raises CorruptError, naming the line, for a file that is no recording.
    """
    rows = [_row(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not rows or "capture" not in rows[0]:
        raise CorruptError("line 1: not a recording's first line; record one with `callfloor capture`")
    cleaner = clean(rows[0])
    at = 0
    while at < len(rows):
        end = next((n for n in range(at, len(rows)) if "event" in rows[n]), len(rows))
        for key in ("data", "sent"):
            _clean_key(rows[at:end], key, cleaner)
        at = end + 1
    for row in rows:
        yield msgspec.json.encode(row) + b"\n"


def _clean_key(rows: list[dict[str, Any]], key: str, clean: Clean) -> None:
    of = [row for row in rows if isinstance(row.get(key), str)]
    before = "".join(row[key] for row in of)
    after = clean(before)
    if len(after) != len(before):
        raise CorruptError("a stand-in is not as long as what it stands for; this is a fault of the program")
    at = 0
    for row in of:
        length = len(row[key])
        row[key] = after[at : at + length]
        at += length


def _row(number: int, line: str | bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.DecodeError as fault:
        raise CorruptError(f"line {number}: not a JSON object: {fault}") from fault
