"""Decides which profile an unknown printout asks for: its columns where they are fixed, its fields where commas part them, else its words.

What comes out is a file for a person to look at: each column with what it is taken for, why and how surely, and the lines that do not fit.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from appliance.core.errors import CorruptError
from gateway.smdr.learn_column import IN_WORDS, OUT_WORDS, Column, duration_form, named, shape_of
from gateway.smdr.profile import profile_from_toml
from gateway.smdr.vote import Result, read

#: Fewer lines tell nothing.
LEAST: Final = 3
#: Lines looked at.
MOST: Final = 5_000
#: A column begins where so few lines have no blank before it.
_BLANK: Final = 0.98
_STAMP: Final = re.compile(r"\d[\d/.-]+ \d\d?:\d\d(:\d\d)?")
_SHAPE_OF_KIND: Final = {
    "date": "%date%", "time": "%time%", "clock": "%clock%", "span": "%clock%", "digits": r"\d{1,5}", "number": r"[+*#]?[\d*#]{3,}",
    "money": r"\S+", "trunk": r"[A-Z]{1,2}\d{1,6}", "word": r"[A-Z]{1,4}",
}  # fmt: skip


class Proposal(Struct):
    """A profile's file, and how it does on the lines that it was made of."""

    toml: str
    result: Result
    columns: list[Column]
    strange: list[str]


def learn(lines: Sequence[str], name: str, now: datetime) -> Proposal:
    """Propose a profile. Raises CorruptError where the lines have nothing in common that a call record would have."""
    data = [line.expandtabs().rstrip() for line in lines[:MOST] if _is_data(line)]
    if len(data) < LEAST:
        raise CorruptError(f"only {len(data)} of {len(lines)} lines hold a time or a duration, too few to learn from; record more calls")
    toml, columns = _by_commas(data, name) or _by_columns(data, name) or _by_words(data, name)
    result = read(profile_from_toml(toml, "the proposal"), lines, now)
    fits = {record.raw for record in result.records}
    strange = [line for line in data if line not in fits and line.rstrip() not in fits]
    return Proposal(toml, result, columns, strange)


def _is_data(line: str) -> bool:
    words = re.split(r"[\s,\"]+", line.strip())
    shapes = Counter(shape_of(word) for word in words)
    return shapes["clock"] + shapes["span"] >= 1 and shapes.total() >= 3


def _by_commas(data: list[str], name: str) -> tuple[str, list[Column]] | None:
    rows = [next(csv.reader([line])) for line in data]
    width, count = Counter(len(row) for row in rows).most_common(1)[0]
    if width < 5 or count < 0.7 * len(rows):
        return None
    rows = [row for row in rows if len(row) == width]
    columns = named([[row[at].strip() for row in rows] for at in range(width)])
    if not any(column.name == "time" for column in columns):
        for column in columns:
            if column.filled and all(_STAMP.fullmatch(value) for value in column.values if value):
                column.name, column.kind, column.why = "stamp", "date and time", "both in one"
                column.sure = 1.0
                break
    cells = ", ".join(f'"{column.name}"' for column in columns)
    line = f"csv = [{cells}]\nleast = {width}\n{_needs(columns)}"
    return _file(name, line, columns, len(rows)), columns


def _by_columns(data: list[str], name: str) -> tuple[str, list[Column]] | None:
    width = max(map(len, data))
    blank = [sum(1 for line in data if at >= len(line) or line[at] == " ") / len(data) for at in range(width)]
    spans, begin = [], None
    for at in range(width + 1):
        if at < width and blank[at] < _BLANK:
            begin = at if begin is None else begin
        elif begin is not None:
            spans.append((begin, at))
            begin = None
    fitting = [line for line in data if not any(line[end : end + 1].strip() for _, end in spans)]
    columns = named([[line[begin:end].strip() for line in fitting] for begin, end in spans])
    clear = sum(1 for column in columns if column.kind not in ("text", "blank"))
    timed = any(column.name == "time" for column in columns) and not any(map(_is_several, columns))
    if len(spans) < 4 or clear < 0.6 * len(columns) or len(fitting) < 0.7 * len(data) or not timed:
        return None
    wide = zip(columns, _grown(spans, fitting), strict=True)
    placed = {column.name: f'"{begin + 1}-{end}"' for column, (begin, end) in wide}
    listed = ", ".join(f"{field} = {place}" for field, place in placed.items())
    return _file(name, f"columns = {{ {listed} }}\n{_needs(columns)}{_checks(columns)}", columns, len(fitting)), columns


def _is_several(column: Column) -> bool:
    """Whether a column holds two: values with a date or a time and something else beside it."""
    mixed = [value for value in column.values if len(value.split()) > 1 and {"date", "clock", "span"} & set(map(shape_of, value.split()))]
    return 10 * len(mixed) > len(column.values)


