"""Decides how worn the card is, by what it tells itself and by what the file system on it has seen.

An eMMC tells its age in tenths (JEDEC JESD84-B51, DEVICE_LIFE_TIME_EST and PRE_EOL_INFO; mmc-dev-attrs.rst).
An SD card tells nothing of the kind: of one there are ext4's own counts (Documentation/ABI/testing/sysfs-fs-ext4) and, for root, the
controller's errors. What is written a day is the probe `card`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from msgspec import Struct

from appliance.box.kernel_file import folders, number_of, text_of
from appliance.box.model import ROOT
from appliance.core.config import Config
from appliance.doctor.finding import Finding, Level, Scene

LIMIT_S: Final = 5.0
_AMBER_TENTHS, _RED_TENTHS = 8, 10
#: PRE_EOL_INFO: 80 % of the spare blocks used; 90 %.
_WARNING, _URGENT = 2, 3
_REPLACE: Final = "callfloor backup, then put in a new card of the industrial kind, then callfloor restore"
_SO: Final = "a worn card goes read-only, or loses what it holds"


class Disk(Struct, frozen=True):
    """One card: `used_tenths` of its life (11: beyond it), `spare` as PRE_EOL_INFO has it, `errors` of the wire. None: not told."""

    name: str
    kind: str = ""
    label: str = ""
    used_tenths: int | None = None
    spare: int | None = None
    errors: int | None = None


class Volume(Struct, frozen=True):
    """One ext4: kilobytes written in its life, and the errors that it has recorded."""

    device: str
    written_kb: int | None
    errors: int


class Wear(Struct, frozen=True):
    """What was seen."""

    disks: tuple[Disk, ...]
    volumes: tuple[Volume, ...]


def wanted(config: Config) -> bool:
    """Always."""
    return True


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Look, and judge."""
    return judge(read(scene.root))


def read(root: Path = ROOT) -> Wear:
    """A few small files for each card and each ext4."""
    disks = tuple(_disk(block, root) for block in folders(root / "sys/block", "mmcblk*") if re.fullmatch(r"mmcblk\d+", block.name))
    volumes = tuple(
        Volume(folder.name, number_of(folder / "lifetime_write_kbytes"), number_of(folder / "errors_count") or 0)
        for folder in folders(root / "sys/fs/ext4", "*")
        if (folder / "errors_count").exists()
    )
    return Wear(disks, volumes)


def tenths_from(text: str | None) -> int | None:
    """The older of the two kinds of cells, in tenths of their life. 0 is "not defined".

    >>> tenths_from("0x01 0x0b"), tenths_from("0x00 0x00"), tenths_from("?")
    (11, None, None)
    """
    found = [int(word, 16) for word in re.findall(r"0x[0-9a-fA-F]{1,2}\b", text or "")]
    return max(found, default=0) or None


def errors_from(text: str | None) -> int | None:
    """The controller's errors, all kinds together (mmc_core's err_stats in debugfs); None where it keeps no count.

    >>> errors_from("# Command Timeout Occurred:\\t 2\\n# Data CRC Errors Occurred:\\t 3\\n")
    5
    """
    found = re.findall(r"^# .*:\s*(\d+)\s*$", text or "", re.M)
    return sum(map(int, found)) if found else None


def judge(wear: Wear) -> tuple[Finding, ...]:
    """What follows."""
    found = [finding for disk in wear.disks for finding in _of_disk(disk)]
    found += [
        Finding(
            "wear", "red", "a file system has recorded errors", f"{volume.device}: {volume.errors} errors since it was checked last",
            _SO, f"sudo dmesg --level=err,warn | grep -i {volume.device}; then a restart with fsck.mode=force on the kernel's line",
        )
        for volume in wear.volumes if volume.errors
    ]  # fmt: skip
    if found:
        return tuple(found)
    told = [f"{disk.label or disk.name} {disk.kind}: {_age(disk)}".replace("  ", " ") for disk in wear.disks]
    told += [f"{each.device}: {each.written_kb / 1e6:,.1f} GB written in its life" for each in wear.volumes if each.written_kb is not None]
    return (Finding("wear", "ok", "nothing tells of wear", "; ".join(told) or "no card, no ext4"),)


def _of_disk(disk: Disk) -> list[Finding]:
    used, spare = disk.used_tenths or 0, disk.spare or 0
    evidence = f"{disk.name} {disk.label}: {_age(disk)}"
    if used > _AMBER_TENTHS or spare >= _WARNING:
        level: Level = "red" if used > _RED_TENTHS or spare >= _URGENT else "amber"
        what = "the card is at its end" if level == "red" else "the card is nearly worn"
        return [Finding("wear", level, what, evidence, _SO, _REPLACE)]
    if disk.errors:
        text = f"{disk.name}: {disk.errors} errors on its wire since the start"
        mend = "sudo dmesg | grep -i mmc   # put it in again; then another card"
        return [Finding("wear", "amber", "the card makes errors on its wire", text, _SO, mend)]
    return []


def _age(disk: Disk) -> str:
    if disk.used_tenths is None:
        return "does not tell its age"
    text = "beyond its life" if disk.used_tenths > _RED_TENTHS else f"{disk.used_tenths * 10 - 10} to {disk.used_tenths * 10} % of its life"
    return text if disk.spare is None else f"{text}, spare blocks {({1: 'good', 2: '80 % used', 3: '90 % used'}).get(disk.spare, '?')}"


def _disk(block: Path, root: Path) -> Disk:
    device = block / "device"
    host = re.search(r"(mmc\d+):", str(device.resolve()) + ":" if device.exists() else "")
    errors = errors_from(text_of(root / "sys/kernel/debug" / host[1] / "err_stats")) if host else None
    return Disk(
        block.name, text_of(device / "type") or "", text_of(device / "name") or "", tenths_from(text_of(device / "life_time")),
        number_of(device / "pre_eol_info", 16) or None, errors,
    )  # fmt: skip
