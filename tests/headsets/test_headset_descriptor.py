"""Report descriptors item by item: what HID 1.11 says of each, what Linux makes of what it leaves open, and what becomes of nonsense."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from layouts import HEADSET, LAYOUTS, YEALINK_LIKE

from appliance.sim.headset_descriptor import ARRAY, LEVEL, PRESS, application, bits, item, padding, report, said
from headsets.descriptor import MAX_BYTES, MAX_FIELDS, MAX_REPORT_BITS, Descriptor, Field, parse
from headsets.layout import layout_of
from headsets.usage import HOOK_SWITCH, PHONE_MUTE

BIT = said(("low", 0), ("high", 1), ("size", 1))


def usages(descriptor: Descriptor) -> list[tuple[int, int, int]]:
    """Each field's usage, offset and count."""
    return [(one.whole_usage, one.bit_offset, one.count) for one in descriptor.fields]


def one_field(*parts: tuple[str, int] | str) -> Field:
    (found,) = parse(said(*parts)).fields
    return found


def test_a_field_says_all_that_is_known_of_it() -> None:
    raw = application(HEADSET, report(2), padding("input", 3), bits("input", PHONE_MUTE, flags=PRESS))
    gap, mute = parse(raw).fields
    assert (gap.whole_usage, gap.constant, gap.count, gap.bit_offset, gap.end) == (0, True, 3, 0, 3)
    assert (mute.kind, mute.report_id, mute.bit_offset, mute.bit_size, mute.count) == ("input", 2, 3, 1, 1)
    assert (mute.relative, mute.variable, mute.constant, mute.no_preferred, mute.null_state) == (True, True, False, False, False)
    assert (mute.usage_page, mute.usage, mute.application) == (0x0B, 0x2F, HEADSET)
    assert [(one.kind, one.usage) for one in mute.path] == [(1, HEADSET)]
    assert parse(raw).report_bits == {("input", 2): 4}


def test_offsets_are_counted_by_kind_and_id() -> None:
    raw = application(
        HEADSET,
        *(report(1), bits("input", HOOK_SWITCH), bits("output", 0x080017)),
        *(report(2), bits("input", PHONE_MUTE), bits("feature", 0xFF000001, size=8)),
        # Back to the first report, in another collection.
        *(item("end"), said(("page", 0x0C), ("usage", 1), ("collection", 1)), report(1), bits("input", 0x0C00E9)),
    )
    assert [(one.kind, one.report_id, one.bit_offset) for one in parse(raw).fields] == [
        ("input", 1, 0),
        ("output", 1, 0),
        ("input", 2, 0),
        ("feature", 2, 0),
        ("input", 1, 1),
    ]


def test_globals_stay_and_locals_do_not() -> None:
    raw = (
        said(("page", 0x0B), ("usage", 0x20))
        + BIT
        + said(("count", 1), ("input", LEVEL), ("input", LEVEL), ("usage", 0x2F), ("input", LEVEL))
    )
    assert usages(parse(raw)) == [(HOOK_SWITCH, 0, 1), (0, 1, 1), (PHONE_MUTE, 2, 1)]


def test_a_collection_uses_up_its_usage() -> None:
    raw = (
        said(("page", 0x0B), ("usage", 5), ("collection", 1))
        + BIT
        + said(("count", 1), ("input", LEVEL), "end", ("usage", 0x20), "end", ("input", LEVEL))
    )
    assert [one[0] for one in usages(parse(raw))] == [0, 0]


def test_push_and_pop_bring_everything_global_back() -> None:
    raw = said(("page", 0x0B), ("report", 3), ("count", 1)) + BIT + item("push")
    raw += said(
        ("page", 0x08), ("report", 9), ("size", 8), ("count", 4), ("low", -5), ("high", 5), ("usage", 0x17), ("output", LEVEL), "pop"
    )
    raw += said(("usage", 0x20), ("input", LEVEL))
    led, hook = parse(raw).fields
    assert (led.whole_usage, led.report_id, led.bit_size, led.count, led.logical_min) == (0x080017, 9, 8, 4, -5)
    assert (hook.whole_usage, hook.report_id, hook.bit_size, hook.count, hook.logical_min, hook.logical_max) == (HOOK_SWITCH, 3, 1, 1, 0, 1)


