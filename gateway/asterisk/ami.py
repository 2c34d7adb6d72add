"""Decides where one AMI message ends and the next begins, and what its fields are: pure, incremental, bounded.

Asterisk sends blocks of `Key: value` lines that end in CRLF, each block ended by an empty line; only the banner
has none. Bytes are split into blocks before anything is decoded, so a name cut by a chunk's end stays whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from msgspec import Struct

#: A block longer than this is dropped and counted; the longest ever seen from a real PBX is under 8 KiB.
MAX_BLOCK_BYTES: Final = 65_536
_END: Final = b"\r\n\r\n"
_BANNER: Final = b"Asterisk "
_MAX_NAMES: Final = 1_000

MessageType = Literal["banner", "event", "response", "other"]
Value = bytes | list[bytes]


class Damage(Struct):
    """What a stream held that was no message: counts only, since the bytes themselves are not kept."""

    oversized_blocks: int = 0
    truncated_blocks: int = 0
    rubbish_lines: int = 0

    @property
    def total(self) -> int:
        """All faults together."""
        return self.oversized_blocks + self.truncated_blocks + self.rubbish_lines


class Headers(Struct, gc=False):
    """The headers of one block, in bytes: `values[index[key]]`, a list where a key is repeated. Blocks of one shape share their index."""

    index: dict[bytes, int]
    values: list[Value]

    def get(self, key: bytes) -> Value | None:
        """What stands under a key."""
        at = self.index.get(key)
        return None if at is None else self.values[at]


class Message(Struct, gc=False):
    """One block. `type` and `name` are known at once; the headers are split when first asked for, a text decoded when it is read.

    `name` is the event's name, a response's word (`Success`, `Error`, …), the banner's text, or empty.
    """

    type: MessageType
    name: str
    raw: bytes
    split: Headers | None = None

    @property
    def headers(self) -> Headers:
        """Every header as sent."""
        if self.split is None:
            self.split = Headers({}, []) if self.type == "banner" else headers_from_block(self.raw)
        return self.split

    @property
    def fields(self) -> dict[str, str | list[str]]:
        """Every field as text; a list where a key is repeated. Keys as sent."""
        headers = self.headers
        return {_text(key): _texts(headers.values[at]) for key, at in headers.index.items()}

    def get(self, key: str) -> str:
        """The (first) value of a key, empty when it is absent."""
        value = self.headers.get(key.encode())
        if value is None:
            return ""
        return _text(value[0] if isinstance(value, list) else value)

    def all(self, key: str) -> list[str]:
        """Every value of a key, in order."""
        value = self.headers.get(key.encode())
        if value is None:
            return []
        return [_text(v) for v in value] if isinstance(value, list) else [_text(value)]

    def renamed(self, name: str, fields: dict[str, str | list[str]]) -> Message:
        """The same message under another name, with other fields (a translated dialect)."""
        values: list[Value] = [[x.encode() for x in v] if isinstance(v, list) else v.encode() for v in fields.values()]
        return Message(self.type, name, self.raw, Headers({key.encode(): at for at, key in enumerate(fields)}, values))

    def to_dict(self) -> dict[str, object]:
        """The message as `callfloor decode ami` prints it."""
        return {"type": self.type, "name": self.name, "fields": self.fields}


class _Shape(Struct, frozen=True):
    """The keys of an event's plain block in order, and where each one's value stands among the split parts."""

    keys: list[bytes]
    index: dict[bytes, int]


#: Per event the shape of its first plain block. A block whose keys stand in the same places needs no look at its lines: an odd
#: line or a value with the separator in it moves them. (Only the two together, in neighbouring lines, could hide each other.)
_shapes: dict[bytes, _Shape] = {}


def headers_from_block(block: bytes) -> Headers:
    """Split the lines of a block, each at its first `: ` (or `:`); lines without one are left out."""
    parts: list[Value] = block.replace(b"\r\n", b": ").split(b": ")  # type: ignore[assignment]
    if len(parts) < 2:
        return Headers({}, []) if b":" not in block else _indexed(_headers_from_lines(block.split(b"\r\n")))
    keys = parts[::2]
    shape = _shapes.get(parts[1])  # type: ignore[arg-type]
    if shape is not None and shape.keys == keys:
        return Headers(shape.index, parts)
    plain = _headers_from_lines(block.split(b"\r\n"))
    if list(plain) == keys and len(_shapes) < _MAX_NAMES and list not in map(type, plain.values()):
        index = {key: 2 * at + 1 for at, key in enumerate(plain)}
        _shapes[parts[1]] = _Shape(list(plain), index)  # type: ignore[index]
    return _indexed(plain)


def _indexed(plain: dict[bytes, Value]) -> Headers:
    return Headers({key: at for at, key in enumerate(plain)}, list(plain.values()))


def _headers_from_lines(lines: list[bytes]) -> dict[bytes, Value]:
    r"""Lines of any form: repeated keys, no blank after the colon, or no colon at all.

    >>> _headers_from_lines([b"Queue: a: b", b"Reason: ", b"rubbish", b"Output: 1", b"Output: 2"])
    {b'Queue': b'a: b', b'Reason': b'', b'Output': [b'1', b'2']}
    """
    headers: dict[bytes, Value] = {}
    for line in lines:
        key, colon, value = line.partition(b": ")
        if not colon:
            key, colon, value = line.partition(b":")
        if not colon:
            continue
        known = headers.get(key)
        if known is None:
            headers[key] = value
        elif isinstance(known, list):
            known.append(value)
        else:
            headers[key] = [known, value]
    return headers


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _texts(value: Value) -> str | list[str]:
    return [_text(v) for v in value] if isinstance(value, list) else _text(value)


class Parser:
    """Feed it bytes as they arrive; make a new one for each connection."""

    def __init__(self) -> None:
        self.damage = Damage()
        self._tail = b""
        self._skipping = False
        self._names: dict[bytes, str] = {}

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that these bytes complete, in order. Never raises."""
        blocks = (self._tail + data).split(_END)
        tail = blocks.pop()
        if self._skipping and blocks:
            blocks.pop(0)
            self._skipping = False
        messages: list[Message] = []
        for block in blocks:
            if block.startswith(b"Event: ") and len(block) <= MAX_BLOCK_BYTES and b"\r\nEvent: " not in block:
                end = block.find(b"\r\n")
                name = block[7:] if end < 0 else block[7:end]
                messages.append(Message("event", self._names.get(name) or self._intern(name), block))
            else:
                self._odd_block(block, messages)
        if self._skipping:
            self._tail = tail[-3:]
            return messages
        tail = self._take_banners(tail, messages)
        if len(tail) > MAX_BLOCK_BYTES + 3:
            self.damage.oversized_blocks += 1
            self._skipping, tail = True, tail[-3:]
        self._tail = tail
        return messages

    def close(self) -> list[Message]:
        """The stream has ended: return what a last block without its empty line still tells, and forget it."""
        tail, self._tail, messages = self._tail, b"", list[Message]()
        if tail and not self._skipping:
            self._odd_block(tail.removesuffix(b"\r\n"), messages)
        self._skipping = False
        return messages

    def _intern(self, name: bytes) -> str:
        text = name.decode("utf-8", "replace")
        if len(self._names) < _MAX_NAMES:
            self._names[name] = text
        return text

    def _take_banners(self, text: bytes, messages: list[Message]) -> bytes:
        """Cut the banner lines (and stray line ends) off the front of a block; a banner has no blank line after it."""
        while True:
            text = text.lstrip(b"\r\n")
            line, ended, rest = text.partition(b"\r\n")
            if not ended or not line.startswith(_BANNER) or b": " in line:
                return text
            messages.append(Message("banner", line.decode("utf-8", "replace"), line))
            text = rest

    def _odd_block(self, block: bytes, messages: list[Message]) -> None:
        """A block that is not a plain event: banner, response, rubbish, or two messages run together."""
        block = self._take_banners(block + b"\r\n", messages).removesuffix(b"\r\n")
        if len(block) > MAX_BLOCK_BYTES:
            self.damage.oversized_blocks += 1
            return
        if not block:
            return
        begins = block.find(b"\r\nEvent: ")
        if begins >= 0 and block.startswith((b"Event: ", b"Response: ")):
            # A message cut short, with the next one running on: half a message would be a lie, so it is dropped.
            self.damage.truncated_blocks += 1
            self._odd_block(block[begins + 2 :], messages)
            return
        for line in block.split(b"\r\n"):
            if line.startswith(b"Event: "):
                messages.append(Message("event", self._intern(line[7:]), block))
                return
            if line.startswith(b"Response: "):
                messages.append(Message("response", line[10:].decode("utf-8", "replace"), block))
                return
            self.damage.rubbish_lines += b":" not in line
        messages.append(Message("other", "", block))


def decode(data: bytes) -> Iterator[dict[str, object]]:
    """What recorded bytes mean, one dict per message, as the contract's `decode ami` has it.

    Bytes whose lines end in bare LF (pasted by a person) are taken as if they ended in CRLF.
    """
    if b"\r\n" not in data:
        data = data.replace(b"\n", b"\r\n")
    parser = Parser()
    for at in range(0, len(data), 65_536):
        for message in parser.feed(data[at : at + 65_536]):
            yield message.to_dict()
    for message in parser.close():
        yield message.to_dict()
