"""The events that the journal's measurements append: calls as a PBX source records them, about 300 bytes each."""

from __future__ import annotations

from appliance.core.catalogue import CallAbandoned, CallAnswered, CallEnded, CallQueued, kind_of
from appliance.core.clock import NS
from appliance.core.event import Event, body_from_event

#: 2026-03-02, a Monday, 08:00 UTC.
MORNING_NS = 1_772_438_400 * NS


def event(number: int, wall_ns: int = MORNING_NS, mono_ns: int | None = None) -> Event:
    """The number-th event of a floor of 3 queues: each call is queued, answered, ended; every tenth is abandoned."""
    call, step = divmod(number, 3)
    common = {
        "call": f"central-{1_772_438_400 + call}.{call % 1000}",
        "pbx": "central",
        "visit": f"central-{1_772_438_400 + call}.{call % 1000}/1",
        "queue": ("ventas", "soporte", "cobros")[call % 3],
        "uniqueid": f"{1_772_438_400 + call}.{call % 1000}",
        "pbx_time": 1_772_438_400.25 + call,
    }
    if step == 0:
        data = CallQueued(**common, caller=f"0999{call % 1_000_000:06d}", dialled="1800555", position=1)  # type: ignore[arg-type]
    elif step == 1:
        data = CallAnswered(**common, agent=f"agente-{100 + call % 40}", wait_s=7.25, ring_s=3.5)  # type: ignore[arg-type,assignment]
    elif call % 10 == 9:
        data = CallAbandoned(**common, wait_s=31.0)  # type: ignore[arg-type,assignment]
    else:
        data = CallEnded(**common, agent=f"agente-{100 + call % 40}", talk_s=181.5, ended_by="caller")  # type: ignore[arg-type,assignment]
    at_ns = mono_ns if mono_ns is not None else (1_000 + number // 50) * NS
    return Event(kind_of(data), "gateway/central", wall_ns, at_ns, "benchboot", "synced", data)


def body(number: int) -> bytes:
    """The same event as the journal stores it."""
    return body_from_event(event(number))
