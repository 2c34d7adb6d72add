"""Decides whether memory is short: what is left, how long processes stood still for want of it, and whom the kernel has killed.

Pressure is the kernel's own (Documentation/accounting/psi.rst): `full` is the share of time in which nobody could work. Kernels built
without it tell only what is left (Documentation/filesystems/proc.rst, MemAvailable).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from msgspec import Struct

from appliance.box.kernel_file import text_of
from appliance.box.model import ROOT
from appliance.core.config import Config
from appliance.doctor.finding import Finding, Level, Scene

LIMIT_S: Final = 5.0
#: Shares of all memory that are left, and shares of the last minute in which everything stood still.
_LEFT_AMBER, _LEFT_RED = 0.10, 0.04
_FULL_AMBER, _FULL_RED = 5.0, 20.0
_SO: Final = "boards stutter, then the kernel ends the largest process, and its service begins anew"
_MEND: Final = "ps -eo rss,args --sort=-rss | head   # the largest first; a browser on the box wants 2 GB"


class Memory(Struct, frozen=True):
    """Bytes in all and left; the percent of the last minute in which all stood still (None: not told); kills since the start."""

    total: int
    left: int
    full_percent: float | None = None
    kills: int = 0


def wanted(config: Config) -> bool:
    """Always."""
    return True


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Look, and judge."""
    memory = read(scene.root)
    return () if memory is None else judge(memory)


def read(root: Path = ROOT) -> Memory | None:
    """Three small files of the kernel's; None where it does not tell what is left."""
    info = text_of(root / "proc/meminfo") or ""
    total, left = _kb(info, "MemTotal"), _kb(info, "MemAvailable")
    if not total or left is None:
        return None
    pressure = re.search(r"^full .*\bavg60=(\d+\.\d+)", text_of(root / "proc/pressure/memory") or "", re.M)
    kills = re.search(r"^oom_kill (\d+)$", text_of(root / "proc/vmstat") or "", re.M)
    return Memory(total, left, float(pressure[1]) if pressure else None, int(kills[1]) if kills else 0)


def judge(memory: Memory) -> tuple[Finding, ...]:
    """What follows."""
    share = memory.left / memory.total
    evidence = f"{memory.left / 1024**2:,.0f} of {memory.total / 1024**2:,.0f} MiB left"
    if memory.full_percent is not None:
        evidence += f"; all stood still {memory.full_percent:g} % of the last minute"
    full = memory.full_percent or 0.0
    level: Level = "red" if share < _LEFT_RED or full >= _FULL_RED else "amber" if share < _LEFT_AMBER or full >= _FULL_AMBER else "ok"
    found = [Finding("memory", "ok", "there is enough", evidence)] if level == "ok" else []
    if level != "ok":
        found = [Finding("memory", level, "memory is short", evidence, _SO, _MEND)]
    if memory.kills:
        text = f"oom_kill {memory.kills} in /proc/vmstat since the start"
        mend = "sudo journalctl -k -b -g 'Out of memory|oom-kill'"
        found.append(
            Finding("memory", "amber", "the kernel has killed for want of memory", text, "a service or a browser began anew", mend)
        )
    return tuple(found)


def _kb(info: str, name: str) -> int | None:
    found = re.search(rf"^{name}: +(\d+) kB$", info, re.M)
    return int(found[1]) * 1024 if found else None
