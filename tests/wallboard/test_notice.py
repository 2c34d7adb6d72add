"""A board's own announcements: which are due when, on the site's walls, past midnight and over a change of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.clock import NS, wall_ns_from_rfc3339
from wallboard.layout import BoardSpec, NoticeSpec
from wallboard.notice import end_of_showing, notices_now

QUITO, NEW_YORK = ZoneInfo("America/Guayaquil"), ZoneInfo("America/New_York")


def at(text: str, zone: ZoneInfo = QUITO, fold: int = 0) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()) * NS


def notice(**more: Any) -> NoticeSpec:
    return NoticeSpec(text="Reunión", **more)


@pytest.mark.parametrize(
    ("spec", "moment", "due"),
    [
        (notice(), "2026-11-21T03:00", True),
        (notice(at="08:00", until="08:15"), "2026-11-20T07:59:59", False),
        (notice(at="08:00", until="08:15"), "2026-11-20T08:00", True),
        (notice(at="08:00", until="08:15"), "2026-11-20T08:14:59", True),
        (notice(at="08:00", until="08:15"), "2026-11-20T08:15", False),
        (notice(at="08:00"), "2026-11-20T23:59", True),
        (notice(until="08:00"), "2026-11-20T00:00", True),
        (notice(until="08:00"), "2026-11-20T08:00", False),
        (notice(days=("mon", "fri"), at="08:00", until="08:15"), "2026-11-20T08:05", True),
        (notice(days=("mon", "fri"), at="08:00", until="08:15"), "2026-11-21T08:05", False),
        # Past midnight the showing belongs to the day on which it began.
        (notice(days=("fri",), at="22:00", until="02:00"), "2026-11-21T01:59", True),
        (notice(days=("fri",), at="22:00", until="02:00"), "2026-11-20T01:59", False),
        (notice(at="22:00", until="02:00", last="2026-11-20"), "2026-11-21T01:00", True),
        (notice(at="22:00", until="02:00", first="2026-11-21"), "2026-11-21T01:00", False),
        (notice(first="2026-12-01", last="2026-12-24"), "2026-11-30T23:59", False),
        (notice(first="2026-12-01", last="2026-12-24"), "2026-12-01T00:00", True),
        (notice(first="2026-12-01", last="2026-12-24"), "2026-12-24T23:59", True),
        (notice(first="2026-12-01", last="2026-12-24"), "2026-12-25T00:00", False),
    ],
)
def test_due(spec: NoticeSpec, moment: str, due: bool) -> None:
    assert bool(notices_now(BoardSpec(notice=(spec,)), "sala", at(moment), QUITO)) is due


def test_each_goes_by_its_place_in_the_file_and_tells_its_end() -> None:
    spec = BoardSpec(
        notice=(
            notice(at="08:00", until="08:15"),
            NoticeSpec(text="Pausa", severity="warning", at="10:00", until="10:15"),
            notice(at="09:55"),
        )
    )
    shown = notices_now(spec, "sala", at("2026-11-20T10:05"), QUITO)
    assert [(each.id, each.text, each.severity) for each in shown] == [
        ("board.sala.2", "Pausa", "warning"),
        ("board.sala.3", "Reunión", "info"),
    ]
    assert shown[0].until == "2026-11-20T15:15:00.000Z"
    assert shown[1].until == "2026-11-21T05:00:00.000Z"


def test_clocks_going_back_show_it_once() -> None:
    spec = notice(at="01:30", until="01:45")
    first, second = at("2026-11-01T01:35", NEW_YORK), at("2026-11-01T01:35", NEW_YORK, fold=1)
    assert second - first == 3600 * NS
    assert end_of_showing(spec, first, NEW_YORK) == first + 600 * NS
    assert end_of_showing(spec, second, NEW_YORK) is None


def test_clocks_going_forward_over_it_show_it_at_once() -> None:
    spec = notice(at="02:30", until="02:45")
    assert end_of_showing(spec, at("2026-03-08T03:35", NEW_YORK), NEW_YORK) == at("2026-03-08T03:45", NEW_YORK)
    assert end_of_showing(spec, at("2026-03-09T02:35", NEW_YORK), NEW_YORK) == at("2026-03-09T02:45", NEW_YORK)


@given(
    begins=st.times().map(lambda t: f"{t:%H:%M}"),
    ends=st.times().map(lambda t: f"{t:%H:%M}"),
    days=st.sets(st.sampled_from(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))),
    moment=st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2027, 12, 31)),  # noqa: DTZ001 - made aware below
    zone=st.sampled_from(("America/Guayaquil", "America/New_York", "Europe/Madrid", "Australia/Lord_Howe", "America/Sao_Paulo")),
)
def test_whatever_is_shown_ends_later_and_within_a_day(begins: str, ends: str, days: set[Any], moment: datetime, zone: str) -> None:
    now_ns = int(moment.replace(tzinfo=UTC).timestamp()) * NS
    board = BoardSpec(notice=(notice(at=begins, until=ends, days=tuple(sorted(days))),))
    for shown in notices_now(board, "b", now_ns, ZoneInfo(zone)):
        assert shown.until is not None
        left_ns = wall_ns_from_rfc3339(shown.until) - now_ns
        assert 0 < left_ns <= timedelta(hours=25).total_seconds() * NS
        assert notices_now(board, "b", now_ns + left_ns - NS, ZoneInfo(zone)), "shown until then"
