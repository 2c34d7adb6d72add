"""Menus, surveys and callbacks as a recorded PBX tells them: who chose what, who served himself, what was answered about whom."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import Struct

from appliance.core import catalogue as c
from appliance.core.config import Config, PbxConfig
from appliance.core.ivr_config import CallbackMap, IvrConfig, MenuMap, SurveyMap
from gateway.pbx.replay_feed import feed_capture

_CAPTURES = Path(__file__).parents[2] / "captures"
_IVR = IvrConfig(survey=SurveyMap(questions={"Q1": "satisfaction", "Q2": "solved"}))


def told(capture: str, ivr: IvrConfig | None) -> list[Struct]:
    lines = gzip.decompress((_CAPTURES / capture / "lean.jsonl.gz").read_bytes()).splitlines()
    return [event for _, events in feed_capture(lines, Config(pbx={"central": PbxConfig(ivr=ivr)})) for event in events]


def of(events: list[Struct], kind: type[Struct]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def test_the_recorded_menu() -> None:
    events = told("S5_ivr", _IVR)
    digits = of(events, c.CallDigits)
    chosen = [(d.menu, d.digits) for d in digits if d.ended is None]
    assert chosen == [("main", each) for each in ("1", "2", "3", "9", "9", "7", None, "1", "1", None, "2")]
    over = {d.path: d.ended for d in digits if d.ended}
    assert (over["main:7", "main:1"], over["main:", "main:"]) == ("agent", "agent")
    assert [d.ended for d in digits if d.ended].count("agent") == 9, "seven joined a queue, two wanted to be called back"
    numbers = [(back.number, back.queue) for back in of(events, c.CallCallbackRequested)]
    assert numbers == [("699000111", None), ("612005004", None), ("655443322", "soporte")]
    scores = [(s.queue, s.agent, s.question, s.score) for s in of(events, c.CallSurvey)]
    assert [each for each in scores if each[2] == "satisfaction"] == [
        ("ventas", "ana-garcia", "satisfaction", 5.0),
        ("soporte", "marta-ruiz", "satisfaction", 3.0),
        ("vip", "elena-vidal", "satisfaction", 4.0),
        ("ventas", "ana-garcia", "satisfaction", 1.0),
        ("soporte", "jorge-soto", "satisfaction", 5.0),
    ]
    assert [each[3] for each in scores if each[2] == "solved"] == [1.0, 2.0, 2.0, 1.0], "one hung up before the second question"
    answered = {a.visit: (a.queue, a.agent) for a in of(events, c.CallAnswered)}
    assert all(answered[s.visit] == (s.queue, s.agent) for s in of(events, c.CallSurvey)), "each is about its own conversation"


def test_nothing_is_told_unless_it_is_mapped() -> None:
    events = told("S5_ivr", None)
    assert not [*of(events, c.CallDigits), *of(events, c.CallSurvey), *of(events, c.CallCallbackRequested)]


def test_who_hangs_up_in_the_menu_served_himself(script: Callable[..., Any], rows: Any) -> None:
    s = script(Config(pbx={"central": PbxConfig(ivr=IvrConfig())})).at(10).say("Newchannel", **rows.chan("1.1", state=4))
    s.at(12).say("UserEvent", **rows.chan("1.1"), UserEvent="IVRSelection", Menu="saldo", Option="4", IVRUniqueid="1.1")
    s.at(20).hangup("1.1")
    first, last = s.tally.of("call.digits")
    assert (first.path, first.ended, last.ended, last.ivr_s, last.call) == (("saldo:4",), None, "self_service", 8.0, first.call)


def test_a_phone_rung_from_the_menu_is_an_agent_asked_for(script: Callable[..., Any], rows: Any) -> None:
    s = script(Config(pbx={"central": PbxConfig(ivr=IvrConfig())})).at(10).say("Newchannel", **rows.chan("1.1", state=4))
    s.at(12).say("UserEvent", **rows.chan("1.1"), UserEvent="IVRSelection", Menu="main", Option="0")
    s.at(13).say("DialBegin", **rows.chan("1.1"), **rows.dest("1.2", "PJSIP/101-5"), DialString="101").at(20).hangup("1.1")
    assert [d.ended for d in s.tally.of("call.digits")] == [None, "agent"]


def test_variables_tell_as_events_do_and_are_not_told_twice(script: Callable[..., Any], rows: Any) -> None:
    ivr = IvrConfig(
        menu=MenuMap(variable="OPCION"), survey=SurveyMap(variables={"NOTA": "satisfaction"}), callback=CallbackMap(variable="LLAMAR")
    )
    s = script(Config(pbx={"central": PbxConfig(ivr=ivr)})).at(10).say("Newchannel", **rows.chan("1.1", state=4))
    s.at(11).say("VarSet", **rows.chan("1.1"), Variable="OPCION", Value="2").say("VarSet", **rows.chan("1.1"), Variable="OTRA", Value="5")
    s.at(12).say("VarSet", **rows.chan("1.1"), Variable="NOTA", Value="9").say("VarSet", **rows.chan("1.1"), Variable="NOTA", Value="4")
    s.at(13).say("Hangup", **rows.chan("1.1"), Cause="16", ChanVariable="NOTA=4")
    assert [(d.digits, d.ended) for d in s.tally.of("call.digits")] == [("2", None), (None, "self_service")]
    assert [x.score for x in s.tally.of("call.survey")] == [4.0], "9 is not on the scale"
    s.at(20).say("Newchannel", **rows.chan("2.1", state=4)).say("Hangup", **rows.chan("2.1"), Cause="16", ChanVariable="LLAMAR=0998")
    assert [x.number for x in s.tally.of("call.callback_requested")] == ["0998"]
