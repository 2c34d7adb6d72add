"""Decides how many seconds a printed duration is: each vendor writes it differently, the profile says which way."""

from __future__ import annotations

import re
from typing import Final, Literal

#: clock: h:mm:ss, m:ss, with any of `:;'"` between, seconds last · hm: h:mm · hmmt: hours, minutes, tenths of a minute · seconds: a number.
Form = Literal["clock", "hm", "hmmt", "hhmmss", "seconds"]
#: A call of a month is a counter run over.
MAX_S: Final = 31 * 86400.0
_CLOCK: Final = re.compile(r"(?:(\d{1,4})[:])?(\d{1,4})[:;']\s?(\d{1,2})(\.\d+)?[\"']?")
_HM: Final = re.compile(r"(\d{1,4}):(\d\d)")


def seconds(text: str, form: Form = "clock") -> float | None:
    """The duration in seconds; None for what is none: blanks, asterisks, damage.

    >>> seconds("00:05'12"), seconds("5'15"), seconds("0000:16:38"), seconds("00:10'20\\""), seconds("S=000075")
    (312.0, 315.0, 998.0, 620.0, 75.0)
    >>> seconds("0053", "hmmt"), seconds("2:30", "hm"), seconds("020512", "hhmmss"), seconds("***")
    (318.0, 9000.0, 7512.0, None)
    """
    text = text.strip()
    if text.startswith(("S=", "s=")):
        text, form = text[2:], "seconds"
    if not text.isascii():
        return None
    value: float | None = None
    if form == "clock" and (m := _CLOCK.fullmatch(text)):
        value = _sum(int(m[1] or 0), int(m[2]), int(m[3])) + float(m[4] or 0)
    elif form == "hm" and (m := _HM.fullmatch(text)):
        value = _sum(int(m[1]), int(m[2]), 0)
    elif form == "hmmt" and len(text) == 4 and text.isdigit() and text != "9999":
        value = _sum(int(text[0]), int(text[1:3]), 6 * int(text[3]))
    elif form == "hhmmss" and len(text) == 6 and text.isdigit():
        value = _sum(int(text[:2]), int(text[2:4]), int(text[4:]))
    elif form == "seconds" and re.fullmatch(r"\d{1,7}(\.\d+)?", text):
        value = float(text)
    return value if value is not None and value <= MAX_S else None


def _sum(hours: int, minutes: int, secs: int) -> float:
    return float(hours * 3600 + minutes * 60 + secs)
