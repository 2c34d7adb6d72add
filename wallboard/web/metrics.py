"""Decides which figures of the box a monitoring system may scrape, as OpenMetrics text; never a caller, never a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from appliance.floor.snapshot import Snapshot

CONTENT_TYPE: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
Sample = tuple[Mapping[str, str], float | int | None]
_CRM_STATES: Final = ("up", "down", "draining", "no_consumer", "denied", "off")


def metrics(snapshot: Snapshot, clients: int, dropped: int, patches: int, refused: int = 0, wrong_tokens: int = 0) -> str:
    """The scrape: what is not known has no sample."""
    crm, floor = snapshot.crm, snapshot.floor
    queues = snapshot.queues.items()
    lines: list[str] = []
    add = lines.extend
    add(_family("callfloor_journal_seq", "gauge", "Newest journal position folded.", [({}, snapshot.seq)]))
    add(_family("callfloor_crm_state", "stateset", "State of the link to the CRM.",
                [({"callfloor_crm_state": state}, int(crm.state == state)) for state in _CRM_STATES]))  # fmt: skip
    add(_family("callfloor_crm_backlog", "gauge", "Events that wait for the CRM.", [({}, crm.backlog)]))
    add(_family("callfloor_crm_recorded", "counter", "Events recorded for the CRM in this epoch.", [({}, crm.recorded)]))
    add(_family("callfloor_crm_delivered", "counter", "Events delivered to the CRM in this epoch.", [({}, crm.delivered)]))
    add(_family("callfloor_pbx_up", "gauge", "Whether the PBX is in sight.",
                [({"pbx": key}, int(pbx.state == "up")) for key, pbx in snapshot.pbx.items()]))  # fmt: skip
    add(_family("callfloor_queue_waiting", "gauge", "Calls waiting now.", [({"queue": key}, queue.waiting) for key, queue in queues]))
    add(_family("callfloor_queue_longest_wait_seconds", "gauge", "Longest wait now.",
                [({"queue": key}, queue.longest_wait) for key, queue in queues]))  # fmt: skip
    add(_family("callfloor_queue_service_level_ratio", "gauge", "Service level of today.",
                [({"queue": key}, queue.today.service_level) for key, queue in queues]))  # fmt: skip
    if floor.agents is not None:
        counts = floor.agents
        states = ("available", "ringing", "talking", "holding", "wrap_up", "paused", "unknown")
        add(_family("callfloor_agents", "gauge", "Agents by state.", [({"state": state}, getattr(counts, state)) for state in states]))
    add(_family("callfloor_health", "gauge", "Health items: 0 ok, 1 amber, 2 red.",
                [({"item": item.id}, ("ok", "amber", "red").index(item.level)) for item in snapshot.health]))  # fmt: skip
    add(_family("callfloor_board_clients", "gauge", "Boards that follow the stream.", [({}, clients)]))
    add(_family("callfloor_board_clients_dropped", "counter", "Boards cut off because they were too slow.", [({}, dropped)]))
    add(_family("callfloor_board_events", "counter", "Stream events sent.", [({}, patches)]))
    add(_family("callfloor_board_connections_refused", "counter", "Connections cut: too many, or silent.", [({}, refused)]))
    add(_family("callfloor_board_wrong_tokens", "counter", "Wrong tokens shown.", [({}, wrong_tokens)]))
    return "\n".join([*lines, "# EOF", ""])


def _family(name: str, kind: str, text: str, samples: Iterable[Sample]) -> list[str]:
    suffix = "_total" if kind == "counter" else ""
    lines = [f"# TYPE {name} {kind}", f"# HELP {name} {text}"]
    for labels, value in samples:
        if value is not None:
            written = ",".join(f'{key}="{_escaped(label)}"' for key, label in labels.items())
            lines.append(f"{name}{suffix}{{{written}}} {value}" if written else f"{name}{suffix} {value}")
    return lines


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
