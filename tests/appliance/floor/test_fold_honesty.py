"""What a board must not claim: busy lines nobody saw, sums with a part unknown, people of last week, a day that begins again."""

from __future__ import annotations

import msgspec
import pytest

from appliance.core.catalogue import AgentLoggedOut, JournalStarted, LineReleased, LineRinging, LineSeized, PbxDown, PbxResynced, PbxUp
from appliance.core.clock import NS
from appliance.core.config import Config, GroupConfig, QueueConfig, Site, TrunkConfig
from appliance.core.hours_config import Hours
from appliance.floor.build import agent_snapshot, summed_queue, trunk_snapshot
from appliance.floor.floor import Floor
from appliance.floor.shot import Shots
from appliance.floor.snapshot import Queue

ONE_LINE = Config(trunks={"pstn": TrunkConfig(channels=("PJSIP/trunk-",), lines=1)})
DAY_S = 86_400.0


def seized(line: str = "t1") -> LineSeized:
    return LineSeized(line=line, trunk="pstn", pbx="p", direction="in")


@pytest.mark.parametrize("still_busy", [True, False])
def test_lines_are_not_busy_while_nobody_sees_them(make_day, still_busy: bool) -> None:
    day = make_day(ONE_LINE)
    day.tell(100, seized())
    day.tell(210, PbxDown(pbx="p", reason="silent", unseen_s=10))
    assert trunk_snapshot(day.floor, "pstn", day.clock.wall_ns()).all_busy_share == pytest.approx(0.5)  # 100 of 200 s seen
    day.tell(1200, PbxUp(pbx="p"))
    if not still_busy:
        day.tell(1200, LineReleased(line="t1", trunk="pstn", pbx="p", inferred=True))
    day.tell(1200, PbxResynced(pbx="p"))
    day.tell(1300, LineReleased(line="t1", trunk="pstn", pbx="p"))
    day.clock.advance(100)
    shot = trunk_snapshot(day.floor, "pstn", day.clock.wall_ns())
    assert (shot.busy, shot.all_busy_now) == (0, False)
    assert shot.all_busy_share == pytest.approx((200 if still_busy else 100) / 400, abs=0.001)


def test_a_line_found_busy_after_blindness_counts_from_sight(make_day) -> None:
    day = make_day(ONE_LINE)
    day.tell(100, PbxDown(pbx="p", reason="lost"))
    day.tell(200, PbxUp(pbx="p"), LineSeized(line="t1", trunk="pstn", pbx="p", inferred=True))
    day.tell(250, PbxResynced(pbx="p"))
    day.clock.advance(50)
    shot = trunk_snapshot(day.floor, "pstn", day.clock.wall_ns())
    assert (shot.all_busy_now, shot.all_busy_share) == (True, pytest.approx(50 / 150, abs=0.001))


def test_an_analog_line_that_rings_is_busy(make_day) -> None:
    day = make_day(ONE_LINE)
    day.tell(100, LineRinging(line="linea-1", trunk="pstn", pbx="p"))
    assert trunk_snapshot(day.floor, "pstn", day.clock.wall_ns()).all_busy_now
    day.tell(110, LineSeized(line="linea-1", trunk="pstn", pbx="p", direction="in"))
    assert trunk_snapshot(day.floor, "pstn", day.clock.wall_ns()).busy == 1
    day.tell(150, LineReleased(line="linea-1", trunk="pstn", pbx="p", outcome="answered"))
    day.clock.advance(50)
    shot = trunk_snapshot(day.floor, "pstn", day.clock.wall_ns())
    assert (shot.busy, shot.all_busy_now, shot.all_busy_share) == (0, False, pytest.approx(50 / 200, abs=0.001))


def test_a_sum_with_a_part_unknown_is_not_known() -> None:
    queues = [Queue(fresh="live", waiting=3), Queue(fresh="unknown", waiting=None)]
    assert summed_queue("", queues, None, 0).waiting is None
    assert summed_queue("", queues[:1], None, 0).waiting == 3
    assert summed_queue("", [], None, 0).waiting is None


