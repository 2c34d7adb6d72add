"""Decides what can be done at a simulated desk, in words and by keys, and how a script of it reads. Pure.

A line is `[SECONDS] [@N|@*] WORD [ARGUMENT]`: wait so long after the line before, then this happens at headset N (the first unless
told). `#` begins a comment. `again` as the last line begins anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from appliance.core.errors import MisconfiguredError

#: Word → what it does.
WORDS: Final = {
    "hook": "press the hook button: off-hook, or on-hook again",
    "lift": "off-hook, if it is not",
    "hang-up": "on-hook, if it is not",
    "mute": "press the mute button",
    "press": "press another button: flash, redial, drop, button1, key0 to key9, key*, key#",
    "pull": "pull its plug",
    "plug": "plug it in again",
    "leave": "carry it out of its base's reach",
    "return": "and back",
    "stall": "from now on it refuses what the host writes",
    "mend": "it takes it again",
    "report": "send these bytes, in hex, whatever they mean",
    "wait": "nothing",
    "again": "from the first line on",
    "quit": "the end",
}
_TAKES: Final = frozenset({"press", "report"})
#: Key → the word that it is; of two the second when the first is so already.
KEYS: Final = {"h": "hook", "m": "mute", "f": "press flash", "r": "press redial", "p": "pull", "o": "leave", "s": "stall", "q": "quit"}
_BACK: Final = {"pull": "plug", "leave": "return", "stall": "mend"}
_LINE: Final = re.compile(r"(?:(?P<wait>\d+(?:\.\d+)?)\s+)?(?:@(?P<which>\d+|\*)\s+)?(?P<word>[a-z-]+)(?:\s+(?P<argument>\S.*))?")
_LONGEST_WAIT_S: Final = 86_400.0


class Act(Struct, frozen=True):
    """One thing that happens, `wait_s` after the one before. `which` counts from 1; None: at all of them."""

    word: str
    argument: str = ""
    wait_s: float = 0.0
    which: int | None = 1


def act_from_line(line: str, number: int = 1) -> Act | None:
    """None for an empty line or a comment. Raises MisconfiguredError, naming the line, for one that cannot be done.

    >>> act_from_line("1.5 @2 press redial   # what came before is forgotten")
    Act(word='press', argument='redial', wait_s=1.5, which=2)
    """
    text = re.sub(r"(^|\s)#\s.*|(^|\s)#$", "", line).strip()
    if not text:
        return None
    found = _LINE.fullmatch(text)
    if found is None or found["word"] not in WORDS:
        raise MisconfiguredError(f"line {number}: {text[:60]!r} is none of {', '.join(WORDS)}; write as in: 1.5 @2 press redial")
    word, argument = found["word"], found["argument"] or ""
    if bool(argument) != (word in _TAKES):
        raise MisconfiguredError(f"line {number}: {word} takes {'an argument' if word in _TAKES else 'none'}: {WORDS[word]}")
    if word == "report":
        try:
            argument = bytes.fromhex(argument.replace(":", " ")).hex()
        except ValueError:
            raise MisconfiguredError(f"line {number}: {argument[:60]!r} is no hex; write as in: report 02 01 00") from None
    wait_s = float(found["wait"] or 0)
    if wait_s > _LONGEST_WAIT_S:
        raise MisconfiguredError(f"line {number}: {wait_s:g} s is longer than a day")
    which = None if found["which"] == "*" else int(found["which"] or 1)
    return Act(word, argument, wait_s, which)


def script_from_lines(lines: Iterable[str]) -> tuple[Act, ...]:
    """A whole script. Raises MisconfiguredError for a line that cannot be done, or an `again` that never waits."""
    acts = [act for number, line in enumerate(lines, 1) if (act := act_from_line(line, number))]
    for at, act in enumerate(acts, 1):
        if act.word == "again" and at < len(acts):
            raise MisconfiguredError("`again` is not the last line; what comes after it would never be done")
    if acts and acts[-1].word == "again" and not sum(act.wait_s for act in acts):
        raise MisconfiguredError("`again` without any wait would never pause; write seconds before a line")
    return tuple(acts)


def act_from_key(key: str, which: int, *, plugged: bool, in_range: bool, stalls: bool) -> Act | None:
    """What a key does at the headset chosen; a digit is no act, it chooses.

    >>> act_from_key("p", 1, plugged=False, in_range=True, stalls=False).word
    'plug'
    """
    word, _, argument = KEYS.get(key, "").partition(" ")
    if not word:
        return None
    is_so = {"pull": not plugged, "leave": not in_range, "stall": stalls}
    return Act(_BACK[word] if is_so.get(word) else word, argument, which=which)
