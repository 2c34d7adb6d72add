"""The report of a day: recorded mornings go in, what the PBX's own queue log says comes out; from the journal, the summary, or both."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from appliance.cli.main import main
from appliance.cli.report import csv_text
from appliance.cli.report_text import ReportText
from appliance.core.catalogue import CallAbandoned, CallAnswered, CallQueued, PbxResynced, PbxUp, kind_of
from appliance.core.clock import NS, ManualClock
from appliance.core.config import Config, JournalConfig, Privacy, Site
from appliance.core.day_files import DayFiles
from appliance.core.errors import TransientError
from appliance.core.event import Event
from appliance.core.journal_memory import MemoryJournal
from appliance.core.journal_readonly import ReadonlyJournal
from appliance.core.journal_sqlite import SqliteJournal
from appliance.core.slug import slug
from appliance.floor.calendar import Calendar
from appliance.floor.history import KeptAgent, bytes_from_day, queues_of, total
from appliance.floor_view import FloorView
from appliance.replay import events_from_capture
from appliance.report import day_report
from appliance.report_table import COLUMNS, SOME, TABLES, rows_of
from wallboard.words import words_of

CAPTURES = Path(__file__).parents[1] / "captures"


def recorded(folder: Path, capture: str) -> Path:
    """A box's folder with one capture in its journal."""
    path = folder / "capture.jsonl"
    path.write_bytes(gzip.decompress((CAPTURES / capture / "lean.jsonl.gz").read_bytes()))
    (folder / "callfloor.toml").write_text("[site]\nname = 'quito'\nlanguage = 'en'\n[journal]\npath = 'journal.db'\n")
    events = list(events_from_capture(path, Config()))
    journal = SqliteJournal.open(folder / "journal.db", run_dir=folder / "run", clock=ManualClock(events[0].wall_ns))
    for at in range(0, len(events), 400):
        journal.append(events[at : at + 400])
    journal.close()
    return folder


def local_day(folder: Path) -> str:
    with (folder / "capture.jsonl").open() as lines:
        return str(json.loads(next(lines))["started"])[:10]


@pytest.mark.parametrize("capture", ["S2_busy", "S5_ivr", "S6_trunk"])
def test_the_tables_say_what_the_queue_log_says(tmp_path: Path, capture: str, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    folder = recorded(tmp_path, capture)
    truth = json.loads((CAPTURES / capture / "truth.json").read_text())
    assert main(["report", "--day", local_day(folder), "--csv", "-c", str(folder / "callfloor.toml")]) == 0
    out = capsysbinary.readouterr().out
    assert out.count(b"\r\n") == out.count(b"\n")
    rows = list(csv.DictReader(io.StringIO(out.decode())))
    assert {row["table"] for row in rows} == set(TABLES) - set(SOME)
    for name, want in truth["queues"].items():
        key = slug(name)
        of_queue = {table: [row for row in rows if row["table"] == table and row["queue"] == key] for table in TABLES}
        (whole,) = of_queue["queues"]
        left = want["timeout"] + want["exitkey"] + want["exitempty"] + want["withdrawn"]
        counts = tuple(int(whole[column]) for column in ("offered", "answered", "abandoned", "left", "unknown"))
        assert counts == (want["offered"], want["answered"], want["abandoned"], left, 0)
        for column in ("offered", "answered", "abandoned", "left", "answered_in_time", "service_level_num", "service_level_den"):
            assert sum(int(row[column]) for row in of_queue["half-hours"]) == int(whole[column]), column
        for column in ("wait_sum_s", "talk_sum_s", "hold_sum_s", "wrap_up_sum_s"):
            assert sum(float(row[column]) for row in of_queue["half-hours"]) == pytest.approx(float(whole[column]), abs=1e-6)
        outcomes = [row for row in of_queue["outcomes"] if row["outcome"] != "refused"]
        assert sum(int(row["count"]) for row in outcomes) == want["offered"]
        if want["answered"]:
            assert float(whole["asa_s"]) == pytest.approx(want["asa"], abs=1.0)
    agents = {row["agent"]: int(row["answered"]) for row in rows if row["table"] == "agents"}
    for name, want in truth["agents"].items():
        assert agents[slug(name, "a")] == want["answered"], name


def test_forms_and_narrowing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = recorded(tmp_path, "S2_busy")
    words = ["report", "--day", local_day(folder), "-c", str(folder / "callfloor.toml")]

    def call(*more: str) -> tuple[int, str, str]:
        code = main([*words, *more])
        told = capsys.readouterr()
        return code, told.out, told.err

    code, text, _ = call()
    assert code == 0
    assert "Report of" in text.splitlines()[0]
    assert "from the journal" in text
    for name in ("Half-hours", "Queues", "Agents", "Outcomes", "Total", "Ana Garcia", "89.7% (26/29)"):
        assert name in text
    assert "Medias horas" in call("--language", "es")[1]
    assert "Meias horas" in call("--language", "pt")[1]
    document = json.loads(call("--json")[1])
    assert {"half_hours", "queues", "agents", "outcomes", "floor"} <= document.keys()
    assert document["floor"]["service_level_of"] == [42, 53]
    assert document["source"] == "journal"
    one = json.loads(call("--json", "--queue", "VIP", "--what", "queues")[1])
    assert [row["queue"] for row in one["queues"]] == ["vip"]
    assert "half_hours" not in one
    assert one["floor"]["offered"] == one["queues"][0]["offered"] == 10
    rows = list(csv.reader(io.StringIO(call("--csv", "--what", "agents")[1])))
    assert tuple(rows[0]) == COLUMNS["agents"]
    assert all(len(row) == len(rows[0]) for row in rows)
    assert call("--csv", "-o", str(tmp_path / "out"))[0] == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"{local_day(folder)}-{table}.csv" for table in sorted(TABLES)]
    assert (tmp_path / "out" / f"{local_day(folder)}-queues.csv").read_bytes().count(b"\r\n") == 4
    code, out, err = call("--queue", "nowhere")
    assert (code, out) == (2, "")
    assert "ventas, vip, soporte" in err
    assert call("-o", "x")[0] == 2
    with pytest.raises(SystemExit) as end:
        main(["report", "--day", "ayer"])
    assert end.value.code == 2
    assert main([*words[:1], "--day", "2031-01-01", *words[3:]]) == 1
    assert "nothing is known" in capsys.readouterr().err


