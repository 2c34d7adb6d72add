"""A PC box in QEMU with a real UEFI: its firmware, Debian's shim and GRUB, and the disk's own boot decide, not the harness."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

from fake_firmware import Start
from vm_box import CPU, Box

_FIRMWARE: Final = Path("/usr/share/OVMF")


class PcBox(Box):
    """`secure`: Secure Boot with the keys that PCs are sold with."""

    secure = False

    def start(self) -> Start:
        """The machine's own firmware picks."""
        return Start(slot="", tried=False, kernel=Path(), initrd=Path(), arguments="")

    def command(self, start: Start) -> list[str]:
        """The same machine with its firmware. Without `-no-reboot`: a restart is the machine's own."""
        variables = self.folder / "variables.fd"
        if not variables.exists():
            shutil.copy(_FIRMWARE / ("OVMF_VARS_4M.ms.fd" if self.secure else "OVMF_VARS_4M.fd"), variables)
        code = _FIRMWARE / ("OVMF_CODE_4M.secboot.fd" if self.secure else "OVMF_CODE_4M.fd")
        secure = ["-global", "driver=cfi.pflash01,property=secure,value=on", "-global", "ICH9-LPC.disable_s3=1"] if self.secure else []
        return [
            "qemu-system-x86_64", "-M", f"q35{',smm=on' if self.secure else ''}", "-cpu", CPU, "-accel", "tcg,thread=multi", "-smp", "2",
            "-m", "1024", "-display", "none", "-serial", "stdio", "-monitor", "none", *secure,
            "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={code}", "-drive", f"if=pflash,format=raw,unit=1,file={variables}",
            "-drive", f"file={self.disk},if=none,id=d0,format=raw,cache={self.cache}", "-device", "nvme,drive=d0,serial=callfloor",
            *self.network(), "-device", "virtio-net-pci,netdev=n0,romfile=", "-device", "virtio-rng-pci", "-device", "i6300esb", *self.extra,
        ]  # fmt: skip


def put_on_config(disk: Path, offset: int, name: str, content: bytes, scratch: Path) -> None:
    """A file on the CONFIG partition of a disk, as a technician's laptop puts it there."""
    scratch.write_bytes(content)
    subprocess.run(["mcopy", "-o", "-i", f"{disk}@@{offset}", str(scratch), f"::{name}"], check=True)


def from_config(disk: Path, offset: int, name: str) -> str:
    """What a file on CONFIG says; empty when it is not there."""
    return subprocess.run(["mtype", "-i", f"{disk}@@{offset}", f"::{name}"], check=False, capture_output=True, text=True).stdout
