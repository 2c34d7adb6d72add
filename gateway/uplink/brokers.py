"""Which of several brokers to go to: the first one when it works, the next when it does not, and back to the first in time. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from gateway.uplink.endpoint import Endpoint

#: While the link stands at another than the first broker, the ones before it are looked at so often; after each return that
#: failed half as often, up to the second figure.
_RETURN_S: Final = 300.0
_RETURN_MAX_S: Final = 3600.0
#: One answer may be a broker that is still starting.
_GOOD_LOOKS: Final = 2


class Brokers:
    """The brokers in the order of the configuration, and where we are among them. Times are monotonic seconds.

    A working link is left for an earlier broker only when that one answered twice in a row, and then between two messages.
    """

    def __init__(self, endpoints: tuple[Endpoint, ...], spread: Callable[[], float] = random.random) -> None:
        self._all, self._spread = endpoints, spread
        self._at = 0
        self._pause_s = _RETURN_S
        self._due_s: float | None = None
        self._good = 0
        self._left: int | None = None

    @property
    def current(self) -> Endpoint:
        """The one to go to next."""
        return self._all[self._at]

    @property
    def several(self) -> bool:
        """Is there another one?"""
        return len(self._all) > 1

    def stands(self, now_s: float) -> None:
        """The current one acknowledged something."""
        if self._left is not None and self._at <= self._left:
            self._left, self._pause_s = None, _RETURN_S
        if self._at and self._due_s is None:
            self._due_s, self._good = now_s + self._pause_s * (0.5 + self._spread()), 0

    def failed(self) -> None:
        """The current one did not work out: the next one's turn."""
        if self._left is not None and self._at <= self._left:
            # The return did not work out: ask less often.
            self._pause_s, self._left = min(self._pause_s * 2, _RETURN_MAX_S), None
        self._at = (self._at + 1) % len(self._all)
        self._due_s = None

    def named(self, reference: str) -> bool:
        """The broker named others to use (MQTT 5.0 section 4.11). Followed only to one of ours: nobody else vouches for the rest.

        >>> from gateway.uplink.endpoint import endpoints_from_config
        >>> from appliance.core.config import Crm
        >>> two = Brokers(endpoints_from_config(Crm(url=("mqtts://a.example", "mqtts://b.example:1884"))))
        >>> two.named("c.example b.example:1884"), two.current.host
        (True, 'b.example')
        """
        for word in reference.split():
            for at, endpoint in enumerate(self._all):
                if at != self._at and word in (endpoint.host, f"{endpoint.host}:{endpoint.port}", f"[{endpoint.host}]:{endpoint.port}"):
                    self._at, self._due_s = at, None
                    return True
        return False

    def to_look_at(self, now_s: float) -> tuple[Endpoint, ...]:
        """The earlier brokers, when it is time to see whether one of them is back; else none."""
        if self._due_s is None or now_s < self._due_s:
            return ()
        return self._all[: self._at]

    def looked(self, back: Endpoint | None, now_s: float) -> bool:
        """What the look found. True: leave for `back`, which is the current one from now on."""
        if self._due_s is None:
            return False
        self._good = self._good + 1 if back is not None else 0
        if back is None or self._good < _GOOD_LOOKS:
            wait_s = _RETURN_S / 10 if back is not None else self._pause_s
            self._due_s = now_s + wait_s * (0.5 + self._spread())
            return False
        self._left, self._at, self._due_s = self._all.index(back), self._all.index(back), None
        return True
