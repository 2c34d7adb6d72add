"""Decides whether a line monitor is there: on a quiet line it says nothing for hours, so that it is asked now and then. Pure.

`V` asks a unit of the Whozz Calling kind for its version and settings, and changes nothing (its manual, "Operating Commands"; over the
network `^^Id-V`). Not every model answers: one that has never answered is believed from its first word on, and only `silent_after_s`
judges its silence.
"""

from __future__ import annotations

from typing import Final

from appliance.core.clock import NS

ASK_S: Final = 60.0
ANSWER_S: Final = 5.0
TRIES: Final = 3


class MonitorWatch:
    """One unit. `fault`: why it counts as gone, in words; None while it is there, or may be."""

    def __init__(self, now_ns: int, silent_after_s: float | None = None, *, ask_s: float = ASK_S, answer_s: float = ANSWER_S) -> None:
        self._silent_ns = None if silent_after_s is None else round(silent_after_s * NS)
        self._ask_ns, self._answer_ns = round(ask_s * NS), round(answer_s * NS)
        self.fault: str | None = None
        self.unread = False
        self._heard_ns: int | None = None
        self._since_ns = self._due_ns = now_ns
        self._asked_ns: int | None = None
        self._unanswered = 0
        self._answers = False

    def heard(self, now_ns: int) -> None:
        """It said something that only such a unit says."""
        if self._asked_ns is not None and now_ns - self._asked_ns <= self._answer_ns:
            self._answers = True
        self.fault, self._heard_ns, self._since_ns, self.unread = None, now_ns, now_ns, False
        self._asked_ns, self._unanswered, self._due_ns = None, 0, now_ns + self._ask_ns

    @property
    def awaits(self) -> bool:
        """Whether it was asked and has not answered."""
        return self._asked_ns is not None

    @property
    def due_ns(self) -> int:
        """When `tick` has something to do."""
        silent_ns = self._silent_ns
        return self._due_ns if silent_ns is None or self.fault is not None else min(self._due_ns, self._since_ns + silent_ns)

    def tick(self, now_ns: int) -> bool:
        """Whether it is to be asked now; sets `fault` when it counts as gone."""
        if self._silent_ns is not None and now_ns - self._since_ns >= self._silent_ns and self.fault is None:
            self.fault = f"nothing was heard of it for {self._silent_ns / NS:.0f} s; look at its power and its cable"
        if now_ns < self._due_ns:
            return False
        self._unanswered += self._asked_ns is not None
        if self._unanswered >= TRIES and self.fault is None and (self._answers or self._heard_ns is None):
            self.fault = self._silence()
        self._asked_ns = now_ns
        self._due_ns = now_ns + (self._answer_ns if self._unanswered < TRIES else self._ask_ns)
        return True

    def _silence(self) -> str:
        if self.unread:
            return "what comes cannot be read: look at the baud rate (9600) and at the cable"
        if self._heard_ns is None:
            return "nothing was heard of it yet, and it does not answer: look at its power and its cable; its first word makes it seen"
        return "it does not answer any more; look at its power and its cable"
