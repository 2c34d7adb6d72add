"""A journal row as the CRM gets it."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.catalogue import CallAnswered, CallHeld
from appliance.core.clock import ManualClock
from appliance.core.event import Entry, Event, body_from_event, stored_from_body
from gateway.uplink.envelope import Envelope, is_late
from gateway.uplink.topic import Topics

ENVELOPE = Envelope(Topics("quito-norte", "piso-3"), "abc")


def entry(data: msgspec.Struct, kind: str, clock: ManualClock, seq: int = 48_213, n: int = 9120, source: str = "gateway/central") -> Entry:
    event = Event(kind, source, clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data)
    return Entry(seq, n, body_from_event(event))


def test_every_member_of_the_contract_and_no_other() -> None:
    clock = ManualClock(wall_ns=1_795_270_000_123_000_000)
    row = entry(CallAnswered(call="c1", pbx="central", queue="ventas", wait_s=4.5), "call.answered", clock)
    topic, payload = ENVELOPE.event(row, late=False)
    assert topic[2:] == b"callfloor/1/quito-norte/piso-3/event/call/answered"
    assert msgspec.json.decode(payload) == {
        "specversion": "1.0",
        "id": "abc-48213",
        "source": "/quito-norte/piso-3/gateway/central",
        "type": "callfloor.call.answered.v1",
        "time": "2026-11-21T14:06:40.123Z",
        "sequence": "000000048213",
        "delivery": "000000009120",
        "clock": "synced",
        "datacontenttype": "application/json",
        "data": {"call": "c1", "pbx": "central", "queue": "ventas", "wait_s": 4.5},
    }
    assert msgspec.json.decode(ENVELOPE.event(row, late=True)[1])["late"] is True
    _, linked = ENVELOPE.stored(stored_from_body(row.body), row.seq, 9120, late=False, previous=47)
    assert msgspec.json.decode(linked) == {**msgspec.json.decode(payload), "previous": "000000000047"}


@given(st.text(min_size=1, max_size=60), st.text(max_size=200), st.integers(0, 4_000_000_000_000_000_000))
def test_no_text_breaks_the_envelope(source: str, caller: str, wall_ns: int) -> None:
    data = CallHeld(call="c", pbx="p", caller=caller)
    _, payload = ENVELOPE.event(entry(data, "call.held", ManualClock(wall_ns=wall_ns), source=source), late=False)
    document = msgspec.json.decode(payload)
    assert document["source"] == f"/quito-norte/piso-3/{source}"
    assert document["data"]["caller"] == caller
    assert len(document["time"]) == 24


def test_late_is_a_minute_by_the_clock_that_can_be_trusted() -> None:
    clock = ManualClock()
    row = stored_from_body(entry(CallHeld(call="c", pbx="p"), "call.held", clock).body)
    clock.advance(59)
    assert not is_late(row, clock)
    clock.step_wall(3600)
    assert not is_late(row, clock), "a stepped wall clock does not make an event of this boot late"
    clock.advance(2)
    assert is_late(row, clock)
    clock.step_wall(-3661)
    clock.reboot("next")
    assert not is_late(row, clock)
    clock.advance(61)
    assert is_late(row, clock)
    clock.step_wall(-61, quality="unset")
    assert is_late(row, clock), "with no clock after a reboot nobody can say that it is in time"
