"""The alarm watch, fed by hand: thresholds, hold, what is not known, closing time, restarts; and that nothing ever flickers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.clock import NS
from appliance.core.config import AlarmConfig, Config, GroupConfig, Limit, QueueConfig, TrunkConfig
from appliance.core.threshold import Level
from appliance.floor.snapshot import Alarm, Fresh, Queue, Satisfaction, Snapshot, Trunk, Utilisation, Window
from wallboard.alarm.watch import MOST, Change, Watch

HOLD = 10


def queue(*, waiting: int = 0, longest: float | None = None, fresh: Fresh = "live", **today: Any) -> Queue:
    return Queue(fresh=fresh, waiting=waiting, longest_wait=longest, today=Window(**today))


def served(in_time: int, of: int) -> Queue:
    return queue(answered=of, service_level=round(in_time / of, 4) if of else None, service_level_of=(in_time, of))


class Box:
    """A watch with the journal's part played: what it says is what stands a second later."""

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or Config()
        self.now_s = 1000.0
        self.alarms: dict[str, Level] = {}
        self.told: list[tuple[float, str, Level]] = []
        self.restart()

    def restart(self) -> None:
        self.watch = Watch(self.config)

    def look(self, *, records: bool = True, **parts: Any) -> list[Change]:
        snapshot = Snapshot(**({"clock": "synced"} | parts))
        snapshot.alarms = [
            Alarm(id=name, level=level, since="2026-11-21T14:00:00Z") for name, level in self.alarms.items() if level != "none"
        ]
        changes = self.watch.evaluate(snapshot, round(self.now_s * NS))
        for change in changes if records else ():
            self.told.append((self.now_s, change.alarm, change.level))
            self.alarms[change.alarm] = change.level
            if change.level == "none":
                del self.alarms[change.alarm]
        self.now_s += 1
        return changes

    def looks(self, count: int, **parts: Any) -> list[Change]:
        return [change for _ in range(count) for change in self.look(**parts)]


def test_it_is_raised_after_the_hold_and_cleared_after_the_hold() -> None:
    box = Box()
    bad, good = {"queues": {"ventas": served(10, 20)}}, {"queues": {"ventas": served(20, 20)}}
    assert box.looks(HOLD, **bad) == []
    assert box.look(**bad) == [Change("queue.ventas.service_level", "red")]
    assert box.looks(30, **bad) == []
    assert box.looks(HOLD, **good) == []
    assert box.look(**good) == [Change("queue.ventas.service_level", "none")]
    assert box.looks(30, **good) == []


def test_a_moment_beyond_is_nothing() -> None:
    box = Box()
    bad, good = {"queues": {"ventas": served(10, 20)}}, {"queues": {"ventas": served(20, 20)}}
    for _ in range(5):
        assert box.looks(HOLD, **bad) == []
        assert box.look(**good) == []


def test_what_swings_between_amber_and_red_is_amber() -> None:
    box = Box()
    amber, red = {"floor": served(81, 100)}, {"floor": served(50, 100)}
    for _ in range(5):
        box.looks(3, **amber)
        box.looks(3, **red)
    assert [(name, level) for _, name, level in box.told] == [("floor.service_level", "amber")]
    box.looks(HOLD + 1, **red)
    assert box.alarms == {"floor.service_level": "red"}
    box.looks(HOLD + 1, **amber)
    assert box.alarms == {"floor.service_level": "amber"}


@pytest.mark.parametrize(
    ("what", "alarm", "level"),
    [
        (queue(waiting=2, longest=16.0), "longest_wait", "amber"),
        (queue(waiting=2, longest=61.0), "longest_wait", "red"),
        (queue(waiting=0, longest=None), None, None),
        (queue(answered=50, asa=13.6), "asa", "amber"),
        (queue(answered=50, asa=15.1), "asa", "red"),
        (queue(answered=50, asa=13.5), None, None),
        (queue(abandon_rate=0.019, abandon_rate_of=(19, 1000)), "abandon_rate", "amber"),
        (queue(abandon_rate=0.021, abandon_rate_of=(21, 1000)), "abandon_rate", "red"),
        (queue(abandon_rate=0.018, abandon_rate_of=(18, 1000)), None, None),
        (served(80, 100), "service_level", "amber"),
        (served(79, 100), "service_level", "red"),
        (served(82, 100), None, None),
        (queue(fcr=0.86), "fcr", "amber"),
        (queue(fcr=0.84), "fcr", "red"),
        # Over fewer calls than min_calls a share says nothing.
        (served(0, 9), None, None),
        (queue(abandon_rate=1.0, abandon_rate_of=(9, 9)), None, None),
        (queue(answered=9, asa=300.0), None, None),
    ],
)
def test_the_customary_thresholds(what: Queue, alarm: str | None, level: Level | None) -> None:
    for path, parts in (("floor", {"floor": what}), ("queue.a", {"queues": {"a": what}}), ("group.g", {"groups": {"g": what}})):
        box = Box()
        box.looks(HOLD + 1, **parts)
        assert box.alarms == ({f"{path}.{alarm}": level} if alarm else {})


