"""Builds a box's disk: one recipe, two architectures. `make image ARGS="--arch arm64"`; README.md beside this tells what comes out.

The system is made from a tar (rootfs.py) and the package, never from what the builder happens to have; the same tar, package and commit
give the same bytes, and the digests of disk and partitions are printed and kept beside it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import device_tree
import filesystem
import firmware
import initrd
import layout
import recipe
import rootfs
import system

_HERE: Final = Path(__file__).parent
_OVERLAY: Final = _HERE / "overlay"
#: What the data partition holds from the factory: `etc/upper` is what this box changed of /etc, the rest is mounted where fstab says.
_DATA: Final = (
    "etc", "etc/upper", "etc/work", "home", "home/root-ssh", "lib", "lib/callfloor", "lib/callfloor-kiosk", "lib/systemd",
    "lib/systemd/timesync", "log", "log/journal", "log/private", "cache", "cache/callfloor",
)  # fmt: skip
_OWN: Final = ("lib/callfloor", "cache/callfloor")
_MODES: Final = {"home/root-ssh": 0o700, "lib/callfloor": 0o750, "cache/callfloor": 0o750, "log/private": 0o700}


def main() -> int:
    """`build.py [--arch amd64] [--kiosk] [--deb FILE] [--into build/image]`; prints what was made, and its digests."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", choices=tuple(recipe.MACHINES), default="amd64")
    parser.add_argument("--kiosk", action="store_true", help="with cage and cog, for a television at the box's HDMI; 110 MB more")
    parser.add_argument("--deb", type=Path, help="the package to install; default: built from this checkout")
    parser.add_argument("--keyring", type=Path, help="PEM: who may sign updates; default: an authority for tests, made in build/image/keys")
    parser.add_argument("--into", type=Path, default=Path("build/image"))
    parser.add_argument("--version", help="what the image calls itself; default: pyproject.toml's")
    asked = parser.parse_args()
    if os.geteuid():
        raise SystemExit("an image is made of files of root's: run it as root")
    machine = recipe.MACHINES[asked.arch]
    version = asked.version or str(tomllib.loads(Path("pyproject.toml").read_text())["project"]["version"])
    epoch_s = int(os.environ.get("SOURCE_DATE_EPOCH") or _output("git", "log", "-1", "--format=%ct"))
    started = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s  {what}", flush=True)

    say(f"root file system for {machine.architecture} (the first time: minutes)")
    packages = machine.packages(kiosk=asked.kiosk)
    tar = rootfs.make(packages, machine.architecture, Path("build/box"), machine.boot_packages, machine.path_excludes())
    deb = asked.deb or _package(machine.architecture)
    into = asked.into / machine.architecture
    into.mkdir(parents=True, exist_ok=True)
    keyring = asked.keyring or _test_authority(asked.into / "keys", say)
    say(f"system out of {tar.name} and {deb.name}")
    root = into / "root"
    system.unpack(tar, root)
    disk = build(machine, root, deb, keyring, into, version, epoch_s, say)
    shutil.rmtree(root)
    say(f"done: {disk}")
    told = digests(disk, machine.architecture)
    (into / "digests.json").write_text(json.dumps(told, indent=2) + "\n")
    for name, digest in told.items():
        print(f"  {digest}  {name}")
    return 0


