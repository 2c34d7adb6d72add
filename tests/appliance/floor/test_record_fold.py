"""What a floor with nothing but call records tells: calls that are over, on the day on which they ended; of a queue nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from appliance.core.catalogue import PbxRecord
from appliance.core.clock import wall_ns_from_rfc3339
from appliance.core.config import Config, Site
from appliance.core.smdr_config import SmdrConfig
from appliance.floor.calendar import Calendar
from appliance.floor.record import RecordDay, RecordFold, records_snapshot
from appliance.replay import replay

ZONE = "America/Guayaquil"


def folded(*told: tuple[str, dict[str, Any]]) -> dict[str, dict[int, RecordDay]]:
    records: dict[str, dict[int, RecordDay]] = {}
    fold = RecordFold(records, Calendar(ZONE, Config().site.hours))
    for at, fields in told:
        fold.told(PbxRecord(pbx="norte", profile="panasonic", **fields), wall_ns_from_rfc3339(at))
    return records


IN: dict[str, Any] = {"direction": "in", "answered": True, "ring_s": 6.0, "duration_s": 60.0}
NOON = "2026-11-21T17:00:00Z"


def test_what_is_counted() -> None:
    days = folded(
        (NOON, IN), (NOON, IN | {"ring_s": None, "duration_s": 120.0}), (NOON, {"direction": "in", "abandoned": True, "ring_s": 30.0}),
        (NOON, {"direction": "in"}), (NOON, {"direction": "out", "duration_s": 5.0}), (NOON, {"direction": "internal"}), (NOON, {}),
    )["norte"]  # fmt: skip
    (day,) = days.values()
    shown = records_snapshot(day)
    assert (shown.incoming, shown.answered, shown.abandoned, shown.not_told, shown.outgoing, shown.internal) == (4, 2, 1, 1, 1, 1)
    assert (shown.ring_avg, shown.talk_avg) == (6.0, 90.0)
    assert records_snapshot(None).talk_avg is None


@pytest.mark.parametrize(
    ("start", "is_today"),
    [
        ("2026-11-21T11:58:00", True),
        ("2026-11-20T23:59:30", True),  # it ended after midnight
        ("2026-11-20T11:58:00", False),  # a buffer printed again
        ("2026-11-21T15:00:00", True),
        ("2026-11-23T00:00:00", True),  # the PBX's clock is wrong
        ("0001-01-01T00:00:00", True),
        ("9999-12-31T23:59:59", True),
        ("nonsense", True),
        (None, True),
    ],
)
def test_a_call_is_of_the_day_on_which_it_ended(start: str | None, is_today: bool) -> None:
    days = folded((NOON, IN), (NOON, IN | {"start": start}))["norte"]
    assert days[max(days)].answered == (2 if is_today else 1)


def test_two_days_are_kept() -> None:
    assert len(folded(*((f"2026-11-{day:02d}T17:00:00Z", IN) for day in range(1, 9)))["norte"]) == 2


def test_a_floor_with_nothing_but_records(tmp_path: Path) -> None:
    lines = (
        "11/21/26 12:03PM  1200 01 <I>0987654321 ANA             0'05 00:01'05\r\n11/21/26 12:04PM  1200 01 <I>0987654321"
        "                 0'45 00:00'00            NA\r\n"
    )
    path = tmp_path / "printed.jsonl"
    rows = ({"capture": 1, "kind": "smdr", "name": "norte", "started": NOON}, {"t": 300.0, "data": lines})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    smdr = {"norte": SmdrConfig(url="tcp://127.0.0.1:1", profile="panasonic")}
    shot = replay(path, Config(smdr=smdr, site=Site(timezone=ZONE)))
    shown = shot.records["norte"]
    assert (shown.incoming, shown.answered, shown.abandoned, shown.ring_avg, shown.talk_avg) == (2, 1, 1, 5.0, 65.0)
    assert shot.floor.waiting in (None, 0)
    assert shot.queues == {}
