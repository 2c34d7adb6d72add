"""Follows the journal for the desk: the floor's fold for positions and waits, what was told of callers today. For one thread at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import DecodeError

from appliance.core.catalogue import CallQueued, event_from_stored
from appliance.core.clock import NS, Clock
from appliance.core.config import Config
from appliance.core.event import stored_from_body
from appliance.core.journal import PAGE, Journal
from appliance.floor.calendar import Calendar
from appliance.floor.route_caller import KINDS, CallerBook
from appliance.floor.route_wait import sights
from appliance.floor_view import FloorView, cache_of
from gateway.agi.desk import Floor, Given

#: What a row of a kind that is wanted begins with (event.Stored).
_WANTED: Final = tuple(f'{{"k":"{kind}"'.encode() for kind in sorted({*KINDS, "call.queued"}))
#: Rows before today that are looked at all the same: who gave up before midnight is of another day, who chose in a menu is still there.
_BEFORE_NS: Final = 600 * NS
_LOOK_NS: Final = NS


class Reader:
    """What the journal says, as of the last `turn`. `spelled` gives a number's E.164; `salt` is random, and of this process alone."""

    def __init__(
        self, journal: Journal, config: Config, clock: Clock, given: Given, spelled: Callable[[str], str | None], salt: bytes
    ) -> None:
        self.view = FloorView(journal, config, clock, cache_of(journal))
        self._journal, self._config, self._clock, self._given = journal, config, clock, given
        self._spelled, self._salt = spelled, salt
        #: What was given out to those who wait, by visit.
        self._priorities: dict[str, int] = {}
        self._live: frozenset[str] = frozenset()
        self._looked_ns = -_LOOK_NS
        self._seq = 0
        self._begin()

    @property
    def seq(self) -> int:
        """The last row read."""
        return min(self._seq, self.view.seq)

    def turn(self, pages: int = 2) -> bool:
        """Read so many pages of 500 rows at most; False once all was read that was there."""
        if self._epoch != self._journal.epoch:
            self._begin()
        self.view.catch_up(pages)
        for _ in range(pages):
            rows = self._journal.read(self._seq, PAGE)
            for row in rows:
                if row.body.startswith(_WANTED):
                    self._take(row.body)
            self._seq = rows[-1].seq if rows else self._seq
            if len(rows) < PAGE:
                return self.view.seq < self._seq
        return True

    def floor(self) -> Floor:
        """What the desk is to see from now on."""
        view = self.view
        now_ns = view.now_ns()
        if self._clock.mono_ns() - self._looked_ns >= _LOOK_NS:
            self._looked_ns = self._clock.mono_ns()
            if self.callers.is_of_later(now_ns):
                self._begin()
            self.callers.turn_day(now_ns)
            shot = view.snapshot(now_ns)  # it also rolls the windows, and asks whether the gateway lives
            self._live = frozenset(key for key, queue in shot.queues.items() if queue.fresh == "live")
        state = view.floor.state
        waiting = {visit for queue in state.queues.values() for visit in queue.waiting}
        self._priorities = {visit: priority for visit, priority in self._priorities.items() if visit in waiting}
        from_calls = self._config.routing.wait_from_calls if self._config.routing is not None else 1
        seen = sights(state, view.floor.calendar.day(now_ns)[0], self._priorities, from_calls)
        names = {key: seen[key] for key in self._live if key in seen}
        # By the PBX's own name too, where two PBXs do not have the same.
        titles: dict[str, list[str]] = {}
        for key in names:
            titles.setdefault(state.queues[key].title or key, []).append(key)
        return Floor({**{title: names[keys[0]] for title, keys in titles.items() if len(keys) == 1}, **names}, self.callers)

    def _begin(self) -> None:
        self._epoch = self._journal.epoch
        calendar = Calendar(self._config.site.timezone)
        self.callers = CallerBook(calendar, self._spelled, self._salt)
        self._priorities.clear()
        now_ns = self.view.now_ns()
        self._seq = self._before(min(calendar.day(now_ns)[0], now_ns - _BEFORE_NS))

    def _before(self, wall_ns: int) -> int:
        """A row before everything that was told since then, by the wall clock; found by halves, since rows have no index of time."""
        low, high = max(self._journal.first_seq() - 1, 0), self._journal.head().seq
        while high - low > PAGE:
            middle = (low + high) // 2
            rows = self._journal.read(middle, 1)
            try:
                early = bool(rows) and stored_from_body(rows[0].body).wall_ns < wall_ns
            except DecodeError:
                early = False
            low, high = (middle, high) if early else (low, middle)
        return low

    def _take(self, body: bytes) -> None:
        try:
            stored = stored_from_body(body)
            event = event_from_stored(stored)
        except DecodeError:
            return  # the view counts it
        if event is None or event.origin is not None:
            return
        if isinstance(event.data, CallQueued):
            priority = self._given.of(event.data.uniqueid or "")
            if priority and event.data.visit:
                self._priorities[event.data.visit] = priority
            return
        at_ns = self.view.floor.state.timeline.date(event.boot, event.mono_ns)
        # Whatever a clock that ran ahead dated into days to come was told by now.
        self.callers.apply(event, min(at_ns if at_ns is not None else event.wall_ns, self.view.now_ns()))