def build(
    machine: recipe.Machine, root: Path, deb: Path, keyring: Path, into: Path, version: str, epoch_s: int, say: Callable[[str], None]
) -> Path:
    """Turn an unpacked tar into the disk. The parts that an update bundle is made of stay beside it: system.squashfs, boot_a.vfat."""
    system.install(root, deb, epoch_s)
    boot = into / "boot"
    shutil.rmtree(boot, ignore_errors=True)
    shutil.move(root / rootfs.BOOT, boot)
    system.finish(root, _OVERLAY, version, (str(_HERE / "rauc/lay_out"), str(root), machine.compatible, str(keyring)))
    # A clock without a battery does not begin before its image was made (systemd(1), /usr/lib/clock-epoch).
    clock = root / "usr/lib/clock-epoch"
    clock.touch()
    os.utime(clock, (epoch_s, epoch_s))
    for drop_in in Path("systemd/image/system.conf.d").glob("*.conf"):
        filesystem.run("install", "-D", "-m", "644", "-t", str(root / "etc/systemd/system.conf.d"), str(drop_in))
    system.stop_where_dirty(root, (platform.node(), str(Path.cwd()), str(into.resolve())))
    say("kernel, initrd, boot partitions")
    release = next((root / "usr/lib/modules").iterdir()).name
    kernel = (root / f"boot/vmlinuz-{release}").read_bytes()
    programs = {"busybox": (boot / "bin/busybox").read_bytes(), "e2fsck": (boot / "sbin/e2fsck.static").read_bytes()}
    uid, gid = system.owner(root, "callfloor")
    folders = tuple(filesystem.Folder(path, _MODES.get(path, 0o755), *((uid, gid) if path in _OWN else (0, 0))) for path in _DATA)
    # For a data partition that is made anew on the box: encrypted, or in memory where there is none.
    listed = root / "usr/lib/callfloor/data-folders"
    listed.write_text("".join(f"{each.mode:o} {each.uid} {each.gid} {each.path}\n" for each in folders))
    listed.chmod(0o644)
    ramdisk = initrd.build(root / "usr/lib/modules" / release, machine.modules, programs, (_HERE / "boot/init").read_bytes())
    for path in (root / "boot").glob("*-" + release):
        path.unlink()
    files = {"vmlinuz": kernel, "initrd.img": ramdisk, "version.txt": f"{version}\n".encode()}
    files |= pi_files(boot, root / f"usr/lib/linux-image-{release}") if machine.architecture == "arm64" else {}
    parts = {part.name: part for part in layout.partitions(machine.architecture)}
    for slot in ("A", "B"):
        name = f"boot_{slot.lower()}"
        if machine.architecture == "arm64":
            files["cmdline.txt"] = firmware.cmdline(machine.arguments, slot).encode()
        else:
            files["boot.cfg"] = firmware.boot_cfg(machine.arguments).encode()
        filesystem.fat(into / f"{name}.vfat", parts[name].size_mib, "BOOT", "c4f1b007", files, epoch_s)
    filesystem.fat(into / "config.vfat", parts["config"].size_mib, "CONFIG", "c4f1c0f1", config_files(machine.architecture, boot), epoch_s)
    shutil.rmtree(boot)
    say("system and data")
    filesystem.squashfs(into / "system.squashfs", root, epoch_s)
    filesystem.ext4(into / "data.ext4", parts["data"].size_mib, "data", folders, epoch_s)
    say("disk")
    disk = into / f"callfloor-{version}-{machine.architecture}.img"
    (into / "genimage.cfg").write_text(layout.genimage(machine.architecture, disk.name))
    for folder in ("tmp", "empty"):
        shutil.rmtree(into / folder, ignore_errors=True)
    (into / "empty").mkdir()
    words = {"rootpath": "empty", "tmppath": "tmp", "inputpath": ".", "outputpath": ".", "config": "genimage.cfg"}
    filesystem.run("genimage", *(word for name, path in words.items() for word in (f"--{name}", str(into / path))))
    for folder in ("tmp", "empty"):
        shutil.rmtree(into / folder, ignore_errors=True)
    return disk


def config_files(architecture: str, boot: Path) -> dict[str, bytes]:
    """What CONFIG holds from the factory: which slot starts, and on a PC the signed boot loaders."""
    files = {"autoboot.txt": firmware.autoboot("A").encode()}
    if architecture == "amd64":
        files["EFI/BOOT/BOOTX64.EFI"] = (boot / "usr/lib/shim/shimx64.efi.signed").read_bytes()
        files["EFI/BOOT/grubx64.efi"] = (boot / "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed").read_bytes()
        files["EFI/debian/grub.cfg"] = firmware.GRUB_CFG.encode()
        files[firmware.GRUBENV] = firmware.grubenv("A")
    else:
        # A Pi 3 loads its next stage from the first FAT partition; a Pi 4 has it in its own memory.
        files["bootcode.bin"] = (boot / "usr/lib/raspi-firmware/bootcode.bin").read_bytes()
    return files


def pi_files(boot: Path, device_trees: Path) -> dict[str, bytes]:
    """What the Pi's firmware wants beside the kernel: itself, its settings, the boards' device trees."""
    ours = boot / "usr/lib/raspi-firmware"
    files = {path.name: path.read_bytes() for pattern in ("start*.elf", "fixup*.dat") for path in ours.glob(pattern)}
    files |= device_tree.trees(device_trees / "broadcom")
    files["config.txt"] = firmware.CONFIG_TXT.encode()
    return files


def digests(disk: Path, architecture: str) -> dict[str, str]:
    """SHA-256 of the disk and of each partition on it."""
    told = {disk.name: hashlib.sha256()}
    with disk.open("rb") as file:
        while piece := file.read(layout.MIB):
            told[disk.name].update(piece)
        for part in layout.partitions(architecture):
            told[part.name] = hashlib.sha256()
            file.seek(layout.offset_mib(architecture, part.name) * layout.MIB)
            for _ in range(part.size_mib):
                told[part.name].update(file.read(layout.MIB))
    return {name: digest.hexdigest() for name, digest in told.items()}


def _test_authority(folder: Path, say: Callable[[str], None]) -> Path:
    say(f"updates: signed by an authority FOR TESTS in {folder}; --keyring names a real one")
    filesystem.run("/usr/bin/python3", str(_HERE / "rauc/keys.py"), str(folder))
    return folder / "ca.pem"


def _package(architecture: str) -> Path:
    words = ["/usr/bin/python3", "images/package/build.py", "--arch", architecture]
    return Path(_output(*words).splitlines()[-1])


def _output(*words: str) -> str:
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
