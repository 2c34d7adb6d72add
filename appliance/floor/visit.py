"""Visits: how call events become the counts and sums of each queue's windows (docs/kpis.md, "A queue visit")."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from appliance.core.catalogue import CallAbandoned, CallAnswered, CallEnded, CallLeft, CallLost, CallMatched, CallQueued
from appliance.core.clock import NS
from appliance.core.config import Config
from appliance.floor.calendar import Calendar
from appliance.floor.caller import CallerKeys
from appliance.floor.state import FloorState, QueueState
from appliance.floor.tally import Tally, Visit

ROLLING_NS: Final = 1800 * NS
_DAYS_KEPT: Final = 2
_FORGET_NS: Final = 86_400 * NS
#: Ended visits whose survey or classification may still come.
_LATE_KEPT: Final = 2_000
#: Callers remembered per queue: those of a day of the largest floor; beyond it the oldest go.
_CALLERS_KEPT: Final = 100_000
#: Calls remembered as those of customers who are served first: they may join another queue yet.
_VIPS_KEPT: Final = 2_000


class VisitFold:
    """Applies call events to the queues of a floor state."""

    def __init__(
        self, state: FloorState, config: Config, calendar: Calendar, touched: Callable[[str], None], callers: CallerKeys | None = None
    ) -> None:
        self.state = state
        self._callers = callers or CallerKeys(b"")
        self._repeat_ns = round(config.kpi.repeat_hours * 3600 * NS)
        self._config = config
        self._calendar = calendar
        self._touched = touched
        self._by_completion = config.kpi.window == "completion"
        #: Keep every visit of the journal instead of the open and recent ones: for `explain`, never in a service.
        self.keep = False

    def queued(self, data: CallQueued, at_ns: int) -> None:
        """A visit begins; one that is known already is only touched (taken up again after blindness)."""
        if data.visit is None or data.queue is None or data.visit in self.state.visits:
            return
        queue = self._queue(data.queue, data.pbx, data.title)
        joined = at_ns - int(data.waited_s * NS)
        visit = Visit(data.visit, queue.key, data.pbx, data.call, joined, self._calendar.day(joined)[0], self._calendar.half_hour(joined))
        visit.inferred = data.inferred
        visit.vip = data.call in self.state.vips
        caller = self._callers.of(data.caller)
        if caller is not None:
            visit.known = True
            visit.repeat = joined - queue.callers.get(caller, joined - self._repeat_ns - 1) <= self._repeat_ns
        self.state.visits[visit.id] = visit
        queue.waiting[visit.id] = joined
        queue.rolling_ids.append(visit.id)
        for tally in self._tallies(queue, visit):
            tally.count(visit)
        self.roll(queue, at_ns)

    def matched(self, data: CallMatched, _at_ns: int) -> None:
        """Who calls is known, before he joined a queue or while he waits; told once per call."""
        if not data.vip:
            return
        vips = self.state.vips
        vips[data.call] = None
        if len(vips) > _VIPS_KEPT:
            del vips[next(iter(vips))]
        for queue in self.state.queues.values():
            for key in queue.waiting:
                if (visit := self.state.visits[key]).call == data.call:
                    visit.vip = True
                    self._touched(queue.key)

    def vip_waiting(self, queue: QueueState) -> list[int]:
        """Since when each of those waits in it who are served first."""
        return [joined_ns for key, joined_ns in queue.waiting.items() if self.state.visits[key].vip]

    def answered(self, data: CallAnswered, at_ns: int) -> None:
        """The visit is answered; its agent's count for the day goes up."""
        visit = self._open_visit(data.visit)
        if visit is None:
            return
        wait_ms = round(data.wait_s * 1000)

        def change() -> None:
            visit.state, visit.agent, visit.answered_ns, visit.wait_ms = "answered", data.agent, at_ns, wait_ms
            visit.in_time = wait_ms <= self.target_ms(visit.queue)
            visit.talk_open = True

        self._settle(visit, change, at_ns, wait_ms)
        self._remember(self.state.queues[visit.queue], data.caller, at_ns)

    def abandoned(self, data: CallAbandoned, at_ns: int) -> None:
        """The caller hung up; short within `short_abandon_s`."""
        visit = self._open_visit(data.visit)
        if visit is None:
            return
        wait_ms = round(data.wait_s * 1000)

        def change() -> None:
            visit.state, visit.wait_ms = "abandoned", wait_ms
            visit.in_time = wait_ms <= self.target_ms(visit.queue)
            visit.short = wait_ms <= self._short_ms(visit.queue)

        self._settle(visit, change, at_ns, wait_ms)

    def left(self, data: CallLeft, at_ns: int) -> None:
        """The queue let the call go; without a visit it never joined (refused at the door)."""
        if data.visit is None:
            if data.queue is not None:
                queue = self._queue(data.queue, data.pbx, None)
                for tally in (
                    _day(queue, self._calendar.day(at_ns)[0]),
                    _half(queue, self._calendar.half_hour(at_ns)),
                ):
                    tally.refused += 1
                self._touched(queue.key)
            return
        visit = self._open_visit(data.visit)
        if visit is None:
            return
        wait_ms = round(data.wait_s * 1000)

        def change() -> None:
            visit.state, visit.wait_ms, visit.reason = "left", wait_ms, data.reason
            visit.in_time = wait_ms <= self.target_ms(visit.queue)

        self._settle(visit, change, at_ns, wait_ms)

    def lost(self, data: CallLost, at_ns: int) -> None:
        """Sight of the visit was lost while it waited: outcome unknown, in no numerator and no denominator."""
        visit = self._open_visit(data.visit)
        if visit is None:
            return

        def change() -> None:
            visit.state, visit.reason = "unknown", data.reason

        self._settle(visit, change, at_ns, None)

    def ended(self, data: CallEnded, at_ns: int) -> None:
        """The conversation of an answered visit ended."""
        visit = self.state.visits.get(data.visit or "")
        if visit is None or visit.state != "answered":
            return

        def change() -> None:
            visit.state, visit.talk_open = "ended", False
            visit.talk_ms, visit.hold_ms = round(data.talk_s * 1000), round(data.hold_s * 1000)
            visit.inferred = visit.inferred or data.inferred

        self._change(self.state.queues[visit.queue], visit, change)
        self._forget(visit)

    def wrapped(self, place: tuple[str, int, int], visit_id: str | None, wrap_ms: int) -> None:
        """Add an agent's wrap-up to the windows of the call that it followed."""
        queue = self.state.queues.get(place[0])
        if queue is None:
            return
        for windows, start in ((queue.days, place[1]), (queue.halves, place[2])):
            if start in windows:
                windows[start].wrap_ms += wrap_ms
        visit = self.state.visits.get(visit_id or "")
        if visit is not None and visit.state == "ended":
            if visit.rolling:
                queue.rolling.wrap_ms += wrap_ms
            visit.wrap_ms += wrap_ms
        self._touched(queue.key)

    def scored(self, visit_id: str | None, queue_key: str | None, pbx: str, milli: int, at_ns: int) -> None:
        """A survey answer, in thousandths: in the windows of its visit; of one that is not known, when it came."""
        visit = self.state.visits.get(visit_id or "")
        if visit is not None:

            def change() -> None:
                visit.score_milli += milli
                visit.answers += 1

            self._change(self.state.queues[visit.queue], visit, change)
            return
        key, day, half = self.state.late.get(visit_id or "") or (queue_key, self._calendar.day(at_ns)[0], self._calendar.half_hour(at_ns))
        if key is not None:
            queue = self._queue(key, pbx, None)
            for tally in (_day(queue, day), _half(queue, half)):
                tally.score_milli += milli
                tally.answers += 1

    def classed(self, visit_id: str | None, place: tuple[str, int, int], name: str, sign: int) -> None:
        """A call was classified, or (with sign −1) is no longer of this type: in the windows of its visit, else at that place."""
        visit = self.state.visits.get(visit_id or "")
        if visit is not None:
            kept = visit

            def change() -> None:
                kept.type = name if sign > 0 else None

            self._change(self.state.queues[visit.queue], visit, change)
            return
        queue = self.state.queues.get(place[0])
        if queue is None:
            return
        if place[1] in queue.days or place[1] >= self._calendar.day(self.state.now_ns)[0]:
            for tally in (_day(queue, place[1]), _half(queue, place[2])):
                tally.classify(name, sign)
            self._touched(queue.key)

    def roll(self, queue: QueueState, now_ns: int) -> bool:
        """Take the visits that began more than half an hour ago out of the rolling window."""
        edge, ids, head = now_ns - ROLLING_NS, queue.rolling_ids, queue.rolling_head
        while head < len(ids):
            visit = self.state.visits.get(ids[head])
            if visit is not None and visit.joined_ns > edge:
                break
            head += 1
            if visit is None:
                continue
            queue.rolling.count(visit, -1)
            visit.rolling = False
            if visit.wait_ms >= queue.rolling.wait_max_ms and visit.state not in ("waiting", "unknown"):
                queue.rolling_max_gone = True
            self._forget(visit)
        rolled = head != queue.rolling_head
        if head > 512:
            del ids[:head]
            head = 0
        queue.rolling_head = head
        if rolled:
            self._touched(queue.key)
        return rolled

    def find_rolling_max(self, queue: QueueState) -> None:
        """Find the rolling window's longest wait again where the one known may have left it.

        Once per snapshot and not per event: where many waits are alike, each one that leaves would cost a walk through the window.
        """
        if not queue.rolling_max_gone:
            return
        queue.rolling_max_gone = False
        known = self.state.visits
        live = [visit for key in queue.rolling_ids[queue.rolling_head :] if (visit := known.get(key)) is not None]
        queue.rolling.wait_max_ms = max([visit.wait_ms for visit in live if visit.state not in ("waiting", "unknown")], default=-1)

    def forget_old(self, now_ns: int) -> None:
        """Drop conversations whose end was never told, a day after they began, so that memory stays bounded.

        The half-hours of the day before yesterday go too; a call of yesterday's may still end today.
        """
        yesterday = self._calendar.day(self._calendar.day(now_ns)[0] - 1)[0]
        for queue in self.state.queues.values():
            for half in [half for half in queue.halves if half < yesterday]:
                del queue.halves[half]
        if self.keep:
            return
        for visit in [v for v in self.state.visits.values() if v.joined_ns < now_ns - _FORGET_NS and v.state != "waiting"]:
            if not visit.rolling:
                del self.state.visits[visit.id]

    def forget_callers(self, now_ns: int) -> None:
        """Keep no caller's hash longer than a call of his would count as repeated."""
        edge = now_ns - self._repeat_ns
        for queue in self.state.queues.values():
            for caller in [caller for caller, at_ns in queue.callers.items() if at_ns < edge]:
                del queue.callers[caller]

    def target_ms(self, queue: str) -> int:
        """T of a queue in milliseconds."""
        own = self._config.queues.get(queue)
        return round((own.target_s if own and own.target_s is not None else self._config.kpi.target_s) * 1000)

    def _short_ms(self, queue: str) -> int:
        own = self._config.queues.get(queue)
        return round((own.short_abandon_s if own and own.short_abandon_s is not None else self._config.kpi.short_abandon_s) * 1000)

    def _open_visit(self, key: str | None) -> Visit | None:
        visit = self.state.visits.get(key or "")
        return visit if visit is not None and visit.state == "waiting" else None

    def _settle(self, visit: Visit, change: Callable[[], None], at_ns: int, wait_ms: int | None) -> None:
        """The visit stops waiting: change it, move it if windows are by completion, and keep the longest wait."""
        queue = self.state.queues[visit.queue]
        queue.waiting.pop(visit.id, None)
        if self._by_completion:
            for tally in self._tallies(queue, visit):
                tally.count(visit, -1)
            visit.day, visit.half = self._calendar.day(at_ns)[0], self._calendar.half_hour(at_ns)
            for tally in self._tallies(queue, visit):
                tally.count(visit)
        self._change(queue, visit, change)
        if wait_ms is not None:
            for tally in self._tallies(queue, visit):
                tally.wait_max_ms = max(tally.wait_max_ms, wait_ms)
        self._forget(visit)

    def _change(self, queue: QueueState, visit: Visit, change: Callable[[], None]) -> None:
        tallies = self._tallies(queue, visit)
        for tally in tallies:
            tally.count(visit, -1)
        change()
        for tally in tallies:
            tally.count(visit)
        self._touched(queue.key)

    def _forget(self, visit: Visit) -> None:
        if not self.keep and not visit.rolling and visit.state not in ("waiting", "answered"):
            self.state.visits.pop(visit.id, None)
            if visit.type is not None and (classed := self.state.classes.calls.get(visit.call)) is not None and classed.visit == visit.id:
                classed.visit, classed.day, classed.half = None, visit.day, visit.half
            if visit.state == "ended":
                late = self.state.late
                late[visit.id] = (visit.queue, visit.day, visit.half)
                if len(late) > _LATE_KEPT:
                    del late[next(iter(late))]

    def _tallies(self, queue: QueueState, visit: Visit) -> list[Tally]:
        out = [_day(queue, visit.day), _half(queue, visit.half)]
        if visit.rolling:
            out.append(queue.rolling)
        return out

    def _remember(self, queue: QueueState, told: str | None, at_ns: int) -> None:
        """Keep when a caller was last answered here, oldest first."""
        caller = self._callers.of(told)
        if caller is None:
            return
        queue.callers.pop(caller, None)
        queue.callers[caller] = at_ns
        if len(queue.callers) > _CALLERS_KEPT:
            del queue.callers[next(iter(queue.callers))]

    def _queue(self, key: str, pbx: str, title: str | None) -> QueueState:
        queue = self.state.queues.get(key)
        if queue is None:
            queue = self.state.queues[key] = QueueState(key, pbx, title)
        elif title and queue.title is None:
            queue.title = title
        self._touched(key)
        return queue

    def named(self, key: str, pbx: str, title: str) -> None:
        """Take note of a queue that the PBX named, though nobody called yet."""
        self._queue(key, pbx, title).title = title


def _day(queue: QueueState, start: int) -> Tally:
    """The tally of a day; the oldest goes when there are too many."""
    days = queue.days
    tally = days.get(start)
    if tally is None:
        tally = days[start] = Tally()
        while len(days) > _DAYS_KEPT and (oldest := min(days)) != start:
            del days[oldest]
    return tally


def _half(queue: QueueState, start: int) -> Tally:
    """The tally of a half-hour; `forget_old` drops whole days of them."""
    tally = queue.halves.get(start)
    if tally is None:
        tally = queue.halves[start] = Tally()
    return tally
