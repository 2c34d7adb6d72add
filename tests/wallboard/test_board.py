"""The view model: what a board says, in three languages, live, stale, unknown, in trouble and closed."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from appliance.core.clock import NS
from appliance.core.config import Kpi
from appliance.floor.snapshot import Alarm, Crm, Health, Pbx, Snapshot
from wallboard.alarm import Holder, above, below, thresholds_from
from wallboard.board import Board, Maker
from wallboard.sample import NOW_NS, ago, sample
from wallboard.words import DASH, LANGUAGES, words_of

ZONE = ZoneInfo("America/Guayaquil")


def board(snapshot: Snapshot, language: str = "es", queue: str | None = None, now_ns: int = NOW_NS) -> Board:
    return Maker(words_of(language), ZONE, thresholds_from(Kpi()), queue).board(snapshot, now_ns)


def said(made: Board) -> dict[str, str]:
    return {tile.key: tile.value + tile.unit for tile in made.tiles}


def test_the_headlines_in_their_order() -> None:
    made = board(sample())
    assert [tile.key for tile in made.tiles][:4] == ["waiting", "longest_wait", "service_level", "available"]
    assert said(made) == {
        "waiting": "4", "longest_wait": "0:41", "service_level": "84,6\u00a0%", "available": "6", "busy": "15", "wrap_up": "2",
        "paused": "3", "abandon_rate": "3,9\u00a0%", "asa": "0:10", "answered": "386", "offered": "413",
    }  # fmt: skip
    assert made.tiles[2].note == "340 de 402"


@pytest.mark.parametrize(
    ("language", "rate", "label"), [("es", "84,6\u00a0%", "En cola"), ("en", "84.6%", "Waiting"), ("pt", "84,6\u00a0%", "Na fila")]
)
def test_each_language_in_its_own_way(language: str, rate: str, label: str) -> None:
    made = board(sample(), language)
    assert said(made)["service_level"] == rate
    assert made.tiles[0].label == label


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
    assert made.stamp == "Dato de hace 0:30"
    assert {tile.level for tile in made.tiles} == {"none"}


def test_unknown_is_a_dash_everywhere_and_a_rate_over_nothing_too() -> None:
    made = board(Snapshot())
    assert set(said(made).values()) == {DASH}
    assert made.stamp == "Sin dato"
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


def test_levels_come_from_targets_and_the_snapshots_own_alarm_wins() -> None:
    floor = sample()
    levels = {tile.key: tile.level for tile in board(floor).tiles}
    assert levels["abandon_rate"] == "red"
    assert levels["service_level"] == "none"
    floor.alarms = [Alarm(id="floor.service_level", level="amber", since=ago(1))]
    assert {tile.key: tile.level for tile in board(floor).tiles}["service_level"] == "amber"
    rows = {row.key: row.tiles for row in board(floor).rows}
    assert rows["cobranzas"]["service_level"].level == "red"


def test_thresholds_have_the_ambers_of_the_definitions() -> None:
    assert (below(0.8).amber, above(0.02).amber) == (0.82, 0.018)
    assert below(0.8).level(0.81) == "amber"
    assert below(0.8).level(0.79) == "red"
    assert above(15.0).level(15.0) == "amber"
    assert above(15.0).level(None) == "none"


def test_a_level_changes_only_after_it_lasted() -> None:
    holder = Holder(hold_s=10)
    assert holder.hold("a", "none", 0) == "none"
    assert holder.hold("a", "red", 1) == "none"
    assert holder.hold("a", "red", 10.5) == "none"
    assert holder.hold("a", "none", 10.8) == "none"
    assert holder.hold("a", "red", 11) == "none"
    assert holder.hold("a", "red", 21) == "red"
    assert holder.hold("a", "none", 22) == "red"
    assert holder.hold("a", "none", 32) == "none"


def test_one_queue_and_a_queue_nobody_has_seen() -> None:
    made = board(sample(), queue="ventas")
    assert (made.title, said(made)["waiting"]) == ("Ventas", "3")
    assert set(said(board(sample(), queue="nadie")).values()) == {DASH}
