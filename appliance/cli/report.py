"""The figures of a day: half-hours, queues, agents, and how the calls ended. From the journal, or from what is kept of older days.

Reads only; works beside running services, and when none runs. One column of names for all days: docs/reports.md.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
import unicodedata
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from appliance.cli.access import configured, open_readonly
from appliance.cli.main import add_config
from appliance.cli.report_text import ReportText
from appliance.cli.terminal import Progress, complain, say, say_json
from appliance.core.clock import SystemClock, rfc3339
from appliance.core.config import Config
from appliance.core.errors import TransientError
from appliance.core.slug import slug
from appliance.floor.calendar import Calendar
from appliance.floor.history import queues_of
from appliance.report import DayReport, day_report
from appliance.report_table import COLUMNS, TABLES, Cell, Row, all_columns, day_window, rows_of
from wallboard.words import words_of

EXAMPLES = """
  callfloor report -c callfloor.toml
  callfloor report --day 2026-11-21 --csv > day.csv
  callfloor report --day 2026-11-21 --what half-hours --queue ventas --csv
  callfloor report --csv -o reports/
  callfloor report --json | jq '.floor.service_level_of'
"""
_CELL_MAX: Final = 200
#: With these a spreadsheet takes a text for a formula.
_FORMULA: Final = ("=", "+", "-", "@")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--day, --csv, --json, --queue, --what, -o, --language, -c."""
    parser.add_argument("--day", metavar="D", type=_day, help="the local day, as 2026-11-21 (default: today)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="RFC 4180, one table under the other's columns; the first column names it")
    form.add_argument("--json", action="store_true", help="one document with all tables")
    parser.add_argument("--queue", metavar="Q", help="this queue alone")
    parser.add_argument("--what", choices=TABLES, help="this table alone, with its own columns")
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, help="with --csv: each table as a file of its own in this folder")
    parser.add_argument("--language", choices=["es", "en", "pt"], help="instead of the configuration's")
    add_config(parser)


def main(args: argparse.Namespace) -> int:
    """2 for a queue that the day does not have. Raises TransientError when nothing is known of the day."""
    if args.output is not None and not args.csv:
        complain("callfloor report: -o goes with --csv")
        return 2
    config = configured(args)
    journal, progress = open_readonly(config.journal.path, config.journal.run_dir), Progress("events folded")
    try:
        report = day_report(journal, config, SystemClock(), args.day, progress.at)
    finally:
        progress.end()
        journal.close()
    for text in report.complaints:
        complain(f"callfloor report: {text}")
    calendar = Calendar(config.site.timezone, config.site.hours)
    queue = _queue(report, args.queue)
    if args.queue is not None and queue is None:
        known = ", ".join(queues_of(report.day)) or "none"
        complain(f"callfloor report: no queue {args.queue!r} on {report.day.day}; there are: {known}")
        return 2
    tables = [args.what] if args.what else list(TABLES)
    if args.csv:
        _say_csv(report, calendar, queue, args.what, args.output)
    elif args.json:
        say_json(_document(report, config, calendar, queue, tables), pretty=sys.stdout.isatty())
    else:
        language = args.language or config.site.language
        types = partial(config.classification.title_of, language=language)
        for line in ReportText(report, words_of(language), calendar, queue, _hidden(config), types).lines(tables):
            say(line)
    return 0


def csv_text(columns: tuple[str, ...], rows: list[Row]) -> str:
    """Rows as RFC 4180: CRLF, quotes where needed, a header; plain dots in numbers, nothing for what is not known.

    >>> csv_text(("queue", "asa_s"), [{"queue": "ventas", "asa_s": 9.5}, {"queue": 'a "b", c', "asa_s": None}])
    'queue,asa_s\\r\\nventas,9.5\\r\\n"a ""b"", c",\\r\\n'
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
    return out.getvalue()


def _say_csv(report: DayReport, calendar: Calendar, queue: str | None, what: str | None, folder: Path | None) -> None:
    tables = {table: rows_of(table, report.day, calendar, queue) for table in ([what] if what else TABLES)}
    if folder is not None:
        for table, rows in tables.items():
            path = folder / f"{report.day.day}-{table}.csv"
            try:
                folder.mkdir(parents=True, exist_ok=True)
                path.write_text(csv_text(COLUMNS[table], rows), encoding="utf-8", newline="")
            except OSError as fault:
                raise TransientError(f"{path} cannot be written: {fault.strerror or fault}") from fault
            complain(f"{path}: {len(rows)} rows")
        return
    columns = COLUMNS[what] if what else all_columns()
    text = csv_text(columns, [row for rows in tables.values() for row in rows])
    # Past the text layer: its line ends are the file's own.
    sys.stdout.write(text.replace("\r\n", "\n")) if sys.stdout.isatty() else _write_raw(text)
    complain(f"{report.day.day}: {report.origin}")


def _write_raw(text: str) -> None:
    sys.stdout.flush()
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        sys.stdout.write(text)
    else:
        buffer.write(text.encode())
        buffer.flush()


def _document(report: DayReport, config: Config, calendar: Calendar, queue: str | None, tables: list[str]) -> dict[str, Any]:
    queues, hidden = {key: kept for key, kept in queues_of(report.day).items() if queue in (None, key)}, _hidden(config)
    head: dict[str, Any] = {
        "v": 1,
        "site": config.site.name,
        "box": config.site.box,
        "day": report.day.day,
        "timezone": report.day.timezone,
        "source": report.origin,
        "from": rfc3339(report.from_ns) if report.from_ns else None,
        "as_of": rfc3339(report.as_of_ns),
        "final": report.is_over,
        "floor": msgspec.to_builtins(
            day_window(report.day, {key: kept for key, kept in queues.items() if key == queue or key not in hidden})
        ),
    }
    return head | {table.replace("-", "_"): rows_of(table, report.day, calendar, queue) for table in tables}


def _hidden(config: Config) -> frozenset[str]:
    return frozenset(key for key, queue in config.queues.items() if queue.hidden)


def _queue(report: DayReport, asked: str | None) -> str | None:
    """The key of a queue named by its key, the PBX's own text or its title."""
    if asked is None:
        return None
    queues = queues_of(report.day)
    by_title = {kept.title.casefold(): key for key, kept in queues.items()}
    return next((key for key in (asked, by_title.get(asked.casefold()), slug(asked)) if key in queues), None)


def _cell(value: Cell) -> str:
    """A cell as text: bounded, in one line, and never a formula.

    >>> _cell(0.8362), _cell(None), _cell(3), _cell("=1+1"), _cell("a\\nb")
    ('0.8362', '', '3', "'=1+1", 'a b')
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        return f"{value}"
    plain = "".join(" " if unicodedata.category(sign) in ("Cc", "Zl", "Zp") else sign for sign in value[:_CELL_MAX])
    return f"'{plain}" if plain.startswith(_FORMULA) else plain


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as fault:
        raise argparse.ArgumentTypeError(f"{text!r} is no date; write it as 2026-11-21") from fault