def test_a_hidden_queue_is_in_no_sum_as_on_the_boards(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = recorded(tmp_path, "S2_busy")
    words = ["report", "--day", local_day(folder), "-c", str(folder / "callfloor.toml")]

    def document(*more: str) -> Any:
        assert main([*words, "--json", *more]) == 0
        return json.loads(capsys.readouterr().out)

    whole = document()
    with (folder / "callfloor.toml").open("a") as file:
        file.write("[queues.VIP]\nhidden = true\n")
    told = document()
    assert told["queues"] == whole["queues"], "its own row stands"
    assert (whole["floor"]["offered"], told["floor"]["offered"]) == (56, 46)
    assert document("--queue", "VIP")["floor"]["offered"] == 10
    assert main(words) == 0
    [total_row] = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("Total")]
    assert total_row[1] == "46"


def test_names_that_were_kept_are_not_told_once_they_are_not_allowed(box: Box) -> None:
    box.days(1)
    today = box.report()
    [part] = today.day.parts
    named = replace(part, epoch="before", agents={"ana": KeptAgent(name="Ana Garcia", answered=1, ms=[])})
    DayFiles(box.folder / "summary").write(today.local, bytes_from_day(replace(today.day, parts=[named])))
    assert [row["name"] for row in rows_of("agents", box.report().day, box.calendar)] == ["Ana Garcia"]
    box.config = replace(box.config, privacy=Privacy(agent_names=False))
    assert [row["name"] for row in rows_of("agents", box.report().day, box.calendar)] == [None]


def test_reading_leaves_the_box_as_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = recorded(tmp_path, "S1_quiet")
    before = sorted(path.name for path in folder.rglob("*"))
    assert main(["report", "--day", local_day(folder), "-c", str(folder / "callfloor.toml")]) == 0
    assert sorted(path.name for path in folder.rglob("*")) == before


