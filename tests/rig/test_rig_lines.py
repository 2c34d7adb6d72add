"""Analog lines at a rig: what rings on the wire stands on every board and reaches the CRM."""

from __future__ import annotations

import pytest
from rig_bench import Bench

pytestmark = [pytest.mark.rig, pytest.mark.broker]


def tv_queue(bench: Bench, queue: str) -> dict[str, object]:
    return dict(bench.document("tv/floor")["queues"].get(queue, {}))


@pytest.mark.wires("line3", "crm", "panel", "tv")
def test_a_line_rings(bench: Bench) -> None:
    """One caller more: on the television, on the LED chain, at the CRM; the sign follows at its own pace."""
    rings = bench.do("lines/line3/ring")
    bench.event(rings, "line.ringing", line="line3")
    bench.event(rings, "call.queued", queue="lines")
    bench.sees(rings, "tv/waiting", lambda waiting: waiting == 1)
    bench.sees(rings, "led/panel/text", lambda text: text == "Waiting 1")
    bench.do("lines/line3/give-up")


@pytest.mark.slow
@pytest.mark.wires("line1", "crm", "panel", "sign", "tv")
def test_who_calls_is_told_and_stands_on_no_board(bench: Bench) -> None:
    bench.do("lines/line1/ring")
    told = bench.do("lines/line1/caller", number="0998765432", name="ANA TORRES")
    event = bench.event(told, "line.caller_id", line="line1")
    assert event["data"]["number"] == "0998765432"
    for board in ("tv/floor", "tv/board", "led/panel/text", "sign/strip/text"):
        assert "998765432" not in str(bench.value(board))


@pytest.mark.slow
@pytest.mark.wires("line2", "crm", "panel", "tv")
def test_answered_and_hung_up(bench: Bench) -> None:
    """The day's figures: one offered, one answered, nobody abandoned, nobody waits."""
    bench.do("lines/line2/ring")
    bench.until("led/panel/text", lambda text: text == "Waiting 1")
    taken = bench.do("lines/line2/off-hook")
    bench.event(taken, "line.seized", line="line2", direction="in")
    bench.event(taken, "call.answered", queue="lines")
    bench.sees(taken, "led/panel/text", lambda text: text == "Waiting 0")
    over = bench.do("lines/line2/on-hook")
    bench.event(over, "line.released", line="line2")
    bench.sees(over, "tv/floor", lambda floor: '"answered_ended":1' in floor)
    today = tv_queue(bench, "lines")["today"]
    assert isinstance(today, dict)
    assert (today["offered"], today["answered"], today["abandoned"], today["waiting"]) == (1, 1, 0, 0)


@pytest.mark.slow
@pytest.mark.wires("line4", "crm", "tv")
def test_a_caller_gives_up(bench: Bench) -> None:
    bench.do("lines/line4/ring")
    bench.until("tv/waiting", lambda waiting: waiting == 1)
    gone = bench.do("lines/line4/give-up")
    event = bench.event(gone, "line.released", line="line4")
    assert event["data"]["outcome"] == "abandoned"
    bench.event(gone, "call.abandoned", queue="lines")
    bench.sees(gone, "tv/waiting", lambda waiting: waiting == 0)
    today = tv_queue(bench, "lines")["today"]
    assert isinstance(today, dict)
    assert (today["offered"], today["answered"], today["abandoned"]) == (1, 0, 1)


@pytest.mark.slow
@pytest.mark.wires("line1", "line2", "line3", "line4", "tower", "tv")
def test_every_line_of_the_trunk_is_busy(bench: Bench) -> None:
    """The fourth line is the last: all lines busy, on the board, and red on the stack light."""
    for line in ("line1", "line2", "line3"):
        bench.do(f"lines/{line}/off-hook")
    bench.until("tv/floor", lambda floor: '"busy":3' in floor)
    assert bench.document("tv/floor")["trunks"]["pstn"]["all_busy_now"] is False
    last = bench.do("lines/line4/off-hook")
    bench.event(last, "line.all_busy", trunk="pstn")
    bench.sees(last, "tv/floor", lambda floor: '"all_busy_now":true' in floor)
    bench.sees(last, "lamps/tower/red", bool)
    free = bench.do("lines/line4/on-hook")
    bench.event(free, "line.all_busy_ended", trunk="pstn")
    bench.sees(free, "tv/floor", lambda floor: '"all_busy_now":false' in floor)


@pytest.mark.slow
@pytest.mark.wires("line1", "crm", "tv")
def test_noise_is_counted_and_means_nothing(bench: Bench) -> None:
    """Bytes that mean nothing on a quiet line: counted, no event of any line; a call after them is heard as ever."""
    before = {kind: count for kind, count in bench.kinds().items() if kind.startswith(("line.", "call."))}
    noise = bench.do("lines/line1/noise", size=600, seed=3)
    bench.sees(noise, "lines/line1/unread", lambda unread: unread > 0)
    bench.stays("lines/line1/state", 2.0)
    assert {kind: count for kind, count in bench.kinds().items() if kind.startswith(("line.", "call."))} == before
    assert bench.value("tv/waiting") == 0
    rings = bench.do("lines/line1/ring")
    bench.event(rings, "line.ringing", line="line1")


@pytest.mark.slow
@pytest.mark.wires("line1", "tv")
def test_a_pulled_modem_makes_its_queue_stale_and_comes_back(bench: Bench) -> None:
    """Nobody knows who rings on a line that cannot be heard: the queue says so, and is live again once the modem is."""
    pulled = bench.do("lines/line1/pull")
    bench.sees(pulled, "tv/floor", lambda floor: '"fresh":"stale"' in floor)
    assert tv_queue(bench, "lines")["fresh"] != "live" or not tv_queue(bench, "lines")
    back = bench.do("lines/line1/plug")
    bench.sees(back, "lines/line1/ready", bool, within_s=30)
    rings = bench.do("lines/line1/ring")
    bench.event(rings, "line.ringing", line="line1")
