"""A box that is booted for real: Debian's systemd as process 1 of a container, with the package installed as a technician does it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

#: Debian's own programs before anything else on the path.
CLEAN: Final = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}


@contextlib.contextmanager
def overlay(lower: Path, folder: Path) -> Iterator[Path]:
    """A root file system that may be written, over one that stays as it is. `folder` may not lie on an overlay itself."""
    upper, work, root = folder / "upper", folder / "work", folder / "root"
    for each in (upper, work, root):
        each.mkdir(parents=True)
    subprocess.run(["mount", "-t", "overlay", "box", "-o", f"lowerdir={lower},upperdir={upper},workdir={work}", root], check=True)
    try:
        yield root
    finally:
        subprocess.run(["umount", "--lazy", root], check=True)


def install(root: Path, deb: Path) -> None:
    """As `dpkg -i`, while nothing runs."""
    shutil.copy(deb, root / "tmp/callfloor.deb")
    said = subprocess.run(
        ["chroot", root, "dpkg", "--force-depends", "-i", "/tmp/callfloor.deb"], check=False, capture_output=True, text=True, env=CLEAN
    )
    assert said.returncode == 0, said.stdout + said.stderr
    (root / "tmp/callfloor.deb").unlink()


class Box:
    """A container that boots, and what is done in it as root."""

    def __init__(self, root: Path, console: Path) -> None:
        self.root, self._console = root, console
        self.name = f"callfloor-{uuid.uuid4().hex[:8]}"
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._init: int | None = None
        self.timings: dict[str, float] = {}

    @contextlib.contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Keep how long something took, for the table at the end."""
        began = time.monotonic()
        yield
        self.timings[what] = round(time.monotonic() - began, 1)

    def boot(self, wait_s: float = 60) -> None:
        """Until systemd says that it has started everything."""
        # A test that is killed takes its box with it.
        words = ["setpriv", "--pdeathsig", "TERM", "systemd-nspawn", f"--directory={self.root}", "--boot", "--register=no", "--keep-unit", "--private-network",
                 f"--machine={self.name}", "--console=read-only", "systemd.log_target=console", "systemd.log_color=0"]  # fmt: skip
        with self._console.open("ab") as log:
            began_at = log.tell()
            self._nspawn = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
            )
        self.until(lambda: b"Startup finished" in self._console.read_bytes()[began_at:], "the start", wait_s)
        self._init = self._process_1()

    def _process_1(self) -> int:
        """The container's process 1 as this machine numbers it: the child of nspawn that is 1 in a namespace of its own."""
        assert self._nspawn is not None
        for child in Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split():
            if re.search(r"^NSpid:.*\t1$", Path(f"/proc/{child}/status").read_text(), re.MULTILINE):
                return int(child)
        raise AssertionError(self.console())

    def console(self) -> str:
        """All that systemd said, from the first start on."""
        return self._console.read_text(errors="replace")

    def do(self, *words: str, check: bool = True, wait_s: float = 60) -> str:
        """Run a program in the box and return what it said."""
        assert self._init is not None
        said = subprocess.run(
            ["nsenter", f"--target={self._init}", "--all", "--", *words],
            check=False,
            capture_output=True,
            text=True,
            env=CLEAN,
            timeout=wait_s,
        )
        assert not check or said.returncode == 0, f"{words}: {said.stdout}{said.stderr}"
        return (said.stdout if check else said.stdout + said.stderr).strip()

    def facts(self, unit: str, *keys: str) -> dict[str, str]:
        """What systemd knows of a unit."""
        said = self.do("systemctl", "show", unit, f"--property={','.join(keys)}")
        return dict(line.split("=", 1) for line in said.splitlines())

    def status_of(self, unit: str) -> dict[str, str]:
        """What the kernel holds of a unit's main process."""
        pid = self.facts(unit, "MainPID")["MainPID"]
        said = self.do("cat", f"/proc/{pid}/status")
        return {key: value.strip() for key, _, value in (line.partition(":") for line in said.splitlines())}

    def until(self, what: Callable[[], bool], name: str, wait_s: float = 60) -> None:
        """Look until it is so. Fails with what the console said."""
        end = time.monotonic() + wait_s
        while not what():
            assert self._nspawn is not None
            assert self._nspawn.poll() is None, f"the box went down while it waited for {name}:\n{self.console()}"
            assert time.monotonic() < end, f"{name} did not come within {wait_s:.0f} s:\n{self.console()}"
            time.sleep(0.05)

    def power_off(self, wait_s: float = 60) -> None:
        """In order, as the button does it."""
        assert self._nspawn is not None
        self.do("systemctl", "poweroff", check=False)
        assert self._nspawn.wait(wait_s) == 0, self.console()
        self._nspawn = self._init = None

    def pull_the_plug(self) -> None:
        """Every process of it is gone at once, without a word: with its process 1 the kernel ends them all (pid_namespaces(7)).

        The container's process 1 outlives a nspawn that is killed, so it goes first.
        """
        if self._nspawn is not None:
            for child in Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split():
                os.kill(int(child), signal.SIGKILL)
            self._nspawn.kill()
            self._nspawn.wait(30)
            if self._init is not None:
                end = time.monotonic() + 30
                while Path(f"/proc/{self._init}").exists():
                    assert time.monotonic() < end, "process 1 of the box outlived its plug"
                    time.sleep(0.02)
            self._nspawn = self._init = None
