"""A box in QEMU: its disk, its serial line, its network on loopback, its power switch. Always emulated (`-accel tcg`)."""

from __future__ import annotations

import http.client
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Final

from fake_firmware import Firmware, Start, wants_tryboot

#: Boxes that may have a QEMU: what is looked at for progress, and ended when the run is.
BOXES: Final[list[Box]] = []
_CONTROL: Final = re.compile(rb"\x1b(?:\[[0-9;?]*[A-Za-z]|[A-Z])|[^\x20-\x7e\n]")
#: Without AVX: programs then hash by plain instructions, which are emulated twice as fast.
CPU: Final = "max,-avx,-avx2"
_RELAY: Final = Path(__file__).with_name("relay.py")
_UP: Final = rb"Startup finished in|Reached target (?:\S*m)?multi-user"
#: How far a quiet machine's times are stretched: several jobs share its cores.
SLACK: Final = float(os.environ.get("CALLFLOOR_SLACK", "1"))


class Box:
    """One box. `peers`: guest port on 10.0.2.100 → host port that answers there (PBX, broker), nothing else is reachable."""

    def __init__(self, disk: Path, folder: Path, key: Path, offsets: dict[str, int], peers: dict[int, int], *, memory: int = 1024) -> None:
        self.disk, self.folder, self._key, self._peers, self._memory = disk, folder, key, peers, memory
        self.firmware = Firmware(disk, offsets)
        self.console = bytearray()
        self.booted: Start | None = None
        self.power_on_s = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self._asking = ""
        self.extra: tuple[str, ...] = ()
        self.cache = "unsafe"
        BOXES.append(self)

    def power_on(self) -> Start:
        """Start what the firmware picks."""
        assert not self.running
        self._starts += 1
        start = self.booted = self.start()
        self._port, self._tv = free_port(), free_port()
        self.begin(self.command(start))
        return start

    def start(self) -> Start:
        """What the firmware picks."""
        return self.firmware.start(self.folder)

    def command(self, start: Start) -> list[str]:
        """QEMU's words for what starts."""
        return [
            "qemu-system-x86_64", "-M", "q35", "-cpu", CPU, "-accel", "tcg,thread=multi", "-smp", "2", "-m", str(self._memory),
            "-display", "none", "-vga", "none", "-serial", "stdio", "-monitor", "none", "-no-reboot",
            "-kernel", str(start.kernel), "-initrd", str(start.initrd), "-append", start.arguments,
            "-drive", f"file={self.disk},if=none,id=d0,format=raw,cache={self.cache}", "-device", "nvme,drive=d0,serial=callfloor",
            *self.network(), "-device", "virtio-net-pci,netdev=n0,romfile=", "-device", "virtio-rng-pci", *self.extra,
        ]  # fmt: skip

    def network(self) -> list[str]:
        """SSH and the boards from here to the box, the peers from the box to here; nothing else."""
        forward = "".join(
            f",guestfwd=tcp:10.0.2.100:{guest}-cmd:{shlex.quote(sys.executable)} {_RELAY} {host}" for guest, host in self._peers.items()
        )
        here = "hostfwd=tcp:127.0.0.1"
        return ["-netdev", f"user,id=n0,restrict=on,{here}:{self._port}-:22,{here}:{self._tv}-:8080{forward}"]

    @property
    def tv(self) -> str:
        """Where its boards are served, from here."""
        return f"http://127.0.0.1:{self._tv}"

    def begin(self, command: list[str]) -> None:
        """Start QEMU with these words, the firmware left out. It ends with this process, however that ends."""
        self.console = bytearray()
        self.power_on_s = time.monotonic()
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self._reader = threading.Thread(target=self._listen, args=(self._process, self.console, self._starts), daemon=True)
        self._reader.start()

    def _listen(self, process: subprocess.Popen[bytes], console: bytearray, start: int) -> None:
        assert process.stdout is not None
        with process.stdout as said, (self.folder / f"console-{start:02d}.log").open("wb") as log:
            while data := os.read(said.fileno(), 65536):
                console.extend(data)
                log.write(data)
                log.flush()

    @property
    def running(self) -> bool:
        """Whether QEMU lives."""
        return self._process is not None and self._process.poll() is None

    def last_words(self) -> str:
        """What runs in it by SSH now, else the last line on its console: for a person who waits."""
        if self._asking:
            return f"in the box: {self._asking[:120]}"
        lines = _CONTROL.sub(b"", bytes(self.console[-2000:])).decode("ascii", "replace").split("\n")
        return "console: " + next((line.strip()[-120:] for line in reversed(lines) if line.strip()), "")

    def wait_for(self, pattern: bytes, limit_s: float) -> float | None:
        """Seconds since power-on at which the console said so; None when it went down or the time was over."""
        found = re.compile(pattern)
        end_s = time.monotonic() + limit_s * SLACK
        while time.monotonic() < end_s:
            if found.search(bytes(self.console)):
                return round(time.monotonic() - self.power_on_s, 1)
            if not self.running:
                self._reader.join(3)
                return round(time.monotonic() - self.power_on_s, 1) if found.search(bytes(self.console)) else None
            time.sleep(0.3)
        return None

    def wait_up(self, limit_s: float = 400) -> float | None:
        """Until systemd has nothing more to start and SSH answers."""
        if self.wait_for(_UP, limit_s) is None:
            return None
        end_s = time.monotonic() + 120 * SLACK
        while time.monotonic() < end_s and self.running:
            if self.ssh("true", 30)[0] == 0:
                return round(time.monotonic() - self.power_on_s, 1)
            time.sleep(1)
        return None

    def wait_board(self, limit_s: float = 400) -> float | None:
        """Until the floor's board is served, as a television asks for it: seconds since power-on."""
        end_s = time.monotonic() + limit_s * SLACK
        while time.monotonic() < end_s and self.running:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self._tv}/board/floor", timeout=20) as answer:
                    if b"<html" in answer.read():
                        return round(time.monotonic() - self.power_on_s, 1)
            except (OSError, http.client.HTTPException):
                time.sleep(0.5)
        return None

    def wait_down(self, limit_s: float = 180) -> bool:
        """Until QEMU has ended (`-no-reboot`); the firmware hears whether the flag was set."""
        end_s = time.monotonic() + limit_s * SLACK
        while self.running and time.monotonic() < end_s:
            time.sleep(0.2)
        if self.running:
            return False
        self._reader.join(5)
        self.firmware.tryboot = wants_tryboot(bytes(self.console))
        return True

    def cut(self) -> None:
        """Pull the plug: what the guest had not flushed is gone, and so is the firmware's flag."""
        self.end()
        self.firmware.tryboot = False

    def end(self) -> None:
        """No QEMU of this box is left."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._reader.join(5)

    def ssh(self, command: str, limit_s: float = 240) -> tuple[int, str]:
        """Run it as root in the box: its exit code and all that it said. 255: no answer."""
        words = [*self.ssh_words(), command]
        self._asking = command
        try:
            done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=limit_s * SLACK, errors="replace")
        except subprocess.TimeoutExpired:
            return 255, f"no answer within {limit_s * SLACK:.0f} s"
        finally:
            self._asking = ""
        return done.returncode, (done.stdout + done.stderr).strip()

    def ssh_words(self) -> list[str]:
        """The client's command, to which what is to be run is added."""
        return ["ssh", *self._options(), "-p", str(self._port), "root@127.0.0.1"]

    def copy(self, file: Path, to: str = "/data/") -> bool:
        """Into the box by scp."""
        words = ["scp", "-q", *self._options(), "-P", str(self._port), str(file), f"root@127.0.0.1:{to}"]
        return subprocess.run(words, check=False, timeout=400 * SLACK).returncode == 0

    def _options(self) -> list[str]:
        told = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ConnectTimeout=30", "BatchMode=yes")
        return ["-i", str(self._key), *(word for each in told for word in ("-o", each))]


def free_port() -> int:
    """One that nobody listens on at this moment."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])


def copy_sparse(source: Path, target: Path) -> None:
    """A disk of gigabytes, of which a tenth is used."""
    target.unlink(missing_ok=True)
    if subprocess.run(["cp", "--sparse=always", "--reflink=auto", str(source), str(target)], check=False).returncode:
        shutil.copyfile(source, target)
