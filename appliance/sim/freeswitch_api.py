"""What the simulated FreeSWITCH answers to API commands: mod_callcenter's tables, the channels, its version."""

from __future__ import annotations

from typing import Final

from appliance.sim.floor_model_state import Agent
from appliance.sim.freeswitch_switch import FreeswitchSwitch, name_of
from appliance.sim.freeswitch_text import VERSION, channels, table

_QUEUE: Final = (
    "name", "strategy", "moh_sound", "time_base_score", "tier_rules_apply", "tier_rule_wait_second", "tier_rule_wait_multiply_level",
    "tier_rule_no_agent_no_wait", "discard_abandoned_after", "abandoned_resume_allowed", "max_wait_time", "max_wait_time_with_no_agent",
    "max_wait_time_with_no_agent_time_reached", "record_template", "calls_answered", "calls_abandoned", "ring_progressively_delay",
    "skip_agents_with_external_calls", "agent_no_answer_status",
)  # fmt: skip
_AGENT: Final = (
    "name", "instance_id", "uuid", "type", "contact", "status", "state", "max_no_answer", "wrap_up_time", "reject_delay_time",
    "busy_delay_time", "no_answer_delay_time", "last_bridge_start", "last_bridge_end", "last_offered_call", "last_status_change",
    "no_answer_count", "calls_answered", "talk_time", "ready_time", "external_calls_count",
)  # fmt: skip
_TIER: Final = ("queue", "agent", "state", "level", "position")
_MEMBER: Final = (
    "queue", "instance_id", "uuid", "session_uuid", "cid_number", "cid_name", "system_epoch", "joined_epoch", "rejoined_epoch",
    "bridge_epoch", "abandoned_epoch", "base_score", "skill_score", "serving_agent", "serving_system", "state", "score",
)  # fmt: skip


def answer(switch: FreeswitchSwitch, command: str) -> str:
    """The text that a command prints."""
    if command.startswith("version"):
        return VERSION
    if command.startswith("echo "):
        return command.removeprefix("echo ")
    if command == "show channels as json":
        return _channels(switch)
    listed = _table(switch, command.split()[1:]) if command.startswith("callcenter_config ") else None
    word = command.partition(" ")[0]
    return listed or ("-ERR Invalid!\n" if word == "callcenter_config" else f"-ERR {word} Command not found!\n")


def _table(switch: FreeswitchSwitch, words: list[str]) -> str | None:
    match words:
        case ["queue", "list"]:
            return table(_QUEUE, [_queue(name) for name in switch.queues])
        case ["agent", "list"]:
            return table(_AGENT, [_agent(switch, agent) for agent in switch.staff.agents.values()])
        case ["tier", "list"]:
            return table(_TIER, [(m.queue.plan.name, name_of(m.agent), "Ready", 1, 1) for q in switch.queues.values() for m in q.members])
        case ["queue", "list", "members", name]:
            return table(_MEMBER, _members(switch, name))
    return None


def _queue(name: str) -> list[object]:
    head: list[object] = [name, "longest-idle-agent", "$${hold_music}", "system", "false", 300, "true", "false", 60, "false"]
    return [*head, 0, 0, 5, "(null)", 0, 0, 10, "false", "On Break"]


def _agent(switch: FreeswitchSwitch, agent: Agent) -> list[object]:
    name, extension = name_of(agent), agent.plan.extension
    visit = agent.visit
    phone = switch.phones.get(id(visit)) if visit is not None and agent.mode == "talking" else None
    wrap_up_s = max((round(m.queue.plan.wrap_up_s / switch.speed) for m in agent.members), default=0)
    contact = f"[leg_timeout=10]user/{extension}@sim|user/{extension}@sim2"
    row: list[object] = [name, "single_box", phone.uuid if phone else "", "callback", contact, switch.status.get(name, "Available")]
    row += [switch.state.get(name, "Waiting"), 3, wrap_up_s, 10, 60, 5, 0, switch.bridge_end_s.get(name, 0)]
    return [*row, 0, 0, 0, agent.calls_taken, 0, 0, 0]


def _members(switch: FreeswitchSwitch, queue: str) -> list[list[object]]:
    rows: list[list[object]] = []
    for seat in switch.seats.values():
        if seat.visit.queue.plan.name == queue:
            call = seat.visit.call
            caller = switch.callers[call.number]
            row: list[object] = [
                queue,
                "single_box",
                seat.uuid,
                caller.uuid,
                call.caller,
                call.caller_name or call.caller,
                0,
                seat.joined_s,
            ]
            row += [0, seat.bridged_s, 0, 0, 0, seat.agent, "single_box" if seat.agent else "", seat.state]
            rows.append([*row, int(switch.wall_s()) - seat.joined_s])
    return rows


def _channels(switch: FreeswitchSwitch) -> str:
    legs, way = [*switch.callers.values(), *switch.phones.values()], {True: "inbound", False: "outbound"}
    return channels(
        [
            {
                "uuid": leg.uuid,
                "direction": way[leg.inbound],
                "name": leg.name,
                "cid_num": leg.caller,
                "dest": leg.dest,
            }
            for leg in legs
        ]
    )
