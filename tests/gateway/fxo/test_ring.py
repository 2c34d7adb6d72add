"""Ring senses by their edges: bells of every country, and what is none; a loop sense that flutters while the bell rings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fxo.country import COUNTRIES, ring_ms
from gateway.fxo.ring import MS, Burst, RingJudge, Steady


def pulses(cadence_ms: tuple[int, ...], rounds: int, per_s: float) -> list[int]:
    """The moments of rising edges."""
    out, at = [], 1000.0
    for _ in range(rounds):
        for on, off in zip(cadence_ms[::2], cadence_ms[1::2], strict=True):
            out += [int((at + step * 1000 / per_s) * MS) for step in range(int(on * per_s / 1000))]
            at += on + off
    return out


def judged(edges: list[int]) -> list[Burst]:
    judge, out = RingJudge(), []
    for at in edges:
        out += judge.edge(at)
    return out + (judge.tick(edges[-1] + 1000 * MS) if edges else [])


@pytest.mark.parametrize("country", sorted(COUNTRIES))
@pytest.mark.parametrize("per_s", [20, 25, 40, 50])
def test_a_bell_of_every_country_is_heard_whole(country: str, per_s: int) -> None:
    cadence = ring_ms(country)
    bursts = judged(pulses(cadence, 3, per_s))
    began = [burst for burst in bursts if burst.on]
    assert [burst.on for burst in bursts] == [True, False] * len(began)
    # Britain's two short bursts are 200 ms apart: one or two, as the pulses fall.
    assert len(began) in ({3} if len(cadence) == 2 else {3, 4, 5, 6})
    assert began[0].at_ns == 1000 * MS
    assert bursts[1].at_ns - began[0].at_ns >= (cadence[0] - 2 * 1000 // per_s) * MS


def test_what_is_no_bell() -> None:
    assert judged([1000 * MS, 1004 * MS, 5000 * MS]) == []  # a hook switch
    assert judged([at * 100 * MS for at in range(1, 60)]) == []  # a pulse dial
    assert judged([1000 * MS + at * 40 * MS for at in range(6)]) == []  # 200 ms of ringing voltage
    assert judged([at * 5 * MS for at in range(1, 400)]) == []  # hum, and a loose wire
    assert judged([]) == []


def test_noise_within_a_burst_ends_it_and_is_counted() -> None:
    judge, at = RingJudge(), 0
    for at in range(0, 1000 * MS, 40 * MS):
        judge.edge(at)
    assert judge.on
    assert judge.due_ns is not None
    out = [burst for step in range(200) for burst in judge.edge(at + step * MS)]
    assert [burst.on for burst in out] == [False]
    assert judge.noise >= 1


@given(st.lists(st.integers(0, 400 * MS), max_size=300))
def test_any_edges(gaps: list[int]) -> None:
    judge, now, out = RingJudge(), 0, []
    for gap in gaps:
        now += gap
        out += judge.edge(now)
    out += judge.tick(now + 1000 * MS)
    assert judge.due_ns is None
    assert [burst.on for burst in out] == [True, False] * (len(out) // 2)
    moments = [burst.at_ns for burst in out]
    assert moments == sorted(moments)


def test_a_level_counts_once_it_has_held() -> None:
    steady = Steady()
    assert steady.level is None
    for at in range(0, 2000, 25):  # the bell, seen by the loop sense
        assert not steady.edge(at % 50 == 0, at * MS)
    assert not steady.edge(True, 2000 * MS)
    assert steady.due_ns == 2064 * MS
    assert steady.tick(2064 * MS)
    assert steady.level is True
    assert steady.due_ns is None
    assert not steady.edge(False, 3000 * MS)
    assert steady.edge(True, 3100 * MS)  # it had held, and nobody had looked
    assert steady.level is False
