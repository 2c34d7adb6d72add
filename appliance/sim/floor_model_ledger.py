"""The ground truth of a simulated floor: every visit and what became of it, in the shape of the captures' truth files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from appliance.sim.floor_model import FloorModel
from appliance.sim.floor_model_state import ANSWERED, Visit

_COUNTS: Final = (
    "offered", "answered", "abandoned", "timeout", "exitkey", "exitempty", "withdrawn", "blind", "attended", "lost", "rna", "refused",
    "waiting", "talking", "killed",
)  # fmt: skip


def truth(model: FloorModel, wall_s: Callable[[float], float] | None = None, *, speed: float = 1.0, calls: bool = True) -> dict[str, Any]:
    """Totals, queues, agents and calls as of now.

    `wall_s` turns model time into epoch seconds (None: model time itself), `speed` divides durations; all durations are real seconds.
    `abandoned` counts as queue_log does, so those whom a restart hung up are in it and listed again in `ended_by_pbx_restart`;
    `lost` waited when the PBX was killed, `killed` (also in `answered`) talked then. Always
    offered = answered + abandoned + timeout + exitkey + exitempty + withdrawn + lost + waiting.
    """
    wall_s = wall_s or (lambda at_s: at_s)
    queues = {name: _row(plan.service_level_s) for name, plan in ((q.plan.name, q.plan) for q in model.queues.values())}
    totals: dict[str, int] = dict.fromkeys(_COUNTS, 0)
    agents: dict[str, dict[str, Any]] = {}
    restart = {"abandoned": 0, "completed": 0, "lost": 0}
    for visit in model.visits:
        row = queues[visit.queue.plan.name]
        _count(visit, row, totals, speed)
        if visit.outcome in ANSWERED and visit.member is not None:
            _credit(agents, visit, speed)
        if visit.pbx_ended == "restart":
            restart["abandoned" if visit.outcome == "abandoned" else "completed"] += 1
        elif visit.pbx_ended == "kill":
            restart["lost"] += 1
    for _, queue_name in model.refused:
        queues[queue_name]["refused"] += 1
        totals["refused"] += 1
    for _, visit, member, ring_s in model.ring_no_answers:
        queues[visit.queue.plan.name]["rna"] += 1
        totals["rna"] += 1
        agent = agents.setdefault(member.name, _agent())
        agent["rna"] += 1
        agent["rna_ms"] += round(ring_s / speed * 1000)
    for row in queues.values():
        _finish(row)
    out: dict[str, Any] = {"source": "the simulation's own ledger", "totals": totals, "queues": queues, "agents": agents}
    out["ended_by_pbx_restart"] = restart
    out["turned_away"] = model.turned_away
    if calls:
        out["calls"] = [_call(visit, wall_s, speed) for visit in model.visits]
    return out


def _row(service_level_s: int) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(_COUNTS, 0)
    row |= {"completed_agent": 0, "completed_caller": 0, "servicelevel_s": service_level_s, "answered_in_sl": 0, "abandoned_in_sl": 0}
    return row | {"hold_times": [], "talk_times": [], "abandon_waits": []}


def _agent() -> dict[str, Any]:
    return {"answered": 0, "completed": 0, "rna": 0, "rna_ms": 0, "talk": 0.0, "hold": 0.0, "by_queue": {}}


def _count(visit: Visit, row: dict[str, Any], totals: dict[str, int], speed: float) -> None:
    outcome = visit.outcome
    answered = outcome in ANSWERED
    for counts in (row, totals):
        counts["offered"] += 1
        if answered:
            counts["answered"] += 1
        if outcome in counts:
            counts[outcome] += 1
    if answered:
        assert visit.answered_s is not None
        wait_s = (visit.answered_s - visit.joined_s) / speed
        row["hold_times"].append(round(wait_s, 3))
        row["answered_in_sl"] += wait_s <= row["servicelevel_s"]
        if visit.ended_s is not None:
            row["talk_times"].append(round((visit.ended_s - visit.answered_s) / speed, 3))
    elif outcome == "abandoned" and visit.ended_s is not None:
        wait_s = (visit.ended_s - visit.joined_s) / speed
        row["abandon_waits"].append(round(wait_s, 3))
        row["abandoned_in_sl"] += wait_s <= row["servicelevel_s"]


def _credit(agents: dict[str, dict[str, Any]], visit: Visit, speed: float) -> None:
    assert visit.member is not None
    assert visit.answered_s is not None
    agent = agents.setdefault(visit.member.name, _agent())
    agent["answered"] += 1
    agent["hold"] = round(agent["hold"] + (visit.answered_s - visit.joined_s) / speed, 3)
    name = visit.queue.plan.name
    agent["by_queue"][name] = agent["by_queue"].get(name, 0) + 1
    if visit.ended_s is not None:
        agent["completed"] += 1
        agent["talk"] = round(agent["talk"] + (visit.ended_s - visit.answered_s) / speed, 3)


def _finish(row: dict[str, Any]) -> None:
    holds, talks = row["hold_times"], row["talk_times"]
    row["asa"] = round(sum(holds) / len(holds), 3) if holds else None
    row["max_hold"] = max(holds, default=None)
    row["aht_talk"] = round(sum(talks) / len(talks), 3) if talks else None
    row["abandon_rate"] = round(100 * row["abandoned"] / row["offered"], 1) if row["offered"] else None


def _call(visit: Visit, wall_s: Callable[[float], float], speed: float) -> dict[str, Any]:
    out: dict[str, Any] = {
        "call": visit.call.number,
        "queue": visit.queue.plan.name,
        "enter": wall_s(visit.joined_s),
        "caller": visit.call.caller,
        "pos": visit.position,
        "outcome": visit.outcome,
    }
    if visit.ended_s is not None:
        out["end"] = wall_s(visit.ended_s)
    if visit.outcome in ANSWERED:
        assert visit.member is not None
        assert visit.answered_s is not None
        out |= {
            "agent": visit.member.name,
            "hold": round((visit.answered_s - visit.joined_s) / speed, 3),
            "connect": wall_s(visit.answered_s),
        }
        out["ring"] = round(visit.ring_s / speed, 3)
        if visit.ended_s is not None:
            out["talk"] = round((visit.ended_s - visit.answered_s) / speed, 3)
            out["on_hold"] = round(visit.hold_s / speed, 3)
    elif visit.ended_s is not None:
        out["wait"] = round((visit.ended_s - visit.joined_s) / speed, 3)
    if visit.pbx_ended is not None:
        out[f"ended_by_pbx_{visit.pbx_ended}"] = True
    return out
