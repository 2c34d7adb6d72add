"""After blindness: what was known is put to the test of the PBX's own lists, and what cannot be known is said to be unknown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from appliance.core.catalogue import kind_of
from appliance.core.clock import NS
from appliance.core.config import Config, TrunkConfig
from appliance.core.event import Event
from gateway.pbx.known import Moment, fold, restore


def entry(uniqueid: str, wait: int, queue: str = "ventas") -> dict[str, object]:
    return {"Queue": queue, "Position": 1, "Uniqueid": uniqueid, "CallerIDNum": "612000101", "Wait": wait, "Priority": 0}


def channel(uniqueid: str, name: str = "", bridge: str = "", app: str = "Queue", state: int = 6) -> dict[str, object]:
    return {
        "Channel": name or f"PJSIP/trunk-norte-{uniqueid}", "ChannelState": state, "Uniqueid": uniqueid, "Linkedid": uniqueid,
        "Application": app, "BridgeId": bridge, "Duration": "00:00:20",
    }  # fmt: skip


def blind(s: Any, begin: float, end: float) -> Any:
    return s.at(begin).feed(b"Event: Reload\r\n\r\n").disconnect().at(end)


def test_a_caller_still_waiting_keeps_his_join_time(script: Callable[..., Any], rows: Any) -> None:
    s = blind(script().at(10).join("1.1"), 12, 30).connect(entries=[entry("1.1", 20)], members=[rows.listed()], channels=[channel("1.1")])
    s.at(40).ring("1.1", "1.2").connect_agent("1.1", "1.2")
    assert s.tally.wait_s == {"ventas": [30.0]}
    assert s.tally.of("pbx.resynced")[-1].waiting == 1


def test_a_caller_gone_is_lost_and_never_abandoned(script: Callable[..., Any], rows: Any) -> None:
    s = blind(script().at(10).join("1.1"), 12, 30).connect(members=[rows.listed()])
    (event,) = s.tally.of("call.lost")
    assert (event.reason, event.found_talking) == ("blind", False)
    resynced = s.tally.of("pbx.resynced")[-1]
    assert (resynced.lost, resynced.waiting, resynced.restarted) == (1, 0, False)
    assert resynced.blind_s == pytest.approx(18.4, abs=0.2)


def test_a_caller_found_in_conversation_is_lost_and_the_agent_talks(script: Callable[..., Any], rows: Any) -> None:
    s = blind(script().at(10).join("1.1"), 12, 30)
    s.connect(members=[rows.listed(status=2)], channels=[channel("1.1", bridge="b1"), channel("1.2", "PJSIP/101-9", "b1", "AppQueue")])
    assert [(event.found_talking, event.agent) for event in s.tally.of("call.lost")] == [(True, "agente-101")]
    assert s.states()[-1] == "talking"
    s.at(40).complete("1.1", "1.2", talk=30).hangup("1.2").hangup("1.1").member(Status=1)
    assert (s.tally.total("answered"), s.tally.total("ended"), s.states()[-1]) == (0, 0, "available")


def test_a_caller_who_joined_in_blindness_is_taken_up_with_the_pbxs_own_wait(script: Callable[..., Any], rows: Any) -> None:
    s = blind(script(), 12, 30).connect(entries=[entry("5.1", 7)], members=[rows.listed()], channels=[channel("5.1")])
    (event,) = s.tally.of("call.queued")
    assert event.inferred
    assert event.waited_s == pytest.approx(7.0, abs=0.5)


def test_a_caller_who_rejoined_in_blindness_is_a_new_visit(script: Callable[..., Any], rows: Any) -> None:
    s = blind(script().at(10).join("1.1"), 12, 60).connect(entries=[entry("1.1", 5)], channels=[channel("1.1")])
    assert (s.tally.total("lost"), s.tally.total("offered"), s.tally.waiting) == (1, 2, 1)


def test_a_caller_found_in_another_queue_is_lost_to_the_first(script: Callable[..., Any]) -> None:
    s = blind(script().at(10).join("1.1"), 12, 30).connect(entries=[entry("1.1", 3, "soporte")], channels=[channel("1.1")])
    assert (s.tally.queues["ventas"]["lost"], s.tally.queues["soporte"]["offered"]) == (1, 1)


def test_a_conversation_that_goes_on_stays_and_one_that_is_gone_ended_at_last_sight(script: Callable[..., Any], rows: Any) -> None:
    s = script().at(10).join("1.1").ring("1.1", "1.2").join("2.1").ring("2.1", "2.2", 102).at(12)
    s.connect_agent("1.1", "1.2").connect_agent("2.1", "2.2", 102)
    blind(s, 20, 30).connect(
        members=[rows.listed(status=2), rows.listed(102)],
        channels=[channel("1.1", bridge="b"), channel("1.2", "PJSIP/101-1.2", "b", "AppQueue")],
    )
    (event,) = s.tally.of("call.ended")
    assert (event.uniqueid, event.talk_s, event.inferred, event.ended_by) == ("2.1", 8.0, True, "unknown")
    assert (s.states("agente-101")[-1], s.states("agente-102")[-1]) == ("talking", "available")
    s.at(40).complete("1.1", "1.2")
    assert [(event.uniqueid, event.talk_s) for event in s.tally.of("call.ended")] == [("2.1", 8.0), ("1.1", 28.0)]


def test_what_a_live_event_tells_during_the_lists_is_no_inference(script: Callable[..., Any], rows: Any) -> None:
    """The Abandon happened before the list was made and is delivered after it."""
    s = blind(script().at(10).join("1.1").join("2.1"), 12, 30)
    s.connect(entries=[entry("2.1", 20)], members=[rows.listed()], channels=[channel("2.1")], settle=False)
    s.say("HangupRequest", **rows.chan("1.1")).abandon("1.1").join("3.1").at(31)
    assert (s.tally.total("lost"), s.tally.total("abandoned"), s.tally.waiting) == (0, 1, 2)
    assert [event.inferred for event in s.tally.of("call.queued")] == [False, False, False]


def test_a_join_told_live_and_listed_counts_once(script: Callable[..., Any], rows: Any) -> None:
    s = blind(script(), 12, 30)
    s.add(s.source.connected(s.now_ns))
    s.join("1.1").connect(entries=[entry("1.1", 0)], channels=[channel("1.1")]).join("1.1")
    assert s.tally.total("offered") == 1


def test_an_answer_to_a_caller_never_seen_waiting_counts_by_the_pbxs_hold_time(script: Callable[..., Any], rows: Any) -> None:
    s = blind(script(), 12, 30)
    s.connect(members=[rows.listed()], settle=False)
    s.say("AgentConnect", **rows.chan("1.1"), **rows.dest("1.2", "PJSIP/101-2"), **rows.who(101, "ventas"), HoldTime=9, RingTime=2).at(31)
    assert (s.tally.wait_s, s.tally.of("call.queued")[0].inferred) == ({"ventas": [9.0]}, True)


@pytest.mark.parametrize("way", ["core status", "uptime"])
def test_a_killed_pbx_loses_its_callers_and_ends_its_conversations(way: str, script: Callable[..., Any], rows: Any) -> None:
    s = script().at(10).join("1.1").ring("1.1", "1.2").at(12).connect_agent("1.1", "1.2").at(15).join("2.1")
    blind(s, 20, 40).connect(members=[rows.listed()], started="19:40:00" if way == "core status" else None, uptime=3)
    (lost,), (ended,) = s.tally.of("call.lost"), s.tally.of("call.ended")
    assert (lost.uniqueid, lost.reason) == ("2.1", "pbx_killed")
    assert (ended.ended_by, ended.talk_s, ended.inferred) == ("pbx_stopped", 8.0, True)
    assert s.tally.of("pbx.resynced")[-1].restarted
    assert s.states()[-1] == "available"


def test_fully_booted_after_a_reconnect_is_no_restart(script: Callable[..., Any], rows: Any) -> None:
    s = blind(script().at(10).join("1.1"), 20, 40).connect(entries=[entry("1.1", 30)], started=None, uptime=4000)
    assert not s.tally.of("pbx.resynced")[-1].restarted
    assert s.tally.waiting == 1


def test_a_read_only_user_is_told_what_it_costs_and_phones_speak_for_conversations(script: Callable[..., Any], rows: Any) -> None:
    s = script().at(10).join("1.1").ring("1.1", "1.2").join("2.1").ring("2.1", "2.2", 102).at(12)
    s.connect_agent("1.1", "1.2").connect_agent("2.1", "2.2", 102)
    blind(s, 20, 30).connect(members=[rows.listed(status=2), rows.listed(102)], channels=None, started=None, uptime=4000)
    up = s.tally.of("pbx.up")[-1]
    assert [limit.partition(" ")[0] for limit in up.limits] == ["CoreStatus", "CoreSettings", "CoreShowChannels"]
    assert [event.uniqueid for event in s.tally.of("call.ended")] == ["2.1"]
    assert (s.states("agente-101")[-1], s.states("agente-102")[-1]) == ("talking", "available")


def test_members_that_the_list_does_not_name_are_gone(script: Callable[..., Any], rows: Any) -> None:
    s = blind(script().member(102), 12, 30).connect(members=[rows.listed(102, Paused=1, PausedReason="comida")])
    assert s.states("agente-101")[-1] == "logged_out"
    assert s.states("agente-102")[-1] == "paused"
    assert all(event.inferred for event in s.tally.of("agent.logged_out"))


def test_trunk_lines_found_gone_or_new(script: Callable[..., Any], rows: Any) -> None:
    config = Config(trunks={"pstn": TrunkConfig(channels=("PJSIP/trunk-norte",), lines=9)})
    s = script(config).at(10).say("Newchannel", **rows.chan("1.1", state=4)).say("Newchannel", **rows.chan("2.1", state=4))
    blind(s, 12, 30).connect(channels=[channel("2.1"), channel("3.1")])
    assert [(event.line, event.inferred) for event in s.tally.of("line.released")] == [("PJSIP/trunk-norte-1.1", True)]
    assert [event.inferred for event in s.tally.of("line.seized")] == [False, False, True]


def test_the_pbx_is_up_only_when_it_has_answered_and_events_keep_their_order(script: Callable[..., Any], rows: Any) -> None:
    s = script(connected=False)
    s.add(s.source.connected(s.now_ns))
    s.join("1.1")
    assert s.events == []
    s.connect(entries=[entry("1.1", 0)], members=[rows.listed()])
    kinds = [type(event).__name__ for event in s.events]
    assert kinds[0] == "PbxUp"
    assert kinds[-1] == "PbxResynced"
    assert kinds.count("CallQueued") == 1
    assert [named.title for named in s.tally.of("pbx.resynced")[0].queues] == ["ventas"]


def test_a_pbx_that_never_answers_its_lists_is_taken_as_it_is(script: Callable[..., Any]) -> None:
    s = script(connected=False)
    s.add(s.source.connected(s.now_ns))
    s.join("1.1").at(20)
    assert [type(event).__name__ for event in s.events] == ["PbxUp", "CallQueued", "PbxResynced"]


def test_lists_asked_for_in_mid_session_find_nothing(script: Callable[..., Any], rows: Any) -> None:
    s = script().at(10).join("1.1").at(20)
    before = len(s.events)
    s._row("QueueParams", "x", {"Queue": "ventas"})
    s._row("QueueMember", "x", rows.listed())
    s._row("QueueStatusComplete", "x", {})
    s._row("CoreShowChannelsComplete", "x", {})
    assert s.at(40).events[before:] == []


def test_lists_read_again_after_damage_put_everything_to_the_test_without_a_second_up(script: Callable[..., Any], rows: Any) -> None:
    s = script().at(10).join("1.1").join("2.1").at(20)
    s.connect(entries=[entry("1.1", 10)], members=[rows.listed()], channels=[channel("1.1")])
    assert (len(s.tally.of("pbx.up")), len(s.tally.of("pbx.resynced")), s.tally.of("pbx.down")) == (1, 2, [])
    assert [event.uniqueid for event in s.tally.of("call.lost")] == ["2.1"]
    assert s.tally.waiting == 1


def test_what_was_held_before_the_pbx_was_up_is_not_forgotten_when_the_lists_are_asked_for_again(script: Callable[..., Any]) -> None:
    s = script(connected=False)
    s.add(s.source.connected(s.now_ns))
    s.join("1.1")
    assert s.source.requests(s.now_ns + 2 * NS)
    s.at(4).say("FullyBooted", Uptime=1)
    assert s.source.requests(s.now_ns)
    s.at(20)
    assert [type(event).__name__ for event in s.events] == ["PbxUp", "CallQueued", "CallLost", "PbxResynced"]


def test_a_line_that_is_cut_before_the_pbx_was_up_tells_what_was_seen(script: Callable[..., Any]) -> None:
    s = script(connected=False)
    s.add(s.source.connected(s.now_ns))
    s.join("1.1").disconnect()
    assert [type(event).__name__ for event in s.events] == ["CallQueued"]


# -- the process itself was away --------------------------------------------------------------------------------


WALL_NS = 1_795_000_000 * NS


def reborn(
    s: Any, away_s: float, *, rebooted: bool = False, sighted: bool = True, config: Config | None = None, newest: int = 1_000
) -> Any:
    """The journal's events are all that is left, and only the newest are read; a new source begins from them, later."""
    events = [
        Event(kind_of(data), "gateway/central", WALL_NS + at, at, "boot-1", "synced", data)
        for at, data in zip(s.times_ns, s.events, strict=True)
    ][-newest:]
    new = type(s)(config)
    new.events, new.times_ns = list(s.events), list(s.times_ns)
    now = s.now_ns + round(away_s * NS)
    new.now_ns = 50 * NS if rebooted else now
    seen = Moment(WALL_NS + s.now_ns, s.now_ns, "boot-1") if sighted else None
    restore(
        new.source, fold(events)["central"], boot="boot-2" if rebooted else "boot-1",
        now_mono_ns=new.now_ns, now_wall_ns=WALL_NS + now, last_seen=seen,
    )  # fmt: skip
    new.add(new.source.disconnected(new.now_ns, "service_stopped"))
    return new


