"""Faults of the box's own house: its clock, its disk's room, its disk's speed."""

from __future__ import annotations

import contextlib
import random
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

from fault_box import until
from fault_kinds import Kind, Play, wait
from fault_stage import Round, Stage

HOUR_S, YEARS_S = 3600, 3652 * 86400


def faketime() -> Path | None:
    """The library that shows a process another time (Debian's package libfaketime)."""
    return next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


class ClockStage(Stage):
    """All services see a wall clock that a file moves while they run; durations are the kernel's."""

    def __init__(self, folder: Path, seed: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "clock"
        self.off_s(0)
        env = {
            "LD_PRELOAD": str(faketime()), "FAKETIME_TIMESTAMP_FILE": str(self._file), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1",
        }  # fmt: skip
        super().__init__(folder, seed, env=env)

    def off_s(self, seconds: int) -> None:
        """The wall clock is off by this from now on."""
        part = self._file.with_suffix(".part")
        part.write_text(f"{seconds:+d}\n")
        part.replace(self._file)


def stepped(*steps_s: int, kill: bool = False) -> Play:
    def play(stage: Stage, played: Round, chance: random.Random) -> None:
        assert isinstance(stage, ClockStage)
        for step_s in steps_s:
            stage.off_s(step_s)
            wait(chance, 2.5, 4.0)
            if kill:
                with played.blind():
                    stage.kill("gateway", "wallboard", "uplink")

    return play


CLOCK = (
    Kind("an hour ahead and back", 3, stepped(HOUR_S, 0)),
    Kind("an hour behind and back", 3, stepped(-HOUR_S, 0)),
    Kind("ten years ahead and back", 3, stepped(YEARS_S, 0)),
    Kind("ten years behind and back", 3, stepped(-YEARS_S, 0)),
    Kind("ten years behind, all killed, and back", 2, stepped(-YEARS_S, 0, kill=True)),
    Kind("ten years ahead, all killed, and back", 2, stepped(YEARS_S, 0, kill=True)),
)


def may_mount() -> str:
    """Why nothing may be mounted here; "" when it may."""
    place = tempfile.mkdtemp()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], capture_output=True, text=True, check=False)
    if made.returncode == 0:
        subprocess.run(["umount", place], check=False)
    Path(place).rmdir()
    return made.stderr.strip()


class Hog(threading.Thread):
    """Another program that takes whatever room there is, at once and to the last byte, until it is stopped."""

    def __init__(self, place: Path) -> None:
        super().__init__(daemon=True)
        self._ballast = place / "ballast"
        self._ends = threading.Event()

    def run(self) -> None:
        with self._ballast.open("ab", buffering=0) as file:
            while not self._ends.wait(0.02):
                for size in (1 << 20, 4096, 1):
                    with contextlib.suppress(OSError):
                        while file.write(b"\0" * size):
                            pass

    def stop(self) -> None:
        self._ends.set()
        self.join()
        self._ballast.unlink(missing_ok=True)


class DiskStage(Stage):
    """The journal on a small file system of its own."""

    def __init__(self, folder: Path, seed: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.disk = folder / "disk"
        self.disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=0755", "tmpfs", str(self.disk)], check=True)
        super().__init__(folder, seed, journal=self.disk / "journal.db")

    def close(self) -> None:
        super().close()
        subprocess.run(["umount", "-l", str(self.disk)], check=False)


def _said(stage: Stage) -> bool:
    floor = stage.box.floor()
    return floor is not None and any(item["id"] in {"disk", "journal"} and item["level"] == "red" for item in floor["health"])


def full(*, kill: bool) -> Play:
    """No byte is left until it is said, and some seconds more; with `kill` all processes die meanwhile."""

    def play(stage: Stage, played: Round, chance: random.Random) -> None:
        assert isinstance(stage, DiskStage)
        hog = Hog(stage.disk)
        with contextlib.ExitStack() as until_sight:
            if kill:
                until_sight.enter_context(played.blind())
            hog.start()
            try:
                with contextlib.suppress(BaseException):
                    until(lambda: _said(stage), 20.0)
                if not _said(stage):
                    played.faults.append("the board does not say that the disk is full")
                wait(chance, 1.0, 3.0)
                if kill:
                    stage.kill("uplink", "wallboard", "gateway")
                    wait(chance, 1.0, 2.0)
            finally:
                hog.stop()

    return play


def read_only(stage: Stage, played: Round, chance: random.Random) -> None:
    """The file system becomes read-only, as a kernel makes it when a card fails, and is mended."""
    assert isinstance(stage, DiskStage)
    mount = ["mount", "-o", "remount", str(stage.disk)]
    made = subprocess.run([*mount[:2], "remount,ro", mount[3]], capture_output=True, text=True, check=False)
    played.name = "" if made.returncode == 0 else "busy"
    wait(chance, 2.0, 4.0)
    subprocess.run([*mount[:2], "remount,rw", mount[3]], check=False)


DISK = (
    Kind("disk full, and room again", 3, full(kill=False), 90.0),
    Kind("disk full, all killed, and room again", 2, full(kill=True), 90.0),
)

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
static void slow(void) {
    const char *path = getenv("SLOW_DISK_FILE");
    FILE *file = path ? fopen(path, "r") : 0;
    long ms = 0;
    if (file) { if (fscanf(file, "%ld", &ms) != 1) ms = 0; fclose(file); }
    struct timespec t = {ms / 1000, (ms % 1000) * 1000000};
    if (ms > 0) nanosleep(&t, 0);
}
int fsync(int fd) { static int (*f)(int); if (!f) f = dlsym(RTLD_NEXT, "fsync"); slow(); return f(fd); }
int fdatasync(int fd) { static int (*f)(int); if (!f) f = dlsym(RTLD_NEXT, "fdatasync"); slow(); return f(fd); }
"""


class SlowStage(Stage):
    """Every flush of our processes takes as long as a file says."""

    def __init__(self, folder: Path, seed: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "shim.c").write_text(SHIM)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", str(folder / "shim.so"), str(folder / "shim.c"), "-ldl"], check=True)
        self._file = folder / "slow"
        self._file.write_text("0\n")
        super().__init__(folder, seed, env={"LD_PRELOAD": str(folder / "shim.so"), "SLOW_DISK_FILE": str(self._file)})

    def flush_ms(self, ms: int) -> None:
        part = self._file.with_suffix(".part")
        part.write_text(f"{ms}\n")
        part.replace(self._file)


def flushes(ms: int, *, kill: bool = False) -> Play:
    def play(stage: Stage, played: Round, chance: random.Random) -> None:
        assert isinstance(stage, SlowStage)
        stage.flush_ms(ms)
        wait(chance, 4.0, 6.0)
        if kill:
            with played.blind():
                stage.kill("uplink", "wallboard", "gateway")
        stage.flush_ms(0)

    return play


SLOW = (
    Kind("every flush 100 ms", 3, flushes(100), slower_s=0.5),
    Kind("every flush 500 ms", 3, flushes(500), slower_s=2.0),
    Kind("every flush 2 s", 2, flushes(2000), slower_s=8.0),
    Kind("every flush 500 ms, all killed", 2, flushes(500, kill=True), slower_s=2.0),
)


def lacks_faketime() -> str:
    return "" if faketime() else "libfaketime is not installed"


def lacks_compiler() -> str:
    return "" if shutil.which("cc") else "no C compiler"
