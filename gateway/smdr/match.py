"""Decides what one line of a PBX means by one profile: which kind of line it is, its fields, and the record that they make. Pure."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from msgspec import UNSET
from msgspec.structs import replace

from gateway.smdr.moment import Dates
from gateway.smdr.profile import ReadyLine, ReadyProfile, fields_of
from gateway.smdr.record import FLAGS, MAX_TEXT, SPANS, TEXTS, CallRecord
from gateway.smdr.span import Form, seconds

Found = tuple[ReadyLine, dict[str, str]]
#: A line of columns may stand so many places to the left or right of where its make prints it.
MAX_SHIFT: Final = 8
_SPAN_FIELDS: Final = {"duration_s": "duration", "ring_s": "ring", "hold_s": "hold", "talk_s": "talk"}
#: Between its digits one mark or a blank: what stands apart from them is no part of a number.
_NUMBER: Final = re.compile(r"\+?[\d*#xX]+(?:[.\- ][\d*#xX]+)+|\+?[\d*#xX]{2,}")
_NUMBER_FIRST: Final = re.compile(r"([+*#]?[\d*#.xX]{3,}(?:[ -]?\d+)*)(?:\s+(.*))?")
_NAME: Final = re.compile(r"[^\W\d_]{2}")
_DIGITS: Final = re.compile(r"\d{3}")
_NUMBER_LAST: Final = re.compile(r"(.*?\D)\s?(\+?\d{5,})")


def find(profile: ReadyProfile, text: str) -> Found | None:
    """The first of the profile's lines that this text is; if it is none, the first that it is by letters of either case."""
    found = _first(profile.lines, text)
    if found is not None or text.upper() == text.lower():
        return found
    if not profile.loose:
        profile.loose.extend(_loosened(line) for line in profile.lines)
    return _first(profile.loose, text)


def _first(lines: Iterable[ReadyLine], text: str) -> Found | None:
    for line in lines:
        fields = fields_from_text(line, text)
        if fields is not None:
            return line, fields
    return None


def _loosened(line: ReadyLine) -> ReadyLine:
    """The same line by letters of either case."""
    return replace(
        line,
        regex=_either_case(line.regex) if line.regex is not None else None,
        parts=tuple((name, of, _either_case(pattern)) for name, of, pattern in line.parts),
        check=tuple((name, _either_case(pattern)) for name, pattern in line.check),
        rules=tuple(replace(rule, when=tuple((name, _either_case(pattern)) for name, pattern in rule.when)) for rule in line.rules),
    )


@cache
def _either_case(pattern: re.Pattern[str]) -> re.Pattern[str]:
    return re.compile(pattern.pattern, pattern.flags | re.IGNORECASE)


def fields_from_text(line: ReadyLine, text: str) -> dict[str, str] | None:
    """The fields of a text, None when it is no such line."""
    if line.regex is not None:
        m = line.regex.match(text.replace("\t", " ") if "\t" in text else text)
        if m is None:
            return None
        fields = fields_of(m.groupdict())
    elif line.slices:
        for each in _shifted(text.expandtabs() if "\t" in text else text):
            placed = _columns(line, each)
            if placed is not None and _holds(line, placed):
                return placed
        return None
    else:
        cells = _cells(text)
        if cells is None or len(cells) < line.spec.least:
            return None
        fields = fields_of(dict(zip(line.spec.csv, cells, strict=False)))
    return fields if _holds(line, fields) else None


def _columns(line: ReadyLine, text: str) -> dict[str, str] | None:
    if len(text) <= line.slices[0][1] or any(text[begin:end].strip() for begin, end in line.gaps) or text[line.slices[-1][2] :].strip():
        return None
    return fields_of({name: text[begin:end] for name, begin, end in line.slices})


def _shifted(text: str) -> Iterator[str]:
    """The text, then the same moved as a whole: a copied line has lost the blanks at its beginning, or has got some."""
    yield text
    bare = text.lstrip()
    indent = len(text) - len(bare)
    for by in range(1, MAX_SHIFT + 1):
        if by <= indent:
            yield text[by:]
        yield " " * by + text


def _holds(line: ReadyLine, fields: dict[str, str]) -> bool:
    """Whether the fields are as the line says; those that are parts of others are put in."""
    for name, of, pattern in line.parts:
        if (m := pattern.match(fields.get(of, ""))) is not None and m[1]:
            fields[name] = m[1].strip()
    for name, pattern in line.check:
        if pattern.fullmatch(fields.get(name, "")) is None:
            return False
    return all(any(name in fields for name in names) for names in line.need)


def _cells(text: str) -> list[str] | None:
    try:
        return next(csv.reader([text.strip()], strict=True, skipinitialspace=True))
    except (csv.Error, StopIteration):
        return None


def record_from(profile: ReadyProfile, found: Found, text: str, dates: Dates, now: datetime) -> CallRecord:
    """The record that a found line makes."""
    line, fields = found
    told = _by_rules(line, fields)
    record = CallRecord(profile=profile.name, fields=fields, raw=text.rstrip())
    for member in TEXTS:
        value = told.get(member, fields.get(member))
        if isinstance(value, str) and value:
            setattr(record, member, value[:MAX_TEXT])
    for member in FLAGS & told.keys():
        setattr(record, member, told[member])
    direction = told.get("direction")
    record.direction = direction if direction in ("in", "out", "internal") else None
    _spans(record, profile, fields, told)
    if isinstance(party := told.get("party"), str):
        number, name = number_and_name(party)
        record.number = record.number or number
        if name and record.name is UNSET:
            record.name = name[:MAX_TEXT]
    _times(record, str(told.get("time_is", profile.spec.time)), fields, dates, now)
    _follows(record)
    return record


