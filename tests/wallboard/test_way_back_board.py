"""What floor staff see of VIP callers, callbacks, types of call, outbound calls, other channels and extraordinary calls: words and digits."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from appliance.core.classification_config import CallType, Classification, Titles
from appliance.core.clock import NS, ManualClock
from appliance.core.config import Beacon, Config, GroupConfig, Privacy, Site
from appliance.core.config import Wallboard as Boards
from appliance.floor.sites import all_sites
from appliance.floor.snapshot import Alarm, Callbacks, Channel, Outbound, Queue, Snapshot, Window
from wallboard.beacon.sight import Viewpoint
from wallboard.board import Board, board_from
from wallboard.board_file import board_from_toml
from wallboard.board_set import BoardSet, classes_of
from wallboard.layout import BoardSpec, PageSpec
from wallboard.led.page import pages_from
from wallboard.page import Page, Setting
from wallboard.precedence import items
from wallboard.sample import NOW_NS, HeldView, ago, faced, sample, stocked
from wallboard.sign.page import sayings_from
from wallboard.stream.feed import Feed
from wallboard.stream.patch import is_due
from wallboard.text import plain, screens
from wallboard.tile import Tile
from wallboard.words import DASH, LANGUAGES, words_of

ZONE = ZoneInfo("America/Guayaquil")


def board(snapshot: Snapshot, *pages: PageSpec, language: str = "es", names: bool = True, now_ns: int = NOW_NS) -> Board:
    setting = Setting(words_of(language), ZONE, {}, names=names, classes=classes_of(Config(), language))
    return board_from(BoardSpec(page=pages or (PageSpec(kind="floor"),)), "floor", setting, snapshot, now_ns)


def page(snapshot: Snapshot, spec: PageSpec, language: str = "es") -> Page:
    return board(snapshot, spec, language=language).pages[0]


def tile(snapshot: Snapshot, key: str, now_ns: int = NOW_NS) -> Tile:
    return next(each for each in board(snapshot, now_ns=now_ns).pages[0].tiles if each.key == key)


def values(made: Page) -> dict[str, list[str]]:
    return {row.key: [f"{each.value}{each.unit}" for each in row.tiles] for row in made.rows}


# -- VIP --


@pytest.mark.parametrize(("language", "said"), [("es", "VIP esperando"), ("en", "VIP waiting"), ("pt", "VIP esperando")])
def test_a_vip_who_waits_is_told_in_words_with_the_clock_and_the_queue(language: str, said: str) -> None:
    (banner,) = board(faced("vip"), language=language).banners
    assert (banner.trouble, banner.text, banner.value, banner.severe) == ("vip", said, "0:42", False)
    assert banner.details == ("0:42 Ventas (2)", "0:09 Cobranzas")


def test_the_clock_ticks_between_two_snapshots_and_stands_once_the_queue_is_out_of_sight() -> None:
    shot = faced("vip")
    assert (tile(shot, "vip_wait").value, tile(shot, "vip_wait", NOW_NS + 18 * NS).value) == ("0:42", "1:00")
    for queue in (shot.floor, *shot.queues.values()):
        queue.fresh, queue.as_of = "stale", ago(2)
    stale = tile(shot, "vip_wait", NOW_NS + 600 * NS)
    assert (stale.value, stale.fresh) == ("0:40", "stale")
    assert board(shot).banners == ()  # nobody knows whether he still waits


def test_who_keeps_no_directory_has_no_mark_and_who_has_no_vip_waiting_a_zero() -> None:
    assert "vip_wait" not in [each.key for each in board(sample()).pages[0].tiles]
    assert "vip_wait" not in [each.key for each in page(sample(), PageSpec(kind="queues")).rows[0].tiles]
    named = page(sample(), PageSpec(kind="floor", figures=("vip_wait", "callbacks", "contact_rate")))
    assert [each.value for each in named.tiles] == [DASH] * 3
    assert tile(stocked(sample()), "vip_wait").value == "0:00"
    assert board(stocked(sample())).banners == ()


@pytest.mark.parametrize(
    ("spec", "details"),
    [
        (PageSpec(kind="queue", queue="cobranzas"), ("0:09 Cobranzas",)),
        (PageSpec(kind="queue", queue="soporte"), None),
        (PageSpec(kind="queues", queues=("soporte", "ventas")), ("0:42 Ventas (2)",)),
        (PageSpec(kind="group", group="todas"), ("0:42 Todas (3)",)),
        (PageSpec(kind="totals", groups=("todas",)), ("0:42 Todas (3)",)),
        (PageSpec(kind="totals", sites=("cuenca",)), ("0:30 Cuenca",)),
        (PageSpec(kind="totals", sites=("*",)), ("0:42 Ventas (2)", "0:30 Cuenca", "0:09 Cobranzas")),
        (PageSpec(kind="trunks"), None),
    ],
)
def test_a_board_tells_of_the_vips_of_what_it_shows(spec: PageSpec, details: tuple[str, ...] | None) -> None:
    shot = faced("vip")
    shot.groups = {"todas": msgspec.structs.replace(shot.floor, title="Todas")}
    assert shot.sites is not None
    shot.sites["cuenca"] = msgspec.structs.replace(shot.sites["cuenca"], vip_waiting=1, vip_longest_since=ago(30))
    found = [banner.details for banner in board(shot, spec).banners]
    assert found == ([] if details is None else [details])


def test_a_vip_comes_after_alarms_and_before_what_is_scheduled() -> None:
    shot = faced("vip")
    shot.alarms = [Alarm(id="floor.abandon_rate", level="red", since=ago(20))]
    said = [(item.rung, item.key) for item in items(board(shot))]
    assert said[:3] == [("alarm", "alarm.floor.abandon_rate"), ("alarm", "vip"), ("scheduled", "notice.a1")]
    led = pages_from(board(shot))
    assert [each.key for each in led[:3]] == ["alarm.floor.abandon_rate.0", "vip.text.0", "vip.details.0"]
    assert led[1].urgent
    assert [part.text for part in led[1].parts] == ["0:42"]
    assert [phrase.text for phrase in sayings_from(board(shot)).priority] == [
        "Piso: Abandono !!3,9\xa0%", "VIP esperando 0:42 Ventas (2) - 0:09 Cobranzas",
    ]  # fmt: skip


def test_in_a_terminal_a_star_stands_before_the_wait_of_a_vip() -> None:
    made = board(faced("vip"), PageSpec(kind="queues"))
    rows = [line.split() for line in plain(screens(made, words_of("es"), ZONE, NOW_NS)[0])]
    assert ["★0:42" in row for row in rows if row and row[0] in ("Ventas", "Soporte")] == [True, False]


# -- callbacks --


def test_por_devolver_stands_on_the_floor_with_the_oldest_and_those_taken() -> None:
    due = tile(stocked(sample()), "callbacks")
    assert (due.label, due.value, due.notes) == ("Por devolver", "7", ("La más antigua 1:23:45", "Tomadas 2"))
    assert tile(stocked(sample()), "callbacks", NOW_NS + 15 * NS).notes[0] == "La más antigua 1:24:00"


def test_the_page_of_callbacks_counts_by_queue_the_longest_due_first() -> None:
    made = page(stocked(sample()), PageSpec(kind="callbacks"))
    assert made.title == "Por devolver"
    assert [each.value for each in made.tiles] == ["7", "2", "1:23:45"]
    assert values(made) == {"ventas": ["4", "1", "1:23:45"], "cobranzas": ["2", "0", "21:50"], "atencion-al-cliente": ["1", "1", "6:42"]}


def test_callbacks_of_no_queue_are_in_the_sum_and_nobody_due_is_a_page_too() -> None:
    shot = stocked(sample())
    shot.floor.callbacks = Callbacks(open=9, claimed=2, oldest_since=ago(9000))
    assert page(shot, PageSpec(kind="callbacks")).tiles[0].value == "9"
    for queue in (shot.floor, *shot.queues.values()):
        queue.callbacks = Callbacks()
    made = page(shot, PageSpec(kind="callbacks"))
    assert ([each.value for each in made.tiles], made.rows) == (["0", "0", "0:00"], ())
    assert board(sample(), PageSpec(kind="callbacks")).pages == ()  # not kept here: no page, and no zero


# -- channels --


def test_channels_stand_below_the_voice_with_their_age_each_as_fresh_as_it_is() -> None:
    made = page(stocked(sample()), PageSpec(kind="channels"))
    assert values(made) == {
        "voice": ["4", "0:41", "84,6\xa0%", "340/402", "0:00"],
        "email": ["11", "1:30:58", "78,8\xa0%", "41/52", "0:58"],
        "chat": ["3", "1:41", "90,1\xa0%", "118/131", "0:06"],
        "web": ["0", "0:00", "91,7\xa0%", "22/24", "0:06"],
        "fax": [DASH] * 5,
        "social": ["4", "21:00", "52,9\xa0%", "9/17", "14:05"],
    }
    assert [(row.key, row.fresh) for row in made.rows[-2:]] == [("fax", "unknown"), ("social", "stale")]


def test_a_channels_wait_ticks_while_live_and_stands_once_stale() -> None:
    rows = board(stocked(sample()), PageSpec(kind="channels"), now_ns=NOW_NS + 60 * NS).pages[0].rows
    assert [(row.key, row.tile("longest_wait").value, row.tile("as_of").value) for row in (rows[2], rows[-1])] == [
        ("chat", "2:41", "1:06"), ("social", "21:00", "15:05"),
    ]  # fmt: skip


def test_among_queues_a_channel_has_a_dash_for_what_no_crm_tells() -> None:
    spec = PageSpec(kind="queues", queues=("ventas",), channels=("chat", "telex"), figures=("waiting", "answered", "callbacks", "asa"))
    assert values(page(stocked(sample()), spec)) == {
        "ventas": ["3", "110", "4", "0:09"],
        "chat": ["3", DASH, DASH, DASH],
        "telex": [DASH] * 4,
    }
    assert board(sample(), PageSpec(kind="channels")).pages == ()


@pytest.mark.parametrize(("language", "names"), [("es", "Correo"), ("en", "E-mail"), ("pt", "E-mail")])
def test_a_channel_goes_by_the_crms_title_else_by_our_word_else_by_its_key(language: str, names: str) -> None:
    shot = sample()
    shot.channels = {"email": Channel(), "kiosko": Channel(), "chat": Channel(title="WhatsApp")}
    assert [row.title for row in page(shot, PageSpec(kind="channels"), language).rows[1:]] == [names, "kiosko", "WhatsApp"]


# -- types of call, outbound --


def test_shares_of_types_are_of_those_classified_with_numerator_and_denominator() -> None:
    made = page(stocked(sample()), PageSpec(kind="classes"))
    assert {row.title: (row.tiles[0].value, row.tiles[0].notes, row.tiles[1].value) for row in made.rows} == {
        "Perfectas": ("63,9", ("149 de 233",), "149"),
        "Imperfectas": ("24,0", ("56 de 233",), "56"),
        "Impropias": ("10,7", ("25 de 233",), "25"),
        "Extraordinarias": ("1,3", ("3 de 233",), "3"),
    }
    one = page(stocked(sample()), PageSpec(kind="classes", queue="ventas"))
    assert (one.title, one.rows[0].tiles[0].notes, one.name) == ("Tipos de llamada · Ventas", ("71 de 103",), "classes.ventas")
    assert board(sample(), PageSpec(kind="classes")).pages == ()  # nothing classified today


def test_types_are_called_as_the_configuration_says_in_its_order() -> None:
    own = CallType(title=Titles(es="Queja formal", pt="Reclamação"))
    config = Config(classification=Classification(types={"complaint": own}))
    assert list(classes_of(config, "es").values()) == ["Perfectas", "Imperfectas", "Impropias", "Extraordinarias", "Queja formal"]
    assert (classes_of(config, "pt")["complaint"], classes_of(config, "en")["complaint"]) == ("Reclamação", "Queja formal")


def test_outbound_calls_by_outcome_are_parts_of_the_attempts() -> None:
    shot = stocked(sample())
    outcomes = {"answered": 31, "no_answer": 42, "agent_busy": 5}
    shot.floor.today = msgspec.structs.replace(shot.floor.today, outbound=Outbound(attempts=73, contacts=31, outcomes=outcomes))
    made = page(shot, PageSpec(kind="outbound"))
    assert [(each.key, each.value, each.notes) for each in made.tiles] == [
        ("attempts", "73", ()), ("contacts", "31", ()), ("contact_rate", "42,5", ("31 de 73",)), ("trunks", "17/30", ()),
    ]  # fmt: skip
    assert [(row.title, row.tiles[0].value, row.tiles[0].notes) for row in made.rows] == [
        ("Contestadas", "31", ("42,5\xa0% · 31 de 73",)), ("No contestan", "42", ("57,5\xa0% · 42 de 73",)), ("Agente ocupado", "5", ()),
    ]  # fmt: skip
    assert board(sample(), PageSpec(kind="outbound")).pages == ()  # nothing was dialled: no page, though there are lines
    shot.floor.today = msgspec.structs.replace(shot.floor.today, outbound=Outbound())
    assert tile_of(page(shot, PageSpec(kind="outbound")), "contact_rate") is None  # over nothing: no rate, and never 0 %


def tile_of(made: Page, key: str) -> Tile | None:
    return next((each for each in made.tiles if each.key == key), None)


# -- an extraordinary call --


@pytest.mark.parametrize(
    ("language", "said"),
    [("es", "Llamada extraordinaria · puesto A12"), ("en", "Extraordinary call · seat A12"), ("pt", "Chamada extraordinária · posto A12")],
)
def test_an_extraordinary_call_is_said_with_the_seat_before_every_other_trouble(language: str, said: str) -> None:
    shot = faced("extraordinary")
    shot.pbx["central"].state = "down"
    first = board(shot, language=language).banners[0]
    assert " · ".join((first.text, first.details[0])) == said
    assert (first.trouble, first.severe, "0:31" in first.details[-1]) == ("call", True, True)
    assert sayings_from(board(shot, language=language)).priority[0].text.startswith(said.replace(" · ", ": "))
    assert pages_from(board(shot, language=language))[0].label.startswith("☎")
    made = board(shot, language=language)
    assert any(line.startswith(f"☎ {said}") for line in plain(screens(made, words_of(language), ZONE, NOW_NS)[0]))


def test_without_a_seat_the_agent_is_named_only_where_names_may_be_shown() -> None:
    shot = faced("extraordinary")
    assert [banner.details[:2] for banner in board(shot).banners] == [("puesto A12", "Desde 09:02 (0:31)"), ("Agente 105", "Visto")]
    assert board(shot, names=False).banners[1].details[0] == "Visto"
    assert not board(shot).banners[1].severe  # somebody has seen it
    shot.alarms = [Alarm(id="call.extraordinary", level="red", since=ago(3))]
    assert board(shot).banners[0].details == ("Desde 09:03 (0:03)",)


def test_a_browser_is_told_of_nobody_by_name_or_key_and_the_button_still_acknowledges_the_right_alarm() -> None:
    view = HeldView()
    view.held = faced("extraordinary")
    feed = Feed(view, view.clock, Privacy(agent_names=False))
    shown = feed.snapshot()
    assert b"agente-112" not in msgspec.json.encode(shown)
    assert shown.alarms[0].seat == "a12"
    assert [feed.raised()[alarm.id] for alarm in shown.alarms] == [alarm.id for alarm in view.held.alarms]
    assert Feed(view, ManualClock(), Privacy(agent_names=True)).snapshot().alarms[0].agent == "agente-112"


def test_a_lamp_of_a_queue_shows_the_extraordinary_call_of_its_agents() -> None:
    config = Config(groups={"norte": GroupConfig(queues=("ventas", "cobranzas"))})
    shot = faced("extraordinary")
    seen = {name: len(Viewpoint(beacon, config).sight(shot).alarms) for name, beacon in {
        "floor": Beacon(red=1), "its": Beacon(red=1, queue="ventas"), "other": Beacon(red=1, queue="soporte"), "group": Beacon(red=1, group="norte"),
    }.items()}  # fmt: skip
    assert seen == {"floor": 2, "its": 2, "other": 0, "group": 2}


# -- the sites --


def test_totals_of_sites_add_the_way_back_and_a_silent_site_is_no_zero() -> None:
    shot = faced("vip")
    assert shot.sites is not None
    calls = {"classes": {"perfect": 5}, "outbound": Outbound(attempts=10, contacts=9, outcomes={"answered": 9, "busy": 1})}
    for key, site in shot.sites.items():
        today = msgspec.structs.replace(site.today, **calls)
        shot.sites[key] = msgspec.structs.replace(site, today=today, vip_waiting=0, callbacks=Callbacks(open=3, oldest_since=ago(60)))
    shot.all_sites = all_sites(shot.floor, shot.sites.values(), NOW_NS)
    spec = PageSpec(kind="totals", sites=("*",), figures=("vip_wait", "callbacks", "attempts", "contact_rate"))
    made = page(shot, spec)
    assert [f"{each.value}{each.unit}" for each in made.tiles] == ["0:42", "13", "93", "52,7\xa0%"]  # 49 of 93, no mean of rates
    assert values(made)["cuenca"] == ["0:00", "3", "10", "90,0\xa0%"]
    shot.sites["cuenca"] = msgspec.structs.replace(shot.sites["cuenca"], fresh="unknown", state="silent")
    shot.all_sites = all_sites(shot.floor, shot.sites.values(), NOW_NS)
    made = page(shot, spec)
    assert ([each.value for each in made.tiles], values(made)["cuenca"]) == ([DASH] * 4, [DASH] * 4)


# -- board files, words, stream --


def test_board_files_know_the_pages_and_say_what_cannot_be_meant() -> None:
    text = """
