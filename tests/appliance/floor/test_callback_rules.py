"""Who is to be called back: what opens a callback, what adds to it, what ends it; and the same after any restart."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from appliance.core import catalogue as c
from appliance.core.callbacks_config import CallbacksConfig, SatisfactionConfig
from appliance.core.clock import NS
from appliance.core.config import Config, PbxConfig, QueueConfig
from appliance.floor.callback import CallbackBook, CallbackFold
from appliance.floor.callback_rule import CallbackRules

T0 = 1_795_270_000 * NS
ANA, LUIS = "+12025550143", "+12025550144"


class Box:
    """A journal in a list, the fold behind it, and the rules; `restart` forgets all but the journal."""

    def __init__(self, **callbacks: Any) -> None:
        satisfaction = callbacks.pop("satisfaction", SatisfactionConfig())
        self.config = Config(
            pbx={"central": PbxConfig(host="h", username="u")},
            callbacks=CallbacksConfig(**callbacks),
            satisfaction=satisfaction,
            queues={"lenta": QueueConfig(short_abandon_s=30)},
        )
        self.rows: list[tuple[Any, int]] = []
        self.now_ns = T0
        self.decided = self.visits = 0
        self.restart()

    def restart(self) -> None:
        self.fold = CallbackFold(CallbackBook(), lambda _queue: None)
        for seq, (data, at_ns) in enumerate(self.rows, 1):
            self._fold(seq, data, at_ns)
        self.rules = CallbackRules(self.config, "e")
        self._learn(list(self.fold.book.open))
        for seq, (data, at_ns) in enumerate(self.rows, 1):
            if seq <= self.decided or isinstance(data, c.CallbackOpened):
                self.rules.watch(seq, data, at_ns)

    def happen(self, *events: Struct, after_s: float = 1.0) -> list[Struct]:
        """These events, and what comes of them."""
        told: list[Struct] = []
        for event in events:
            self.now_ns += round(after_s * NS)
            self.rows.append((event, self.now_ns))
            row = len(self.rows)
            told += self._told(self.rules.feed(row, event, self.now_ns, self.now_ns), row)
        return told

    def passed(self, seconds: float) -> list[Struct]:
        """So much time without an event."""
        self.now_ns += round(seconds * NS)
        return self._told(self.rules.turn(self.now_ns), self.decided)

    @property
    def open(self) -> dict[str, Any]:
        return self.fold.book.open

    @property
    def seen(self) -> list[tuple[Any, ...]]:
        """What stands open, as the fold has it."""
        return [(key, one.why, one.times, one.waited_s, one.queue, one.by) for key, one in self.open.items()]

    def _told(self, told: list[Struct], decided: int) -> list[Struct]:
        for one in told:
            self.rows.append((one, self.now_ns))
            self._fold(len(self.rows), one, self.now_ns)
        self.decided = decided
        self._learn(list(self.fold.changed))
        return told

    def _learn(self, keys: list[str]) -> None:
        self.fold.changed.clear()
        self.rules.learn(self.fold.book, keys, lambda row: self.rows[row - 1][0].number)

    def _fold(self, seq: int, data: Any, at_ns: int) -> None:
        match data:
            case c.CallbackOpened():
                self.fold.opened(seq, data, at_ns)
            case c.CallbackClaimed():
                self.fold.claimed(data, at_ns)
            case c.CallbackClosed():
                self.fold.closed(data, at_ns)
            case c.CallDissatisfied():
                self.fold.dissatisfied(data, at_ns)


def call(name: str, number: str | None, queue: str | None = "ventas") -> dict[str, Any]:
    return {"call": name, "pbx": "central", "queue": queue, "visit": f"{name}.{queue}" if queue else None, "caller": number}


def abandoned(name: str, number: str | None = ANA, wait_s: float = 40.0, queue: str = "ventas") -> c.CallAbandoned:
    return c.CallAbandoned(**call(name, number, queue), wait_s=wait_s)


def answered(name: str, number: str | None = ANA, queue: str = "ventas") -> c.CallAnswered:
    return c.CallAnswered(**call(name, number, queue), agent="ana", wait_s=3.0)


def left(name: str, reason: Any, number: str | None = ANA, wait_s: float = 60.0) -> c.CallLeft:
    return c.CallLeft(**call(name, number), reason=reason, wait_s=wait_s)


def survey(name: str, score: float, number: str | None = ANA, question: str = "satisfaction") -> c.CallSurvey:
    return c.CallSurvey(**call(name, number), agent="ana", question=question, score=score)


def test_who_gave_up_is_told_once_with_how_often_and_how_long() -> None:
    box = Box()
    first = box.happen(abandoned("1", wait_s=40.0))[0]
    assert isinstance(first, c.CallbackOpened)
    assert (first.callback, first.why, first.number, first.times, first.waited_s) == ("cb-e-1", "abandoned", ANA, 1, 40.0)
    again = box.happen(abandoned("2", "2025550143", 31.5, "soporte"))[0]
    assert isinstance(again, c.CallbackOpened)
    assert (again.callback, again.times, again.waited_s, again.since, again.queue) == ("cb-e-1", 2, 71.5, first.since, "soporte")
    assert box.fold.counts("ventas").open == 0
    assert box.fold.counts("soporte").open == 1


@pytest.mark.parametrize("number", [None, "anonymous", "2040", "~k2345672ab"])
def test_who_told_no_number_is_counted_and_not_kept(number: str | None) -> None:
    box = Box()
    assert (box.happen(abandoned("1", number)), box.rules.withheld) == ([], 1)


def test_who_hung_up_at_once_is_not_called_back_unless_asked_for() -> None:
    assert Box().happen(abandoned("1", wait_s=5.0), abandoned("2", LUIS, 29.0, "lenta")) == []
    assert len(Box(short=True).happen(abandoned("1", wait_s=5.0), abandoned("2", LUIS, 29.0, "lenta"))) == 2


def test_queues_in_and_out() -> None:
    box = Box(queues=("ven*", "soporte"), without=("ventas-2",))
    told = box.happen(*(abandoned(str(n), f"+1202555010{n}", 40.0, q) for n, q in enumerate(("ventas", "ventas-2", "soporte", "otra"))))
    assert [one.queue for one in told] == ["ventas", "soporte"]


def test_who_gets_through_or_is_reached_is_done() -> None:
    box = Box()
    box.happen(abandoned("1"), abandoned("2", LUIS))
    assert box.happen(answered("3", "0012025550143", "otra")) == [
        c.CallbackClosed(callback="cb-e-1", reason="called_through", by="ana", call="3")
    ]
    attempt = c.CallAttempted(call="4", pbx="central", agent="eva", dialled="9" + LUIS[1:], command="c1", outcome="busy")
    assert box.happen(attempt) == []
    [done] = box.happen(c.CallAttempted(call="5", pbx="central", agent="eva", dialled="9" + LUIS[1:], command="c2", outcome="answered"))
    assert (done.reason, done.by, done.call) == ("reached", "eva", "5")
    assert box.open == {}
    assert box.happen(answered("6"), answered("7", LUIS)) == []


def test_a_call_that_an_agent_dialled_by_himself_is_told_by_call_records_and_lines() -> None:
    box = Box()
    second = box.happen(abandoned("1"), abandoned("2", LUIS))[1].callback
    assert box.happen(c.PbxRecord(pbx="norte", profile="p", direction="out", number=ANA, answered=False)) == []
    assert box.happen(c.PbxRecord(pbx="norte", profile="p", direction="in", number=ANA, duration_s=30)) == []
    [done] = box.happen(c.PbxRecord(pbx="norte", profile="p", direction="out", number=LUIS, duration_s=30))
    assert (done.callback, done.reason) == (second, "reached")
    assert box.happen(c.LineReleased(line="PJSIP/norte-1", pbx="norte")) == []
    [done] = box.happen(c.LineReleased(line="PJSIP/norte-2", pbx="norte", reached="90" + ANA[1:]))
    assert (done.callback, done.reason) == ("cb-e-1", "reached")


def test_who_left_unserved_counts_after_a_minute_unless_somebody_serves_him() -> None:
    box = Box()
    assert box.happen(left("1", "timeout"), left("2", "timeout", LUIS), left("3", "overflow", "+12025550145")) == []
    assert box.passed(30) == []
    box.happen(c.CallQueued(**call("1", ANA, "otra")))
    [one] = box.passed(40)
    assert (one.callback, one.number, one.waited_s) == ("cb-e-2", LUIS, 60.0)
    box.happen(left("5", "timeout"))
    box.happen(answered("6"))  # he redialled
    assert box.passed(100) == []


def test_a_clock_that_was_set_back_keeps_nobody_waiting() -> None:
    """Whoever left before the step left later than it is now: his minute is not an hour, nor that of those behind him."""
    box = Box()
    box.happen(left("1", "timeout"))
    box.now_ns -= 3600 * NS
    box.happen(left("2", "timeout", LUIS))
    assert [one.number for one in box.passed(10)] == [ANA]
    assert [one.number for one in box.passed(60)] == [LUIS]


def test_who_asks_for_it_is_called_where_he_wishes_and_that_weighs_most() -> None:
    box = Box(queues=("nada",))
    asked = c.CallCallbackRequested(**call("1", ANA, None), number="+12025550199")
    [one] = box.happen(asked)
    assert (one.why, one.number, one.times, one.queue) == ("requested", "+12025550199", 1, None)
    [again] = box.happen(left("1", "callback", wait_s=20.0))  # the same call: his wait, no second try
    assert (again.callback, again.times, again.waited_s, again.queue, again.number) == (one.callback, 1, 20.0, "ventas", one.number)
    assert box.happen(asked) == []
    assert box.fold.total().open == 1


def test_an_answer_that_is_too_low_is_told_once_and_opens_a_callback() -> None:
    box = Box(satisfaction=SatisfactionConfig(limit={"satisfaction": 3}))
    told = box.happen(survey("1", 1.0), survey("1", 1.0), survey("2", 3.0, LUIS), survey("3", 1.0, LUIS, "solved"))
    assert [type(one).__name__ for one in told] == ["CallDissatisfied", "CallbackOpened"]
    assert (told[0].score, told[0].limit, told[0].agent) == (1.0, 3.0, "ana")
    assert (told[1].why, told[1].times, told[1].queue) == ("survey", 0, "ventas")
    box.restart()
    assert box.happen(survey("1", 1.0)) == []
    [again] = box.happen(abandoned("4"))
    assert (again.why, again.times) == ("survey", 1)
    assert [type(one).__name__ for one in box.happen(survey("5", 1.0, None))] == ["CallDissatisfied"]


def test_given_up_when_old_or_too_many() -> None:
    box = Box(keep_days=1, max_open=2)
    box.happen(abandoned("1"))
    told = box.happen(abandoned("2", LUIS), abandoned("3", "+12025550145"))
    second, third = told[0].callback, told[1].callback
    assert told[-1] == c.CallbackClosed(callback="cb-e-1", reason="expired")
    box.passed(80_000)
    box.happen(abandoned("4", LUIS))  # his last try counts
    assert [one.callback for one in box.passed(10_000)] == [third]
    assert [one.callback for one in box.passed(80_000)] == [second]
    old = abandoned("5")
    assert box.rules.feed(99, old, box.now_ns - 90_000 * NS, box.now_ns) == []


def test_off() -> None:
    box = Box(enabled=False, satisfaction=SatisfactionConfig(limit={"satisfaction": 3}))
    assert [type(one).__name__ for one in box.happen(abandoned("1"), survey("2", 1.0))] == ["CallDissatisfied"]


def test_claims_stand_when_he_tries_again() -> None:
    box = Box()
    box.happen(abandoned("1"))
    box._told([c.CallbackClaimed(callback="cb-e-1", by="eva")], box.decided)
    box.happen(abandoned("2"))
    assert box.seen == [("cb-e-1", "abandoned", 2, 80.0, "ventas", "eva")]
    assert (box.fold.counts("ventas").open, box.fold.counts("ventas").claimed) == (1, 1)


def test_what_is_told_again_as_it_was_grows_no_younger() -> None:
    box = Box(keep_days=1)
    box.happen(abandoned("1"))
    box.passed(50_000)
    box._told([box.rules.open["cb-e-1"].told()], box.decided)
    assert [one.reason for one in box.passed(40_000)] == ["expired"]


def test_a_clock_that_was_not_set_dates_nobody() -> None:
    """What `since` says then is worth nothing: the moment of the row counts, which is dated anew once the clock is known."""
    fold = CallbackFold(CallbackBook(), lambda _queue: None)
    told = c.CallbackOpened(callback="cb-e-1", why="abandoned", number=ANA, since="1970-01-01T00:01:00Z")
    fold.opened(7, told, T0, unset=True)
    assert (fold.book.open["cb-e-1"].tried_ns, fold.total().oldest_since) == (T0, "2026-11-21T14:06:40.000Z")
    fold.opened(8, replace(told, times=2), T0 + 9 * NS, unset=True)
    one = fold.book.open["cb-e-1"]
    assert (one.since_ns, one.tried_ns, one.times) == (T0, T0 + 9 * NS, 2)


NUMBERS = st.sampled_from([ANA, LUIS, "2025550143", "+593991234567", "0991234567", None])
EVENTS = st.one_of(
    st.tuples(st.just("abandoned"), st.integers(0, 9), NUMBERS),
    st.tuples(st.just("left"), st.integers(0, 9), NUMBERS),
    st.tuples(st.just("queued"), st.integers(0, 9), NUMBERS),
    st.tuples(st.just("answered"), st.integers(0, 9), NUMBERS),
    st.tuples(st.just("requested"), st.integers(0, 9), NUMBERS),
    st.tuples(st.just("survey"), st.integers(0, 9), NUMBERS),
    st.tuples(st.just("reached"), st.integers(0, 9), NUMBERS),
    st.tuples(st.just("wait"), st.sampled_from([10, 61]), st.none()),
)


def _play(box: Box, what: str, name: int, number: str | None) -> None:
    """A visit ends once: each has an id of its own; a wish to be called back names none."""
    box.visits += 1
    visit = f"{name}.{box.visits}"
    made = {
        "abandoned": lambda: abandoned(f"{name}", number),
        "left": lambda: left(f"{name}", "timeout", number),
        "queued": lambda: c.CallQueued(**call(f"{name}", number)),
        "answered": lambda: answered(f"{name}", number),
        "requested": lambda: c.CallCallbackRequested(**call(f"{name}", number), number=number),
        "survey": lambda: survey(f"{name}", 1.0, number),
        "reached": lambda: c.CallAttempted(call=f"o{name}", pbx="central", dialled=number, command="c", outcome="answered"),
    }
    if what == "wait":
        box.passed(name)
    else:
        box.happen(replace(made[what](), visit=None if what in ("requested", "reached") else visit))


@given(st.lists(st.tuples(EVENTS, st.booleans()), max_size=40))
def test_a_restart_anywhere_changes_nothing(events: list[tuple[tuple[str, int, str | None], bool]]) -> None:
    limits = SatisfactionConfig(limit={"satisfaction": 3})
    whole, cut = Box(satisfaction=limits, max_open=3), Box(satisfaction=limits, max_open=3)
    for event, restart in events:
        _play(whole, *event)
        _play(cut, *event)
        if restart:
            cut.restart()
    assert cut.rows == whole.rows
    assert cut.seen == whole.seen
    counts = whole.fold.total()
    assert counts.open == len(whole.open) <= 3
    live = CallbackFold(whole.fold.book, lambda _queue: None)
    assert live.counts("ventas").open == sum(one.queue == "ventas" for one in whole.open.values())
