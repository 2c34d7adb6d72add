"""Makes the file systems of a box's disk: FAT, squashfs, an ext4 to grow. The same content gives the same bytes; nothing is mounted."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from layout import MIB

_HASH_SEED: Final = "c4f10000-c0de-4a11-8f00-0000000000a5"
_DATA_UUID: Final = "c4f10000-c0de-4a11-8f00-0000000000da"
#: In the first sector of a data partition, which ext4 leaves alone, until the box first uses it: overlay/usr/lib/callfloor/open-data.
BLANK: Final = b"callfloor: nothing was ever kept here"
#: So far can the data partition be grown with its group descriptors in one place: 128 GiB of 4 KiB blocks.
_GROWS_TO_BLOCKS: Final = 128 * 1024 * 256


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of the empty data partition."""

    path: str
    mode: int = 0o755
    uid: int = 0
    gid: int = 0


def fat(into: Path, size_mib: int, label: str, serial: str, files: Mapping[str, bytes], epoch_s: int) -> None:
    """A FAT file system with these files, by their paths. `serial`: eight hexadecimal digits."""
    into.unlink(missing_ok=True)
    with into.open("wb") as file:
        file.truncate(size_mib * MIB)
    # FAT32: the Pi's firmware and every UEFI read it, at whatever size.
    run("mkfs.vfat", "--invariant", "-F", "32", "-s", "1", "-n", label, "-i", serial, str(into))
    with tempfile.TemporaryDirectory() as scratch:
        made: set[str] = set()
        for name in sorted(files):
            parts = name.split("/")
            for depth in range(1, len(parts)):
                folder = "/".join(parts[:depth])
                if folder not in made:
                    run("mmd", "-i", str(into), f"::{folder}")
                    made.add(folder)
            source = Path(scratch, "file")
            source.write_bytes(files[name])
            os.utime(source, (epoch_s, epoch_s))
            run("mcopy", "-m", "-i", str(into), str(source), f"::{name}")
    _still(into, epoch_s)


def _still(image: Path, epoch_s: int) -> None:
    """Give everything on a FAT32 the one time: mtools writes the clock there (Microsoft FAT specification 1.03, section 6)."""
    import datetime  # noqa: PLC0415 - only here

    when = datetime.datetime.fromtimestamp(epoch_s, datetime.UTC)
    date = ((when.year - 1980) << 9 | when.month << 5 | when.day).to_bytes(2, "little")
    time = (when.hour << 11 | when.minute << 5 | when.second // 2).to_bytes(2, "little")
    disk = bytearray(image.read_bytes())
    sector = int.from_bytes(disk[11:13], "little")
    cluster = sector * disk[13]
    reserved = int.from_bytes(disk[14:16], "little") * sector
    data = reserved + disk[16] * int.from_bytes(disk[36:40], "little") * sector

    def walk(first: int) -> None:
        at = first
        while 2 <= at < 0x0FFFFFF8:
            start = data + (at - 2) * cluster
            for entry in range(start, start + cluster, 32):
                attributes = disk[entry + 11]
                if disk[entry] == 0 or attributes == 0x0F:
                    continue
                disk[entry + 13] = 0
                disk[entry + 14 : entry + 20] = time + date + date
                disk[entry + 22 : entry + 26] = time + date
                child = (
                    int.from_bytes(disk[entry + 26 : entry + 28], "little") | int.from_bytes(disk[entry + 20 : entry + 22], "little") << 16
                )
                if attributes & 0x10 and disk[entry] not in {0x2E, 0xE5}:
                    walk(child)
            at = int.from_bytes(disk[reserved + 4 * at : reserved + 4 * at + 4], "little") & 0x0FFFFFFF

    walk(int.from_bytes(disk[44:48], "little"))
    image.write_bytes(disk)


def squashfs(into: Path, root: Path, epoch_s: int) -> None:
    """A compressed, read-only system: nothing can be written to it, whatever is mounted how."""
    into.unlink(missing_ok=True)
    run(
        "mksquashfs", str(root), str(into), "-noappend", "-quiet", "-no-progress",
        "-comp", "zstd", "-Xcompression-level", "9", "-b", "128K",
        "-all-time", str(epoch_s), "-mkfs-time", str(epoch_s), "-xattrs",
    )  # fmt: skip


def ext4(into: Path, size_mib: int, label: str, folders: tuple[Folder, ...], epoch_s: int) -> None:
    """An ext4 with nothing but folders, made to be grown, and marked as never used."""
    into.unlink(missing_ok=True)
    with into.open("wb") as file:
        file.truncate(size_mib * MIB)
    still = {**os.environ, "E2FSPROGS_FAKE_TIME": str(epoch_s)}
    extended = f"hash_seed={_HASH_SEED},lazy_itable_init=0,lazy_journal_init=0,resize={_GROWS_TO_BLOCKS}"
    run(
        "mke2fs",
        "-q",
        "-t",
        "ext4",
        "-b",
        "4096",
        "-J",
        "size=32",
        "-m",
        "1",
        "-L",
        label,
        "-U",
        _DATA_UUID,
        "-E",
        extended,
        str(into),
        env=still,
    )
    commands: list[str] = []
    for folder in folders:
        commands += [f"mkdir {folder.path}", f"sif {folder.path} mode 0{0o040000 | folder.mode:o}"]
        commands += [f"sif {folder.path} uid {folder.uid}", f"sif {folder.path} gid {folder.gid}"]
    with tempfile.NamedTemporaryFile("w", suffix=".debugfs") as script:
        script.write("".join(f"{command}\n" for command in commands))
        script.flush()
        run("debugfs", "-w", "-f", script.name, str(into), env=still)
    with into.open("r+b") as file:
        file.write(BLANK)


def run(*words: str, env: Mapping[str, str] | None = None) -> None:
    """Run a tool. Raises SystemExit with what it said when it fails."""
    path = {"PATH": f"{(env or os.environ).get('PATH', '')}:/usr/sbin:/sbin"}
    done = subprocess.run(words, check=False, capture_output=True, text=True, env={**(env or os.environ), **path})
    if done.returncode:
        raise SystemExit(f"{' '.join(words[:4])} … failed: {(done.stderr or done.stdout).strip()[-2000:]}")
