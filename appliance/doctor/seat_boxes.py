"""Decides how the seat boxes are that this box shows, by what its uplink said of them last in the journal. It asks no broker."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

import msgspec
from msgspec import Struct

from appliance.core.catalogue import BoxHealth
from appliance.core.config import Config
from appliance.core.errors import TransientError
from appliance.doctor.finding import Finding, Scene
from appliance.floor.headset import HEALTH

LIMIT_S: Final = 30.0
_ITEM: Final = "seat box"
_STALE: Final = "its seats are stale or unknown, and nothing is found of them"


class _Row(Struct, frozen=True):
    """A line of `callfloor journal export`."""

    time: str
    data: BoxHealth


def wanted(config: Config) -> bool:
    """There are [headsets] boxes."""
    return config.headsets is not None and bool(config.headsets.boxes)


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Look, and judge. Raises TransientError when the journal cannot be read."""
    headsets = scene.config.headsets
    if headsets is None or not headsets.boxes:
        return ()
    return judge(probe(scene.config), headsets.boxes, str(scene.file))


def probe(config: Config) -> dict[str, tuple[str, str]]:
    """What is wrong with each (`*`: with all), and since when; by a process of its own, which as root becomes the journal's owner."""
    command = [sys.executable, "-m", "appliance.cli.main", "journal", "export", "--kind", "box.health"]
    command += ["--journal", str(config.journal.path)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False, stdin=subprocess.DEVNULL)
    if said.returncode:
        raise TransientError((said.stderr.strip().splitlines() or [f"exit code {said.returncode}"])[-1].removeprefix("callfloor journal: "))
    wrong: dict[str, tuple[str, str]] = {}
    for line in said.stdout.splitlines():
        row = msgspec.json.decode(line, type=_Row)
        if row.data.id.startswith(HEALTH):
            box = row.data.id[len(HEALTH) :]
            wrong.pop(box, None)
            if row.data.level != "ok":
                wrong[box] = row.data.text, row.time
    return wrong


def judge(wrong: dict[str, tuple[str, str]], boxes: tuple[str, ...], file: str) -> tuple[Finding, ...]:
    """What follows; a box that is read no more is nobody's trouble."""
    found = []
    for box, (text, since) in wrong.items():
        if box not in boxes and "*" not in boxes:
            continue
        mend = f"compare [headsets] boxes of {file} and the broker's rules with docs/seat-boxes.md"
        if text.endswith("as last heard"):
            mend = f"on {box}: sudo systemctl restart callfloor@uplink && sudo callfloor doctor"
        found.append(Finding(f"{_ITEM} {box}", "amber", "it is not heard", f"{text} (since {since})", _STALE, mend))
    if not found:
        found = [Finding("seat boxes", "ok", "nothing is said to be wrong with them", f"[headsets] boxes: {', '.join(boxes)}")]
    return tuple(found)
