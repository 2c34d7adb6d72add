"""Decides what a sign is sent next, so that it comes to hold what it should: what is urgent first, the newest value only. Pure.

Old signs acknowledge nothing, so what was sent is believed for a while and then sent again; after a lost link nothing is believed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from appliance.core.config import Sign
from drivers.alpha_command import PRIORITY, Memory, RunSequence, WriteString, WriteText, set_day, set_time, time_format
from drivers.alpha_letters import bytes_from_text
from drivers.alpha_text import colour, segment, shown_from_bytes
from wallboard.sign.plan import TEXT, Plan, is_same
from wallboard.words import DASH

RELEASE: Final = WriteText(PRIORITY).body
#: A release that was lost would leave an alarm standing for ever: it is sent once more after so long.
RELEASE_AGAIN_S: Final = 3.0
CLOCK_EVERY_S: Final = 3600.0
_RUN: Final = RunSequence("S", locked=True, labels=TEXT).body
_BLANK: Final = bytes_from_text(DASH).data


def _called(body: bytes) -> list[str]:
    """The STRINGs that a text calls.

    >>> _called(b"A0Cola \\x10a")
    ['a']
    """
    return [code.value for code in shown_from_bytes(body).codes if code.code == "string"]


class Moment(Struct, frozen=True):
    """The time on the site's walls: HHMM and the day of the week, 1 is Sunday; `trusted`: the box knows what time it is."""

    hhmm: str
    day: int
    trusted: bool


class Send(Struct, frozen=True):
    """A command to send, and what it is about; `urgent`: before anything that another sign of the line is due."""

    about: str
    body: bytes
    urgent: bool = False


class Sender:
    """One sign: what it should hold, and what it is believed to hold. Fed with monotonic seconds."""

    def __init__(self, sign: Sign) -> None:
        self._sign = sign
        self._plan: Plan | None = None
        self._priority = RELEASE
        self._moment: Moment | None = None
        #: What was sent, and when, by what it is about.
        self._believed: dict[str, tuple[bytes, float]] = {}
        #: Whose figure each STRING held when it was last sent.
        self._owners: dict[str, str] = {}
        self._memory: Memory | None = None
        self._memory_before: Memory | None = None
        self._released_again = True

    def tell(self, plan: Plan, priority: bytes | None, moment: Moment) -> None:
        """What it should hold now."""
        self._plan, self._priority, self._moment = plan, priority or RELEASE, moment

    def lost(self, *, long: bool) -> None:
        """The link was lost, so nothing is believed; `long`: for so long that another sign may hang there."""
        self._believed.clear()
        self._owners.clear()
        self.doubt(long=long)

    def doubt(self, *, long: bool) -> None:
        """Its memory table is to be read again, and where it is silent believed only if not for `long`."""
        self._memory, self._memory_before = None, None if long else self._memory

    def holds(self, memory: Memory | None) -> None:
        """A table was read back; None: the sign is silent, so it is believed to have kept what it had before a short outage."""
        wanted = None if self._plan is None else self._plan.memory
        held = self._memory_before if memory is None else memory
        self._memory = wanted if wanted is not None and held is not None and is_same(wanted, held) else None

    def next(self, now_s: float) -> Send | None:
        """What is to be sent first; None when it holds all that it should."""
        plan = self._plan
        if plan is None:
            return None
        if self._is_due("priority", self._priority, now_s):
            # The figure that it calls must stand there before it does.
            figure = self._string(plan, _called(self._priority), now_s)
            return Send("priority", self._priority, urgent=True) if figure is None else replace(figure, urgent=True)
        if self._memory != plan.memory:
            return Send("memory", plan.memory.body)
        clock = self._clock(now_s)
        if clock is not None:
            return clock
        if self._is_due("run", _RUN, now_s):
            return Send("run", _RUN)
        return self._files(plan, now_s)

    def sent(self, send: Send, now_s: float) -> None:
        """It was sent."""
        if send.about == "memory" and self._plan is not None:
            # Every file is gone; so is what was believed of them, but not the time.
            self._memory = self._plan.memory
            self._believed = {about: told for about, told in self._believed.items() if about in ("time", "format", "day")}
            self._owners.clear()
        if send.about == "priority":
            known = self._believed.get("priority")
            self._released_again = send.body != RELEASE or known is None or known[0] == RELEASE
        kind, _, label = send.about.partition(" ")
        if kind == "string" and self._plan is not None:
            self._owners[label] = self._plan.owners.get(label, "") if send.body[2:] != _BLANK else ""
        self._believed[send.about] = (send.body, now_s)

    def farewell(self, text: str) -> bytes:
        """What stands there when the box no longer tells anything, so that no old figure passes for a new one."""
        lead = colour("red") if self._sign.colours else b""
        return WriteText(PRIORITY, (segment(lead + bytes_from_text(text, room=110).data, "rotate"),)).body

    def _is_due(self, about: str, body: bytes, now_s: float, every_s: float | None = None) -> bool:
        told = self._believed.get(about)
        if told is None or told[0] != body:
            return True
        since_s = now_s - told[1]
        if about == "priority" and body == RELEASE and not self._released_again:
            return since_s >= RELEASE_AGAIN_S
        return since_s >= (self._sign.refresh_s if every_s is None else every_s)

    def _clock(self, now_s: float) -> Send | None:
        """The time, at the start, then each hour; a sign's clock has no seconds, so later it is set as a minute begins."""
        moment = self._moment
        if not self._sign.clock or moment is None or not moment.trusted:
            return None
        told = self._believed.get("time")
        hour = moment.hhmm[:2]
        if told is None or now_s - told[1] >= CLOCK_EVERY_S or (told[0][2:4] != hour.encode() and now_s - told[1] >= 1):
            return Send("time", set_time(moment.hhmm).body)
        for about, body in (("format", time_format(hours=24).body), ("day", set_day(moment.day).body)):
            if self._is_due(about, body, now_s, CLOCK_EVERY_S):
                return Send(about, body)
        return None

    def _files(self, plan: Plan, now_s: float) -> Send | None:
        text = WriteText(TEXT).body + plan.text
        if self._is_due("text", text, now_s):
            # A STRING that is to say something else must not stand in the new text with the old figure, nor the other way round.
            for label, owner in self._owners.items():
                if owner and plan.owners.get(label, owner) != owner:
                    return Send(f"string {label}", WriteString(label, _BLANK).body)
            # One that nothing calls yet is filled first, so that no text comes up with holes in it.
            new = [label for label in plan.strings if label not in self._owners]
            return self._string(plan, new, now_s) or Send("text", text)
        return self._string(plan, plan.strings, now_s)

    def _string(self, plan: Plan, labels: Iterable[str], now_s: float) -> Send | None:
        """Of these STRINGs the one that was sent longest ago, where one is due; nothing before the table is known to be there."""
        if self._memory != plan.memory:
            return None
        due = [
            (self._believed.get(f"string {label}", (b"", float("-inf")))[1], label)
            for label in labels
            if label in plan.strings and self._is_due(f"string {label}", WriteString(label, plan.strings[label]).body, now_s)
        ]
        if not due:
            return None
        label = min(due)[1]
        return Send(f"string {label}", WriteString(label, plan.strings[label]).body)
