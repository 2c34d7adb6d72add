"""Decides what of a recorded printout tells of people: numbers and names where its make prints them; what fits nothing is blank."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from appliance.core.errors import UnsupportedError
from gateway.pbx.stand_in import Clean, StandIns
from gateway.smdr.match import find
from gateway.smdr.profile import ReadyProfile
from gateway.smdr.shelf import profiles
from gateway.smdr.vote import winner

_LINE: Final = re.compile(r"[^\r\n\0\f\v]+")
_NAMES: Final = frozenset(("name", "name1", "name2", "who", "caller_name", "clid"))
_NUMBERS: Final = frozenset(
    (
        "number", "digits", "caller", "called", "clid", "ani", "dnis", "source", "target", "dialled", "dial", "party", "account",
        "authorisation", "calling", "lastdata", "peer", "text", "rest", "msn",
    )
)  # fmt: skip
#: Fields in which a name may stand beside a number.
_BOTH: Final = frozenset(("caller", "party", "dial", "digits"))
_SHORTEST: Final = 5
_LETTERS: Final = re.compile(r"[^\W\d_]{2,}(?:[ ,.]+[^\W\d_]+)*")
#: What some makes print where a number would stand; no name.
_WORDS: Final = frozenset(("EXT", "INCOMING", "RING", "UNKNOWN", "PRIVATE", "DISA", "DIL", "NO ANSWER", "I", "D", "IN GROUP", "OUT GROUP"))


def clean_printout(stand_ins: StandIns) -> Clean:
    """For a printout of any make of ours. The cleaning raises UnsupportedError where none fits."""

    def clean(text: str) -> str:
        lines = [line for line in _LINE.findall(text) if not line.isspace()]
        found = winner(profiles(), lines[:2_000], datetime(2000, 1, 1)) if lines else None  # noqa: DTZ001 - dates are of no interest here
        if lines and (found is None or not found.records):
            raise UnsupportedError("no profile fits the recording, so that nobody knows where names are: keep it in the house")
        if found is None:
            return text
        return _LINE.sub(lambda m: _line(found.profile, m[0], stand_ins), text)

    return clean


def _line(profile: ReadyProfile, text: str, stand_ins: StandIns) -> str:
    found = find(profile, text)
    if found is None:
        if profile.skip is not None and profile.skip.search(text):
            return stand_ins.numbers(text)
        return re.sub(r"[^\W\d_]", "x", re.sub(r"\d", "0", text)) if re.search(r"\d{4}", text) else text
    replaced: dict[str, str] = {}
    for field, value in found[1].items():
        if field in _NAMES | _BOTH:
            replaced |= {name: stand_ins.name(name) for name in _LETTERS.findall(value) if name.upper() not in _WORDS}
        if field in _NUMBERS:
            replaced |= {run: stand_ins.number(run) for run in re.findall(r"\d+(?:-\d+)*", value) if len(run) >= _SHORTEST}
    for old in sorted(replaced, key=len, reverse=True):
        apart = re.sub(rf"(?<![0-9A-Za-z]){re.escape(old)}(?![0-9A-Za-z])|(?<=[>OIGHR]){re.escape(old)}", replaced[old], text)
        text = apart if apart != text else text.replace(old, replaced[old])  # columns without a blank between
    return text