@pytest.mark.parametrize("rebooted", [False, True])
def test_a_killed_gateway_takes_up_waiting_callers_with_their_true_join_time(rebooted: bool, script: Callable[..., Any], rows: Any) -> None:
    s = reborn(script().at(10).join("1.1").join("2.1").at(15), 25, rebooted=rebooted)
    (down,) = s.tally.of("pbx.down")
    assert (down.reason, down.unseen_s) == ("service_stopped", pytest.approx(25.0))
    s.connect(entries=[entry("1.1", 30)], members=[rows.listed()], channels=[channel("1.1")])
    begun = s.now_ns
    s.now_ns += 10 * NS
    s.ring("1.1", "1.2").connect_agent("1.1", "1.2")
    first = s.tally.of("call.queued")[0]
    (answered,) = s.tally.of("call.answered")
    assert (answered.visit, answered.call) == (first.visit, first.call)
    assert answered.wait_s == pytest.approx(40.5, abs=0.1)
    assert [event.uniqueid for event in s.tally.of("call.lost")] == ["2.1"]
    assert begun < s.now_ns
    assert s.states().count("logged_in") == 1


def test_a_pbx_up_for_longer_than_the_rows_read_back_goes_out_of_sight_with_the_gateway(script: Callable[..., Any], rows: Any) -> None:
    s = reborn(script().at(10).join("1.1").at(15), 25, newest=1)
    (down,) = s.tally.of("pbx.down")
    assert (down.reason, down.unseen_s) == ("service_stopped", pytest.approx(25.0))
    s.connect(members=[rows.listed()])
    assert [event.blind_s for event in s.tally.of("pbx.resynced")][-1] == pytest.approx(25.4, abs=0.2)
    assert s.tally.total("lost") == 1


