"""docs/rig.md and its wiring pages are true: each command there is run, and answers what stands there."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rig_far import Own
from rig_wires import PAGES, WIRES, pages, written

from appliance.rig.site import PLACES

pytestmark = pytest.mark.rig
PAGE = Path(__file__).parents[2] / "docs" / "rig.md"


def test_the_wiring_pages_are_the_tests_own() -> None:
    assert {path.name: path.read_text(encoding="utf-8") for path in PAGES.glob("*.md")} == written(), "run tests/rig/rig_wires.py"
    assert {wire for page in pages() for wire in page.wires} == WIRES.keys()
    assert {wire.device.partition("=")[0] for wire in WIRES.values() if wire.device} == PLACES.keys()


def console() -> list[tuple[str, str]]:
    """Each command of the page, and what it answers."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.S | re.M):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, answer = part.partition("\n")
            found.append((command, answer.strip()))
    return found


@pytest.mark.slow
def test_what_the_page_shows_is_what_happens(tmp_path: Path) -> None:
    rig, loop = Own(), asyncio.new_event_loop()
    try:
        loop.run_until_complete(rig.start())
        for command, answer in console():
            words = [sys.executable, "-m", "appliance.cli.main", *command.split()[1:], "--keys", str(rig.folder / "rig.json")]
            env = {**os.environ, "PYTHONPATH": str(PAGE.parents[1])}
            told = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False, env=env, cwd=tmp_path)
            said = (told.stdout + told.stderr).strip()
            pattern = re.escape(answer).replace("…", ".+").replace(re.escape("…"), ".+")
            assert re.fullmatch(pattern, said), f"$ {command}\n{said}"
        assert (tmp_path / "led.png").read_bytes().startswith(b"\x89PNG")
    finally:
        loop.run_until_complete(rig.close())
        loop.close()
