"""How a FreeSWITCH writes what it says on its event socket: events, replies and tables as bytes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from random import Random
from typing import Final
from urllib.parse import quote

GREETING: Final = b"Content-Type: auth/request\n\n"
REJECTION: Final = b"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n"
VERSION: Final = "FreeSWITCH Version 1.10.12-release~64bit (-release 64bit)\n"
#: mod_event_socket leaves these as they are.
_PLAIN: Final = "!*'();@&=+$,/?#[]-._~"

Fields = dict[str, object]


def event(name: str, head: Fields, fields: Fields, body: str = "") -> bytes:
    r"""One event, framed.

    >>> event("CUSTOM", {}, {"CC-Queue": "ventas", "CC-Cause": ""})
    b'Content-Length: 55\nContent-Type: text/event-plain\n\nEvent-Name: CUSTOM\nCC-Queue: ventas\nCC-Cause: _undef_\n\n'
    """
    lines = "".join(f"{key}: {_value(value)}\n" for key, value in ({"Event-Name": name} | head | fields).items())
    inner = body.encode()
    data = lines.encode() + (f"Content-Length: {len(inner)}\n\n".encode() + inner if inner else b"\n")
    return f"Content-Length: {len(data)}\nContent-Type: text/event-plain\n\n".encode() + data


def _value(value: object) -> str:
    return quote(str(value), safe=_PLAIN) or "_undef_"


def reply(text: str, **more: str) -> bytes:
    """The reply to a command."""
    lines = "".join(f"{key.replace('_', '-')}: {value}\n" for key, value in more.items())
    return f"Content-Type: command/reply\nReply-Text: {text}\n{lines}\n".encode()


def answer(text: str) -> bytes:
    """The answer to `api`."""
    data = text.encode()
    return f"Content-Type: api/response\nContent-Length: {len(data)}\n\n".encode() + data


def farewell() -> bytes:
    """The last word."""
    told = b"Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"
    return f"Content-Type: text/disconnect-notice\nContent-Length: {len(told)}\n\n".encode() + told


def table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """What a list prints; without rows not even the names.

    >>> table(("queue", "agent"), [])
    '+OK\\n'
    """
    lines = ["|".join(map(str, row)) for row in rows]
    return "\n".join([*(["|".join(names)] if lines else []), *lines, "+OK", ""])


def channels(rows: list[Fields]) -> str:
    """What `show channels as json` prints."""
    return json.dumps({"row_count": len(rows), **({"rows": rows} if rows else {})})


def uuid_of(chance: Random) -> str:
    """A channel's or member's id."""
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))
