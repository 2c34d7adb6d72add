"""Decides what a caller identification is, whatever carried it, and which of its letters are believed. Pure.

A number or a name that cannot be read is `None`; why a caller is not told is `absent`: `P` withheld, `O` not available.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

Format = Literal["sdmf", "mdmf", "etsi", "dtmf", "modem", "monitor", "sip"]
Absent = Literal["O", "P"]

#: E.164 has 15 digits; prefixes and masks add some.
MAX_NUMBER: Final = 32
#: ETSI EN 300 659-3 allows 50 letters for a name, 253 for a text to show.
MAX_TEXT: Final = 128
#: Letters that stand in for a number (GR-30; national ones are all "not available" to us), and words that some boxes print instead.
_WITHHELD: Final = frozenset({"P", "PRIVATE", "ANONYMOUS", "WITHHELD", "BLOCKED", "RESTRICTED"})
_UNAVAILABLE: Final = frozenset(
    {"O", "C", "S", "I", "L", "N", "U", "OUTOFAREA", "UNAVAILABLE", "UNKNOWN", "NONUMBER", "NOCALLERID", "NODATA", "NOTAVAILABLE"}
)
_NUMBER: Final = re.compile(r"[0-9A-Za-z+*#()./ -]+")


class CallerId(Struct, frozen=True, kw_only=True):
    """Who calls, as far as the line tells. `date` MM-DD and `time` HH:MM are the exchange's; `checksum_ok` None where none is sent.

    `redirect` the number that forwarded the call, `dialled` the one that was called, `messages` how many wait in the exchange's
    mailbox (1: at least one), `special` and `variant` the code and the framing of DTMF digits, `rings` the bursts counted.
    """

    format: Format
    checksum_ok: bool | None = None
    date: str | None = None
    time: str | None = None
    number: str | None = None
    name: str | None = None
    absent: Absent | None = None
    redirect: str | None = None
    dialled: str | None = None
    call_type: str | None = None
    messages: int | None = None
    special: str | None = None
    variant: str | None = None
    rings: int | None = None

    @property
    def tells(self) -> bool:
        """Whether it says anything of a caller."""
        return self.checksum_ok is not False and (self.number or self.name or self.absent) is not None


#: Members that every record has, whatever is known.
_ALWAYS: Final = ("format", "checksum_ok", "date", "time", "number", "name", "absent")


def record(caller: CallerId) -> dict[str, Any]:
    """One object of `callfloor decode callerid`: the fixed members, and the others where they are known."""
    said: dict[str, Any] = msgspec.to_builtins(caller)
    return {key: value for key, value in said.items() if key in _ALWAYS or value is not None}


def date_from(text: str) -> str | None:
    """`MMDD`, with or without a mark between, as MM-DD; None for what is no date.

    >>> date_from("1015"), date_from("12/17"), date_from("1510")
    ('10-15', '12-17', None)
    """
    digits = _four(text)
    return f"{digits[:2]}-{digits[2:]}" if digits and 1 <= int(digits[:2]) <= 12 and 1 <= int(digits[2:]) <= 31 else None


def time_from(text: str) -> str | None:
    """`HHMM`, with or without a mark between, as HH:MM; None for what is no time.

    >>> time_from("1310"), time_from("04:54"), time_from("2460")
    ('13:10', '04:54', None)
    """
    digits = _four(text)
    return f"{digits[:2]}:{digits[2:]}" if digits and int(digits[:2]) < 24 and int(digits[2:]) < 60 else None


def _four(text: str) -> str | None:
    found = re.fullmatch(r"([0-9]{2})[:/.-]?([0-9]{2})", text.strip())
    return found[1] + found[2] if found else None


def number_from(text: str) -> tuple[str | None, Absent | None]:
    """A number as it was sent, or why there is none. A text that no number can be is neither.

    >>> number_from(" 6095551212"), number_from("P"), number_from("Out-of-Area"), number_from("55\\x8112")
    (('6095551212', None), (None, 'P'), (None, 'O'), (None, None))
    """
    text = text.strip(" \0")
    absent = _reason(text)
    if absent is not None:
        return None, absent
    # A letter may stand for a digit struck out, a lone word for none that we know.
    if len(text) > MAX_NUMBER or not _NUMBER.fullmatch(text) or not any(c.isdigit() for c in text):
        return None, None
    return text, None


def _reason(text: str) -> Absent | None:
    word = "" if any(c.isdigit() for c in text) else re.sub(r"[^A-Z]", "", text.upper())
    return "P" if word in _WITHHELD else "O" if word in _UNAVAILABLE else None


def absent_from(letter: str) -> Absent | None:
    """Why a number is missing, by the letter of GR-30: all that is not withheld is not available."""
    letter = letter.strip(" \0").upper()[:1]
    return None if not letter else "P" if letter == "P" else "O"


def text_from(raw: bytes | str) -> str | None:
    """A name or a text to show: 7-bit by the standard, Latin-1 as seen; without control characters, bounded. None for none."""
    text = raw.decode("latin-1") if isinstance(raw, bytes) else raw
    text = text[: 4 * MAX_TEXT]
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split())[:MAX_TEXT] or None


def name_from(text: str | bytes, absent: Absent | None = None) -> str | None:
    """A caller's name; a lone `O` or `P` says that there is none, and beside a number that is `absent` so does the word for that.

    >>> name_from("O"), name_from("Out-of-Area", "O"), name_from("PRIVATE")
    (None, None, 'PRIVATE')
    """
    name = text_from(text)
    return None if name is None or name in ("O", "P") or (absent is not None and _reason(name) is not None) else name
