"""An event's way into a journal body and back."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.catalogue import CallQueued, event_from_stored
from appliance.core.event import ClockQuality, Event, body_from_event, stored_from_body

texts = st.text(max_size=40)
moments = st.integers(min_value=0, max_value=2**63 - 1)


@given(call=texts, caller=st.none() | texts, wall=moments, mono=moments, boot=texts, clock=st.sampled_from(["synced", "holdover", "unset"]))
def test_round_trip(call: str, caller: str | None, wall: int, mono: int, boot: str, clock: ClockQuality) -> None:
    event = Event("call.queued", "gateway/central", wall, mono, boot, clock, CallQueued(call=call, pbx="central", caller=caller))
    assert event_from_stored(stored_from_body(body_from_event(event))) == event


def test_body_is_the_short_form() -> None:
    """Every byte is flushed to a card: short keys, and no member that has its default."""
    event = Event("call.queued", "gateway/central", 2, 1, "b", "synced", CallQueued(call="c1", pbx="central", queue="ventas"))
    assert body_from_event(event) == (
        b'{"k":"call.queued","s":"gateway/central","w":2,"m":1,"b":"b","c":"synced","d":{"call":"c1","pbx":"central","queue":"ventas"}}'
    )


def test_data_stays_raw_while_carried() -> None:
    stored = stored_from_body(b'{"k":"call.eaten","s":"x/y","w":2,"m":1,"b":"b","c":"unset","d":{"anything":[1,2]}}')
    assert bytes(stored.data) == b'{"anything":[1,2]}'
    assert stored.kind == "call.eaten"


def test_group() -> None:
    event = Event("call.queued", "gateway/central", 2, 1, "b", "synced", CallQueued(call="c1", pbx="central"))
    assert event.group == "call"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00\x01",
        b"[]",
        b"{}",
        b'{"k":"call.queued"}',
        b'{"k":7,"s":"x/y","w":2,"m":1,"b":"b","c":"synced","d":{}}',
        b'{"k":"call.queued","s":"x/y","w":"2","m":1,"b":"b","c":"synced","d":{}}',
        b'{"k":"call.queued","s":"x/y","w":2,"m":1,"b":"b","c":"sundial","d":{}}',
        b'{"k":"call.queued","s":"x/y","w":2,"m":1,"b":"b","c":"synced","d":{}',
    ],
)
def test_what_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        stored_from_body(body)


@given(st.binary(max_size=200))
def test_rubbish_is_refused_in_one_way(body: bytes) -> None:
    try:
        stored_from_body(body)
    except msgspec.DecodeError:
        return
    raise AssertionError(f"taken for an event: {body!r}")
