"""Service level as a table over outcomes: which counts each variant puts above and below the line. Data, not code.

Definitions: docs/kpis.md; where vendors publish theirs the variant carries the vendor's name. T is the target time.
"""

from __future__ import annotations

from typing import Final

from appliance.floor.tally import Tally

#: Terms: A answered, B abandoned, S short abandoned, O timed out, L left; a trailing 1 means within T.
_TERMS: Final = {
    "A": lambda t: t.answered,
    "A1": lambda t: t.answered_in_time,
    "B": lambda t: t.abandoned,
    "B1": lambda t: t.abandoned_in_time,
    "S": lambda t: t.short_abandoned,
    "S1": lambda t: t.short_in_time,
    "O": lambda t: t.left_by.get("timeout", 0),
    "O1": lambda t: t.timeout_in_time,
    "L": lambda t: t.left,
}

_Sum = tuple[tuple[int, str], ...]


def _sum(text: str) -> _Sum:
    return tuple((-1 if term[0] == "-" else 1, term.lstrip("-")) for term in text.split())


_TABLE: Final[dict[str, tuple[_Sum, _Sum]]] = {
    name: (_sum(numerator), _sum(denominator))
    for name, numerator, denominator in (
        ("handled", "A1", "A B"),
        ("less_short", "A1", "A B -S"),
        ("abandon_in_time", "A1 B1", "A B"),
        ("answered", "A1", "A"),
        ("offered", "A1", "A B L"),
        ("asterisk-sl2", "A1 B1 O1", "A B O"),
        ("cisco-ignore", "A1", "A B -B1 O"),
        ("cisco-negative", "A1", "A B O"),
        ("cisco-negative-short", "A1", "A B -S O"),
        ("cisco-positive", "A1 B1", "A B O"),
        ("cisco-positive-short", "A1 B1 -S1", "A B -S O"),
    )
}
_ALIASES: Final = {
    "asterisk-sl": "answered",
    "genesys-abandons-excluded": "answered",
    "avaya-bcms": "offered",
    "genesys-flow-outs-counted": "offered",
    "genesys-all-abandons": "handled",
    "genesys-short-excluded": "less_short",
}
VARIANTS: Final = (*_TABLE, *_ALIASES)


def service_level_of(variant: str, tally: Tally) -> tuple[int, int] | None:
    """Numerator and denominator of a variant; None where it needs the time-outs and the PBX does not tell them all.

    Raises KeyError for an unknown variant.
    """
    numerator, denominator = _TABLE[_ALIASES.get(variant, variant)]
    needs_timeouts = any(term.startswith("O") for _, term in numerator + denominator)
    if needs_timeouts and tally.left_by.get("not_told", 0):
        return None
    return _value(numerator, tally), _value(denominator, tally)


def counts_in(variant: str, outcome: str) -> tuple[bool, bool]:
    """Whether a visit of this outcome stands above and below the line: for `explain`.

    `outcome` is answered, answered_in_time, abandoned, abandoned_in_time, short, short_in_time, timeout, timeout_in_time or left.
    """
    tally = Tally()
    parts = outcome.removesuffix("_in_time")
    in_time = outcome.endswith("_in_time")
    if parts == "answered":
        tally.answered, tally.answered_in_time = 1, int(in_time)
    elif parts in ("abandoned", "short"):
        tally.abandoned, tally.abandoned_in_time = 1, int(in_time)
        tally.short_abandoned, tally.short_in_time = int(parts == "short"), int(parts == "short" and in_time)
    elif parts in ("timeout", "left"):
        tally.left = 1
        tally.left_by = {parts: 1} if parts == "timeout" else {"withdrawn": 1}
        tally.timeout_in_time = int(in_time and parts == "timeout")
    value = service_level_of(variant, tally) or (0, 0)
    return bool(value[0]), bool(value[1])


def _value(terms: _Sum, tally: Tally) -> int:
    return sum(sign * _TERMS[term](tally) for sign, term in terms)
