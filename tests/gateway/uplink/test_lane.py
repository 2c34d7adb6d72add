"""The books of the event lane: whatever order the answers come in, the cursor stands before the first that is missing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from appliance.core.journal import Cursor
from gateway.uplink.lane import Lane
from gateway.uplink.packet import LANE_MIDS


class LaneMachine(RuleBasedStateMachine):
    """A naive model beside it: a list of rows with what became of each."""

    def __init__(self) -> None:
        super().__init__()
        self.lane = Lane(Cursor("e", 0))
        self.seq = 0
        self.rows: dict[int, int] = {}  # n → seq, all ever placed
        self.state: dict[int, str] = {}  # n → open, done, held, skipped
        self.mids: dict[int, int] = {}  # n → identifier
        self.next_n = 1

    def open(self) -> list[int]:
        return [n for n in self.mids if self.state[n] in ("open", "held")]

    @rule(gap=st.integers(0, 3))
    def place(self, gap: int) -> None:
        n = self.next_n
        seq = self.rows.get(n) or self.seq + 1 + gap
        self.seq = max(self.seq, seq)
        self.rows[n] = seq
        self.mids[n] = self.lane.place(seq, n)
        self.state[n] = "open"
        self.next_n += 1

    @precondition(lambda self: self.open())
    @rule(data=st.data())
    def acked(self, data) -> None:
        some = data.draw(st.lists(st.sampled_from(self.open()), min_size=1, max_size=5, unique=True))
        self.lane.acked([self.mids[n] for n in some])
        for n in some:
            self.state[n] = "done"

    @precondition(lambda self: self.open())
    @rule(data=st.data(), how=st.sampled_from(["held", "skipped"]))
    def answered(self, data, how: str) -> None:
        n = data.draw(st.sampled_from(self.open()))
        self.lane.hold(self.mids[n]) if how == "held" else self.lane.skip(self.mids[n])
        self.state[n] = how

    @rule(mid=st.integers(1, LANE_MIDS))
    def a_stranger_changes_nothing(self, mid: int) -> None:
        if mid not in {self.mids[n] for n in self.mids if n > self.prefix()}:
            before = self.lane.cursor
            assert self.lane.acked([mid]) == 0
            assert self.lane.cursor == before

    @rule()
    def rewind(self) -> None:
        self.lane.rewind()
        done = self.prefix()
        for n in [n for n in self.mids if n > done]:
            del self.mids[n], self.state[n]
        self.next_n = done + 1
        self.seq = max((seq for n, seq in self.rows.items() if n < self.next_n), default=0)

    def prefix(self) -> int:
        n = 0
        while self.state.get(n + 1) in ("done", "skipped"):
            n += 1
        return n

    @invariant()
    def the_cursor_is_the_contiguous_prefix(self) -> None:
        n = self.prefix()
        assert self.lane.cursor.n == n
        assert self.lane.cursor.skipped == sum(self.state[k] == "skipped" for k in range(1, n + 1))
        assert self.lane.under_way == len(self.mids) - n
        assert self.lane.unanswered == sum(state == "open" for state in self.state.values())
        if n and self.lane.under_way:
            assert self.lane.cursor.seq == self.rows[n]


TestLane = LaneMachine.TestCase


@given(st.integers(1, 70_000))
def test_identifiers_go_round_below_the_live_lanes(count: int) -> None:
    lane = Lane(Cursor("e", 0))
    for n in range(1, count + 1, max(1, count // 200)):
        mid = lane.place(n, n)
        assert 1 <= mid <= LANE_MIDS
        assert lane.acked([mid]) == 1
    assert lane.under_way == 0


def test_rows_that_are_not_due_are_passed_over() -> None:
    lane = Lane(Cursor("e", 10, 4))
    lane.passed(15)
    assert lane.cursor == Cursor("e", 15, 4)
    mid = lane.place(16, 5)
    lane.passed(20)
    assert lane.cursor == Cursor("e", 15, 4)
    lane.acked([mid])
    assert lane.cursor == Cursor("e", 20, 5)
