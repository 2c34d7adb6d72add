"""The golden stream: the same seed is the same bytes, and a consumer finds nothing missing, doubled or out of order in it."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from appliance.cli.main import main as run
from appliance.sim.crm_book import Book
from appliance.sim.floor_scenario_file import scenario_named
from appliance.sim.golden import golden, write


def test_the_same_seed_is_the_same_file_and_another_is_not(tmp_path: Path) -> None:
    """Also in a process of its own, whose hashes differ."""
    file = tmp_path / "day.jsonl.gz"
    command = [sys.executable, "-m", "appliance.cli.main", "sim", "golden", "--seed", "7", "--until", "08:06", "--out", str(file)]
    done = subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": "3"}, capture_output=True, text=True, timeout=120, check=True)
    assert "sha256" in done.stdout
    for seed, is_same in ((7, True), (8, False)):
        own = tmp_path / str(seed)
        own.mkdir()
        write(golden(scenario_named("monday-peak"), seed=seed, folder=own, until="08:06"), own / "day.jsonl.gz")
        assert ((own / "day.jsonl.gz").read_bytes() == file.read_bytes()) == is_same
    assert gzip.decompress(file.read_bytes()).startswith(b'{"specversion":"1.0"')


def test_a_consumer_finds_it_whole(tmp_path: Path) -> None:
    lines = list(golden(scenario_named("monday-peak"), seed=1, folder=tmp_path, until="08:12"))
    book = Book()
    for line in lines:
        book.add(line)
    assert (book.events, book.doubles, book.missing) == (len(lines), 0, 0)
    events = [msgspec.json.decode(line) for line in lines]
    assert [int(event["delivery"]) for event in events] == list(range(1, len(events) + 1))
    assert all(event["source"].startswith("/demo/simulated/") for event in events)
    kinds = Counter(event["type"] for event in events)
    ends = sum(kinds[f"callfloor.call.{kind}.v1"] for kind in ("answered", "abandoned", "left", "lost"))
    assert 5 < ends <= kinds["callfloor.call.queued.v1"]
    assert write(iter(lines), tmp_path / "day.jsonl") == len(lines)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--scenario", "analog-site"], "has no queues"),
        (["--until", "07:00"], "begins at 08:00"),
        (["--scenario", "nowhere"], "no scenario"),
    ],
)
def test_what_cannot_be_written_is_said(more: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sim", "golden", "--out", str(tmp_path / "x"), *more]) == 2
    assert told in capsys.readouterr().err