def test_a_killed_gateway_finds_its_conversation_again(script: Callable[..., Any], rows: Any) -> None:
    s = script().at(10).join("1.1").ring("1.1", "1.2").at(12).connect_agent("1.1", "1.2").at(14).say("Hold", **rows.chan("1.2"))
    s = reborn(s.at(15).say("Unhold", **rows.chan("1.2")).at(16), 10)
    s.connect(
        members=[rows.listed(status=2)],
        channels=[channel("1.1", bridge="b"), channel("1.2", "PJSIP/101-1.2", "b", "AppQueue")],
    )
    assert s.tally.of("call.ended") == []
    s.now_ns += 4 * NS
    s.complete("1.1", "1.2").hangup("1.2")
    (event,) = s.tally.of("call.ended")
    assert (event.talk_s, event.hold_s, event.ended_by) == (pytest.approx(18.5, abs=0.1), 1.0, "agent")
    assert s.states()[-2:] == ["talking", "available"] or s.states()[-1] == "available"


def test_a_conversation_that_ended_in_the_gateways_absence_ended_at_last_sight(script: Callable[..., Any], rows: Any) -> None:
    s = reborn(script().at(10).join("1.1").ring("1.1", "1.2").at(12).connect_agent("1.1", "1.2").at(20), 30).connect(
        members=[rows.listed()]
    )
    (event,) = s.tally.of("call.ended")
    assert (event.talk_s, event.inferred) == (8.0, True)


