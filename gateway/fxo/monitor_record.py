"""Decides what a line monitor in the manner of Whozz Calling says: call records, detail records, over serial and in UDP packets. Pure.

`01 I S 0000 G A1 12/17 04:54 PM 770-263-7111 NAME` begins (S) or ends (E) a call in (I) or out (O); `01 R … 12/17 16:54:03` is the first
ring, F off-hook, N on-hook, H a flash. A record read from the unit's memory begins with `*`, and has its date in front.
A unit in its limited format sends `$01  12/17  04:54  PM  7702637111  I  NAME`: at the start of a call alone, and it does not say so.
"""

from __future__ import annotations

import re
from typing import Final, Literal

from msgspec import Struct

from gateway.fxo.caller_id import Absent, CallerId, date_from, name_from, number_from, time_from

MAX_LINE: Final = 256
_CALL: Final = re.compile(
    r"(?P<line>\d\d?) +(?P<way>[IO]) +(?P<phase>[SE])(?: +(?P<seconds>\d{1,4}))?(?: +(?P<sum>[GB]))?(?: +(?P<type>[A-Z*])(?P<rings>\d))?"
    r"(?: +(?P<date>\d\d/\d\d))?(?: +(?P<time>\d\d:\d\d)(?: *(?P<half>[AP]M))?)?(?: +(?P<who>.*))?"
)
_LIMITED: Final = re.compile(
    r"(?P<line>\d\d?) +(?P<date>\d\d/\d\d) +(?P<time>\d\d:\d\d)(?: *(?P<half>[AP]M))?"
    r" +(?:(?P<number>\S.{0,39}?) +)?(?P<way>[IO])(?: +(?P<name>.*))?"
)
_HELD: Final = re.compile(r"\* ?\d{1,5} +(\d\d?) +(\d\d/\d\d) +(\d\d:\d\d) +([IO] +[SE].*)")
_DETAIL: Final = re.compile(r"(?P<line>\d\d?) +(?P<what>[RFNH])(?: +(?P<date>\d\d/\d\d) +(?P<time>\d\d:\d\d:\d\d))? *")
_WHAT: Final[dict[str, Literal["ring", "off_hook", "on_hook", "flash"]]] = {"R": "ring", "F": "off_hook", "N": "on_hook", "H": "flash"}
_DATAGRAM: Final = re.compile(rb"\^\^<U>(.{6})<S>(.{6})\$?(.*)", re.S)


class MonitorRecord(Struct, frozen=True, kw_only=True):
    """One record of one line. `what` is start or end of a call, or a detail; `rings` and `duration_s` stand in end records."""

    line: int
    what: Literal["start", "end", "ring", "off_hook", "on_hook", "flash"]
    direction: Literal["in", "out"] | None = None
    duration_s: int | None = None
    checksum_ok: bool | None = None
    rings: int | None = None
    ring_type: str | None = None
    date: str | None = None
    time: str | None = None
    number: str | None = None
    name: str | None = None
    absent: Absent | None = None
    unit: str | None = None
    held: bool = False

    @property
    def caller(self) -> CallerId | None:
        """The caller of a record of an incoming call."""
        if self.direction != "in":
            return None
        return CallerId(
            format="monitor", checksum_ok=self.checksum_ok, date=self.date, time=self.time, number=self.number, name=self.name,
            absent=self.absent,
        )  # fmt: skip


