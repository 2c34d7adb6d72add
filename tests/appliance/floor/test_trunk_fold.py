"""Groups of lines: time full within opening hours, calls that met a full group, lines at fault, and when a share may be judged."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.core.catalogue import CallOffered, LineFault, LineReleased, LineRinging, LineSeized
from appliance.core.config import AlarmConfig, Config, Site, TrunkConfig
from appliance.core.hours_config import Hours
from appliance.floor.build import trunk_snapshot
from appliance.floor.snapshot import Trunk

ONE = {"pstn": TrunkConfig(channels=("PJSIP/trunk-",), lines=1)}


def now(day: Any) -> Trunk:
    return trunk_snapshot(day.floor, "pstn", day.clock.wall_ns())


def seized(line: str, direction: Any = "in", **more: Any) -> LineSeized:
    return LineSeized(line=line, trunk="pstn", pbx="p", direction=direction, **more)


def released(line: str, **more: Any) -> LineReleased:
    return LineReleased(line=line, trunk="pstn", pbx="p", **more)


def test_calls_that_met_a_full_group_of_those_that_wanted_a_line(make_day) -> None:
    day = make_day(Config(trunks=ONE))
    assert (now(day).blocked_share, now(day).blocked_share_of) == (None, None)
    day.tell(10, seized("t1"), seized("t2", beyond=True), released("t2"))
    day.tell(20, released("t1"), seized("t3", "out"), released("t3", congested=True))
    day.tell(30, CallOffered(call="c", pbx="p", direction="out", trunk="pstn", blocked=True))
    day.tell(40, CallOffered(call="d", pbx="p", direction="in", trunk="pstn"), seized("t4", inferred=True))
    day.tell(50, LineRinging(line="a1", trunk="pstn", pbx="p"), seized("a1"), released("a1"))
    assert (now(day).blocked_share, now(day).blocked_share_of) == (0.6, (3, 5))


def test_faults_stand_until_they_are_over(make_day) -> None:
    day = make_day(Config(trunks=ONE))

    def fault(line: str, what: str, *, over: bool = False) -> LineFault:
        return LineFault(line=line, trunk="pstn", pbx="p", fault=what, over=over)

    day.tell(10, seized("t1"), fault("t1", "stuck_off_hook"), fault("DAHDI/3", "no_battery"), fault("DAHDI/4", "glare"))
    assert now(day).faults == {"t1": "stuck_off_hook", "DAHDI/3": "no_battery"}
    day.tell(20, released("t1"), fault("DAHDI/3", "no_battery", over=True))
    assert now(day).faults == {}


def test_the_time_full_is_that_of_the_opening_hours(make_day) -> None:
    """Told from 14:06:40 UTC on a Saturday; open from 14:00 to 14:20, and full from 14:10 to 14:40."""
    hours = Hours(sat=("14:00-14:20",))
    day = make_day(Config(site=Site(hours=hours), trunks=ONE))
    day.tell(200, seized("t1"))
    day.clock.advance(900)
    assert now(day).all_busy_share == pytest.approx(600 / 800, abs=0.001)
    day.tell(2000, released("t1"))
    assert now(day).all_busy_share == pytest.approx(600 / 800, abs=0.001)


def test_a_share_is_judged_once_enough_of_the_day_was_observed(make_day) -> None:
    day = make_day(Config(trunks=ONE, alarm=AlarmConfig(min_observed_s=600)))
    day.tell(10, seized("t1"))
    assert now(day).judged is False
    day.clock.advance(600)
    assert now(day).judged is True
