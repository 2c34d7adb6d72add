"""A line monitor's records: call records, details, records from its memory, UDP packets; cut anywhere, and anything at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fxo.monitor_record import MAX_LINE, MonitorFeed, record_from_datagram, record_from_text

START = "01 I S 0000 G A1 12/17 04:54 PM 098-765-4321   ANA TORRES     "
STREAM = (START + "\r\n$02 I E 0276 G A3 12/17 12:05 AM 022345678    \r\n03 R             12/17 16:54:03\r\n").encode()


def test_call_records() -> None:
    told = record_from_text(START)
    assert told is not None
    assert (told.line, told.what, told.direction, told.checksum_ok, told.rings, told.ring_type) == (1, "start", "in", True, 1, "A")
    assert (told.date, told.time, told.number, told.name, told.duration_s) == ("12-17", "16:54", "098-765-4321", "ANA TORRES", 0)
    assert told.caller is not None
    assert told.caller.number == "098-765-4321"
    told = record_from_text("02 O E 0031 G A0 12/17 12:05 AM 022345678")
    assert told is not None
    assert (told.direction, told.what, told.duration_s, told.time, told.caller) == ("out", "end", 31, "00:05", None)


def test_abbreviated_and_held_records() -> None:
    told = record_from_text("$01 O S 0 10/14  18005550100")
    assert told is not None
    assert (told.line, told.direction, told.what, told.number, told.date, told.time) == (1, "out", "start", "18005550100", "10-14", None)
    told = record_from_text("* 0248 02 09/26 13:28 I E 0276 G A3 098-765-4321 ACME INFORMATION")
    assert told is not None
    assert (told.line, told.held, told.date, told.time, told.number, told.name) == (
        2,
        True,
        "09-26",
        "13:28",
        "098-765-4321",
        "ACME INFORMATION",
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "$02     12/17     04:54     PM     0987654321     I     ANA TORRES",
            (2, "in", "12-17", "16:54", "0987654321", "ANA TORRES", None),
        ),
        ("$02 12/17 12:05 AM 022345678 O", (2, "out", "12-17", "00:05", "022345678", None, None)),
        ("$03     12/17     04:54     PM     Private     I     ", (3, "in", "12-17", "16:54", None, None, "P")),
        ("03 12/17 04:54 PM Out of Area I", (3, "in", "12-17", "16:54", None, None, "O")),
        ("03 12/17 04:54 PM I", (3, "in", "12-17", "16:54", None, None, None)),
    ],
)
def test_the_limited_format(line: str, said: tuple[object, ...]) -> None:
    told = record_from_text(line)
    assert told is not None
    assert (told.line, told.direction, told.date, told.time, told.number, told.name, told.absent) == said
    assert (told.what, told.duration_s, told.checksum_ok) == ("start", None, None)


@pytest.mark.parametrize(("letter", "what"), [("R", "ring"), ("F", "off_hook"), ("N", "on_hook"), ("H", "flash")])
def test_details(letter: str, what: str) -> None:
    told = record_from_text(f"04 {letter}             12/17 16:54:03")
    assert told is not None
    assert (told.line, told.what, told.date, told.time) == (4, what, "12-17", "16:54")


@pytest.mark.parametrize(
    ("who", "absent", "name"),
    [("Private", "P", None), ("OUT OF AREA  ANA", "O", "ANA"), ("Out-of-Area    Out-of-Area", "O", None), ("", None, None)],
)
def test_callers_that_are_not_told(who: str, absent: str | None, name: str | None) -> None:
    told = record_from_text(f"01 I S 0000 B A1 12/17 04:54 PM {who}")
    assert told is not None
    assert (told.number, told.absent, told.name, told.checksum_ok) == (None, absent, name, False)


@pytest.mark.parametrize("line", ["", "V", "E c X d A o", "01 X S 0000", "I S 0000", "RING", "01 R 99", "ok"])
def test_other_lines(line: str) -> None:
    assert record_from_text(line) is None


def test_a_datagram() -> None:
    told = record_from_datagram(b"^^<U>\x00\x00\x00\x00\r\n<S>\x00\x00\x00\x84\x48\x84$" + START.encode())
    assert told is not None
    assert (told.line, told.unit, told.name) == (1, "000000000d0a", "ANA TORRES")
    for other in (b"", b"^^<U>12345<S>123456$" + START.encode(), START.encode(), b"^^<U>123456<S>123456$boot"):
        assert record_from_datagram(other) is None


def test_every_split_says_the_same() -> None:
    whole = MonitorFeed().feed(STREAM)
    assert [(told.line, told.what) for told in whole] == [(1, "start"), (2, "end"), (3, "ring")]
    for cut in range(len(STREAM) + 1):
        feed = MonitorFeed()
        assert feed.feed(STREAM[:cut]) + feed.feed(STREAM[cut:]) == whole
        assert feed.noise_bytes == 0


@given(st.lists(st.binary(max_size=400), max_size=6))
def test_anything_is_read_and_bounded(chunks: list[bytes]) -> None:
    feed = MonitorFeed()
    for chunk in chunks:
        for told in feed.feed(chunk):
            assert len(told.number or "") <= 32
        assert len(feed._rest) <= MAX_LINE
        record_from_datagram(chunk)


@given(st.text(alphabet="0123456789 IOSERFNHGB:/APM$*-", max_size=90))
def test_what_looks_like_a_record(text: str) -> None:
    told = record_from_text(text)
    assert told is None or 0 <= told.line <= 99
