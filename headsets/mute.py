"""Decides whether a headset is muted, and how we know. Pure: fed with reports, with what the host wrote, and monotonic ns.

A mute button is nearly always a press: the person asks, the host decides and confirms by the mute lamp. So with a host of ours the
state is what the device took; where another program is the host, presses are counted from a state that was known, if any was.
A few devices send their state as a level. Unknown (None) until told.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from headsets.hook import By
from headsets.press import MS, Presses
from headsets.quirks import Mode, Quirk

#: Faster than any finger: two programs answer the same button, each undoing the other (gonicus/gonnect README, KEY_MICMUTE).
_FLAPS: Final = 6
_FLAP_NS: Final = 2000 * MS
#: Refused so often running, unmuting is not for the host to do: the boom arm is up.
_LOCK_STRIKES: Final = 2


class Mute:
    """One mute button. `own`: a host of ours answers it. `locked`: the headset refuses to be unmuted by the host.

    `unanswered` counts presses that nobody took.
    """

    def __init__(self, mode: Mode | None, quirk: Quirk, *, own: bool) -> None:
        self.value: bool | None = None
        self.by: By = "level"
        self.unanswered = 0
        self.mode: Mode | None = mode and (quirk.mute or mode)
        self._own = own and not quirk.own_mute
        self._reverts = quirk.reverts
        self._ignore_ns = round(quirk.ignore_s * 1000) * MS
        self._patience_ns = round(quirk.patience_s * 1000) * MS
        self._button = Presses(quirk.mute_on)
        self._raw: bool | None = None
        self._before: tuple[bool | None, By] = (None, "level")
        self._written: bool | None = None
        #: When the host last turned mute off, for a device that turns it on again at once.
        self._unmuted_ns: int | None = None
        self._strikes = 0
        self._presses: deque[int] = deque(maxlen=_FLAPS)
        self.due_ns: int | None = None

    @property
    def locked(self) -> bool:
        return self._strikes >= _LOCK_STRIKES

    def flapping(self, now_ns: int) -> bool:
        """Whether presses come faster than any person's."""
        return len(self._presses) == _FLAPS and now_ns - self._presses[0] <= _FLAP_NS

    def reported(self, value: bool, now_ns: int) -> bool | None:
        """The button's bit in a report. What the host is to show now, if it is to answer: muted or not."""
        if self.mode == "toggle":
            if self._button.feed(value, now_ns):
                return self._pressed(now_ns)
            if not value:
                self._let_go()
            return None
        if self.mode is None or value == self._raw:
            return None
        first, self._raw = self._raw is None, value
        if first and self.by == "host" and self.value is not None and self.value != value:
            self._set(None, "level")
            return None
        self._set(value, "level")
        return value if self._own else None

    def wrote(self, lit: bool, now_ns: int, *, in_call: bool) -> None:
        """The device took a report of ours that sets its mute lamp; outside a call that tells nothing unless it answers or changes."""
        if not self._own:
            return
        is_news = in_call or self.due_ns is not None or self._written not in (None, lit)
        if self._written is not False and not lit:
            self._unmuted_ns = now_ns
        self._written, self.due_ns = lit, None
        if self.flapping(now_ns):
            self._set(None, "level")
        elif self.mode == "level" and self._raw not in (None, lit):
            if self.value != self._raw:  # the device's own switch has last said otherwise: its word, or ours?
                self._set(None, "level")
        elif is_news and self.value != lit:
            self._set(lit, "host")

    def counted_from(self, value: bool) -> None:
        """A call began or ended, where mute exists within a call only: presses are counted from here."""
        if self.mode == "toggle" and not self._own:
            self._set(value, "toggle")

    def tick(self, now_ns: int) -> None:
        """Time passes: after a press that our host could not answer a device falls back if it is one that does; else who knows."""
        if self.due_ns is not None and now_ns >= self.due_ns:
            self.due_ns = None
            self.unanswered += 1
            self._set(*(self._before if self._reverts else (None, "level")))

    def forget(self) -> None:
        """The device, or the headset of a base, is out of sight."""
        self._set(None, "level")
        self._raw = self._written = self._unmuted_ns = self.due_ns = None
        self._strikes = 0
        self._presses.clear()
        self._button.forget()

    def _pressed(self, now_ns: int) -> bool | None:
        self._presses.append(now_ns)
        self._before = (self.value, self.by)
        if not self._own:
            if self.flapping(now_ns):
                self._set(None, "level")
            elif self.value is not None:
                self._set(not self.value, "toggle")
            return None
        if self.due_ns is None:
            self.due_ns = now_ns + self._patience_ns
        if self.flapping(now_ns):
            return bool(self._written)
        if self._written is False and self._unmuted_ns is not None and now_ns - self._unmuted_ns <= self._ignore_ns:
            self._strikes += 1
            return True
        self._strikes = 0
        return not self.value if self.value is not None else True

    def _let_go(self) -> None:
        """In watch mode the length of a press tells whether somebody answered it: a device that gives up lets go by itself."""
        held_ns = self._button.held_ns
        if self._own or not self._reverts or held_ns is None or held_ns < 0.75 * self._patience_ns:
            return
        self._button.held_ns = None
        if held_ns <= 1.5 * self._patience_ns:
            self.unanswered += 1
            self._set(*self._before)
        else:
            self._set(None, "level")

    def _set(self, value: bool | None, by: By) -> None:
        self.value, self.by = value, by
