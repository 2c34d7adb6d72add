"""Decides who may touch a rig: one run at a time holds it for so many seconds, and whoever comes meanwhile is told who does. Pure.

A run that died stops renewing, and the rig is free again by itself. Times are monotonic seconds, handed in; dates are for people.
"""

from __future__ import annotations

import secrets
from typing import Final

from msgspec import Struct

from appliance.core.clock import NS, rfc3339
from appliance.core.errors import DeniedError

#: Longer nobody holds it without renewing: a runner that died would block it for the rest of the day.
LONGEST_S: Final = 3600.0
SHORTEST_S: Final = 1.0


class Held(Struct, frozen=True):
    """One hold. `token` is known to its owner alone; `since` and `until` are RFC 3339, by the machine's own clock."""

    owner: str
    token: str
    since: str
    until: str
    until_s: float


class Lease:
    """The one hold of a rig, if it is held."""

    def __init__(self) -> None:
        self._held: Held | None = None

    def held(self, now_s: float) -> Held | None:
        """Who holds it now."""
        if self._held is not None and now_s >= self._held.until_s:
            self._held = None
        return self._held

    def take(self, owner: str, seconds: float, now_s: float, wall_ns: int) -> Held:
        """Hold it. Raises DeniedError when somebody else does, ValueError for a name or a time that is none."""
        owner = owner.strip()
        if not owner or len(owner) > 100 or not owner.isprintable():
            raise ValueError("owner: say in up to 100 letters who holds the rig, such as ana@bench-2")
        held = self.held(now_s)
        if held is not None:
            raise DeniedError(self.refusal(held))
        return self._hold(owner, secrets.token_hex(8), rfc3339(wall_ns), seconds, now_s, wall_ns)

    def renew(self, token: str, seconds: float, now_s: float, wall_ns: int) -> Held:
        """Hold it for longer. Raises DeniedError when the token holds it no more."""
        held = self.held(now_s)
        if held is None or not secrets.compare_digest(held.token.encode(), token.encode()):
            raise DeniedError(self.refusal(held) if held else "the lease is over; take it anew, and begin again from a reset")
        return self._hold(held.owner, held.token, held.since, seconds, now_s, wall_ns)

    def free(self, token: str, now_s: float) -> None:
        """Let it go. Raises DeniedError when somebody else holds it; one that is over is no fault."""
        held = self.held(now_s)
        if held is not None and not secrets.compare_digest(held.token.encode(), token.encode()):
            raise DeniedError(self.refusal(held))
        self._held = None

    def check(self, token: str, now_s: float) -> None:
        """Whether whoever shows this token (or none) may touch the rig now. Raises DeniedError."""
        held = self.held(now_s)
        if held is not None and not secrets.compare_digest(held.token.encode(), token.encode()):
            raise DeniedError(self.refusal(held))
        if held is None and token:
            raise DeniedError("the lease is over; take it anew, and begin again from a reset")

    def refusal(self, held: Held) -> str:
        """What somebody else is told."""
        return f"the rig is held by {held.owner} since {held.since} until {held.until}; wait, or ask there to end the run"

    def _hold(self, owner: str, token: str, since: str, seconds: float, now_s: float, wall_ns: int) -> Held:
        if not SHORTEST_S <= seconds <= LONGEST_S:
            raise ValueError(f"seconds: {seconds:g} is not between {SHORTEST_S:g} and {LONGEST_S:g}; renew it while the run goes on")
        self._held = Held(owner, token, since, rfc3339(wall_ns + round(seconds * NS)), now_s + seconds)
        return self._held
