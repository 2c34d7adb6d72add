"""Menus, answers and callbacks as a FreeSWITCH's dialplan tells them: events of its own, or variables of the caller's channel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from appliance.core.catalogue import kind_of
from appliance.core.clock import NS
from appliance.core.config import Config, PbxConfig
from appliance.core.event import Event
from appliance.core.ivr_config import CallbackMap, ClassifyMap, IvrConfig, MenuMap, SurveyMap
from gateway.pbx.known import fold, restore

IVR = IvrConfig(
    menu=MenuMap(event="ivr::choice"), survey=SurveyMap(event="ivr::survey", variables={"nota": "satisfaction"}),
    callback=CallbackMap(event="ivr::callback"), classify=ClassifyMap(event="ivr::class", variable="tipo"),
)  # fmt: skip
CONFIG = Config(pbx={"central": PbxConfig(kind="freeswitch", ivr=IVR)})


def called(script: Callable[..., Any]) -> Any:
    pbx = script(CONFIG).connect()
    return pbx.at(1).say(
        "CHANNEL_CREATE", Unique_ID="c1", Channel_Name="sofia/external/1", Call_Direction="inbound", Channel_Call_UUID="c1"
    )


def test_a_choice_and_then_an_agent(script: Callable[..., Any]) -> None:
    pbx = called(script).at(3).say("ivr::choice", Unique_ID="c1", Menu="main", Option="2").at(5).join().at(9)
    assert pbx.calls() == ["digits", "queued", "digits"]
    first, last = pbx.of("call.digits")
    assert (first.menu, first.digits, first.path, first.ended) == ("main", "2", ("main:2",), None)
    assert (last.ended, last.ivr_s) == ("agent", 2.0)
    assert pbx.of("call.queued")[0].call == first.call


def test_a_caller_who_hangs_up_in_the_menu_served_himself(script: Callable[..., Any]) -> None:
    pbx = called(script).at(3).say("ivr::choice", Unique_ID="c1", Menu="main", Option="1").at(7).hang_up("c1")
    assert [event.ended for event in pbx.of("call.digits")] == [None, "self_service"]


def test_an_answer_is_about_the_conversation_before_it(script: Callable[..., Any]) -> None:
    pbx = called(script).join().ring().at(4).take().at(9).hang_up("leg").over(alive=True)
    pbx.at(20).say("CHANNEL_HANGUP", Unique_ID="c1", Answer_State="hangup", variable_nota="4")
    (survey,) = pbx.of("call.survey")
    assert (survey.question, survey.score, survey.queue, survey.agent) == ("satisfaction", 4.0, "ventas-default", "1000-default")


def test_a_callback_is_asked_for(script: Callable[..., Any]) -> None:
    pbx = called(script).at(3).say("ivr::callback", Unique_ID="c1", CallbackNum="612000101")
    assert [event.number for event in pbx.of("call.callback_requested")] == ["612000101"]


def test_a_restarted_box_hears_old_answers_again_with_every_event_and_tells_none_twice(script: Callable[..., Any]) -> None:
    pbx = called(script).join().ring().at(4).take().at(9).hang_up("leg").over(alive=True)
    pbx.at(12).say("CHANNEL_HOLD", Unique_ID="c1", variable_nota="4")
    pairs = [Event(kind_of(data), "gateway/central", at, at, "boot", "synced", data) for at, data in enumerate(pbx.events, 1_000 * NS)]
    new = script(CONFIG)
    new.now_ns = pbx.now_ns
    restore(new.source, fold(pairs)["central"], boot="boot", now_mono_ns=new.now_ns, now_wall_ns=new.now_ns)
    new.connect().say("CHANNEL_HANGUP", Unique_ID="c1", Answer_State="hangup", variable_nota="4")
    assert (len(pbx.of("call.survey")), new.of("call.survey")) == (1, [])


def test_the_queues_last_word_on_a_channel_repeats_no_choice(script: Callable[..., Any]) -> None:
    pbx = called(script).at(2).say("CHANNEL_CREATE", Unique_ID="c2", Other_Leg_Unique_ID="x", variable_nota="5")
    pbx.say("CHANNEL_HANGUP", Unique_ID="c2", Answer_State="hangup", variable_nota="5")
    pbx.say("callcenter::info", CC_Action="member-queue-end", Unique_ID="c2", variable_nota="5")
    assert len(pbx.of("call.survey")) == 1


def test_a_class_by_an_event_after_the_call_and_by_a_variable_once(script: Callable[..., Any]) -> None:
    pbx = called(script).join().ring().at(4).take().at(9).hang_up("leg").over(alive=True)
    pbx.at(12).say("CHANNEL_HOLD", Unique_ID="c1", variable_tipo="perfect").say("CHANNEL_UNHOLD", Unique_ID="c1", variable_tipo="perfect")
    pbx.at(20).say("CHANNEL_HANGUP", Unique_ID="c1", Answer_State="hangup", variable_tipo="perfect")
    pbx.at(30).say("ivr::class", CallUniqueid="c1", Type="extraordinary", Topic="amenaza")
    pbx.at(31).say("ivr::class", Agent=pbx.of("call.answered")[0].agent.removesuffix("-default") + "@default", Type="improper")
    (answered,) = pbx.of("call.answered")
    told = pbx.of("call.classified")
    assert [(each.type, each.topic) for each in told] == [("perfect", None), ("extraordinary", "amenaza"), ("improper", None)]
    assert {(each.call, each.visit, each.queue, each.agent) for each in told} == {
        (answered.call, answered.visit, answered.queue, answered.agent)
    }
