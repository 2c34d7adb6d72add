"""Classified calls as a dialplan tells them: by a user event during or after the call, by a variable, by keys that an agent presses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from appliance.core.catalogue import kind_of
from appliance.core.classification_config import CallType, Classification
from appliance.core.clock import NS
from appliance.core.config import Config, PbxConfig
from appliance.core.event import Event
from appliance.core.ivr_config import ClassifyMap, IvrConfig
from gateway.pbx.known import fold, restore

CLASSES = Classification(
    types={"prank": CallType()}, words={"9": "extraordinary", "BIEN": "perfect"}, digits={"clasificar:1": "perfect", ":4": "improper"}
)
CONFIG = Config(pbx={"central": PbxConfig(ivr=IvrConfig(classify=ClassifyMap(variable="TIPO")))}, classification=CLASSES)


@pytest.fixture
def talking(script: Callable[..., Any], rows: Any) -> Any:
    """An agent talks with the caller of channel 1.1, his own leg is 1.2."""
    return script(CONFIG).at(10).join("1.1").ring("1.1", "1.2").at(12).connect_agent("1.1", "1.2")


def classified(s: Any) -> list[Any]:
    return s.tally.of("call.classified")


def test_during_the_call_by_its_own_channel(talking: Any, rows: Any) -> None:
    talking.say(
        "UserEvent", **rows.chan("1.1"), UserEvent="CallClassified", Type="BIEN", Topic="factura", Reason="cobro", SubReason="doble",
        Question="¿por qué dos veces?",
    )  # fmt: skip
    (answered,), (told,) = talking.tally.of("call.answered"), classified(talking)
    assert (told.call, told.visit, told.queue, told.agent) == (answered.call, answered.visit, answered.queue, answered.agent)
    assert (told.type, told.topic, told.reason, told.subreason, told.question) == (
        "perfect", "factura", "cobro", "doble", "¿por qué dos veces?",
    )  # fmt: skip


def test_after_the_call_by_the_channel_that_was(talking: Any, rows: Any) -> None:
    (answered,) = talking.tally.of("call.answered")
    talking.at(60).hangup("1.1").hangup("1.2").at(70)
    talking.say("UserEvent", **rows.chan("7.1"), UserEvent="CallClassified", CallUniqueid="1.1", Type="9")
    (told,) = classified(talking)
    assert (told.call, told.visit, told.agent, told.type) == (answered.call, answered.visit, answered.agent, "extraordinary")


def test_after_the_call_by_whoever_took_it(talking: Any, rows: Any) -> None:
    """An agent's own channel: the event names him, or it is his phone that presses keys in the menu that classifies."""
    (answered,) = talking.tally.of("call.answered")
    interface = rows.listed()["Location"]
    talking.at(60).hangup("1.1").hangup("1.2").at(70)
    talking.say("UserEvent", **rows.chan("7.1"), UserEvent="CallClassified", AgentInterface=interface, Type="improper")
    talking.say("Newchannel", **{**rows.chan("8.1", state=4), "Channel": f"{interface}-00000008"})
    talking.say("UserEvent", **rows.chan("8.1"), UserEvent="IVRSelection", Menu="clasificar", Option="1").hangup("8.1")
    told = classified(talking)
    assert [(each.call, each.agent, each.type) for each in told] == [
        (answered.call, answered.agent, "improper"),
        (answered.call, answered.agent, "perfect"),
    ]
    assert [digits.ended for digits in talking.tally.of("call.digits")] == [None], "to classify is no call that served itself"


def test_by_the_callers_own_keys_and_by_a_variable_once(talking: Any, rows: Any) -> None:
    talking.say("UserEvent", **rows.chan("1.1"), UserEvent="IVRSelection", Menu="clasificar", Option="2")
    talking.say("VarSet", **rows.chan("1.1"), Variable="TIPO", Value="9").say("VarSet", **rows.chan("1.1"), Variable="TIPO", Value="9")
    talking.at(70).say("Hangup", **rows.chan("1.1"), Cause="16", ChanVariable="TIPO=9")
    assert [told.type for told in classified(talking)] == ["extraordinary"], "2 means nothing in that menu"


def test_a_word_that_means_nothing_is_a_topic_and_nothing_is_nobody(talking: Any, rows: Any) -> None:
    talking.say("UserEvent", **rows.chan("1.1"), UserEvent="CallClassified", Type="regular")
    talking.say("UserEvent", **rows.chan("1.1"), UserEvent="CallClassified", Agent="x")
    talking.say("UserEvent", **rows.chan("9.1"), UserEvent="CallClassified", Agent="Nobody Ever", Type="9")
    assert [(told.type, told.topic) for told in classified(talking)] == [(None, "regular")]
    talking.say("UserEvent", **rows.chan("5.1"), UserEvent="CallClassified", Type="prank")
    last = classified(talking)[-1]
    assert (last.type, last.visit, last.agent) == ("prank", None, None), "a call of no queue"


def test_a_gateway_killed_in_between_knows_whose_call_it_was(talking: Any, rows: Any) -> None:
    talking.say("VarSet", **rows.chan("1.1"), Variable="TIPO", Value="9").at(60).hangup("1.1").hangup("1.2")
    (answered,) = talking.tally.of("call.answered")
    pairs = zip(talking.times_ns, talking.events, strict=True)
    events = [Event(kind_of(data), "gateway/central", at, at, "boot", "synced", data) for at, data in pairs]
    new = type(talking)(CONFIG)
    new.now_ns = talking.now_ns + 5 * NS
    restore(new.source, fold(events)["central"], boot="boot", now_mono_ns=new.now_ns, now_wall_ns=new.now_ns)
    new.connect(members=[rows.listed()])
    new.say("VarSet", **rows.chan("1.1"), Variable="TIPO", Value="9")  # told before: nothing new
    new.say("UserEvent", **rows.chan("7.1"), UserEvent="CallClassified", Agent=rows.listed()["Name"], Type="perfect")
    (told,) = classified(new)
    assert (told.call, told.visit, told.agent, told.type) == (answered.call, answered.visit, answered.agent, "perfect")
