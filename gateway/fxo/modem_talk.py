"""Decides what is said to a modem and when: its set-up, and now and then a question whether it is still there. Pure.

A modem that was reset by itself has forgotten that it shall tell callers, and when a phone is taken up, and says nothing of it: so the
question is made of those commands.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from gateway.fxo.modem_bytes import Reading, Result, Ring, Shielded, Tag
from gateway.fxo.modem_profile import Profile

NS: Final = 1_000_000_000
#: A modem that takes longer does not listen; ATZ is the slowest, at about a second.
ANSWER_NS: Final = 2 * NS
_TRIES: Final = 3
#: How often it is asked whether it is there, and how long the line must have been still for that.
ASK_NS: Final = 60 * NS
STILL_NS: Final = 10 * NS


class ModemTalk:
    """One session with one modem. `ready`: set up; `failed`: why it is given up; `limits`: what it refused and does not do."""

    def __init__(
        self, profile: Profile, *, packets: bool = False, hook: bool = False, cadence: bool = False, answer_ns: int = ANSWER_NS
    ) -> None:
        """Have it tell callers as whole `packets` in hex, when a phone is taken up (`hook`), how long the bell rings (`cadence`)."""
        self._profile, self._answer_ns = profile, answer_ns
        self._callers = (profile.packets, *profile.caller_id) if packets and profile.packets else profile.caller_id
        wanted = (profile.hook if hook else None, profile.cadence if cadence else None)
        self._wanted = tuple(command for command in wanted if command is not None)
        self._hook, self._asks = hook, False
        self.limits: dict[str, str] = {}
        self.failed: str | None = None
        self.ready = False
        self.caller_id: str | None = None
        self._queue: deque[str] = deque()
        self._tries = 0
        self._sent_ns: int | None = None
        self._ask_ns = self._still_ns = 0

    def begin(self, now_ns: int) -> bytes:
        """The session's first bytes; empty for a box that takes no commands."""
        self._queue.extend((*self._profile.setup, *self._wanted, *self._callers[:1]))
        self._asks = bool(self._queue)
        if self._hook and self._asks and self._profile.hook is None:
            self.limits["hook"] = "this profile has no way to tell when a phone is taken up"
        self.ready = not self._asks
        self._ask_ns = now_ns + ASK_NS
        return self._send(now_ns)

    @property
    def busy(self) -> bool:
        """Whether an answer is awaited."""
        return self._sent_ns is not None

    @property
    def tells_hook(self) -> bool:
        """Whether it would tell that a phone is taken up: not before its set-up, nor where it cannot; a box that only talks is believed."""
        command = self._profile.hook
        return not self._asks or (self.ready and command is not None and command not in self.limits)

    @property
    def due_ns(self) -> int | None:
        """When `tick` has something to do."""
        if self._sent_ns is not None:
            return self._sent_ns + self._answer_ns
        return max(self._ask_ns, self._still_ns) if self.ready and self._asks else None

    def feed(self, reading: Reading, now_ns: int) -> bytes:
        """What to say after something was heard."""
        if isinstance(reading, Ring | Tag | Shielded):
            self._still_ns = now_ns + STILL_NS
        if not isinstance(reading, Result):
            return b""
        if reading.word in ("NO CARRIER", "BUSY") and not self.busy:
            self._ask_ns = now_ns  # a hang-up may have made it forget
            return b""
        return self._answered(reading, now_ns) if self.busy and reading.word in ("OK", "ERROR") else b""

    def _answered(self, answer: Result, now_ns: int) -> bytes:
        command = self._queue.popleft()
        self._sent_ns, self._tries = None, 0
        if command in self._callers:
            if answer.ok:
                self.caller_id = command
            else:
                rest = self._callers[self._callers.index(command) + 1 :]
                if rest:
                    self._queue.appendleft(rest[0])
                else:
                    self.limits["caller_id"] = f"{' and '.join(self._callers)} refused: callers are not told"
        elif answer.ok:
            self.limits.pop(command, None)
        else:
            self.limits[command] = f"{command} refused"
        if not self._queue:
            self.ready = True
            self._ask_ns = now_ns + ASK_NS
        return self._send(now_ns)

    def tick(self, now_ns: int) -> bytes:
        """What to say because time has passed; sets `failed` when it answers nothing."""
        due_ns = self.due_ns
        if due_ns is None or now_ns < due_ns or self.failed is not None:
            return b""
        if self._sent_ns is None:
            self._queue.extend((*self._wanted, self.caller_id or "AT"))
        elif self._tries >= _TRIES:
            self.failed = f"no answer to {self._queue[0]} in {_TRIES} tries; look at its power and at the baud rate"
            return b""
        return self._send(now_ns)

    def _send(self, now_ns: int) -> bytes:
        if not self._queue:
            return b""
        self._sent_ns, self._tries = now_ns, self._tries + 1
        return self._queue[0].encode() + b"\r"
