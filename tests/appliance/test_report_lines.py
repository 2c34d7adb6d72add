"""The day's report of lines, menus and surveys: the same figures as the boards', there where a site has them, and kept when the events go."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import date
from pathlib import Path

import pytest

from appliance.cli.main import main
from appliance.core.clock import ManualClock
from appliance.core.config_file import load
from appliance.core.journal_sqlite import SqliteJournal
from appliance.floor.history import KeptTrunk, Part, bytes_from_day, day_from_bytes, empty_day, menus_of, trunks_of, with_part
from appliance.replay import events_from_capture

CAPTURES = Path(__file__).parents[1] / "captures"
TOML = """
[site]
name = "quito"
language = "en"
[journal]
path = "journal.db"
[pbx.central]
secret_file = "secret"
[pbx.central.ivr]
[trunks.norte]
channels = ["PJSIP/trunk-norte"]
lines = 3
[trunks.norte.full]
"""


def told(folder: Path, capture: str) -> tuple[str, list[str]]:
    """The box's folder with the capture in its journal: its day, and how to name its configuration."""
    path, file = folder / "capture.jsonl", folder / "callfloor.toml"
    path.write_bytes(gzip.decompress((CAPTURES / capture / "lean.jsonl.gz").read_bytes()))
    (folder / "secret").write_text("x")
    file.write_text(TOML)
    config = load(file)
    events = list(events_from_capture(path, config))
    journal = SqliteJournal.open(folder / "journal.db", run_dir=folder / "run", clock=ManualClock(events[0].wall_ns))
    for at in range(0, len(events), 400):
        journal.append(events[at : at + 400])
    journal.close()
    with path.open() as lines:
        return str(json.loads(next(lines))["started"])[:10], ["-c", str(file)]


def test_lines_and_the_calls_that_met_a_full_group(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    day, config = told(tmp_path, "S6_trunk")
    assert main(["report", "--day", day, "--what", "trunks", "--csv", *config]) == 0
    (row,) = csv.DictReader(io.StringIO(capsysbinary.readouterr().out.decode()))
    assert (row["trunk"], row["lines"], row["blocked_share_num"], row["blocked_share_den"]) == ("norte", "3", "6", "23")
    assert 0 < float(row["all_busy_share_num"]) < 10 < float(row["all_busy_share_den"])
    assert main(["report", "--day", day, *config]) == 0
    text = capsysbinary.readouterr().out.decode()
    assert "26.1% (6/23)" in text
    assert "Self-service" not in text, "no call left a menu"


def test_surveys_and_menus(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    day, config = told(tmp_path, "S5_ivr")
    assert main(["report", "--day", day, "--json", *config]) == 0
    report = json.loads(capsysbinary.readouterr().out)
    assert report["floor"]["satisfaction"] == {"mean": 3.6, "answers": 5}
    assert report["floor"]["self_service_share_of"] == [0, 9]
    assert {row["queue"]: row["satisfaction"] for row in report["queues"]} == {"ventas": 3.0, "soporte": 4.0, "vip": 4.0}
    assert {row["agent"]: row["satisfaction"] for row in report["agents"]}["ana-garcia"] == 3.0
    assert report["menus"][0]["self_service_share_den"] == 9
    assert main(["report", "--day", day, *config]) == 0
    text = capsysbinary.readouterr().out.decode()
    assert "3.60 (5)" in text, "the sum of all queues"
    assert main(["explain", "satisfaction", "--json", *config]) == 0
    explained = json.loads(capsysbinary.readouterr().out)
    assert explained["figure"] == "satisfaction"


def test_parts_of_a_day_are_added() -> None:
    local, day = date(2026, 11, 21), empty_day(date(2026, 11, 21), "UTC")
    for epoch in ("a", "b"):
        trunk = KeptTrunk(lines=8, all_busy_ms=10, observed_ms=100, met_full=1, wanted=4)
        day = with_part(day, Part(epoch=epoch, as_of_ns=1, trunks={"pstn": trunk}, menus=(1, 3)))
    again = day_from_bytes(bytes_from_day(day), local)
    assert trunks_of(again)["pstn"] == KeptTrunk(lines=8, all_busy_ms=20, observed_ms=200, met_full=2, wanted=8)
    assert menus_of(again) == (2, 6)
