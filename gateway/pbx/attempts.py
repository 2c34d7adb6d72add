"""Decides what counts as a call to somebody outside: how often a number was dialled today, and what is told of each time.

The day's count is the journal's once at the start, then what the gateway itself dials.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any, Final

import msgspec

from appliance.command_crew import Ended
from appliance.core.catalogue import CallAttempted, CommandReceived
from appliance.core.command import Originate, args_of
from appliance.core.dial_number import number_from_text
from appliance.core.event import Stored, stored_from_body
from appliance.core.journal import PAGE, Journal
from gateway.pbx.outcome import number_of_cause

_BODY: Final = b'{"k":"call.attempted"'
_decoder: Final = msgspec.json.Decoder(CallAttempted)
#: So many numbers are counted; beyond it those dialled least are forgotten first.
_NUMBERS: Final = 200_000


class Attempts:
    """How often each number was dialled on one day, whose beginning is `day_ns`. A number is whatever its caller takes as the same."""

    def __init__(self) -> None:
        self._day_ns = 0
        self._counts: Counter[str] = Counter()
        #: Those under way, by the command's id: each will have been one, unless the agent is not reached.
        self._open: dict[str, str] = {}

    def of(self, number: str, day_ns: int, beside: str = "") -> int:
        """So many times on that day, with those under way, but for the command `beside`."""
        self._turn(day_ns)
        return self._counts[number] + sum(open_ == number for command, open_ in self._open.items() if command != beside)

    def begun(self, command: str, number: str) -> None:
        """A command is about to dial it."""
        self._open[command] = number

    def ended(self, command: str, *, dialled: bool) -> None:
        """It did, or it came to nothing before."""
        number = self._open.pop(command, None)
        if number is not None and dialled:
            self.add(number, self._day_ns)

    def begin(self, day_ns: int) -> None:
        """Forget what was counted: this day is counted anew."""
        self._day_ns, self._counts = day_ns, Counter()

    def add(self, number: str, day_ns: int) -> None:
        """It was dialled."""
        self._turn(day_ns)
        self._counts[number] += 1
        if len(self._counts) > _NUMBERS:
            self._counts = Counter(dict(self._counts.most_common(_NUMBERS // 2)))

    def _turn(self, day_ns: int) -> None:
        if day_ns != self._day_ns:
            self.begin(day_ns)


def was_dialled(outcome: str) -> bool:
    """Whether the number itself was dialled, or may have been: not where the agent's own phone was not reached.

    >>> was_dialled("busy"), was_dialled("unknown"), was_dialled("agent_no_answer")
    (True, True, False)
    """
    return not outcome.startswith("agent_")


def attempt_of(command: str, args: Originate, pbx: str, ended: Ended) -> CallAttempted | None:
    """What is told of a call that a command made; None where no phone was rung at all.

    Of one whose end nobody saw the call is not known either: it has a name of its own, of which nothing else is told.
    """
    result: dict[str, Any] = ended.result or {}
    told = result.get("outcome")
    if told is None and ended.state != "unknown":
        return None
    whose = result.get("of", "number")
    outcome = "unknown" if told is None else _agents(str(told)) if whose == "agent" else str(told)
    fields = {
        "command": command, "outcome": outcome, "pbx": pbx, "agent": args.agent, "dialled": number_from_text(args.number),
        "call": result.get("call") or hashlib.blake2b(f"command\0{command}".encode(), digest_size=8).hexdigest(),
        "cause": number_of_cause(result.get("cause")), "ring_s": result.get("ring_s"),
    }  # fmt: skip
    return msgspec.convert(fields, CallAttempted)


def originate_of(command: CommandReceived) -> Originate | None:
    """Its arguments; None for any other verb, and for what never was a number."""
    if command.verb != "originate":
        return None
    try:
        args = args_of(command.verb, command.args)
        assert isinstance(args, Originate)
        number_from_text(args.number)
    except ValueError:
        return None
    return args


def dialled_since(journal: Journal, since_ns: int) -> list[str]:
    """The numbers that were dialled since a moment of the wall clock, one a time. Blocks; run it in a thread.

    Reads back from the journal's end until a page begins and ends before: rows are in order, but for a clock that was stepped.
    """
    found: list[str] = []
    until, first = journal.head().seq, journal.first_seq() - 1
    while until > first:
        after = max(first, until - PAGE)
        rows = [row for row in journal.read(after, PAGE) if row.seq <= until]
        for row in rows:
            stored = _stored(row.body) if row.body.startswith(_BODY) else None
            if stored is not None and stored.wall_ns >= since_ns:
                found += _number(stored)
        ends = [stored for row in (rows[:1] + rows[-1:]) if (stored := _stored(row.body)) is not None]
        if ends and all(stored.wall_ns < since_ns for stored in ends):
            break
        until = after
    return found


def _number(stored: Stored) -> list[str]:
    try:
        data = _decoder.decode(stored.data)
    except msgspec.DecodeError:
        return []  # `journal verify` tells of it
    return [data.dialled] if data.dialled and was_dialled(data.outcome) else []


def _stored(body: bytes) -> Stored | None:
    try:
        return stored_from_body(body)
    except msgspec.DecodeError:
        return None


def _agents(outcome: str) -> str:
    """What is told of the agent's own phone, in the words that there are for it.

    >>> _agents("busy"), _agents("rejected"), _agents("answered")
    ('agent_busy', 'agent_failed', 'agent_failed')
    """
    return f"agent_{outcome}" if outcome in ("busy", "no_answer", "unreachable") else "agent_failed"
