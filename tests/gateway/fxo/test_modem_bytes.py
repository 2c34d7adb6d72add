"""A voice modem's bytes: words, tags, DLE events, packets in hex; cut anywhere, with noise and with bytes lost."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from cid_encoder import formatted, mdmf, on_the_line, parameters
from hypothesis import given
from hypothesis import strategies as st

from gateway.fxo.caller_id import CallerId
from gateway.fxo.modem_bytes import MAX_LINE, Cadence, ModemFeed, Noise, Packet, Reading, Result, Ring, Shielded, Tag, Text
from gateway.fxo.modem_call import QUIET_NS, CallerFeed

PACKET = mdmf((0x01, b"12171654"), (0x02, b"0987654321"), (0x1A, b"0987654322"))
MORNING = (
    b"\r\nOK\r\n\r\nRING\r\n\r\n" + formatted("1015", "1310", "0987654321") + b"\r\nRING\r\n"
    b"\x10R" + formatted("0102", "0304", "P", "O", spaces=False) + b"RING\r\n\x10H\x10h\x10l"
    b"RING\r\n" + on_the_line(PACKET).hex().upper().encode() + b"\r\nDROF=40\r\nDRON=20\r\nRING B\r\nNO CARRIER\r\n5601\r\n"
)  # fmt: skip


def read(*chunks: bytes) -> list[Reading]:
    feed = ModemFeed()
    return [reading for chunk in chunks for reading in feed.feed(chunk)]


def callers(*chunks: bytes) -> list[CallerId]:
    feed, out = CallerFeed(), []
    for reading in read(*chunks):
        out += feed.feed(reading, 0)
    return out + feed.tick(QUIET_NS)


def test_words() -> None:
    assert read(b"\r\nRING\r\n\r\nOK\r\nERROR\r\nNO CARRIER\n") == [Ring(), Result("OK"), Result("ERROR"), Result("NO CARRIER")]
    assert [Result(word).ok for word in ("OK", "VCON", "ERROR")] == [True, True, False]
    assert read(b"DRON=20\r\nDROF = 40\r\nRING A\r\n") == [Cadence(True, 2000), Cadence(False, 4000), Ring()]
    assert read(b"DATE = 1015\r\nNMBR=5\r\nDDN_NMBR=7\r\n") == [Tag("DATE", b"1015"), Tag("NMBR", b"5"), Tag("DDN", b"7")]
    assert read(b"NAME = A = B\r\n") == [Tag("NAME", b"A = B")]
    assert read(b"USRobotics 56K FAX USB V1.2.30\r\n") == [Text("USRobotics 56K FAX USB V1.2.30")]


def test_events_behind_dle() -> None:
    assert read(b"\x10R\x10H\x10h\x10b\x10l\x105\x10\x10\x10\xe0") == [
        Ring(), Shielded("H"), Shielded("h"), Shielded("b"), Shielded("l"), Shielded("5"), Noise(2), Noise(2),
    ]  # fmt: skip
    assert read(b"DATE = 10\x10H15\r\n") == [Shielded("H"), Tag("DATE", b"1015")]  # an event within a line


def test_a_call_never_needs_a_name() -> None:
    (told,) = callers(b"RING\r\n\r\n" + formatted(name=None) + b"\r\nRING\r\n")
    assert (told.number, told.name, told.date, told.time) == ("0987654321", None, "10-15", "13:10")
    (told,) = callers(b"RING\r\nNMBR = 0987654321\r\n")
    assert told.number == "0987654321"
    (told,) = callers(b"DATE = 1015\r\nTIME = 1310\r\n")
    assert told.number is None
    assert callers(b"RING\r\n\r\nRING\r\n") == []


def test_two_callers_without_a_ring_between() -> None:
    first, second = callers(formatted(number="111111") + formatted(number="222222"))
    assert (first.number, second.number) == ("111111", "222222")


@pytest.mark.parametrize(
    ("value", "number", "absent"),
    [("P", None, "P"), ("O", None, "O"), ("PRIVATE", None, "P"), ("OUT OF AREA", None, "O"), ("", None, None), ("-", None, None)],
)
def test_numbers_that_are_none(value: str, number: str | None, absent: str | None) -> None:
    (told,) = callers(formatted(number=value))
    assert (told.number, told.absent) == (number, absent)


def test_a_name_may_hold_anything() -> None:
    (told,) = callers(formatted(name="A=B \x01 Peña; DROP"))
    assert told.name == "A=B Peña; DROP"
    (told,) = callers(formatted(name="O"))
    assert told.name is None


def test_what_the_modem_does_not_know_it_prints_as_hex() -> None:
    (told,) = callers(b"NMBR = 5551234\r\nMESG = " + parameters((0x1A, b"5559999")).hex().encode() + b"7F\r\n")
    assert (told.number, told.redirect) == ("5551234", "5559999")
    (told,) = callers(b"NMBR = 5551234\r\nMESG = " + PACKET.hex().encode() + b"\r\n")
    assert told.redirect == "0987654322"
    for junk in (b"MESG = 99\r\n", b"MESG = zz\r\n", b"MESG =\r\n", b"MESG = 1AFF35\r\n"):
        (told,) = callers(b"NMBR = 5551234\r\n" + junk)
        assert (told.number, told.redirect) == ("5551234", None)


def test_whole_packets_in_hex() -> None:
    assert read(PACKET.hex().encode() + b"\r\n") == [Packet(PACKET)]
    (told,) = callers(b"RING\r\n" + on_the_line(PACKET).hex().encode() + b"\r\n")
    assert (told.format, told.checksum_ok, told.number, told.redirect) == ("etsi", True, "0987654321", "0987654322")


def test_digits_from_the_modem() -> None:
    (told,) = callers(b"".join(b"\x10" + bytes((key,)) for key in b"A0987654321C"))
    assert (told.format, told.number) == ("dtmf", "0987654321")


def test_every_split_says_the_same() -> None:
    whole, said = read(MORNING), callers(MORNING)
    assert [caller.number for caller in said] == ["0987654321", None, "0987654321"]
    for cut in range(len(MORNING) + 1):
        assert read(MORNING[:cut], MORNING[cut:]) == whole
    assert read(*(MORNING[at : at + 1] for at in range(len(MORNING)))) == whole


@given(st.lists(st.integers(0, len(MORNING)), max_size=12))
def test_many_splits_say_the_same(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(MORNING)]
    assert callers(*(MORNING[a:b] for a, b in pairwise(edges))) == callers(MORNING)


@pytest.mark.parametrize("line", [b"RIN\xe7", b"ING", b"RNG", b"RRING", b"R\x00ING", b"RIMG", b"RI~G"])
def test_a_damaged_ring_still_rings(line: bytes) -> None:
    assert read(line + b"\r\n") == [Ring(sure=False)]


@pytest.mark.parametrize("line", [b"OK", b"RI", b"ERROR", b"NAME", b"R\xffN\xffG", b"\xff\xfe\xfd\xfc"])
def test_what_is_no_ring(line: bytes) -> None:
    assert not any(isinstance(each, Ring) for each in read(line + b"\r\n"))


def test_damaged_tags() -> None:
    assert read(b"DATF = 1015\r\nNMB = 5\r\nNAM\xff=X\r\n") == [Tag("DATE", b"1015"), Tag("NMBR", b"5"), Tag("NAME", b"X")]
    assert read(b"DAME = 1\r\n") == [Text("DAME = 1")]  # as near to DATE as to NAME
    (told,) = callers(b"NMBR = 09876\xff4321\r\n")
    assert told.number is None  # a number with a hole is none


def test_noise_is_counted_and_bounded() -> None:
    feed = ModemFeed()
    assert feed.feed(b"\xff\xfe\r\n") == [Noise(2)]
    assert feed.feed(b"x" * 5000) == [Noise(5000)]
    for _ in range(50):
        assert feed.feed(b"y" * 5000) == []
        assert len(feed._rest) <= MAX_LINE
    assert feed.feed(b"\r\nRING\r\n") == [Ring()]
    assert feed.noise_bytes == 2 + 51 * 5000


def test_one_byte_in_a_hundred_is_noise() -> None:
    """Of a thousand rings hardly one is missed, none is made up, and every number that is told is one that was sent."""
    dice = random.Random(7)
    call = b"\r\nRING\r\n\r\n" + formatted("1015", "1310", "0987654321", "ANA") + b"\r\nRING\r\n"
    stream = bytes(dice.randrange(256) if dice.random() < 0.01 else each for each in call * 500)
    heard = read(stream)
    rings = sum(isinstance(each, Ring) for each in heard)
    assert 985 <= rings <= 1015
    numbers = [caller.number for caller in callers(stream)]
    assert len(numbers) >= 450
    assert numbers.count("0987654321") >= 0.85 * 500


def test_one_byte_in_a_hundred_is_lost() -> None:
    dice = random.Random(8)
    call = b"\r\nRING\r\n\r\n" + formatted("1015", "1310", "0987654321", "ANA") + b"\r\nRING\r\n"
    stream = bytes(each for each in call * 500 if dice.random() >= 0.01)
    assert 985 <= sum(isinstance(each, Ring) for each in read(stream)) <= 1000
    numbers = [caller.number for caller in callers(stream)]
    assert len(numbers) >= 490
    assert numbers.count("0987654321") >= 0.85 * 500


@given(st.lists(st.binary(max_size=700), max_size=8))
def test_anything_is_read_and_bounded(chunks: list[bytes]) -> None:
    feed, into = ModemFeed(), CallerFeed()
    for chunk in chunks:
        for reading in feed.feed(chunk):
            for caller in into.feed(reading, 0):
                assert len(caller.number or "") <= 32
        assert len(feed._rest) <= MAX_LINE
    into.tick(10 * QUIET_NS)
    assert into.due_ns is None


@given(
    st.lists(
        st.sampled_from(
            [b"RING", b"DATE = 1015", b"NMBR = 5", b"\x10", b"R", b"\r", b"\n", b"=", b"\x10\x10", b"80", b"DRON=", b"9" * 700]
        ),
        max_size=40,
    ),
    st.data(),
)
def test_pieces_of_the_language_split_anywhere(pieces: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(pieces) + b"\r\n"
    cut = data.draw(st.integers(0, len(stream)))
    whole, parts = read(stream), read(stream[:cut], stream[cut:])
    assert [each for each in parts if type(each) is not Noise] == [each for each in whole if type(each) is not Noise]
