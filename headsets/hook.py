"""Decides whether a headset is off or on hook, and how we know. Pure: fed with reports, with what the host wrote, and monotonic ns.

| provenance | what stands behind it |
| --- | --- |
| level | the device's own switch, as it reported it last |
| host | the off-hook lamp that the host wrote and the device took: it is off-hook because the host made it so |
| toggle | presses counted from a state that was known |

It is unknown until something was told, after the device was out of sight, and where two words contradict each other. A level that
did not change is no news: it comes with every press of another button.
"""

from __future__ import annotations

from typing import Final, Literal

from headsets.press import MS, Presses
from headsets.quirks import Mode, Quirk

State = Literal["off", "on", "unknown"]
Asked = Literal["off", "on"]
By = Literal["level", "toggle", "host"]

#: No hand lifts and hangs up within this time: the "level" is a button after all (Plantronics: 50 ms, WICG/webhid #61).
PULSE_NS: Final = 150 * MS
#: No button is held down for so long: one that was taken for a button is a level, its reports had come late and so close together.
LEVEL_NS: Final = 2500 * MS


class Hook:
    """One hook switch. `own` says that a host of ours answers it; `unanswered` counts presses that nobody took."""

    def __init__(self, mode: Mode | None, quirk: Quirk, *, own: bool) -> None:
        self.value: State = "unknown"
        self.by: By = "level"
        self.unanswered = 0
        self._mode = mode and (quirk.hook or mode)
        self._own = own
        self._reverts = quirk.reverts
        self._ignore_ns = round(quirk.ignore_s * 1000) * MS
        self._patience_ns = round(quirk.patience_s * 1000) * MS
        self._button = Presses(quirk.hook_on)
        self._raw: bool | None = None
        self._rose_ns: int | None = None
        self._before: tuple[State, By] = ("unknown", "level")
        self._written: bool | None = None
        self._written_ns = 0
        #: When the host last wrote a dark lamp, news or not: a device that has just risen falls by it.
        self._dark_ns: int | None = None
        #: Until when the host may still answer a press; when a move right after a write is taken as a press after all.
        self._answer_ns: int | None = None
        self._settle_ns: int | None = None
        self._in_doubt = False
        #: Since when a level that was found to be a button is down; None: it is up, or was never a level.
        self._down_ns: int | None = None
        self._was_level = False

    @property
    def mode(self) -> Mode | None:
        """How the switch is read: as the descriptor or a quirk says, or as the device was found to behave; None without a switch."""
        return self._mode

    def reported(self, value: bool, now_ns: int, *, alone: bool = True) -> Asked | None:
        """The switch's bit in a report; `alone`: no other control moved in it. What the person asks of the host by it, if anything."""
        if self._mode == "toggle" and self._was_level and self._is_level_after_all(now_ns):
            self._set("off", "level")
        if self._mode == "toggle":
            if not value:
                self._came_up(now_ns)
            elif self._was_level and self._down_ns is None:
                self._down_ns = now_ns
            return self._toggled(now_ns) if self._button.feed(value, now_ns) else None
        if self._mode is None:
            return None
        before, self._raw = self._raw, value
        told: Asked = "off" if value else "on"
        is_echo = self._written is not None and now_ns - self._written_ns <= self._ignore_ns
        contradicts = self.by == "host" and self._written is not None and value != self._written
        if value == before and self._in_doubt:
            self._in_doubt, self._settle_ns = False, None  # it only repeats itself
        if value == before or (before is None and contradicts):
            return self._unmoved(told, now_ns, alone, is_echo) if contradicts else None
        self._in_doubt = False
        if not value and self._rose_ns is not None and self._fell(now_ns - self._rose_ns, now_ns):
            return None
        known = self.value
        if value:
            self._rose_ns, self._before = (None if is_echo else now_ns), (self.value, self.by)
        self._set(told, "level")
        if is_echo:
            self._settle_ns = None if value == self._written else self._written_ns + self._ignore_ns
        if is_echo or (before is None and (not value or told == known)):
            return None
        self._ask(now_ns)
        return told

    def wrote(self, lit: bool, now_ns: int) -> None:
        """The device took a report of ours that sets its off-hook lamp. A dark one tells nothing before anything was lit or asked."""
        told: Asked = "off" if lit else "on"
        self._dark_ns = None if lit else now_ns
        is_news = self._answer_ns is not None or (lit if self._written is None else lit != self._written)
        if is_news:
            self._written_ns, self._settle_ns, self._in_doubt = now_ns, None, False
            if self.value != told:
                self._set(told, "host")
        self._written, self._answer_ns = lit, None

    @property
    def due_ns(self) -> int | None:
        """When `tick` is due."""
        level_ns = None if self._down_ns is None else self._down_ns + LEVEL_NS
        return min((at_ns for at_ns in (self._answer_ns, self._settle_ns, level_ns) if at_ns is not None), default=None)

    def tick(self, now_ns: int) -> Asked | None:
        """Time passes. A press that our host could not answer leaves us without knowledge; a move that was no echo is asked now."""
        if self._answer_ns is not None and now_ns >= self._answer_ns:
            self._answer_ns = None
            self.unanswered += 1
            self._set("unknown", "level")
        if self._settle_ns is not None and now_ns >= self._settle_ns:
            self._settle_ns, self._in_doubt = None, False
            if self._raw is not None and self._raw != self._written:
                self._ask(now_ns)
                return "off" if self._raw else "on"
        if self._is_level_after_all(now_ns):
            is_told = self.value == "off"
            self._set("off", "level")
            if not is_told or self._written is False:
                self._ask(now_ns)
                return "off"
        return None

    def forget(self) -> None:
        """The device, or the headset of a base, is out of sight."""
        self._set("unknown", "level")
        self._raw = self._rose_ns = self._written = self._answer_ns = self._settle_ns = self._down_ns = self._dark_ns = None
        self._in_doubt = False
        self._button.forget()

    def _toggled(self, now_ns: int) -> Asked:
        asked: Asked = "on" if self.value == "off" else "off"
        if self._own:
            self._ask(now_ns)
        elif self.value != "unknown":
            self._set(asked, "toggle")
        return asked

    def _unmoved(self, told: Asked, now_ns: int, alone: bool, is_echo: bool) -> Asked | None:
        """The device says what it said before the host wrote something else, or says its first word against the host's.

        Alone and late it is a press on a device that does not echo: why else would it report? Soon after the write it is one unless
        it is said again. Beside another control's move either word may be the old one.
        """
        is_press = alone and not is_echo
        self._set(told if is_press else "unknown", "level")
        if is_press:
            self._ask(now_ns)
        elif alone:
            self._in_doubt, self._settle_ns = True, self._written_ns + self._ignore_ns
        return told if is_press else None

    def _fell(self, lasted_ns: int, now_ns: int) -> bool:
        """The level fell. True when it fell at once: from now on this device's switch is read as presses, and this was the first."""
        if lasted_ns > PULSE_NS:
            if not self._own and self._reverts and 0.75 * self._patience_ns <= lasted_ns <= 1.5 * self._patience_ns:
                self.unanswered += 1
            return False
        if self._dark_ns is not None and now_ns - self._dark_ns <= self._ignore_ns:
            return False  # the host's lamp has done it: that tells nothing of what the switch is
        self._mode, self._settle_ns, self._was_level = "toggle", None, True
        value, by = self._before
        has_answered = self._written is not None and self._rose_ns is not None and self._written_ns >= self._rose_ns
        if self.by != "host" and not has_answered:
            self._set(value, by)
            if not self._own and value != "unknown":
                self._set("on" if value == "off" else "off", "toggle")
        return True

    def _came_up(self, now_ns: int) -> None:
        """What was found to be a button is up. After so long that it may have been a level that fell, off-hook is not sure any more."""
        down_ns, self._down_ns = self._down_ns, None
        if down_ns is not None and now_ns - down_ns > PULSE_NS and self.value == "off":
            self._set("unknown", "level")

    def _is_level_after_all(self, now_ns: int) -> bool:
        """It has been down for longer than any finger: read as a level again, which is up."""
        if self._down_ns is None or now_ns - self._down_ns < LEVEL_NS:
            return False
        self._mode, self._raw, self._down_ns, self._rose_ns = "level", True, None, None
        self._was_level = False
        return True

    def _ask(self, now_ns: int) -> None:
        if self._own and self._answer_ns is None:
            self._answer_ns = now_ns + self._patience_ns

    def _set(self, value: State, by: By) -> None:
        self.value, self.by = value, by
