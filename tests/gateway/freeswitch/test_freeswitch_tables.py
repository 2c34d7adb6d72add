"""Answers to the lists: whatever stands in them, they are a table, an error or nothing, and never an exception."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.freeswitch.resync import channels_from_answer
from gateway.freeswitch.tables import number, table_from_answer

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["rows", "uuid", "name"]), inner, max_size=3),
    max_leaves=12,
)


@given(st.text(alphabet="ab|\n+OK-ER\x00\r", max_size=200) | st.text(max_size=100))
def test_any_table(text: str) -> None:
    table = table_from_answer(text)
    names = text.split("\n", maxsplit=1)[0].split("|")
    assert all(list(row) == list(dict.fromkeys(names)) for row in table.rows)
    assert table.denied is None or not table.rows


@given(st.dictionaries(st.sampled_from(["rows", "row_count"]), JSON, max_size=2) | JSON)
def test_any_list_of_channels(answer: object) -> None:
    channels = channels_from_answer(json.dumps(answer))
    assert channels is None or all(isinstance(row, dict) and str(row["uuid"]) == key for key, row in channels.items())


@pytest.mark.parametrize("text", ["", "{", "[]", '{"rows":5}', '{"rows":"x"}', "\ud800", '{"rows":{"uuid":"a"}}'])
def test_what_is_no_list_of_channels(text: str) -> None:
    assert not channels_from_answer(text)


@pytest.mark.parametrize("text", ["", "-1", "x", "²", "9" * 5_000])
def test_what_is_no_number(text: str) -> None:
    assert number(text) == 0
