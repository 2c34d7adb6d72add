"""Decides what is replaced in a capture before it leaves the site: numbers, names and addresses, each always by the same stand-in.

Stand-ins come from a keyed hash with a salt that is thrown away. Extensions (up to five digits), queue names and the
PBX's own ids stay, so that the capture folds to the same figures.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from appliance.core.errors import CorruptError, UnsupportedError

_NUMBER: Final = re.compile(r"\+?\d{6,}")
_ADDRESS: Final = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b")
_LETTER: Final = re.compile(r"[^\W\d_]")
#: Keys whose values are ids, times or counters and tell of nobody.
_KEEP: Final = re.compile(
    r"(?i)(uniqueid|linkedid|timestamp|actionid|time|date|lastcall|lastpause|ssrc|rtp|ntp|uptime|lastreload|bridgeid|eventtv|sessionid|privilege|event)$"
)
#: Keys whose whole value is somebody's name, whatever prefix they carry (Dest…, Transferee…).
_NAME: Final = re.compile(r"(?i)(calleridname|connectedlinename|membername|agentname|clidname)$")
_NAME_IN: Final = {"QueueMember": ("Name",), "UserEvent": ("Agent",)}
_MAX_NAMES: Final = 20_000
_UNTOLD: Final = frozenset(("", "<unknown>"))


class Sanitizer:
    """Replaces consistently within one salt."""

    def __init__(self, salt: bytes | None = None) -> None:
        self._salt = salt or secrets.token_bytes(32)
        self._names: dict[str, str] = {}
        self._event = ""

    def line(self, line: str) -> str:
        r"""One line of AMI, without its CRLF.

        >>> Sanitizer(b"s").line("Uniqueid: 1795289818.0")
        'Uniqueid: 1795289818.0'
        >>> "612000101" in Sanitizer(b"s").line("CallerIDNum: 612000101")
        False
        """
        key, colon, value = line.partition(": ")
        if not colon:
            self._event = "" if not line else self._event
            return self._text(line)
        if key == "Event":
            self._event = value
        if _KEEP.search(key):
            return line
        if (_NAME.search(key) or key in _NAME_IN.get(self._event, ())) and value not in _UNTOLD:
            return f"{key}: {self._name(value)}"
        return f"{key}: {self._text(value)}"

    def _name(self, value: str) -> str:
        if not _LETTER.search(value) or "/" in value:
            return self._text(value)
        found = self._names.get(value)
        if found is None:
            found = f"Persona {self._hash('name', value).hexdigest()[:6]}"
            if len(self._names) < _MAX_NAMES:
                self._names[value] = found
        return found

    def _text(self, text: str) -> str:
        for name in sorted((n for n in self._names if n in text), key=len, reverse=True):
            text = text.replace(name, self._names[name])
        text = _ADDRESS.sub(lambda m: f"192.0.2.{self._hash('ip', m[0]).digest()[0]}", text)
        return _NUMBER.sub(lambda m: self._number(m[0]), text)

    def _number(self, text: str) -> str:
        digits = text.lstrip("+")
        stand_in = str(int.from_bytes(self._hash("number", digits).digest(), "big"))[-len(digits) :].rjust(len(digits), "7")
        return "+" + stand_in if text.startswith("+") else stand_in

    def _hash(self, kind: str, value: str) -> hmac.HMAC:
        return hmac.new(self._salt, f"{kind}\0{value}".encode(), hashlib.sha256)


def sanitize(lines: Iterable[str | bytes], salt: bytes | None = None) -> Iterator[bytes]:
    """A capture file's lines with everything that tells of people replaced; each message stays with the chunk that completed it.

    Raises CorruptError, naming the line, for a file that is no capture, UnsupportedError for one of another kind of PBX.
    """
    sanitizer, tail = Sanitizer(salt), ""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line, type=dict[str, Any])
        except msgspec.DecodeError as fault:
            text = f"line {number}: not a JSON object: {fault}"
            raise CorruptError(text) from fault
        if "capture" in row and row.get("kind") != "asterisk":
            raise UnsupportedError(f"a recording of kind {row.get('kind')!r} cannot be sanitised yet: keep it in the house")
        if "data" in row:
            *whole, tail = (tail + str(row["data"])).split("\r\n")
            row["data"] = "".join(_latin(sanitizer, text) + "\r\n" for text in whole)
        elif "sent" in row:
            row["sent"] = "\r\n".join(_latin(sanitizer, text) for text in str(row["sent"]).split("\r\n"))
        elif "event" in row:
            tail = ""
        yield msgspec.json.encode(row) + b"\n"


def _latin(sanitizer: Sanitizer, text: str) -> str:
    """Captures hold bytes as latin-1; names are UTF-8 within."""
    told = text.encode("latin-1", "replace").decode("utf-8", "surrogateescape")
    return sanitizer.line(told).encode("utf-8", "surrogateescape").decode("latin-1")
