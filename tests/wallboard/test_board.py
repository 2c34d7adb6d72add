"""The view model: what a board says, in three languages, live, stale, unknown, in trouble and closed."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from appliance.core.clock import NS
from appliance.core.config import Kpi
from appliance.floor.snapshot import AgentCounts, Alarm, Announcement, Crm, Headset, Health, Pbx, Snapshot, Window
from headsets.crosscheck import FINDINGS
from wallboard.alarm.quiet import above, below, thresholds_from
from wallboard.board import Board, board_from
from wallboard.history.last_week import LastWeek, Pair, Then
from wallboard.layout import BoardSpec, PageSpec, board_of_floor, board_of_queue
from wallboard.page import Setting
from wallboard.precedence import items
from wallboard.sample import NOW_NS, ago, sample
from wallboard.words import DASH, LANGUAGES, words_of

ZONE = ZoneInfo("America/Guayaquil")


def board(snapshot: Snapshot, language: str = "es", spec: BoardSpec | None = None, now_ns: int = NOW_NS) -> Board:
    setting = Setting(words_of(language), ZONE, thresholds_from(Kpi()), names=True)
    return board_from(spec or board_of_floor(), "floor", setting, snapshot, now_ns)


def said(made: Board) -> dict[str, str]:
    return {tile.key: tile.value + tile.unit for tile in made.pages[0].tiles}


def test_the_headlines_in_their_order() -> None:
    made = board(sample())
    assert [tile.key for tile in made.pages[0].tiles][:5] == ["waiting", "longest_wait", "service_level", "available", "abandon_rate"]
    assert said(made) == {
        "waiting": "4", "longest_wait": "0:41", "service_level": "84,6\u00a0%", "available": "6", "busy": "15", "wrap_up": "2",
        "paused": "3", "abandon_rate": "3,9\u00a0%", "asa": "0:10", "answered": "386", "offered": "413", "trunks": "17/30",
        "all_busy": "0,4\u00a0%", "ab_allocation": "86,0\u00a0%", "bc_on_phone": "84,0\u00a0%",
    }  # fmt: skip
    tile = made.pages[0].tiles[2]
    assert tile.notes == ("handled en 15 s", "340 de 402")
    assert tile.target == "Meta ≥ 80\u00a0%"


@pytest.mark.parametrize(
    ("language", "rate", "label"), [("es", "84,6\u00a0%", "En cola"), ("en", "84.6%", "Waiting"), ("pt", "84,6\u00a0%", "Na fila")]
)
def test_each_language_in_its_own_way(language: str, rate: str, label: str) -> None:
    made = board(sample(), language)
    assert said(made)["service_level"] == rate
    assert made.pages[0].tiles[0].label == label


def test_every_text_stands_in_every_language() -> None:
    keys = [set(words_of(language).texts) for language in LANGUAGES]
    assert keys[0] == keys[1] == keys[2]
    assert all(text for language in LANGUAGES for text in words_of(language).texts.values())


def test_the_longest_wait_ticks_with_now_and_stands_when_out_of_sight() -> None:
    floor = sample()
    assert said(board(floor, now_ns=NOW_NS + 20 * NS))["longest_wait"] == "1:01"
    floor.floor.fresh, floor.floor.as_of = "stale", ago(10)
    made = board(floor, now_ns=NOW_NS + 20 * NS)
    assert said(made)["longest_wait"] == "0:31"
    assert made.pages[0].stamp == "Dato de hace 0:30"
    assert {tile.level for tile in made.pages[0].tiles} == {"none"}


def test_unknown_is_a_dash_everywhere_and_a_rate_over_nothing_too() -> None:
    made = board(Snapshot())
    assert set(said(made).values()) == {DASH}
    assert [page.name for page in made.pages] == ["floor", "queues"]
    assert made.pages[0].stamp == "Sin dato"
    floor = sample()
    floor.floor.today.service_level = None
    assert said(board(floor))["service_level"] == DASH


def test_link_down_says_since_held_and_oldest_while_figures_go_on() -> None:
    floor = sample()
    floor.crm = Crm(state="down", since=ago(155), backlog=1204, oldest=ago(150))
    made = board(floor, now_ns=NOW_NS + 5 * NS)
    [banner] = made.banners
    assert (banner.trouble, banner.text) == ("link", "Sin enlace con la central")
    assert banner.details == ("Desde 09:00 (2:40)", "Retenidos 1.204", "El más antiguo 2:35")
    assert said(made)["waiting"] == "4"


def test_every_trouble_has_its_own_word_and_the_gravest_comes_first() -> None:
    floor = sample()
    floor.crm = Crm(state="draining", backlog=40, oldest=ago(3), drain_s=12.0)
    floor.pbx = {"central": Pbx(state="down", since=ago(60), reason="lost")}
    floor.health = [Health(id="disk", level="red", text="disk 97 % full"), Health(id="net", level="ok")]
    floor.clock = "unset"
    made = board(floor, "en")
    assert [banner.text for banner in made.banners] == [
        "No connection to the PBX",
        "Box fault",
        "Catching up with the CRM",
        "Clock not set",
    ]
    assert made.banners[2].details == ("Held 40", "Oldest 0:03", "0:12 to go")
    floor.crm = Crm(state="no_consumer", since=ago(9), backlog=3)
    assert "La central no escucha" in [banner.text for banner in board(floor).banners]


def test_a_closed_floor_shows_its_closed_face_once_nobody_waits_or_talks() -> None:
    floor = sample()
    floor.open = False
    assert board(floor).face == "normal"
    floor.floor.waiting = 0
    floor.floor.agents = None
    assert (board(floor).face, board(floor).face_text) == ("closed", "Cerrado")


def test_what_agents_do_is_a_dash_while_the_source_is_out_of_sight_and_never_a_nought() -> None:
    floor = sample()
    floor.floor.agents = AgentCounts(logged_in=14, available=2, unknown=12)
    keys = ("available", "busy", "paused", "wrap_up", "logged_in")
    spec = BoardSpec(page=(PageSpec(kind="floor", figures=keys),))
    assert [tile.value for tile in board(floor, spec=spec).pages[0].tiles] == ["2", "0", "0", "0", "14"]
    floor.floor.fresh, floor.floor.as_of = "stale", ago(7)
    assert [tile.value for tile in board(floor, spec=spec).pages[0].tiles] == ["–", "–", "–", "–", "14"]


def test_a_level_is_an_alarm_of_the_snapshot_and_of_a_live_figure_of_the_day_alone() -> None:
    floor = sample()
    assert {tile.level for tile in board(floor).pages[0].tiles} == {"none"}
    floor.alarms = [
        Alarm(id="floor.service_level", level="amber", since=ago(1)),
        Alarm(id="queue.cobranzas.abandon_rate", level="red", since=ago(90), acknowledged=ago(60)),
        Alarm(id="trunk.pstn.all_busy_share", level="red", since=ago(5)),
    ]
    made = board(floor)
    levels = {tile.key: tile.level for tile in made.pages[0].tiles}
    assert (levels["service_level"], levels["all_busy"], levels["abandon_rate"]) == ("amber", "red", "none")
    cell = next(row for row in made.pages[1].rows if row.key == "cobranzas").tile("abandon_rate")
    assert (cell.level, cell.acknowledged, cell.value) == ("red", True, "12,6")
    assert made.level == "red"
    interval = BoardSpec(page=(PageSpec(kind="floor", window="interval", figures=("service_level",)),))
    assert board(floor, spec=interval).pages[0].tiles[0].level == "none"
    floor.floor.fresh, floor.floor.as_of = "stale", ago(4)
    assert {tile.level for tile in board(floor).pages[0].tiles} == {"none"}


def test_thresholds_have_the_ambers_of_the_definitions() -> None:
    assert (below(0.8).amber, above(0.02).amber) == (0.82, 0.018)
    assert below(0.8).level(0.81) == "amber"
    assert below(0.8).level(0.79) == "red"
    assert above(15.0).level(15.0) == "amber"
    assert above(15.0).level(None) == "none"


def test_one_queue_and_a_queue_nobody_has_seen() -> None:
    made = board(sample(), spec=board_of_queue("ventas"))
    assert (made.pages[0].title, said(made)["waiting"]) == ("Ventas", "3")
    assert "trunks" not in said(made)
    assert set(said(board(sample(), spec=board_of_queue("nadie"))).values()) == {DASH}


def test_agents_stand_by_state_and_have_names_only_where_both_page_and_site_allow_them() -> None:
    floor = sample()
    assert floor.agents is not None
    floor.agents["agente-103"].state = "available"
    floor.agents["agente-104"].state, floor.agents["agente-104"].reason = "paused", "Almuerzo"
    floor.agents["agente-105"].state = "logged_out"
    named = board(floor, spec=BoardSpec(page=(PageSpec(kind="agents", names=True),))).pages[0].rows
    assert [row.title for row in named][:2] == ["Agente 103", "Agente 101"]
    assert named[0].word == "Disponible", "one person, not many"
    assert (named[-1].title, named[-1].word, named[-1].age) == ("Agente 104", "En pausa · Almuerzo", "1:05")
    assert len(named) == 25
    bare = board(floor, spec=BoardSpec(page=(PageSpec(kind="agents"),))).pages[0].rows
    assert {row.title for row in bare} == {""}
    assert [row.key for row in bare][:3] == ["1", "2", "3"], "nor does the key tell who it is"
    assert {tile.notes for tile in board(floor).pages[0].tiles if tile.key == "paused"} == {("Almuerzo 1",)}
    floor.floor.fresh = "stale"
    assert {row.state for row in board(floor, spec=BoardSpec(page=(PageSpec(kind="agents"),))).pages[0].rows} == {"unknown"}


def test_what_the_link_holds_has_a_page_of_its_own_while_the_link_is_not_up() -> None:
    floor = sample()
    assert "link" not in [page.kind for page in board(floor).pages]
    floor.crm = Crm(
        state="down", since=ago(60), backlog=20, oldest=ago(60), recorded=120, delivered=97, shed=2, skipped=1, full_in_s=50 * 3600
    )
    page = board(floor).pages[-1]
    assert {tile.key: tile.value for tile in page.tiles} == {
        "held": "20", "oldest": "1:00", "full_in": "2 d", "recorded": "120", "delivered": "97", "shed": "2", "skipped": "1",
    }  # fmt: skip
    assert "Lleno en 2 d" in board(floor).banners[0].details


def test_a_board_says_which_window_and_which_rule() -> None:
    spec = BoardSpec(page=(PageSpec(kind="floor", window="rolling"),))
    setting = Setting(words_of("es"), ZONE, thresholds_from(Kpi()), completion=True)
    made = board_from(spec, "planta", setting, sample(), NOW_NS)
    assert made.pages[0].note == "Últimos 30 minutos · Por llamadas terminadas"
    assert said(made)["service_level"] == DASH, "the sample knows no such window"


def test_figures_stand_in_the_files_order_and_one_not_known_is_a_dash_where_it_was_asked_for() -> None:
    spec = BoardSpec(page=(PageSpec(kind="floor", figures=("offered", "satisfaction", "waiting")),), pin="floor")
    made = board(sample(), spec=spec)
    assert [(tile.key, tile.value) for tile in made.pages[0].tiles] == [("offered", "413"), ("satisfaction", DASH), ("waiting", "4")]
    assert made.pin == "floor"


def test_groups_and_their_sum() -> None:
    floor = sample()
    floor.groups = {"norte": floor.queues["ventas"], "sur": floor.queues["soporte"]}
    spec = BoardSpec(page=(PageSpec(kind="totals", groups=("sur", "oeste")),))
    page = board(floor, spec=spec).pages[0]
    assert [(row.key, row.fresh, row.tile("waiting").value) for row in page.rows] == [("sur", "live", "0"), ("oeste", "unknown", DASH)]
    assert page.tiles[0].value == "4"


def test_announcements_go_to_the_boards_they_name_the_gravest_first() -> None:
    floor = sample()
    floor.announcements = [
        Announcement(id="a", text="uno"), Announcement(id="b", text="dos", boards=["otro"]), Announcement(id="c", text="tres", severity="urgent"),
    ]  # fmt: skip
    setting = Setting(words_of("es"), ZONE, {})
    made = board_from(
        board_of_floor(), "floor", setting, floor, NOW_NS, (Announcement(id="board.floor.1", text="propio", severity="warning"),)
    )
    assert [each.text for each in made.announcements] == ["tres", "propio", "uno"]


def test_precedence_priority_then_alarm_then_scheduled_then_the_board_and_no_figure_is_lost() -> None:
    floor = sample()
    floor.crm = Crm(state="down", since=ago(60), backlog=2)
    floor.alarms = [
        Alarm(id="floor.asa", level="red", since=ago(1)),
        Alarm(id="floor.waiting", level="red", since=ago(1), acknowledged=ago(0)),
    ]
    floor.announcements = [Announcement(id="a", text="uno"), Announcement(id="c", text="tres", severity="urgent")]
    floor.alarms.append(Alarm(id="queue.ventas.abandon_rate", level="red", since=ago(1)))
    said_first = [(item.rung, item.key) for item in items(board(floor))]
    assert said_first[:4] == [
        ("priority", "link.0"),
        ("priority", "notice.c"),
        ("alarm", "alarm.floor.asa"),
        ("alarm", "alarm.queues/ventas.abandon_rate"),
    ]
    assert said_first[4] == ("scheduled", "notice.a")
    assert {f"floor.{key}" for key in ("waiting", "longest_wait", "asa")} <= {key for rung, key in said_first if rung == "board"}


def test_the_same_time_a_week_ago_stands_beside_the_figures_of_a_window() -> None:
    then = Then(date(2026, 11, 14), 0, 0)
    week = LastWeek(then, {"floor": Pair(today=Window(service_level=0.81, answered=377), interval=Window(answered=9))})
    setting = Setting(words_of("es"), ZONE, {}, week=week)
    tiles = {tile.key: tile.last_week for tile in board_from(board_of_floor(), "floor", setting, sample(), NOW_NS).pages[0].tiles}
    assert tiles["service_level"] == "Hace 7 días 81,0\u00a0%"
    assert tiles["answered"] == "Hace 7 días 377"
    assert tiles["asa"] == "", "nobody knows"
    assert tiles["waiting"] == "", "of a moment"


def test_trunks_and_agents_time_are_of_the_day_whatever_the_page_shows_and_hatched_where_little_of_it_was_seen() -> None:
    floor = sample()
    floor.utilisation.coverage = 0.9
    rolling = BoardSpec(page=(PageSpec(kind="floor", window="rolling", figures=("all_busy", "ab_allocation", "waiting")),))
    notes = {tile.key: (tile.notes, tile.hatched) for tile in board(floor, spec=rolling).pages[0].tiles}
    assert notes == {"all_busy": (("Hoy",), False), "ab_allocation": (("Hoy",), True), "waiting": ((), False)}
    assert {tile.key for tile in board(floor).pages[0].tiles if tile.hatched} == {"ab_allocation", "bc_on_phone"}


def test_the_boxs_own_troubles_are_told_in_the_boards_language() -> None:
    floor = sample()
    floor.health = [
        Health(id="disk", level="red", text="12 MiB left"),
        Health(id="service.uplink", level="red", text="no progress for 40 s"),
        Health(id="x", level="amber"),
    ]
    assert [each.details for each in board(floor).banners] == [("Poco espacio en el disco",), ("Servicio detenido: uplink",), ("x",)]
    assert [each.details for each in board(floor, "en").banners] == [("12 MiB left",), ("no progress for 40 s",), ("x",)]


def test_seats_say_unplugged_and_in_what_headset_and_pbx_disagree() -> None:
    floor = sample()
    floor.headsets = {
        "a1": Headset(seat="a1", attached=False, hook="off", fresh="live"),
        "a2": Headset(seat="a2", attached=True, hook="on", fresh="live", findings=("call_on_hook",)),
        "a3": Headset(seat="a3", attached=True, hook="on", fresh="stale", findings=("call_on_hook",)),
        "a4": Headset(seat="a4", attached=False, fresh="stale"),
    }
    rows = board(floor, spec=BoardSpec(page=(PageSpec(kind="headsets"),))).pages[0].rows
    assert [(row.state, row.word, row.level) for row in rows] == [
        ("unplugged", "Diadema desconectada", "none"), ("on_hook", "En llamada y colgada", "amber"), ("unknown", "Sin dato", "none"), ("unknown", "Sin dato", "none"),
    ]  # fmt: skip


def test_a_seat_of_a_seat_box_goes_by_its_box_and_stands_behind_the_own() -> None:
    """Two seats of one name, at two boxes, are told apart on every board."""
    floor = sample()
    floor.headsets = {
        "isla-4.a1": Headset(seat="a1", box="isla-4", attached=True, hook="on", fresh="live"),
        "a1": Headset(seat="a1", attached=True, hook="off", fresh="live"),
        "isla-4.a1-2": Headset(seat="isla-4.a1", attached=True, hook="off", fresh="live"),
    }
    rows = board(floor, spec=BoardSpec(page=(PageSpec(kind="headsets"),))).pages[0].rows
    assert [(row.key, row.title) for row in rows] == [(key, key) for key in ("a1", "isla-4.a1-2", "isla-4.a1")]


def test_every_finding_has_its_words() -> None:
    assert all(f"finding.{finding}" in words_of(language).texts for finding in FINDINGS for language in LANGUAGES)
