"""A gateway killed while callers are in the menus, or about to answer a survey: what the journal holds is enough to go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from appliance.core.catalogue import CallSurvey, kind_of
from appliance.core.clock import NS
from appliance.core.config import Config, PbxConfig, TrunkConfig
from appliance.core.event import Event
from appliance.core.ivr_config import IvrConfig
from gateway.pbx.known import fold, restore

CONFIG = Config(pbx={"central": PbxConfig(ivr=IvrConfig())}, trunks={"pstn": TrunkConfig(channels=("DAHDI/",), lines=8)})


def killed(s: Any, away_s: float = 5) -> Any:
    """Another process takes up the journal."""
    pairs = zip(s.times_ns, s.events, strict=True)
    events = [Event(kind_of(data), "gateway/central", at, at, "boot", "synced", data) for at, data in pairs]
    new = type(s)(CONFIG)
    new.now_ns = s.now_ns + round(away_s * NS)
    restore(new.source, fold(events)["central"], boot="boot", now_mono_ns=new.now_ns, now_wall_ns=new.now_ns)
    new.add(new.source.disconnected(new.now_ns, "service_stopped"))
    return new


@pytest.fixture
def pbx(script: Callable[..., Any], rows: Any) -> Any:
    """A caller who has chosen once, two seconds after he came."""
    s = script(CONFIG).at(10).say("Newchannel", **rows.chan("1.1", state=4)).at(12)
    return s.say("UserEvent", **rows.chan("1.1"), UserEvent="IVRSelection", Menu="main", Option="4")


def listed(*channels: str) -> list[dict[str, object]]:
    return [{"Channel": "PJSIP/trunk-norte-1", "Uniqueid": u, "Linkedid": u, "ChannelState": 6, "CallerIDNum": "612"} for u in channels]


def test_who_was_in_the_menus_still_is(pbx: Any, rows: Any) -> None:
    s = killed(pbx).connect(channels=listed("1.1"))
    s.say("UserEvent", **rows.chan("1.1"), UserEvent="IVRSelection", Menu="saldo", Option="1").hangup("1.1")
    chosen, left = s.tally.of("call.digits")
    assert (chosen.path, left.ended, left.call) == (("main:4", "saldo:1"), "self_service", pbx.tally.of("call.digits")[0].call)
    assert left.ivr_s > 5


def test_who_was_gone_when_sight_came_back_is_in_no_figure(pbx: Any) -> None:
    assert killed(pbx).connect(channels=[]).tally.of("call.digits") == []


def test_a_survey_after_the_restart_is_about_the_conversation_before_it(script: Callable[..., Any], rows: Any) -> None:
    before = script(CONFIG).at(10).join("1.1").ring("1.1", "1.2").at(12).connect_agent("1.1", "1.2").at(20)
    (answered,) = before.tally.of("call.answered")
    s = killed(before).connect(members=[rows.listed()], channels=listed("1.1"))
    s.say("UserEvent", **rows.chan("1.1"), UserEvent="SurveyResult", CallUniqueid="1.1", Q1="4")
    (scored,) = [event for event in s.events if isinstance(event, CallSurvey)]
    assert (scored.visit, scored.queue, scored.agent, scored.score) == (answered.visit, answered.queue, answered.agent, 4.0)


def test_a_line_out_of_service_comes_back_after_the_restart(script: Callable[..., Any]) -> None:
    before = script(CONFIG).at(10).say("Alarm", DAHDIChannel="3", Alarm="Red Alarm")
    s = killed(before).say("Alarm", DAHDIChannel="3", Alarm="Red Alarm").say("AlarmClear", DAHDIChannel="3").connect()
    assert [(e.line, e.fault, e.over) for e in s.tally.of("line.fault")] == [("DAHDI/3", "out_of_service", True)]
