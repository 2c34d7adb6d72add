"""Lamps in time, by a clock moved by hand: rhythms, what is played over a show, silence of the boards, and no wake-up without need."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallboard.beacon.pattern import DARK, DOUBLE, FLASH, PATTERNS, SINGLE, STEADY, TRIPLE, Pattern, beeps, lit_at, once
from wallboard.beacon.step import HEARTBEAT_S, Stepper

LAMPS = ("green", "amber", "red", "blue", "buzzer")


def stepper(heartbeat_s: float = 1e9) -> Stepper:
    return Stepper(LAMPS, {"amber": STEADY}, 0.0, heartbeat_s)


def edges(pattern: Pattern, until_s: float) -> list[tuple[float, bool]]:
    """When it is lit and dark, walked as the thread walks it: from one wait to the next."""
    at_s, seen = 0.0, []
    while at_s <= until_s:
        lit, wait_s = lit_at(pattern, at_s)
        if not seen or seen[-1][1] != lit:
            seen.append((round(at_s, 3), lit))
        if wait_s is None:
            break
        at_s += wait_s
    return seen


@pytest.mark.parametrize(
    ("pattern", "seen"),
    [
        (STEADY, [(0.0, True)]),
        (DARK, [(0.0, False)]),
        (
            FLASH,
            [(0.0, True), (0.25, False), (0.5, True), (0.75, False), (1.0, True), (1.25, False), (1.5, True), (1.75, False), (2.0, True)],
        ),
        (SINGLE, [(0.0, True), (0.2, False), (2.0, True)]),
        (DOUBLE, [(0.0, True), (0.2, False), (0.4, True), (0.6, False), (2.0, True)]),
        (TRIPLE, [(0.0, True), (0.2, False), (0.4, True), (0.6, False), (0.8, True), (1.0, False), (2.0, True)]),
        (beeps(1), [(0.0, True), (0.2, False)]),
        (beeps(3), [(0.0, True), (0.2, False), (0.4, True), (0.6, False), (0.8, True), (1.0, False)]),
        (once(0.6, 0.6), [(0.0, False), (0.6, True), (1.2, False)]),
        (once(0, 0.6), [(0.0, True), (0.6, False)]),
    ],
)
def test_each_rhythm(pattern: Pattern, seen: list[tuple[float, bool]]) -> None:
    assert edges(pattern, 2.0) == seen


def test_never_more_than_three_beeps() -> None:
    assert [beeps(count).times for count in (-1, 0, 1, 2, 3, 4, 99)] == [1, 1, 1, 2, 3, 3, 3]


@given(st.sampled_from(sorted(PATTERNS)), st.floats(0, 1e8))
def test_a_wait_always_leads_onwards_and_no_rounding_adds_up(name: str, ran_s: float) -> None:
    lit, wait_s = lit_at(PATTERNS[name], ran_s)
    assert lit in (True, False)
    if wait_s is not None:
        assert 0 < wait_s <= 2.0


def test_steady_lamps_ask_for_no_wake_up() -> None:
    lamps = stepper()
    lamps.tell({"green": STEADY}, 0.0)
    lit, wait_s = lamps.step(5.0)
    assert (lit["green"], lit["red"], wait_s) == (True, False, 1e9 - 5.0)
    assert not lamps.tell({"green": STEADY}, 6.0), "the same show again wakes nobody"


def test_a_pattern_that_goes_on_keeps_its_rhythm() -> None:
    lamps = stepper()
    lamps.tell({"red": FLASH}, 0.1)
    assert lamps.step(0.3)[0]["red"] is True
    lamps.tell({"red": FLASH, "blue": SINGLE}, 0.3)
    assert lamps.step(0.4)[0]["red"] is False
    assert lamps.step(0.4)[0]["blue"] is True


def test_what_is_played_ends_by_itself_and_the_show_is_there_again() -> None:
    lamps = stepper()
    lamps.tell({"green": STEADY}, 0.0)
    lamps.play("green", DARK, 1.0, 4.0)
    lamps.play("buzzer", beeps(2), 1.0)
    assert lamps.step(1.0)[0] == {"green": False, "amber": False, "red": False, "blue": False, "buzzer": True}
    assert lamps.step(3.99)[0] == {"green": False, "amber": False, "red": False, "blue": False, "buzzer": False}
    assert lamps.step(3.99)[1] == pytest.approx(0.01)
    assert lamps.step(4.0)[0]["green"] is True


def test_what_is_played_can_be_stopped_and_needs_an_end() -> None:
    lamps = stepper()
    lamps.play("buzzer", STEADY, 0.0, 600.0)
    assert lamps.step(1.0)[0]["buzzer"] is True
    lamps.stop("buzzer")
    assert lamps.step(1.0)[0]["buzzer"] is False
    lamps.play("buzzer", STEADY, 2.0)
    assert lamps.step(2.0)[0]["buzzer"] is False, "a pattern without an end is not played for ever"
    lamps.play("siren", STEADY, 2.0, 3.0)
    assert "siren" not in lamps.step(2.0)[0]


def test_without_a_word_for_long_the_safe_state_stands_and_heals() -> None:
    lamps = Stepper(LAMPS, {"amber": STEADY}, 0.0)
    lamps.tell({"green": STEADY}, 1.0)
    lamps.play("buzzer", STEADY, 1.0, 1000.0)
    lit, wait_s = lamps.step(2.0)
    assert (lit["green"], wait_s) == (True, pytest.approx(HEARTBEAT_S - 1.0))
    lit, wait_s = lamps.step(1.0 + HEARTBEAT_S)
    assert lit == {"green": False, "amber": True, "red": False, "blue": False, "buzzer": False}
    assert lamps.lost
    assert wait_s is None, "lost and steady: nothing to wake for"
    assert lamps.tell({"green": STEADY}, 30.0)
    assert lamps.step(30.0)[0]["green"] is True


@given(st.sampled_from(sorted(PATTERNS)), st.floats(0, 1e5), st.floats(0, 0.999))
def test_nothing_changes_before_the_wait_is_over(name: str, ran_s: float, share: float) -> None:
    """Whoever sleeps for as long as he was told misses no switching; a microsecond is the grain."""
    lit, wait_s = lit_at(PATTERNS[name], ran_s)
    if wait_s is None:
        assert lit_at(PATTERNS[name], ran_s + 1e6 * share)[0] == lit
    elif wait_s > 1e-5:
        assert lit_at(PATTERNS[name], ran_s + (wait_s - 2e-6) * share)[0] == lit
