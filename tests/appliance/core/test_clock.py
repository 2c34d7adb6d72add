"""The clocks: what they promise, and how wall time is written and read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.clock import EARLIEST_WALL_NS, NS, ManualClock, SystemClock, rfc3339, wall_ns_from_rfc3339


def test_system_clock_runs() -> None:
    clock = SystemClock()
    first = clock.mono_ns()
    assert clock.mono_ns() >= first
    assert clock.wall_ns() > EARLIEST_WALL_NS
    assert clock.quality() in {"synced", "holdover"}


def test_boot_is_the_same_for_every_process_of_it() -> None:
    assert SystemClock().boot == SystemClock().boot
    assert SystemClock().boot


def test_manual_clock_stands_still() -> None:
    clock = ManualClock()
    assert (clock.wall_ns(), clock.mono_ns()) == (clock.wall_ns(), clock.mono_ns())


def test_advance_moves_both() -> None:
    clock = ManualClock(wall_ns=10 * NS, mono_ns=3 * NS)
    clock.advance(1.5)
    assert (clock.wall_ns(), clock.mono_ns()) == (11_500_000_000, 4_500_000_000)


def test_step_moves_the_wall_alone() -> None:
    clock = ManualClock(wall_ns=7200 * NS, mono_ns=3 * NS, quality="unset")
    clock.step_wall(-3600, "synced")
    assert (clock.wall_ns(), clock.mono_ns(), clock.quality()) == (3600 * NS, 3 * NS, "synced")
    clock.step_wall(1)
    assert clock.quality() == "synced"


def test_reboot_begins_monotonic_time_again() -> None:
    clock = ManualClock(mono_ns=1000 * NS)
    clock.reboot("second")
    assert clock.boot == "second"
    assert clock.mono_ns() < 1000 * NS


#: From 1970 to the year 9999, the end of what RFC 3339 can write.
_MILLISECONDS = st.integers(min_value=0, max_value=253_402_300_799_999)


@given(_MILLISECONDS)
def test_wall_time_round_trip(milliseconds: int) -> None:
    assert wall_ns_from_rfc3339(rfc3339(milliseconds * 1_000_000)) == milliseconds * 1_000_000


@given(a=_MILLISECONDS, b=_MILLISECONDS)
def test_written_times_sort_as_they_are(a: int, b: int) -> None:
    assert (rfc3339(a * 1_000_000) < rfc3339(b * 1_000_000)) == (a < b)


def test_rest_of_a_millisecond_is_cut_not_rounded() -> None:
    """Rounding could write a second that has not come."""
    assert rfc3339(1_795_270_000_999_999_999) == "2026-11-21T14:06:40.999Z"


def test_offset_is_honoured() -> None:
    assert wall_ns_from_rfc3339("2026-11-21T09:06:40-05:00") == wall_ns_from_rfc3339("2026-11-21T14:06:40Z")


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-21", "2026-11-21T14:06:40", "14:06", "2026-13-01T00:00:00Z"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        wall_ns_from_rfc3339(text)
