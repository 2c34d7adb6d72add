"""Recordings of gateways: what is guessed of the lines, cuts, and files that are none."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from gateway_rig import request
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.catalogue import CallLost, LineReleased, LineRinging, LineSeized
from appliance.core.errors import CorruptError
from gateway.fxo.gateway_replay import feed_capture
from gateway.fxo.gateway_row import SIP_SILENT, SNMP_SILENT, poll_from_text, poll_text

HEADER = {"capture": 1, "kind": "gateway", "name": "rack"}


def replay(*rows: tuple[float, bytes | str]) -> list[Any]:
    """Bytes are what came; a text is what happened to the session."""
    said = [{"t": t, **({"event": what} if isinstance(what, str) else {"data": what.decode("latin-1")})} for t, what in rows]
    return [event for _, events in feed_capture(json.dumps(row) for row in (HEADER, *said)) for event in events]


def lines(events: Iterable[Any]) -> list[str]:
    return [f"{type(event).__name__} {event.line}" for event in events if hasattr(event, "line")]


def test_two_accounts_are_two_lines() -> None:
    one, two = request("INVITE", 5060), request("INVITE", 5060, call="c2", user="linea-2")
    events = replay((1, one), (2, two), (9, request("CANCEL", 5060)), (10, request("CANCEL", 5060, call="c2")))
    assert [line for line in lines(events) if "Caller" not in line] == [
        *("LineRinging linea-1", "LineRinging linea-2", "LineReleased linea-1", "LineReleased linea-2")
    ]
    assert [event.rang_s for event in events if isinstance(event, LineReleased)] == [8.0, 8.0]


def test_polls_alone_are_seizures() -> None:
    events = replay((1, poll_text({3: {"hook": "on_hook"}}, 0.01)), (5, poll_text({3: {"hook": "off_hook"}}, 0.01)))
    assert [(event.line, event.direction) for event in events if isinstance(event, LineSeized)] == [("port-3", None)]


@pytest.mark.parametrize("cut", ["disconnected", SIP_SILENT, SNMP_SILENT])
def test_cut_while_it_rings_it_is_unknown(cut: bytes | str) -> None:
    hook = poll_text({0: {"hook": "on_hook"}}, 0.01)
    events = replay(
        (1, hook), (2, request("INVITE", 5060)), (4, cut), (60, "connected"), (61, hook), (70, request("INVITE", 5060, call="c2"))
    )
    assert len([event for event in events if isinstance(event, LineRinging)]) == 2
    assert next(event for event in events if isinstance(event, LineReleased)).outcome == "unknown"
    assert any(isinstance(event, CallLost) for event in events)


@pytest.mark.parametrize(
    "text", ["", "{}", '{"capture":1,"kind":"modem","name":"x"}', '{"capture":1,"kind":"gateway","name":"x"}\n{"t":"x"}']
)
def test_what_is_no_recording(text: str) -> None:
    with pytest.raises(CorruptError):
        list(feed_capture(text.splitlines()))


@given(
    st.lists(
        st.tuples(st.floats(0, 1e6), st.binary(max_size=80) | st.sampled_from([request("INVITE", 1), request("CANCEL", 1), SIP_SILENT])),
        max_size=20,
    )
)
def test_whatever_was_recorded(rows: list[tuple[float, bytes]]) -> None:
    events = replay(*rows)
    assert all(event.outcome == "unknown" for event in events if isinstance(event, LineReleased))


def test_a_poll_is_read_as_it_was_written() -> None:
    found: Any = {0: {"hook": "on_hook"}, 12: {"line": None, "hook": "no_line"}}
    assert poll_from_text(poll_text(found, 1.25).decode()) == (found, 1.25)
    assert poll_from_text("# snmp x\n") is None


def test_one_ear_is_silent_for_a_while_and_the_call_is_followed_on() -> None:
    """As live: the session goes on, whatever its health says in between."""
    hook, invite, cancel = poll_text({0: {"hook": "on_hook"}}, 0.01), request("INVITE", 5060), request("CANCEL", 5060)
    events = replay((1, hook), (2, invite), (4, SNMP_SILENT), (4, "disconnected"), (9, hook), (9, "connected"), (30, cancel), (31, hook))
    assert [event.rang_s for event in events if isinstance(event, LineReleased)] == [28.0]
    pbx = [type(event).__name__ for event in events if type(event).__name__.startswith("Pbx")]
    assert pbx == ["PbxUp", "PbxResynced", "PbxDown", "PbxUp", "PbxResynced"]
