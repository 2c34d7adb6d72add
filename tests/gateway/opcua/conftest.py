"""One real box for all tests here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the module of this folder that is no test

from opcua_box import Box


@pytest.fixture(scope="session")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A server takes seconds to start."""
    made = Box(tmp_path_factory.mktemp("opcua"))
    made.start()
    try:
        made.listening()
        yield made
    finally:
        made.close()
