"""The examples in the docstrings of the PBX source hold."""

from __future__ import annotations

import doctest
import importlib

import pytest

ASTERISK = ["agent_state", "ami", "wire", "sanitize", "template"]
MODULES = [*(f"gateway.asterisk.{module}" for module in ASTERISK), "gateway.pbx.calls", "gateway.pbx.lines", "gateway.pbx.stay"]


@pytest.mark.parametrize("name", [*MODULES, "appliance.core.pbx_kind", "appliance.core.slug"])
def test_examples(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