def test_trunks() -> None:
    config = Config(trunks={"pstn": TrunkConfig(channels=("PJSIP/",), lines=8)})
    box = Box(config)
    full = {"trunks": {"pstn": Trunk(lines=8, busy=8, all_busy_now=True, all_busy_share=0.0095)}}
    box.looks(HOLD + 1, **full)
    assert box.alarms == {"trunk.pstn.all_busy_now": "red", "trunk.pstn.all_busy_share": "amber"}
    blind = {"trunks": {"pstn": Trunk(lines=8, busy=None, all_busy_now=None, all_busy_share=0.5)}}
    assert box.looks(30, **blind) == []
    limits = {"all_busy_now": Limit(off=True), "all_busy_share": Limit(red=0.1)}
    config = Config(trunks={"pstn": TrunkConfig(channels=("PJSIP/",), lines=8, alarm=limits)})
    box = Box(config)
    assert box.looks(30, **full) == []


def test_thresholds_of_the_nearest_table_win() -> None:
    config = Config(
        queues={"a": QueueConfig(alarm={"waiting": Limit(amber=2, red=4, hold_s=0), "asa": Limit(red=30)})},
        groups={"g": GroupConfig(queues=("a",), alarm={"waiting": Limit(amber=3)})},
        alarm=AlarmConfig(
            hold_s=2,
            min_calls=2,
            every={"waiting": Limit(red=10), "asa": Limit(off=True), "satisfaction": Limit(red=3.6)},
            floor={"waiting": Limit(red=50), "bc_on_phone": Limit(red=0.85)},
        ),
    )
    box = Box(config)
    busy = queue(waiting=11, longest=1.0, answered=2, asa=31.0, satisfaction=Satisfaction(mean=3.7, answers=2))
    parts = {"floor": busy, "queues": {"a": busy, "b": busy}, "groups": {"g": busy}, "utilisation": Utilisation(bc_on_phone=0.8)}
    assert box.look(**parts) == [Change("queue.a.waiting", "red")]
    box.looks(2, **parts)
    scores = {f"{path}.satisfaction": "amber" for path in ("floor", "group.g", "queue.a", "queue.b")}
    waits = {"group.g.waiting": "red", "queue.a.waiting": "red", "queue.b.waiting": "red"}
    assert box.alarms == scores | waits | {"queue.a.asa": "red", "floor.bc_on_phone": "red"}


@pytest.mark.parametrize("fresh", ["stale", "unknown"])
def test_nothing_is_raised_or_cleared_from_what_is_not_known(fresh: Fresh) -> None:
    box = Box()
    box.looks(HOLD + 1, queues={"a": served(50, 100)})
    assert box.alarms == {"queue.a.service_level": "red"}
    out_of_sight = queue(fresh=fresh, waiting=9, longest=500.0, answered=100, service_level=1.0, service_level_of=(100, 100), asa=1.0)
    assert box.looks(60, queues={"a": out_of_sight}) == []
    assert box.looks(HOLD, queues={"a": served(100, 100)}) == [], "its time begins anew when it is known again"
    assert box.look(queues={"a": served(100, 100)}) == [Change("queue.a.service_level", "none")]


def test_closed_once_nobody_waits() -> None:
    box = Box()
    bad = served(50, 100)
    box.looks(HOLD + 1, floor=bad, queues={"a": bad})
    assert len(box.alarms) == 2
    last = queue(waiting=1, longest=5.0, answered=100, service_level=0.5, service_level_of=(50, 100))
    assert box.looks(30, floor=last, queues={"a": last}, open=False) == [], "somebody waits still"
    box.looks(HOLD + 1, floor=bad, queues={"a": bad}, open=False)
    assert box.alarms == {}
    assert box.looks(30, floor=bad, queues={"a": bad}, open=False) == []
    box.looks(HOLD + 1, floor=bad, queues={"a": bad}, open=True)
    assert len(box.alarms) == 2
    assert box.looks(30, floor=bad, queues={"a": bad}, open=False, clock="unset") == [], "a clock that is not set closes nothing"


def test_a_new_day_has_no_calls_yet_and_clears_what_was_of_yesterday() -> None:
    box = Box()
    box.looks(HOLD + 1, queues={"a": served(50, 100)})
    box.looks(HOLD + 1, queues={"a": served(0, 0)})
    assert box.alarms == {}


def test_a_restart_takes_up_what_stands() -> None:
    box = Box()
    box.looks(HOLD + 1, queues={"a": served(50, 100)})
    box.restart()
    assert box.looks(30, queues={"a": served(50, 100)}) == [], "not raised twice"
    box.restart()
    box.looks(HOLD + 1, queues={"a": served(100, 100)})
    assert box.alarms == {}, "cleared, though another process raised it"