def test_push_does_not_keep_usages() -> None:
    raw = said(("page", 0x0B), ("count", 1)) + BIT + said(("usage", 0x20), "push", ("usage", 0x2F), "pop", ("count", 2), ("input", LEVEL))
    assert [one[0] for one in usages(parse(raw))] == [HOOK_SWITCH, PHONE_MUTE]


@pytest.mark.parametrize("tag", [0x00, 0x42, 0xFF])
@pytest.mark.parametrize("data", [b"", b"\xc0", bytes(range(255))])
def test_a_long_item_is_passed_over(tag: int, data: bytes) -> None:
    long = bytes((0xFE, len(data), tag)) + data
    descriptor = parse(application(HEADSET, long, bits("input", HOOK_SWITCH), long))
    assert usages(descriptor) == [(HOOK_SWITCH, 0, 1)]
    assert all("a long item" in note for note in descriptor.notes)
    assert descriptor.notes


def test_a_range_of_usages() -> None:
    raw = said(("page", 0x0B), ("first", 0x20), ("last", 0x2F), ("count", 16)) + BIT + said(("input", LEVEL))
    assert usages(parse(raw)) == [(0x0B0020 + at, at, 1) for at in range(16)]


def test_a_range_said_last_first() -> None:
    raw = said(("page", 0x0B), ("last", 0x21), ("first", 0x20), ("count", 2)) + BIT + said(("input", LEVEL))
    assert [one[0] for one in usages(parse(raw))] == [HOOK_SWITCH, 0x0B0021]


def test_usages_and_ranges_in_their_order() -> None:
    raw = (
        said(("page", 0x0B), ("usage", 0x2F), ("first", 0x20), ("last", 0x21), ("usage", 0x26), ("count", 4)) + BIT + said(("input", LEVEL))
    )
    assert [one[0] & 0xFF for one in usages(parse(raw))] == [0x2F, 0x20, 0x21, 0x26]


def test_the_last_usage_stays_for_what_is_left() -> None:
    raw = said(("page", 0x0B), ("usage", 0x20), ("usage", 0x2F), ("count", 8)) + BIT + said(("input", LEVEL))
    assert usages(parse(raw)) == [(HOOK_SWITCH, 0, 1), (PHONE_MUTE, 1, 7)]


def test_more_usages_than_elements() -> None:
    raw = said(("page", 0x0B), ("usage", 0x20), ("usage", 0x2F), ("count", 1)) + BIT + said(("input", LEVEL))
    assert usages(parse(raw)) == [(HOOK_SWITCH, 0, 1)]


def test_a_range_upside_down_is_none() -> None:
    raw = said(("page", 0x0B), ("usage", 0x20), ("first", 0x30), ("last", 0x21), ("count", 1)) + BIT + said(("input", LEVEL))
    descriptor = parse(raw)
    assert usages(descriptor) == [(HOOK_SWITCH, 0, 1)]
    assert descriptor.notes == ("byte 6: usages from 0x30 down to 0x21, passed over",)


def test_four_bytes_bring_their_own_page() -> None:
    raw = said(("page", 0x0C), ("count", 3)) + BIT
    raw += item("usage", HOOK_SWITCH, 4) + item("first", 0x080017, 4) + item("last", 0x080018, 4) + said(("page", 0xFF00), ("input", LEVEL))
    assert [one[0] for one in usages(parse(raw))] == [HOOK_SWITCH, 0x080017, 0x080018]


def test_a_range_over_two_pages_is_none() -> None:
    raw = (
        said(("page", 0x0B), ("usage", 0x20))
        + item("first", 0x080017, 4)
        + item("last", 0x0B0018, 4)
        + said(("count", 1))
        + BIT
        + said(("input", LEVEL))
    )
    descriptor = parse(raw)
    assert usages(descriptor) == [(HOOK_SWITCH, 0, 1)]
    assert "from one page to another" in descriptor.notes[0]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        # As hid_concatenate_last_usage_page in Linux: back to the last usage that has the page already.
        pytest.param([("usage", 7), ("page", 9)], [0x090007], id="page after its usage"),
        pytest.param([("usage", 7), ("page", 9), ("usage", 1)], [0x0B0007, 0x090001], id="page between two"),
        pytest.param([("usage", 7), ("usage", 0x20), ("page", 9)], [0x090007, 0x090020], id="page after both"),
        pytest.param([("usage", 7), ("page", 9), ("usage", 1), ("page", 8)], [0x080007, 0x080001], id="a third page is all of theirs"),
        pytest.param([("usage", 7), ("page", 9), ("usage", 1), ("page", 0x0B)], [0x0B0007, 0x0B0001], id="back to the first page"),
        pytest.param([("first", 1), ("last", 2), ("page", 9)], [0x090001, 0x090002], id="page after a range"),
    ],
)
def test_a_page_after_its_usages(parts: list[tuple[str, int]], expected: list[int]) -> None:
    raw = said(("page", 0x0B), ("count", len(expected))) + BIT + said(*parts, ("input", LEVEL))
    assert [one[0] for one in usages(parse(raw))] == expected


