"""Decides what of a floor's visits a box can know that saw the PBX in some spans and not in others (docs/kpis.md, "A queue visit").

From the model's own visits and the PBX's word of when somebody listened; nothing of a box's counting goes in. Times are milliseconds of
the wall.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from appliance.sim.floor_book import Book
from appliance.sim.floor_model_state import ANSWERED, Visit

_REASONS: Final = {"timeout": "timeout", "exitkey": "exit_key", "withdrawn": "withdrawn"}
_DAY_MS: Final = 86_400_000
Span = tuple[int, int]


class Sight(Struct, frozen=True):
    """One span in which a box listened: logged in, told who waits, the picture whole, gone (None: it goes on), last told anything."""

    from_ms: int
    listed_ms: int
    whole_ms: int
    lost_ms: int | None = None
    heard_ms: int | None = None

    def holds(self, at_ms: int) -> bool:
        return self.from_ms < at_ms and (self.lost_ms is None or at_ms < self.lost_ms)


class Seen(Struct, kw_only=True):
    """A visit as it can be known: the outcome waiting, answered, ended, abandoned, left or unknown. `told`: its join is the PBX's word.

    `number` is its call's; `visit` the model's, where there is one.
    """

    number: int
    caller: str | None
    visit: Visit | None = None
    queue: str
    joined_ms: int
    outcome: str
    wait_ms: int = 0
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_ms: int = 0
    reason: str | None = None
    answered_ms: int | None = None
    told: bool = False
    repeat: bool = False
    scores: tuple[int, ...] = ()
    agent: str | None = None


class Loose(Struct, frozen=True):
    """An answer of a caller whose visit is not known: it counts when it came."""

    queue: str
    at_ms: int
    score: int


def seen_visits(book: Book, ms_of: Callable[[float], int], sights: Sequence[Sight], now_ms: int) -> list[Seen]:
    """Every visit that can be known now, as far as it can be, in the order of their joining."""
    scores: dict[Visit, list[int]] = {}
    for score in book.scores:
        at_ms = ms_of(score.at_s)
        if at_ms <= now_ms and _sight(sights, at_ms) is not None:
            scores.setdefault(score.visit, []).append(score.score)
    out = []
    for visit in book.model.visits:
        seen = _seen(book, visit, ms_of, sights, now_ms)
        if seen is not None:
            seen.wrap_ms = _wrap_ms(book, visit, ms_of, sights, now_ms) if seen.outcome == "ended" else 0
            seen.scores = tuple(scores.get(visit, ()))
            out.append(seen)
    _mark_repeats(out)
    return out


def loose_scores(book: Book, ms_of: Callable[[float], int], sights: Sequence[Sight], now_ms: int, visits: Sequence[Seen]) -> list[Loose]:
    """What callers answered whose visits are not known, or not how they ended."""
    known = {seen.visit for seen in visits if seen.outcome != "unknown"}
    return [
        Loose(score.visit.queue.plan.name, ms_of(score.at_s), score.score)
        for score in book.scores
        if score.visit not in known and ms_of(score.at_s) <= now_ms and _sight(sights, ms_of(score.at_s)) is not None
    ]


def _seen(book: Book, visit: Visit, ms_of: Callable[[float], int], sights: Sequence[Sight], now_ms: int) -> Seen | None:
    joined_ms = ms_of(visit.joined_s)
    left_s = visit.answered_s if visit.outcome in ANSWERED else visit.ended_s
    left_ms = None if left_s is None else ms_of(left_s)
    begins = _begin(joined_ms, left_ms, sights, now_ms)
    if begins is None:
        return None
    at, told_ms, is_told = begins
    call = visit.call
    seen = Seen(
        number=call.number, caller=call.caller, visit=visit, queue=visit.queue.plan.name, joined_ms=told_ms, outcome="waiting", told=is_told
    )
    if left_ms is None or left_ms > now_ms:
        return seen
    over = _lost_before(left_ms, sights[at:], now_ms)
    if over is not None:
        seen.outcome = over
        return seen
    seen.wait_ms = left_ms - told_ms
    if visit.outcome in ANSWERED:
        _talked(seen, book, ms_of, sights, now_ms)
    elif visit.outcome == "abandoned" and visit.pbx_ended != "restart":
        seen.outcome = "abandoned"
    else:
        seen.outcome, seen.reason = "left", "pbx_stopped" if visit.pbx_ended == "restart" else _REASONS.get(visit.outcome, "not_told")
    return seen


def _begin(joined_ms: int, left_ms: int | None, sights: Sequence[Sight], now_ms: int) -> tuple[int, int, bool] | None:
    """In which span the visit is first seen, when it joined as far as can be known, and whether that is the PBX's word."""
    for at, sight in enumerate(sights):
        if sight.holds(joined_ms):
            return (at, joined_ms, False) if joined_ms <= now_ms else None
        if joined_ms <= sight.from_ms:
            listed = sight.listed_ms
            if sight.whole_ms > now_ms or (left_ms is not None and left_ms <= listed):
                return None
            # Whole seconds of two clocks without fractions, as the PBX takes them from each other.
            waited_s = listed // 1000 - joined_ms // 1000
            return at, listed - 1000 * waited_s, True
    return None


