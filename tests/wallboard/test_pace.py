"""How fast patches follow one another: at once when it is quiet, gathered in a flood, never starved."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.core.clock import NS
from wallboard.stream.pace import BURST, LEAST_PER_S, MOST_PER_S, Pace, patches_per_s

MS = NS // 1000


def patches(pace: Pace, followers: int, changes_ns: list[int]) -> list[tuple[int, int]]:
    """What a loop sends that rests as it is told: (when, of which change at the latest), for sorted changes."""
    out: list[tuple[int, int]] = []
    now_ns = 0
    for change_ns in changes_ns:
        if out and change_ns <= out[-1][0]:
            continue  # rode along
        now_ns = max(now_ns, change_ns)
        pace.sent(now_ns, followers)
        out.append((now_ns, change_ns))
        now_ns += round(pace.rest_s(now_ns, followers) * NS)
    return out


def test_fifty_changes_a_second_go_out_one_by_one_to_a_few_boards() -> None:
    pace = Pace()
    for number in range(500):
        assert pace.rest_s(number * 20 * MS, 3) == 0
        pace.sent(number * 20 * MS, 3)


def test_a_flood_is_gathered_to_what_a_screen_shows() -> None:
    changes_ns = [number * 2 * MS for number in range(5000)]  # 500 a second for ten seconds
    for followers in (1, 10, 20, 50, 250):
        sent = patches(Pace(), followers, changes_ns)
        per_s = patches_per_s(followers)
        assert LEAST_PER_S <= per_s <= MOST_PER_S
        assert len(sent) <= per_s * 10 + BURST + 1
        assert len(sent) >= per_s * 10 * 0.85
        assert max(at - change for at, change in sent) <= NS / per_s + MS


def test_after_a_flood_the_first_change_goes_at_once() -> None:
    pace = Pace()
    patches(pace, 50, [number * MS for number in range(1000)])
    assert pace.rest_s(2 * NS, 50) == 0


@given(st.lists(st.integers(0, 40 * MS), max_size=300), st.integers(1, 250))
def test_no_change_waits_longer_than_one_interval(gaps_ns: list[int], followers: int) -> None:
    now_ns, changes_ns = 0, []
    for gap_ns in gaps_ns:
        now_ns += gap_ns
        changes_ns.append(now_ns)
    for at, change in patches(Pace(), followers, changes_ns):
        assert at - change <= NS / patches_per_s(followers) + 1000
