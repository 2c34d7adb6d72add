"""The judge of the fault suite finds what it is there to find: each kind of untruth is put before it once, and the truth beside it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from fault_judge import Books, Judge, Look, Row, Seen, Span, Truth

E = "e1"


def rows(count: int) -> list[Row]:
    return [Row(seq, seq, "call.held", {"call": f"c{seq}", "pbx": "central"}) for seq in range(1, count + 1)]


def event(row: Row, **other: Any) -> dict[str, Any]:
    told = {"id": f"{E}-{row.seq}", "type": f"callfloor.{row.kind}.v1", "delivery": f"{row.n:012d}", "data": row.data}
    return told | other


def look(at_s: float, **other: Any) -> Look:
    crm = {"state": "up", "recorded": 10, "delivered": 10, "backlog": 0, "shed": 0, "skipped": 0}
    return msgspec.structs.replace(Look(at_s, at_s + 0.01, "live", 2, 5.0, crm), **other)


def well() -> Seen:
    """A minute in which all is right: ten events, two callers waiting."""
    all_rows = rows(10)
    return Seen(
        all_rows,
        [event(row) for row in all_rows],
        [Books(at / 10, 10, 10, 0, 0, 0) for at in range(100)],
        [look(at / 10) for at in range(30, 90)],
        [Truth(at / 10, (2, 2), (4.0, 6.0), 0) for at in range(100)],
    )


def judged(seen: Seen) -> list[str]:
    return Judge(E).faults(seen)


def test_what_is_well_is_found_well() -> None:
    judge = Judge(E)
    assert judge.faults(well()) == []
    assert judge.compared == 60
    assert judge.last_n == 10


def test_a_lost_event_is_found() -> None:
    seen = well()
    del seen.received[4]
    assert judged(seen) == ["event 5 (call.held) never came and no gap was announced"]


def test_an_event_lost_and_found_a_round_later_is_told_once() -> None:
    seen, judge = well(), Judge(E)
    late = seen.received.pop()
    assert len(judge.faults(seen)) == 1
    assert judge.faults(Seen([], [late], [], [], [])) == []


def test_twice_is_once_after_deduplication() -> None:
    seen, judge = well(), Judge(E)
    seen.received.append(seen.received[9] | {"late": True})
    assert judge.faults(seen) == []
    assert judge.doubles == 1


@pytest.mark.parametrize(
    ("at", "change", "word"),
    [
        (6, {"data": {"call": "another"}}, "event 7 is not what was recorded"),
        (6, {"id": "e0-7"}, "event 7 is not what was recorded"),
        (6, {"type": "callfloor.call.resumed.v1"}, "event 7 is not what was recorded"),
        (6, {"id": "e1-3"}, "one id, two events: e1-3"),
        (6, {"delivery": "000000000003"}, "number 3 came under two ids"),
    ],
)
def test_another_event_under_its_name_is_found(at: int, change: dict[str, Any], word: str) -> None:
    seen = well()
    seen.received[at] |= change
    assert any(word in fault for fault in judged(seen))


def test_the_wrong_order_is_found() -> None:
    seen = well()
    seen.received[3:5] = seen.received[4], seen.received[3]
    assert judged(seen) == ["out of order: 4 came for the first time after 5"]


def test_a_hole_in_the_numbers_is_found() -> None:
    seen = well()
    del seen.rows[4]
    assert "delivery numbers are not dense: 6 follows 4" in judged(seen)


def test_what_was_announced_is_no_loss() -> None:
    seen = well()
    del seen.received[2:5]
    seen.rows[8] = Row(9, 9, "journal.gap", {"from": 3, "to": 4})
    seen.rows[9] = Row(10, 10, "journal.skipped", {"n": 5, "reason": "poison"})
    seen.received[5:] = [event(row) for row in seen.rows[8:]]
    assert judged(seen) == []


def test_a_gap_that_did_not_end_covers_nothing() -> None:
    seen = well()
    del seen.received[2]
    seen.rows[9] = Row(10, 10, "journal.gap", {"from": 3, "to": None})
    seen.received[8] = event(seen.rows[9])
    assert judged(seen) == ["event 3 (call.held) never came and no gap was announced"]


@pytest.mark.parametrize(
    ("books", "word"),
    [
        ((10, 9, 0, 0, 0), "does not balance"),
        ((10, 11, -1, 0, 0), "does not balance"),
        ((9, 9, 0, 0, 0), "went back"),
        ((10, 9, 1, 0, 0), "went back"),
    ],
)
def test_books_that_lie_are_found(books: tuple[int, int, int, int, int], word: str) -> None:
    seen = well()
    seen.books[50] = Books(5.0, *books)
    assert word in judged(seen)[0]


@pytest.mark.parametrize(
    ("untruth", "word"),
    [
        ({"waiting": 3}, "the board says 3 wait; it was 2 to 2"),
        ({"waiting": 1}, "the board says 1 wait; it was 2 to 2"),
        ({"longest_s": 1.0}, "1.0 s is the longest wait"),
        ({"longest_s": 9.0}, "9.0 s is the longest wait"),
        ({"fresh": "stale"}, "stale though the PBX was in sight"),
        ({"crm": {"state": "up", "recorded": 10, "delivered": 9, "backlog": 1, "shed": 0, "skipped": 0}}, "backlog is 1"),
        ({"crm": {"state": "up", "recorded": 10, "delivered": 9, "backlog": 0, "shed": 0, "skipped": 0}}, "does not balance"),
    ],
)
def test_a_board_that_lies_is_found(untruth: dict[str, Any], word: str) -> None:
    seen = well()
    seen.looks[20] = look(5.0, **untruth)
    (fault,) = judged(seen)
    assert word in fault


def test_what_was_true_two_seconds_ago_may_still_stand() -> None:
    seen = well()
    seen.truths[40] = Truth(4.0, (2, 3), (4.0, 6.0), 1)
    seen.looks[:] = [look(at, waiting=3) for at in (4.1, 5.9)]
    assert judged(seen) == []
    seen.looks[:] = [look(6.5, waiting=3)]
    assert len(judged(seen)) == 1


def test_a_link_that_cannot_be_up_is_not() -> None:
    seen = well()
    seen.down = [Span(3.5, 8.0)]
    assert judged(seen)[0] == "the board says the link is up while it cannot be"
    seen.looks = [one for one in seen.looks if not 5.4 < one.asked_s < 8.1]
    assert judged(seen) == []


def test_what_cannot_be_seen_is_not_live() -> None:
    seen = well()
    seen.blind = [Span(3.5, 8.6)]
    assert judged(seen)[0] == "the board says live though the PBX was out of sight"
    seen.looks = [look(one.asked_s, fresh="stale", waiting=7) for one in seen.looks if 3.5 < one.asked_s < 8.5]
    assert judged(seen) == []