def _lost_before(left_ms: int, sights: Sequence[Sight], now_ms: int) -> str | None:
    """`unknown` where the wait ended out of sight, `waiting` while nobody has looked again; None where it was seen."""
    for sight in sights:
        if sight.holds(left_ms):
            return None
        if left_ms <= sight.from_ms:
            return "unknown" if sight.whole_ms <= now_ms else "waiting"
    return "waiting"


def _talked(seen: Seen, book: Book, ms_of: Callable[[float], int], sights: Sequence[Sight], now_ms: int) -> None:
    visit = seen.visit
    assert visit is not None
    assert visit.answered_s is not None
    answered_ms = seen.answered_ms = ms_of(visit.answered_s)
    seen.outcome = "answered"
    seen.agent = visit.member.name if visit.member is not None else None
    if visit.ended_s is None or (ended_ms := ms_of(visit.ended_s)) > now_ms:
        return
    if _sight(sights, ended_ms) is not None:
        seen.outcome, seen.talk_ms = "ended", ended_ms - answered_ms
        seen.hold_ms = _hold_ms(book, visit, ms_of, sights, ended_ms)
        return
    before = [sight for sight in sights if sight.lost_ms is not None and sight.lost_ms <= ended_ms]
    after = [sight for sight in sights if sight.from_ms > ended_ms and sight.whole_ms <= now_ms]
    if before and after:  # its end was not seen: it is taken to have ended when the PBX was last heard
        heard_ms = before[-1].heard_ms or before[-1].lost_ms or answered_ms
        seen.outcome, seen.talk_ms = "ended", max(0, heard_ms - answered_ms)
        seen.hold_ms = _hold_ms(book, visit, ms_of, sights, heard_ms)


def _hold_ms(book: Book, visit: Visit, ms_of: Callable[[float], int], sights: Sequence[Sight], ended_ms: int) -> int:
    """The holds that were seen to begin; one that was not seen to end lasts until the conversation's end."""
    total = 0
    for from_s, to_s in book.holds.get(visit, ()):
        begins, ends = ms_of(from_s), ended_ms if to_s is None else ms_of(to_s)
        if _sight(sights, begins) is not None and begins < ended_ms:
            total += (min(ends, ended_ms) if _sight(sights, ends) is not None else ended_ms) - begins
    return total


def _wrap_ms(book: Book, visit: Visit, ms_of: Callable[[float], int], sights: Sequence[Sight], now_ms: int) -> int:
    """From hanging up until he could be called again, as far as it was seen in one go."""
    if visit not in book.wraps:
        return 0
    begins, ends = (ms_of(at_s) for at_s in book.wraps[visit])
    for whole, heard, lost in spans_until_lost(sights, now_ms):
        if whole <= begins <= heard:  # by the clock it ends also while the PBX says nothing
            return max(0, (ends if ends <= lost else heard) - begins)
    return 0


def _sight(sights: Sequence[Sight], at_ms: int) -> Sight | None:
    return next((sight for sight in sights if sight.holds(at_ms)), None)


def _mark_repeats(visits: list[Seen]) -> None:
    """Who was answered on the same queue within 24 hours before he joined."""
    answered: dict[tuple[str, str], list[int]] = {}
    for seen in visits:
        if seen.answered_ms is not None:
            answered.setdefault((seen.queue, seen.caller or ""), []).append(seen.answered_ms)
    for seen in visits:
        earlier = answered.get((seen.queue, seen.caller or ""), ())
        seen.repeat = any(0 <= seen.joined_ms - at_ms <= _DAY_MS for at_ms in earlier)


def spans(sights: Sequence[Sight], now_ms: int) -> Iterator[Span]:
    """When the picture was whole: from the lists on, until the PBX was last heard."""
    return ((whole, heard) for whole, heard, _ in spans_until_lost(sights, now_ms))


def spans_until_lost(sights: Sequence[Sight], now_ms: int) -> Iterator[tuple[int, int, int]]:
    """The same, and until when the connection stood."""
    for sight in sights:
        if sight.whole_ms <= now_ms:
            lost_ms = now_ms if sight.lost_ms is None else min(now_ms, sight.lost_ms)
            yield sight.whole_ms, lost_ms if sight.heard_ms is None else min(lost_ms, sight.heard_ms), lost_ms
