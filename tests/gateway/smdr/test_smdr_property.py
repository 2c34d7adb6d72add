"""Whatever a line is, no profile falls over it; what its columns hold comes out of them, at every width of every field."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gateway.smdr.match import fields_from_text
from gateway.smdr.moment import Dates
from gateway.smdr.profile import ReadyLine
from gateway.smdr.reader import Reader
from gateway.smdr.record import MAX_TEXT
from gateway.smdr.shelf import ORDER, profile
from gateway.smdr.span import MAX_S, seconds

NOW = datetime(2026, 11, 22, 3, 0)  # noqa: DTZ001 - printed times have no zone
#: Scraps that records are made of: more than chance would make of letters.
SCRAPS = st.sampled_from(
    """11/21/26 21.11.26 2026/11/21 11/21 112126 10:03AM 10:03 10:03:59 1:07p 00:00:10 00:05'12 0'45 5'15" 00:00;22 0000:16:38 1200 01 T010 016
    DN2021 A076053 <I> <D> <I>0991234567 EXT1235 NA TR RC IT O I A B S E X N 0991234567 **** ***** 004 -------- LINE = 0003 STN = 7425 CALL RELEASED
    INCOMING RINGING NEXT PIN POT ALB NO ANSWER Incoming no answer # * & $1.25 S=000075 POTA 1 2 0 9 "," , "" T9002 E204 ROE LOG IN 2008/06/28""".split()
)  # fmt: skip
LINE = st.one_of(
    st.text(max_size=200),
    st.lists(SCRAPS, max_size=16).map(" ".join),
    st.lists(SCRAPS, max_size=16).map(",".join),
    st.lists(st.tuples(SCRAPS, st.integers(1, 12)), max_size=12).map(lambda parts: "".join(word.ljust(width) for word, width in parts)),
)
PRINTED = st.characters(min_codepoint=32, max_codepoint=126)
COLUMNS = [(name, line) for name in ORDER for line in profile(name).lines if line.slices]


@cache
def columns_of(name: str, kind: str) -> list[st.SearchStrategy[str]]:
    """What each column of a line may hold, as it is printed: ASCII, no blanks at either end. Made once: a pattern takes its time."""
    line = next(line for line in profile(name).lines if line.spec.name == kind)
    checks = {field: pattern.pattern for field, pattern in line.check}
    patterns = (re.compile(checks.get(field, r"[A-Z0-9]([A-Z0-9 ]*[A-Z0-9])?|"), re.ASCII) for field, _, _ in line.slices)
    return [
        st.from_regex(pattern, fullmatch=True, alphabet=PRINTED).filter(lambda value, width=end - begin: fits(value, width))
        for pattern, (_, begin, end) in zip(patterns, line.slices, strict=True)
    ]


def fits(value: str, width: int) -> bool:
    """Whether a column so wide gives it back: blanks around it are nobody's."""
    return len(value) <= width and value == value.strip()


@pytest.mark.parametrize("name", ORDER)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(lines=st.lists(LINE, max_size=12))
def test_no_line_is_a_fault(name: str, lines: list[str]) -> None:
    reader = Reader(profile(name), Dates(live=True))
    records = [record for text in lines for record in reader.feed(text, NOW)] + reader.idle()
    counts = reader.counts
    assert counts.records + counts.events == len(records)
    assert counts.lines == len(lines)
    assert counts.records + counts.events + counts.headers + counts.continued + counts.unknown <= len(lines)
    for record in records:
        told = record.as_json()
        assert told["direction"] in ("in", "out", "internal", None)
        assert not (told["answered"] and told["abandoned"])
        for member in ("duration_s", "ring_s"):
            assert told[member] is None or 0 <= told[member] <= MAX_S
        for member in ("extension", "trunk", "number"):
            assert told[member] is None or 0 < len(told[member]) <= MAX_TEXT


@pytest.mark.parametrize(("name", "line"), COLUMNS, ids=[f"{name}-{line.spec.name}" for name, line in COLUMNS])
# As found: it is columns already, and what is made of twenty patterns takes minutes to be made smaller.
@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow], phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(data=st.data())
def test_columns_come_out_as_they_went_in(name: str, line: ReadyLine, data: st.DataObject) -> None:
    placed, text = {}, ""
    for (field, begin, end), values in zip(line.slices, columns_of(name, line.spec.name), strict=True):
        value, right = data.draw(st.tuples(values, st.booleans()), label=field)
        text = text.ljust(begin) + (value.rjust(end - begin) if right else value)
        if value:
            placed[field] = value
    found = fields_from_text(line, text)
    if found is None:
        assert not all(any(field in placed for field in names) for names in line.need)
    else:
        assert {field: found[field] for field in placed} == placed


@given(st.integers(0, 99 * 3600 + 3599))
def test_a_span_comes_back(span: int) -> None:
    hours, rest = divmod(span, 3600)
    for text in (
        f"{hours:02d}:{rest // 60:02d}:{rest % 60:02d}",
        f"{hours:02d}:{rest // 60:02d}'{rest % 60:02d}",
        f"{hours:04d}:{rest // 60:02d};{rest % 60:02d}",
    ):
        assert seconds(text) == span
    assert seconds(str(span), "seconds") == span


@given(st.text(max_size=12), st.sampled_from(["clock", "hm", "hmmt", "hhmmss", "seconds"]))
def test_no_text_of_a_span_is_a_fault(text: str, form: str) -> None:
    span = seconds(text, form)  # type: ignore[arg-type]
    assert span is None or 0 <= span <= MAX_S