class Box:
    """A journal of several days, told in days and seconds, at a site of this zone."""

    def __init__(self, folder: Path, zone: str = "America/Guayaquil") -> None:
        self.folder = folder
        self.config = Config(site=Site(timezone=zone), journal=JournalConfig(path=folder / "journal.db"))
        self.calendar = Calendar(zone)
        # Midnight at the site, so that days are whole.
        self.clock = ManualClock(self.calendar.day_on(date(2026, 11, 16))[0])
        self.journal: SqliteJournal = self.opened()
        self.visits = 0
        self.tell(PbxUp(pbx="p"), PbxResynced(pbx="p"))

    def opened(self) -> SqliteJournal:
        return SqliteJournal.open(self.folder / "journal.db", clock=self.clock)

    def tell(self, *data: Any) -> None:
        clock = self.clock
        self.journal.append(
            [Event(kind_of(d), "gateway/p", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), d) for d in data]
        )

    def call(self, *, answered: bool = True, queue: str = "ventas") -> None:
        """One visit of ten seconds."""
        self.visits += 1
        visit = f"v{self.visits}"
        self.tell(CallQueued(call=visit, pbx="p", visit=visit, queue=queue, title="=Ventas, S.A."))
        self.clock.advance(10)
        if answered:
            self.tell(CallAnswered(call=visit, pbx="p", visit=visit, queue=queue, agent="ana", wait_s=10))
        else:
            self.tell(CallAbandoned(call=visit, pbx="p", visit=visit, queue=queue, wait_s=10))

    def days(self, count: int) -> None:
        """So many days with one call an hour, more each day."""
        for _ in range(count):
            begins = self.clock.wall_ns()
            for hour in range(24):
                for _ in range(1 + self.calendar.date_of(begins).day % 3):
                    self.call()
                self.clock.advance((begins + (hour + 1) * 3600 * NS - self.clock.wall_ns()) / NS)

    def report(self, local: date | None = None):
        reader = ReadonlyJournal(self.folder / "journal.db")
        try:
            return day_report(reader, self.config, self.clock, local)
        finally:
            reader.close()


@pytest.fixture
def box(tmp_path: Path):
    made = Box(tmp_path)
    yield made
    made.journal.close()


def offered(report: Any) -> int:
    return sum(total(queue.halves.values()).offered for queue in queues_of(report.day).values())


def test_any_day_that_the_journal_holds(box: Box) -> None:
    box.days(4)
    first = date(2026, 11, 16)
    for back in range(4):
        local = first + timedelta(days=back)
        report = box.report(local)
        assert (report.origin, report.from_ns, offered(report)) == ("journal", 0, 24 * (1 + local.day % 3))
        assert len(rows_of("half-hours", report.day, box.calendar)) == 48
        assert report.is_over == (back < 3)
    box.call(answered=False)
    assert offered(box.report()) == 1
    assert not box.report().is_over
    with pytest.raises(TransientError, match="nothing is known of 2026-11-10"):
        box.report(date(2026, 11, 10))
    with pytest.raises(TransientError, match="at the site"):
        box.report(date(2026, 12, 10))


def test_the_box_s_own_fold_gives_today_the_same(box: Box) -> None:
    box.days(2)
    box.call()
    view = FloorView(box.journal, box.config, box.clock, box.folder / "cache" / "floor.fold")
    view.catch_up()
    without = box.report()
    view.save()
    assert box.report() == without
    yesterday = without.local - timedelta(days=1)
    assert offered(box.report(yesterday)) == 24 * (1 + yesterday.day % 3)
    snapshot = view.snapshot()
    assert offered(without) == snapshot.floor.today.offered


def test_a_day_that_the_journal_lost_comes_from_the_summary(box: Box) -> None:
    box.days(3)
    local = date(2026, 11, 16)
    kept = box.report(local).day
    files = DayFiles(box.folder / "summary")
    files.write(local, bytes_from_day(kept))
    box.journal.close()
    for path in box.folder.glob("journal.db*"):
        path.unlink()
    box.journal = box.opened()
    report = box.report(local)
    assert (report.origin, report.day) == ("summary", kept)
    with pytest.raises(TransientError, match="summaries are kept of 1 day, 2026-11-16 to 2026-11-16"):
        box.report(date(2026, 11, 15))
    files.path(local).write_bytes(b"\0" * 4096)
    with pytest.raises(TransientError):
        box.report(local)
    assert files.path(local).exists()  # who reads only sets nothing aside


