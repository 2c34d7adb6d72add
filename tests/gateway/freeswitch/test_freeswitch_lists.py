"""What the lists tell after a connection, after blindness, after a restart, and now and then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from appliance.core.catalogue import AgentLoggedIn, AgentStateChanged, CallAnswered, CallQueued
from appliance.core.clock import NS
from appliance.core.config import Config, PbxConfig, TrunkConfig
from appliance.core.event import Event
from appliance.sim.freeswitch_text import answer, reply
from gateway.freeswitch.source import AGENTS, CHANNELS, QUEUES, TIERS
from gateway.pbx.known import fold, restore

Row = Callable[..., tuple[object, ...]]
QUEUE, EPOCH_S = "ventas@default", 1_795_000_000


def test_who_is_there_already(script: Callable[..., Any], row: Row) -> None:
    pbx = script().at(100)
    pbx.members = [row(1, "Waiting", 80), row(2, "Answered", 10, agent="1000@default"), row(3, "Abandoned", 5)]
    pbx.agents = [
        ("1000@default", "leg", "a|b", "Available", "In a queue call", 8, 0),
        ("2000@default", "", "c", "Logged Out", "Waiting", 0, 0),
    ]
    pbx.connect()
    (up,), (synced,) = pbx.of("pbx.up"), pbx.of("pbx.resynced")
    assert (up.version, up.started, up.limits) == ("1.10.12", "core-1", ())
    assert (synced.waiting, synced.lost, synced.restarted) == (1, 0, False)
    (queued,) = pbx.of("call.queued")
    assert (queued.waited_s, queued.inferred, queued.caller, queued.title) == (20.0, True, "612000101", "ventas@default")
    assert [(event.agent, event.queues) for event in pbx.of("agent.logged_in")] == [("1000-default", ("ventas-default",))]
    assert pbx.states() == ["talking"]
    assert pbx.calls() == ["queued"]


def test_each_state_of_an_agent(script: Callable[..., Any]) -> None:
    shown = {}
    for status, state in (
        ("Available", "Waiting"), ("Available", "Receiving"), ("Available", "In a queue call"), ("Available", "Idle"), ("Available", "Reserved"),
        ("Available (On Demand)", "Waiting"), ("Available (On Demand)", "Idle"), ("On Break", "Waiting"), ("Logged Out", "Waiting"),
    ):  # fmt: skip
        pbx = script()
        pbx.agents = [("1000@default", "", "c", status, state, 0, 0)]
        shown[status, state] = [(event.state, event.reason) for event in pbx.connect().of("agent.state")]
    assert shown == {
        ("Available", "Waiting"): [("available", None)],
        ("Available", "Receiving"): [("ringing", None)],
        ("Available", "In a queue call"): [("talking", None)],
        ("Available", "Idle"): [("paused", "Idle")],
        ("Available", "Reserved"): [("available", None)],
        ("Available (On Demand)", "Waiting"): [("available", None)],
        ("Available (On Demand)", "Idle"): [("wrap_up", "Idle")],
        ("On Break", "Waiting"): [("paused", None)],
        ("Logged Out", "Waiting"): [],
    }


def test_status_changes_log_in_and_out(up: Any) -> None:
    for t, status in enumerate(("On Break", "Logged Out", "Available"), 1):
        up.at(t).say("agent-status-change", CC_Agent="1000@default", CC_Agent_Status=status)
    assert up.states() == ["available", "paused", "available"]
    assert (len(up.of("agent.logged_out")), len(up.of("agent.logged_in"))) == (1, 2)


def test_wrap_up_is_the_agents_own_time(script: Callable[..., Any], row: Row) -> None:
    pbx = script()
    pbx.agents = [("1000@default", "", "c", "Available", "Waiting", 8, 0)]
    pbx.connect().at(1).join().ring().take().at(11).hang_up("c1").over().at(18.9)
    assert pbx.states()[-1] == "wrap_up"
    assert pbx.at(19.1).states()[-1] == "available"
    # A box that connects in the middle of it reads the rest from the list.
    other = script().at(100)
    other.agents = [("1000@default", "", "c", "Available", "Waiting", 8, 1_795_000_095)]
    assert other.connect().states() == ["wrap_up"]
    assert other.at(105).states() == ["wrap_up", "available"]


def test_after_blindness_nobody_is_called_abandoned(up: Any, row: Row) -> None:
    up.at(1).join(1).join(2).join(3).join(4).ring(4).take(4).at(5).say("HEARTBEAT").disconnect().at(30)
    up.members = [row(1, "Waiting", 1), row(2, "Answered", 1, agent="1000@default"), row(3, "Abandoned", 1)]
    up.connect()
    assert up.calls()[-3:] == ["ended", "lost", "lost"]
    assert [(lost.caller, lost.found_talking, lost.agent) for lost in up.of("call.lost")] == [
        ("612000102", True, "1000-default"), ("612000103", False, None),
    ]  # fmt: skip
    (ended,) = up.of("call.ended")
    assert (ended.inferred, ended.ended_by, ended.talk_s) == (True, "unknown", 4.0)
    (_, synced) = up.of("pbx.resynced")
    assert (synced.waiting, synced.lost, synced.blind_s) == (1, 2, 25.4)
    assert len(up.of("call.queued")) == 4


def test_one_who_waits_again_is_another_visit(up: Any, row: Row) -> None:
    up.at(1).join().at(5).disconnect().at(30)
    up.members = [row(1, "Waiting", 20, stay="b")]
    up.connect()
    assert up.calls() == ["queued", "lost", "queued"]


def test_an_event_overtaken_by_the_list_counts(up: Any, row: Row) -> None:
    up.at(1).join().at(5).disconnect().at(7)
    up.members = [row(1, "Waiting", 1)]
    up.connect(settle=False).at(7.1).cancel(Answer_State="hangup").at(20)
    assert up.calls() == ["queued", "abandoned"]
    assert up.of("call.abandoned")[0].wait_s == 6.1


def test_an_answer_in_blindness_whose_end_is_seen_is_unknown(up: Any, row: Row) -> None:
    up.at(1).join().at(5).disconnect().at(7).connect(settle=False).at(7.1).over().at(9)
    (lost,) = up.of("call.lost")
    assert (up.calls(), lost.found_talking, lost.agent) == (["queued", "lost"], True, "1000-default")


def test_a_hang_up_before_the_lists_are_read_is_nobodys_abandon(up: Any) -> None:
    up.at(1).join(1).join(2).at(5).disconnect().at(7).connect(settle=False).at(7.1).hang_up("c1").hang_up("c2").at(7.2)
    assert up.calls() == ["queued", "queued"]
    up.cancel(2, Answer_State="hangup").at(9)
    assert up.calls() == ["queued", "queued", "abandoned", "lost"], "the one waited still, by the queue's word; of the other nobody knows"


def test_a_restart_is_told_by_another_core(up: Any) -> None:
    up.at(1).join(1).join(2).ring(2).take(2).at(5).disconnect().at(9)
    up.core = "core-2"
    up.connect()
    assert up.of("call.lost")[0].reason == "pbx_killed"
    assert up.of("call.ended")[0].ended_by == "pbx_stopped"
    assert up.of("pbx.resynced")[-1].restarted


def test_a_stop_in_order_is_told_as_one(up: Any) -> None:
    up.at(1).join().at(5).hang_up("c1", "SYSTEM_SHUTDOWN").say("SHUTDOWN").disconnect()
    assert up.of("call.left")[0].reason == "pbx_stopped"
    assert up.of("pbx.down")[0].reason == "stopped"


def test_what_the_pbx_never_told_is_found_a_minute_later(up: Any, row: Row) -> None:
    up.at(1).join(1).join(2).at(58)
    up.members = [row(1, "Waiting", 1), row(3, "Trying", 40)]
    up.at(61).answer()
    assert (up.calls(), [lost.caller for lost in up.of("call.lost")]) == (["queued", "queued", "lost", "queued"], ["612000102"])
    assert len(up.of("pbx.resynced")) == 2
    up.members = [row(1, "Waiting", 1), row(3, "Trying", 40)]
    up.at(125).answer()
    assert len(up.of("pbx.resynced")) == 2, "a list that finds nothing is not told"


def test_whom_the_list_is_too_young_to_name_stays(up: Any) -> None:
    up.at(60).join(1).at(61).answer()
    assert up.calls() == ["queued"]


def test_a_tier_that_changes_is_found_too(up: Any) -> None:
    up.agents += [("2000@default", "", "c", "Available", "Waiting", 0, 0)]
    up.at(61).answer()
    assert [event.agent for event in up.of("agent.logged_in")] == ["1000-default", "2000-default"]
    up.agents.pop()
    up.at(125).answer()
    assert [event.agent for event in up.of("agent.logged_out")] == ["2000-default"]


def test_refused_lists_are_named_and_calls_counted_all_the_same(script: Callable[..., Any]) -> None:
    pbx = script()
    pbx.refused = {QUEUES, AGENTS, TIERS}
    pbx.connect().at(1).join().ring().at(3).take().at(5)
    (up,) = pbx.of("pbx.up")
    assert len(up.limits) == 3
    assert "mod_callcenter" in up.limits[0]
    assert pbx.calls() == ["queued", "ringing", "answered"]
    assert pbx.states() == ["ringing", "talking"]


def test_lists_that_never_come_are_not_waited_for(script: Callable[..., Any]) -> None:
    pbx = script()
    pbx.events += pbx.source.connected(pbx.now_ns)
    pbx.at(1).join().at(20)
    assert [type(event).__name__ for event in pbx.events] == ["PbxUp", "CallQueued", "PbxResynced"]


def test_a_box_that_was_killed_takes_up_the_same_visit(up: Any, script: Callable[..., Any], row: Row) -> None:
    up.at(1).join(1).join(2).ring(2).take(2).at(5)
    known = fold(
        Event(kind, "gateway/central", 10 * NS, up.now_ns, "boot", "synced", data)
        for kind, data in ((f"{_kind(event)}", event) for event in up.events)
    )["central"]
    pbx = script().at(30)
    restore(pbx.source, known, boot="boot", now_mono_ns=pbx.now_ns, now_wall_ns=30 * NS)
    pbx.members = [row(1, "Waiting", 1), row(2, "Answered", 1, agent="1000@default")]
    pbx.agents = [("1000@default", "leg", "c", "Available", "In a queue call", 0, 0)]
    pbx.connect().at(40).ring(1).hang_up("leg").hang_up("c2").over(2).at(50).take(1)
    first = next(event for event in up.events if isinstance(event, CallQueued))
    (answered,) = [event for event in pbx.events if isinstance(event, CallAnswered)]
    assert (pbx.calls(), answered.visit) == (["ringing", "ended", "answered"], first.visit)
    assert not [event for event in pbx.events if isinstance(event, AgentLoggedIn)]
    assert [event.agent for event in pbx.events if isinstance(event, AgentStateChanged)][-1] == "1000-default"


def _kind(event: Any) -> str:
    from appliance.core.catalogue import kind_of  # noqa: PLC0415

    return kind_of(event)


def test_trunks_are_busy_while_their_channels_are(script: Callable[..., Any]) -> None:
    config = Config(
        pbx={"central": PbxConfig(kind="freeswitch")}, trunks={"pstn": TrunkConfig(channels=("sofia/external/",), lines=2)}
    )  # fmt: skip
    pbx = script(config).connect()
    assert CHANNELS in pbx.source._all()
    for number, way in ((1, "inbound"), (2, "outbound")):
        pbx.at(number).say(
            "CHANNEL_CREATE", Unique_ID=f"x{number}", Channel_Name=f"sofia/external/{number}", Call_Direction=way,
            Channel_Call_UUID=f"x{number}", Caller_Destination_Number="1800601", Caller_Caller_ID_Number="612",
        )  # fmt: skip
    pbx.at(5).hang_up("x1").at(6).hang_up("x2")
    assert [event.direction for event in pbx.of("line.seized")] == ["in", "out"]
    assert [event.direction for event in pbx.of("call.offered")] == ["in", "out"]
    assert (len(pbx.of("line.all_busy")), len(pbx.of("line.released"))) == (1, 2)
    assert pbx.of("line.all_busy_ended")[0].busy_s == 3.0


def test_whoever_knows_no_background_jobs_is_asked_in_the_foreground(script: Callable[..., Any]) -> None:
    pbx, asked = script().at(100), list[str]()
    pbx.events += pbx.source.connected(pbx.now_ns)
    rows = f"queue|uuid|session_uuid|cid_number|joined_epoch|state|base_score|score\n{QUEUE}|m1|c1|612|{EPOCH_S + 70}|Waiting|5|35\n+OK\n"
    while more := pbx.source.requests(pbx.now_ns):
        asked += more
        for request in more:
            pbx.source.sent(request, "" if request.startswith("api ") else request)
        for request in more:
            if not request.startswith("api "):
                pbx.feed(reply("-ERR command not found"))
            else:
                pbx.feed(answer(rows if "members" in request else pbx.text(request.removeprefix("api "))))
        pbx.feed(answer("callfloor"))  # a ping's, between them
    pbx.at(101)
    assert len([request for request in asked if request.startswith("api ")]) == 5
    assert [event.version for event in pbx.of("pbx.up")] == ["1.10.12"]
    assert [event.waited_s for event in pbx.of("call.queued")] == [30.0], "by the score, where no event tells the PBX's clock"
    assert pbx.states() == ["available"]


def test_an_old_version_numbers_its_jobs_itself(script: Callable[..., Any]) -> None:
    pbx = script()
    pbx.events += pbx.source.connected(pbx.now_ns)
    while asked := pbx.source.requests(pbx.now_ns):
        for request in asked:
            pbx.source.sent(request, f"ours {request}")
            pbx.feed(reply(f"+OK Job-UUID: theirs {request}")).say("BACKGROUND_JOB", pbx.text(request), Job_UUID=f"theirs {request}")
    assert [event.version for event in pbx.at(1).of("pbx.up")] == ["1.10.12"]
    assert pbx.states() == ["available"]


def test_who_hangs_up_while_the_lists_are_read_again_is_not_lost(up: Any, row: Row) -> None:
    up.at(1).join().at(58)
    up.members = [row(1, "Waiting", 1)]
    up.at(61).answer(settle=False).hang_up("c1").at(62).cancel(Answer_State="hangup").at(66)
    assert up.calls() == ["queued", "abandoned"]


def test_a_list_that_was_written_before_he_hung_up_and_comes_after_brings_nobody_back(up: Any, row: Row) -> None:
    up.at(1).join().at(61)
    up.members = [row(1, "Waiting", 1)]
    asked = up.source.requests(up.now_ns)
    up.source.sent(asked[0], "queues")
    up.feed(reply("+OK Job-UUID: queues", Job_UUID="queues")).say("BACKGROUND_JOB", up.text(asked[0]), Job_UUID="queues")
    for number, request in enumerate([*asked[1:], *up.source.requests(up.now_ns)]):
        up.source.sent(request, f"job-{number}")
        up.feed(reply(f"+OK Job-UUID: job-{number}", Job_UUID=f"job-{number}"))
        if "members" in request:
            up.hang_up("c1").cancel(Answer_State="hangup")
        up.say("BACKGROUND_JOB", up.text(request), Job_UUID=f"job-{number}")
    assert up.at(70).calls() == ["queued", "abandoned"]


def test_who_is_offered_again_is_not_lost_by_the_first_agents_end(up: Any, row: Row) -> None:
    up.at(1).join().at(58)
    up.members = [row(1, "Waiting", 1)]
    up.at(61).answer(settle=False).say("bridge-agent-end", **up.member(1), CC_Agent="1000@default", CC_Agent_Bridged="false").at(66)
    assert up.calls() == ["queued"]
