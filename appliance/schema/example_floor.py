"""One whole snapshot of a floor, whose figures add up: the first worked example of docs/kpis.md, in one queue."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from appliance.floor import snapshot as s

_AT: Final = "2026-11-21T14:06:40.123Z"
_SINCE: Final = "2026-11-21T11:02:11.480Z"
_TODAY: Final = s.Window(
    offered=8, answered=4, answered_ended=3, abandoned=2, short_abandoned=1, left=1, left_by={"timeout": 1}, waiting=1, answered_in_time=3,
    abandoned_in_time=1, wait_sum=48.0, wait_max=60.0, talk_sum=541.5, hold_sum=22.5, wrap_up_sum=60.0, service_level=0.5,
    service_level_of=(3, 6), service_level_variant="handled", target=15.0, abandon_rate=0.2857, abandon_rate_of=(2, 7), asa=12.0,
    talk_avg=180.5, aht=200.5, coverage=1.0, repeat_call_share=0.0, repeat_call_share_of=(0, 8),
    satisfaction=s.Satisfaction(mean=4.5, answers=2), satisfaction_of=(9.0, 2), classes={"perfect": 2, "improper": 1},
)  # fmt: skip
_NONE_YET: Final = s.Window(service_level_variant="handled", target=15.0, coverage=1.0)
_QUEUE: Final[dict[str, Any]] = {
    "fresh": "live",
    "as_of": _AT,
    "waiting": 1,
    "longest_wait": 7.4,
    "longest_since": "2026-11-21T14:06:32.700Z",
    "agents": s.AgentCounts(logged_in=2, talking=1, paused=1),
    "vip_waiting": 1,
    "vip_longest_since": "2026-11-21T14:06:32.700Z",
    "callbacks": s.Callbacks(open=2, claimed=1, oldest_since="2026-11-21T13:58:02.114Z"),
    "today": _TODAY,
    "interval": _NONE_YET,
    "rolling": _NONE_YET,
}
SNAPSHOT: Final = s.Snapshot(
    site="quito-norte",
    box="piso-3",
    epoch="3f9a2c41d0",
    seq=48213,
    time=_AT,
    clock="synced",
    open=True,
    crm=s.Crm(state="draining", since=_SINCE, backlog=41, oldest="2026-11-21T14:04:03.005Z", recorded=3961, delivered=3920, drain_s=0.4),
    pbx={"central": s.Pbx(state="up", since=_SINCE)},
    queues={"ventas": s.Queue(title="Ventas", pbx="central", **_QUEUE)},
    floor=s.Queue(**_QUEUE),
    groups={"comercial": s.Queue(title="Comercial", **_QUEUE)},
    agents={
        "agente-101": s.Agent(
            name="Agente 101",
            state="talking",
            since="2026-11-21T14:05:58.004Z",
            queues=["ventas"],
            answered=3,
            seconds=s.Seconds(available=8210.0, ringing=31.5, talking=541.5, wrap_up=60.0),
        ),
        "agente-102": s.Agent(state="paused", since=_SINCE, queues=["ventas"], reason="capacitacion", answered=1),
    },
    records={"norte": s.Records(incoming=210, answered=188, abandoned=15, not_told=7, outgoing=64, ring_avg=9.4, talk_avg=171.2)},
    trunks={"pstn": s.Trunk(lines=8, busy=3, all_busy_now=False, all_busy_share=0.004, judged=True, faults={"dahdi-7": "no_battery"})},
    channels={
        "email": s.Channel(
            title="Correo",
            fresh="live",
            as_of="2026-11-21T14:05:00Z",
            waiting=14,
            longest_wait=5500.1,
            longest_since="2026-11-21T12:35:00Z",
            service_level=0.9167,
            service_level_of=(88, 96),
        )
    },
    utilisation=s.Utilisation(ab_allocation=0.86, bc_on_phone=0.84, coverage=0.998),
    health=[s.Health(id="disk", level="amber", text="82 % of the journal's budget is used")],
    announcements=[s.Announcement(id="c-2026-11-21-0007", text="Reunión a las 15:00", until="2026-11-21T20:00:00.000Z")],
    alarms=[s.Alarm(id="queue.ventas.abandon_rate", level="red", since="2026-11-21T14:01:20.000Z")],
)


def example() -> dict[str, Any]:
    """The snapshot as published."""
    out: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(SNAPSHOT))
    return out
