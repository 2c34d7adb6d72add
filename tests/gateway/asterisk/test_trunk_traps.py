"""Lines of a PBX: calls that met a full group, each counted once however often it is told, and lines that are at fault."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.core import catalogue as c
from appliance.core.config import Config, TrunkConfig
from appliance.core.trunk_config import FullMap, LineFaults
from gateway.pbx.replay_feed import feed_capture

_S6 = Path(__file__).parents[2] / "captures" / "S6_trunk" / "lean.jsonl.gz"
_ONE = ("DAHDI/",)


def recorded(**trunks: TrunkConfig) -> list[Any]:
    lines = gzip.decompress(_S6.read_bytes()).splitlines()
    return [event for _, events in feed_capture(lines, Config(trunks=trunks)) for event in events]


def group(lines: int = 2, **faults: float) -> Config:
    return Config(trunks={"pstn": TrunkConfig(channels=_ONE, lines=lines, faults=LineFaults(**faults))})  # type: ignore[arg-type]


def test_the_recorded_congestion() -> None:
    """What the PBX's own dialplan said of these calls: four met its full group, three were turned away by the carrier."""
    both = {"norte": FullMap(), "sur": None}
    events = recorded(**{key: TrunkConfig(channels=(f"PJSIP/trunk-{key}",), lines=9, full=full) for key, full in both.items()})
    assert [e.dialled for e in events if isinstance(e, c.CallOffered) and e.blocked] == ["600244421", "600344431", "600544451", "600444441"]
    congested = [e.trunk for e in events if isinstance(e, c.LineReleased) and e.congested]
    assert (congested.count("norte"), congested.count("sur")) == (2, 1), "cause 34; busy, unallocated and rejected are the callee's"
    result = {"norte": TrunkConfig(channels=("PJSIP/trunk-norte",), lines=9, full=FullMap(event="OutboundResult"))}
    assert not [e for e in recorded(**result) if isinstance(e, c.CallOffered) and e.blocked], "told by the channel's cause already"
    assert not [e for e in events if isinstance(e, c.LineFault)]


def test_a_call_beyond_the_last_line_met_a_full_group(script: Callable[..., Any], rows: Any) -> None:
    s = script(group(lines=1)).at(10).say("Newchannel", **rows.chan("1.1", "DAHDI/1-1", 4))
    s.at(11).say("Newchannel", **rows.chan("2.1", "DAHDI/2-1", 4))
    assert [e.beyond for e in s.tally.of("line.seized")] == [False, True]


@pytest.mark.parametrize(
    ("headers", "blocked"),
    [
        ({}, True),
        ({"Trunk": "pstn", "DialStatus": "CHANUNAVAIL"}, True),
        ({"Trunk": "DAHDI/g1", "DialStatus": "CHANUNAVAIL", "HangupCause": "34"}, True),
        ({"Trunk": "gsm", "DialStatus": "CONGESTION"}, False),
        ({"DialStatus": "BUSY"}, False),
        ({"DialStatus": "CHANUNAVAIL", "HangupCause": "1"}, False),
    ],
)
def test_the_dialplans_word(script: Callable[..., Any], rows: Any, headers: dict[str, str], blocked: bool) -> None:
    config = Config(trunks={"pstn": TrunkConfig(channels=_ONE, lines=2, full=FullMap())})
    s = script(config).at(10)
    for _ in range(2):
        s.say("UserEvent", **rows.chan("1.1", "PJSIP/101-1"), UserEvent="AllTrunksBusy", Number="0998", **headers)
    assert [(e.direction, e.blocked) for e in s.tally.of("call.offered")] == [("out", True)] * blocked


def test_a_line_busy_for_hours_is_stuck_until_it_is_free(script: Callable[..., Any], rows: Any) -> None:
    s = script(group(stuck_s=60)).at(10).say("Newchannel", **rows.chan("1.1", "DAHDI/1-1", 4)).at(20)
    s.say("Newchannel", **rows.chan("2.1", "DAHDI/2-1", 4)).at(75)
    assert [(e.line, e.fault, e.over) for e in s.tally.of("line.fault")] == [("DAHDI/1-1", "stuck_off_hook", False)]
    s.hangup("2.1").at(500).hangup("1.1")
    assert [e.over for e in s.tally.of("line.fault")] == [False, True]


def out_and_back(s: Any, rows: Any, uniqueid: str, cause: int) -> None:
    s.say("Newchannel", **rows.chan(uniqueid, f"DAHDI/1-{uniqueid[0]}", 0))
    s.say("Hangup", **rows.chan(uniqueid, f"DAHDI/1-{uniqueid[0]}"), Cause=str(cause))


def test_a_line_that_refuses_every_call_is_out_of_service(script: Callable[..., Any], rows: Any) -> None:
    s = script(group(dead_after=2)).at(10)
    for number, cause in enumerate((38, 17, 38, 38, 38)):
        out_and_back(s, rows, f"{number}.1", cause)
    assert [(e.line, e.fault, e.over) for e in s.tally.of("line.fault")] == [("DAHDI/1", "out_of_service", False)]
    s.say("Newchannel", **rows.chan("9.1", "DAHDI/1-9", 4))
    assert [e.over for e in s.tally.of("line.fault")] == [False, True], "a call came in on it"


def test_the_pbx_raises_an_alarm_of_a_line(script: Callable[..., Any]) -> None:
    s = script(group()).at(10).say("Alarm", DAHDIChannel="3", Alarm="Red Alarm").say("Alarm", DAHDIChannel="3", Alarm="Red Alarm")
    s.say("AlarmClear", DAHDIChannel="4").at(20).say("AlarmClear", DAHDIChannel="3").say("SpanAlarm", Span="1", Alarm="Yellow")
    assert [(e.line, e.over) for e in s.tally.of("line.fault")] == [("DAHDI/3", False), ("DAHDI/3", True), ("DAHDI/i1", False)]


def test_glare_is_told_by_its_cause_and_by_two_ends_of_one_wire(script: Callable[..., Any], rows: Any) -> None:
    s = script(group(lines=9)).at(10)
    out_and_back(s, rows, "1.1", 44)
    s.at(20).say("Newchannel", **rows.chan("2.1", "DAHDI/2-1", 0)).at(21).say("Newchannel", **rows.chan("2.2", "DAHDI/2-2", 4))
    s.at(30).say("Newchannel", **rows.chan("3.1", "DAHDI/3-1", 0)).at(40).say("Newchannel", **rows.chan("3.2", "DAHDI/3-2", 4))
    assert [(e.line, e.fault) for e in s.tally.of("line.fault")] == [("DAHDI/1", "glare"), ("DAHDI/2", "glare")]
