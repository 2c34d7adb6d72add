"""Makes a Debian root file system as a tar with mmdebstrap, once for each recipe: what the image and the tests of the box stand on.

The name of the tar holds a digest of its recipe, so that another recipe is another file and nothing stale is ever used.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

SUITE: Final = "bookworm"
#: What every box has. No network manager: systemd-networkd is part of systemd.
COMMON: Final = (
    "ca-certificates", "dbus", "iproute2", "kmod", "libusb-1.0-0", "openssh-server", "python3", "python3-spidev", "systemd",
    "systemd-sysv", "systemd-timesyncd", "tzdata", "udev",
)  # fmt: skip
#: The least that Debian calls installed, for what has to bring everything itself.
BARE: Final = ("tzdata",)
_LEAVE_OUT: Final = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
#: mkinitramfs takes minutes under emulation, and the kernels used here need no initrd: diverted while packages are set up.
_NO_INITRAMFS: Final = (
    'printf "#!/bin/sh\\nexit 0\\n" > "$1/usr/sbin/stub"; chmod 755 "$1/usr/sbin/stub"; '
    'chroot "$1" dpkg-divert --quiet --local --rename --divert /usr/sbin/update-initramfs.real --add /usr/sbin/update-initramfs; '
    'mv "$1/usr/sbin/stub" "$1/usr/sbin/update-initramfs"'
)


#: Where the files of packages lie that are unpacked only, none of their scripts run: firmware and boot loaders, for whoever makes disks.
BOOT: Final = "usr/lib/callfloor-boot"
_UNPACK_ONLY: Final = (
    'mkdir -p "$1/{boot}" "$1/tmp/boot-packages" && cd "$1/tmp/boot-packages" && '
    "APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -q -o APT::Sandbox::User=root download {names} && "
    'for deb in *.deb; do dpkg-deb -x "$deb" "$1/{boot}"; done && cd / && rm -r "$1/tmp/boot-packages"'
)


def recipe(
    packages: tuple[str, ...],
    architecture: str,
    boot: tuple[str, ...] = (),
    without: tuple[str, ...] = (),
    common: tuple[str, ...] = COMMON,
) -> list[str]:
    """The words of mmdebstrap but for the tar's name. `boot`: packages only unpacked, below BOOT; some are of non-free-firmware.

    `without`: patterns of files that dpkg leaves out. `common`: packages instead of those of every box.
    """
    words = ["mmdebstrap", "--mode=root", "--variant=minbase", "--format=tar", f"--architectures={architecture}"]
    words += [f"--include={','.join(sorted({*common, *packages}))}", "--aptopt=APT::Install-Recommends false"]
    words += [f"--dpkgopt=path-exclude={pattern}" for pattern in (*_LEAVE_OUT, *without)]
    words += ["--dpkgopt=path-include=/usr/share/doc/*/copyright", f"--essential-hook={_NO_INITRAMFS}"]
    if boot:
        words += ["--components=main,non-free-firmware", f"--customize-hook={_UNPACK_ONLY.format(boot=BOOT, names=' '.join(boot))}"]
    return [*words, SUITE]


def make(
    packages: tuple[str, ...],
    architecture: str,
    into: Path,
    boot: tuple[str, ...] = (),
    without: tuple[str, ...] = (),
    common: tuple[str, ...] = COMMON,
) -> Path:
    """The tar for a recipe, made unless it is there. Raises SystemExit when mmdebstrap fails; its words are in the log beside it."""
    words = recipe(packages, architecture, boot, without, common)
    tar = into / f"rootfs-{architecture}-{hashlib.sha256(' '.join(words).encode()).hexdigest()[:12]}.tar"
    if tar.exists():
        return tar
    if shutil.which("mmdebstrap") is None:
        raise SystemExit("mmdebstrap is not here: run .ci/setup box")
    into.mkdir(parents=True, exist_ok=True)
    _emulate(architecture)
    # Others may be at it too: each writes its own, and the last to end wins.
    unfinished, log = tar.with_suffix(f".{os.getpid()}.part"), tar.with_suffix(".log")
    with log.open("w") as told:
        done = subprocess.run([*words, str(unfinished)], check=False, stdout=told, stderr=subprocess.STDOUT)
    if done.returncode:
        raise SystemExit(f"mmdebstrap failed; all that it said is in {log}")
    unfinished.rename(tar)
    return tar


def _emulate(architecture: str) -> None:
    """Let this machine run another architecture's programs; the packages' own activation wants a running systemd."""
    if subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True).stdout.strip() == architecture:
        return
    if shutil.which("qemu-aarch64-static") is None or shutil.which("update-binfmts") is None:
        raise SystemExit("another architecture's programs need qemu-user-static and binfmt-support: run .ci/setup image")
    registered = Path("/proc/sys/fs/binfmt_misc")
    if not (registered / "register").exists():
        subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", str(registered)], check=True)
    if not (registered / "qemu-aarch64").exists():
        subprocess.run(["update-binfmts", "--enable", "qemu-aarch64"], check=True)


def main() -> int:
    """`rootfs.py [--arch amd64] [--include PACKAGE]… [--into build/box]`; prints where the tar lies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", choices=("amd64", "arm64"), default="amd64")
    parser.add_argument("--include", action="append", default=[], help="a package beside those of every box; repeat for more")
    parser.add_argument("--bare", action="store_true", help="a Debian that nobody prepared: no systemd, no python3")
    parser.add_argument("--into", type=Path, default=Path("build/box"))
    asked = parser.parse_args()
    print(make(tuple(asked.include), asked.arch, asked.into, common=BARE if asked.bare else COMMON))
    return 0


if __name__ == "__main__":
    sys.exit(main())
