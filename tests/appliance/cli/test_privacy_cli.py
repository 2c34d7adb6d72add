"""`callfloor privacy`: every store is named, and a number goes from a journal that another process is writing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.cli.main import main
from appliance.core.catalogue import CallQueued, kind_of
from appliance.core.clock import SystemClock
from appliance.core.event import Event, stored_from_body
from appliance.core.journal import Cursor
from appliance.core.journal_sqlite import SqliteJournal

CONFIG = """
[site]
name = "quito"
box = "p3"
timezone = "America/Guayaquil"

[journal]
path = "{path}"

[crm]
url = "mqtt://127.0.0.1:1"

[privacy]
callers_days = 3
"""
WRITER = """
import sys
from pathlib import Path
from appliance.core.catalogue import CallQueued
from appliance.core.clock import SystemClock
from appliance.core.event import Event
from appliance.core.journal_sqlite import SqliteJournal
clock = SystemClock()
journal = SqliteJournal.open(Path(sys.argv[1]), clock=clock)
print("writing", flush=True)
for at in range(300):
    data = CallQueued(call=f"w-{at}", pbx="central", queue="ventas", caller="0987654321")
    journal.append([Event("call.queued", "gateway/central", clock.wall_ns(), clock.mono_ns(), clock.boot, "synced", data)])
journal.close()
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "callfloor.toml"
    path.write_text(CONFIG.format(path=tmp_path / "state" / "journal.db"), encoding="utf-8")
    return path


def filled(config: Path, count: int = 1200) -> SqliteJournal:
    clock = SystemClock()
    journal = SqliteJournal.open(config.parent / "state" / "journal.db", clock=clock)
    numbers = ("+593991234567", "0991234567", "0981111111")
    calls = [CallQueued(call=f"e-{at}", pbx="central", queue="ventas", caller=numbers[at % 3]) for at in range(count)]
    rows = [Event(kind_of(one), "gateway/central", clock.wall_ns(), clock.mono_ns(), clock.boot, "synced", one) for one in calls]
    for at in range(0, count, 500):
        journal.append(rows[at : at + 500])
    return journal


def read_all(journal: SqliteJournal) -> list[tuple[int, int | None, str, bytes]]:
    out, after = [], 0
    while page := journal.read(after):
        for row in page:
            stored = stored_from_body(row.body)
            out.append((row.seq, row.n, stored.kind, bytes(stored.data)))
        after = page[-1].seq
    return out


def test_show_names_every_file_beside_the_journal(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = filled(config, 30)
    folder = config.parent / "state"
    (folder / "journal.db.damaged-1795000000").write_bytes(b"x")
    (folder / "commands.jsonl").write_bytes(b"")
    for name in ("summary", "cache"):
        (folder / name).mkdir()
    assert main(["privacy", "-c", str(config), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    named = {row["where"] for row in shown["stores"]}
    silent = {"journal.lock", "journal.turn", "journal.db-shm", "reserve", "cursors", "run", "journal.reserve"}
    assert {str(path) for path in folder.iterdir() if path.name not in silent} <= named
    assert any("mqtt://127.0.0.1:1" in where for where in named)
    assert shown["journal"] == {"events": 31, "of_callers": 30, "waiting": 30, "oldest": shown["journal"]["oldest"]}
    assert "3 days, then a mark by the box's salt" in shown["stores"][0]["long"]
    assert {row["whose"] for row in shown["stores"]} == {"callers", "staff", "callers and staff", "nobody"}
    assert main(["privacy", "-c", str(config)]) == 0
    assert "30 of these still wait for the CRM" in capsys.readouterr().out
    journal.close()


def test_forget_while_another_process_writes(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = filled(config)
    journal.save("uplink", Cursor(journal.epoch, 10_000, 10_000))
    before = read_all(journal)
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(journal.path)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    writer.stdout.readline()
    code = main(["privacy", "forget", "+593 99 123-4567", "-c", str(config), "--json"])
    assert writer.wait(60) == 0
    writer.stdout.close()
    told = json.loads(capsys.readouterr().out)
    assert (code, told["left"]) == (0, []) or "-wal is being read" in told["left"][0]
    assert (told["events"], told["delivered"], told["waiting"]) == (800, 800, 0)
    assert told["spellings"] == {"593991234567": 400, "991234567": 400}
    after = read_all(journal)
    assert [row[0] for row in after] == list(range(1, len(after) + 1))
    assert [row[1] for row in after] == list(range(1, len(after) + 1)), "numbers stay dense"
    assert [row[:3] for row in after[: len(before)]] == [row[:3] for row in before]
    assert not [row for row in after if b"991234567" in row[3]]
    assert sum(b"0981111111" in row[3] for row in after) == 400
    assert sum(b"0987654321" in row[3] for row in after) == 300
    notices = [json.loads(row[3]) for row in after if row[2] == "privacy.forgotten"]
    assert sum(len(notice["deliveries"]) for notice in notices) == 800
    marked = [row[1] for row in after if told["mark"].encode() in row[3] and row[2] == "call.queued"]
    assert [number for notice in notices for number in notice["deliveries"]] == marked
    assert journal.check() == []
    journal.close()


def test_forget_says_what_stays(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = filled(config, 6)
    (config.parent / "state" / "journal.db.damaged-1795000000").write_bytes(b"x")
    assert main(["privacy", "forget", "0991234567", "-c", str(config)]) == 1
    err = capsys.readouterr().err
    assert "4 events wait for the CRM and keep the number" in err
    assert "damaged-1795000000 was set aside" in err
    assert main(["privacy", "forget", "0991234567", "-c", str(config), "--force", "--dry-run"]) == 1
    assert "would go from 4 events" in capsys.readouterr().out
    (config.parent / "state" / "journal.db.damaged-1795000000").unlink()
    assert main(["privacy", "forget", "0991234567", "-c", str(config), "--force"]) == 0
    assert main(["privacy", "forget", "0991234567", "-c", str(config)]) == 0
    assert "no event that is held" in capsys.readouterr().out
    journal.close()


@pytest.mark.parametrize(
    ("words", "told"), [(["forget"], "which number"), (["forget", "2040"], "no caller's number"), (["show", "1"], "forget '1'")]
)
def test_wrong_words(config: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str) -> None:
    filled(config, 3).close()
    assert main(["privacy", *words, "-c", str(config)]) == 1
    assert told in capsys.readouterr().err


def test_no_journal_is_made(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["privacy", "forget", "0991234567", "-c", str(config)]) == 1
    assert "no journal" in capsys.readouterr().err
    assert not (config.parent / "state").exists()
