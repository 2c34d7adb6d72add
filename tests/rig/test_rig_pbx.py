"""The PBX at a rig: calls in a queue, agents, holds, and what befalls a PBX in the middle of a call."""

from __future__ import annotations

from typing import Any

import pytest
from rig_bench import Bench

pytestmark = [pytest.mark.rig, pytest.mark.broker]


def today(bench: Bench) -> dict[str, Any]:
    found = bench.document("tv/floor")["queues"]["ventas"]["today"]
    assert isinstance(found, dict)
    return found


def as_the_pbx_has_it(bench: Bench) -> None:
    """The board's day is the PBX's own."""
    truth = {name: bench.value(f"pbx/central/truth/{name}") for name in ("offered", "answered", "abandoned", "waiting")}
    bench.until("tv/floor", lambda _: all(today(bench)[name] == count for name, count in truth.items()))


@pytest.mark.slow
@pytest.mark.wires("pbx", "crm", "panel", "tv")
def test_a_call_through_a_queue(bench: Bench) -> None:
    """Queued, rung, answered, held, resumed, hung up: each step at the CRM and on the boards."""
    comes = bench.do("pbx/central/call", queue="ventas")
    bench.event(comes, "call.queued", queue="ventas")
    bench.sees(comes, "led/panel/text", lambda text: text == "Waiting 1")
    joins = bench.do("pbx/central/log-in", agent="101", queue="ventas")
    bench.event(joins, "call.ringing", queue="ventas", agent="ana-quiroga")
    answers = bench.do("pbx/central/answer", agent="101")
    bench.event(answers, "call.answered", queue="ventas", agent="ana-quiroga")
    bench.sees(answers, "led/panel/text", lambda text: text == "Waiting 0")
    bench.sees(answers, "tv/floor", lambda floor: '"talking":1' in floor)
    holds = bench.do("pbx/central/hold", agent="101")
    bench.event(holds, "call.held", agent="ana-quiroga")
    bench.event(bench.do("pbx/central/resume", agent="101"), "call.resumed", agent="ana-quiroga")
    ends = bench.do("pbx/central/hang-up", agent="101", by="caller")
    bench.event(ends, "call.ended", queue="ventas")
    as_the_pbx_has_it(bench)


@pytest.mark.slow
@pytest.mark.wires("pbx", "crm", "tv")
def test_a_caller_gives_up_in_a_queue(bench: Bench) -> None:
    call = bench.do("pbx/central/call", queue="ventas").result["call"]
    bench.until("tv/waiting", lambda waiting: waiting == 1)
    gone = bench.do("pbx/central/give-up", call=call)
    bench.event(gone, "call.abandoned", queue="ventas")
    bench.sees(gone, "tv/waiting", lambda waiting: waiting == 0)
    as_the_pbx_has_it(bench)


@pytest.mark.slow
@pytest.mark.wires("pbx", "crm", "tv")
def test_a_paused_agent_is_not_rung(bench: Bench) -> None:
    bench.do("pbx/central/log-in", agent="102", queue="ventas")
    paused = bench.do("pbx/central/pause", agent="102", reason="almuerzo")
    bench.event(paused, "agent.state", agent="luis-andrade", state="paused")
    bench.sees(paused, "tv/floor", lambda floor: '"paused":1' in floor)
    bench.do("pbx/central/call", queue="ventas")
    bench.until("tv/waiting", lambda waiting: waiting == 1)
    assert "call.ringing" not in bench.kinds()
    back = bench.do("pbx/central/unpause", agent="102")
    bench.event(back, "call.ringing", queue="ventas", agent="luis-andrade")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["restart", "kill", "drop", "stall", "garbage"])
@pytest.mark.wires("pbx", "crm", "tv")
def test_what_befalls_a_pbx_in_the_middle_of_a_call_makes_nothing_false(bench: Bench, kind: str) -> None:
    """One talks, one waits; then it happens. Afterwards the boards say what the PBX's own ledger says, and nothing came twice."""
    bench.do("pbx/central/log-in", agent="101", queue="ventas")
    bench.do("pbx/central/call", queue="ventas")
    bench.until("pbx/central/agents", lambda agents: "101=ringing" in agents)
    bench.do("pbx/central/answer", agent="101")
    bench.do("pbx/central/call", queue="ventas", caller="0997654321")
    bench.until("tv/waiting", lambda waiting: waiting == 1)
    fault = bench.do("pbx/central/fault", kind=kind, seconds=2)
    if kind in ("restart", "kill", "drop"):
        bench.sees(fault, "tv/floor", lambda floor: '"pbx":{"central":{"state":"down"' in floor)
    bench.until("pbx/central/trouble", lambda name: name == "", after=fault, within_s=30)
    bench.until("tv/floor", lambda floor: '"pbx":{"central":{"state":"up"' in floor, within_s=60)
    truth = {name: bench.value(f"pbx/central/truth/{name}") for name in ("offered", "answered", "waiting")}
    bench.until("tv/floor", lambda _: all(today(bench)[name] == count for name, count in truth.items()), within_s=30)
    assert today(bench)["offered"] == 2
    bench.until("journal/backlog", lambda backlog: backlog == 0)
    assert (bench.value("mqtt/doubles"), bench.value("mqtt/missing")) == (0, 0)
    if kind in ("drop", "stall", "garbage"):  # the calls went on meanwhile
        ends = bench.do("pbx/central/hang-up", agent="101")
        bench.event(ends, "call.ended", queue="ventas")
        as_the_pbx_has_it(bench)
