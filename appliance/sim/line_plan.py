"""A simulated exchange: who calls on a line, how long it rings, and whether somebody takes it up. Seeded; without a wire or a clock."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from gateway.fxo.country import ring_ms

_NAMES = ("ANA TORRES", "LUIS VEGA", "MARTA RUIZ", None)


class Step(Struct, frozen=True):
    """What happens on the line, so many seconds after the beginning. `rings` counts from one, `gone` is a caller who hung up."""

    at_s: float
    what: Literal["ring", "caller", "off_hook", "on_hook", "gone"]
    number: str | None = None
    name: str | None = None
    rings: int = 0
    talk_s: int = 0


class Manner(Struct, frozen=True, kw_only=True):
    """How busy a line is: `every_s` between calls on average, `taken` and `withheld` shares of them, `talk_s` on average."""

    every_s: float = 60.0
    taken: float = 0.8
    withheld: float = 0.1
    talk_s: float = 90.0
    country: str | None = "es"


def steps(seed: int, manner: Manner) -> Iterator[Step]:
    """What happens on one line, for ever. The caller is told between the first ring and the second."""
    dice = random.Random(seed)  # noqa: S311 - a simulation
    cadence = [ms / 1000 for ms in ring_ms(manner.country)]
    period_s = sum(cadence)
    now_s = 0.0
    while True:
        now_s += min(dice.expovariate(1 / manner.every_s), 5 * manner.every_s) + 0.2
        rings = dice.randint(1, 6)
        number = "P" if dice.random() < manner.withheld else f"09{dice.randrange(10**7, 10**8)}"
        name = dice.choice(_NAMES)
        for ring in range(rings):
            yield Step(now_s, "ring", rings=ring + 1)
            if ring == 0:
                yield Step(now_s + cadence[0] + 0.5, "caller", number, name, rings=1)
            now_s += period_s
        now_s += cadence[0] + 0.5 - period_s
        if dice.random() < manner.taken:
            now_s += dice.uniform(0.2, cadence[-1] - 0.5)
            talk_s = round(min(dice.expovariate(1 / manner.talk_s), 10 * manner.talk_s) + 1)
            yield Step(now_s, "off_hook", number, name, rings=rings)
            now_s += talk_s
            yield Step(now_s, "on_hook", number, name, rings=rings, talk_s=talk_s)
        else:
            now_s += cadence[-1] + 4.0
            yield Step(now_s, "gone", number, name, rings=rings)
