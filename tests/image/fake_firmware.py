"""Plays the firmware that starts a box in QEMU, from its documented rules: which boot partition starts, with which words for the kernel.

Raspberry Pi (config.txt documentation, "autoboot.txt" and "tryboot"): `[all] boot_partition` is the one that starts; after `reboot '0 tryboot'`
it is that of `[tryboot]`, once. The flag lives in the chip and not on the disk: any other restart, and a cut, forgets it. The guest needs nothing
special: Linux says "Restarting system with command '0 tryboot'" on the console, where systemd has put it from /run/systemd/reboot-param.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TRYBOOT: Final = re.compile(rb"Restarting system with command '0 tryboot'")
#: Partition → slot and where it starts, in MiB (images/layout.py).
SLOTS: Final = {2: "A", 3: "B"}


@dataclass(frozen=True, slots=True)
class Start:
    """What starts: the kernel's file, the initrd's, its words."""

    slot: str
    tried: bool
    kernel: Path
    initrd: Path
    arguments: str


def wants_tryboot(console: bytes) -> bool:
    """Whether the machine that wrote this went down with the flag set."""
    return _TRYBOOT.search(console) is not None


def partition_from(autoboot: str, *, tryboot: bool) -> int:
    """The boot partition by autoboot.txt. Raises KeyError where it names none.

    >>> text = "[all]\\ntryboot_a_b=1\\nboot_partition=2\\n[tryboot]\\nboot_partition=3\\n"
    >>> partition_from(text, tryboot=False), partition_from(text, tryboot=True)
    (2, 3)
    """
    found: dict[str, int] = {}
    section = "all"
    for line in autoboot.splitlines():
        if line.startswith("["):
            section = line.strip("[] \r")
        elif line.startswith("boot_partition="):
            found[section] = int(line.partition("=")[2])
    return found.get("tryboot", found["all"]) if tryboot else found["all"]


class Firmware:
    """Reads a disk with mtools; keeps the one-shot flag."""

    def __init__(self, disk: Path, offsets_mib: dict[str, int]) -> None:
        self._disk, self._offsets, self.tryboot = disk, offsets_mib, False

    def start(self, into: Path) -> Start:
        """What the box starts now; the flag is used up."""
        tried, self.tryboot = self.tryboot, False
        slot = SLOTS[partition_from(self.read("config", "autoboot.txt"), tryboot=tried)]
        part = f"boot_{slot.lower()}"
        kernel, initrd = into / f"vmlinuz.{slot}", into / f"initrd.{slot}"
        for name, target in (("vmlinuz", kernel), ("initrd.img", initrd)):
            self.copy(part, name, target)
        if line := self.read(part, "cmdline.txt"):
            return Start(slot, tried, kernel, initrd, line.strip())
        words = re.search(r'slot_arguments="([^"]*)"', self.read(part, "boot.cfg"))
        assert words is not None, f"{part} has neither cmdline.txt nor boot.cfg"
        return Start(slot, tried, kernel, initrd, f"root=PARTLABEL=system_{slot.lower()} rauc.slot={slot} {words[1]}")

    def copy(self, part: str, name: str, into: Path) -> Path:
        """A file of a FAT partition, as it is."""
        subprocess.run(["mcopy", "-n", "-o", "-i", self._at(part), f"::{name}", str(into)], check=True)
        return into

    def read(self, part: str, name: str) -> str:
        """A text on a FAT partition; empty where it is not."""
        return subprocess.run(["mtype", "-i", self._at(part), f"::{name}"], check=False, capture_output=True, text=True).stdout

    def write(self, part: str, name: str, content: bytes, scratch: Path) -> None:
        """Put a file there, as a technician's laptop does."""
        scratch.write_bytes(content)
        subprocess.run(["mcopy", "-o", "-i", self._at(part), str(scratch), f"::{name}"], check=True)

    def _at(self, part: str) -> str:
        return f"{self._disk}@@{self._offsets[part] * 1024 * 1024}"