def _by_rules(line: ReadyLine, fields: dict[str, str]) -> dict[str, Any]:
    """What the rules tell; of two that tell the same member the first counts."""
    told: dict[str, Any] = {}
    for rule in line.rules:
        if all(pattern.fullmatch(fields.get(name, "")) for name, pattern in rule.when):
            for member, value in rule.set:
                if member in told:
                    continue
                if isinstance(value, str) and value.startswith("@"):
                    if value[1:] in fields:
                        told[member] = fields[value[1:]]
                else:
                    told[member] = value
    return told


def _spans(record: CallRecord, profile: ReadyProfile, fields: dict[str, str], told: dict[str, Any]) -> None:
    forms: dict[str, tuple[Form, ...]] = {
        "duration_s": (profile.spec.duration, "clock"), "ring_s": (profile.spec.ring, profile.spec.duration, "clock")
    }  # fmt: skip
    for member in SPANS:
        value = told.get(member, fields.get(_SPAN_FIELDS[member]))
        if isinstance(value, int | float):
            setattr(record, member, float(value))
        elif isinstance(value, str):
            spans = (seconds(value, form) for form in forms.get(member, (profile.spec.duration, "clock", "seconds")))
            if (span := next((each for each in spans if each is not None), None)) is not None:
                setattr(record, member, span)


def _times(record: CallRecord, time_is: str, fields: dict[str, str], dates: Dates, now: datetime) -> None:
    if "stamp" in fields:
        fields = {**fields, **dict(_stamps(fields))}
    if "time" not in fields:
        return
    printed = dates.at(fields.get("date", ""), fields["time"], now)
    if printed is None:
        record.time = fields["time"][:MAX_TEXT]
        return
    moments = {
        which: dates.at(fields.get(f"{which}_date", fields.get("date", "")), fields[f"{which}_time"], now)
        for which in ("answer", "end")
        if f"{which}_time" in fields
    }
    answer, end = moments.get("answer"), moments.get("end")
    if answer is not None:
        if record.ring_s is None and answer >= printed:
            record.ring_s = (answer - printed).total_seconds()
        if record.duration_s is None and end is not None and end >= answer:
            record.duration_s = (end - answer).total_seconds()
    if time_is == "end":
        record.end = printed
        printed -= timedelta(seconds=(record.duration_s or 0.0) + (record.ring_s or 0.0))
    record.start = printed


def _stamps(fields: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Date and time of what is printed in one, `2026-07-08 00:13:16`."""
    for name in ("", "answer_", "end_"):
        day, _, time = fields.get(f"{name}stamp", "").partition(" ")
        if time:
            yield f"{name}date", day
            yield f"{name}time", time


def _follows(record: CallRecord) -> None:
    """What follows for every make: an incoming call with talk was answered, an abandoned one was not."""
    if record.abandoned and record.answered is None:
        record.answered = False
    if record.direction == "in" and record.is_call and record.abandoned is None:
        if record.answered is None and (record.duration_s or 0.0) > 0:
            record.answered = True
        if record.answered:
            record.abandoned = False


def number_and_name(text: str) -> tuple[str | None, str | None]:
    """A caller as printed, number and name in one column, in either order, even glued together.

    >>> number_and_name("5551234 PEREZ J"), number_and_name("ACME SA12345678"), number_and_name("ACME"), number_and_name("02 555 1234")
    (('5551234', 'PEREZ J'), ('12345678', 'ACME SA'), (None, 'ACME'), ('02 555 1234', None))
    >>> number_and_name("0990000007            ."), number_and_name("0990000007."), number_and_name("09900d00007")
    (('0990000007', None), ('0990000007', None), (None, None))
    """
    text = text.strip()
    if not text:
        return None, None
    if _NUMBER.fullmatch(text):
        return text[:MAX_TEXT], None
    if m := _NUMBER_FIRST.fullmatch(text):
        return m[1][:MAX_TEXT].rstrip("."), m[2] if m[2] and any(letter.isalpha() for letter in m[2]) else None
    if not _NAME.search(text) and _DIGITS.search(text):
        return None, None  # a number in which a digit came as something else: part of it is another number
    if m := _NUMBER_LAST.fullmatch(text):
        return m[2][:MAX_TEXT], m[1].strip() or None
    return None, text


def merged(base: CallRecord, more: CallRecord) -> None:
    """Put what a continuation line tells into the record that it continues. Texts only fill gaps; the rest is the newer word."""
    for member in ("direction", *FLAGS, *SPANS):
        value = getattr(more, member)
        if value is not None and value is not UNSET:
            setattr(base, member, value)
    for member in TEXTS - {"event"}:
        value = getattr(more, member)
        if value and value is not UNSET and not getattr(base, member):
            setattr(base, member, value)
    base.fields = {**more.fields, **base.fields}
    base.raw = f"{base.raw}\n{more.raw}"[:4096]
    _follows(base)
