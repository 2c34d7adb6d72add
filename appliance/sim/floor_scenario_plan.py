"""Decides what a scenario means to the floor model: model second 0 is when it begins, and people have names."""

from __future__ import annotations

from typing import Final

from appliance.sim.floor_model_plan import AgentPlan, Plan, QueuePlan, staff
from appliance.sim.floor_scenario import Calls, QueueOf, Scenario, Team, seconds_of, span_of

#: Everything happens at whole milliseconds, so that every duration is a whole number of them: the box counts in milliseconds.
GRID_S: Final = 0.001
_HALF_HOUR_MIN: Final = 30.0


def plan_of(scenario: Scenario) -> Plan:
    """The floor model's plan. For a scenario with queues."""
    calls = scenario.calls or Calls(profile={})
    return Plan(
        queues=tuple(_queue(queue) for queue in scenario.queues),
        agents=_agents(scenario),
        calls_per_min=0.0,
        profile=_profile(scenario, calls),
        talk_mean_s=calls.talk_s, ring_mean_s=calls.ring_s, patience_mean_s=calls.patience_s, hasty_share=calls.hasty,
        no_answer_share=calls.no_answer, exit_key_share=calls.exit_key, hold_share=calls.hold, transfer_share=calls.transfer,
        agent_ends_share=calls.agent_ends, repeat_share=calls.repeat, again_share=calls.again, again_after_s=calls.again_after_s,
        pause_every_s=scenario.breaks.every_s, pause_mean_s=scenario.breaks.for_s, pause_reasons=scenario.breaks.reasons,
        grid_s=GRID_S,
    )  # fmt: skip


def _queue(queue: QueueOf) -> QueuePlan:
    return QueuePlan(
        name=queue.name, extension=queue.extension, share=queue.share, strategy=queue.strategy,
        service_level_s=round(queue.target_s), ring_timeout_s=queue.ring_timeout_s, retry_s=queue.retry_s, timeout_s=queue.timeout_s,
        wrap_up_s=float(queue.wrap_up_s), max_len=queue.max_len, weight=queue.weight, autopause=queue.autopause, exit_key=queue.exit_key,
    )  # fmt: skip


def _profile(scenario: Scenario, calls: Calls) -> tuple[tuple[float, float], ...]:
    """Calls a minute from a model second on; nobody calls before the first or after the end."""
    zero_s = seconds_of(scenario.begins)
    steps = sorted((seconds_of(at) - zero_s, per_half_hour / _HALF_HOUR_MIN) for at, per_half_hour in calls.profile.items())
    return (*((float(at_s), rate) for at_s, rate in steps), (float(seconds_of(scenario.ends) - zero_s), 0.0))


def _agents(scenario: Scenario) -> tuple[AgentPlan, ...]:
    names = iter([one.name for one in staff(sum(team.count for team in scenario.team))])
    zero_s = seconds_of(scenario.begins)
    return tuple(
        AgentPlan(
            extension=str(number), name=next(names), queues=team.queues, local=team.local, penalty=team.penalty, shift=_shift(team, zero_s)
        )
        for team in scenario.team
        for number in range(team.first, team.first + team.count)
    )


def _shift(team: Team, zero_s: int) -> tuple[float, float] | None:
    if team.shift is None:
        return None
    from_s, to_s = span_of(team.shift)
    return max(0.0, float(from_s - zero_s)), float(to_s - zero_s)
