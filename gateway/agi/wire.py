"""Decides what a PBX's bytes mean in AGI over a network (FastAGI): the environment of a call, then answers to commands. Pure.

The PBX connects and sends lines `agi_NAME: value`, then an empty one (Asterisk, res_agi.c: launch_netscript, setup_env); after that it
waits for commands, one a line, and answers each: `200 result=1`, `510 Invalid or unknown command`, `511 …` on a channel that is gone,
`520-…` over several lines up to `520 End of proper usage.`. `HANGUP` on a line of its own comes at any time. A command of more than one
line at once it may not notice: the second is sent when the first was answered.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from msgspec import Struct

from appliance.core.errors import CorruptError

#: The whole environment, one line of it, and how many lines: Asterisk sends 24 and up to 128 arguments.
MOST_BYTES: Final = 32 * 1024
MOST_LINE_BYTES: Final = 4 * 1024
MOST_LINES: Final = 200
#: An answer is one line; the longest are those of `520`, a screen of usage.
MOST_ANSWER_BYTES: Final = 32 * 1024
MOST_PARTS: Final = 30
#: One command with its end, and the variables of one MSet: what older ones take (res_agi.c, AGI_BUF_LEN 2048, now 8192; pbx_variables.c,
#: pair[24], now 99). What is beyond is taken for the next command, or for a part of the last variable.
MOST_COMMAND_BYTES: Final = 2047
MOST_SET: Final = 24

#: A comma parts an application's arguments, and a semicolon begins a comment: a dialplan writes what it can.
_BETWEEN_CHOICES: Final = re.compile(r"[|,; ]+")
_UNKNOWN: Final = frozenset({"", "unknown", "anonymous", "unavailable", "restricted", "private", "<unknown>"})
#: Bits of the presentation of a number (Asterisk, callerid.h AST_PRES_RESTRICTION): 0x20 restricted, 0x40 not available.
_RESTRICTED: Final = 0x60


class Request(Struct, frozen=True):
    """What a call asks: its environment without `agi_`, and what stands behind the host of the URL."""

    fields: dict[str, str]
    path: str
    query: dict[str, str]

    @property
    def caller(self) -> str | None:
        """The caller's number as the PBX has it; None: withheld or not known."""
        return self._number("caller", "callerid")

    @property
    def dialled(self) -> str | None:
        """What was dialled: what the line told, else the extension of the dialplan."""
        return self._number("dialled", "dnid", "extension")

    @property
    def withheld(self) -> bool:
        """Whether the caller's number is not known, or is there and not to be shown."""
        presentation = self.fields.get("callingpres", "")
        hidden = presentation.isascii() and presentation.isdigit() and len(presentation) < 4 and int(presentation) & _RESTRICTED != 0
        return hidden or self.caller is None

    @property
    def digits(self) -> tuple[str, ...]:
        """What was chosen in menus, where the dialplan says so: `digits=2`, `digits=main:2|sub:1`."""
        return tuple(part for part in _BETWEEN_CHOICES.split(self.query.get("digits", "")) if part)[:MOST_PARTS]

    def _number(self, asked: str, *names: str) -> str | None:
        for text in (self.query.get(asked, ""), *(self.fields.get(name, "") for name in names)):
            if text.strip().lower() not in _UNKNOWN:
                return text.strip()
        return None


class RequestFeed:
    """The bytes of one connection up to the empty line."""

    def __init__(self) -> None:
        self._held = b""
        self._fields: dict[str, str] = {}
        self._bytes = self._lines = 0
        #: What came behind the empty line: an answer, or that the caller hung up.
        self.rest = b""

    def feed(self, data: bytes) -> Request | None:
        """The call, once its environment is whole. Raises CorruptError for what is no AGI, or too much of it."""
        self._bytes += len(data)
        if self._bytes > MOST_BYTES:
            raise CorruptError(f"more than {MOST_BYTES} bytes before the end of the environment")
        *lines, self._held = (self._held + data).split(b"\n")
        for at, line in enumerate(lines):
            text = line.rstrip(b"\r")
            if not text and self._fields:
                self.rest = b"\n".join((*lines[at + 1 :], self._held))
                self._held = b""
                return request_from_fields(self._fields)
            self._line(text)
        if len(self._held) > MOST_LINE_BYTES:
            raise CorruptError(f"a line of more than {MOST_LINE_BYTES} bytes")
        return None

    def _line(self, line: bytes) -> None:
        self._lines += 1
        name, colon, value = line.partition(b":")
        if not colon or not name.startswith(b"agi_") or len(line) > MOST_LINE_BYTES or self._lines > MOST_LINES:
            raise CorruptError("a line that is no agi_NAME: value, or too many of them")
        self._fields.setdefault(name[4:].decode("ascii", "replace"), value.strip().decode("utf-8", "replace"))


