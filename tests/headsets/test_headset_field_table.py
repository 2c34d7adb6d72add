"""Any table of fields, written as a descriptor in any of the ways HID 1.11 allows, is read as that table again."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from appliance.sim.headset_descriptor import ARRAY, CONSTANT, LEVEL, PRESS, item, said
from headsets.descriptor import Field, parse

KINDS = ("input", "output", "feature")
PAGES = (0x08, 0x09, 0x0B, 0x0C, 0xFF00, 0xFFA0)
#: What does not matter to a field: physical ranges, units, strings, a long item, a push with its pop.
IDLE = (
    b"",
    bytes.fromhex("35 00 46 FF 00"),
    bytes.fromhex("55 0E 66 01 10"),
    bytes.fromhex("79 03"),
    bytes.fromhex("FE 02 F1 81 02"),
    item("push") + said(("page", 0x77), ("size", 7), ("count", 77), ("low", -7), ("high", 7), ("report", 77)) + item("pop"),
)


class Row(NamedTuple):
    """One main item: `count` elements, the usages `first` and what follows it on its page."""

    kind: str
    report_id: int
    page: int
    first: int
    usages: int
    size: int
    count: int
    flags: int
    low: int
    high: int


ROWS = st.builds(
    Row,
    kind=st.sampled_from(KINDS),
    report_id=st.integers(1, 4),
    page=st.sampled_from(PAGES),
    first=st.integers(1, 0xF0),
    usages=st.integers(0, 6),
    size=st.integers(1, 16),
    count=st.integers(1, 9),
    flags=st.sampled_from((LEVEL, PRESS, ARRAY, CONSTANT | 0x02, 0x102)),
    low=st.sampled_from((0, 1, -1, -300)),
    high=st.sampled_from((1, 11, 127, 128, 255, 40_000, 100_000)),
)
STYLES = st.tuples(
    st.sampled_from(("plain", "whole", "range", "whole range", "late", "backwards", "alternatives")), st.sampled_from(IDLE), st.booleans()
)


def written(row: Row, style: str, idle: bytes, *, again: bool, numbered: bool) -> bytes:
    """The row in that style. `again`: the globals are said though they stood already, in four bytes."""
    named = range(row.first, row.first + row.usages)
    whole = [row.page << 16 | usage for usage in named]
    ends = [whole[0], whole[-1]] if whole else []
    match style:
        case "whole":
            usages = b"".join(item("usage", usage, 4) for usage in whole)
        case "range":
            usages = said(*zip(("first", "last"), (end & 0xFFFF for end in ends), strict=False))
        case "backwards":
            usages = said(*zip(("last", "first"), (end & 0xFFFF for end in reversed(ends)), strict=False))
        case "whole range":
            usages = b"".join(item(name, end, 4) for name, end in zip(("first", "last"), ends, strict=False))
        case "alternatives":
            usages = b"".join(said(("delimiter", 1), ("usage", usage), ("usage", 0x99), ("delimiter", 0)) for usage in named)
        case _:
            usages = said(*(("usage", usage) for usage in named))
    # Of a late page the usages know nothing when they are said.
    page = item("page", row.page)
    usages = item("page", 0x41) + usages + page if style == "late" else page + usages
    size = 4 if again else None
    shape = item("size", row.size, size) + item("count", row.count, size) + item("low", row.low, size)
    # A maximum beyond the sign of its length is meant without one, unless the minimum is below zero: then it takes the next length.
    shape += (
        item("high", row.high, size)
        if row.low < 0 or again
        else item("high", row.high, 1 if row.high < 256 else 2 if row.high < 65536 else 4)
    )
    return (item("report", row.report_id) if numbered else b"") + idle + usages + shape + item(row.kind, row.flags)


def elements(field: Field) -> list[tuple[object, ...]]:
    """A field, element by element; an array whole."""
    shape = (field.kind, field.report_id, field.bit_size, field.flags, field.logical_min, field.logical_max)
    if not field.variable:
        return [(*shape, field.bit_offset, field.count, tuple(usage for one in field.usages for usage in range(one.first, one.last + 1)))]
    return [(*shape, field.bit_offset + at * field.bit_size, field.whole_usage) for at in range(field.count)]


@given(st.lists(st.tuples(ROWS, STYLES), min_size=1, max_size=12), st.booleans())
def test_a_table_written_and_read(rows: list[tuple[Row, tuple[str, bytes, bool]]], numbered: bool) -> None:
    raw, ends = b"", dict[tuple[str, int], int]()
    expected: list[tuple[object, ...]] = []
    for row, (style, idle, again) in rows:
        raw += written(row, style, idle, again=again, numbered=numbered)
        report_id = row.report_id if numbered else 0
        at = ends.get((row.kind, report_id), 0)
        ends[row.kind, report_id] = at + row.size * row.count
        shape = (row.kind, report_id, row.size, row.flags, row.low, row.high)
        whole = [row.page << 16 | usage for usage in range(row.first, row.first + row.usages)]
        if row.flags & 0x02:
            expected += [
                (*shape, at + number * row.size, whole[min(number, len(whole) - 1)] if whole else 0) for number in range(row.count)
            ]
        else:
            expected.append((*shape, at, row.count, tuple(whole)))
    descriptor = parse(raw)
    assert [element for field in descriptor.fields for element in elements(field)] == expected
    assert descriptor.report_bits == ends
    assert descriptor.numbered == numbered
    assert all("a long item" in note for note in descriptor.notes)
