"""The link to the CRM at a rig: a cable that is pulled, a broker that is killed, and a clock that is set."""

from __future__ import annotations

import pytest
from rig_bench import Bench

pytestmark = [pytest.mark.rig, pytest.mark.broker]


@pytest.mark.slow
@pytest.mark.wires("crm", "line1", "tower", "tv")
def test_the_broker_is_cut_and_nothing_is_lost_or_doubled(bench: Bench) -> None:
    """Cut, the backlog grows and the boards say so; back, it drains in order."""
    cut = bench.do("broker/cut")
    bench.sees(cut, "tv/floor", lambda floor: '"crm":{"state":"down"' in floor)
    bench.sees(cut, "lamps/tower/blue", bool)
    rings = bench.do("lines/line1/ring")
    bench.event(rings, "line.ringing", lane="journal/last", line="line1")
    bench.until("journal/backlog", lambda backlog: backlog >= 2)
    count = bench.value("mqtt/count")
    bench.do("lines/line1/off-hook")
    bench.do("lines/line1/on-hook")
    bench.stays("mqtt/count", 1.0)
    assert bench.value("mqtt/count") == count
    back = bench.do("broker/restore")
    bench.sees(back, "journal/backlog", lambda backlog: backlog == 0, within_s=30)
    bench.until("mqtt/count", lambda _: bench.value("mqtt/count") == bench.value("journal/recorded"), within_s=30)
    assert (bench.value("mqtt/doubles"), bench.value("mqtt/missing")) == (0, 0)
    bench.sees(back, "tv/floor", lambda floor: '"crm":{"state":"up"' in floor, within_s=30)


@pytest.mark.slow
@pytest.mark.wires("crm", "line1")
def test_a_killed_broker_costs_nothing(bench: Bench) -> None:
    """The broker forgets everything it kept; what the box recorded meanwhile is there all the same, in order, none missing."""
    bench.do("broker/kill")
    bench.until("tv/floor", lambda floor: '"crm":{"state":"down"' in floor, within_s=30)
    bench.do("lines/line1/ring")
    bench.do("lines/line1/off-hook")
    bench.do("lines/line1/on-hook")
    bench.until("journal/backlog", lambda backlog: backlog >= 4)
    back = bench.do("broker/start")
    bench.sees(back, "journal/backlog", lambda backlog: backlog == 0, within_s=30)
    bench.until("mqtt/count", lambda _: bench.value("mqtt/count") == bench.value("journal/recorded"), within_s=30)
    assert bench.value("mqtt/missing") == 0


@pytest.mark.slow
@pytest.mark.wires("line1", "crm", "tv")
@pytest.mark.parametrize("seconds", [7200.0, -7200.0])
def test_a_clock_that_is_set_changes_no_duration(bench: Bench, seconds: float) -> None:
    """Somebody has waited for seconds, and the clock is set by hours: he has still waited for seconds."""
    bench.do("lines/line1/ring")
    bench.until("tv/waiting", lambda waiting: waiting == 1)
    bench.do("time/step", seconds=seconds)
    bench.until("journal/last", lambda rows: any('"kind":"box.clock_stepped"' in row for row in rows))
    bench.until("tv/floor", lambda _: 0 <= (bench.document("tv/floor")["floor"]["longest_wait"] or 0) < 30, within_s=10)
    taken = bench.do("lines/line1/off-hook")
    assert 0 <= bench.event(taken, "call.answered", queue="lines")["data"]["wait_s"] < 30