def test_a_page_after_the_usage_of_a_collection() -> None:
    raw = said(("page", 0x01), ("usage", 5), ("page", 0x0B), ("collection", 1)) + bits("input", HOOK_SWITCH) + item("end")
    assert parse(raw).fields[0].application == HEADSET


def test_of_alternatives_the_first_is_taken() -> None:
    raw = said(("page", 0x0B), ("delimiter", 1), ("usage", 0x20), ("usage", 0x26), ("delimiter", 0), ("usage", 0x2F), ("count", 2)) + BIT
    raw += said(("input", LEVEL))
    assert [one[0] for one in usages(parse(raw))] == [HOOK_SWITCH, PHONE_MUTE]


def test_an_array_is_one_field_with_all_its_usages() -> None:
    raw = said(
        ("page", 0x0B),
        ("first", 0xB0),
        ("last", 0xBB),
        ("usage", 0x20),
        ("low", 1),
        ("high", 13),
        ("size", 4),
        ("count", 2),
        ("input", ARRAY),
    )
    (array,) = parse(raw).fields
    assert not array.variable
    assert [(one.first, one.last, len(one)) for one in array.usages] == [(0x0B00B0, 0x0B00BB, 12), (HOOK_SWITCH, HOOK_SWITCH, 1)]
    assert (array.count, array.end) == (2, 8)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (item("low", 0), item("high", 255, 1), (0, 255)),
        (item("low", 0), item("high", 0xFFFF, 2), (0, 0xFFFF)),
        (item("low", 0), item("high", 0xFFFFFFFF, 4), (0, 0xFFFFFFFF)),
        (item("low", -1), item("high", 1), (-1, 1)),
        (item("low", -128), item("high", 0x7F), (-128, 127)),
        (item("low", -32768), item("high", -1), (-32768, -1)),
        (b"\x14", b"\x24", (0, 0)),
        (b"\x14", b"\x25\x01", (0, 1)),
    ],
)
def test_logical_ranges(low: bytes, high: bytes, expected: tuple[int, int]) -> None:
    for raw in (low + high, high + low):
        (found,) = parse(raw + said(("size", 8), ("count", 1), ("input", LEVEL))).fields
        assert (found.logical_min, found.logical_max) == expected


def test_a_main_item_of_two_bytes() -> None:
    found = one_field(("size", 8), ("count", 1), ("output", 0x0102))
    assert (found.flags, found.variable) == (0x102, True)


def test_nested_applications_are_all_in_the_path() -> None:
    raw = application(0x0C0001, application(HEADSET, said(("page", 0x0B), ("usage", 6), ("collection", 2)), bits("input", HOOK_SWITCH)))
    (hook,) = parse(raw).fields
    assert [(one.kind, one.usage) for one in hook.path] == [(1, 0x0C0001), (1, HEADSET), (2, 0x0B0006)]
    assert hook.application == HEADSET
    assert parse(raw).applications == (0x0C0001, HEADSET)


HOOK = application(HEADSET, bits("input", HOOK_SWITCH))


