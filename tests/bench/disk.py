"""Disks to measure on: one whose flush is as slow as a memory card's, and one of our own whose written bytes the kernel counts."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.room import ROOT, Room, SkippedError

SLOW_FLUSH_MS = 8.0


def slow_flush(room: Room, milliseconds: float = SLOW_FLUSH_MS) -> dict[str, str]:
    """The environment that makes a child's flushes slower by so much. Raises SkippedError without a C compiler."""
    library = room.shared("slow_flush", lambda: _compiled(room))
    return {"LD_PRELOAD": str(library), "SLOW_FLUSH_US": str(round(milliseconds * 1000))}


def _compiled(room: Room) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise SkippedError("no C compiler (cc) here to build the slow flush with: apt-get install gcc libc6-dev")
    library = room.folder() / "slow_flush.so"
    source = ROOT / "tests" / "bench" / "slow_flush.c"
    done = subprocess.run(
        [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SkippedError(f"{compiler} could not build {source.name}: {done.stderr.strip()[:200]}")
    return library


@contextmanager
def counted_disk(room: Room, megabytes: int = 256) -> Iterator[tuple[Path, str]]:
    """A fresh ext4 in a file, mounted, with the name of its block device. Raises SkippedError where the machine does not allow it."""
    path = room.folder()
    image, point = path / "disk.img", path / "disk"
    point.mkdir()
    with image.open("wb") as file:
        file.truncate(megabytes * 1_000_000)
    made = subprocess.run(["mkfs.ext4", "-F", "-q", str(image)], capture_output=True, text=True, check=False) if _may_mount() else None
    if made is None or made.returncode:
        raise SkippedError("a disk of its own needs root and mkfs.ext4")
    mounted = subprocess.run(["mount", "-o", "loop,noatime", str(image), str(point)], capture_output=True, text=True, check=False)
    if mounted.returncode:
        raise SkippedError(f"mount: {mounted.stderr.strip()[:200]}")
    try:
        device = point.stat().st_dev
        yield point, Path(os.path.realpath(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")).name
    finally:
        subprocess.run(["umount", str(point)], check=False)
        shutil.rmtree(path, ignore_errors=True)


def _may_mount() -> bool:
    return os.geteuid() == 0 and shutil.which("mkfs.ext4") is not None and shutil.which("mount") is not None


def bytes_written(device: str) -> int:
    """What the block device has taken so far."""
    return int(Path(f"/sys/block/{device}/stat").read_text().split()[6]) * 512


def bytes_written_by(pid: int) -> int:
    """What a process has sent towards disks so far, by the kernel's own account."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))
