"""Layouts of our own making, as the four makers' devices are laid out: every control is found where it was put, and told so by the verb."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from layouts import HEADSET, JABRA_LIKE, LAYOUTS, OFF_HOOK, POLY_LIKE, YEALINK_LIKE

from appliance.cli.main import main
from appliance.core.errors import CorruptError
from appliance.sim.headset_descriptor import ARRAY, CONSTANT, LEVEL, application, bits, item, padding, report, said
from headsets.descriptor import parse
from headsets.layout import layout_of
from headsets.record import bytes_of, record
from headsets.usage import HOOK_SWITCH, PHONE_MUTE, name_of


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_control_is_where_it_was_put(name: str) -> None:
    raw, expected = LAYOUTS[name]
    layout = layout_of(parse(raw))
    assert record(layout) == expected
    assert layout.telephony == (name != "consumer-only")
    assert layout.notes == ()


def test_the_other_controls_of_a_jabra_like_one() -> None:
    layout = layout_of(parse(JABRA_LIKE))
    assert {name: control.offset for name, control in layout.controls.items() if not name.startswith("key")} == {
        "hook": 0,
        "mute": 2,
        "flash": 3,
        "redial": 4,
        "button1": 5,
    }
    assert name_of(layout.buttons[0].usage) == "Button/0x07"
    # Zero at rest means no key, so that key 0 cannot be told.
    assert [name for name in layout.controls if name.startswith("key")] == [f"key{key}" for key in "123456789*#"]
    assert {control.offset for control in layout.keypad} == {6}
    assert (layout.in_bytes, layout.out_bytes) == ({2: 2, 4: 2, 1: 2}, {2: 2, 4: 2})
    assert list(layout.leds) == ["off_hook", "mute", "ring", "hold", "microphone", "ringer"]


def test_reports_without_ids_are_known_as_such() -> None:
    assert not layout_of(parse(YEALINK_LIKE)).numbered
    assert layout_of(parse(POLY_LIKE)).numbered


HOOK = bits("input", HOOK_SWITCH)


@pytest.mark.parametrize(
    ("raw", "report_id"),
    [
        pytest.param(
            application(0x0C0001, report(1), HOOK) + application(HEADSET, report(2), HOOK), 2, id="the headset's, not the one before"
        ),
        pytest.param(application(HEADSET, report(1), HOOK) + application(HEADSET, report(2), HOOK), 1, id="the first headset's"),
        pytest.param(
            application(0xFF000001, report(1), HOOK) + application(0x0C0001, report(2), HOOK), 2, id="anybody's before the vendor's"
        ),
        pytest.param(
            application(HEADSET, report(1), application(0xFF000001, HOOK), report(2), HOOK), 2, id="not the vendor's within the headset's"
        ),
        pytest.param(application(0xFF000001, report(1), application(HEADSET, HOOK)), 1, id="the headset's within the vendor's"),
        pytest.param(application(0x0C0001, report(1), HOOK), 1, id="one that is alone is taken"),
        pytest.param(application(HEADSET, report(1), bits("feature", HOOK_SWITCH), bits("output", HOOK_SWITCH)), None, id="no input"),
        pytest.param(application(HEADSET, report(1), bits("input", 0xFF300020)), None, id="the vendor's usage"),
        pytest.param(application(HEADSET, report(1), bits("input", HOOK_SWITCH, size=33)), None, id="wider than a value"),
    ],
)
def test_of_several_the_first_in_a_telephony_collection(raw: bytes, report_id: int | None) -> None:
    hook = layout_of(parse(raw)).hook
    assert (hook and hook.report_id) == report_id


def test_buttons_outside_telephony_are_no_headsets() -> None:
    layout = layout_of(parse(application(0x010002, bits("input", 0x090001, 0x090002)) + application(HEADSET, HOOK)))
    assert layout.buttons == ()


def test_an_array_of_one_usage_is_read_as_the_variable_that_was_meant() -> None:
    layout = layout_of(parse(application(HEADSET, report(1), padding("input", 2), bits("input", HOOK_SWITCH, flags=ARRAY | CONSTANT))))
    assert record(layout)["hook"] == {"report_id": 1, "offset": 2, "size": 1, "mode": "level"}


def test_lamps_that_are_inputs_or_features_cannot_be_lit() -> None:
    assert layout_of(parse(application(HEADSET, bits("input", OFF_HOOK), bits("feature", OFF_HOOK)))).leds == {}


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any, str]:
    code = main(["decode", "hid", *arguments])
    out, err = capsys.readouterr()
    return code, json.loads(out) if out else None, err


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_verb_says_so(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    raw, expected = LAYOUTS[name]
    wrapped = tmp_path / "wrapped.hex"
    wrapped.write_text(raw.hex(" ", 1).upper().replace(" ", "\n", 5) + "\n")
    as_it_is = tmp_path / "report_descriptor"
    as_it_is.write_bytes(raw)
    for given in (raw.hex(), str(wrapped), str(as_it_is)):
        assert run(capsys, given, "--json") == (0, expected, "")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw.hex().encode())))
    assert run(capsys, "-") == (0, expected, "")


def test_what_is_odd_is_said_beside(capsys: pytest.CaptureFixture[str]) -> None:
    code, told, err = run(capsys, JABRA_LIKE[:-1].hex())
    assert (code, told) == (0, LAYOUTS["jabra-like"][1])
    assert err == "note: a collection that is not closed\n"


@pytest.mark.parametrize("text", ["", "  \n", "050", "0x", "a headset", "05 0B zz"])
def test_what_is_no_hex_is_refused(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "text"
    file.write_text(text)
    assert main(["decode", "hid", str(file)]) == 1
    assert "hex digits" in capsys.readouterr().err
    with pytest.raises(CorruptError, match="hex digits"):
        bytes_of(text.encode())


def test_a_missing_file_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "no-such.hex")
    assert code == 1
    assert "no-such.hex: no such file" in err


def test_hex_as_other_programs_write_it() -> None:
    listed = ", ".join(f"0x{byte:02x}" for byte in YEALINK_LIKE)
    assert bytes_of(f"/* 0x99 */ {{ {listed} }}; // 0x98".encode()) == YEALINK_LIKE
    assert bytes_of(b"0x" + YEALINK_LIKE.hex().encode()) == YEALINK_LIKE
    assert bytes_of(YEALINK_LIKE.hex(":").encode()) == YEALINK_LIKE
    assert bytes_of(b"0x5, 0XB,\r\n0x09") == bytes.fromhex("050B09")
    recorded = f"# a recording\nD: 0\nR: {len(YEALINK_LIKE)} {YEALINK_LIKE.hex(' ')}\nN: a headset\nE: 000000.000000 2 01 00\n"
    assert bytes_of(recorded.encode()) == YEALINK_LIKE


def test_vendors_pages_are_never_telephony() -> None:
    pages = (0xFF00, 0xFF30, 0xFFA0, 0xFFFF)
    raw = b"".join(
        application(page << 16 | 5, report(page & 0xFF or 1), bits("input", page << 16 | 0x20, page << 16 | 0x2F)) for page in pages
    )
    layout = layout_of(parse(raw))
    assert (layout.hook, layout.mute, layout.leds, layout.telephony) == (None, None, {}, False)


def test_a_mute_before_and_a_mute_behind_padding() -> None:
    raw = application(HEADSET, padding("input", 13), bits("input", PHONE_MUTE, flags=LEVEL), said("push", ("page", 1), "pop"), item("end"))
    mute = layout_of(parse(raw)).mute
    assert mute is not None
    assert (mute.offset, mute.mode) == (13, "level")
