"""What the driver tests are handed: a mocked SPI bus."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the modules of this folder that are no tests

from spi_rig import Client, Rig, open_client, open_rig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """A bus with two chip selects."""
    with open_rig(tmp_path, "spidev0.0", "spidev0.1") as made:
        yield made


@pytest.fixture
def client(rig: Rig) -> Iterator[Client]:
    """The driver, in a process that sees that bus."""
    with open_client(rig) as made:
        yield made
