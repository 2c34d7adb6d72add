"""Decides where one message of FreeSWITCH's event socket ends and the next begins, and what its fields are: pure, incremental, bounded.

A message is header lines, an empty line, and a body of Content-Length bytes where one is told. An event is itself such a message inside
the body, its values URL-encoded. What is damaged is dropped up to the next header block that can be one, and counted: a damaged length
would otherwise swallow everything behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal
from urllib.parse import unquote_to_bytes

from msgspec import Struct

#: A body longer than this is damage; the longest lists of a large site are under a tenth of it.
MAX_BODY_BYTES: Final = 8 * 1024 * 1024
#: A header block longer than this is damage; real ones have three lines.
MAX_HEAD_BYTES: Final = 8_192
#: As long as the beginning of a message can be, so that one cut by a chunk's end is still found.
_MARK_BYTES: Final = 96
_MAX_NAMES: Final = 1_000

MessageType = Literal["event", "reply", "answer", "auth", "farewell", "rejected", "other"]
_TYPES: Final[dict[bytes, MessageType]] = {
    b"text/event-plain": "event",
    b"command/reply": "reply",
    b"api/response": "answer",
    b"auth/request": "auth",
    b"text/disconnect-notice": "farewell",
    b"text/rude-rejection": "rejected",
}
_KINDS: Final = b"|".join(re.escape(kind) for kind in _TYPES)
_EVENT: Final = re.compile(rb"Content-Length: (\d{1,7})\nContent-Type: text/event-plain\n\n")
#: Where a message can begin, wherever that is: of an event the length stands first, of all others the type. (Some servers that speak
#: like FreeSWITCH write an event's type first.)
_BEGINS: Final = re.compile(
    rb"Content-Length: \d{1,7}\nContent-Type: text/event-plain\n|Content-Type: text/event-plain\nContent-Length: \d{1,7}\n\n"
    rb"|Content-Type: (?!text/event)(?:" + _KINDS + rb")\n"
)
_INSIDE: Final = re.compile(rb"\nContent-Type: (?:" + _KINDS + rb")\n")
_INNER: Final = re.compile(rb"\nContent-Length: (\d{1,7})\Z")
#: How an empty value is written.
_UNDEFINED: Final = b"_undef_"


class Message(Struct, gc=False):
    """One message. `name` is an event's name (of a CUSTOM one its subclass), a reply's text, or empty; `raw` its header lines.

    The headers are split when first asked for, a value decoded when it is read.
    """

    type: MessageType
    name: str
    raw: bytes
    body: bytes = b""
    split: dict[bytes, bytes] | None = None

    def get(self, key: str) -> str:
        """The value of a header, empty when it is absent."""
        if self.split is None:
            self.split = _headers(self.raw)
        value = self.split.get(key.encode())
        return "" if value is None else _text(value)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def to_dict(self) -> dict[str, object]:
        """The message as `callfloor decode esl` prints it."""
        fields = {key.decode("utf-8", "replace"): _text(value) for key, value in _headers(self.raw).items()}
        out: dict[str, object] = {"type": self.type, "name": self.name, "fields": fields}
        return out | {"body": self.text} if self.body else out


def _headers(raw: bytes) -> dict[bytes, bytes]:
    r"""Header lines by key; lines that are none are left out.

    >>> _headers(b"CC-Queue: ventas%40default\nrubbish\nCC-Agent: _undef_")
    {b'CC-Queue': b'ventas%40default', b'CC-Agent': b'_undef_'}
    """
    out = {}
    for line in raw.split(b"\n"):
        key, colon, value = line.partition(b": ")
        if colon:
            out[key] = value
    return out


def _text(value: bytes) -> str:
    if value == _UNDEFINED:
        return ""
    return (unquote_to_bytes(value) if b"%" in value else value).decode("utf-8", "replace")


class Parser:
    """Feed it bytes as they arrive; make a new one for each connection."""

    def __init__(self) -> None:
        self.damage = 0
        self._tail = b""
        self._lost = False
        self._names: dict[bytes, str] = {}

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that these bytes complete, in order. Never raises."""
        text = self._tail + data if self._tail else data
        messages: list[Message] = []
        at = 0
        while at < len(text):
            if self._lost:
                begins = _BEGINS.search(text, at)
                if begins is None:
                    at = max(at, len(text) - _MARK_BYTES)
                    break
                at, self._lost = begins.start(), False
            if text.startswith(b"\n", at):  # what the PBX leaves between two messages
                at += 1
                continue
            event = _EVENT.match(text, at)
            step = self._event(text, event, messages) if event is not None else self._other(text, at, messages)
            if step is None:
                break
            if not step:
                self._lose()
                step = at + 1
            at = step
        self._tail = text[at:]
        return messages

    def _lose(self) -> None:
        self.damage += 1
        self._lost = True

    def _event(self, text: bytes, head: re.Match[bytes], messages: list[Message]) -> int | None:
        """Take the event whose header block stands there: where it ends, 0 for a damaged one, None for one that has not come whole."""
        begins, length = head.end(), int(head[1])
        ends = begins + length
        whole = ends <= len(text)
        if length > MAX_BODY_BYTES or (text.find(b"\nContent-Type: ", begins, ends) >= 0 and _INSIDE.search(text, begins, ends)):
            return 0
        if not whole:
            return None
        return ends if self._plain(text, begins, ends, messages) else 0

    def _plain(self, text: bytes, begins: int, ends: int, messages: list[Message]) -> bool:
        """Take an event's own lines, and the body behind them where it has one; False for what is none."""
        cut = text.find(b"\n\n", begins, ends)
        if cut < 0 or cut == ends - 2:
            raw, body = text[begins:ends].rstrip(b"\n"), b""
        else:
            inner = _INNER.search(text, begins, cut)
            if inner is None or int(inner[1]) != ends - cut - 2:
                return False
            raw, body = text[begins:cut], text[cut + 2 : ends]
        name = self._name(raw)
        if name:
            messages.append(Message("event", name, raw, body))
        return bool(name)

    def _other(self, text: bytes, at: int, messages: list[Message]) -> int | None:
        """Take what stands there that does not begin as FreeSWITCH's events do: as `_event`."""
        cut = text.find(b"\n\n", at)
        if cut < 0:
            fits = len(text) - at <= MAX_HEAD_BYTES and _may_begin(text[at : at + 16])
            return None if fits else 0
        raw = text[at:cut]
        headers = _headers(raw)
        kind = _TYPES.get(headers.get(b"Content-Type", b""))
        length = headers.get(b"Content-Length", b"0")
        if kind is None or cut - at > MAX_HEAD_BYTES or not length.isdigit() or len(length) > 9 or int(length) > MAX_BODY_BYTES:
            return 0
        begins, ends = cut + 2, cut + 2 + int(length)
        if _INSIDE.search(text, begins, ends):
            return 0
        if ends > len(text):
            return None
        if kind == "event":
            return ends if self._plain(text, begins, ends, messages) else 0
        name = _text(headers.get(b"Reply-Text", b"")) if kind == "reply" else ""
        messages.append(Message(kind, name, raw, text[begins:ends]))
        return ends

    def _name(self, raw: bytes) -> str:
        """An event's name, empty for what is no event. It stands first, but where the dialplan gave it: there it stands last."""
        name = _line(raw, b"Event-Name: ")
        if name == b"CUSTOM":
            name = _line(raw, b"Event-Subclass: ") or name
        known = self._names.get(name)
        if known is None:
            known = _text(name)
            if len(self._names) < _MAX_NAMES:
                self._names[name] = known
        return known


def _line(raw: bytes, key: bytes) -> bytes:
    """The value of a header line as it was sent, empty where there is none."""
    if raw.startswith(key):
        at = len(key)
    else:
        at = raw.find(b"\n" + key) + 1
        if not at:
            return b""
        at += len(key)
    end = raw.find(b"\n", at)
    return raw[at:] if end < 0 else raw[at:end]


def _may_begin(text: bytes) -> bool:
    """Whether a header block may begin so.

    >>> _may_begin(b"Conten"), _may_begin(b"Content-Type: au"), _may_begin(b"Event-Name: X")
    (True, True, False)
    """
    return b"Content-".startswith(text[:8]) if len(text) <= 8 else text.startswith(b"Content-")


def decode(data: bytes) -> Iterator[dict[str, object]]:
    """What recorded bytes mean, one dict per message."""
    parser = Parser()
    for at in range(0, len(data), 65_536):
        for message in parser.feed(data[at : at + 65_536]):
            yield message.to_dict()