def test_another_agents_conversation_with_the_same_caller_is_not_the_old_one(script: Callable[..., Any], rows: Any) -> None:
    s = reborn(script().member(102).at(10).join("1.1").ring("1.1", "1.2").at(12).connect_agent("1.1", "1.2").at(20), 30)
    s.connect(
        members=[rows.listed(), rows.listed(102, status=2)],
        channels=[channel("1.1", bridge="b"), channel("1.9", "PJSIP/102-9", "b", "AppQueue")],
    )
    assert [event.inferred for event in s.tally.of("call.ended")] == [True]


def test_busy_lines_and_full_groups_are_taken_up_again(script: Callable[..., Any], rows: Any) -> None:
    config = Config(trunks={"pstn": TrunkConfig(channels=("PJSIP/trunk-norte",), lines=1)})
    s = reborn(script(config).at(10).say("Newchannel", **rows.chan("1.1", state=4)).at(15), 10, config=config)
    s.connect(channels=[channel("1.1")])
    assert len(s.tally.of("line.seized")) == 1
    s.hangup("1.1")
    (ended,) = s.tally.of("line.all_busy_ended")
    assert ended.busy_s == pytest.approx(15.5, abs=0.1)
    assert len(s.tally.of("line.released")) == 1


def test_queue_keys_agents_and_the_next_visits_number_survive(script: Callable[..., Any], rows: Any) -> None:
    s = script().at(10).join("1.1", "VENTAS").abandon("1.1", "VENTAS").join("1.1", "ventas").at(12)
    s = reborn(s, 3).connect(entries=[entry("1.1", 5, "ventas")], members=[rows.listed(queue="ventas")], channels=[channel("1.1")])
    s.join("1.1", "VENTAS")
    visits = [(event.queue, event.visit.rpartition(".")[2]) for event in s.tally.of("call.queued")]
    assert visits == [("ventas-2", "1"), ("ventas", "2"), ("ventas-2", "3")]


def test_an_orderly_stop_is_no_second_outage(script: Callable[..., Any]) -> None:
    s = script().at(10)
    s.add(s.source.disconnected(s.now_ns, "shutdown"))
    assert [event.reason for event in reborn(s, 60).tally.of("pbx.down")] == ["shutdown"]


def test_lists_read_again_in_a_session_do_not_make_a_seen_leave_unknown(script: Callable[..., Any], rows: Any) -> None:
    """After damaged bytes the lists are asked for again; whoever pressed the exit key a moment before is in none of them."""
    s = script().at(10).join("1.1").at(15).say("QueueCallerLeave", **rows.chan("1.1"), Queue="ventas")
    s.at(15.5).connect(members=[rows.listed()], channels=[channel("1.1", app="Playback")])
    (event,) = s.at(20).tally.of("call.left")
    assert (event.reason, event.wait_s) == ("exit_key", 5.0)
    assert s.tally.total("lost") == 0
