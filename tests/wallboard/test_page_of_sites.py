"""A page of sites: a row for each, the own floor among them, their sum on top; what one does not tell is a dash and never this floor's."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from appliance.core.config import Config, Crm, Kpi, Privacy, Site, SiteConfig, Wallboard
from appliance.floor import snapshot as out
from appliance.floor.sites import all_sites
from wallboard.alarm.quiet import thresholds_from
from wallboard.board import Board, board_from
from wallboard.board_file import board_from_toml
from wallboard.board_set import BoardSet
from wallboard.layout import BoardSpec, PageSpec
from wallboard.page import Page, Setting
from wallboard.sample import NOW_NS, HeldView, ago, sample
from wallboard.stream.feed import Feed
from wallboard.stream.patch import apply, without_nulls
from wallboard.words import DASH, words_of


def board(snapshot: out.Snapshot, page: PageSpec, language: str = "es") -> Board:
    setting = Setting(words_of(language), ZoneInfo("America/Guayaquil"), thresholds_from(Kpi()))
    return board_from(BoardSpec(page=(page,)), "sedes", setting, snapshot, NOW_NS)


def page(snapshot: out.Snapshot, *sites: str, figures: tuple[str, ...] = ("waiting", "service_level", "answered")) -> Page:
    made = board(snapshot, PageSpec(kind="totals", sites=sites or ("*",), figures=figures)).pages
    return made[0]


def values(made: Page) -> dict[str, list[str]]:
    rows = {row.key: [tile.value for tile in row.tiles] for row in made.rows}
    return {"": [tile.value for tile in made.tiles], **rows}


def with_site(snapshot: out.Snapshot, key: str, **more: object) -> out.Snapshot:
    sites = {**(snapshot.sites or {})}
    sites[key] = msgspec.structs.replace(sites[key], **more)
    total = all_sites(snapshot.floor, sites.values(), NOW_NS)
    return msgspec.structs.replace(snapshot, sites=sites, all_sites=total)


def test_every_site_has_a_row_and_their_sum_stands_on_top() -> None:
    assert values(page(sample())) == {
        "": ["6", "82,4", "647"],  # 557 of 676, and never 85,4, the mean of the three
        "quito-norte": ["4", "84,6", "386"],
        "guayaquil-sur": ["2", "75,7", "214"],
        "cuenca": ["0", "95,8", "47"],
    }
    assert [row.title for row in page(sample()).rows] == ["quito-norte", "Guayaquil", "Cuenca"]


@pytest.mark.parametrize(("language", "title"), [("es", "Todas las sedes"), ("en", "All sites"), ("pt", "Todas as unidades")])
def test_it_says_that_all_sites_are_meant(language: str, title: str) -> None:
    assert board(sample(), PageSpec(kind="totals", sites=("*",)), language).pages[0].title == title
    assert board(sample(), PageSpec(kind="totals", sites=("*",), title="País"), language).pages[0].title == "País"


def test_sites_named_are_shown_in_their_order_under_the_sum_of_all() -> None:
    made = page(sample(), "cuenca", "quito-norte", "loja")
    assert [row.key for row in made.rows] == ["cuenca", "quito-norte", "loja"]
    assert values(made)["loja"] == [DASH] * 3
    assert values(made)[""] == ["6", "82,4", "647"]


def test_a_site_out_of_hearing_is_as_old_as_it_is_and_so_is_the_sum() -> None:
    made = page(with_site(sample(), "cuenca", fresh="stale", as_of=ago(725), state="down"))
    assert [(row.key, row.fresh, row.age) for row in made.rows] == [
        ("quito-norte", "live", ""), ("guayaquil-sur", "live", ""), ("cuenca", "stale", "12:05"),
    ]  # fmt: skip
    assert (made.fresh, "12:05" in made.stamp) == ("stale", True)
    assert values(made)["cuenca"] == ["0", "95,8", "47"]


def test_each_site_stands_with_its_age_and_one_that_is_not_heard_says_so() -> None:
    shot = with_site(with_site(sample(), "cuenca", fresh="stale", as_of=ago(725), state="silent"), "guayaquil-sur", state="down")
    made = board(shot, PageSpec(kind="totals", sites=("*",))).pages[0]
    assert [(row.title, row.tile("as_of").value) for row in made.rows] == [
        ("quito-norte", "0:00"), ("Guayaquil · desconectada", "0:00"), ("Cuenca · sin noticias", "12:05"),
    ]  # fmt: skip
    assert made.tiles[-1].key == "as_of"
    assert made.tiles[-1].value == "12:05", "the sum is as old as its oldest part"


def test_a_sum_that_lacks_a_site_is_a_dash() -> None:
    made = page(with_site(sample(), "cuenca", fresh="unknown", state="silent"))
    assert values(made)[""] == [DASH] * 3
    assert values(made)["cuenca"] == [DASH] * 3
    assert values(made)["guayaquil-sur"] == ["2", "75,7", "214"]
    assert made.fresh == "unknown"


def test_what_only_this_box_knows_is_shown_of_no_other_site() -> None:
    figures = ("trunks", "ab_allocation", "held")
    assert values(page(sample(), figures=figures)) == {
        "": [DASH] * 3, "quito-norte": ["17/30", "86,0", "0"], "guayaquil-sur": [DASH] * 3, "cuenca": [DASH] * 3,
    }  # fmt: skip
    assert "trunks" not in {tile.key for tile in board(sample(), PageSpec(kind="totals", sites=("*",))).pages[0].tiles}


def test_an_alarm_decorates_the_own_row_and_no_other() -> None:
    snapshot = msgspec.structs.replace(sample(), alarms=[out.Alarm(id="floor.service_level", level="red", since=ago(60))])
    made = page(snapshot)
    assert {row.key: row.tile("service_level").level for row in made.rows} == {
        "quito-norte": "red", "guayaquil-sur": "none", "cuenca": "none",
    }  # fmt: skip
    assert made.tiles[1].level == "none"


@pytest.mark.parametrize(
    ("elsewhere", "spec", "face"),
    [
        ({"open": True}, PageSpec(kind="totals", sites=("*",)), "normal"),
        ({"open": False, "waiting": 1}, PageSpec(kind="totals", sites=("*",)), "normal"),
        ({"open": False, "waiting": 0}, PageSpec(kind="totals", sites=("*",)), "closed"),
        ({"open": True, "fresh": "unknown"}, PageSpec(kind="totals", sites=("*",)), "closed"),
        ({"open": True}, PageSpec(kind="floor"), "closed"),
    ],
)
def test_a_board_of_sites_is_closed_when_all_of_them_are(elsewhere: dict[str, object], spec: PageSpec, face: str) -> None:
    idle = msgspec.structs.replace(sample().floor, waiting=0, agents=out.AgentCounts())
    snapshot = msgspec.structs.replace(sample(), open=False, floor=idle)
    snapshot = with_site(snapshot, "cuenca", open=False, waiting=0)
    assert board(with_site(snapshot, "guayaquil-sur", **elsewhere), spec).face == face


def test_without_other_sites_there_is_no_such_page() -> None:
    snapshot = msgspec.structs.replace(sample(), sites=None, all_sites=None)
    assert [each.kind for each in board(snapshot, PageSpec(kind="totals", sites=("*",))).pages] == []
    assert [each.kind for each in board(snapshot, PageSpec(kind="floor")).pages] == ["floor"]


def test_a_site_whose_title_is_hostile_stays_text() -> None:
    title = "\u202esur\x07" + "x" * 10_000
    made = page(with_site(sample(), "cuenca", title=title))
    assert made.rows[2].title == title


def test_a_board_file_may_name_groups_or_sites_and_all_or_some(tmp_path: Path) -> None:
    text = '[[page]]\nkind = "totals"\nsites = ["*", "sur"]\n\n[[page]]\nkind = "totals"\nsites = ["sur"]\ngroups = ["g"]\n'
    spec, faults = board_from_toml(text, tmp_path / "sedes.toml")
    assert [(fault.line, fault.key) for fault in faults] == [(3, "page[0].sites"), (7, "page[1].sites")]
    assert spec is not None
    assert len(spec.page) == 2


@pytest.mark.parametrize(
    ("sites", "said"),
    [
        ({"sur": SiteConfig(box="b")}, 'no site is called "loja"; write [sites.loja]; there is quito, sur'),
        ({}, "no other site is configured"),
    ],
)
def test_sites_that_nobody_configured_are_named(sites: dict[str, SiteConfig], said: str, tmp_path: Path) -> None:
    (tmp_path / "sedes.toml").write_text('[[page]]\nkind = "totals"\nsites = ["quito", "loja"]\n')
    config = Config(site=Site(name="quito"), crm=Crm(url="mqtt://127.0.0.1"), sites=sites, wallboard=Wallboard(boards=tmp_path))
    faults = [str(fault) for fault in BoardSet(config).faults]
    assert len(faults) == 1
    assert said in faults[0]


async def test_pages_follow_the_sites_by_patches() -> None:
    view = HeldView()
    feed = Feed(view, view.clock, Privacy())
    client = feed.join(lambda: None)
    document = await _next(client)
    assert document["all_sites"]["waiting"] == 6
    view.held = with_site(view.held, "guayaquil-sur", waiting=9)
    view.clock.advance(1)
    feed.changed()
    feed.turn()
    patched = apply(document, await _next(client))
    assert patched["sites"]["guayaquil-sur"]["waiting"] == 9
    assert patched["all_sites"]["waiting"] == 13
    now = msgspec.json.decode(feed.document())
    assert without_nulls(patched)["sites"] == without_nulls(now)["sites"]


async def _next(client: object) -> dict[str, dict[str, dict[str, object]]]:
    """The next document or patch of the stream."""
    chunk = await client.take()  # type: ignore[attr-defined]
    line = next(line for line in chunk.split(b"\n") if line.startswith(b"data: "))
    return msgspec.json.decode(line.removeprefix(b"data: "))  # type: ignore[no-any-return]
