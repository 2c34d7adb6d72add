"""The Alpha sign protocol, byte by byte: frames checked by hand against the specification, any bytes at all, every split."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.errors import CorruptError
from drivers import alpha_command as cmd
from drivers.alpha_frame import MAX_FRAME_BYTES, Decoder, Frame, Noise, Packet, checksum_of, frame_of, records_from_bytes
from drivers.alpha_letters import bytes_from_text
from drivers.alpha_record import records
from drivers.alpha_reply import (
    acknowledged_from_bytes,
    answer_from_frame,
    errors_from_answer,
    general_info_from_answer,
    memory_from_answer,
)
from drivers.alpha_text import (
    COLOURS,
    MODES,
    POSITIONS,
    SPECIALS,
    Segment,
    call_string,
    colour,
    letters,
    segment,
    segments_from_bytes,
    shown_from_bytes,
    speed,
)

BEFORE = "00 00 00 00 00 01 5A 30 30 02 "


def hold(data: bytes, mode: str = "hold") -> tuple[Segment, ...]:
    return (segment(data, mode),)


#: What is meant, and the frame, written out by hand.
BY_HAND: list[tuple[str, cmd.Command, str]] = [
    ("hold, green, in the priority file", cmd.WriteText("0", hold(colour("green") + b"COLA 7")), BEFORE + "41 30 1B 20 62 1C 32 43 4F 4C 41 20 37 04"),
    ("release of the priority file", cmd.WriteText("0"), BEFORE + "41 30 04"),
    (
        "memory: A TEXT of 256, a STRING of 16",
        cmd.Memory((cmd.text_file("A", 256), cmd.string_file("a", 16))),
        BEFORE + "45 24 41 41 4C 30 31 30 30 46 46 46 46 61 42 4C 30 30 31 30 30 30 30 30 04",
    ),
    ("memory cleared", cmd.Memory(), BEFORE + "45 24 04"),
    (
        "TEXT A calls STRING a",
        cmd.WriteText("A", hold(letters("Espera: ") + call_string("a"))),
        BEFORE + "41 41 1B 20 62 45 73 70 65 72 61 3A 20 10 61 04",
    ),
    ("STRING a", cmd.WriteString("a", letters("05:12")), BEFORE + "47 61 30 35 3A 31 32 04"),
    ("only A runs", cmd.RunSequence("S", locked=False, labels="A"), BEFORE + "45 2E 53 55 41 04"),
    ("14:37", cmd.set_time("1437"), BEFORE + "45 20 31 34 33 37 04"),
    ("24 hours", cmd.time_format(hours=24), BEFORE + "45 27 4D 04"),
    ("12 hours", cmd.time_format(hours=12), BEFORE + "45 27 53 04"),
    ("three beeps", cmd.Tone("1"), BEFORE + "45 28 31 04"),
    ("soft reset", cmd.soft_reset(), BEFORE + "45 2C 04"),
    ("Saturday", cmd.set_day(7), BEFORE + "45 26 37 04"),
    ("21 November 2026", cmd.set_date("112126"), BEFORE + "45 3B 31 31 32 31 32 36 04"),
    ("acknowledgements", cmd.ack_mode(on=True), BEFORE + "45 73 31 04"),
    ("silent", cmd.speaker(on=False), BEFORE + "45 21 46 46 04"),
    ("address 07", cmd.set_address("07"), BEFORE + "45 37 30 37 04"),
    ("no error any more", cmd.clear_error(), BEFORE + "45 34 04"),
    ("read general information", cmd.ReadSpecial('"'), BEFORE + "46 22 04"),
    ("read STRING a", cmd.Read("H", "a"), BEFORE + "48 61 04"),
    ("rotate, with an accent", cmd.WriteText("A", hold(letters("Atención"), "rotate")), BEFORE + "41 41 1B 20 61 41 74 65 6E 63 69 08 42 6E 04"),
    (
        "two segments, snow and the clock",
        cmd.WriteText("A", (segment(b"1", "snow", "top"), segment(speed(3) + b"\x13", "roll_up", "fill"))),
        BEFORE + "41 41 1B 22 6E 32 31 1B 30 65 17 13 04",
    ),
    ("a small picture is passed through", cmd.WriteDots("I", "p", b"0201\r10\r"), BEFORE + "49 70 30 32 30 31 0D 31 30 0D 04"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "text"), [pytest.param(command, text, id=name) for name, command, text in BY_HAND])
def test_by_hand(command: cmd.Command, text: str) -> None:
    raw = bytes.fromhex(text)
    assert frame_of(command.body).raw == raw
    (frame,) = records_from_bytes(raw)
    assert isinstance(frame, Frame)
    assert [cmd.command_from_body(packet.body) for packet in frame.packets] == [command]
    assert (frame.type, frame.address, frame.nuls) == ("Z", "00", 5)
    ((told),) = records(raw)
    assert "irregular" not in json.dumps(told)


def test_checksum_and_address() -> None:
    frame = frame_of(b"Ga05:12", address="0?", kind="^", checksum=True)
    assert frame.raw.hex(" ").upper() == "00 00 00 00 00 01 5E 30 3F 02 47 61 30 35 3A 31 32 03 30 31 41 46 04"
    (again,) = records_from_bytes(frame.raw)
    assert isinstance(again, Frame)
    assert (again.type, again.address, again.packets[0].checksum_ok) == ("^", "0?", True)
    (spoilt,) = records_from_bytes(frame.raw.replace(b"12", b"13"))
    assert isinstance(spoilt, Frame)
    assert spoilt.packets[0].checksum_ok is False
    assert [part["packets"][0]["checksum_ok"] for part in records(spoilt.raw)] == [False]


def test_nested_packets_end_in_etx() -> None:
    frame = frame_of(b"Ga1", b"Gb2")
    assert frame.raw.hex(" ").upper() == BEFORE + "47 61 31 03 02 47 62 32 03 04"
    assert records_from_bytes(frame.raw) == [frame]
    assert frame_of(b"Ga1", b"Gb2", checksum=True).packets[1].tail == checksum_of(b"Gb2")


def test_a_framing_byte_in_a_command_is_refused() -> None:
    for byte in (1, 2, 3, 4):
        with pytest.raises(CorruptError, match="framing byte"):
            frame_of(b"AA" + bytes((byte,)))
    with pytest.raises(CorruptError, match="empty"):
        frame_of(b"")


# Letters.


@pytest.mark.parametrize(
    ("text", "seven", "eight"),
    [
        ("áéíóúñü", "08 40 08 22 08 41 08 42 08 43 08 44 08 21", "A0 82 A1 A2 A3 A4 81"),
        ("ÁÉÍÑÜ", "08 5A 08 30 08 5F 08 45 08 3A", "BA 90 BF A5 9A"),
        ("¿¡ªº°", "08 48 08 4A 08 46 08 47 08 49", "A8 AA A6 A7 A9"),
        ("ãõçâêôà", "08 5D 08 61 08 27 08 23 08 28 08 33 08 25", "BD C1 87 83 88 93 85"),
        ("ÃÕÇÊÀ", "08 5C 08 60 08 20 08 5E 08 5B", "BC C0 80 BE BB"),
    ],
)
def test_letters_of_spanish_and_portuguese(text: str, seven: str, eight: str) -> None:
    assert bytes_from_text(text).data.hex(" ").upper() == seven
    assert bytes_from_text(text, eight_bit=True).data.hex(" ").upper() == eight
    assert shown_from_bytes(bytes.fromhex(seven)).text == shown_from_bytes(bytes.fromhex(eight)).text == text


@pytest.mark.parametrize(
    ("text", "drawn", "replaced"),
    [
        ("ÓÚÂÔÈ Šš", "OUAOE Ss", 0),
        ("No\u0301 n\u0303", "Nó ñ", 0),
        ("a\u00a0b–c…~“d”", 'a b-c...-"d"', 0),
        ("😀 ok 👍🏽", "? ok ??", 3),
        ("مرحبا\u202e", "?????", 5),
        ("a\x00\x01\x04\x1b\x7fb\r\nc\u200bd", "ab  cd", 0),
        ("\U0001d7d9ﬁ", "1fi", 0),
    ],
)
def test_what_has_no_letter(text: str, drawn: str, replaced: int) -> None:
    sent = bytes_from_text(text)
    assert (shown_from_bytes(sent.data).text, sent.replaced, sent.cut) == (drawn, replaced, 0)


def test_ten_kilobytes_are_cut_and_counted() -> None:
    sent = bytes_from_text("ñandú " * 2000, room=125)
    assert len(sent.data) <= 125
    assert sent.data.endswith(b"...")
    assert sent.cut > 11_000
    assert bytes_from_text("añadir", room=2).data == b"a"
    assert bytes_from_text("añadir", room=7) == bytes_from_text("añadir")


@given(st.text(max_size=300), st.booleans(), st.none() | st.integers(0, 130))
def test_any_text_is_bounded_and_free_of_control(text: str, eight_bit: bool, room: int | None) -> None:
    sent = bytes_from_text(text, eight_bit=eight_bit, room=room)
    assert room is None or len(sent.data) <= room
    assert shown_from_bytes(sent.data).codes == ()
    assert "\ufffd" not in shown_from_bytes(sent.data).text
    if not eight_bit:
        assert max(sent.data, default=0) < 0x7F
    frame_of(b"A0" + sent.data)


# The frame decoder.

BYTES = st.lists(st.sampled_from([0, 1, 2, 3, 4, 0x1B, *b"AZ0G$E"]), max_size=60).map(bytes) | st.binary(max_size=60)


@given(st.lists(BYTES, max_size=5))
def test_any_bytes_come_back_whatever_the_split(parts: list[bytes]) -> None:
    decoder = Decoder()
    out = [record for part in parts for record in decoder.feed(part)] + decoder.close()
    whole = b"".join(parts)
    assert b"".join(record.raw for record in out) == whole
    assert out == records_from_bytes(whole)
    for record in out:
        if isinstance(record, Frame):
            assert all(cmd.command_from_body(packet.body).body == packet.body for packet in record.packets)
    json.dumps(list(records(whole)))


@given(st.binary(max_size=40))
def test_any_command_is_kept(body: bytes) -> None:
    for letter in (b"", b"AA", b"G", b"E$", b"E.", b"E(", b"F", b"H", b"I"):
        assert cmd.command_from_body(letter + body).body == letter + body
    parts = segments_from_bytes(body)
    assert b"".join(part.head + part.data for part in parts) == body
    shown_from_bytes(body)


BODIES = st.binary(min_size=1, max_size=30).map(lambda raw: bytes(byte for byte in raw if byte > 4)).filter(bool)


@given(st.lists(BODIES, min_size=1, max_size=4), st.booleans(), st.sampled_from(["00", "0?", "7F"]), st.sampled_from("Z!^0"))
def test_decode_is_the_inverse_of_encode(bodies: list[bytes], checksum: bool, address: str, kind: str) -> None:
    frame = frame_of(*bodies, address=address, kind=kind, checksum=checksum)
    assert records_from_bytes(frame.raw) == [frame]
    assert (frame.address, frame.type) == (address, kind)
    if checksum:
        assert {packet.checksum_ok for packet in frame.packets} == {True}


@given(
    st.lists(
        st.builds(
            segment,
            st.text("añÑ ¿b", max_size=8).map(letters),
            st.sampled_from([*(name for key, name in MODES.items() if key != "n"), *SPECIALS.values()]),
            st.sampled_from(list(POSITIONS.values())),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_text_files(parts: list[Segment]) -> None:
    command = cmd.WriteText("A", tuple(parts))
    assert cmd.command_from_body(command.body) == command
    assert [part.fault for part in parts] == [None] * len(parts)


def test_noise_of_megabytes_is_given_out_piece_by_piece() -> None:
    frame = frame_of(b"Ga1")
    decoder = Decoder()
    noise = [record for _ in range(64) for record in decoder.feed(b"\x00\xff\x02" * 20_000)]
    assert {type(record) for record in noise} == {Noise}
    assert max(len(record.raw) for record in noise) <= MAX_FRAME_BYTES
    endless = decoder.feed(b"\x01Z00\x02" + b"x" * 3_000_000)
    assert max(len(record.raw) for record in endless) <= MAX_FRAME_BYTES
    assert decoder.feed(frame.raw)[-1] == frame
    assert decoder.close() == []


def test_a_frame_that_another_cuts_off() -> None:
    first, second = frame_of(b"AAhola"), frame_of(b"Ga1")
    out = records_from_bytes(b"\r\n" + first.raw[:-1] + second.raw)
    assert out == [Noise(b"\r\n"), Frame(b"Z00", (Packet(b"AAhola"),), 5, ended=False), second]
    assert "cut off" in str(list(records(first.raw[:-1])))


# What signs answer.


def answer(body: bytes, nuls: int = 20) -> Frame:
    (frame,) = records_from_bytes(bytes(nuls) + b"\x01000\x02" + body + b"\x03" + checksum_of(body) + b"\x04")
    assert isinstance(frame, Frame)
    return frame


@pytest.mark.parametrize("revision", ["", "B"])
def test_general_information_is_read_from_both_ends(revision: str) -> None:
    told = answer_from_frame(answer(f'E"10364401{revision}05080912M006A97,69AB'.encode()))
    assert told is not None
    info = general_info_from_answer(told)
    assert (info.firmware, info.revision, info.released, info.clock, info.hours, info.speaker) == (
        "10364401",
        revision,
        "0508",
        "0912",
        "24",
        True,
    )
    assert (info.pool_bytes, info.free_bytes) == (0x6A97, 0x69AB)


@pytest.mark.parametrize("body", [b'E"', b'E"1,2', b'E"10364401BB05080912M006A97,69AB', b'E"1036440105080912X006A97,69AB', b"E$", b"Gaxx"])
def test_what_is_no_general_information(body: bytes) -> None:
    with pytest.raises(CorruptError, match="general information"):
        general_info_from_answer(cmd.command_from_body(body))


def test_memory_table_and_errors() -> None:
    table = cmd.Memory((cmd.text_file("A", 512), cmd.string_file("a", 32), cmd.File("p", "dots", locked=False, size=0x0707, extra="4000")))
    told = answer_from_frame(answer(table.body))
    assert told is not None
    assert memory_from_answer(told) == table
    assert memory_from_answer(cmd.WriteString("a", b"1")) is None
    assert answer_from_frame(frame_of(table.body)) is None  # from the host
    assert answer_from_frame(records_from_bytes(answer(b"Ga1").raw.replace(b"a1", b"a2"))[0]) is None  # type: ignore[arg-type]
    assert errors_from_answer(cmd.command_from_body(b"E*P")) == ("bad checksum",)
    with pytest.raises(CorruptError, match="error status"):
        errors_from_answer(cmd.command_from_body(b"E*"))


def test_acknowledgements() -> None:
    assert acknowledged_from_bytes(b"\x06@") == acknowledged_from_bytes(b"\x06")
    refused = acknowledged_from_bytes(b"\x15`")
    assert refused is not None
    assert (refused.ok, refused.errors) == (False, ("illegal command or label",))
    assert acknowledged_from_bytes(b"hola") is None


def test_codes_are_told_apart_from_letters() -> None:
    data = (
        colour("red")
        + b"a\x07"
        + b"1b\x10c\x13\r\x0b3\x0c\x08\x1c\x08\x7b\x1a3\x1d01\x1e0\x14p\x19"
        + b"\x1cZFF0000x"
        + b"\x0f\xff\x08\x7f\x05"
    )
    shown = shown_from_bytes(data)
    assert shown.text == "ab\n\fx\ufffd"
    told: list[tuple[str, Any]] = [(code.code, code.value) for code in shown.codes]
    assert told == [
        ("colour", "red"), ("flash", "1"), ("string", "c"), ("time", ""), ("line", ""), ("date", "3"), ("page", ""), ("temperature", "celsius"),
        ("counter", "2"), ("font", "3"), ("attribute", "01"), ("spacing", "0"), ("dots", "p"), ("speed", "5"), ("colour", "ZFF0000"),
        ("unknown", "0F"), ("unknown", "08 7F"), ("cut_off", "05"),
    ]  # fmt: skip
    assert sorted(COLOURS) == list("123456789ABC")
