"""What an agent is doing: device states, pauses, wrap-up, shared phones, several queues."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from appliance.core.config import AgentConfig, Config, Kpi, PbxConfig, QueueConfig, TrunkConfig
from gateway.pbx.names import AgentNames, QueueNames


def test_a_ringing_phone_that_shows_busy_is_ringing(script: Callable[..., Any], rows: Any) -> None:
    """`device_state_busy_at=1`: status 3 comes with the ring already."""
    s = script().at(10).join("1.1").ring("1.1", "1.2").say("Newstate", **rows.chan("1.2", "PJSIP/101-1.2", 5)).member(Status=3)
    assert s.states()[-1] == "ringing"
    s.at(12).connect_agent("1.1", "1.2").at(20).complete("1.1", "1.2").hangup("1.2").member(Status=1)
    assert s.states() == ["logged_in", "available", "ringing", "talking", "available"]


def test_ringing_and_in_use_by_device_state_alone(script: Callable[..., Any]) -> None:
    """A user who may not read the call class sees no channels."""
    s = script().at(10).member(Status=6).at(12).member(Status=2).at(20).member(Status=1)
    assert s.states() == ["logged_in", "available", "ringing", "talking", "available"]


def test_a_status_that_lags_behind_the_hangup_is_no_new_call(script: Callable[..., Any]) -> None:
    s = (
        script()
        .at(10)
        .join("1.1")
        .ring("1.1", "1.2")
        .member(Status=3)
        .at(12)
        .say(
            "AgentRingNoAnswer",
            Uniqueid="1.1",
            Queue="ventas",
            Interface="PJSIP/101",
            MemberName="Agente 101",
            DestUniqueid="1.2",
            RingTime=2000,
        )
    )
    s.hangup("1.2").at(13).member(Status=1)
    assert s.states() == ["logged_in", "available", "ringing", "available"]


def test_a_call_of_no_queue_makes_him_talking(script: Callable[..., Any], rows: Any) -> None:
    s = script().at(10).say("Newchannel", **rows.chan("7.1", "PJSIP/101-7", 4)).at(20).hangup("7.1")
    assert s.states() == ["logged_in", "available", "talking", "available"]
    assert s.tally.queues == {}


def test_rung_again_while_talking_is_still_talking(script: Callable[..., Any]) -> None:
    s = script().at(10).join("1.1").ring("1.1", "1.2").at(12).connect_agent("1.1", "1.2").member(Status=2)
    s.at(15).join("2.1").ring("2.1", "2.2").member(Status=7).at(18).hangup("2.2").member(Status=2)
    assert s.states() == ["logged_in", "available", "ringing", "talking"]


def test_wrap_up_by_the_members_own_time(script: Callable[..., Any]) -> None:
    s = script().member(Wrapuptime=5).at(10).join("1.1").ring("1.1", "1.2").at(12).connect_agent("1.1", "1.2")
    s.at(20).complete("1.1", "1.2").hangup("1.2").at(24.9)
    assert s.states()[-1] == "wrap_up"
    assert s.at(25).states()[-1] == "available"


def test_wrap_up_by_the_configured_time_of_the_queue_which_ami_never_tells(script: Callable[..., Any]) -> None:
    config = Config(kpi=Kpi(wrap_up_s=30.0), queues={"ventas": QueueConfig(wrap_up_s=4.0)})
    s = script(config).at(10).join("1.1").ring("1.1", "1.2").at(12).connect_agent("1.1", "1.2").at(20).complete("1.1", "1.2").hangup("1.2")
    assert s.states()[-1] == "wrap_up"
    assert s.at(24).states()[-1] == "available"


def test_a_new_call_ends_the_wrap_up(script: Callable[..., Any]) -> None:
    s = script(Config(kpi=Kpi(wrap_up_s=30.0))).at(10).join("1.1").ring("1.1", "1.2").at(12).connect_agent("1.1", "1.2")
    s.at(20).complete("1.1", "1.2").hangup("1.2").join("2.1").ring("2.1", "2.2").at(22).connect_agent("2.1", "2.2")
    s.at(25).complete("2.1", "2.2").hangup("2.2").at(60)
    assert s.states()[2:] == ["ringing", "talking", "wrap_up", "ringing", "talking", "wrap_up", "available"]


def test_a_pause_whose_reason_is_configured_is_wrap_up(script: Callable[..., Any]) -> None:
    s = script(Config(kpi=Kpi(wrap_up_reasons=("cierre",)))).at(10).member(event="QueueMemberPause", Paused=1, PausedReason="cierre")
    assert s.states()[-1] == "wrap_up"
    assert s.at(20).member(event="QueueMemberPause", Paused=1, PausedReason="baño").states()[-1] == "paused"


def test_a_second_pause_with_another_reason_needs_no_unpause(script: Callable[..., Any]) -> None:
    s = script().at(10).member(event="QueueMemberPause", Paused=1, PausedReason="descanso")
    s.at(20).member(event="QueueMemberPause", Paused=1, PausedReason="Auto-Pause").at(30).member(event="QueueMemberPause", Paused=0)
    assert [event.reason for event in s.tally.of("agent.state")][1:] == ["descanso", "Auto-Pause", None]


def test_paused_in_one_queue_of_two_is_available_and_each_queue_has_its_own_word(script: Callable[..., Any]) -> None:
    s = script().member(queue="soporte", event="QueueMemberAdded").at(10).member(event="QueueMemberPause", Paused=1, PausedReason="comida")
    event = s.tally.of("agent.state")[-1]
    assert (event.state, event.queues) == ("available", {"ventas": "paused", "soporte": "available"})
    event = s.member(queue="soporte", event="QueueMemberPause", Paused=1, PausedReason="comida").tally.of("agent.state")[-1]
    assert (event.state, event.queues, event.reason) == ("paused", {"ventas": "paused", "soporte": "paused"}, "comida")


def test_talking_while_paused_is_talking(script: Callable[..., Any]) -> None:
    s = script().at(10).join("1.1").ring("1.1", "1.2").at(12).connect_agent("1.1", "1.2").member(event="QueueMemberPause", Paused=1)
    assert s.states()[-1] == "talking"
    assert s.at(20).complete("1.1", "1.2").hangup("1.2").states()[-1] == "paused"


def test_an_unreachable_phone_is_logged_out_and_back(script: Callable[..., Any]) -> None:
    s = script().at(10).member(Status=5).at(20).member(Status=1).at(30).member(Status=4)
    assert s.states() == ["logged_in", "available", "logged_out", "logged_in", "available", "logged_out"]


def test_leaving_one_queue_is_no_log_out_and_leaving_the_last_is(script: Callable[..., Any]) -> None:
    s = script().member(queue="soporte", event="QueueMemberAdded").at(10).member(event="QueueMemberRemoved")
    assert s.states()[-1] == "available"
    assert s.tally.of("agent.state")[-1].queues == {"soporte": "available"}
    assert s.at(20).member(queue="soporte", event="QueueMemberRemoved").states()[-1] == "logged_out"


def test_two_names_at_one_phone_are_one_agent_whose_calls_are_booked_by_name(script: Callable[..., Any], rows: Any) -> None:
    s = script().member(queue="vip", Interface="Local/101@agents/n", MemberName="AgL 101", event="QueueMemberAdded")
    assert [event.agent for event in s.tally.of("agent.logged_in")] == ["agente-101"]
    s.at(10).join("1.1", "vip")
    s.say(
        "AgentConnect",
        **rows.chan("1.1"),
        **rows.dest("1.2", "PJSIP/101-1"),
        Queue="vip",
        Interface="Local/101@agents/n",
        MemberName="AgL 101",
        HoldTime=1,
    )
    assert [event.agent for event in s.tally.of("call.answered")] == ["agl-101"]
    assert s.states()[-1] == "talking"
    (told,) = [event for event in s.tally.of("agent.state") if event.agent == "agl-101"]
    assert (told.state, told.name) == ("logged_out", "AgL 101")


def test_one_name_at_two_phones_is_one_agent(script: Callable[..., Any]) -> None:
    s = script().member(queue="vip", Interface="PJSIP/201", StateInterface="PJSIP/201", event="QueueMemberAdded").at(10).member(Status=5)
    assert [event.agent for event in s.tally.of("agent.logged_in")] == ["agente-101"]
    assert s.states()[-1] == "available"


def test_whoever_logs_in_at_a_phone_after_another_left_it_is_himself(script: Callable[..., Any]) -> None:
    s = script().at(10).member(event="QueueMemberRemoved").at(20).member(event="QueueMemberAdded", MemberName="Luis Pérez")
    assert [event.agent for event in s.tally.of("agent.logged_in")] == ["agente-101", "luis-perez"]


def test_a_member_seen_only_in_a_call_is_known_by_it(script: Callable[..., Any]) -> None:
    s = script().at(10).join("1.1").ring("1.1", "1.2", 105).at(12).connect_agent("1.1", "1.2", 105)
    assert s.states("agente-105") == ["logged_in", "ringing", "talking"]
    s.at(20).complete("1.1", "1.2", 105).hangup("1.2").member(105)
    assert s.states("agente-105")[-1] == "available"


def test_freepbx_members_are_followed_by_their_extension(script: Callable[..., Any], rows: Any) -> None:
    s = script().member(
        event="QueueMemberAdded", Interface="Local/301@from-queue/n", StateInterface="hint:301@ext-local", MemberName="Rosa"
    )
    s.at(10).say("Newchannel", **rows.chan("7.1", "PJSIP/301-7", 4)).at(20).hangup("7.1")
    assert s.states("rosa") == ["logged_in", "available", "talking", "available"]


def test_configured_agents_keep_their_key_and_name_whatever_the_member_is_called(script: Callable[..., Any]) -> None:
    config = Config(agents={"rosa": AgentConfig(name="Rosa Blanco", interfaces=("PJSIP/101", "SIP/901"))})
    s = script(config).member(queue="vip", event="QueueMemberAdded", Interface="SIP/901", StateInterface="SIP/901", MemberName="901")
    (event,) = s.tally.of("agent.logged_in")
    assert (event.agent, event.name) == ("rosa", "Rosa Blanco")


def test_keys_of_clashing_names_follow_first_sight_and_survive_a_restart() -> None:
    queues = QueueNames("")
    assert [queues.key(t) for t in ("Ventas", "ventas", "VENTAS", "ventas")] == ["ventas", "ventas-2", "ventas-3", "ventas-2"]
    again = QueueNames("")
    for named in queues.all():
        again.restore(named.key, named.title)
    assert [again.key(t) for t in ("VENTAS", "ventas", "Ventas", "VentaS")] == ["ventas-3", "ventas-2", "ventas", "ventas-4"]


def test_with_several_pbxs_keys_carry_the_pbx(script: Callable[..., Any]) -> None:
    s = script(Config(pbx={"central": PbxConfig(), "norte": PbxConfig()})).at(10).join("1.1")
    assert s.tally.of("call.queued")[0].queue == "central.ventas"
    assert s.tally.of("agent.logged_in")[0].agent == "central.agente-101"
    names = AgentNames(Config(), "central")
    assert len(names.key("x" * 90, "PJSIP/1")) == 64


def test_trunk_lines_are_channels_and_the_group_is_full_at_its_number(script: Callable[..., Any], rows: Any) -> None:
    config = Config(trunks={"pstn": TrunkConfig(channels=("PJSIP/trunk-norte", "DAHDI/"), lines=2)})
    s = script(config).at(10).say("Newchannel", **{**rows.chan("1.1", state=4), "Exten": "911000002"})
    s.at(11).say("Newchannel", **rows.chan("1.2", "PJSIP/101-5", 0)).at(12).say("Newchannel", **rows.chan("1.3", "DAHDI/3-1", 0))
    s.say("DialBegin", **rows.chan("1.2", "PJSIP/101-5"), **rows.dest("1.3", "DAHDI/3-1"), DialString="g1/022345678")
    s.say("DialBegin", **rows.chan("1.2", "PJSIP/101-5"), **rows.dest("1.3", "DAHDI/3-1"), DialString="g2/022345678")
    s.at(20).hangup("1.1").at(30).hangup("1.3")
    lines = [(type(event).__name__, getattr(event, "direction", None)) for event in s.events if type(event).__name__.startswith("Line")]
    assert lines == [
        ("LineSeized", "in"),
        ("LineSeized", "out"),
        ("LineAllBusy", None),
        ("LineReleased", None),
        ("LineAllBusyEnded", None),
        ("LineReleased", None),
    ]
    assert s.tally.of("line.all_busy_ended")[0].busy_s == 8.0
    first, second = s.tally.of("call.offered")
    assert (first.direction, first.dialled, first.trunk) == ("in", "911000002", "pstn")
    assert (second.direction, second.dialled, second.caller) == ("out", "022345678", None)


def test_rubbish_names_are_not_remembered_for_ever(script: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.pbx.names.MAX_NAMES", 50)
    s = script()
    for number in range(200):
        s.member(queue=f"q{number}", event="QueueMemberAdded", Interface=f"SIP/{number}", StateInterface="", MemberName=f"n{number}")
        s.member(queue=f"q{number}", event="QueueMemberRemoved", Interface=f"SIP/{number}")
    assert len(s.source.tracker.queues.all()) == 50
    assert len(s.source.tracker.agents.agents) == 1
    assert s.tally.of("agent.logged_in")[-1].agent == "n199"


def test_legs_that_nobody_tells_the_end_of_are_bounded(script: Callable[..., Any]) -> None:
    s = script()
    for number in range(20_000):
        s.source.tracker.agents.rings("agente-101", f"{number}.2", "c")
        s.source.tracker.agents.rings_no_more(f"{number}.2")
    assert len(s.source.tracker.agents._leg_agent) <= 16_384
    s.at(10).join("1.1").ring("1.1", "1.2").connect_agent("1.1", "1.2").complete("1.1", "1.2").hangup("1.2")
    assert s.states()[-1] == "available"
