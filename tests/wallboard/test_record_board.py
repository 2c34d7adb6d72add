"""What a board says of a PBX that is known by its call records alone: what is over; a dash for who waits, and why."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from appliance.floor.snapshot import Health, Records, Snapshot
from wallboard.layout import PageSpec, board_of_floor
from wallboard.page import Maker, Setting
from wallboard.words import DASH, words_of

NOW_NS = 1_795_280_400 * 10**9


def setting(language: str) -> Setting:
    return Setting(words_of(language), ZoneInfo("UTC"), {})


SHOT = Snapshot(records={"norte": Records(incoming=10, answered=7, abandoned=2, not_told=1, ring_avg=9.4)})


@pytest.mark.parametrize(
    ("language", "says"), [("es", "la cola no se conoce"), ("en", "not known from call records"), ("pt", "a fila não é conhecida")]
)
def test_who_waits_is_not_known(language: str, says: str) -> None:
    page = Maker(SHOT, setting(language), (), NOW_NS).page(PageSpec(kind="records"), "records")
    assert page is not None
    assert says in page.note
    (row,) = page.rows
    assert [tile.value for tile in row.tiles] == [DASH, "7", "2", "1", "0:09", DASH]
    assert (page.fresh, row.fresh) == ("live", "live")


def test_a_port_that_is_gone_is_stale() -> None:
    from msgspec.structs import replace  # noqa: PLC0415

    shot = replace(SHOT, health=[Health(id="smdr.norte", level="red")])
    page = Maker(shot, setting("en"), (), NOW_NS).page(PageSpec(kind="records"), "records")
    assert page is not None
    assert [row.fresh for row in page.rows] == ["stale"]


def test_without_such_a_port_there_is_no_such_page() -> None:
    assert "records" in [page.kind for page in board_of_floor().page]
    assert Maker(Snapshot(), setting("en"), (), NOW_NS).page(PageSpec(kind="records"), "records") is None