@pytest.mark.parametrize(
    ("before", "note"),
    [
        (b"\xb4", "a pop without a push"),
        (b"\xc0", "the end of a collection that was not begun"),
        (b"\xf1\x00", "an item that HID 1.11 does not define, 0xF0"),
        (b"\x0c", "an item that HID 1.11 does not define, 0x0C"),
        (b"\xd1\x00", "an item that HID 1.11 does not define, 0xD0"),
        (item("delimiter", 0), "delimiters that do not match"),
        (said(("size", 0), ("count", 1), ("input", LEVEL)), "a field of 1 × 0 bits, passed over"),
        (said(("size", 1), ("count", 0), ("input", LEVEL)), "a field of 0 × 1 bits, passed over"),
        (said(("size", 1), ("count", 0xFFFFFFFF), ("output", LEVEL)), "4294967295 × 1 bits: output 0 gets too long"),
        (said(("size", 0xFFFFFFFF), ("count", 0xFFFFFFFF), ("output", LEVEL)), "4294967295 × 4294967295 bits: output 0 gets too long"),
        (
            item("push") + said(("report", 256), ("size", 1), ("count", 1), ("input", LEVEL)) + item("pop"),
            "report id 256, where 1 to 255 are allowed",
        ),
        (said(("report", 7), ("report", 0)), "report id 0, where 1 to 255 are allowed"),
    ],
)
def test_nonsense_is_noted_and_what_follows_is_read(before: bytes, note: str) -> None:
    descriptor = parse(before + HOOK)
    assert usages(descriptor) == [(HOOK_SWITCH, 0, 1)]
    assert any(note in said for said in descriptor.notes), descriptor.notes


def test_what_follows_a_field_of_unknown_end_is_left_out_of_that_report_alone() -> None:
    raw = report(1) + bits("input", HOOK_SWITCH) + said(("count", 0xFFFFFFFF), ("input", LEVEL)) + bits("input", PHONE_MUTE)
    raw += bits("output", 0x080017) + report(2) + bits("input", PHONE_MUTE)
    descriptor = parse(raw)
    assert [(one.kind, one.report_id, one.whole_usage) for one in descriptor.fields] == [
        ("input", 1, HOOK_SWITCH),
        ("output", 1, 0x080017),
        ("input", 2, PHONE_MUTE),
    ]
    assert descriptor.report_bits["input", 1] == 1


