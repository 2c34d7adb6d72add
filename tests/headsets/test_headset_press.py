"""Which ones and zeros make a press, and what is a level after all: hook and mute on their own, fed by hand."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headsets.hook import Hook
from headsets.mute import Mute
from headsets.press import Presses
from headsets.quirks import TABLE, Quirk, quirk_of

MS = 1_000_000
NONE = Quirk()


def presses(on: str, *reports: tuple[float, int]) -> list[float]:
    button = Presses(on)  # type: ignore[arg-type]
    return [at_ms for at_ms, value in reports if button.feed(bool(value), round(at_ms * MS))]


def test_one_then_zero_is_one_press() -> None:
    assert presses("press", (0, 1), (0.1, 0), (400, 1), (400, 0)) == [0, 400]
    assert presses("release", (0, 1), (80, 0), (400, 1), (500, 0)) == [80, 500]


def test_the_same_press_again_within_5_ms_is_dropped() -> None:
    assert presses("press", (0, 1), (1, 0), (4, 1), (5, 0), (60, 1), (61, 0)) == [0, 60]
    assert presses("release", (0, 1), (1, 0), (4, 1), (5, 0)) == [1]


def test_a_button_held_down_is_one_press() -> None:
    assert presses("press", *((at, 1) for at in range(0, 1000, 20)), (1000, 0), (1200, 1)) == [0, 1200]


def test_a_device_that_never_sends_the_zero_is_still_heard() -> None:
    assert presses("press", (0, 1), (500, 1), (1500, 1)) == [0, 500, 1500]
    assert presses("press", (0, 1), (10, 0), (500, 1), (1500, 1), (1600, 0)) == [0, 500], "this one does send it: the button is down"


@given(st.lists(st.tuples(st.integers(0, 300), st.booleans()), max_size=60), st.sampled_from(["press", "release"]))
def test_never_more_presses_than_ones(reports: list[tuple[int, bool]], on: str) -> None:
    at, told = 0, []
    for gap, value in reports:
        at += gap
        told.append((at, value))
    made = presses(on, *told)
    assert len(made) <= sum(value for _, value in reports)
    assert all(later - earlier > 5 for earlier, later in pairwise(made)) or on == "release"


def test_hook_is_unknown_until_told_and_then_a_level() -> None:
    hook = Hook("level", NONE, own=False)
    assert hook.value == "unknown"
    hook.reported(False, 0)
    assert (hook.value, hook.by) == ("on", "level")
    assert hook.reported(True, 5000 * MS) == "off"
    assert (hook.value, hook.by) == ("off", "level")
    hook.forget()
    assert hook.value == "unknown"


def test_a_level_that_falls_at_once_is_a_button() -> None:
    """Plantronics: two reports within 50 ms (WICG/webhid #61)."""
    hook = Hook("level", NONE, own=False)
    hook.reported(True, 0)
    hook.reported(False, 50 * MS)
    assert (hook.mode, hook.value) == ("toggle", "unknown")
    hook.reported(True, 3000 * MS)
    hook.reported(False, 3050 * MS)
    assert hook.value == "unknown", "counted from what nobody knew"


@pytest.mark.parametrize("ticked", [True, False])
def test_a_level_whose_reports_came_late_and_close_together_is_a_level_after_all(ticked: bool) -> None:
    """It was lifted and hung up while the device was being opened: read at once afterwards, that looks like a button."""
    hook = Hook("level", NONE, own=False)
    hook.reported(True, 0)
    hook.reported(False, 50 * MS)
    assert hook.mode == "toggle"
    hook.reported(True, 3000 * MS)
    assert hook.due_ns == 5500 * MS
    if ticked:
        hook.tick(5499 * MS)
        assert hook.value == "unknown"
        assert hook.tick(5500 * MS) == "off"
        assert (hook.mode, hook.value, hook.by, hook.due_ns) == ("level", "off", "level", None)
    assert hook.reported(False, 60_000 * MS) == "on"
    assert (hook.mode, hook.value, hook.by) == ("level", "on", "level")


def test_a_button_stays_one_however_often_it_is_pressed() -> None:
    hook = Hook("level", NONE, own=False)
    for at_ms in range(0, 60_000, 3000):
        hook.reported(True, at_ms * MS)
        hook.tick((at_ms + 40) * MS)
        hook.reported(False, (at_ms + 80) * MS)
        hook.tick((at_ms + 2900) * MS)
    assert (hook.mode, hook.due_ns) == ("toggle", None)


def test_a_level_that_falls_by_the_hosts_dark_lamp_is_no_button() -> None:
    """It was lifted while the host's first report was on its way: the device takes that for the answer."""
    hook = Hook("level", NONE, own=True)
    hook.wrote(False, 10_000 * MS)
    assert hook.reported(True, 10_003 * MS) == "off"
    assert hook.reported(False, 10_004 * MS) == "on"
    assert (hook.mode, hook.value) == ("level", "on")
    hook.wrote(False, 10_006 * MS)
    hook.reported(True, 11_000 * MS)
    hook.wrote(True, 11_002 * MS)
    hook.reported(False, 12_000 * MS)
    assert (hook.mode, hook.value) == ("level", "on")


def test_a_button_that_falls_while_the_lamp_is_lit_is_one_all_the_same() -> None:
    hook = Hook("level", NONE, own=True)
    hook.wrote(False, 10_000 * MS)
    hook.reported(True, 10_003 * MS)
    hook.wrote(True, 10_005 * MS)
    hook.reported(False, 10_053 * MS)
    assert (hook.mode, hook.value) == ("toggle", "off")


@pytest.mark.parametrize(("held_ms", "value"), [(60, "off"), (1000, "unknown")])
def test_what_may_have_been_a_level_after_all_is_not_known_when_it_falls(held_ms: int, value: str) -> None:
    """Down for longer than a press and shorter than any call: a finger, or somebody who hung up at once."""
    hook = Hook("level", NONE, own=True)
    hook.reported(True, 0)
    hook.reported(False, 50 * MS)
    hook.wrote(False, 60 * MS)
    hook.reported(True, 3000 * MS)
    hook.wrote(True, 3002 * MS)
    hook.reported(False, (3000 + held_ms) * MS)
    assert (hook.mode, hook.value) == ("toggle", value)


def test_a_button_of_a_known_state_is_counted() -> None:
    hook = Hook("level", NONE, own=False)
    hook.reported(False, 0)
    hook.reported(True, 1000 * MS)
    hook.reported(False, 1050 * MS)
    assert (hook.mode, hook.value, hook.by) == ("toggle", "off", "toggle")


def test_watching_sees_a_press_that_nobody_answered() -> None:
    """Jabra Engage 50: hook 1, and 0 about 2000 ms later."""
    hook = Hook("level", quirk_of("0b0e", "4052"), own=False)
    hook.reported(True, 0)
    assert hook.value == "off"
    hook.reported(False, 2010 * MS)
    assert (hook.value, hook.by, hook.unanswered) == ("on", "level", 1)
    hook.reported(True, 5000 * MS)
    hook.reported(False, 65_000 * MS)
    assert hook.unanswered == 1


def test_an_echo_is_no_press_and_confirms() -> None:
    hook = Hook("level", NONE, own=True)
    hook.wrote(False, 0)
    assert hook.value == "unknown", "a dark lamp before any call tells nothing"
    hook.wrote(True, 1000 * MS)
    assert (hook.value, hook.by) == ("off", "host")
    assert hook.reported(True, 1040 * MS) is None
    assert (hook.value, hook.by) == ("off", "level")
    assert hook.reported(False, 9000 * MS) == "on"


def test_a_move_right_after_a_write_is_asked_when_it_has_settled() -> None:
    hook = Hook("level", NONE, own=True)
    hook.wrote(True, 0)
    assert hook.reported(True, 20 * MS) is None
    assert hook.reported(False, 300 * MS) is None
    assert hook.value == "on", "the level is the level"
    assert hook.due_ns == 500 * MS
    assert hook.tick(500 * MS) == "on"
    hook.wrote(False, 501 * MS)
    assert hook.due_ns is None


def test_a_level_that_contradicts_the_host_without_having_moved_is_nothing_known() -> None:
    hook = Hook("level", NONE, own=True)
    hook.wrote(True, 0)
    assert hook.reported(False, 3000 * MS, alone=False) is None  # with a press of mute: the device's bit may never have moved
    assert hook.value == "unknown"


@pytest.mark.parametrize("told_before", [False, True])
def test_a_device_that_does_not_echo_is_heard_all_the_same(told_before: bool) -> None:
    hook = Hook("level", NONE, own=True)
    if told_before:
        hook.reported(False, 0)
    hook.wrote(True, 1000 * MS)
    assert hook.reported(False, 9000 * MS, alone=True) == "on"
    assert (hook.value, hook.by) == ("on", "level")


def test_a_device_that_repeats_itself_against_the_host_asks_nothing() -> None:
    hook = Hook("level", NONE, own=True)
    hook.reported(False, 0)
    hook.wrote(True, 1000 * MS)
    assert [hook.reported(False, at * MS) for at in range(1100, 3000, 100)] == [None] * 19
    assert hook.value == "unknown"


def test_a_hook_press_that_our_host_could_not_answer() -> None:
    hook = Hook("level", NONE, own=True)
    hook.reported(True, 0)
    assert hook.due_ns == 2000 * MS
    hook.tick(2000 * MS)
    assert (hook.value, hook.unanswered) == ("unknown", 1)


def test_without_a_hook_switch_nothing_is_ever_said() -> None:
    hook = Hook(None, quirk_of("0b0e", "8120"), own=False)
    assert hook.mode is None
    assert hook.reported(True, 0) is None
    assert hook.value == "unknown"


def test_mute_counted_in_watch_mode_needs_a_beginning() -> None:
    mute = Mute("toggle", quirk_of("0b0e", "0307"), own=False)
    mute.reported(True, 0)
    mute.reported(False, MS)
    assert mute.value is None
    mute.counted_from(False)
    assert (mute.value, mute.by) == (False, "toggle")
    mute.reported(True, 1000 * MS)
    assert (mute.value, mute.by) == (True, "toggle")


@pytest.mark.parametrize(("held_ms", "value", "unanswered"), [(80, True, 0), (2000, False, 1), (4000, None, 0)])
def test_watching_a_mute_that_the_device_gives_up(held_ms: int, value: bool | None, unanswered: int) -> None:
    mute = Mute("toggle", quirk_of("0b0e", "0307"), own=False)
    mute.counted_from(False)
    mute.reported(True, 0)
    assert mute.value is True
    mute.reported(False, held_ms * MS)
    assert (mute.value, mute.unanswered) == (value, unanswered)


def test_own_mute_is_what_the_device_took() -> None:
    mute = Mute("toggle", NONE, own=True)
    mute.wrote(False, 0, in_call=False)
    assert mute.value is None
    mute.wrote(False, 100 * MS, in_call=True)
    assert (mute.value, mute.by) == (False, "host")
    assert mute.reported(True, 5000 * MS) is True
    assert mute.value is False, "asked, not done"
    mute.wrote(True, 5001 * MS, in_call=True)
    assert (mute.value, mute.by) == (True, "host")
    assert mute.reported(False, 5002 * MS) is None


@pytest.mark.parametrize(("quirk", "value"), [(quirk_of("0b0e", "0307"), False), (NONE, None)])
def test_a_mute_press_that_our_host_could_not_answer(quirk: Quirk, value: bool | None) -> None:
    """A model of which it is known that it falls back has fallen back; of another nobody knows."""
    mute = Mute("toggle", quirk, own=True)
    mute.wrote(False, 0, in_call=True)
    mute.reported(True, 5000 * MS)
    mute.tick(6999 * MS)
    assert mute.unanswered == 0
    mute.tick(7000 * MS)
    assert (mute.value, mute.unanswered) == (value, 1)


def test_a_boom_arm_that_is_up_refuses_to_be_unmuted() -> None:
    mute = Mute("toggle", NONE, own=True)
    mute.wrote(True, 0, in_call=True)
    for at_ms in (10_000, 20_000):
        mute.wrote(False, at_ms * MS, in_call=True)
        answer = mute.reported(True, (at_ms + 60) * MS)
        mute.reported(False, (at_ms + 61) * MS)
        assert answer is True
        mute.wrote(True, (at_ms + 62) * MS, in_call=True)
    assert mute.locked
    assert mute.value is True
    assert mute.reported(True, 30_000 * MS) is False, "the arm comes down: a press of its own"
    assert not mute.locked


def test_two_programs_on_one_button_leave_nothing_known() -> None:
    mute = Mute("toggle", NONE, own=True)
    mute.wrote(False, 0, in_call=True)
    at, answers = 5000 * MS, []
    for _ in range(8):
        answers.append(mute.reported(True, at))
        mute.reported(False, at + MS)
        mute.wrote(bool(answers[-1]), at + 2 * MS, in_call=True)
        at += 200 * MS
    assert mute.value is None
    assert answers[-1] == answers[-2] == answers[-3], "the host no longer goes along"
    mute.wrote(False, at + 10_000 * MS, in_call=True)
    assert mute.value is False


def test_a_level_mute_is_told_and_mirrored() -> None:
    mute = Mute("toggle", quirk_of("18d1", "8001"), own=True)
    assert mute.mode == "level"
    assert mute.reported(True, 0) is True
    assert (mute.value, mute.by) == (True, "level")
    assert mute.reported(True, 100 * MS) is None
    mute.wrote(True, 101 * MS, in_call=True)
    assert mute.by == "level"
    assert mute.reported(False, 9000 * MS) is False
    assert mute.value is False


def test_a_headset_that_mutes_by_itself_is_never_answered() -> None:
    mute = Mute("toggle", quirk_of("046d", "0aee"), own=True)
    mute.counted_from(False)
    assert mute.reported(True, 0) is None
    mute.wrote(False, MS, in_call=True)
    assert (mute.value, mute.by) == (True, "toggle")


def test_every_row_of_the_quirk_table_names_its_source_and_fits() -> None:
    for row in TABLE:
        assert len(row.source) > 10
        assert row.differs, row
        for product in row.product_ids or {"ffff"}:
            assert len(row.vendor_id) == len(product) == 4
            found = quirk_of(row.vendor_id.upper(), product.upper())
            assert row.source in found.sources
            assert 0.5 <= found.patience_s <= 10
    assert quirk_of("1234", "0001") == Quirk()
    assert quirk_of(None, None) == Quirk()


def test_models_of_the_public_profiles() -> None:
    assert quirk_of("0b0e", "0520").mute == "level"
    assert quirk_of("0b0e", "0910").mute_led == "microphone"
    assert (quirk_of("1395", "0035").hook_on, quirk_of("1395", "0035").mute_on) == ("release", "release")
    assert quirk_of("1395", "0082").mute_on == "press", "newer models send 1 then 0 as everybody"
    assert quirk_of("047f", "da45").mute == "level"
    assert quirk_of("046d", "0a46").hook == "toggle"
