"""Packets: SDMF, MDMF and ETSI as an encoder of ours builds them, their checksum, and streams that are cut anywhere or damaged."""

from __future__ import annotations

import pytest
from cid_encoder import mdmf, on_the_line, packet, parameters, sdmf
from hypothesis import given
from hypothesis import strategies as st

from gateway.fxo.caller_id import MAX_NUMBER, MAX_TEXT, number_from
from gateway.fxo.message import PacketFeed, caller_from_packet, checksum_of, is_good, packets_from

FULL = mdmf((0x01, b"12171654"), (0x02, b"7702637111"), (0x07, b"CALLER ID"))


def test_single_message() -> None:
    told = caller_from_packet(sdmf("09301224", "0987654321"))
    assert (told.format, told.checksum_ok, told.date, told.time, told.number, told.absent) == (
        "sdmf",
        True,
        "09-30",
        "12:24",
        "0987654321",
        None,
    )
    assert caller_from_packet(sdmf("09301224", "P")).absent == "P"
    assert caller_from_packet(sdmf("09301224", "O")).absent == "O"
    assert caller_from_packet(sdmf("09301224", "")).number is None
    assert caller_from_packet(packet(0x06, b"\x42\x42\x42")).messages == 1
    assert caller_from_packet(packet(0x06, b"\x6f\x6f\x6f")).messages == 0


def test_the_copied_vectors_that_fail_their_checksum() -> None:
    """Private SDMF is published with 12H where 0EH is right, private MDMF with 7DH: both are told as bad, and neither is believed."""
    single = sdmf("09301224", "P")
    assert single[-1] == 0x0E
    told = caller_from_packet(single[:-1] + b"\x12")
    assert (told.checksum_ok, told.absent, told.tells) == (False, "P", False)
    multiple = mdmf((0x01, b"09301224"), (0x04, b"P"), (0x08, b"P"))
    assert multiple[-1] != 0x7D
    told = caller_from_packet(multiple[:-1] + b"\x7d")
    assert (told.checksum_ok, told.absent, told.name, told.tells) == (False, "P", None, False)


def test_multiple_message_in_any_order() -> None:
    told = caller_from_packet(mdmf((0x07, b"ANA"), (0x99, b"?"), (0x02, b"022345678"), (0x01, b"01020304")))
    assert (told.format, told.number, told.name, told.date, told.time) == ("mdmf", "022345678", "ANA", "01-02", "03:04")
    for letter, absent in {b"P": "P", b"O": "O", b"C": "O", b"S": "O", b"I": "O"}.items():
        told = caller_from_packet(mdmf((0x04, letter), (0x08, letter)))
        assert (told.number, told.name, told.absent) == (None, None, absent)
    told = caller_from_packet(mdmf((0x02, b"022345678"), (0x02, b"999"), (0x07, "Peña\x01".encode("latin-1"))))
    assert (told.number, told.name) == ("022345678", "Peña")
    assert caller_from_packet(packet(0x82, parameters((0x0B, b"\xff")))).messages == 1


def test_etsi() -> None:
    told = caller_from_packet(
        mdmf((0x11, b"\x01"), (0x01, b"12171654"), (0x02, b"02079460000"), (0x12, b"02079460001"), (0x1A, b"02079460002"))
    )
    assert (told.format, told.call_type, told.number, told.dialled, told.redirect) == (
        "etsi",
        "voice",
        "02079460000",
        "02079460001",
        "02079460002",
    )
    assert caller_from_packet(mdmf((0x11, b"\x81"), (0x13, b"\x03"))).messages == 3
    assert caller_from_packet(mdmf((0x50, b"HOLA"), (0x04, b"O"))).name == "HOLA"
    assert caller_from_packet(packet(0x86, parameters((0x20, b"1.20")))).format == "etsi"


def test_bodies_that_lie() -> None:
    """A parameter that runs over the end is left out; a length that does not fit is a bad packet."""
    told = caller_from_packet(packet(0x80, parameters((0x02, b"0987")) + b"\x07\x50AB"))
    assert (told.checksum_ok, told.number, told.name) == (True, "0987", None)
    assert caller_from_packet(FULL[:-1]).checksum_ok is False
    assert caller_from_packet(FULL + b"\0").checksum_ok is False
    for short in (b"", b"\x80", b"\x80\x05", b"\x04\x00"):
        assert caller_from_packet(short).checksum_ok is False


@pytest.mark.parametrize("at", range(len(FULL)))
def test_every_changed_byte_is_noticed(at: int) -> None:
    damaged = bytearray(FULL)
    damaged[at] ^= 0x20
    assert not is_good(bytes(damaged))


def test_recorded_bytes_hold_several() -> None:
    bad = sdmf("09301224", "P")[:-1] + b"\x12"
    data = on_the_line(FULL) + b"\xff\x04\x99" + on_the_line(sdmf("09301224", "P")) + on_the_line(bad)
    assert list(packets_from(data)) == [FULL, sdmf("09301224", "P"), bad]
    assert list(packets_from(b"\x80\xff" + FULL)) == [FULL]  # a beginning that was noise
    assert list(packets_from(FULL[:10])) == [FULL[:10]]


@given(st.data())
def test_a_stream_may_be_cut_anywhere(data: st.DataObject) -> None:
    sent = [FULL, sdmf("09301224", "P"), mdmf((0x11, b"\x01"), (0x04, b"O"))]
    stream = b"".join(on_the_line(each) for each in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    feed = PacketFeed()
    out = [each for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True) for each in feed.feed(stream[start:end])]
    assert (out, feed.noise_bytes) == (sent, 0)


def test_every_split_of_a_packet() -> None:
    for cut in range(len(FULL) + 1):
        feed = PacketFeed()
        assert feed.feed(FULL[:cut]) + feed.feed(FULL[cut:]) == [FULL]


def test_a_false_beginning_holds_nothing_for_ever() -> None:
    feed = PacketFeed()
    assert feed.feed(b"\x80\xf0" + FULL) == []
    assert feed.quiet() == [FULL]
    assert feed.noise_bytes == 2
    assert feed.feed(FULL) == [FULL]


@given(st.lists(st.binary(max_size=400), max_size=6))
def test_a_stream_of_anything_stays_bounded(chunks: list[bytes]) -> None:
    feed = PacketFeed()
    for chunk in chunks:
        for told in feed.feed(chunk):
            assert is_good(told)
        assert len(feed._buffer) <= 258
    feed.quiet()
    assert not feed._buffer


@given(st.binary(max_size=300))
def test_a_packet_of_anything_is_read_and_bounded(raw: bytes) -> None:
    told = caller_from_packet(raw)
    assert told.checksum_ok == is_good(raw)
    assert len(told.number or "") <= MAX_NUMBER
    assert len(told.name or "") <= MAX_TEXT
    assert (told.name or "").isprintable()


@given(st.binary(max_size=250))
def test_the_checksum_closes_the_sum(body: bytes) -> None:
    assert is_good(packet(0x80, body))
    assert checksum_of(b"\x80" + bytes((len(body),)) + body) == packet(0x80, body)[-1]


@given(st.text(max_size=60))
def test_a_number_is_one_or_none(text: str) -> None:
    number, absent = number_from(text)
    assert number is None or (absent is None and number.isascii() and any(c.isdigit() for c in number))