def request_from_fields(fields: dict[str, str]) -> Request:
    """What the environment asks. Arguments `NAME=value` of the application count as the URL's own.

    >>> one = request_from_fields({"network_script": "queue/ventas?default=x%20y", "arg_1": "digits=main:2", "callerid": "unknown"})
    >>> one.path, one.query, one.caller, one.withheld, one.digits
    ('queue/ventas', {'default': 'x y', 'digits': 'main:2'}, None, True, ('main:2',))
    """
    script = fields.get("network_script")
    if script is None:
        script = fields.get("request", "").partition("://")[2].partition("/")[2]
    path, _, query = script.partition("?")
    parts = [*query.split("&", MOST_PARTS)[:MOST_PARTS], *(fields.get(f"arg_{at}", "") for at in range(1, MOST_PARTS))]
    pairs = (part.partition("=") for part in parts)
    # As a URL, but with + for itself: it begins numbers.
    return Request(fields, unquote(path).strip("/"), {name: unquote(value) for name, sign, value in pairs if sign})


class Answer(Struct, frozen=True):
    """One answer: `code` 200, 510, 511, 520 …, and `result` where the PBX gave one; `code` 0: the caller hung up."""

    code: int
    result: str | None = None


class AnswerFeed:
    """The bytes of one connection behind the environment."""

    def __init__(self) -> None:
        self._held = b""
        self._usage = False
        self._bytes = 0

    def feed(self, data: bytes) -> list[Answer]:
        """The answers that are whole. Raises CorruptError for what is none, or too much of it."""
        self._bytes += len(data)
        if self._bytes > MOST_ANSWER_BYTES:
            raise CorruptError(f"answers of more than {MOST_ANSWER_BYTES} bytes")
        *lines, self._held = (self._held + data).split(b"\n")
        return [answer for line in lines if (answer := self._line(line.rstrip(b"\r"))) is not None]

    def _line(self, line: bytes) -> Answer | None:
        code = line[:3]
        if self._usage:
            self._usage = not line.startswith(b"520 ")
            return None if self._usage else Answer(520)
        if line == b"HANGUP":
            return Answer(0)
        if not code.isdigit() or line[3:4] not in (b" ", b"-", b""):
            raise CorruptError("an answer that begins with no code")
        if line[3:4] == b"-":
            self._usage = True
            return None
        _, mark, result = line.partition(b"result=")
        return Answer(int(code), result.split(b" ", 1)[0].decode("ascii", "replace") if mark else None)


def is_one_command(variables: dict[str, str]) -> bool:
    """Whether a PBX takes all of them at once.

    >>> is_one_command({"CALLFLOOR_QUEUE": "ventas"}), is_one_command({f"V{n}": "x" * 200 for n in range(10)})
    (True, False)
    """
    return len(variables) <= MOST_SET and len(set_all(variables)) <= MOST_COMMAND_BYTES


def set_all(variables: dict[str, str]) -> bytes:
    """One command that sets all of them, or none: the application MSet. Values are those that `channel_variable.is_value` lets pass.

    >>> set_all({"CALLFLOOR_QUEUE": "ventas", "CALLFLOOR_PRIORITY": "5"})
    b'EXEC MSet "CALLFLOOR_QUEUE=ventas,CALLFLOOR_PRIORITY=5"\\n'
    """
    return b'EXEC MSet "%s"\n' % ",".join(f"{name}={value}" for name, value in variables.items()).encode()


def set_one(name: str, value: str) -> bytes:
    """The command that sets one variable.

    >>> set_one("CALLFLOOR_QUEUE", "atención")
    b'SET VARIABLE CALLFLOOR_QUEUE "atenci\\xc3\\xb3n"\\n'
    """
    return f'SET VARIABLE {name} "{value}"\n'.encode()
