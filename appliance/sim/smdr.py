"""A simulated PBX's call records: seeded calls, printed as one of several makes prints them, page headings included."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final, Literal

from msgspec import Struct

#: Records per page; then the heading again.
PAGE: Final = 60


class Call(Struct, frozen=True):
    """One call as it was. `begun`: local, when it began to ring or was dialled."""

    begun: datetime
    direction: Literal["in", "out"]
    extension: int
    trunk: int
    number: str
    ring_s: int
    talk_s: int
    abandoned: bool
    transferred: bool

    @property
    def ended(self) -> datetime:
        """When it was over, and is printed."""
        return self.begun + timedelta(seconds=self.ring_s + self.talk_s)


def calls(seed: int) -> Iterator[Callable[[datetime], Call]]:
    """Calls without end, the same for the same seed; each is made for the moment at which it ends."""
    dice = random.Random(seed)  # noqa: S311 - a rig
    while True:
        way: Literal["in", "out"] = "in" if dice.random() < 0.7 else "out"
        abandoned = way == "in" and dice.random() < 0.1
        ring_s = dice.randrange(2, 40) if way == "in" else 0
        talk_s = 0 if abandoned else round(dice.expovariate(1 / 150)) + 1
        extension, trunk = dice.randrange(101, 121), dice.randrange(1, 9)
        number = "09" + "".join(dice.choices("0123456789", k=8))
        transferred = way == "in" and not abandoned and dice.random() < 0.08

        def made(
            ended: datetime, way: Literal["in", "out"] = way, numbers: tuple[int, int, int, int] = (extension, trunk, ring_s, talk_s),
            number: str = number, kinds: tuple[bool, bool] = (abandoned, transferred),
        ) -> Call:  # fmt: skip
            begun = ended.replace(microsecond=0) - timedelta(seconds=numbers[2] + numbers[3])
            return Call(begun, way, numbers[0], numbers[1], number, numbers[2], numbers[3], *kinds)

        yield made


def _hms(span_s: int, colon: str = ":", second: str = ":") -> str:
    return f"{span_s // 3600:02d}{colon}{span_s // 60 % 60:02d}{second}{span_s % 60:02d}"


def _panasonic(call: Call) -> str:
    dial = f"<I>{call.number}" if call.direction == "in" else call.number
    ring = f"{call.ring_s // 60}'{call.ring_s % 60:02d}" if call.direction == "in" else ""
    mark = "NA" if call.abandoned else "TR" if call.transferred else ""
    span = _hms(call.talk_s, second="'")
    return f"{call.ended:%m/%d/%y} {call.ended:%I:%M%p} {call.extension:>5} {call.trunk:02d} {dial:<25} {ring:>4} {span} {'':<10} {mark}"


def _ipoffice(call: Call) -> str:
    inside, outside = (call.extension, call.number)
    who = (outside, "I", inside, inside) if call.direction == "in" else (inside, "O", outside, outside)
    parts = [
        f"{call.begun:%Y/%m/%d %H:%M:%S}", _hms(call.talk_s), call.ring_s, *who, "", 0, f"{call.begun:%d%H%M%S}{call.trunk}",
        int(call.transferred), f"E{inside}", f"Ext, {inside}", f"T{9000 + call.trunk}", f"LINE {call.trunk}.1", 0, 0, *[""] * 13,
    ]  # fmt: skip
    return ",".join(map(str, parts))


def _nec(call: Call) -> str:
    if call.abandoned:
        return f"{'PIN':<5}{call.begun:%H:%M %m/%d} {call.trunk:03d}  {'':<8} {'':<10} {call.number:<20} NO ANSWER"
    kind = "PTRS" if call.transferred else "PIN" if call.direction == "in" else "POT"
    return f"{kind:<5}{call.begun:%H:%M %m/%d} {call.trunk:03d}  {_hms(call.talk_s)} {call.extension:<10} {call.number:<20}"


def _samsung(call: Call) -> str:
    mark = "A" if call.abandoned else "IT" if call.transferred else "I" if call.direction == "in" else "O"
    extension = "" if call.abandoned else str(call.extension)
    span = call.ring_s if call.abandoned else call.talk_s
    return f"{extension:<5} {'':<8} {700 + call.trunk} {call.begun:%m/%d %H:%M:%S} {_hms(span)} {mark:<2} {call.number}"


def _hipath(call: Call) -> str:
    info = (2 if call.direction == "out" else 5 if call.transferred else 1,)
    ring = f"{call.ring_s // 60:02d}:{call.ring_s % 60:02d}" if call.direction == "in" else ""
    span = "" if call.abandoned else _hms(call.talk_s)
    head = f"{call.ended:%d.%m.%y%H:%M:%S}{call.trunk:>3}{call.extension:>6}{ring:<5}{span:<8}{call.number:<25}"
    return f"{head}{'':>11}{info[0]:>2}"


def _mitel(call: Call) -> str:
    long = "+" if call.talk_s >= 1800 else "%" if call.talk_s >= 600 else "-" if call.talk_s >= 300 else " "
    head = f"{long}{call.begun:%m/%d %H:%M}  {_hms(call.talk_s)} "
    if call.direction == "out":
        return f"{head}{call.extension:<4}  {'':>3} {call.number:<26}A T{call.trunk:<3}"
    wait = "***" if call.abandoned else f"{min(call.ring_s, 999):03d}"
    passed = "T" if call.transferred else " "
    return (
        f"{head}{f'T{call.trunk}':<4}  {wait} {'2000':<26}{' ' if call.abandoned else 'A'} {call.extension:<4}{passed}".ljust(91)
        + call.number
    )


class Make(Struct, frozen=True):
    """How a make prints: a call, and the top of each page."""

    line: Callable[[Call], str]
    heading: tuple[str, ...] = ()


#: By the profile that reads them.
MAKES: Final[dict[str, Make]] = {
    "panasonic": Make(_panasonic, ("  Date     Time    Ext CO        Dial Number        Ring Duration  Acc code  CD ", "-" * 80)),
    "avaya-ipoffice": Make(_ipoffice),
    "nec": Make(_nec, ("CLASS TIME  DATE  LINE DURATION  STATION    DIALLED No./CLI      ACCOUNT",)),
    "samsung": Make(_samsung, ("EXT   AUTH     TRK MM/DD STT.TIME DURATION FG DIALED DIGIT", "=" * 60)),
    "hipath": Make(_hipath),
    "mitel": Make(_mitel),
}


class Printer:
    """Prints calls one after the other. `end`: what ends each line."""

    def __init__(self, make: str, seed: int = 7, end: str = "\r\n") -> None:
        self._make, self._calls, self._end = MAKES[make], calls(seed), end
        self.printed = 0

    def next(self, now: datetime) -> tuple[Call, bytes]:
        """A call that ends now, and what is printed of it."""
        call = next(self._calls)(now)
        lines = [*(self._make.heading if self.printed % PAGE == 0 else ()), self._make.line(call)]
        if self.printed and self.printed % PAGE == 0 and self._make.heading:
            lines[0] = f"\f{self._end}{lines[0]}"
        self.printed += 1
        return call, "".join(line + self._end for line in lines).encode("latin-1")
