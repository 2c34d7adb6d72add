"""The Pi's disk started twice without a Pi: on QEMU's `virt` from NVMe, and on its Raspberry Pi 3 from the emulated card with Debian's device tree."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from scenario import Report, SkipError
from vm_box import Box, copy_sparse

_MIB = 1024 * 1024
_UP = rb"Startup finished in|Reached target (?:\S*m)?multi-user"


def scenario(disks: Path, folder: Path, key: Path, offsets: dict[str, int], report: Report) -> Callable[[], None]:
    """`disks`: where `make image ARGS="--arch arm64"` leaves them. Raises SkipError when that was not run."""
    found = sorted(disks.glob("callfloor-*-arm64.img"))
    if not found:
        raise SkipError(f'no disk in {disks}: make image ARGS="--arch arm64" takes twelve minutes')
    if shutil.which("qemu-system-aarch64") is None:
        raise SkipError("not installed: qemu-system-arm (.ci/setup image)")

    def run() -> None:
        disk = folder / "run.img"
        copy_sparse(found[-1], disk)
        # The emulated card's size must be a power of two.
        subprocess.run(["truncate", "-s", "4G", str(disk)], check=True)
        boot = f"{disk}@@{offsets['boot_a'] * _MIB}"
        for name in ("vmlinuz", "initrd.img", "bcm2837-rpi-3-b.dtb"):
            subprocess.run(["mcopy", "-n", "-o", "-i", boot, f"::{name}", str(folder / name)], check=True)
        words = "root=PARTLABEL=system_a rauc.slot=A ro rootwait panic=2 net.ifnames=0 systemd.log_target=console console=ttyAMA0,115200"
        _start(Box(disk, folder / "virt", key, offsets, {}), _virt(folder, disk), words, "arm64 on virt", report)
        _start(Box(disk, folder / "raspi3b", key, offsets, {}), _raspi3b(folder, disk), words, "raspi3b", report)

    return run


def _virt(folder: Path, disk: Path) -> list[str]:
    return [
        "qemu-system-aarch64", "-M", "virt,gic-version=3", "-cpu", "cortex-a72", "-accel", "tcg,thread=multi", "-smp", "2", "-m", "1024",
        "-kernel", str(folder / "vmlinuz"), "-initrd", str(folder / "initrd.img"),
        "-drive", f"file={disk},if=none,id=d0,format=raw,cache=unsafe", "-device", "nvme,drive=d0,serial=callfloor",
        "-device", "virtio-rng-pci",
    ]  # fmt: skip


def _raspi3b(folder: Path, disk: Path) -> list[str]:
    return [
        "qemu-system-aarch64", "-M", "raspi3b", "-kernel", str(folder / "vmlinuz"), "-initrd", str(folder / "initrd.img"),
        "-dtb", str(folder / "bcm2837-rpi-3-b.dtb"), "-drive", f"file={disk},if=sd,format=raw,cache=unsafe",
    ]  # fmt: skip


def _start(box: Box, command: list[str], words: str, name: str, report: Report) -> None:
    box.folder.mkdir(exist_ok=True)
    try:
        box.begin([*command, "-append", words, "-display", "none", "-serial", "stdio", "-monitor", "none", "-no-reboot"])
        up_s = box.wait_for(_UP, 600)
        report.step("arm64", f"{name}: all started", up_s is not None, "", up_s)
    finally:
        box.cut()
