"""Whatever a headset sends and whenever: nothing raises, nothing runs away, and nothing is known that no report and no write told.

In the quick suite a few hundred plays; a hundred thousand with `pytest --hypothesis-profile=hundred-thousand tests/headsets/test_headset_fuzz.py`.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seat_play import ACTS, DEVICES, SHAPES, Play, descriptors, layout_from

from headsets.host import LOST_NS, OBEY_NS, RETRY_NS, SLOW_RETRY_NS
from headsets.seat import Device

MS = 1_000_000
PLAYS: dict[str, Any] = {
    "hold": st.sampled_from(["own", "own", "watch"]),
    "device": st.sampled_from(DEVICES),
    "acts": ACTS,
    "answer": st.booleans(),
    "hang_up": st.booleans(),
}


def played(hold: str, device: Device, raw: bytes, acts: list[tuple[str, int, int]], answer: bool, hang_up: bool) -> Play:
    play = Play(hold, device, layout_from(raw), answer=answer, hang_up=hang_up)
    play.on_plugged(0)
    for verb, number, gap_ms in acts:
        play.act(verb, number, gap_ms)
    return play


@given(raw=st.sampled_from(SHAPES), **PLAYS)
def test_nothing_is_known_without_a_ground(
    raw: bytes, hold: str, device: Device, acts: list[tuple[str, int, int]], answer: bool, hang_up: bool
) -> None:
    play = played(hold, device, raw, acts, answer, hang_up)
    assert play.events <= 3 * (play.acts + 1) + play.writes * 3
    # A write is asked for by something that happened, or is one more try of one that failed or was lost.
    tries = 2 + (play.now - play.began) // min(RETRY_NS, LOST_NS, OBEY_NS, SLOW_RETRY_NS)
    assert play.writes <= 2 * (play.acts + 1) + tries


@given(raw=descriptors(), **PLAYS)
def test_any_layout_is_played(raw: bytes, hold: str, device: Device, acts: list[tuple[str, int, int]], answer: bool, hang_up: bool) -> None:
    played(hold, device, raw, acts, answer, hang_up)


@given(raw=st.sampled_from(SHAPES), **PLAYS)
def test_left_alone_it_comes_to_rest(
    raw: bytes, hold: str, device: Device, acts: list[tuple[str, int, int]], answer: bool, hang_up: bool
) -> None:
    """When nobody touches it and it takes what it is sent, nothing is due any more after a while, and nothing is left to write."""
    play = played(hold, device, raw, acts, answer, hang_up)
    for _ in range(40):
        play.on_took()
        play.wait(500)
    while play.flying:
        play.on_took()
    writes = play.writes
    play.wait(60_000)
    assert (play.seat.due_ns, play.writes, play.flying) == (None, writes, None)


@pytest.mark.parametrize("hold", ["own", "watch"])
@given(device=st.sampled_from(DEVICES), raw=st.sampled_from(SHAPES), acts=ACTS)
def test_a_device_that_takes_nothing_is_asked_ever_more_rarely(
    hold: str, device: Device, raw: bytes, acts: list[tuple[str, int, int]]
) -> None:
    """It refuses each write at once, for ten minutes: a try in five seconds is enough, and one fault is told."""
    play = played(hold, device, raw, acts, True, True)
    play.wait(20_000)
    writes, events = play.writes, play.events
    for _ in range(600):
        play.on_refused(0)
        play.wait(1000)
    assert play.writes - writes <= 600_000 * MS // SLOW_RETRY_NS + 5
    assert play.events - events <= 4
