"""The examples in the docstrings of the PBX source hold."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = ["agent_state", "ami", "calls", "lines", "stay", "wire", "sanitize", "template"]


@pytest.mark.parametrize("name", [*(f"gateway.pbx.{module}" for module in MODULES), "appliance.core.slug"])
def test_examples(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
