"""Decides what a minute at a seat sums up to: how long off-hook, muted, in a call, not known; nothing for one in which nothing was.

Pure: fed with each seat's state whenever it may have changed, and with the end of each minute; monotonic ns.
"""

from __future__ import annotations

from msgspec import Struct

from appliance.core.catalogue import HeadsetMinute
from appliance.core.clock import NS
from headsets.hook import State
from headsets.seat import Seat


class Now(Struct, frozen=True):
    """A seat's state, as far as minutes tell of it. What is stale is not known."""

    attached: bool
    hook: State
    mute: bool | None
    in_call: bool


class _Sum(Struct):
    """One seat's minute so far, and the state since `since_ns`."""

    now: Now
    since_ns: int
    agent: str | None = None
    told_ns: int = 0
    off_hook_ns: int = 0
    muted_ns: int = 0
    in_call_ns: int = 0
    unknown_ns: int = 0
    changes: int = 0


class Minutes:
    """The minutes of all seats, ended together."""

    def __init__(self) -> None:
        self._sums: dict[str, _Sum] = {}
        #: Parts of this minute that are over: somebody else sits there now.
        self._over: list[HeadsetMinute] = []

    def feed(self, key: str, seat: Seat, now_ns: int) -> None:
        """The seat as it is from now on."""
        now, running = now_of(seat), self._sums.get(key)
        if running is None:
            if now.attached:
                self._sums[key] = _Sum(now, now_ns, seat.agent)
            return
        if now != running.now:
            _pass(running, now_ns)
            running.changes += now.hook not in ("unknown", running.now.hook)
            running.changes += now.mute is not None and now.mute != running.now.mute
            running.now = now
        if seat.agent != running.agent:
            _pass(running, now_ns)
            self._over += _minutes(key, running)
            self._sums[key] = _Sum(now, now_ns, seat.agent)

    def end(self, now_ns: int) -> tuple[HeadsetMinute, ...]:
        """The minute is over: what there is to tell of it, and a new one begins."""
        told, self._over = self._over, []
        for key, running in tuple(self._sums.items()):
            _pass(running, now_ns)
            told += _minutes(key, running)
            if running.now.attached:
                self._sums[key] = _Sum(running.now, now_ns, running.agent)
            else:
                del self._sums[key]
        return tuple(told)


def now_of(seat: Seat) -> Now:
    """What minutes tell of a seat."""
    live = seat.fresh == "live"
    return Now(
        attached=bool(seat.attached),
        hook=seat.hook.value if live else "unknown",
        mute=seat.mute.value if live else None,
        in_call=seat.call in ("talking", "holding"),
    )


def _pass(running: _Sum, now_ns: int) -> None:
    """Add the time since the last change."""
    lasted_ns, now = max(0, now_ns - running.since_ns), running.now
    running.since_ns = max(now_ns, running.since_ns)
    if now.attached:
        running.told_ns += lasted_ns
        running.off_hook_ns += lasted_ns * (now.hook == "off")
        running.muted_ns += lasted_ns * (now.mute is True)
        running.in_call_ns += lasted_ns * now.in_call
        running.unknown_ns += lasted_ns * (now.hook == "unknown")


def _minutes(key: str, running: _Sum) -> tuple[HeadsetMinute, ...]:
    if not (running.off_hook_ns or running.muted_ns or running.in_call_ns or running.changes):
        return ()
    minute = HeadsetMinute(
        seat=key,
        agent=running.agent,
        told_s=_s(running.told_ns),
        off_hook_s=_s(running.off_hook_ns),
        muted_s=_s(running.muted_ns),
        in_call_s=_s(running.in_call_ns),
        unknown_s=_s(running.unknown_ns),
        changes=running.changes,
    )
    return (minute,)


def _s(lasted_ns: int) -> float:
    return round(lasted_ns / NS, 3)