[[page]]
kind = "channels"
channels = ["*", "chat"]
[[page]]
kind = "callbacks"
figures = ["waiting"]
[[page]]
kind = "classes"
queue = "ventas"
group = "todas"
[[page]]
kind = "outbound"
figures = ["contact_rate", "trunks"]
[[page]]
kind = "queue"
queue = "ventas"
channels = ["chat"]
"""
    spec, faults = board_from_toml(text, Path("/x/nuevo.toml"))
    assert spec is not None
    assert [each.kind for each in spec.page] == ["channels", "callbacks", "classes", "outbound", "queue"]
    assert [(fault.line, fault.key) for fault in faults] == [
        (4, "page[0].channels"), (7, "page[1].figures"), (11, "page[2].group"), (18, "page[4].channels"),
    ]  # fmt: skip


def test_a_group_that_nobody_has_is_told_on_a_page_of_types_too(tmp_path: Path) -> None:
    (tmp_path / "tipos.toml").write_text('[[page]]\nkind = "classes"\ngroup = "nadie"\n', encoding="utf-8")
    boards = BoardSet(Config(site=Site(), wallboard=Boards(boards=tmp_path)))
    assert [fault.fault for fault in boards.faults] == ['no group is called "nadie"']


def test_nothing_that_customers_are_known_by_is_in_what_boards_say() -> None:
    """The snapshot has no member for it: only counts and moments."""
    assert {name for name in Queue.__struct_fields__ if "vip" in name or name == "callbacks"} == {
        "vip_waiting",
        "vip_longest_since",
        "callbacks",
    }
    assert set(Callbacks.__struct_fields__) == {"open", "claimed", "oldest_since"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_that_a_face_needs_is_there_in_every_language(language: str) -> None:
    pages = [PageSpec(kind=kind) for kind in ("floor", "queues", "callbacks", "channels", "classes", "outbound")]
    for face in ("vip", "extraordinary", "stale", "alarm"):
        made = board(stocked(faced(face)) if face != "vip" else faced(face), *pages, language=language)
        for each in made.pages:
            for row in each.rows:
                assert row.title
                assert all(cell.short for cell in row.tiles)
        assert pages_from(made)
        assert sayings_from(made).rotation


def test_a_channels_clock_is_no_news_and_its_count_is() -> None:
    assert not is_due({"channels": {"time": {"longest_wait": 4.0}}})
    assert is_due({"channels": {"time": {"waiting": 4}}})
    assert is_due({"floor": {"callbacks": {"open": 3}}})


def test_a_floor_without_a_way_back_has_the_figures_that_it_had() -> None:
    assert Window().classes == {}
    assert [each.key for each in board(sample()).pages[0].tiles][:4] == ["waiting", "longest_wait", "service_level", "available"]