def record_from_text(text: str, unit: str | None = None) -> MonitorRecord | None:
    """What one line says; None for a line of another kind (an answer to a setting, noise).

    >>> told = record_from_text("$02 I E 0276 G A3 09/26 01:28 PM 800-555-1212 ACME")
    >>> told.line, told.what, told.duration_s, told.rings, told.time, told.number, told.name
    (2, 'end', 276, 3, '13:28', '800-555-1212', 'ACME')
    """
    text = "".join(c if c.isprintable() else " " for c in text[:MAX_LINE]).strip().lstrip("$")
    held = _HELD.fullmatch(text)
    if held is not None:
        text = f"{held[1]} {held[4]}"
    detail = _DETAIL.fullmatch(text)
    if detail is not None:
        at = (detail["time"] or "")[:5]
        return MonitorRecord(
            line=int(detail["line"]), what=_WHAT[detail["what"]], date=date_from(detail["date"] or ""), time=time_from(at), unit=unit
        )
    call = _CALL.fullmatch(text)
    if call is None:
        return _limited(text, unit)
    number, name, absent = _who(call["who"] or "")
    return MonitorRecord(
        line=int(call["line"]),
        what="start" if call["phase"] == "S" else "end",
        direction="in" if call["way"] == "I" else "out",
        duration_s=int(call["seconds"]) if call["seconds"] else None,
        checksum_ok=call["sum"] == "G" if call["sum"] else None,
        rings=int(call["rings"]) if call["rings"] else None,
        ring_type=call["type"],
        date=date_from(held[2] if held else call["date"] or ""),
        time=time_from(held[3]) if held else _time(call["time"], call["half"]),
        number=number,
        name=name,
        absent=absent,
        unit=unit,
        held=held is not None,
    )


def _limited(text: str, unit: str | None) -> MonitorRecord | None:
    """A record in the limited format, which has neither phase nor sum: the caller, once it is known."""
    call = _LIMITED.fullmatch(text)
    if call is None:
        return None
    number, name, absent = _who(f"{call['number'] or ''} {call['name'] or ''}")
    return MonitorRecord(
        line=int(call["line"]),
        what="start",
        direction="in" if call["way"] == "I" else "out",
        date=date_from(call["date"]),
        time=_time(call["time"], call["half"]),
        number=number,
        name=name,
        absent=absent,
        unit=unit,
    )


def record_from_datagram(data: bytes) -> MonitorRecord | None:
    """What a UDP packet says: unit and serial number, six bytes each, then a line."""
    found = _DATAGRAM.fullmatch(data[: 2 * MAX_LINE])
    return record_from_text(found[3].decode("latin-1"), found[1].hex()) if found else None


def unit_from_datagram(data: bytes) -> str | None:
    """Whose packet it is, whatever it says; None for one that no unit has sent."""
    found = _DATAGRAM.fullmatch(data[: 2 * MAX_LINE])
    return found[1].hex() if found else None


def _time(text: str | None, half: str | None) -> str | None:
    told = time_from(text or "")
    if told is None or half is None:
        return told
    hour = int(told[:2]) % 12 + (12 if half == "PM" else 0)
    return f"{hour:02d}{told[2:]}"


def _who(text: str) -> tuple[str | None, str | None, Absent | None]:
    """Number and name, which stand in columns whose width differs between models: the number is what can be read as one."""
    words = text.split()
    for count in range(min(len(words), 4), 0, -1):
        number, absent = number_from("".join(words[:count]) if count > 1 else words[0])
        if absent is not None or (count == 1 and number is not None):
            return number, name_from(" ".join(words[count:]), absent), absent
    return None, name_from(text), None


class MonitorFeed:
    """Lines out of a serial stream, split anywhere; what is no record is counted in `noise_bytes`.

    `words` counts lines that are no records and can be read: what a unit answers to a question.
    """

    def __init__(self) -> None:
        self._rest = b""
        self.noise_bytes = self.words = 0

    def feed(self, data: bytes) -> list[MonitorRecord]:
        """The records that these bytes complete."""
        lines = re.split(rb"[\r\n]+", self._rest + data)
        self._rest = lines.pop()
        if len(self._rest) > MAX_LINE:
            self.noise_bytes += len(self._rest)
            self._rest = b"?"  # what is left of that line is none either
        out = []
        for line in lines:
            told = record_from_text(line.decode("latin-1")) if line else None
            if told is not None:
                out.append(told)
            if told is None and len(line) > 3 and line.isascii() and line.decode().isprintable():
                self.words += 1
            self.noise_bytes += len(line) if told is None else 0
        return out
