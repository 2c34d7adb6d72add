"""Decides whether a version that is being tried is good: what worked before works again, and goes on working for a while. Pure.

Nothing is asked of it that was not so before: a PBX that was away then may be away now. Services that the configuration enables must be up
even so, because no fact from before can be had of a version that is newly there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from appliance.update.state import Facts

#: For so long everything must hold without a service restarting, in seconds.
STABLE_S = 15.0
#: When it does not by then, the version is given up. Longer than a service may take to start (TimeoutStartSec=180).
LIMIT_S = 300.0
#: Another limit, in seconds, in the environment: for a PBX that takes longer to come back than that, and for tests.
LIMIT_VARIABLE = "CALLFLOOR_HEALTH_LIMIT_S"


def limit_s_from(environ: Mapping[str, str] = os.environ) -> float:
    """The limit that holds; a value that is no number of seconds from 10 to 390 is not taken (the unit itself ends after 420 s).

    >>> limit_s_from({}), limit_s_from({LIMIT_VARIABLE: "60"}), limit_s_from({LIMIT_VARIABLE: "soon"})
    (300.0, 60.0, 300.0)
    """
    text = environ.get(LIMIT_VARIABLE, "")
    return float(text) if text.isascii() and text.isdigit() and 10 <= int(text) <= 390 else LIMIT_S


class Verdict(Struct, frozen=True):
    """`wait`: not known yet. `missing`: what keeps it from being good, in words."""

    level: Literal["good", "wait", "bad"]
    missing: tuple[str, ...] = ()


class Judge:
    """Looks at facts as they come. `before`: from the old version, None where nothing was recorded."""

    def __init__(self, before: Facts | None, start_s: float, stable_s: float = STABLE_S, limit_s: float = LIMIT_S) -> None:
        self._before, self._start_s, self._stable_s, self._limit_s = before or Facts(), start_s, stable_s, limit_s
        self._since_s: float | None = None
        self._restarts = 0

    def look(self, now: Facts, now_s: float) -> Verdict:
        """One look; `now_s` is monotonic."""
        missing = missing_of(self._before, now)
        if missing or now.restarts != self._restarts:
            self._since_s, self._restarts = None, now.restarts
        if not missing:
            if self._since_s is None:
                self._since_s = now_s
            if now_s - self._since_s >= self._stable_s:
                return Verdict("good")
        if now_s - self._start_s >= self._limit_s:
            return Verdict("bad", missing or ("services restart again and again",))
        return Verdict("wait", missing)


def missing_of(before: Facts, now: Facts) -> tuple[str, ...]:
    """What is not as it was, in words.

    >>> missing_of(Facts(reach={"pbx main": True}), Facts(services={"callfloor@gateway.service": "failed"}, reach={"pbx main": False}))
    ('callfloor@gateway.service is failed', 'pbx main answered before and does not now')
    """
    found = [f"{unit} is {state}" for unit, state in now.services.items() if state != "active"]
    found += [
        f"{unit} ran before and is not there" for unit, state in before.services.items() if state == "active" and unit not in now.services
    ]
    found += [
        f"{peer} answered before and does not now" for peer, answered in before.reach.items() if answered and now.reach.get(peer) is False
    ]
    if now.board is False and before.board is not False:
        found.append("the board is not drawn")
    return tuple(found)
