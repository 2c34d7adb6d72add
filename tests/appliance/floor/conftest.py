"""The floor tests share a little language: `day(...)` makes a day to tell."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("floor_day", Path(__file__).with_name("floor_day.py"))
assert _spec is not None
assert _spec.loader is not None
floor_day = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(floor_day)


@pytest.fixture
def make_day():
    return floor_day.Day


@pytest.fixture
def day():
    return floor_day.Day()


@pytest.fixture(scope="session")
def make_day_class():
    return floor_day.Day
