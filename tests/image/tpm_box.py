"""A box with a TPM 2.0 beside it, which is another program (swtpm) and a folder: the chip's memory. Without the folder the machine has none."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from fake_firmware import Start
from vm_box import SLACK, Box

_LIMIT_S = 20.0


class TpmBox(Box):
    """`tpm`: the folder of the chip that is on the board now; None: a board without one. Another folder is another chip."""

    tpm: Path | None = None
    _chip: subprocess.Popen[bytes] | None = None

    def command(self, start: Start) -> list[str]:
        """The machine, and the chip started for it: it ends when the machine does."""
        words = super().command(start)
        self._chip_off()
        if self.tpm is None:
            return words
        line = self.folder / "tpm.sock"
        line.unlink(missing_ok=True)
        self._chip = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "swtpm", "socket", "--tpm2", "--terminate", "--tpmstate", f"dir={self.tpm}",
             "--ctrl", f"type=unixio,path={line}", "--log", f"file={self.folder / 'tpm.log'}"],
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        end_s = time.monotonic() + _LIMIT_S * SLACK
        while not line.exists():
            if time.monotonic() > end_s or self._chip.poll() is not None:
                raise OSError(f"swtpm did not start; what it said is in {self.folder / 'tpm.log'}")
            time.sleep(0.05)
        return [
            *words,
            "-chardev",
            f"socket,id=tpm,path={line}",
            "-tpmdev",
            "emulator,id=tpm0,chardev=tpm",
            "-device",
            "tpm-tis,tpmdev=tpm0",
        ]

    def end(self) -> None:
        """Neither QEMU nor chip is left."""
        super().end()
        self._chip_off()

    def _chip_off(self) -> None:
        if self._chip is not None:
            self._chip.kill()
            self._chip.wait()
            self._chip = None


def new_chip(folder: Path) -> Path:
    """A TPM as it leaves its maker. Raises CalledProcessError with what swtpm_setup said in its log."""
    folder.mkdir(parents=True)
    log = folder.with_suffix(".log")
    subprocess.run(["swtpm_setup", "--tpm2", "--tpmstate", str(folder), "--logfile", str(log)], check=True, stdout=subprocess.DEVNULL)
    return folder