def test_what_was_not_recorded_is_said_again_until_it_is() -> None:
    box = Box()
    box.looks(HOLD, queues={"a": served(50, 100)})
    for _ in range(3):
        assert box.look(records=False, queues={"a": served(50, 100)}) == [Change("queue.a.service_level", "red")]
    assert box.look(queues={"a": served(50, 100)}) == [Change("queue.a.service_level", "red")]
    assert box.looks(30, queues={"a": served(50, 100)}) == []


def test_what_nothing_stands_behind_any_more_is_cleared_and_what_is_not_ours_stays() -> None:
    box = Box()
    box.alarms = {"queue.gone.asa": "red", "floor.waiting": "red", "trunk.gone.all_busy_now": "red", "headset.a12.mute": "amber"}
    box.looks(HOLD + 1, floor=queue(), queues={"a": queue()})
    assert box.alarms == {"headset.a12.mute": "amber"}


def test_a_queue_that_goes_while_it_turns_is_forgotten() -> None:
    box = Box()
    box.looks(3, queues={"a": served(50, 100)})
    assert box.watch.is_turning
    box.look(queues={})
    assert not box.watch.is_turning


def test_a_queue_called_like_a_path() -> None:
    box = Box()
    box.looks(HOLD + 1, queues={"central.ventas.asa": served(50, 100)})
    assert box.alarms == {"queue.central.ventas.asa.service_level": "red"}
    assert box.looks(30, queues={"central.ventas.asa": served(50, 100)}) == []


def test_there_are_never_more_than_so_many() -> None:
    box = Box(Config(alarm=AlarmConfig(hold_s=0)))
    many = {f"q{at}": queue(waiting=1, longest=100.0, answered=50, asa=99.0, fcr=0.1) for at in range(MOST // 3 + 50)}
    box.looks(3, queues=many)
    assert len(box.alarms) == MOST
    assert box.watch.left_out > 0
    box.looks(3, queues=dict.fromkeys(many, queue(answered=50, asa=1.0, fcr=1.0)))
    assert box.alarms == {}


LEVELS = st.sampled_from((None, 5.0, 14.0, 16.0))  # of an average speed of answer: not known, none, amber, red
STEPS = st.lists(st.tuples(LEVELS, st.integers(1, 14), st.sampled_from(("", "", "", "restart", "refused"))), min_size=1, max_size=25)


@settings(max_examples=150)
@given(STEPS, st.integers(0, 12))
def test_it_never_flickers(steps: list[tuple[float | None, int, str]], hold_s: int) -> None:
    """Changes of one alarm are at least the hold apart, raised and cleared alternate, and a lasting level is always reached."""
    box = Box(Config(alarm=AlarmConfig(hold_s=hold_s)))
    for value, seconds, happens in steps:
        what = queue(fresh="stale") if value is None else queue(answered=50, asa=value)
        if happens == "restart":
            box.restart()
        for _ in range(seconds):
            box.look(records=happens != "refused", queues={"a": what})
    last: Level = "none"
    for (before_s, _, _), (after_s, _, _) in zip(box.told, box.told[1:], strict=False):
        assert after_s - before_s >= hold_s
    for _, name, level in box.told:
        assert name == "queue.a.asa"
        assert level != last
        last = level
    settled = queue(answered=50, asa=16.0)
    box.looks(2 * hold_s + 3, queues={"a": settled})
    assert box.alarms == {"queue.a.asa": "red"}


def test_what_a_new_journal_does_not_know_is_raised_anew() -> None:
    box, parts = Box(), {"queues": {"a": served(50, 100)}}
    box.looks(HOLD + 5, **parts)
    box.alarms.clear()
    box.looks(HOLD + 1, **parts)
    assert box.alarms == {"queue.a.service_level": "red"}


def test_what_is_too_little_to_judge_a_trunk_group_by_raises_nothing() -> None:
    """One long call just after midnight fills the share of time; one call of ten that met a full group is a tenth of them."""
    box = Box(Config(trunks={"pstn": TrunkConfig(channels=("P",), lines=1)}))
    early = Trunk(lines=1, busy=1, all_busy_now=False, all_busy_share=0.5, judged=False, blocked_share=0.1, blocked_share_of=(1, 10))
    box.looks(30, trunks={"pstn": early})
    assert box.alarms == {}
    later = Trunk(lines=1, busy=1, all_busy_now=False, all_busy_share=0.5, judged=True, blocked_share=0.1, blocked_share_of=(20, 200))
    box.looks(30, trunks={"pstn": later})
    assert box.alarms == {"trunk.pstn.all_busy_share": "red", "trunk.pstn.blocked_share": "red"}
    box.looks(30, trunks={"pstn": Trunk(lines=1, busy=1, all_busy_now=False, faults={"DAHDI/1": "no_battery"})})
    assert box.alarms["trunk.pstn.faults"] == "amber"
