"""Records around midnight, New Year, a leap day and the hours at which clocks change: printed times are local, and mean the day that was."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from gateway.smdr.shelf import profile
from gateway.smdr.stream import Stream

NEC = "POT  {:%H:%M %m/%d} 002  00:00:10 2001       2142623801\r\n"
IPO = "{:%Y/%m/%d %H:%M:%S},00:00:10,2,0991234567,I,200,200,,0,1,0,E200,Ana,T9001,LINE,0,0\r\n"
PANASONIC = "{:%m/%d/%y %I:%M%p}  1200 01 0991234567    00:00'10\r\n"


def at(*parts: int) -> datetime:
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001 - a PBX's time has no zone


def told(make: str, line: str, printed: datetime, now: datetime) -> datetime | None:
    """When the call began, of a line printed then and heard now."""
    stream = Stream(profile(make))
    records = [*stream.feed(line.format(printed).encode(), now, 0.0), *stream.idle(now, 3.0)]
    assert len(records) == 1
    return records[0].start


@pytest.mark.parametrize(
    ("printed", "now"),
    [
        (at(2026, 12, 31, 23, 59), at(2027, 1, 1, 0, 0, 5)),  # the year is over when it comes
        (at(2027, 1, 1, 0, 1), at(2026, 12, 31, 23, 58)),  # the PBX's clock is ahead of ours
        (at(2028, 2, 29, 12, 0), at(2028, 2, 29, 12, 1)),
        (at(2028, 2, 29, 23, 59), at(2028, 3, 1, 0, 1)),
        (at(2026, 10, 25, 2, 30), at(2026, 10, 25, 2, 31)),  # an hour that comes twice
        (at(2026, 3, 29, 2, 30), at(2026, 3, 29, 3, 30)),  # an hour that there was not, of a PBX that does not know it
        (at(2026, 11, 21, 0, 0), at(2026, 11, 21, 0, 0)),
        (at(2026, 11, 20, 23, 59), at(2026, 11, 21, 0, 1)),
    ],
)
def test_a_date_without_its_year(printed: datetime, now: datetime) -> None:
    assert told("nec", NEC, printed, now) == printed
    assert told("avaya-ipoffice", IPO, printed, now) == printed
    began = told("panasonic", PANASONIC, printed, now)
    assert began is not None
    assert began == printed - timedelta(seconds=10)  # it prints the end


def test_a_leap_day_that_comes_late_is_the_last_one() -> None:
    assert told("nec", NEC, at(2028, 2, 29, 12, 0), at(2030, 6, 1)) == at(2028, 2, 29, 12, 0)


def test_a_day_that_no_year_has_is_no_date() -> None:
    stream = Stream(profile("nec"))
    records = [
        *stream.feed(NEC.format(at(2026, 1, 1)).replace("01/01", "02/30").encode(), at(2026, 3, 1), 0.0),
        *stream.idle(at(2026, 3, 1), 3.0),
    ]
    assert [record.start for record in records] == [None]


def test_without_any_date_a_call_before_midnight_is_of_yesterday() -> None:
    line = "TLD 01104 94002 5559871234                   {:%H:%M} 00:02:11 $01.25 1234\r\n"
    assert told("intertel", line, at(2026, 1, 1, 23, 58), at(2027, 1, 1, 0, 1)) == at(2026, 12, 31, 23, 58)
    assert told("intertel", line, at(2026, 1, 1, 0, 1), at(2027, 1, 1, 0, 2)) == at(2027, 1, 1, 0, 1)
