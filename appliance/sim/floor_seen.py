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


class Sight(Struct, frozen=True):
    """One span in which a box listened: logged in, told who waits, the picture whole, last told anything, gone. `lost_ms` None: it goes on."""

    from_ms: int
    listed_ms: int
    whole_ms: int
    lost_ms: int | None = None
    heard_ms: int | None = None

    def holds(self, at_ms: int) -> bool:
        return self.from_ms <= at_ms and (self.lost_ms is None or at_ms < self.lost_ms)


class Seen(Struct, kw_only=True):
    """A visit as it can be known: the outcome waiting, answered, ended, abandoned, left or unknown. `told`: its join is the PBX's word."""

    visit: Visit
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


def seen_visits(book: Book, ms_of: Callable[[float], int], sights: Sequence[Sight], now_ms: int) -> list[Seen]:
    """Every visit that can be known now, as far as it can be, in the order of their joining."""
    scores: dict[Visit, list[int]] = {}
    for score in book.scores:
        at_ms = ms_of(score.at_s)
        if at_ms <= now_ms and _sight(sights, at_ms) is not None:
            scores.setdefault(score.visit, []).append(score.score)
    out = []
    for visit in book.model.visits:
        seen = _seen(visit, ms_of, sights, now_ms)
        if seen is not None:
            seen.wrap_ms = _wrap_ms(book, visit) if seen.outcome == "ended" else 0
            seen.scores = tuple(scores.get(visit, ()))
            out.append(seen)
    _mark_repeats(out)
    return out


def _seen(visit: Visit, ms_of: Callable[[float], int], sights: Sequence[Sight], now_ms: int) -> Seen | None:
    joined_ms = ms_of(visit.joined_s)
    left_s = visit.answered_s if visit.outcome in ANSWERED else visit.ended_s
    left_ms = None if left_s is None else ms_of(left_s)
    begins = _begin(joined_ms, left_ms, sights, now_ms)
    if begins is None:
        return None
    at, told_ms, is_told = begins
    seen = Seen(visit=visit, queue=visit.queue.plan.name, joined_ms=told_ms, outcome="waiting", told=is_told)
    if left_ms is None or left_ms > now_ms:
        return seen
    over = _lost_before(left_ms, sights[at:], now_ms)
    if over is not None:
        seen.outcome = over
        return seen
    seen.wait_ms = left_ms - told_ms
    if visit.outcome in ANSWERED:
        _talked(seen, visit, ms_of, sights, now_ms)
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
        if joined_ms < sight.from_ms:
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
        if left_ms < sight.from_ms:
            return "unknown" if sight.whole_ms <= now_ms else "waiting"
    return "waiting"


def _talked(seen: Seen, visit: Visit, ms_of: Callable[[float], int], sights: Sequence[Sight], now_ms: int) -> None:
    assert visit.answered_s is not None
    answered_ms = seen.answered_ms = ms_of(visit.answered_s)
    seen.outcome = "answered"
    seen.agent = visit.member.name if visit.member is not None else None
    if visit.ended_s is None or (ended_ms := ms_of(visit.ended_s)) > now_ms:
        return
    if _sight(sights, ended_ms) is not None:
        seen.outcome, seen.talk_ms = "ended", ended_ms - answered_ms
        seen.hold_ms = round(visit.hold_s * 1000)
        return
    before = [sight for sight in sights if sight.lost_ms is not None and sight.lost_ms <= ended_ms]
    after = [sight for sight in sights if sight.from_ms > ended_ms and sight.whole_ms <= now_ms]
    if before and after:  # its end was not seen: it is taken to have ended when the PBX was last heard
        heard_ms = before[-1].heard_ms or before[-1].lost_ms or answered_ms
        seen.outcome, seen.talk_ms, seen.hold_ms = "ended", max(0, heard_ms - answered_ms), 0


def _wrap_ms(book: Book, visit: Visit) -> int:
    return round(book.wraps.get(visit, 0.0) * 1000)


def _sight(sights: Sequence[Sight], at_ms: int) -> Sight | None:
    return next((sight for sight in sights if sight.holds(at_ms)), None)


def _mark_repeats(visits: list[Seen]) -> None:
    """Who was answered on the same queue within 24 hours before he joined."""
    answered: dict[tuple[str, str], list[int]] = {}
    for seen in visits:
        if seen.answered_ms is not None:
            answered.setdefault((seen.queue, seen.visit.call.caller), []).append(seen.answered_ms)
    for seen in visits:
        earlier = answered.get((seen.queue, seen.visit.call.caller), ())
        seen.repeat = any(0 <= seen.joined_ms - at_ms <= _DAY_MS for at_ms in earlier)


def spans(sights: Sequence[Sight], now_ms: int) -> Iterator[tuple[int, int]]:
    """When the picture was whole: from the lists on, until the PBX was last heard."""
    for sight in sights:
        if sight.whole_ms <= now_ms:
            end_ms = sight.heard_ms if sight.heard_ms is not None else sight.lost_ms
            yield sight.whole_ms, now_ms if end_ms is None else min(now_ms, end_ms)
