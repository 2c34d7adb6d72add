"""What a stack light tells: the table of docs/lamps.md, line by line; rises that are heard once; quiet hours on the wall's clock."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from appliance.core.clock import NS, rfc3339
from appliance.core.config import Beacon, Config, GroupConfig
from appliance.floor.snapshot import AgentCounts, Alarm, Crm, Health, Pbx, Queue, Snapshot, Trunk
from wallboard.beacon.pattern import DOUBLE, FLASH, SINGLE, STEADY, TRIPLE, Pattern
from wallboard.beacon.policy import HOLD_S, Policy, Sight, safe_show
from wallboard.beacon.sight import Viewpoint

NOW = 1_795_270_000 * NS
ZONE = ZoneInfo("America/Guayaquil")
TOWER = Beacon(green=17, amber=27, red=22, blue=23, buzzer=24)


def alarm(level: str = "red", age_s: float = 5.0, *, seen: bool = False, name: str = "queue.ventas.abandon_rate") -> Alarm:
    since = rfc3339(NOW - round(age_s * NS))
    return Alarm(id=name, level=level, since=since, acknowledged=since if seen else None)  # type: ignore[arg-type]


def shown(sight: Sight, beacon: Beacon = TOWER) -> dict[str, Pattern]:
    return dict(Policy(beacon, ZONE).tell(sight, NOW, 100.0).show)


@pytest.mark.parametrize(
    ("sight", "show"),
    [
        (Sight(), {"green": STEADY}),
        (Sight(waiting=1), {"amber": STEADY}),
        (Sight(alarms=(alarm("amber"),)), {"amber": FLASH}),
        (Sight(alarms=(alarm("amber", seen=True),)), {"amber": STEADY}),
        (Sight(alarms=(alarm("amber", 301),)), {"amber": STEADY}),
        (Sight(alarms=(alarm("red"),)), {"red": FLASH}),
        (Sight(alarms=(alarm("red", seen=True),)), {"red": STEADY}),
        (Sight(alarms=(alarm("red", 301), alarm("amber", 5))), {"red": STEADY}),
        (Sight(alarms=(alarm("red", 301), alarm("red", 5, name="floor.asa"))), {"red": FLASH}),
        (Sight(all_busy=True), {"red": STEADY}),
        (Sight(fault="pbx"), {"green": STEADY, "blue": DOUBLE}),
        (Sight(fault="box", waiting=3), {"amber": STEADY, "blue": TRIPLE}),
        (Sight(fault="link"), {"green": STEADY, "blue": SINGLE}),
        (Sight(known=False), {"amber": STEADY}),
        (Sight(known=False, fault="pbx", waiting=None), {"amber": STEADY, "blue": DOUBLE}),
        (Sight(known=False, alarms=(alarm("red"),)), {"amber": STEADY}),
        (Sight(closed=True), {}),
        (Sight(closed=True, known=False, fault="pbx", alarms=(alarm("red"),)), {}),
    ],
)
def test_the_table(sight: Sight, show: dict[str, Pattern]) -> None:
    assert shown(sight) == show


@pytest.mark.parametrize(
    ("beacon", "sight", "show"),
    [
        (Beacon(green=17, amber=27, red=22), Sight(fault="pbx"), {"green": STEADY, "amber": DOUBLE}),
        (Beacon(green=17, amber=27, red=22), Sight(known=False), {"amber": STEADY}),
        (Beacon(green=17, red=22), Sight(waiting=1), {}),
        (Beacon(green=17, red=22), Sight(known=False), {}),
        (Beacon(green=17, red=22), Sight(known=False, fault="link"), {"red": SINGLE}),
        (Beacon(green=17, amber=27), Sight(all_busy=True), {"amber": FLASH}),
        (Beacon(red=22), Sight(), {}),
        (Beacon(blue=23), Sight(known=False), {"blue": STEADY}),
        (Beacon(green=17, blue=23, waiting_from=5), Sight(waiting=4), {"green": STEADY}),
        (Beacon(amber=27, waiting_from=5), Sight(waiting=5), {"amber": STEADY}),
        (Beacon(red=22, blue=23, flash=False), Sight(fault="pbx", alarms=(alarm(),)), {"red": STEADY, "blue": STEADY}),
        (Beacon(red=22, flash_s=0), Sight(alarms=(alarm(),)), {"red": STEADY}),
    ],
)
def test_towers_with_fewer_lamps(beacon: Beacon, sight: Sight, show: dict[str, Pattern]) -> None:
    assert shown(sight, beacon) == show


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("waiting", [None, 0, 1])
@pytest.mark.parametrize("fault", [None, "pbx", "box", "link"])
@pytest.mark.parametrize("lamps", [("green",), ("green", "red"), ("green", "amber"), ("green", "blue"), ("green", "amber", "red", "blue")])
def test_green_is_never_shown_unless_all_is_known_and_served(
    known: bool, waiting: int | None, fault: str | None, lamps: tuple[str, ...]
) -> None:
    beacon = Beacon(**dict.fromkeys(lamps, 17))  # type: ignore[arg-type]
    show = shown(Sight(known=known, waiting=waiting, fault=fault), beacon)  # type: ignore[arg-type]
    assert ("green" in show) == (known and waiting == 0)
    assert "green" not in safe_show(beacon)


def test_a_level_rises_at_once_and_falls_after_a_while() -> None:
    policy = Policy(TOWER, ZONE)
    seen = []
    for at_s, waiting in ((0, 0), (1, 1), (2, 0), (3, 1), (4, 0), (6, 0), (4 + HOLD_S - 0.1, 0), (4 + HOLD_S, 0), (10, 1)):
        seen.append(*policy.tell(Sight(waiting=waiting), NOW + round(at_s * NS), at_s).show)
    assert seen == ["green", "amber", "amber", "amber", "amber", "amber", "amber", "green", "amber"]


def test_a_clock_that_is_stepped_holds_nothing_up() -> None:
    policy = Policy(TOWER, ZONE)
    policy.tell(Sight(waiting=1), NOW, 0.0)
    policy.tell(Sight(), NOW, 1.0)
    assert policy.tell(Sight(), NOW - 3600 * NS, 1.0 + HOLD_S).show == {"green": STEADY}


def beeped(beacon: Beacon, *course: tuple[float, Sight], start_ns: int = NOW) -> list[int]:
    policy = Policy(beacon, ZONE)
    return [policy.tell(sight, start_ns + round(at_s * NS), at_s).beeps for at_s, sight in course]


def later(level: str, raised_s: float, *, seen: bool = False) -> Alarm:
    return alarm(level, -raised_s, seen=seen, name=f"queue.q{raised_s:g}.asa")


def test_each_rise_is_heard_once() -> None:
    red, amber = later("red", 10), later("amber", 1)
    course = [
        (0.0, Sight()),
        (1.0, Sight(alarms=(amber,))),
        (10.0, Sight(alarms=(amber, red))),
        (11.0, Sight(alarms=(amber, red))),
        (12.0, Sight()),
    ]
    assert beeped(TOWER, *course) == [0, 0, 3, 0, 0]
    assert beeped(Beacon(buzzer=24, beep_from="amber"), *course) == [0, 1, 3, 0, 0]
    assert beeped(Beacon(buzzer=24, beep_from="never"), *course) == [0, 0, 0, 0, 0]


def test_a_second_alarm_of_the_same_level_is_heard_only_after_the_first_was_acknowledged() -> None:
    first, second, third = later("red", 0), later("red", 20), later("red", 100)
    seen = later("red", 0, seen=True)
    assert beeped(TOWER, (0.0, Sight(alarms=(first,))), (20.0, Sight(alarms=(first, second)))) == [3, 0]
    assert beeped(TOWER, (0.0, Sight(alarms=(first,))), (90.0, Sight(alarms=(seen,))), (100.0, Sight(alarms=(seen, third)))) == [3, 0, 3]


def test_an_alarm_that_comes_and_goes_is_not_heard_each_time() -> None:
    course = [(float(at_s), Sight(alarms=(later("red", at_s),) if at_s % 20 == 0 else ())) for at_s in range(0, 61, 10)]
    assert beeped(TOWER, *course) == [3, 0, 0, 0, 0, 0, 3]


def test_an_alarm_from_before_the_start_was_heard_before() -> None:
    assert beeped(TOWER, (0.0, Sight(alarms=(alarm("red", 61),)))) == [0]
    assert beeped(TOWER, (0.0, Sight(alarms=(alarm("red", 5, seen=True),)))) == [0]


def test_a_fault_is_heard_when_it_lasts_and_not_when_somebody_pressed() -> None:
    down = Sight(known=False, fault="pbx")
    assert beeped(TOWER, (0.0, down), (5.0, Sight()), (6.0, down), (15.0, down), (16.0, down), (17.0, down)) == [0, 0, 0, 0, 2, 0]
    policy = Policy(TOWER, ZONE)
    policy.tell(down, NOW, 0.0)
    policy.hush()
    assert policy.tell(down, NOW + 20 * NS, 20.0).beeps == 0
    policy.tell(Sight(), NOW + 30 * NS, 30.0)
    policy.tell(down, NOW + 100 * NS, 100.0)
    assert policy.tell(down, NOW + 110 * NS, 110.0).beeps == 2, "the next one is a new one"


def test_quiet_hours_silence_the_buzzer_and_not_the_lamps() -> None:
    quiet = Beacon(red=22, buzzer=24, quiet=("00:00-24:00",))
    told = Policy(quiet, ZONE).tell(Sight(alarms=(alarm(),)), NOW, 0.0)
    assert (dict(told.show), told.beeps) == ({"red": FLASH}, 0)


def at(zone: str, text: str, fold: int = 0) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()) * NS


@pytest.mark.parametrize(
    ("zone", "spans", "moment", "fold", "quiet"),
    [
        ("America/Guayaquil", ("22:00-07:00",), "2026-11-21T21:59:59", 0, False),
        ("America/Guayaquil", ("22:00-07:00",), "2026-11-21T22:00:00", 0, True),
        ("America/Guayaquil", ("22:00-07:00",), "2026-11-22T00:00:00", 0, True),
        ("America/Guayaquil", ("22:00-07:00",), "2026-11-22T06:59:59", 0, True),
        ("America/Guayaquil", ("22:00-07:00",), "2026-11-22T07:00:00", 0, False),
        ("America/Guayaquil", ("12:00-13:00", "18:00-24:00"), "2026-11-22T12:30:00", 0, True),
        ("America/Guayaquil", ("12:00-13:00", "18:00-24:00"), "2026-11-22T17:59:00", 0, False),
        ("America/Guayaquil", ("12:00-13:00", "18:00-24:00"), "2026-11-22T23:59:59", 0, True),
        ("America/Guayaquil", (), "2026-11-22T03:00:00", 0, False),
        # The hour that comes twice in autumn is quiet twice, and the one that spring leaves out shifts nothing.
        ("Europe/Madrid", ("22:00-02:30",), "2026-10-25T02:29:00", 0, True),
        ("Europe/Madrid", ("22:00-02:30",), "2026-10-25T02:31:00", 0, False),
        ("Europe/Madrid", ("22:00-02:30",), "2026-10-25T02:29:00", 1, True),
        ("Europe/Madrid", ("22:00-02:30",), "2026-10-25T02:31:00", 1, False),
        ("Europe/Madrid", ("22:00-02:30",), "2026-03-29T01:59:00", 0, True),
        ("Europe/Madrid", ("22:00-02:30",), "2026-03-29T03:00:00", 0, False),
        ("America/Santiago", ("23:00-00:30",), "2026-09-06T01:00:00", 0, False),
    ],
)
def test_quiet_hours_by_the_clock_on_the_wall(zone: str, spans: tuple[str, ...], moment: str, fold: int, quiet: bool) -> None:
    assert Policy(Beacon(buzzer=24, quiet=spans), ZoneInfo(zone)).is_quiet(at(zone, moment, fold)) is quiet


def floor(**changes: object) -> Snapshot:
    scope = Queue(fresh="live", waiting=0, agents=AgentCounts())
    queues = {"ventas": Queue(fresh="live", waiting=2, pbx="central"), "soporte": Queue(fresh="live", waiting=0, pbx="respaldo")}
    whole = {"floor": scope, "queues": queues, "pbx": {"central": Pbx(state="up"), "respaldo": Pbx(state="up")}, "crm": Crm(state="up")}
    return Snapshot(**{**whole, **changes})  # type: ignore[arg-type]


CONFIG = Config(groups={"comercial": GroupConfig(queues=("ventas", "soporte"))})


def sight(snapshot: Snapshot, beacon: Beacon = TOWER) -> Sight:
    return Viewpoint(beacon, CONFIG).sight(snapshot)


def test_what_is_seen_of_the_floor() -> None:
    assert sight(floor()) == Sight()
    assert sight(Snapshot()).known is False
    assert sight(floor(floor=Queue(fresh="stale", waiting=3))).known is False
    assert sight(floor(floor=Queue(fresh="live", waiting=None))).known is False
    assert sight(floor(open=False)).closed
    assert not sight(floor(open=False, floor=Queue(fresh="live", waiting=1))).closed, "somebody still waits"
    assert sight(floor(trunks={"pstn": Trunk(all_busy_now=True)})).all_busy


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"pbx": {"central": Pbx(state="down")}, "crm": Crm(state="down")}, "pbx"),
        ({"pbx": {"central": Pbx(state="denied")}}, "pbx"),
        ({"pbx": {"central": Pbx(state="resyncing")}}, None),
        ({"health": [Health(id="disk", level="red")], "crm": Crm(state="down")}, "box"),
        ({"health": [Health(id="disk", level="amber")]}, None),
        ({"crm": Crm(state="down")}, "link"),
        ({"crm": Crm(state="no_consumer")}, "link"),
        ({"crm": Crm(state="denied")}, "link"),
        ({"crm": Crm(state="draining")}, None),
        ({"crm": Crm(state="off")}, None),
    ],
)
def test_the_gravest_fault_is_seen(changes: dict[str, object], fault: str | None) -> None:
    assert sight(floor(**changes)).fault == fault


def test_a_light_of_one_queue_looks_at_that_queue() -> None:
    mine, other = alarm(name="queue.ventas.asa"), alarm(name="queue.soporte.asa")
    everything = floor(
        alarms=[mine, other, alarm(name="floor.asa")],
        trunks={"pstn": Trunk(all_busy_now=True)},
        pbx={"central": Pbx(state="up"), "respaldo": Pbx(state="down")},
    )
    seen = sight(everything, Beacon(red=22, queue="Ventas"))
    assert (seen.waiting, seen.alarms, seen.all_busy, seen.fault) == (2, (mine,), False, None)
    assert sight(everything, Beacon(red=22, queue="soporte")).fault == "pbx"
    assert sight(everything, Beacon(red=22, queue="fantasma")).known is False
    assert len(sight(everything).alarms) == 3


def test_a_light_of_a_group_looks_at_its_queues_too() -> None:
    names = ["group.comercial.asa", "queue.ventas.asa", "queue.soporte.abandon_rate", "queue.otra.asa", "group.otro.asa", "floor.asa"]
    group = floor(alarms=[alarm(name=name) for name in names], groups={"comercial": Queue(fresh="live", waiting=1)})
    seen = sight(group, Beacon(red=22, group="comercial"))
    assert [each.id for each in seen.alarms] == names[:3]
    assert (seen.known, seen.waiting) == (True, 1)


def test_in_the_quiet_hours_of_all_alarms_nothing_flashes_or_sounds_and_the_colour_stays() -> None:
    sight = Sight(alarms=(alarm(),))
    loud, still = Policy(TOWER, ZONE), Policy(TOWER, ZONE, ("00:00-24:00",))
    told = still.tell(sight, NOW, 0.0)
    assert (dict(told.show), told.beeps) == ({"red": STEADY}, 0)
    assert dict(loud.tell(sight, NOW, 0.0).show) == {"red": FLASH}