def test_a_journal_begun_anew_within_the_day_adds_up(box: Box) -> None:
    box.days(1)
    for _ in range(5):
        box.call()
    today = box.report()
    DayFiles(box.folder / "summary").write(today.local, bytes_from_day(today.day))
    box.journal.close()
    for path in box.folder.glob("journal.db*"):
        path.unlink()
    box.journal = box.opened()
    box.tell(PbxUp(pbx="p"), PbxResynced(pbx="p"))
    for _ in range(3):
        box.call(answered=False)
    report = box.report()
    assert (report.origin, offered(report)) == ("journal and summary", 8)
    (row,) = rows_of("queues", report.day, box.calendar)
    assert (row["answered"], row["abandoned"], row["abandon_rate_num"], row["abandon_rate_den"]) == (5, 3, 3, 8)
    assert row["coverage"] == 1.0, "seen by both, and not twice"


@pytest.mark.parametrize(
    ("kept", "why"), [(b"rubbish", "no summary of a day"), (b'{"v":1,"day":"2026-11-10","timezone":"x","parts":[]}', "without a part")]
)
def test_a_day_whose_summary_is_of_no_use_says_so(box: Box, kept: bytes, why: str) -> None:
    box.call()
    DayFiles(box.folder / "summary").write(date(2026, 11, 10), kept)
    with pytest.raises(TransientError, match=f"nothing is known of 2026-11-10.*2026-11-10.json is left aside: .*{why}"):
        box.report(date(2026, 11, 10))


def test_a_title_is_no_formula_and_one_line(box: Box) -> None:
    box.call()
    rows = rows_of("queues", box.report().day, box.calendar)
    text = csv_text(COLUMNS["queues"], rows)
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["title"] == "'=Ventas, S.A."
    assert row["service_level"] == "1.0"
    assert row["service_level_den"] == "1"
    assert row["refused"] == ""


@pytest.mark.parametrize("language", ["es", "en", "pt"])
def test_the_tables_stay_in_line_whatever_the_pbx_names(box: Box, language: str) -> None:
    titles = ["x" * 10_000, "\x1b[31mrojo\r\n", "שירות", "客服中心の問い合わせ窓口受付係です", "👩‍💻 ventas", ""]
    for number, title in enumerate(titles):
        box.visits += 1
        visit = f"n{number}"
        box.tell(CallQueued(call=visit, pbx="p", visit=visit, queue=f"q{number}", title=title))
        box.tell(CallAnswered(call=visit, pbx="p", visit=visit, queue=f"q{number}", agent=f"a{number}", wait_s=number * 400))
    lines = ReportText(box.report(), words_of(language), box.calendar).lines(TABLES)
    assert all(len(line) < 180 for line in lines)
    assert not any(ord(sign) < 32 or sign == "\x7f" for line in lines for sign in line)
    text = "\n".join(lines)
    assert words_of(language).text("report.outcomes") in lines
    assert words_of(language).text("report.total") in text
    rows = [line for line in lines if line.startswith(("x" * 20, "rojo", "客服中心", "[31mrojo"))]
    assert len(rows) == 6  # three titles, as queues and in the outcomes
    assert ReportText(box.report(), words_of(language), box.calendar, "q9").lines(["queues"])[-1] == words_of(language).text(
        "report.nothing"
    )


def test_a_week_with_a_clock_put_back(tmp_path: Path) -> None:
    box = Box(tmp_path, "Europe/Madrid")
    box.clock = ManualClock(box.calendar.day_on(date(2026, 10, 25))[0])
    box.journal.close()
    for path in box.folder.glob("journal.db*"):
        path.unlink()
    box.journal = box.opened()
    box.tell(PbxUp(pbx="p"), PbxResynced(pbx="p"))
    box.days(1)
    box.clock.advance(1800)
    report = box.report(date(2026, 10, 25))
    box.journal.close()
    rows = rows_of("half-hours", report.day, box.calendar)
    assert [row["time"] for row in rows].count("02:00") == 2
    assert {row["start"] for row in rows if row["time"] == "02:00"} == {"2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"}
    assert sum(int(row["offered"]) for row in rows) == 24 * 2


def test_a_memory_journal_has_no_summary() -> None:
    journal = MemoryJournal()
    clock = ManualClock()
    with pytest.raises(TransientError, match="the journal is empty; no summary is kept"):
        day_report(journal, Config(), clock)


@pytest.mark.parametrize(("language", "words"), [("es", "Nada registrado"), ("en", "Nothing recorded"), ("pt", "Nada registrado")])
def test_a_day_that_nobody_saw_is_not_a_day_without_calls(box: Box, language: str, words: str) -> None:
    lines = ReportText(box.report(), words_of(language), box.calendar).lines(TABLES)
    assert lines.count(words) == len(TABLES) - len(SOME)
