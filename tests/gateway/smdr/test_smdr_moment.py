"""When a record was printed: both date orders, missing years and dates, midnight, and a February that has 29 days."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smdr.moment import Dates, Order

NOW = datetime(2027, 1, 1, 0, 5)  # noqa: DTZ001 - printed times have no zone


def told(dates: Dates, day: str, time: str = "10:00", now: datetime = NOW) -> str | None:
    moment = dates.at(day, time, now)
    return moment.isoformat(timespec="minutes") if moment else None


@pytest.mark.parametrize(
    ("day", "meant"),
    [
        ("11/21/26", "2026-11-21"), ("21/11/26", "2026-11-21"), ("21.11.2026", "2026-11-21"), ("2026/11/21", "2026-11-21"),
        ("11/21", "2026-11-21"), ("112126", "2026-11-21"), ("11212026", "2026-11-21"), ("20261121", "2026-11-21"), ("1121", "2026-11-21"),
        ("Nov 21 2026", "2026-11-21"), ("06/24/97", "1997-06-24"), ("13/13/26", None), ("00/10/26", None), ("31/02/26", None), ("x", None),
    ],
)  # fmt: skip
def test_dates(day: str, meant: str | None) -> None:
    assert told(Dates(), day) == (f"{meant}T10:00" if meant else None)


def test_a_year_that_is_not_printed_on_new_years_eve() -> None:
    dates = Dates()
    assert told(dates, "12/31", "23:58") == "2026-12-31T23:58"
    assert told(dates, "01/01", "00:01") == "2027-01-01T00:01"
    # A PBX whose clock is ahead prints the new year's first minute before our midnight.
    assert told(dates, "01/01", "00:01", datetime(2026, 12, 31, 23, 59)) == "2027-01-01T00:01"  # noqa: DTZ001
    assert told(dates, "02/29") == "2024-02-29T10:00"


def test_one_date_tells_the_order_of_the_others() -> None:
    dates = Dates("mdy")
    assert told(dates, "03/04/26") == "2026-03-04T10:00"
    assert told(dates, "21/04/26") == "2026-04-21T10:00"
    assert dates.is_told
    assert told(dates, "03/04/26") == "2026-04-03T10:00"


def test_what_comes_as_it_is_printed_tells_its_order() -> None:
    now = datetime(2026, 4, 3, 10, 1)  # noqa: DTZ001
    assert told(Dates("mdy", live=True), "03/04/26", now=now) == "2026-04-03T10:00"
    assert told(Dates("dmy", live=True), "04/03/26", now=now) == "2026-04-03T10:00"


def test_an_order_that_the_configuration_says_stays() -> None:
    dates = Dates("dmy", fixed=True)
    told(dates, "11/21/26")
    assert told(dates, "03/04/26") == "2026-04-03T10:00"


def test_no_date_at_all() -> None:
    assert told(Dates(), "", "10:00") is None
    live = Dates(live=True)
    assert told(live, "", "00:04") == "2027-01-01T00:04"
    assert told(live, "", "23:59") == "2026-12-31T23:59"


def test_a_clock_that_is_not_set_tells_no_year() -> None:
    unset = datetime(1970, 1, 1, 0, 3)  # noqa: DTZ001
    assert told(Dates(live=True), "11/21", now=unset) is None
    assert told(Dates(live=True), "", now=unset) is None
    assert told(Dates(live=True), "11/21/26", now=unset) == "2026-11-21T10:00"


def test_a_date_for_the_page_and_midnight_on_it() -> None:
    dates = Dates()
    assert dates.day_line("11/21/26", NOW)
    times = ["23:50", "23:59", "23:58", "00:01", "00:00", "08:00"]
    assert [told(dates, "", time) for time in times] == [
        "2026-11-21T23:50", "2026-11-21T23:59", "2026-11-21T23:58", "2026-11-22T00:01", "2026-11-22T00:00", "2026-11-22T08:00",
    ]  # fmt: skip


@given(st.dates(date(2018, 1, 1), date(2027, 1, 1)), st.sampled_from(["mdy", "dmy"]))
def test_a_full_date_comes_back(day: date, order: Order) -> None:
    text = f"{day:%m/%d/%y}" if order == "mdy" else f"{day:%d/%m/%y}"
    moment = Dates(order).at(text, "10:00", NOW)
    assert moment is not None
    assert moment.date() == day


@given(st.dates(date(2026, 1, 3), date(2027, 1, 1)))
def test_a_day_without_its_year_is_never_ahead(day: date) -> None:
    moment = Dates().at(f"{day:%m/%d}", "23:59", NOW)
    assert moment is not None
    assert moment.date() == day
    assert moment <= NOW + timedelta(days=3)


@given(st.text(max_size=20), st.text(max_size=12))
def test_no_text_is_a_fault(day: str, time: str) -> None:
    Dates(live=True).at(day, time, NOW)
    Dates().day_line(day, NOW)


def test_a_day_that_was_printed_once_goes_on_over_quiet_days_as_they_come() -> None:
    dates = Dates(live=True)
    assert dates.day_line("11/20/26", datetime.fromisoformat("2026-11-20 09:00"))
    printed = [
        ("17:00", "20 17:01"), ("09:00", "23 09:01"), ("23:59", "24 00:01"), ("00:02", "24 00:03"), ("20:00", "24 20:00"),
        ("00:01", "24 23:58"), ("00:05", "25 00:04"),
    ]  # fmt: skip
    told = [dates.at("", time, datetime.fromisoformat(f"2026-11-{now}")) for time, now in printed]
    assert [f"{at:%d %H:%M}" for at in told if at] == ["20 17:00", "23 09:00", "23 23:59", "24 00:02", "24 20:00", "25 00:01", "25 00:05"]
