"""Who calls, when, and for which queue: the arrivals of a simulated day, each call with a source of chance of its own."""

from __future__ import annotations

from typing import Final

from appliance.sim.floor_model_plan import Plan
from appliance.sim.floor_model_state import Call, chance_of

_NAMES: Final = ("Carmen Díaz", "Juan López", "Teresa Gil", "Lucía Romero", "Iván Peña", "Sofía Ñacato", "Raúl Ortiz", None, None)
_TRUNKS: Final = ("trunk-norte", "trunk-sur")
#: How many earlier callers may call again.
_REMEMBERED: Final = 100


class Callers:
    """The town outside. The same seed calls at the same times from the same numbers, whatever happens on the floor."""

    def __init__(self, plan: Plan, seed: int) -> None:
        self._plan, self._seed = plan, seed
        self._chance = chance_of(f"{seed}/arrivals")
        self._number = 0
        self._earlier: list[tuple[str, str | None]] = []

    def next_in_s(self, now_s: float) -> float | None:
        """Model seconds until the next call; None while nobody calls at all."""
        if self._plan.profile:
            return self._next_of_profile_in_s(now_s)
        rate = self._plan.calls_per_min * self._plan.rate_factor(now_s) / 60.0
        return self._chance.expovariate(rate) if rate > 0 else None

    def _next_of_profile_in_s(self, now_s: float) -> float | None:
        """A unit exponential spent along the rates: a Poisson stream whose rate changes between two calls, too."""
        left, at_s = self._chance.expovariate(1.0), now_s
        edges = [begins_s for begins_s, _ in self._plan.profile]
        while True:
            rate = next((calls for begins_s, calls in reversed(self._plan.profile) if begins_s <= at_s), 0.0) / 60.0
            edge_s = next((begins_s for begins_s in edges if begins_s > at_s), None)
            if rate > 0 and (edge_s is None or left <= (edge_s - at_s) * rate):
                return at_s + left / rate - now_s
            if edge_s is None:
                return None
            left -= (edge_s - at_s) * rate
            at_s = edge_s

    def again(self, earlier: Call, now_s: float) -> Call:
        """Somebody who gave up calls again, for the same queue."""
        self._number += 1
        fate = chance_of(f"{self._seed}/call/{self._number}")
        trunk = fate.choice(_TRUNKS)
        return Call(self._number, earlier.caller, earlier.caller_name, trunk, earlier.dialled, earlier.queue, fate, now_s)

    def next_call(self, now_s: float) -> Call:
        """The next caller, arriving now; some have called before."""
        self._number += 1
        fate = chance_of(f"{self._seed}/call/{self._number}")
        if self._earlier and fate.random() < self._plan.repeat_share:
            number, name = fate.choice(self._earlier)
        else:
            number, name = f"09{fate.randrange(10**8):08d}", fate.choice(_NAMES)
            self._earlier = [*self._earlier[1 - _REMEMBERED :], (number, name)]
        plans = self._plan.queues
        queue = fate.choices(plans, [p.share for p in plans])[0]
        return Call(self._number, number, name, fate.choice(_TRUNKS), f"1800{queue.extension}", queue.name, fate, now_s)
