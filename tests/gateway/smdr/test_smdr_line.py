"""Lines out of a printer port's bytes: every ending, noise, a wrong framing, Telnet's words, no bound broken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smdr.line import MAX_LINE_BYTES, Splitter


def lines(data: bytes, *, flush: bool = True) -> list[str]:
    splitter = Splitter()
    return splitter.feed(data) + (splitter.flush() if flush else [])


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"\n\r", b"\0", b"\r\n\0\0\0", b"\f", b"\r\n\f\r\n", b"\r\r\n"])
def test_every_ending(end: bytes) -> None:
    assert lines(b"one" + end + b"two" + end, flush=False) == ["one", "two"]


def test_blanks_are_columns_but_a_line_of_them_is_none() -> None:
    assert lines(b"   a  b  \r\n   \r\n") == ["   a  b  "]


def test_the_last_line_needs_no_end_where_nothing_more_comes() -> None:
    splitter = Splitter()
    assert splitter.feed(b"one\r\ntwo") == ["one"]
    assert splitter.pending
    assert splitter.flush() == ["two"]
    assert not splitter.pending


def test_seven_bits_read_as_eight() -> None:
    text = b"11/21/26 10:03AM 1200 01 5551234 00:01'05\r\n"
    for parity in (0, 1):
        wire = bytes(byte | 0x80 if byte.bit_count() % 2 != parity else byte for byte in text)
        assert lines(wire) == [text.decode().rstrip()]


def test_noise_is_taken_out_and_counted() -> None:
    splitter = Splitter()
    assert splitter.feed(b"11\x01/21\x7f\r\nNu\xf1ez\r\n") == ["11/21", "Nuñez"]
    assert splitter.noisy == 1


def test_what_telnet_says_is_no_text() -> None:
    assert lines(b"\xff\xfb\x01\xff\xfd\x03abc\r\n\xff\xf1def\r\n") == ["abc", "def"]


def test_a_line_without_end_is_dropped_and_the_next_one_read() -> None:
    splitter = Splitter()
    for _ in range(100):
        assert splitter.feed(b"x" * 1000) == []
    assert splitter.feed(b"\r\nnext\r\n") == ["next"]
    assert splitter.overlong == 1


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=6))
def test_lines_do_not_depend_on_the_pieces(data: bytes, cuts: list[int]) -> None:
    whole, pieces = Splitter(), Splitter()
    out, begin = [], 0
    for cut in [*sorted(cuts), len(data)]:
        out += pieces.feed(data[begin : max(begin, cut)])
        begin = max(begin, cut)
    assert out + pieces.flush() == whole.feed(data) + whole.flush()
    assert (pieces.noisy, pieces.overlong) == (whole.noisy, whole.overlong)


@given(st.lists(st.binary(max_size=MAX_LINE_BYTES), max_size=8))
def test_what_is_kept_is_bounded(pieces: list[bytes]) -> None:
    splitter = Splitter()
    for piece in pieces:
        for line in splitter.feed(piece):
            assert 0 < len(line) <= MAX_LINE_BYTES
            assert line.strip()
        assert len(splitter._rest) <= MAX_LINE_BYTES
