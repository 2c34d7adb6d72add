"""The descriptors of real devices, read from the folder that CALLFLOOR_CORPUS names: every field is where its table says, and no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from appliance.cli.main import main
from headsets.descriptor import Field, parse
from headsets.layout import layout_of
from headsets.record import record
from headsets.usage import name_of

pytestmark = pytest.mark.corpus


@pytest.fixture(scope="session")
def devices(corpus_folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((corpus_folder / "hid" / "descriptors.json").read_text(encoding="utf-8"))["devices"]
    assert found
    return found


def flags_of(field: Field) -> list[str]:
    told = ["const" if field.constant else "data", "var" if field.variable else "array", "rel" if field.relative else "abs"]
    told += [name for bit, name in ((0x08, "wrap"), (0x10, "nonlinear")) if field.flags & bit]
    told.append("no-preferred" if field.no_preferred else "preferred")
    told += ["nullstate"] if field.null_state else []
    told += ["volatile"] if field.kind != "input" and field.flags & 0x80 else []
    return told + (["buffered"] if field.flags & 0x100 else [])


def rows_of(field: Field) -> list[dict[str, Any]]:
    """One row per usage, as the tables have them."""
    row: dict[str, Any] = {"kind": field.kind, "report_id": field.report_id, "size": field.bit_size, "flags": flags_of(field)}
    row |= {"logical": [field.logical_min, field.logical_max], "app": name_of(field.path[0].usage) if field.path else "-"}
    if len(field.path) > 1:
        row["path"] = [name_of(one.usage) for one in field.path]
    if not field.variable:
        names = [name_of(usage) for usages in field.usages for usage in range(usages.first, usages.last + 1)]
        return [row | {"usage": names, "offset": field.bit_offset, "count": field.count}]
    return [row | {"usage": name_of(field.whole_usage), "offset": field.bit_offset, "count": field.count}]


def spread(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of several equal elements as that many rows, so that it does not matter how they were put together."""
    return [
        {name: value for name, value in row.items() if name != "usage_id"} | {"offset": row["offset"] + at * row["size"], "count": 1}
        for row in rows
        for at in range(row["count"])
    ]


def test_every_field_and_no_other(devices: list[dict[str, Any]]) -> None:
    for device in devices:
        descriptor = parse(bytes.fromhex(device["report_descriptor_hex"]))
        ours = [row for field in descriptor.fields if field.usages or field.whole_usage or not field.constant for row in rows_of(field)]
        assert spread(ours) == spread(device["fields"]), device["name"]
        assert {f"{kind}:{number}": bits for (kind, number), bits in descriptor.report_bits.items()} == device["report_payload_bits"]
        assert descriptor.notes == (), device["name"]


def expected(device: dict[str, Any]) -> dict[str, Any]:
    """What the contract makes of a table: the first in a telephony collection, by usage alone."""

    def first(kind: str, usage: int) -> dict[str, Any] | None:
        rows = [row for row in device["fields"] if row["kind"] == kind and row.get("usage_id") == f"0x{usage:08x}"]
        return next((row for row in rows if row["app"].startswith("Telephony/")), rows[0] if rows else None)

    def control(usage: int) -> dict[str, Any] | None:
        row = first("input", usage)
        mode = "toggle" if row and "rel" in row["flags"] else "level"
        return row and {"report_id": row["report_id"], "offset": row["offset"], "size": row["size"], "mode": mode}

    lamps = {"off_hook": 0x17, "mute": 0x09, "ring": 0x18, "hold": 0x20, "microphone": 0x21}
    found = {name: first("output", 0x080000 | usage) for name, usage in lamps.items()}
    return {
        "hook": control(0x0B0020),
        "mute": control(0x0B002F),
        "leds": {name: {"report_id": row["report_id"], "offset": row["offset"]} for name, row in found.items() if row},
    }


def test_hook_mute_and_lamps(devices: list[dict[str, Any]]) -> None:
    for device in devices:
        layout = layout_of(parse(bytes.fromhex(device["report_descriptor_hex"])))
        assert record(layout) == expected(device), device["name"]
        assert layout.telephony == (layout.hook is not None), device["name"]


def test_the_verb_tells_each(devices: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    for device in devices:
        assert main(["decode", "hid", device["report_descriptor_hex"], "--json"]) == 0
        out, err = capsys.readouterr()
        assert (json.loads(out), err) == (expected(device), "")


def test_cut_off_or_damaged_they_are_read_all_the_same(devices: list[dict[str, Any]]) -> None:
    for device in devices:
        raw = bytes.fromhex(device["report_descriptor_hex"])
        whole = parse(raw)
        for at in range(0, len(raw), 7):
            assert parse(raw[:at]).fields == whole.fields[: len(parse(raw[:at]).fields)]
            layout_of(parse(raw[:at] + bytes((raw[at] ^ 0xFF,)) + raw[at + 1 :]))
