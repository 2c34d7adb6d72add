"""DTMF sequences: the national framings, digits one by one, and digits of anything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fxo.clip import END_NS, DigitFeed, caller_from_digits, is_clip

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("digits", "number", "absent", "redirect", "variant"),
    [
        ("A0987654321C", "0987654321", None, None, "A..C"),
        ("A0987654321#", "0987654321", None, None, "A..#"),
        ("D0987654321C", "0987654321", None, None, "D..C"),
        ("0987654321#", "0987654321", None, None, "..#"),
        ("A5551234D5555678B10C", "5551234", None, "5555678", "A..D..B..C"),
        ("B00C", None, "O", None, "B..C"),
        ("B10C", None, "P", None, "B..C"),
        ("D1#", None, "P", None, "D.#"),
        ("D2#", None, "O", None, "D.#"),
        ("D3#", None, "O", None, "D.#"),
        ("AC", None, "O", None, "AC"),
        ("A0987654321", "0987654321", None, None, "A.."),
    ],
)
def test_framings(digits: str, number: str | None, absent: str | None, redirect: str | None, variant: str) -> None:
    told = caller_from_digits(digits)
    assert told is not None
    assert (told.number, told.absent, told.redirect, told.variant) == (number, absent, redirect, variant)


def test_what_is_none() -> None:
    assert [caller_from_digits(text) for text in ("", "C", "##", "hola")] == [None] * 4
    assert [is_clip(text) for text in ("A12#", "B00C", "04 12 30C", "A12", "RING", "C")] == [True, True, True, False, False, False]


def test_digits_one_by_one() -> None:
    feed, now = DigitFeed(), 0
    for digit in "A0987654321":
        now += SECOND // 10
        assert feed.feed(digit, now) is None
    told = feed.feed("C", now)
    assert told is not None
    assert told.number == "0987654321"
    assert feed.due_ns is None


def test_digits_that_stop() -> None:
    feed = DigitFeed()
    for digit in "A09876":
        feed.feed(digit, 0)
    assert feed.due_ns == END_NS
    assert feed.tick(END_NS - 1) is None
    told = feed.tick(END_NS)
    assert told is not None
    assert told.number == "09876"
    feed.feed("5", 0)  # speech that sounded like one tone
    assert feed.tick(END_NS) is None
    assert feed.due_ns is None


@given(st.lists(st.tuples(st.sampled_from("0123456789*#ABCD"), st.integers(0, 3 * SECOND)), max_size=200))
def test_digits_of_anything_stay_bounded(keys: list[tuple[str, int]]) -> None:
    feed, now = DigitFeed(), 0
    for digit, wait_ns in keys:
        now += wait_ns
        told = feed.feed(digit, now)
        assert told is None or len(told.number or "") <= 32
        assert len(feed._digits) <= 96


@given(st.text(max_size=80))
def test_any_text(text: str) -> None:
    told = caller_from_digits(text)
    assert told is None or told.number is None or told.number.isdecimal()
