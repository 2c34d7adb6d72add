"""Decides how a lamp tells by its rhythm what its colour alone cannot: steady, flashing, one, two or three short flashes. Pure."""

from __future__ import annotations

from typing import Final

from msgspec import Struct


class Pattern(Struct, frozen=True):
    """`steps` are (lit, seconds) in turn, from the moment the pattern begins; run `times` over and then dark, None: for ever."""

    steps: tuple[tuple[bool, float], ...]
    times: int | None = None

    @property
    def length_s(self) -> float | None:
        """How long it runs; None: for ever."""
        return None if self.times is None else self.times * sum(seconds for _, seconds in self.steps)


def _flashes(count: int, cycle_s: float) -> Pattern:
    """So many short flashes, then dark until the cycle is over."""
    short = ((True, 0.2), (False, 0.2)) * count
    rest = round(cycle_s - 0.4 * count + 0.2, 3)
    return Pattern((*short[:-1], (False, rest)))


DARK: Final = Pattern(((False, 1.0),))
STEADY: Final = Pattern(((True, 1.0),))
#: 2 Hz: for what is new and nobody has acknowledged.
FLASH: Final = Pattern(((True, 0.25), (False, 0.25)))
SINGLE: Final = _flashes(1, 2.0)
DOUBLE: Final = _flashes(2, 2.0)
TRIPLE: Final = _flashes(3, 2.0)
#: What the command `beacon` may ask for by name.
PATTERNS: Final[dict[str, Pattern]] = {
    "dark": DARK, "steady": STEADY, "flash": FLASH, "single": SINGLE, "double": DOUBLE, "triple": TRIPLE,
}  # fmt: skip
#: More would be a siren.
MOST_BEEPS: Final = 3


def beeps(count: int) -> Pattern:
    """A buzzer's signal: one to three beeps.

    >>> beeps(9).times
    3
    """
    return Pattern(((True, 0.2), (False, 0.2)), max(1, min(MOST_BEEPS, count)))


def once(after_s: float, lit_s: float) -> Pattern:
    """Lit once, after a while: a lamp's turn in the lamp test."""
    return Pattern(((False, after_s), (True, lit_s)) if after_s > 0 else ((True, lit_s),), 1)


def lit_at(pattern: Pattern, ran_s: float) -> tuple[bool, float | None]:
    """Whether the lamp is lit so long after the pattern began, and in how many seconds that changes; None: never.

    Counted from the beginning each time, so that no rounding adds up over months.

    >>> lit_at(FLASH, 10.1), lit_at(STEADY, 99.0)
    ((True, 0.15), (True, None))
    """
    cycle_s = sum(seconds for _, seconds in pattern.steps)
    length_s = pattern.length_s
    if length_s is not None and ran_s >= length_s:
        return False, None
    if pattern.times is None and len({lit for lit, _ in pattern.steps}) == 1:
        return pattern.steps[0][0], None
    into_s = max(0.0, ran_s) % cycle_s
    for lit, seconds in pattern.steps:
        if into_s < seconds:
            # A whisker is added so that whoever wakes then finds the next step begun, whatever the last digit says.
            return lit, round(seconds - into_s, 6) or 1e-6
        into_s -= seconds
    return pattern.steps[0][0], pattern.steps[0][1]
