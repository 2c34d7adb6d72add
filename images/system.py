"""Makes a box's system out of a tar: the package installed, the overlay laid on, cleaned of the builder. A folder, as root."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import hygiene
from filesystem import run

_ENABLED: Final = ("systemd-networkd.service", "systemd-resolved.service", "systemd-timesyncd.service", "ssh.service", "callfloor.target")
#: What writes to a read-only system, or looks after packages that are never installed one by one.
_MASKED: Final = (
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer",
    "man-db.timer", "systemd-machine-id-commit.service", "systemd-firstboot.service", "systemd-hwdb-update.service", "ldconfig.service",
    "systemd-journal-catalog-update.service", "systemd-update-done.service",
)  # fmt: skip
_MOUNT_POINTS: Final = (
    "boot/config", "data", "root/.ssh", "run", "tmp", "var/cache", "var/lib/callfloor", "var/lib/callfloor-kiosk",
    "var/lib/private", "var/lib/systemd", "var/log", "var/tmp",
)  # fmt: skip


def unpack(tar: Path, root: Path) -> None:
    """The tar as a folder; what was there is gone."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    run("tar", "--numeric-owner", "--xattrs", "--xattrs-include=*", "-xpf", str(tar), "-C", str(root))


def install(root: Path, deb: Path, epoch_s: int = 0) -> None:
    """Install the package as apt would, its scripts run in the system itself. Raises SystemExit with dpkg's words.

    `epoch_s`: the day that /etc/shadow gets for users who are made now.
    """
    shutil.copy(deb, root / "tmp/callfloor.deb")
    quiet = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "DEBIAN_FRONTEND": "noninteractive",
        "LC_ALL": "C.UTF-8",
        "SOURCE_DATE_EPOCH": str(epoch_s),
    }
    run("chroot", str(root), "dpkg", "--install", "/tmp/callfloor.deb", env=quiet)  # noqa: S108 - in the new system
    (root / "tmp/callfloor.deb").unlink()


def owner(root: Path, user: str) -> tuple[int, int]:
    """A user's numbers in the system. Raises SystemExit when the package made no such user."""
    for line in (root / "etc/passwd").read_text().splitlines():
        name, _, uid, gid, *_ = line.split(":")
        if name == user:
            return int(uid), int(gid)
    raise SystemExit(f"the package made no user {user}")


def finish(root: Path, overlay: Path, version: str, lay_out: tuple[str, ...]) -> None:
    """Lay the image's own files over the system, say which version it is, enable what runs; clean it of the builder.

    `lay_out`: the words of images/rauc/lay_out, which says who may sign updates.
    """
    hygiene.scrub(root)
    for folder in _MOUNT_POINTS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    run("cp", "-a", "--no-preserve=ownership", f"{overlay}/.", str(root))
    run(*lay_out)
    for path in overlay.rglob("*"):
        os.chown(root / path.relative_to(overlay), 0, 0, follow_symlinks=False)
    release = root / "usr/lib/os-release"
    kept = [line for line in release.read_text().splitlines() if not line.startswith(("IMAGE_ID=", "IMAGE_VERSION="))]
    release.write_text("\n".join([*kept, "IMAGE_ID=callfloor", f"IMAGE_VERSION={version}", ""]))
    ours = sorted(path.name for path in overlay.glob("usr/lib/systemd/system/callfloor-*.service") if "[Install]" in path.read_text())
    # Empty, not "uninitialized": systemd then makes one at the first start and keeps it, and does not enable whatever Debian would.
    (root / "etc/machine-id").write_bytes(b"")
    _systemctl(root, "enable", *_ENABLED, *ours)
    _systemctl(root, "mask", *_MASKED)
    # Nobody logs in by typing: root has no password, and a console that asks for one only invites guesses.
    _systemctl(root, "mask", "getty@tty1.service", "serial-getty@.service", "getty.target", "console-getty.service")
    for stale in ("vmlinuz", "vmlinuz.old", "initrd.img", "initrd.img.old"):
        (root / stale).unlink(missing_ok=True)


def stop_where_dirty(root: Path, builder: tuple[str, ...]) -> None:
    """Raises SystemExit naming every file that must not be in a box."""
    found = list(hygiene.stains(hygiene.in_folder(root), builder))
    if found:
        raise SystemExit("the system is not clean:\n" + "\n".join(f"  {stain}" for stain in found[:50]))


def _systemctl(root: Path, verb: str, *units: str) -> None:
    done = subprocess.run(["systemctl", f"--root={root}", verb, *units], check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"systemctl {verb}: {done.stderr.strip()}")