def test_the_longest_report() -> None:
    longest = said(("size", 8), ("count", MAX_REPORT_BITS // 8), ("usage", 1), ("input", LEVEL))
    descriptor = parse(longest)
    assert (usages(descriptor), descriptor.notes) == ([(1, 0, MAX_REPORT_BITS // 8)], ())
    assert len(parse(longest + said(("size", 1), ("count", 1), ("input", LEVEL))).fields) == 1


def test_a_descriptor_cut_anywhere() -> None:
    for raw, _ in LAYOUTS.values():
        whole = parse(raw)
        for cut in range(len(raw)):
            part = parse(raw[:cut])
            assert part.fields == whole.fields[: len(part.fields)]
    for cut in range(5, len(YEALINK_LIKE)):
        assert parse(YEALINK_LIKE[:cut]).notes


HOSTILE = {
    "endless collections": said(("collection", 1)) * (MAX_BYTES // 2),
    "endless pushes": item("push") * MAX_BYTES,
    "pushes and pops": (item("push") + said(("page", 1)) + item("pop")) * 1000,
    "endless ends": item("end") * MAX_BYTES,
    "ranges": said(("low", 0), ("high", 1), ("size", 1), ("count", 0xFFFF)) + said(("first", 0), ("last", 0xFFFF), ("input", LEVEL)) * 500,
    "ranges in every report": b"".join(
        said(
            ("report", number),
            ("size", 1),
            ("count", 0xFFFF),
            ("first", 0),
            ("last", 0xFFFF),
            ("input", LEVEL),
            ("first", 0),
            ("last", 0xFFFF),
            ("output", LEVEL),
        )
        for number in range(1, 150)
    ),
    "arrays of ranges": said(("size", 8), ("count", 1)) + (said(("first", 0), ("last", 0xFFFF)) * 300 + said(("input", ARRAY))) * 2,
    "usages alone": said(("usage", 1)) * (MAX_BYTES // 2),
    "a field a byte": said(("size", 1), ("count", 1)) + b"\x80" * (MAX_BYTES - 4),
    "faults alone": b"\xf0" * MAX_BYTES,
    "long items": b"\xfe\x00\x00" * (MAX_BYTES // 3),
    "nested fields": (said(("size", 1), ("count", 1)) + said(("collection", 1), ("input", LEVEL)) * 1000),
    "too long": HOOK + b"\x00" * 10_000_000,
    "applications": b"".join(said(("page", number), ("usage", 1), ("collection", 1), "end") for number in range(400)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_nonsense_is_bounded(name: str) -> None:
    tracemalloc.start()
    descriptor = parse(HOSTILE[name])
    layout_of(descriptor)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16_000_000
    assert len(descriptor.fields) <= MAX_FIELDS
    assert len(descriptor.notes) <= 21
    assert max((len(one.path) for one in descriptor.fields), default=0) <= 16


def test_what_is_nested_too_deep_still_ends_where_it_ends() -> None:
    begun = said(("page", 0x0B), ("usage", 5), ("collection", 1), *[("collection", 2)] * 40, *["end"] * 39)
    descriptor = parse(begun + bits("input", HOOK_SWITCH) + said("end", "end"))
    (hook,) = descriptor.fields
    assert [(one.kind, one.usage) for one in hook.path] == [(1, HEADSET), (2, 0)]
    assert descriptor.notes == ("collections deeper than 16",)


def check(descriptor: Descriptor) -> None:
    """What holds of any descriptor: fields lie in their reports, in order, without a gap that is not theirs."""
    ends: dict[tuple[str, int], int] = {}
    listed_all = not any("are not listed" in note for note in descriptor.notes)
    for one in descriptor.fields:
        report_of = (one.kind, one.report_id)
        before = ends.get(report_of, 0)
        assert one.bit_offset == before if listed_all else one.bit_offset >= before
        assert one.bit_size > 0
        assert one.count > 0
        assert one.end <= descriptor.report_bits[report_of] <= MAX_REPORT_BITS
        assert 0 <= one.report_id <= 255
        ends[report_of] = one.end
    if listed_all:
        assert ends == descriptor.report_bits
    layout = layout_of(descriptor)
    for control in layout.controls.values():
        assert 0 <= control.offset < control.end <= 8 * layout.in_bytes[control.report_id]
        assert control.minimum < control.maximum
    for led in layout.leds.values():
        assert 0 <= led.offset < led.end <= 8 * layout.out_bytes[led.report_id]


PREFIXES = st.sampled_from([tag | size for tag in range(0, 0x100, 4) for size in range(4)])
ITEMS = st.builds(lambda prefix, data: bytes((prefix,)) + data[: (0, 1, 2, 4)[prefix & 3]], PREFIXES, st.binary(min_size=4, max_size=4))
#: Items with small values make fields; items of any value make trouble.
SENSIBLE = st.builds(
    item,
    st.sampled_from(
        [
            "input",
            "output",
            "feature",
            "collection",
            "end",
            "page",
            "low",
            "high",
            "size",
            "report",
            "count",
            "push",
            "pop",
            "usage",
            "first",
            "last",
            "delimiter",
        ]
    ),
    st.one_of(st.integers(0, 40), st.sampled_from([1, 2, 5, 8, 0x0B, 0x17, 0x20, 0x2F, 0xB0, 0xBB, 255])),
)
DAMAGED = st.builds(
    lambda raw, at, other: raw[: at % len(raw)] + other + raw[at % len(raw) + len(other) :],
    st.sampled_from([raw for raw, _ in LAYOUTS.values()]),
    st.integers(0, 1000),
    st.binary(max_size=3),
)
DESCRIPTORS = st.one_of(
    st.binary(max_size=300),
    st.lists(ITEMS, max_size=80).map(b"".join),
    st.lists(SENSIBLE, max_size=80).map(b"".join),
    DAMAGED,
)


@given(DESCRIPTORS)
def test_any_bytes_are_read(raw: bytes) -> None:
    check(parse(raw))


@given(
    st.lists(st.one_of(st.tuples(st.just(1), st.integers(1, 12)), st.tuples(st.integers(2, 9), st.integers(1, 4))), min_size=1, max_size=20)
)
def test_fields_follow_one_another(sizes: list[tuple[int, int]]) -> None:
    raw = b"".join(said(("usage", 1), ("size", size), ("count", count), ("input", LEVEL)) for size, count in sizes)
    fields = parse(raw).fields
    assert [(one.bit_size, one.count) for one in fields] == sizes
    assert all(one.end == other.bit_offset for one, other in pairwise(fields))
