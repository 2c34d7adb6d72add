"""Decides whether a file system has gone read-only that /etc/fstab mounts to be written, as the kernel does when a card fails.

(ext4(5), `errors=remount-ro`; kernels from 6.9 on say `emergency_ro` beside the old flags.)
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from msgspec import Struct

from appliance.box.kernel_file import text_of
from appliance.box.model import ROOT
from appliance.core.config import Config
from appliance.doctor.finding import Finding, Scene

LIMIT_S: Final = 5.0
#: Kinds that lose what they hold with the power.
VOLATILE: Final = frozenset(("tmpfs", "ramfs", "overlay", "squashfs", "devtmpfs"))


class Mount(Struct, frozen=True):
    """One mounted file system."""

    device: str
    place: str
    kind: str
    options: frozenset[str]

    @property
    def is_readonly(self) -> bool:
        """Whether nothing can be written to it."""
        return "ro" in self.options or "emergency_ro" in self.options


def wanted(config: Config) -> bool:
    """Always."""
    return True


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Look, and judge."""
    return judge(*read(scene.root))


def read(root: Path = ROOT) -> tuple[tuple[Mount, ...], tuple[Mount, ...]]:
    """What is mounted, and what fstab wants mounted."""
    return mounted_from(text_of(root / "proc/self/mountinfo") or ""), table_from(text_of(root / "etc/fstab") or "")


def mounted_from(text: str) -> tuple[Mount, ...]:
    """Parse /proc/self/mountinfo (proc(5)). The options are the file system's own: a hardened service sees places mounted to be read
    alone that are well.

    >>> mounted_from("36 35 8:1 / /data ro,noatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro")[0].is_readonly
    False
    """
    found = []
    for line in text.splitlines():
        mine, _, rest = line.partition(" - ")
        words, more = mine.split(), rest.split()
        if len(words) >= 6 and len(more) >= 3:
            found.append(Mount(more[1], _plain(words[4]), more[0], frozenset(more[2].split(","))))
    return tuple(found)


def table_from(text: str) -> tuple[Mount, ...]:
    """Parse /proc/mounts or fstab(5): six fields, blanks as \\040; comments and lines of less are left out.

    >>> table_from("# x\\n/dev/mmcblk0p2 / ext4 defaults,noatime 0 1\\n")[0].place
    '/'
    """
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 4 and not words[0].startswith("#"):
            found.append(Mount(words[0], _plain(words[1]), words[2], frozenset(words[3].split(","))))
    return tuple(found)


def mount_under(path: Path, mounts: tuple[Mount, ...]) -> Mount | None:
    """The file system on which a path lies: the deepest, and of those at one place the one that was mounted last."""
    best: Mount | None = None
    for mount in mounts:
        place = Path(mount.place)
        if (place == path or place in path.parents) and (best is None or len(place.parts) >= len(Path(best.place).parts)):
            best = mount
    return best


def fallen(mounts: tuple[Mount, ...], fstab: tuple[Mount, ...]) -> tuple[Mount, ...]:
    """Those that should be written to, and are not."""
    there = {mount.place: mount for mount in mounts}
    meant = {each.place for each in fstab if "ro" not in each.options and each.kind not in ("swap", "none")}
    return tuple(mount for place, mount in there.items() if mount.is_readonly and (place in meant or "emergency_ro" in mount.options))


def judge(mounts: tuple[Mount, ...], fstab: tuple[Mount, ...]) -> tuple[Finding, ...]:
    """What follows."""
    down = fallen(mounts, fstab)
    if not down:
        count = sum(not mount.is_readonly and mount.kind not in VOLATILE for mount in mounts if mount.device.startswith("/dev/"))
        return (Finding("mounts", "ok", "what is to be written to can be", f"{count} file systems of disks are mounted to be written"),)
    so = "nothing new is kept there; a card that does so is near its end"
    return tuple(
        Finding(
            "mounts", "red", "a file system has gone read-only", f"{mount.place} ({mount.device}, {mount.kind})", so,
            "sudo reboot   # it is checked at the start; replace a card that does so again",
        )
        for mount in down
    )  # fmt: skip


def _plain(text: str) -> str:
    for code, sign in (("\\040", " "), ("\\011", "\t"), ("\\134", "\\")):
        text = text.replace(code, sign)
    return text
