"""The Pi's disk started without a Pi: on QEMU's `virt` from NVMe to the first board with its PBX, and on its Raspberry Pi 3 from the emulated card with
the boot partition's own device tree, as far as that model goes.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from typing import Final

from fake_firmware import Start
from other_disks import settle
from scenario import Report, SkipError
from vm_box import SLACK, Box

_TREE: Final = "bcm2837-rpi-3-b.dtb"


class ArmBox(Box):
    """A box with the Pi's disk."""

    name = ""
    line = "ttyAMA0,115200"


class VirtBox(ArmBox):
    """No board that is sold: ARM's processor, and devices that every kernel knows."""

    name = "virt"

    def command(self, start: Start) -> list[str]:
        """As for a PC, but for the machine."""
        return [
            "qemu-system-aarch64", "-M", "virt,gic-version=3", "-cpu", "cortex-a72", "-accel", "tcg,thread=multi", "-smp", "2", "-m", "1024",
            "-display", "none", "-serial", "stdio", "-monitor", "none", "-no-reboot",
            "-kernel", str(start.kernel), "-initrd", str(start.initrd), "-append", start.arguments,
            "-drive", f"file={self.disk},if=none,id=d0,format=raw,cache={self.cache}", "-device", "nvme,drive=d0,serial=callfloor",
            *self.network(), "-device", "virtio-net-pci,netdev=n0,romfile=", "-device", "virtio-rng-pci", *self.extra,
        ]  # fmt: skip


class Pi3Box(ArmBox):
    """QEMU's Raspberry Pi 3: its processor, card, serial line, USB host; no SPI, no HDMI, none of its firmware."""

    name = "raspi3b"
    #: The model's watchdog does not count: it resets the machine at the moment when somebody begins to feed it.
    line = "ttyAMA0,115200 module_blacklist=bcm2835_wdt"

    def command(self, start: Start) -> list[str]:
        """The network is a USB one: the model has no other."""
        tree = self.firmware.copy(f"boot_{start.slot.lower()}", _TREE, self.folder / _TREE)
        return [
            "qemu-system-aarch64", "-M", "raspi3b", "-accel", "tcg,thread=multi",
            "-display", "none", "-serial", "stdio", "-monitor", "none", "-no-reboot",
            "-kernel", str(start.kernel), "-initrd", str(start.initrd), "-dtb", str(tree), "-append", start.arguments,
            "-drive", f"file={self.disk},if=sd,format=raw,cache={self.cache}",
            *self.network(), "-device", "usb-net,netdev=n0", *self.extra,
        ]  # fmt: skip


#: One after the other; by their names they can be asked for alone.
KINDS: Final[tuple[type[ArmBox], ...]] = (VirtBox, Pi3Box)


def scenario(box: ArmBox, sheet: str, report: Report) -> Callable[[], None]:
    """One start of the factory disk with this site's sheet, to the board, and off again."""
    if shutil.which("qemu-system-aarch64") is None:
        raise SkipError("not installed: qemu-system-arm (.ci/setup image)")

    def run() -> None:
        settle(box.firmware, sheet, box.line, box.folder / "scratch")
        try:
            box.power_on()
            board_s = box.wait_board(900)
            report.figures[f"{box.name}: power-on to first board, s"] = board_s
            report.step("arm64", f"{box.name}: first board served", board_s is not None, "", board_s)
            up_s = box.wait_up(900)
            report.step("arm64", f"{box.name}: all started, SSH answers", up_s is not None, "", up_s)
            if up_s is not None:
                _services(box, report)
                if isinstance(box, Pi3Box):
                    _board(box, report)
                box.ssh("systemctl --no-block poweroff")
                # A Pi does not switch itself off; the kernel stops.
                off = box.wait_for(rb"reboot: Power down|System halted", 240) is not None or box.wait_down(10)
                report.step("arm64", f"{box.name}: power off", off)
        finally:
            box.cut()

    return run


def _services(box: ArmBox, report: Report) -> None:
    failed = box.ssh("systemctl --failed --no-legend --plain")[1]
    report.step("arm64", f"{box.name}: no unit failed", not failed, failed)
    missing = box.ssh("dmesg | grep -i 'unknown symbol' | head -5")[1]
    report.step("arm64", f"{box.name}: no driver misses another", not missing, missing)
    began_s, link = time.monotonic(), ""
    while time.monotonic() - began_s < 120 * SLACK and link != "up":
        said = box.ssh("callfloor status --json")[1]
        try:
            link = json.loads(said[said.index("{") :])["pbx"]["main"]["state"]
        except (ValueError, KeyError, TypeError):
            link = said[-200:]
    report.step("arm64", f"{box.name}: the PBX is heard", link == "up", link)
    said = box.ssh(
        "uname -m; findmnt -no FSTYPE /; dpkg --print-architecture; . /etc/os-release; echo $IMAGE_ID; swapon --noheadings | wc -l"
    )[1]
    report.step("arm64", f"{box.name}: the system is the image's", said.split() == ["aarch64", "squashfs", "arm64", "callfloor", "0"], said)


def _board(box: Pi3Box, report: Report) -> None:
    said = box.ssh("tr -d '\\0' </proc/device-tree/model; echo; ls /dev/spidev* /dev/gpiochip* 2>&1; callfloor devices")[1]
    report.step("arm64", "raspi3b: the kernel knows the board", said.startswith("Raspberry Pi 3 Model B"), said)
    report.step("arm64", "raspi3b: SPI is there for the LED chains", "/dev/spidev0.0" in said and "/dev/spidev0.1" in said, said)
    told = box.ssh(
        "cat /proc/device-tree/soc/spi@7e204000/status /proc/device-tree/soc/mmc@7e300000/status /proc/device-tree/soc/serial@7e201000/bluetooth/status"
    )[1].replace("\0", " ")
    report.step("arm64", "raspi3b: its tree has SPI on and radios off", told.split() == ["okay", "disabled", "disabled"], told)
    seen = box.ssh("callfloor doctor --lang en watchdog 2>&1")[1]
    report.step(
        "arm64", "raspi3b: doctor sees that a Pi without its watchdog is not well", "its hardware watchdog is not there" in seen, seen
    )
