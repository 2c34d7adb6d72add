"""Those who are served first: known before they join or while they wait, counted while they wait, in every sum."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.catalogue import CallMatched
from appliance.core.config import Config
from appliance.floor.floor import Floor, bytes_from_state, state_from_bytes


def matched(visit: str, *, vip: bool = True) -> CallMatched:
    return CallMatched(call=f"c-{visit}", pbx="p", caller="0991234567", customer="k-1", segment="oro", vip=vip)


def waiting_vips(day, queue: str = "ventas") -> int:
    return len(day.floor.visits.vip_waiting(day.floor.state.queues[queue]))


def test_a_match_before_the_queue_or_while_waiting_marks_the_visit(day) -> None:
    day.tell(0, matched("a"))
    day.queued(1, "a")
    day.queued(2, "b")
    assert waiting_vips(day) == 1
    day.floor.dirty.clear()
    day.tell(3, matched("b"))
    assert waiting_vips(day) == 2
    assert "queues/ventas" in day.floor.dirty
    day.queued(4, "c")
    day.tell(5, matched("c", vip=False))
    assert waiting_vips(day) == 2


def test_whoever_is_answered_or_gives_up_waits_no_more(day) -> None:
    for number, visit in enumerate(("a", "b", "c")):
        day.tell(number, matched(visit))
        day.queued(number, visit)
    day.answered(10, "a", 10)
    day.abandoned(11, "b", 10)
    day.lost(12, "c")
    assert waiting_vips(day) == 0


def test_he_is_served_first_in_the_next_queue_too(day) -> None:
    day.tell(0, matched("a"))
    day.queued(0, "a")
    day.left(5, "a", 5, "overflow")
    day.queued(6, "a2", "soporte", uniqueid="1")
    assert waiting_vips(day, "soporte") == 0, "another call"
    day.tell(7, matched("a2"))
    assert waiting_vips(day, "soporte") == 1


def test_the_calls_remembered_are_bounded(day) -> None:
    for number in range(2_100):
        day.tell(0, matched(f"v{number}"))
    assert len(day.floor.state.vips) == 2_000
    assert "c-v2099" in day.floor.state.vips


STEP = st.tuples(st.sampled_from(["queue", "match", "answer", "abandon"]), st.integers(0, 8), st.booleans())


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(STEP, max_size=40), cut=st.integers(0, 40))
def test_in_any_order_it_is_what_was_matched_and_the_cache_says_the_same(make_day_class, steps, cut: int) -> None:
    day = make_day_class()
    vips: set[str] = set()
    for at, (what, number, other) in enumerate(steps):
        visit = f"v{number}"
        match what:
            case "queue":
                day.queued(at, visit, "soporte" if other else "ventas")
            case "match":
                day.tell(at, matched(visit, vip=other))
                if other:
                    vips.add(f"c-{visit}")
            case "answer":
                day.answered(at, visit, 1)
            case _:
                day.abandoned(at, visit, 1)
    state = day.floor.state
    for queue in state.queues.values():
        waiting = [state.visits[key] for key in queue.waiting]
        assert len(day.floor.visits.vip_waiting(queue)) == sum(visit.call in vips for visit in waiting)
    state.epoch = "e"
    half = Floor(Config())
    half.state.epoch = "e"
    for seq, event in enumerate(day.events[:cut], 1):
        half.apply(seq, event)
    cached = state_from_bytes(bytes_from_state(half.state), Config(), "e")
    assert cached is not None
    resumed = Floor(Config(), cached)
    for seq, event in enumerate(day.events[cut:], cut + 1):
        resumed.apply(seq, event)
    assert bytes_from_state(resumed.state) == bytes_from_state(state)


def test_without_a_directory_nobody_knows_and_with_one_nobody_waits(day) -> None:
    day.queued(0, "a")
    assert day.queue(1).vip_waiting is None
    day.floor.has_directory = True
    assert (day.queue(1).vip_waiting, day.queue(1).vip_longest_since) == (0, None)
    day.tell(2, matched("a"))
    day.floor.has_directory = False
    queue = day.queue(3)
    assert (queue.vip_waiting, queue.vip_longest_since) == (1, queue.longest_since), "who was found is there, whatever became of the file"
