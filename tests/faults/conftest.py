"""What the fault tests are handed: a site of real processes, and a place for their figures."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the modules of this folder that are no tests

from fault_box import Site

BUILD = Path(__file__).parents[2] / "build" / "kill.json"
TOLD: dict[str, dict[str, Any]] = {}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.close()


@pytest.fixture
def told() -> Callable[[str, dict[str, Any]], None]:
    """Put figures into build/kill.json and into the table at the end of the run."""

    def tell(name: str, figures: dict[str, Any]) -> None:
        TOLD[name] = figures
        BUILD.parent.mkdir(exist_ok=True)
        known: dict[str, Any] = json.loads(BUILD.read_text()) if BUILD.exists() else {}
        BUILD.write_text(json.dumps(known | {name: figures}, indent=1) + "\n")

    return tell


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The table of `make test-kill`."""
    for name, figures in TOLD.items():
        terminalreporter.section(name)
        for key, value in figures.items():
            terminalreporter.write_line(f"  {key:<24} {value}")