def test_agents_of_other_days_are_not_listed(day) -> None:
    day.logged_in(10, "ana")
    day.logged_in(10, "eva")
    day.tell(20, AgentLoggedOut(agent="ana", pbx="p"))
    shots = Shots(day.floor)
    assert sorted(shots.take(day.clock.wall_ns()).agents or ()) == ["ana", "eva"]
    shot = shots.take(day.clock.wall_ns() + round(DAY_S * NS))
    assert list(shot.agents or ()) == ["eva"]
    day.logged_in(2 * DAY_S, "ana")
    assert sorted(shots.take(day.clock.wall_ns()).agents or ()) == ["ana", "eva"]


def test_a_queue_that_an_agent_joins_shows_him_at_once(make_day) -> None:
    day = make_day(Config(groups={"all": GroupConfig(queues=("ventas", "soporte"))}))
    day.queued(1, "v1", "ventas")
    day.queued(1, "v2", "soporte")
    day.logged_in(2)
    shots = Shots(day.floor)
    shots.take(day.clock.wall_ns())
    day.agent(3, "available", queues=("ventas", "soporte"))
    shot = shots.take(day.clock.wall_ns())
    anew = Shots(day.floor).take(day.clock.wall_ns())
    assert {key: msgspec.to_builtins(q.agents) for key, q in shot.queues.items()} == {
        key: msgspec.to_builtins(q.agents) for key, q in anew.queues.items()
    }
    assert shot.queues["soporte"].agents is not None
    assert shot.queues["soporte"].agents.available == 1


@pytest.mark.parametrize(("reason", "said"), [("new", []), ("damaged", ["journal.epoch"]), ("deleted", ["journal.epoch"])])
def test_a_day_begun_again_in_a_new_journal_is_said_until_midnight(day, reason: str, said: list[str]) -> None:
    day.tell(10, JournalStarted(reason=reason))
    assert [item.id for item in Shots(day.floor).take(day.clock.wall_ns()).health] == said
    day.queued(DAY_S, "v1")
    assert Shots(day.floor).take(day.clock.wall_ns()).health == []


def test_no_second_of_an_agent_counts_twice_when_a_timer_ran_on_in_silence(day) -> None:
    day.logged_in(0)
    day.agent(0, "available")
    day.agent(100, "wrap_up")
    day.agent(130, "available")
    day.tell(145, PbxDown(pbx="p", reason="silent", unseen_s=25))
    day.tell(200, PbxUp(pbx="p"), PbxResynced(pbx="p"))
    day.clock.advance(100)
    seconds = agent_snapshot(day.floor, day.floor.state.agents["ana"], day.clock.wall_ns(), day.clock.wall_ns()).seconds
    assert (seconds.available, seconds.wrap_up, seconds.unknown) == (200.0, 30.0, 70.0)


def test_a_group_counts_a_queue_that_is_left_off_the_boards(make_day) -> None:
    queues = {"interna": QueueConfig(hidden=True)}
    day = make_day(Config(queues=queues, groups={"all": GroupConfig(queues=("ventas", "interna"))}))
    day.queued(1, "v1", "ventas")
    day.queued(2, "v2", "interna")
    shot = Shots(day.floor).take(day.clock.wall_ns())
    assert (list(shot.queues), shot.groups["all"].waiting, shot.groups["all"].today.offered) == (["ventas"], 2, 2)


def test_a_clock_that_is_not_set_closes_nothing() -> None:
    """A box without a clock battery boots with last night's hour: no board may say closed to a floor at work."""
    friday_evening_ns = 1_795_212_000 * NS
    shots = Shots(Floor(Config(site=Site(timezone="UTC", hours=Hours(fri=("08:00-12:00",))))))
    assert [shots.take(friday_evening_ns, clock=quality).open for quality in ("synced", "holdover", "unset")] == [False, False, True]
