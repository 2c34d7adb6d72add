"""Decides what DTMF digits sent before or after the first ring say of the caller: the national framings of spandsp and Asterisk. Pure.

`A<number>D<forwarded by>B<code>C`, `A<number>#`, `D<reason>#`, `D<number>C`, `B<code>C`, or bare digits up to `#` or `C`.
"""

from __future__ import annotations

import re
from typing import Any, Final

from gateway.fxo.caller_id import MAX_NUMBER, CallerId

#: After so long without a digit the sequence is over.
END_NS: Final = 2_000_000_000
_MAX_DIGITS: Final = 3 * MAX_NUMBER
_SECTION: Final = re.compile(r"([ABD]?)([0-9*]*)")
_CLIP: Final = re.compile(r"[0-9ABD*][0-9ABD* ]*[C#]")
_MARKS: Final = "C#"
#: B codes: a number that is not told, and one that the caller withholds.
_CODES: Final = {"00": "O", "10": "P"}
#: D reasons: withheld, from abroad, for technical reasons.
_REASONS: Final = {"1": "P", "2": "O", "3": "O"}
#: Without an end mark so few digits are speech that sounded like tones.
_FEW: Final = 4


def is_clip(text: str) -> bool:
    """Whether a text reads as digits of this kind, with an end mark."""
    return _CLIP.fullmatch(text.strip().upper()) is not None


def caller_from_digits(digits: str) -> CallerId | None:
    """What a sequence of digits says; None when it holds nothing.

    >>> caller = caller_from_digits("A12345678D87654321B10C")
    >>> caller.number, caller.redirect, caller.special
    ('12345678', '87654321', '10 restricted')
    """
    text = re.sub(r"[^0-9ABCD*#]", "", digits.upper()).lstrip("#C")
    end = next((at for at, c in enumerate(text) if c in _MARKS), len(text))
    mark = text[end : end + 1]
    sections = [(letter, value) for letter, value in _SECTION.findall(text[:end]) if letter or value]
    if not any(value or mark for _, value in sections):
        return None
    out: dict[str, Any] = {}
    for letter, value in sections:
        if letter == "B":
            _code(value, out)
        elif letter == "D" and "number" in out:
            out["redirect"] = _number(value)
        elif letter == "D" and mark == "#" and value in _REASONS:
            out["absent"] = _REASONS[value]
        elif "number" not in out:
            out["number"] = _number(value)
    if out.get("number") is None and "absent" not in out:
        out["absent"] = "O"
    variant = "".join(letter + ("." if len(value) == 1 else ".." if value else "") for letter, value in sections) + mark
    return CallerId(format="dtmf", variant=variant, **out)


def _code(value: str, out: dict[str, Any]) -> None:
    absent = _CODES.get(value)
    out["special"] = value + {"O": " not available", "P": " restricted", None: ""}[absent]
    if out.get("number") is None and absent is not None:
        out["absent"] = absent


def _number(value: str) -> str | None:
    return value.replace("*", "")[:MAX_NUMBER] or None


class DigitFeed:
    """Digits one by one, as a tone decoder or a modem gives them, until an end mark or two seconds of silence."""

    def __init__(self) -> None:
        self._digits = ""
        self._last_ns = 0

    @property
    def due_ns(self) -> int | None:
        """When `tick` has something to do."""
        return self._last_ns + END_NS if self._digits else None

    def feed(self, digit: str, now_ns: int) -> CallerId | None:
        """One digit; the caller when it was the end mark."""
        ended = self.tick(now_ns)
        if len(self._digits) < _MAX_DIGITS:
            self._digits += digit
        self._last_ns = now_ns
        if digit.upper() not in _MARKS:
            return ended
        digits, self._digits = self._digits, ""
        return caller_from_digits(digits) or ended

    def tick(self, now_ns: int) -> CallerId | None:
        """The caller when the digits have stopped; a few stray ones are none."""
        if not self._digits or now_ns - self._last_ns < END_NS:
            return None
        digits, self._digits = self._digits, ""
        return caller_from_digits(digits) if len(digits) >= _FEW else None
