"""A recording of a modem becomes the same events, and a floor; and what a box that died left open is closed at its next start."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from appliance.core.catalogue import (
    CallAbandoned,
    CallAnswered,
    CallEnded,
    CallLost,
    CallQueued,
    LineCallerId,
    LineReleased,
    LineRinging,
    LineSeized,
    kind_of,
)
from appliance.core.clock import NS
from appliance.core.errors import CorruptError
from appliance.core.event import Event
from appliance.replay import replay
from gateway.fxo.left_open import closing
from gateway.fxo.line import Line
from gateway.fxo.line_settings import LineSettings
from gateway.fxo.modem_profile import PROFILES
from gateway.fxo.modem_sense import ModemSense
from gateway.fxo.modem_talk import ModemTalk
from gateway.fxo.replay_feed import feed_capture

HEAD = {"capture": 1, "kind": "modem", "name": "Línea 1", "started": "2026-11-21T14:00:00Z"}
RING, CALLER = "\r\nRING\r\n", "DATE = 1121\r\nTIME = 1400\r\nNMBR = 0987654321\r\n"


def recording(*rows: dict[str, Any]) -> list[str]:
    return [json.dumps(row) for row in (HEAD, *rows)]


def events_of(lines: list[str]) -> list[Struct]:
    return [event for _, events in feed_capture(lines) for event in events]


CALLS = recording(
    {"t": 0.0, "sent": "ATZ\r"}, {"t": 0.2, "data": "ATZ\r\r\nOK\r\n"},
    {"t": 10.0, "data": RING}, {"t": 12.5, "data": CALLER}, {"t": 16.0, "data": RING}, {"t": 18.0, "data": "\x10H"}, {"t": 78.0, "data": "\x10h"},
    {"t": 100.0, "data": RING}, {"t": 106.0, "data": RING}, {"t": 150.0, "data": RING}, {"t": 151.0, "event": "disconnected"}, {"t": 170.0, "event": "connected"},
    {"t": 200.0, "data": RING},
)  # fmt: skip


def test_a_recording_tells_what_happened() -> None:
    events = events_of(CALLS)
    calls = [type(event).__name__ for event in events if type(event).__name__.startswith("Call")]
    assert calls == [
        "CallQueued",
        "CallAnswered",
        "CallEnded",
        "CallQueued",
        "CallAbandoned",
        "CallQueued",
        "CallLost",
        "CallQueued",
        "CallAbandoned",
    ]
    (answered,) = [event for event in events if isinstance(event, CallAnswered)]
    (ended,) = [event for event in events if isinstance(event, CallEnded)]
    assert (answered.queue, answered.pbx, answered.wait_s, answered.caller, ended.talk_s) == ("linea-1", "linea-1", 8.0, "0987654321", 60.0)
    assert [event.wait_s for event in events if isinstance(event, CallAbandoned)] == [6.0, 0.0]
    times = [at for at, _ in feed_capture(CALLS)]
    assert times == sorted(times)


def test_a_recording_gives_the_floor(tmp_path: Path) -> None:
    """`callfloor replay`: the line is a queue, and its figures are those of the calls."""
    file = tmp_path / "line.jsonl"
    file.write_text("\n".join(CALLS))
    floor = replay(file)
    queue = floor.queues["linea-1"]
    assert (queue.title, queue.fresh, queue.waiting) == ("Línea 1", "live", 0)
    today = queue.today
    assert (today.offered, today.answered, today.abandoned, today.unknown, today.talk_sum) == (4, 1, 2, 1, 60.0)


def test_digits_tell_the_caller_only_where_they_may() -> None:
    """Before the answer, on a line whose exchange tells callers so; afterwards they are keys that somebody pressed."""
    digits = "".join(f"\x10{key}" for key in "A0987654321C")
    rows = recording(
        {"t": 1.0, "data": digits},
        {"t": 2.0, "data": RING},
        {"t": 20.0, "data": RING},
        {"t": 21.0, "data": "\x10H"},
        {"t": 23.0, "data": digits},
    )

    def callers(**settings: Any) -> list[str | None]:
        told = feed_capture(rows, LineSettings(line="1", ring_ms=(1000, 4000), hook_sense=True, **settings))
        return [event.number for _, events in told for event in events if isinstance(event, LineCallerId)]

    assert callers() == callers(country="br") == callers(caller_id="dtmf", country="us") == ["0987654321"]
    assert callers(country="us") == callers(caller_id="fsk_v23") == []


def test_every_split_of_its_chunks_tells_the_same() -> None:
    whole = events_of(CALLS)
    rows = [json.loads(line) for line in CALLS[1:]]
    for at, row in enumerate(rows):
        for cut in range(1, len(row.get("data", ""))):
            parts = [{"t": row["t"], "data": row["data"][:cut]}, {"t": row["t"], "data": row["data"][cut:]}]
            assert events_of(recording(*rows[:at], *parts, *rows[at + 1 :])) == whole


@pytest.mark.parametrize(
    "lines", [[], ["{}"], [json.dumps(HEAD | {"kind": "hid"})], [json.dumps(HEAD), "{}"], [json.dumps(HEAD), "nonsense"]]
)
def test_what_is_no_recording(lines: list[str]) -> None:
    with pytest.raises(CorruptError, match="line"):
        events_of(lines)


@given(
    st.lists(
        st.tuples(
            st.floats(0, 20),
            st.sampled_from([RING, CALLER, "\x10H", "\x10h", "\xff\xfe\r\n", "OK\r\n", "cut", "back"]) | st.text(max_size=20),
        ),
        max_size=40,
    )
)
def test_whatever_a_modem_says(rows: list[tuple[float, str]]) -> None:
    """Each visit is queued once and ends once, and nothing that was hidden is an abandon."""
    now, told = 0.0, []
    for wait_s, what in rows:
        now += wait_s
        told.append(
            {"t": now, "event": {"cut": "disconnected", "back": "connected"}[what]} if what in ("cut", "back") else {"t": now, "data": what}
        )
    open_visits: set[str] = set()
    for event in events_of(recording(*told, {"t": now + 100_000, "data": "\x10h"}, {"t": now + 200_000, "data": ""})):
        match event:
            case CallQueued():
                assert event.visit not in open_visits
                open_visits.add(event.visit or "")
            case CallAbandoned() | CallLost() | CallEnded():
                open_visits.remove(event.visit or "")
    assert open_visits == set()


def test_a_box_that_was_busy_makes_no_abandoned_call() -> None:
    """What lay there when it looked again goes before the end of the ringing that has passed meanwhile."""
    line = Line(LineSettings(line="1", ring_ms=(1000, 4000), hook_sense=True))
    sense = ModemSense(line, ModemTalk(PROFILES["box"]))
    sense.begin(0)
    sense.feed(b"\r\nRING\r\n", 10 * NS)
    sense.feed(b"\x10H", 60 * NS)
    sense.feed(b"\x10h", 90 * NS)
    sense.tick(100 * NS)
    assert [type(each.event).__name__ for each in sense.told] == ["LineRinging", "LineSeized", "LineReleased"]
    released = sense.told[-1].event
    assert isinstance(released, LineReleased)
    assert released.outcome == "answered"


def stored(*data: Struct) -> list[Event]:
    return [Event(kind_of(each), "gateway/analog", at * 10 * NS, at * 10 * NS, "boot", "synced", each) for at, each in enumerate(data, 1)]


def test_what_a_dead_box_left_open_is_closed() -> None:
    of = {"call": "c1", "pbx": "analog", "visit": "c1", "queue": "lineas"}
    other = {"call": "c2", "pbx": "analog", "visit": "c2", "queue": "lineas"}
    history = stored(
        LineRinging(line="1", trunk="pstn"), CallQueued(**of), LineSeized(line="1", trunk="pstn", direction="in"), CallAnswered(**of, wait_s=3.0),
        LineRinging(line="2"), CallQueued(**other), LineSeized(line="3", direction="out"), LineSeized(line="SIP/x", pbx="central"),
    )  # fmt: skip
    assert closing(history, ("1", "2", "3"), "analog") == [
        LineReleased(line="1", trunk="pstn", inferred=True, outcome="answered"),
        LineReleased(line="2", inferred=True, outcome="unknown"),
        LineReleased(line="3", inferred=True),
        CallLost(**other),
        CallEnded(**of, talk_s=40.0, inferred=True),
    ]


def test_a_clock_that_was_set_during_a_talk_makes_it_no_longer() -> None:
    queued = CallQueued(call="c1", pbx="analog", visit="c1", queue="q")
    answered = CallAnswered(call="c1", pbx="analog", visit="c1", queue="q", wait_s=1.0)
    first, talk = stored(queued, answered)
    # 56 years later by the wall, 40 s by the clock that is never set; then the box booted again.
    later = Event(
        kind_of(first.data), first.source, 56 * 365 * 86_400 * NS, talk.mono_ns + 40 * NS, "boot", "synced", LineRinging(line="9")
    )
    booted = Event(kind_of(first.data), first.source, later.wall_ns + NS, 3 * NS, "next", "synced", LineRinging(line="9"))
    [ended] = closing([first, talk, later, booted], (), "analog")
    assert isinstance(ended, CallEnded)
    assert ended.talk_s == 40.0


def test_wherever_it_dies_everything_is_closed_once() -> None:
    data = [event for event in events_of(CALLS) if type(event).__name__[:4] in ("Line", "Call")]
    for end in range(len(data) + 1):
        history = stored(*data[:end])
        closed = closing(history, ("Línea 1",), "linea-1")
        assert closing(stored(*data[:end], *closed), ("Línea 1",), "linea-1") == []
        assert len(closed) <= 2
    assert all(first != second for first, second in pairwise(closed))
