"""Counts and sums of one window, and what one visit adds to them. Sums are whole milliseconds, so that they can be taken back exactly."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

VisitState = Literal["waiting", "answered", "ended", "abandoned", "left", "unknown"]


class Visit(Struct, gc=False):
    """One stay in one queue, as far as it has come. Times are nanoseconds on the fold's time line; `day` and `half` its windows."""

    id: str
    queue: str
    pbx: str
    call: str
    joined_ns: int
    day: int
    half: int
    state: VisitState = "waiting"
    agent: str | None = None
    wait_ms: int = 0
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_ms: int = 0
    reason: str | None = None
    in_time: bool = False
    short: bool = False
    rolling: bool = True
    answered_ns: int = 0
    inferred: bool = False
    talk_open: bool = False
    known: bool = False
    repeat: bool = False
    score_milli: int = 0
    answers: int = 0
    vip: bool = False
    type: str | None = None


class Tally(Struct, gc=False, array_like=True):
    """One window's counts and sums (milliseconds), of one queue. Kept summaries hold it as a list: append members, never reorder."""

    offered: int = 0
    answered: int = 0
    answered_ended: int = 0
    abandoned: int = 0
    short_abandoned: int = 0
    left: int = 0
    left_by: dict[str, int] = {}
    unknown: int = 0
    waiting: int = 0
    refused: int = 0
    answered_in_time: int = 0
    abandoned_in_time: int = 0
    short_in_time: int = 0
    timeout_in_time: int = 0
    wait_ms: int = 0
    wait_max_ms: int = -1
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_ms: int = 0
    known: int = 0
    repeat: int = 0
    score_milli: int = 0
    answers: int = 0
    classes: dict[str, int] = {}

    def count(self, visit: Visit, sign: int = 1) -> None:
        """Add (or, with sign −1, take back) all that a visit has contributed in its present state. Leaves the maximum alone."""
        self.offered += sign
        self.known += sign * visit.known
        self.repeat += sign * visit.repeat
        if visit.answers:
            self.score_milli += sign * visit.score_milli
            self.answers += sign * visit.answers
        if visit.type is not None:
            self.classify(visit.type, sign)
        state = visit.state
        if state == "waiting":
            self.waiting += sign
        elif state in ("answered", "ended"):
            self.answered += sign
            self.wait_ms += sign * visit.wait_ms
            self.answered_in_time += sign * visit.in_time
            if state == "ended":
                self.answered_ended += sign
                self.talk_ms += sign * visit.talk_ms
                self.hold_ms += sign * visit.hold_ms
                self.wrap_ms += sign * visit.wrap_ms
        elif state == "abandoned":
            self.abandoned += sign
            self.abandoned_in_time += sign * visit.in_time
            self.short_abandoned += sign * visit.short
            self.short_in_time += sign * (visit.short and visit.in_time)
        elif state == "left":
            self.left += sign
            reason = visit.reason or "not_told"
            left = self.left_by.get(reason, 0) + sign
            if left:
                self.left_by[reason] = left
            else:
                self.left_by.pop(reason, None)
            self.timeout_in_time += sign * (reason == "timeout" and visit.in_time)
        else:
            self.unknown += sign

    def classify(self, name: str, sign: int = 1) -> None:
        """Count one classified call in, or out."""
        count = self.classes.get(name, 0) + sign
        if count > 0:
            self.classes[name] = count
        else:
            self.classes.pop(name, None)

    def add(self, other: Tally) -> None:
        """Add another window of the same queue: the half-hours of a day make the day."""
        for name in _SUMMED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.wait_max_ms = max(self.wait_max_ms, other.wait_max_ms)
        for reason, count in other.left_by.items():
            self.left_by[reason] = self.left_by.get(reason, 0) + count
        for name, count in other.classes.items():
            self.classes[name] = self.classes.get(name, 0) + count

    def balanced(self) -> bool:
        """The identity that always holds: offered = answered + abandoned + left + unknown + waiting."""
        return self.offered == self.answered + self.abandoned + self.left + self.unknown + self.waiting


_SUMMED: Final = tuple(name for name in Tally.__struct_fields__ if name not in ("left_by", "classes", "wait_max_ms"))
