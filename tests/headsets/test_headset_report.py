"""Reports: what they say, what is news in them, and which bytes light a lamp."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from layouts import ARRAY_LIKE, CONSTANT_HOOK, CONSUMER_ONLY, EPOS_LIKE, HEADSET, JABRA_LIKE, LAYOUTS, OFF_HOOK, POLY_LIKE, YEALINK_LIKE

from appliance.sim.headset_descriptor import ARRAY, LEVEL, PRESS, application, bits, item, padding, report, said
from headsets.descriptor import parse
from headsets.layout import HeadsetLayout, layout_of
from headsets.report import changes, fault, input_report, led_report, lit, split, values
from headsets.usage import HOOK_SWITCH, PHONE_MUTE

JABRA, POLY, EPOS, YEALINK, ARRAYS, CONSUMER, CONSTANT = (
    layout_of(parse(raw)) for raw in (JABRA_LIKE, POLY_LIKE, EPOS_LIKE, YEALINK_LIKE, ARRAY_LIKE, CONSUMER_ONLY, CONSTANT_HOOK)
)


def news(layout: HeadsetLayout, report_hex: str, before: Mapping[str, int]) -> dict[str, int]:
    return changes(layout, *split(layout, bytes.fromhex(report_hex)), before)


def test_a_report_read_bit_by_bit() -> None:
    said = values(JABRA, 2, bytes.fromhex("0500"))
    assert {name for name, value in said.items() if value} == {"hook", "mute"}
    assert {name for name, value in values(JABRA, 2, bytes.fromhex("4001")).items() if value} == {"key5"}
    assert values(JABRA, 4, bytes.fromhex("0500")) == {}, "a vendor's report says nothing"


def test_a_level_is_news_when_it_differs() -> None:
    levels = {"hook": 0} | dict.fromkeys(JABRA.controls, 0)
    assert news(JABRA, "02 0100", levels) == {"hook": 1}
    assert news(JABRA, "02 0100", levels | {"hook": 1}) == {}
    assert news(JABRA, "02 0000", levels | {"hook": 1}) == {"hook": 0}


def test_a_level_that_was_not_known_is_news_even_when_it_is_off() -> None:
    assert news(YEALINK, "00", {}) == {"hook": 0}


def test_each_report_with_a_press_is_news_and_so_is_the_release() -> None:
    before = {"hook": 0}
    assert news(YEALINK, "04", before) == {"mute": 1}
    assert news(YEALINK, "04", before | {"mute": 1}) == {"mute": 1}
    assert news(YEALINK, "00", before | {"mute": 1}) == {"mute": 0}
    assert news(YEALINK, "00", before | {"mute": 0}) == {}


def test_an_array_names_what_is_down() -> None:
    assert values(ARRAYS, 5, bytes.fromhex("0000")) == {"hook": 0, "mute": 0}
    assert values(ARRAYS, 5, bytes.fromhex("0200")) == {"hook": 0, "mute": 1}
    assert values(ARRAYS, 5, bytes.fromhex("0201")) == {"hook": 1, "mute": 1}
    assert values(ARRAYS, 5, bytes.fromhex("FFEE")) == {"hook": 0, "mute": 0}


@pytest.mark.parametrize(
    ("layout", "report_id", "payload", "words"),
    [
        (JABRA, 2, "0100", None),
        (JABRA, 2, "010000", None),
        (JABRA, 2, "01", "report 2 has 1 bytes, its descriptor says 2"),
        (JABRA, 2, "", "report 2 has 0 bytes, its descriptor says 2"),
        (JABRA, 99, "0100", "report 99 is not in the descriptor"),
        (YEALINK, 0, "", "report 0 has 0 bytes, its descriptor says 1"),
        (CONSUMER, 1, "00", "report 1 is not in the descriptor"),
    ],
)
def test_what_is_wrong_with_a_report(layout: HeadsetLayout, report_id: int, payload: str, words: str | None) -> None:
    assert fault(layout, report_id, bytes.fromhex(payload)) == words


def test_of_a_short_report_what_is_whole_is_read() -> None:
    said = values(JABRA, 2, b"\x05")
    assert (said["hook"], said["mute"]) == (1, 1)
    assert not [name for name in said if name.startswith("key")], "the keys' fourth bit is not there"
    assert values(JABRA, 2, b"") == {}


def test_a_value_outside_its_range_says_nothing() -> None:
    layout = layout_of(parse(application(HEADSET, bits("input", HOOK_SWITCH, size=8), bits("input", PHONE_MUTE, size=8, flags=PRESS))))
    assert values(layout, 0, bytes.fromhex("0201")) == {"mute": 1}
    assert fault(layout, 0, bytes.fromhex("0201")) == "report 0: hook outside the logical range"


def test_two_buttons_in_one_control() -> None:
    """Logical -1 to 1, relative: an on and an off button (HID usage tables, 3.4.1.1)."""
    layout = layout_of(parse(application(HEADSET, bits("input", PHONE_MUTE, size=2, low=-1, high=1, flags=0x26), padding("input", 6))))
    assert [values(layout, 0, bytes((raw,))) for raw in (0, 1, 3, 2)] == [{"mute": 0}, {"mute": 1}, {"mute": -1}, {}]
    assert input_report(layout, 0, {"mute": -1}) == b"\x03"


def test_a_range_that_was_never_said() -> None:
    raw = said(("page", 0x0B), ("usage", 5), ("collection", 1), ("usage", 0x20), ("size", 8), ("count", 1), ("input", LEVEL)) + item("end")
    layout = layout_of(parse(raw))
    assert [values(layout, 0, bytes((raw,)))["hook"] for raw in (0, 1, 255)] == [0, 1, 1]


def test_split() -> None:
    assert split(JABRA, bytes.fromhex("020100")) == (2, b"\x01\x00")
    assert split(YEALINK, bytes.fromhex("0100")) == (0, b"\x01\x00")
    assert split(JABRA, b"") == (0, b"")


def test_a_lamp_report_is_whole_and_as_long_as_the_descriptor_says() -> None:
    assert [one.hex() for one in led_report(JABRA, {})] == ["020000"]
    assert [one.hex() for one in led_report(JABRA, {"off_hook": True})] == ["020100"]
    assert [one.hex() for one in led_report(CONSTANT, {"off_hook": True, "mute": True})] == ["020300"]
    assert [one.hex() for one in led_report(YEALINK, {"mute": True})] == ["000100"], "no id, three bytes"
    assert led_report(CONSUMER, {"mute": True}) == []


def test_lamps_of_one_report_go_together() -> None:
    assert [one.hex() for one in led_report(JABRA, {"off_hook": True, "hold": True})] == ["020900"]
    assert [one.hex() for one in led_report(EPOS, {"off_hook": True, "ring": True, "hold": True})] == ["0325"]


def test_only_reports_in_which_something_differs() -> None:
    on = {"off_hook": True, "mute": True}
    assert [one.hex() for one in led_report(POLY, on)] == ["1701", "0901", "1800", "2000", "2a00"]
    assert [one.hex() for one in led_report(POLY, on, before={"off_hook": True})] == ["0901"]
    assert [one.hex() for one in led_report(POLY, {}, before=on)] == ["1700", "0900"]
    assert led_report(POLY, on, before=on) == []


def test_lamps_in_an_array_take_one_place_each() -> None:
    assert [one.hex() for one in led_report(ARRAYS, {"off_hook": True, "ring": True})] == ["050103"]
    assert [one.hex() for one in led_report(ARRAYS, {"ring": True})] == ["050300"]
    assert len(led_report(ARRAYS, {"off_hook": True, "mute": True, "ring": True})[0]) == 3


def test_a_lamp_that_is_not_there_is_passed_over() -> None:
    assert led_report(YEALINK, {"hold": True, "disco": True}) == led_report(YEALINK, {})


def test_a_report_of_what_is_not_there_cannot_be_made() -> None:
    for report_id, name in ((2, "drop"), (4, "hook"), (77, "hook")):
        with pytest.raises(KeyError):
            input_report(JABRA, report_id, {name: 1})


def made(name: str) -> HeadsetLayout:
    return layout_of(parse(LAYOUTS[name][0]))


@given(st.data())
def test_what_a_device_says_is_what_is_read(data: st.DataObject) -> None:
    layout = made(data.draw(st.sampled_from(sorted(LAYOUTS))))
    for report_id in layout.in_bytes:
        names = [name for name, control in layout.controls.items() if control.report_id == report_id]
        keys = [name for name in names if layout.controls[name].selector is not None]
        down = data.draw(st.sampled_from([None, *keys]))
        told = {name: data.draw(st.integers(0, 1)) if name not in keys else int(name == down) for name in names}
        number, payload = split(layout, input_report(layout, report_id, told))
        assert number == report_id
        assert values(layout, number, payload) == told
        assert fault(layout, number, payload) is None
        assert changes(layout, number, payload, told) == {name: 1 for name in told if told[name] and layout.controls[name].mode == "toggle"}


@given(st.data())
def test_what_is_wanted_is_what_is_lit(data: st.DataObject) -> None:
    layout = made(data.draw(st.sampled_from(sorted(set(LAYOUTS) - {"array-like"}))))
    wanted = {name: data.draw(st.booleans()) for name in layout.leds}
    before = {name: data.draw(st.booleans()) for name in layout.leds}
    told: dict[str, bool] = {}
    for one in led_report(layout, wanted):
        number, payload = split(layout, one)
        assert len(payload) == layout.out_bytes[number]
        told |= lit(layout, one)
    assert told == wanted
    for one in led_report(layout, wanted, before):
        before |= lit(layout, one)
    assert before == wanted, "what differs and no more"


@given(st.sampled_from(sorted(LAYOUTS)), st.integers(0, 255), st.binary(max_size=20))
def test_any_report_is_read(name: str, report_id: int, payload: bytes) -> None:
    layout = made(name)
    said = values(layout, report_id, payload)
    assert set(said) <= {
        name for name, control in layout.controls.items() if control.report_id == report_id and control.end <= 8 * len(payload)
    }
    assert set(said.values()) <= {-1, 0, 1}
    assert changes(layout, report_id, payload, said).items() <= said.items()
    assert fault(layout, report_id, payload) is None or report_id not in layout.in_bytes or len(payload) < layout.in_bytes[report_id]
    lit(layout, payload)


WIDE = st.tuples(st.integers(0, 40), st.integers(1, 32), st.booleans())


@given(WIDE, st.data())
def test_controls_of_any_size_anywhere(shape: tuple[int, int, bool], data: st.DataObject) -> None:
    gap, size, array = shape
    before = padding("input", gap) if gap else b""
    body = (
        said(
            ("page", 0x0B),
            ("usage", 0x2F),
            ("usage", 0x20),
            ("low", 1),
            ("high", 2),
            ("size", max(size, 2)),
            ("count", 1),
            ("input", ARRAY),
        )
        if array
        else bits("input", HOOK_SWITCH, size=size)
    )
    layout = layout_of(parse(application(HEADSET, report(7), before, body, bits("output", OFF_HOOK))))
    on = data.draw(st.integers(0, 1))
    whole = input_report(layout, 7, {"hook": on})
    assert values(layout, *split(layout, whole))["hook"] == on
