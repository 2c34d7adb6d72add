"""Decides for how long the disk under the journal lasts at the rate at which it is written, and how much of that is the box's own doing.

A memory card is worn by being written to. What the kernel has counted since the start of the machine (Documentation/block/stat.rst, the
seventh figure, in sectors of 512 bytes) and of each service (Documentation/filesystems/proc.rst, `write_bytes`) is set against what the
card may be written in its life, which its maker tells in terabytes (TBW), and which is assumed where nobody told it.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from appliance.core.config import Config, JournalConfig
from appliance.doctor.finding import Finding, Level, Scene
from appliance.doctor.setting import setting

LIMIT_S: Final = 10.0
#: What a card of 32 GB is taken to stand: a thousand times its size, while for each byte it writes two more by itself.
ASSUMED_TBW: Final = 10.0
#: Before so much time has passed a day's writing cannot be told: the start itself writes.
_LEAST_S: Final = 1800.0
_DAY_S: Final = 86_400.0
_SECTOR: Final = 512
_PROC, _SYS = Path("/proc"), Path("/sys")


class Written(Struct, frozen=True):
    """Bytes written in so many seconds."""

    bytes: int
    seconds: float

    @property
    def a_day(self) -> float:
        """Bytes a day at that rate."""
        return self.bytes / self.seconds * _DAY_S if self.seconds > 0 else 0.0


class CardFacts(Struct, frozen=True):
    """What was counted. `device`: the whole disk's name, empty where the file system does not tell; `services`: by name, as far as seen."""

    device: str
    whole: Written | None
    services: dict[str, Written]


def wanted(config: Config) -> bool:
    """Always."""
    return True


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Look, and judge."""
    return judge(probe(scene.config), scene.config.journal)


def probe(config: Config, proc: Path = _PROC, sys: Path = _SYS) -> CardFacts:
    """Read the kernel's counts."""
    folder = next(each for each in config.journal.path.parents if each.is_dir())
    device = _disk_under(folder.stat().st_dev, sys)
    run_dir = config.journal.run_dir or config.journal.path.parent / "run"
    up_s = float((proc / "uptime").read_text().split()[0])
    whole = None
    if device is not None:
        with suppress(OSError, ValueError, IndexError):
            whole = Written(int((device / "stat").read_text().split()[6]) * _SECTOR, up_s)
    services: dict[str, Written] = {}
    for name, pid in _holders(run_dir / "alive", proc).items():
        with suppress(OSError, ValueError, IndexError):
            services[name] = _written_by(proc / str(pid), up_s)
    return CardFacts(device.name if device is not None else "", whole, services)


def judge(facts: CardFacts, config: JournalConfig) -> tuple[Finding, ...]:
    """What follows. Only a card, or a disk of which somebody said what it stands, is held against its life."""
    if facts.whole is None:
        return (Finding("card", "ok", "what the disk is written cannot be counted", facts.device or "its file system names no device"),)
    if facts.whole.seconds < _LEAST_S:
        text = f"{facts.device}: {_size(facts.whole.bytes)} in {facts.whole.seconds / 60:.0f} min"
        return (Finding("card", "ok", "the machine has just started: too early to tell how much is written a day", text),)
    rate = facts.whole.a_day
    evidence = f"{facts.device}: {_size(rate)} a day since the start of the machine{_shares(facts.services)}"
    tbw = config.disk_tbw or (ASSUMED_TBW if facts.device.startswith("mmcblk") else None)
    if tbw is None:
        return (Finding("card", "ok", "it is no memory card; its life is not judged", evidence),)
    years = tbw * 1e12 / rate / 365 if rate else float("inf")
    said = "as configured" if config.disk_tbw else "assumed"
    evidence += f"; {tbw:g} TB {said}: {'more than 100' if years > 100 else f'{years:.1f}'} years"
    if years >= config.disk_years:
        return (Finding("card", "ok", "it is written less than it stands", evidence),)
    level: Level = "red" if years < config.disk_years / 4 else "amber"
    so = f"it may fail before {config.disk_years:g} years have passed: a worn card goes read-only, or loses what it holds"
    return (Finding("card", level, "it is written more than it stands", evidence, so, _mend(facts)),)


def _mend(facts: CardFacts) -> str:
    ours = sum(one.a_day for one in {one.bytes: one for one in facts.services.values()}.values())
    if facts.whole is not None and ours < facts.whole.a_day / 2:
        return "sudo iotop -aoP  # most of it is not ours: see who writes"
    return f"{setting(('crm', 'headsets'), 'findings')}   # or a disk that stands more: [journal] path, disk_tbw"


def _shares(services: dict[str, Written]) -> str:
    """Of that, whose doing it is; processes that run several services are told once."""
    by_count: dict[tuple[int, float], list[str]] = {}
    for name, one in services.items():
        by_count.setdefault((one.bytes, one.seconds), []).append(name)
    told = [f"{'+'.join(names)} {_size(Written(*key).a_day)}" for key, names in by_count.items()]
    return f"; {', '.join(told)}" if told else ""


def _size(count: float) -> str:
    """For people.

    >>> _size(1_234_000_000), _size(5_600_000)
    ('1.2 GB', '6 MB')
    """
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.0f} MB"


def _disk_under(number: int, sys: Path) -> Path | None:
    """The whole disk's folder below /sys for a device number; None where a file system has none (tmpfs, btrfs, overlay)."""
    link = sys / "dev" / "block" / f"{os.major(number)}:{os.minor(number)}"
    if not link.exists():
        return None
    device = link.resolve()
    return device.parent if (device / "partition").exists() else device


def _holders(folder: Path, proc: Path) -> dict[str, int]:
    """Who holds each service's lock, by the kernel's list of locks."""
    places: dict[str, str] = {}
    with suppress(OSError):
        for path in folder.glob("*.lock"):
            found = path.stat()
            places[f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"] = path.stem
    try:
        locks = (proc / "locks").read_text()
    except OSError:
        return {}
    held = re.findall(r"FLOCK +ADVISORY +WRITE +(\d+) +(\S+)", locks)
    return {places[place]: int(pid) for pid, place in held if place in places}


def _written_by(process: Path, up_s: float) -> Written:
    """What a process has sent towards disks, since it was started."""
    counts = dict(line.split(": ") for line in (process / "io").read_text().splitlines())
    began = int((process / "stat").read_text().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
    return Written(int(counts["write_bytes"]), up_s - began)
