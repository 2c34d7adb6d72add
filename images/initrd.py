"""Makes the initrd of a box: busybox, e2fsck, the drivers that find the disk, images/boot/init. The same input gives the same bytes.

Debian's own mkinitramfs takes many minutes under emulation, and writes what the builder looks like into the result.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FOLDERS: Final = ("bin", "dev", "modules", "newroot", "proc", "run", "sbin", "sys")
_TRAILER: Final = "TRAILER!!!"
#: What the kernel asks for a driver (a cipher, say) while the initrd runs: the system's own modprobe, which has them all.
_MODPROBE: Final = b'#!/bin/busybox sh\nexec /bin/busybox chroot /newroot /sbin/modprobe "$@"\n'


@dataclass(frozen=True, slots=True)
class Entry:
    """A member of the archive. `mode` with the file's type, as in stat."""

    name: str
    mode: int
    content: bytes = b""


def build(modules: Path, wanted: Iterable[str], programs: Mapping[str, bytes], init: bytes) -> bytes:
    """The compressed archive. `modules`: the folder /lib/modules/RELEASE of the target; `programs`: static ones, by name."""
    built_in = {_name(line) for line in (modules / "modules.builtin").read_text().split()}
    wanted = [name for name in wanted if name.replace("-", "_") not in built_in]
    order = load_order((modules / "modules.dep").read_text(), wanted)
    entries = [Entry(folder, 0o40755) for folder in _FOLDERS]
    entries += [Entry(f"bin/{name}", 0o100755, program) for name, program in sorted(programs.items())]
    entries += [Entry("init", 0o100755, init), Entry("sbin/modprobe", 0o100755, _MODPROBE)]
    names = [f"{at:03d}-{Path(path).name}" for at, path in enumerate(order)]
    entries += [Entry(f"modules/{name}", 0o100644, (modules / path).read_bytes()) for name, path in zip(names, order, strict=True)]
    entries.append(Entry("modules/order", 0o100644, "".join(f"{name}\n" for name in names).encode()))
    # Made before the kernel has a /dev: what its first program writes to.
    entries.append(Entry("dev/console", 0o20600))
    return gzip.compress(b"".join(archive(entries)), 9, mtime=0)


def load_order(dependencies: str, wanted: Iterable[str]) -> list[str]:
    """Paths of the wanted modules and of what they need, in the order of loading. Raises SystemExit for one that is missing.

    >>> load_order("kernel/b.ko: kernel/a.ko\\nkernel/a.ko:\\n", ["b"])
    ['kernel/a.ko', 'kernel/b.ko']
    """
    needs: dict[str, list[str]] = {}
    for line in dependencies.splitlines():
        path, _, rest = line.partition(":")
        needs[path] = rest.split()
    by_name = {_name(path): path for path in needs}
    order: list[str] = []

    def add(path: str) -> None:
        # modules.dep lists a module's needs the last first, each with its own needs among them.
        for need in reversed(needs.get(path, [])):
            add(need)
        if path not in order:
            order.append(path)

    for name in wanted:
        if (found := by_name.get(name.replace("-", "_"))) is None:
            raise SystemExit(f"the kernel has no module {name}: recipe.py names one that its package lacks, or leaves out")
        add(found)
    return order


def _name(path: str) -> str:
    return re.sub(r"\.ko(\.[a-z]+)?$", "", path.rsplit("/", 1)[-1]).replace("-", "_")


def archive(entries: Iterable[Entry]) -> Iterator[bytes]:
    """A cpio archive in the kernel's form ("newc", its documentation's early-userspace/buffer-format.rst), with no times and no owners."""
    for number, entry in enumerate([*entries, Entry(_TRAILER, 0)], 1):
        name = entry.name.encode() + b"\0"
        major, minor = (5, 1) if entry.mode & 0o170000 == 0o20000 else (0, 0)
        links = 2 if entry.mode & 0o170000 == 0o40000 else 1
        fields = (number, entry.mode, 0, 0, links, 0, len(entry.content), 0, 0, major, minor, len(name), 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
        yield head.ljust(-(-len(head) // 4) * 4, b"\0")
        yield entry.content.ljust(-(-len(entry.content) // 4) * 4, b"\0")
