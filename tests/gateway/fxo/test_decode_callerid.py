"""`callfloor decode callerid`: what the bytes are is told by their content alone, and every record has the members of the contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cid_encoder import formatted, mdmf, on_the_line, sdmf
from hypothesis import given
from hypothesis import strategies as st

from appliance.cli.main import main
from appliance.core.errors import CorruptError
from gateway.fxo.decode import records

MEMBERS = {"format", "checksum_ok", "date", "time", "number", "name", "absent"}
FULL = mdmf((0x01, b"12171654"), (0x02, b"7702637111"), (0x07, b"CALLER ID"))


def one(data: bytes | str) -> dict[str, Any]:
    (told,) = records(data.encode() if isinstance(data, str) else data)
    assert told.keys() >= MEMBERS
    return told


@pytest.mark.parametrize(
    "text",
    [
        FULL.hex(), FULL.hex(" "), FULL.hex(":").upper(), ", ".join(f"0x{byte:02X}" for byte in FULL), "\n".join(FULL.hex(" ")[at : at + 48] for at in range(0, 200, 48)),
        on_the_line(FULL).hex(), FULL, on_the_line(FULL), f"RING\r\n{FULL.hex()}\r\nRING\r\n",
    ],
)  # fmt: skip
def test_one_packet_however_it_is_written(text: str | bytes) -> None:
    told = one(text)
    assert {key: told[key] for key in MEMBERS} == {
        "format": "mdmf", "checksum_ok": True, "date": "12-17", "time": "16:54", "number": "7702637111", "name": "CALLER ID", "absent": None,
    }  # fmt: skip


def test_what_kind_it_is() -> None:
    assert one(sdmf("09301224", "P").hex())["format"] == "sdmf"
    assert one(mdmf((0x11, b"\x01"), (0x02, b"1234")).hex())["format"] == "etsi"
    assert one("A0987654321#")["format"] == one("B00C")["format"] == one("D0987654321C")["format"] == "dtmf"
    assert one("80987654321C")["number"] == "80987654321"  # hex, but no packet
    assert one(formatted())["format"] == "modem"
    assert one("01 I S 0000 G A1 12/17 04:54 PM 098-765-4321   ANA")["format"] == "monitor"
    assert one("$01     12/17     04:54     PM     0987654321     I     ANA")["number"] == "0987654321"
    assert one(b"^^<U>123456<S>123456$01 R             12/17 16:54:03")["what"] == "ring"


def test_a_bad_packet_says_so() -> None:
    told = one(sdmf("09301224", "P")[:-1].hex() + "12")
    assert (told["checksum_ok"], told["absent"]) == (False, "P")
    assert one(FULL[:-4].hex())["checksum_ok"] is False


def test_noise_that_begins_like_a_packet_hides_no_call() -> None:
    assert one(b"\xff\x80RING\r\n" + formatted(number="022345678"))["number"] == "022345678"
    assert one(b"\x04\x01\r\n$01 I S 0000 G A1 12/17 04:54 PM 098-765-4321   ANA")["line"] == 1
    assert one(sdmf("09301224", "5551234")[:-1] + b"\x01")["checksum_ok"] is False


def test_calls_of_a_recording() -> None:
    first, second, third = records(
        b"RING\r\n" + formatted(number="111") + b"RING\r\nRING\r\n" + formatted(number="P") + b"RING\r\n" + FULL.hex().encode()
    )
    assert (first["number"], first["rings"], second["absent"], third["number"]) == ("111", 3, "P", "7702637111")
    told = one("RING\r\n\r\nRING\r\n")
    assert (told["rings"], [told[key] for key in sorted(MEMBERS - {"format"})]) == (2, [None] * 6)


def test_several_packets() -> None:
    assert [told["number"] for told in records((on_the_line(FULL) + on_the_line(sdmf("01010101", "5551234"))).hex(" ").encode())] == [
        "7702637111",
        "5551234",
    ]
    assert [told["number"] for told in records(f"{FULL.hex()}\n\n{FULL.hex()}\n".encode())] == ["7702637111"] * 2


def test_nothing_of_the_kind() -> None:
    for text in (b"", b"\n", b"hola", b"f1=480@-24;"):
        with pytest.raises(CorruptError, match="nothing in them"):
            records(text)


@given(st.binary(max_size=300))
def test_anything(data: bytes) -> None:
    try:
        for told in records(data):
            json.dumps(told)
            assert told.keys() >= MEMBERS
    except CorruptError:
        pass


@given(st.text(alphabet="0123456789ABCDabcdef#*RINGDTEMH =\r\n:/$\x10", max_size=120))
def test_anything_of_their_letters(text: str) -> None:
    try:
        for told in records(text.encode()):
            assert told.keys() >= MEMBERS
    except CorruptError:
        pass


def test_the_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", "callerid", "A0987654321#"]) == 0
    assert json.loads(capsys.readouterr().out)["number"] == "0987654321"
    file = tmp_path / "call.jsonl"
    chunks = [{"capture": 1, "kind": "modem", "name": "linea-1", "started": "2026-11-21T14:00:00Z"}]
    file.write_text(
        "\n".join(json.dumps(each) for each in [*chunks, *({"t": 0.1, "data": part} for part in ("RI", "NG\r\nNMB", "R = 5551234\r\n"))])
    )
    assert main(["decode", "callerid", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["number"] == "5551234"
    assert main(["decode", "callerid", str(tmp_path / "none")]) == 1
