"""Recorded mornings of a real Asterisk go in; what its own queue log says comes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from appliance.core.catalogue import CallEnded
from appliance.core.config import Config, PbxConfig, UserEventMap
from appliance.core.slug import slug

WHOLE = ["S1_quiet", "S1b_quiet_busyat1", "S2_busy", "S5_ivr", "S6_trunk", "S7_stress", "S7_stress_smallqueues"]
MAPPED = Config(pbx={"central": PbxConfig(queue_result=UserEventMap(reasons={"TIMEOUT": "timeout", "LEAVEEMPTY": "empty"}))})


@pytest.mark.parametrize("folder", WHOLE)
def test_counts_and_times_are_the_queue_logs(folder: str, replayed: Callable[..., Any], truth: Callable[[str], Any]) -> None:
    tally, told = replayed(folder), truth(folder)
    for name, want in told["queues"].items():
        got = tally.queues[slug(name)]
        left = want["timeout"] + want["exitkey"] + want["exitempty"] + want["withdrawn"]
        counts = (got["offered"], got["answered"], got["abandoned"], got["left"], got["lost"])
        assert counts == (want["offered"], want["answered"], want["abandoned"], left, 0), name
        if want["answered"]:
            waits, talks = tally.wait_s[slug(name)], tally.talk_s[slug(name)]
            assert sum(waits) / len(waits) == pytest.approx(want["asa"], abs=1.0)
            assert sum(talks) / len(talks) == pytest.approx(want["aht_talk"], abs=1.0)
    for name, want in told["agents"].items():
        assert tally.answered_by[slug(name, "a")] == want["answered"], name


@pytest.mark.parametrize(
    ("folder", "stream", "config"),
    [("S2_busy", "lean", MAPPED), ("S5_ivr", "lean", MAPPED), ("S2_busy", "full", Config())],
    ids=["S2 by the user event", "S5 by the user event", "S2 by the dialplan class"],
)
def test_reasons_of_left_where_the_pbx_tells_them(
    folder: str, stream: str, config: Config, replayed: Callable[..., Any], truth: Callable[[str], Any]
) -> None:
    tally = replayed(folder, config, stream)
    for name, want in truth(folder)["queues"].items():
        got = tally.queues[slug(name)]
        reasons = (got["timeout"], got["exit_key"], got["empty"], got["withdrawn"], got["not_told"])
        assert reasons == (want["timeout"], want["exitkey"], want["exitempty"], want["withdrawn"], 0), name


@pytest.mark.parametrize("folder", ["S2_busy", "S5_ivr", "S7_stress_smallqueues"])
def test_calls_refused_at_the_door_are_told_where_the_dialplan_tells_them(
    folder: str, replayed: Callable[..., Any], truth: Callable[[str], Any]
) -> None:
    tally = replayed(folder, MAPPED)
    for name, want in truth(folder)["queues"].items():
        assert tally.queues[slug(name)]["refused"] == want["refused"], name


def test_untold_reasons_are_said_to_be_untold(replayed: Callable[..., Any]) -> None:
    tally = replayed("S5_ivr")
    assert (tally.total("left"), tally.total("not_told"), tally.total("timeout"), tally.total("exit_key")) == (4, 3, 0, 1)


def test_restart_stops_waiting_callers_and_conversations(replayed: Callable[..., Any], truth: Callable[[str], Any]) -> None:
    tally, told = replayed("S4_restart"), truth("S4_restart")
    assert tally.total("offered") == told["totals"]["offered"]
    assert tally.total("answered") == told["totals"]["answered"]
    assert (tally.total("abandoned"), tally.total("left"), tally.total("pbx_stopped"), tally.total("lost")) == (0, 8, 8, 0)
    stopped = [event for event in tally.events if isinstance(event, CallEnded) and event.ended_by == "pbx_stopped"]
    assert len(stopped) == 4
    assert [event.reason for event in tally.of("pbx.down")] == ["stopped"]
    assert [event.restarted for event in tally.of("pbx.resynced")] == [False, True]
    for name, want in told["queues"].items():
        if want["answered"]:
            talks = tally.talk_s[slug(name)]
            assert sum(talks) / len(talks) == pytest.approx(want["aht_talk"], abs=1.0)


def test_blind_windows_hide_and_never_lie(replayed: Callable[..., Any], truth: Callable[[str], Any]) -> None:
    tally, told = replayed("S3_reconnect"), truth("S3_reconnect")
    zero, windows = told["wall0"], [(39.14, 56.0), (84.57, 90.0)]

    def blind(at: float | None) -> bool:
        return at is not None and any(begin - 1 <= at - zero <= end + 1 for begin, end in windows)

    calls = {f"{call['uniqueid']} {call['queue']}": call for call in told["calls"]}
    seen: dict[str, str] = {}
    for event in tally.events:
        kind = type(event).__name__
        if kind in ("CallQueued", "CallAnswered", "CallAbandoned", "CallLeft", "CallLost"):
            seen[f"{event.uniqueid} {event.queue}"] = kind  # type: ignore[attr-defined]
    for key, kind in seen.items():
        call = calls[key]
        if kind == "CallAnswered":
            assert str(call["outcome"]).startswith("completed"), key
        elif kind == "CallAbandoned":
            assert call["outcome"] == "abandoned", key
        else:
            assert kind == "CallLost", key
            assert blind(call.get("connect")) or blind(call["end"]), key
    for key in calls.keys() - seen.keys():
        assert blind(calls[key]["enter"]), key
        assert blind(calls[key].get("connect")) or blind(calls[key]["end"]), key
    assert tally.waiting == 0
    assert [event.lost for event in tally.of("pbx.resynced")] == [0, 0, 2]


def test_each_call_keeps_its_id_through_transfer_and_second_queue(replayed: Callable[..., Any]) -> None:
    calls: dict[str, set[str]] = {}
    for event in replayed("S2_busy").of("call.queued"):
        calls.setdefault(event.uniqueid, set()).add(event.call)
        assert event.visit.startswith(event.call)
    assert all(len(ids) == 1 for ids in calls.values())


@pytest.mark.parametrize("folder", ["S2_busy", "S3_reconnect", "S4_restart", "S5_ivr"])
def test_a_replay_is_the_same_every_time(folder: str, replayed: Callable[..., Any]) -> None:
    assert replayed(folder).events == replayed(folder).events


@pytest.mark.parametrize("folder", WHOLE)
def test_at_the_end_of_a_whole_capture_every_agent_is_idle_or_out(folder: str, replayed: Callable[..., Any]) -> None:
    last: dict[str, str] = {}
    for event in replayed(folder).events:
        if type(event).__name__ == "AgentStateChanged":
            last[event.agent] = event.state
        elif type(event).__name__ == "AgentLoggedOut":
            last[event.agent] = "logged_out"
    assert set(last.values()) <= {"available", "paused", "logged_out", "wrap_up"}