def _grown(spans: list[tuple[int, int]], data: list[str]) -> list[tuple[int, int]]:
    """The columns with the blanks that longer values will need: on the side where they end unevenly, else where there are more blanks."""
    out: list[tuple[int, int]] = []
    for at, (begin, end) in enumerate(spans):
        lines = [line for line in data if line[begin:end].strip()]
        starts = all(line[begin] != " " for line in lines)
        ends = all(len(line) >= end and line[end - 1] != " " for line in lines)
        before = begin - (out[-1][1] if out else -1)
        after = spans[at + 1][0] - end if at + 1 < len(spans) else 16
        left = ends and (not starts or before > after)
        if left:
            out.append((begin - before + 1, end))
        else:
            out.append((begin, end + after - 1 if at + 1 == len(spans) or not _leans_left(spans[at + 1], data) else end))
    return out


def _leans_left(span: tuple[int, int], data: list[str]) -> bool:
    """Whether a column's values end together and begin unevenly: it will need the blanks before it."""
    begin, end = span
    lines = [line for line in data if line[begin:end].strip()]
    return all(len(line) >= end and line[end - 1] != " " for line in lines) and not all(line[begin] != " " for line in lines)


def _by_words(data: list[str], name: str) -> tuple[str, list[Column]]:
    split = [line.split() for line in data]
    signature, _ = Counter(tuple(map(shape_of, words)) for words in split).most_common(1)[0]
    rows = [words for words in split if tuple(map(shape_of, words)) == signature]
    columns = named([[row[at] for row in rows] for at in range(len(signature))])
    parts = [f"(?P<{column.name}>{_SHAPE_OF_KIND.get(column.kind, chr(92) + 'S+')})" for column in columns]
    pattern = r"^\s*" + r"\s+".join(parts) + r"\s*$"
    return _file(name, f"pattern = '''{pattern}'''\n", columns, len(rows)), columns


def _needs(columns: Sequence[Column]) -> str:
    """What makes a line a record: the columns that are never empty."""
    telling = [column for column in columns if column.name in ("time", "stamp", "duration", "date")]
    full = [column.name for column in telling if column.filled == len(column.values)]
    return f"need = {full!r}\n".replace("'", '"') if full else ""


def _checks(columns: Sequence[Column]) -> str:
    shapes = {"date": r"[\d/.\-]+", "time": r"[\d:]+\s?[APap]?[Mm]?", "duration": r"[\d:;\x27\x22]*", "ring": r"[\d:;\x27\x22]*"}
    checks = [f"{column.name} = '{shapes[column.name]}'" for column in columns if column.name in shapes]
    return f"check = {{ {', '.join(checks)} }}\n" if checks else ""


def _file(name: str, line: str, columns: Sequence[Column], count: int) -> str:
    by_name = {column.name: column for column in columns}
    day_first = "date" in by_name and by_name["date"].why == "day first"
    out = [
        "# A proposal. Look at each column, mend its name where it is wrong, and say in the rules what the marks mean.",
        f"# Learned from {count} lines:",
        *(f"#   {column.name:<10} {round(100 * column.sure):3d} % sure  {_seen(column)}" for column in columns if column.kind != "blank"),
        f'name = "{name}"',
        f'title = "{name}"',
        'known = "site"',
        'time = "start"  # or "end": is the time printed the call\'s beginning or its end?',
        f'order = "{"dmy" if day_first else "mdy"}"  # where a date does not tell it by itself',
    ]
    if "duration" in by_name and (form := duration_form(by_name["duration"].values)) != "clock":
        out.append(f'duration = "{form}"')
    out += ["", "[[line]]", 'name = "call"', line.rstrip(), "rules = [", *_rules(columns), "]"]
    return "\n".join(out) + "\n"


def _seen(column: Column) -> str:
    examples = list(dict.fromkeys(value for value in column.values if value))[:3]
    return f"{column.kind}; such as {', '.join(repr(text[:24]) for text in examples)}" + (f"; {column.why}" if column.why else "")


def _rules(columns: Sequence[Column]) -> list[str]:
    out = []
    for column in columns:
        if not column.name.startswith("mark"):
            continue
        for value in sorted(set(column.values) - {""})[:16]:
            way = "in" if re.fullmatch(IN_WORDS, value) else "out" if re.fullmatch(OUT_WORDS, value) else None
            known = f'direction = "{way}"' if way else None
            if known:
                out.append(f"  {{ when = {{ {column.name} = '{value}' }}, set = {{ {known} }} }},")
            else:
                out.append(f"  # {{ when = {{ {column.name} = '{value}' }}, set = {{ abandoned = true }} }},  # what does {value} mean?")
    return out
