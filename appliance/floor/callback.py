"""Who is to be called back: what `callback.*` events come to, and the counts of each queue. Pure.

A caller's number stands in no fold: `CallbackState.row` is the journal's row that holds it, as long as it holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct

from appliance.core.catalogue import CallbackClaimed, CallbackClosed, CallbackOpened, CallDissatisfied
from appliance.core.clock import rfc3339, wall_ns_from_rfc3339
from appliance.core.config import Config
from appliance.floor.snapshot import Callbacks

#: Those that are done, for the reply `already_closed`; beyond it the oldest go.
_CLOSED_KEPT: Final = 2_000
#: Answers that were told as too low: none is told twice.
_DISSATISFIED_KEPT: Final = 2_000
#: More than any configuration lets stand open.
_OPEN_KEPT: Final = 20_000


class CallbackState(Struct):
    """One callback that is not done. `tried_ns`: his last try; `row`: its newest `callback.opened`. `claimed_ns` 0: nobody has it."""

    why: str
    times: int
    waited_s: float
    since: str
    since_ns: int
    tried_ns: int
    row: int
    pbx: str | None = None
    queue: str | None = None
    call: str | None = None
    visit: str | None = None
    by: str | None = None
    claimed_ns: int = 0


class ClosedCallback(Struct):
    """One that is done: why, when, by whom."""

    reason: str
    at_ns: int
    by: str | None = None


class CallbackBook(Struct):
    """All of them. `dissatisfied`: `call|question` of the answers told."""

    open: dict[str, CallbackState] = {}
    closed: dict[str, ClosedCallback] = {}
    dissatisfied: dict[str, None] = {}


def is_kept(config: Config) -> bool:
    """Whether this box keeps callbacks: it hears callers, and nobody turned it off."""
    return config.callbacks.enabled and config.site.role == "floor" and bool(config.pbx or config.lines)


class CallbackFold:
    """Applies callback events to a book. `changed`: ids that were touched since somebody last took them. `shown`: the figures are known."""

    def __init__(self, book: CallbackBook, touched: Callable[[str], None]) -> None:
        """`touched`: the figures of this queue changed."""
        self.book = book
        self._touched = touched
        self.changed: dict[str, None] = {}
        self.shown = False
        self._total: Callbacks | None = None
        self._by_queue: dict[str | None, dict[str, None]] = {}
        for key, one in book.open.items():
            self._by_queue.setdefault(one.queue, {})[key] = None

    def opened(self, seq: int, data: CallbackOpened, at_ns: int, *, unset: bool = False) -> None:
        """Somebody is to be called back, or tried once more; what is claimed stays so. `unset`: the clock by which `since` was written."""
        book, key = self.book, data.callback
        known = book.open.get(key)
        first_ns = known.since_ns if known is not None else at_ns
        since_ns = first_ns if unset or data.since is None else _moment(data.since, first_ns)
        since = rfc3339(since_ns)
        now = CallbackState(
            data.why, data.times, data.waited_s, since, since_ns, since_ns, seq, data.pbx, data.queue, data.call, data.visit
        )  # fmt: skip
        if known is not None:
            now.by, now.claimed_ns, now.tried_ns = known.by, known.claimed_ns, known.tried_ns
            if (known.times, known.call, known.visit, known.why) != (now.times, now.call, now.visit, now.why):
                now.tried_ns = at_ns  # else told again as it was
            self._leave(known.queue, key)
        book.closed.pop(key, None)
        book.open[key] = now
        self._by_queue.setdefault(now.queue, {})[key] = None
        self._told(key, now.queue)
        if len(book.open) > _OPEN_KEPT:
            self._close(next(iter(book.open)))

    def claimed(self, data: CallbackClaimed, at_ns: int) -> None:
        """Somebody took it on."""
        one = self.book.open.get(data.callback)
        if one is not None:
            one.by, one.claimed_ns = data.by, at_ns
            self._told(data.callback, one.queue)

    def closed(self, data: CallbackClosed, at_ns: int) -> None:
        """It is done; one that is not known here is remembered as done all the same."""
        self._close(data.callback)
        closed = self.book.closed
        closed.setdefault(data.callback, ClosedCallback(data.reason, at_ns, data.by))
        if len(closed) > _CLOSED_KEPT:
            del closed[next(iter(closed))]

    def dissatisfied(self, data: CallDissatisfied, _at_ns: int) -> None:
        """An answer was told as too low."""
        told = self.book.dissatisfied
        told[answer_key(data.call, data.question)] = None
        if len(told) > _DISSATISFIED_KEPT:
            del told[next(iter(told))]

    def counts(self, queue: str) -> Callbacks:
        """Who of this queue is to be called back."""
        return _counts(self.book.open[key] for key in self._by_queue.get(queue, ()))

    def total(self, without: Iterable[str] = ()) -> Callbacks:
        """Everybody, also those of no queue; but for those of these queues, which must be the same each time."""
        if self._total is None:
            hidden = set(without)
            self._total = _counts(one for one in self.book.open.values() if one.queue not in hidden)
        return self._total

    def _close(self, key: str) -> None:
        one = self.book.open.pop(key, None)
        if one is not None:
            self._leave(one.queue, key)
            self._told(key, one.queue)

    def _leave(self, queue: str | None, key: str) -> None:
        self._by_queue[queue].pop(key, None)
        self._told(key, queue)

    def _told(self, key: str, queue: str | None) -> None:
        self.changed[key] = None
        if len(self.changed) > _OPEN_KEPT:  # where nobody takes them
            del self.changed[next(iter(self.changed))]
        self._total = None
        if queue is not None:
            self._touched(queue)


def answer_key(call: str, question: str) -> str:
    """One answer of one call."""
    return f"{call}|{question}"


def _counts(each: Iterable[CallbackState]) -> Callbacks:
    count = claimed = 0
    oldest: CallbackState | None = None
    for one in each:
        count += 1
        claimed += bool(one.claimed_ns)
        if oldest is None or one.since_ns < oldest.since_ns:
            oldest = one
    return Callbacks(open=count, claimed=claimed, oldest_since=rfc3339(oldest.since_ns) if oldest is not None else None)


def _moment(text: str, at_ns: int) -> int:
    try:
        return wall_ns_from_rfc3339(text)
    except (ValueError, OverflowError):
        return at_ns
