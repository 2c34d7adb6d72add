"""Decides how a day's report looks in a terminal: tables in the site's language, every rate with what it is a share of."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from appliance.cli.terminal import coloured
from appliance.floor.calendar import Calendar
from appliance.report import DayReport
from appliance.report_table import SOME, Cell, Row, rows_of
from wallboard.words import DASH, Words, clock_text

_TITLE_MAX: Final = 28
#: What a row of a table that covers no named queue counts over: the columns that are sums.
_COUNTS: Final = ("offered", "answered", "abandoned", "left", "unknown")
_RATES: Final = ("service_level", "abandon_rate")

#: Words for the tables' names, where they are not their own.
_NAMES: Final = {
    "half-hours": "report.half-hours", "outcomes": "report.outcomes", "trunks": "page.trunks", "menus": "report.menus",
    "classes": "page.classes",
}  # fmt: skip
Column = tuple[str, Callable[[Row], str]]


class ReportText:
    """Renders the tables of one day."""

    def __init__(
        self,
        report: DayReport,
        words: Words,
        calendar: Calendar,
        queue: str | None = None,
        hidden: frozenset[str] = frozenset(),
        types: Callable[[str], str] = str,
    ) -> None:
        """`hidden` queues are in no sum, as on the boards; their own rows stand. `types`: what a type of call is called."""
        self._report, self._words, self._calendar, self._queue = report, words, calendar, queue
        self._hidden = hidden - {queue}
        self._type = types
        self._tables: dict[str, Callable[[list[Row]], list[str]]] = {
            "half-hours": self._half_hours,
            "queues": self._queues,
            "agents": self._agents,
            "outcomes": self._outcomes,
            "trunks": self._trunks,
            "menus": self._menus,
            "classes": self._classes,
        }

    def lines(self, tables: Iterable[str]) -> list[str]:
        """The head, then the tables that were asked for, one after the other."""
        words, report = self._words, self._report
        head = [words.text("report.title", day=report.day.day), words.text(f"report.{report.origin}")]
        if not report.is_over:
            head.append(words.text("report.as_of", t=self._calendar.time_of_day(report.as_of_ns)))
        if report.from_ns:
            head.append(words.text("report.from_at", t=self._calendar.time_of_day(report.from_ns)))
        out = [coloured(" · ".join(head), "bold")]
        wanted = tuple(tables)
        for table in wanted:
            rows = rows_of(table, report.day, self._calendar, self._queue)
            if not rows and table in SOME and len(wanted) > 1:
                continue  # a site without them need not be told so
            name = words.text(_NAMES.get(table, table))
            out += ["", coloured(name, "bold"), *(self._tables[table](rows) or [words.text("report.nothing")])]
        return out

    def _half_hours(self, rows: list[Row]) -> list[str]:
        """All queues as one, half-hour by half-hour; those in which nothing began are left out."""
        halves: dict[Cell, list[Row]] = {}
        for row in self._counted(rows):
            halves.setdefault(row["start"], []).append(row)
        summed = [_sum(parts) | {"time": parts[0]["time"]} for parts in halves.values()]
        told = [row for row in summed if any(row[name] for name in (*_COUNTS, "waiting", "refused"))]
        return _table([(self._words.text("report.time"), lambda row: str(row["time"])), *self._figures(), *self._scores(told)], told)

    def _queues(self, rows: list[Row]) -> list[str]:
        counted = self._counted(rows)
        total = [_sum(counted) | {"title": self._words.text("report.total")}] if len(rows) > 1 and counted else []
        columns = [(self._words.text("board.queue"), lambda row: _shown(row["title"])), *self._figures(), *self._scores(rows)]
        return _table(columns, [*rows, *total])

    def _counted(self, rows: list[Row]) -> list[Row]:
        return [row for row in rows if row["queue"] not in self._hidden]

    def _agents(self, rows: list[Row]) -> list[str]:
        words = self._words

        def lasted(*names: str) -> Callable[[Row], str]:
            return lambda row: clock_text(sum(_number(row[f"{name}_s"]) for name in names))

        columns: list[Column] = [
            (words.text("report.agent"), lambda row: _shown(row["name"] or row["agent"])),
            (words.text("answered"), lambda row: self._number(row["answered"])),
            (words.text("short.logged_in"), lasted("logged_in")),
            (words.text("talking"), lasted("talking", "holding")),
            (words.text("wrap_up"), lasted("wrap_up")),
            (words.text("available"), lasted("available", "ringing")),
            (words.text("paused"), lasted("paused")),
            (words.text("agents.unknown"), lasted("unknown")),
            (words.text("ab_allocation"), lambda row: self._share(row["ab_allocation"])),
            *self._scores(rows),
        ]
        return _table(columns, rows)

    def _outcomes(self, rows: list[Row]) -> list[str]:
        words = self._words

        def outcome(row: Row) -> str:
            named, reason = words.text(str(row["outcome"])), row["reason"]
            return named if reason is None else f"{named}: {words.texts.get(f'outcome.{reason}', str(reason))}"

        columns: list[Column] = [
            (words.text("board.queue"), lambda row: _shown(row["title"])),
            (words.text("report.outcome"), outcome),
            (words.text("report.count"), lambda row: self._number(row["count"])),
            (words.text("report.share"), lambda row: self._rate(row, "share")),
        ]
        return _table(columns, [row for row in rows if row["count"]], words_columns=2)

    def _trunks(self, rows: list[Row]) -> list[str]:
        words = self._words

        def lasted(row: Row) -> str:
            num, den = _number(row["all_busy_share_num"]), _number(row["all_busy_share_den"])
            return f"{self._share(row['all_busy_share'])} ({clock_text(num)}/{clock_text(den)})"

        columns: list[Column] = [
            (words.text("page.trunks"), lambda row: _shown(row["trunk"])),
            (words.text("short.trunks"), lambda row: self._number(row["lines"])),
            (words.text("all_busy"), lasted),
            (words.text("blocked"), lambda row: self._rate(row, "blocked_share")),
        ]
        return _table(columns, rows)

    def _menus(self, rows: list[Row]) -> list[str]:
        return _table([(self._words.text("self_service_share"), lambda row: self._rate(row, "self_service_share"))], rows)

    def _classes(self, rows: list[Row]) -> list[str]:
        words = self._words
        columns: list[Column] = [
            (words.text("board.queue"), lambda row: DASH if row["title"] is None else _shown(row["title"])),
            (words.text("page.classes"), lambda row: _shown(self._type(str(row["type"])))),
            (words.text("class_count"), lambda row: self._number(row["count"])),
            (words.text("class_share"), lambda row: self._rate(row, "share")),
        ]
        return _table(columns, rows, words_columns=2)

    def _figures(self) -> list[Column]:
        words = self._words

        def count(name: str) -> Callable[[Row], str]:
            return lambda row: self._number(row[name])

        def rate(name: str) -> Callable[[Row], str]:
            return lambda row: self._rate(row, name)

        return [
            *((words.text(name), count(name)) for name in _COUNTS),
            (words.text("service_level"), rate("service_level")),
            (words.text("abandon_rate"), rate("abandon_rate")),
            (words.text("short.asa"), lambda row: clock_text(_maybe(row["asa_s"]))),
            (words.text("short.longest_wait"), lambda row: clock_text(_maybe(row["wait_max_s"]))),
            (words.text("short.aht"), lambda row: clock_text(_maybe(row["aht_s"]))),
            (words.text("report.covered"), lambda row: self._share(row["coverage"])),
        ]

    def _scores(self, rows: Sequence[Row]) -> list[Column]:
        """The mean of the survey answers with their number, where there is any."""

        def score(row: Row) -> str:
            num, den = _number(row["satisfaction_num"]), _number(row["satisfaction_den"])
            return f"{self._words.number(num / den, 2)} ({self._words.number(den)})" if den else DASH

        return [(self._words.text("satisfaction"), score)] if any(row["satisfaction_den"] for row in rows) else []

    def _number(self, value: Cell) -> str:
        return DASH if value is None else self._words.number(_number(value))

    def _share(self, value: Cell) -> str:
        return DASH if value is None else "".join(self._words.percent(_number(value)))

    def _rate(self, row: Row, name: str) -> str:
        if row.get(f"{name}_den") is None:
            return DASH
        num, den = _number(row[f"{name}_num"]), _number(row[f"{name}_den"])
        return f"{self._share(num / den if den else None)} ({self._words.number(num)}/{self._words.number(den)})"


def _sum(rows: Sequence[Row]) -> Row:
    """Several queues' rows as one: sums of numerators over sums of denominators, the longest wait, the least coverage."""
    out: Row = {name: sum(_number(row[name]) for row in rows) for name in (*_COUNTS, "waiting")}
    out["refused"] = sum(_number(row["refused"]) for row in rows)
    for name in _RATES:
        known = all(row[f"{name}_den"] is not None for row in rows)
        num, den = (sum(_number(row[f"{name}_{end}"]) for row in rows) for end in ("num", "den"))
        out |= {f"{name}_num": num if known else None, f"{name}_den": den if known else None}
    answered, ended = out["answered"], sum(_number(row["answered_ended"]) for row in rows)
    out["asa_s"] = sum(_number(row["wait_sum_s"]) for row in rows) / _number(answered) if answered else None
    handled = sum(_number(row["talk_sum_s"]) + _number(row["wrap_up_sum_s"]) for row in rows)
    out["aht_s"] = handled / ended if ended else None
    out["wait_max_s"] = max((_number(row["wait_max_s"]) for row in rows if row["wait_max_s"] is not None), default=None)
    for name in ("satisfaction_num", "satisfaction_den"):
        out[name] = sum(_number(row[name]) for row in rows)
    out["coverage"] = min((_number(row["coverage"]) for row in rows if row["coverage"] is not None), default=None)
    return out


