"""Decides whether the journal's budget has room on its disk: a budget larger than the disk is no promise.

Near the disk's end the oldest events go first (`core.retention`), whatever `[journal] keep_days` says.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from msgspec import Struct

from appliance.core.config import Config
from appliance.core.disk import free_bytes
from appliance.core.retention import TIGHT_BYTES
from appliance.doctor.finding import Finding, Scene
from appliance.doctor.setting import setting

LIMIT_S: Final = 5.0
_MIB: Final = 1024**2


class Room(Struct, frozen=True):
    """In bytes: the budget, what the journal's files take of it, what is free on their disk."""

    budget: int
    taken: int
    free: int
    folder: Path


def wanted(config: Config) -> bool:
    """Always."""
    return True


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Look, and judge."""
    return judge(read(scene.config))


def read(config: Config) -> Room:
    """Look at the files' sizes and at the disk. Raises OSError where even its folder may not be looked at."""
    path = config.journal.path
    folder = next(each for each in path.parents if each.is_dir())
    taken = sum(each.stat().st_size for each in (path, Path(f"{path}-wal")) if each.is_file())
    return Room(config.journal.max_bytes, taken, free_bytes(folder), folder)


def judge(room: Room) -> tuple[Finding, ...]:
    """What follows."""
    still = max(0, room.budget - room.taken)
    left = max(0, room.free - TIGHT_BYTES)
    evidence = f"{room.folder}: {still / _MIB:,.0f} MiB of the budget are still to come, {left / _MIB:,.0f} MiB are free for them"
    if still <= left:
        return (Finding("budget", "ok", "the journal's budget has room on its disk", evidence),)
    so = "in a long outage the oldest events go sooner than keep_days and max_bytes say"
    fits = str(max(64 * _MIB, room.taken + left // 10 * 9))
    mend = f"{setting(('journal', 'max_bytes'), fits)}   # or free space: sudo du -xh --max-depth=2 /"
    return (Finding("budget", "amber", "the journal's budget is larger than its disk", evidence, so, mend),)
