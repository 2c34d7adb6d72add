"""The examples in the docstrings of the PBX source hold."""

from __future__ import annotations

import doctest
import importlib

import pytest

ASTERISK = ["agent_state", "ami", "wire", "sanitize", "template"]
FREESWITCH = ["cause", "esl", "tables", "template", "wire"]
ROOMS = {"asterisk": ASTERISK, "freeswitch": FREESWITCH}
MODULES = [
    *(f"gateway.{room}.{module}" for room, modules in ROOMS.items() for module in modules),
    "gateway.pbx.calls",
    "gateway.pbx.lines",
    "gateway.pbx.number",
    "gateway.pbx.stay",
]


@pytest.mark.parametrize("name", [*MODULES, "appliance.core.pbx_kind", "appliance.core.slug"])
def test_examples(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
