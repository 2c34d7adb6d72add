"""When to ping, and when a connection from which nothing comes is given up: within 20 s, whatever keep-alive was agreed. Pure."""

from __future__ import annotations

from typing import Final, Literal

#: So long nothing may come before we ask, and so long the answer may take; with the tick of a second 18 s in all.
_PROBE_S: Final = 8.0
_ANSWER_LEAST_S: Final = 2.0


class Pulse:
    """The signs of life of one connection. Times are monotonic seconds."""

    def __init__(self, keepalive_s: int, now_s: float) -> None:
        """`keepalive_s`: what client and broker agreed on, 0 for none (MQTT 5.0 section 3.1.2.10); we ask more often where that is long."""
        self._probe_s = min(keepalive_s / 2, _PROBE_S) if keepalive_s else _PROBE_S
        self._answer_s = max(_ANSWER_LEAST_S, self._probe_s)
        self._heard_s = self._pinged_s = now_s
        self._waiting = False

    def heard(self, now_s: float) -> None:
        """Anything came."""
        self._heard_s, self._waiting = now_s, False

    def due(self, now_s: float) -> Literal["ping", "dead"] | None:
        """What is to be done now. Read what has come before asking: a process that stood still must not blame the broker.

        A ping also goes out when only the other side talks, for the broker counts what it hears.
        """
        if self._waiting and now_s - self._pinged_s >= self._answer_s:
            return "dead"
        if not self._waiting and (now_s - self._heard_s >= self._probe_s or now_s - self._pinged_s >= self._probe_s):
            self._pinged_s, self._waiting = now_s, True
            return "ping"
        return None

    def silent_s(self, now_s: float) -> float:
        """For how long nothing has come."""
        return now_s - self._heard_s
