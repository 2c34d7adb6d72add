"""The day's report of types of call: by queue, those of no queue beside them, in one document that older days may lack."""

from __future__ import annotations

from datetime import date

import pytest

from appliance.floor.calendar import Calendar
from appliance.floor.history import Day, KeptQueue, Part, bytes_from_day, classes_of, day_from_bytes, empty_day, with_part
from appliance.floor.tally import Tally
from appliance.report_table import all_columns, day_window, queues_of, rows_of

LOCAL = date(2026, 11, 21)
CALENDAR = Calendar("UTC")
HALF_S = 1_795_233_600


@pytest.fixture
def day() -> Day:
    kept = empty_day(LOCAL, "UTC")
    for epoch, perfect in (("one", 2), ("two", 3)):  # a journal that was begun anew within the day
        tally = Tally(offered=perfect, answered=perfect, classes={"perfect": perfect, "improper": 1})
        queue = KeptQueue(title="Ventas", pbx="p", target_s=15, halves={HALF_S: tally})
        kept = with_part(kept, Part(epoch=epoch, as_of_ns=1, queues={"ventas": queue}, classes={"perfect": 1}))
    return day_from_bytes(bytes_from_day(kept), LOCAL)


def test_each_type_by_queue_and_of_no_queue(day: Day) -> None:
    rows = rows_of("classes", day, CALENDAR)
    assert [(row["queue"], row["type"], row["count"], row["share"], row["share_den"]) for row in rows] == [
        ("ventas", "perfect", 5, 0.7143, 7),
        ("ventas", "improper", 2, 0.2857, 7),
        (None, "perfect", 2, 1.0, 2),
    ]
    assert [row["queue"] for row in rows_of("classes", day, CALENDAR, "ventas")] == ["ventas", "ventas"]
    assert day_window(day, queues_of(day)).classes == {"perfect": 7, "improper": 2}
    assert all_columns()[-1] == "type"


def test_a_day_kept_before_there_were_classes() -> None:
    fields = list(Tally.__struct_fields__)
    fields = fields[: fields.index("classes")]
    old = bytes_from_day(with_part(empty_day(LOCAL, "UTC"), Part(epoch="e", as_of_ns=1, queues={"v": KeptQueue(halves={HALF_S: Tally()})})))
    text = old.decode().replace(',"classes"]', "]").replace(",{}]", "]")
    day = day_from_bytes(text.encode(), LOCAL)
    assert day.fields == tuple(fields)
    assert (classes_of(day), rows_of("classes", day, CALENDAR)) == ({}, [])