def _table(columns: Sequence[Column], rows: Sequence[Row], words_columns: int = 1) -> list[str]:
    """Columns as wide as their widest cell, words to the left and numbers to the right; nothing at all without rows."""
    if not rows:
        return []
    cells = [[name for name, _ in columns], *([text(row) for _, text in columns] for row in rows)]
    widths = [max(_width(line[at]) for line in cells) for at in range(len(columns))]

    def laid(line: Sequence[str]) -> str:
        parts = []
        for at, cell in enumerate(line):
            blank = " " * (widths[at] - _width(cell))
            parts.append(cell + blank if at < words_columns else blank + cell)
        return "  ".join(parts).rstrip()

    return [coloured(laid(cells[0]), "dim"), *(laid(line) for line in cells[1:])]


def _shown(text: Cell) -> str:
    """A title from outside in one bounded line, without what a terminal would obey."""
    signs = [" " if unicodedata.category(sign).startswith(("C", "Z")) else sign for sign in str(text)[: 4 * _TITLE_MAX]]
    plain = " ".join("".join(signs).split())
    if _width(plain) <= _TITLE_MAX:
        return plain
    while _width(plain) >= _TITLE_MAX:
        plain = plain[:-1]
    return plain + "…"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in text)


def _number(value: Cell) -> float:
    return value if isinstance(value, int | float) else 0


def _maybe(value: Cell) -> float | None:
    return value if isinstance(value, int | float) else None
