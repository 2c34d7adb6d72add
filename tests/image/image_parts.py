"""Makes what the image's tests start from: a factory disk, a second version, and bundles of it that are good, broken, forged or for another box.

    python tests/image/image_parts.py [--deb FILE] [--into build/image-test]

The disk is the product's own (images/build.py); only the squashfs is compressed less, so that an emulated box writes and reads it sooner. Keys
are made here, for this run, and lie in build/.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "images"), str(ROOT / "images/rauc")]

import bundle  # noqa: E402
import filesystem  # noqa: E402
import firmware  # noqa: E402
import keys  # noqa: E402
import layout  # noqa: E402
import recipe  # noqa: E402
import rootfs  # noqa: E402
import system  # noqa: E402

import build  # noqa: E402

#: What the kernel of a bundle is told, and what becomes of a box that tries it.
BROKEN: Final = {
    # A service that ran before does not come.
    "service": "systemd.mask=callfloor@wallboard.service systemd.setenv=CALLFLOOR_HEALTH_LIMIT_S=30",
    # All services run, and PBX and broker are out of reach.
    "network": "systemd.mask=systemd-networkd.service systemd.setenv=CALLFLOOR_HEALTH_LIMIT_S=30",
    # No Python of the new version starts, its own health check neither.
    "python": "systemd.setenv=PYTHONHOME=/nonexistent",
    # The kernel has nothing to start.
    "panic": "init=/nonexistent",
    # An encrypted data partition does not open; a plain one does.
    "shut": "module_blacklist=dm_crypt",
}
FIRST: Final = "0.1.0"
SECOND: Final = "0.2.0"
_ARGUMENTS: Final = (
    "ro rootwait panic=2 net.ifnames=0 console=ttyS0,115200 systemd.log_target=console systemd.journald.forward_to_console=0"
)


#: The folders and files that the parts come from; the tests beside them may change without new parts.
_MADE_OF: Final = (
    "appliance", "drivers", "gateway", "headsets", "wallboard", "images", "systemd", "pyproject.toml", "tests/image/image_parts.py",
)  # fmt: skip


#: The site of the tests: a PBX and a broker on 10.0.2.100, which the harness carries to this machine; the board for the harness alone.
_SHEET: Final = """\
site_sheet = 1

[site]
name = "quito"
box = "p3"
timezone = "Etc/UTC"
language = "en"

[ssh]
keys = ["{key}"]

[pbx.main]
host = "10.0.2.100"
port = 5038
username = "callfloor"
secret = "callfloor"

[crm]
url = "mqtt://10.0.2.100:1883"
insecure = true

[wallboard.tv]
listen = "0.0.0.0:8080"
allow = ["10.0.2.0/24"]
"""


def main() -> int:
    """Print each part as it is made."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deb", type=Path)
    parser.add_argument("--into", type=Path, default=Path("build/image-test"))
    asked = parser.parse_args()
    made(asked.into.resolve(), asked.deb)
    return 0


def made(into: Path, deb: Path | None = None) -> None:
    """All parts, unless they were made from the same files. Raises SystemExit with what a tool said."""
    stamp = _stamp(deb)
    if (into / "stamp").exists() and (into / "stamp").read_text() == stamp:
        return
    started = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s  {what}", flush=True)

    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    machine = recipe.MACHINES["amd64"]
    say("root file system")
    tar = rootfs.make(machine.packages(kiosk=False), "amd64", ROOT / "build/box", machine.boot_packages, machine.path_excludes())
    if deb is None:
        say("package")
        words = ["/usr/bin/python3", "images/package/build.py", "--into", str(into / "deb")]
        deb = Path(subprocess.run(words, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout.split()[-1])
    for authority in ("ours", "foreign"):
        keys.make(into / "keys" / authority, f"Callfloor TEST {authority}")
    ours, foreign = (
        bundle.Signer(*(into / "keys" / name / file for file in ("sign.key", "sign.pem", "ca.pem"))) for name in ("ours", "foreign")
    )
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(into / "ssh")], check=True)
    root = into / "root"
    say("system")
    system.unpack(tar, root)
    filesystem.squashfs = _quick_squashfs
    build.build(machine, root, deb, ours.keyring, into, FIRST, int(time.time()), say)
    (into / f"callfloor-{FIRST}-amd64.img").rename(into / "factory.img")
    _settle(into)
    say("second version")
    release = root / "usr/lib/os-release"
    release.write_text(release.read_text().replace(f"IMAGE_VERSION={FIRST}", f"IMAGE_VERSION={SECOND}"))
    _quick_squashfs(into / "second.squashfs", root, int(time.time()))
    shutil.rmtree(root)
    _bundles(into, machine.compatible, ours, foreign, say)
    (into / "stamp").write_text(stamp)


def _settle(into: Path) -> None:
    """The factory disk gets this site's sheet on CONFIG, which its first start makes true; the first boot partition talks on the serial line.
    Without GRUB's block, as on a Pi: the harness plays that firmware."""
    disk, sheet = into / "factory.img", into / "callfloor-site.toml"
    sheet.write_text(_SHEET.format(key=(into / "ssh.pub").read_text().strip()))
    at_config = f"{disk}@@{layout.offset_mib('amd64', 'config') * layout.MIB}"
    subprocess.run(["mcopy", "-o", "-i", at_config, str(sheet), "::callfloor-site.toml"], check=True)
    for slot in ("a", "b"):
        text = into / "boot.cfg"
        text.write_text(firmware.boot_cfg(_ARGUMENTS))
        for image in (f"{into / f'boot_{slot}.vfat'}", f"{disk}@@{layout.offset_mib('amd64', f'boot_{slot}') * layout.MIB}"):
            subprocess.run(["mcopy", "-o", "-i", image, str(text), "::boot.cfg"], check=True)
    config = f"{disk}@@{layout.offset_mib('amd64', 'config') * layout.MIB}"
    subprocess.run(["mdel", "-i", config, f"::{firmware.GRUBENV}"], check=True)


def _bundles(into: Path, compatible: str, ours: bundle.Signer, foreign: bundle.Signer, told: Callable[[str], None]) -> None:
    system_file = into / "second.squashfs"
    boot = _boot(into, "good", "")
    good = bundle.bundle(system_file, boot, compatible, SECOND, ours, into / "good.raucb")
    told("bundles: good")
    for number, (name, argument) in enumerate(BROKEN.items(), 3):
        bundle.bundle(system_file, _boot(into, name, argument), compatible, f"0.{number}.0", ours, into / f"{name}.raucb")
        told(f"bundles: {name}")
    small = into / "small.squashfs"
    small.write_bytes(system_file.read_bytes()[: 4 * 1024 * 1024])
    bundle.bundle(small, boot, compatible, "0.9.0", foreign, into / "foreign.raucb")
    bundle.bundle(small, boot, "callfloor-pi", "0.9.0", ours, into / "wrong-box.raucb")
    bundle.bundle(small, boot, compatible, "0.0.1", ours, into / "older.raucb")
    whole = bytearray((into / "older.raucb").read_bytes())
    whole[2_000_000] ^= 1
    (into / "tampered.raucb").write_bytes(whole)
    (into / "good.sha256").write_text(hashlib.sha256(good.read_bytes()).hexdigest())
    told("bundles: foreign, wrong box, older, tampered")


def _boot(into: Path, name: str, argument: str) -> Path:
    """A boot partition as the disk has it, its arguments changed; the kernel's own words go to the serial line."""
    boot = into / f"boot-{name}.vfat"
    shutil.copyfile(into / "boot_a.vfat", boot)
    text = into / "boot.cfg"
    text.write_text(firmware.boot_cfg(f"{_ARGUMENTS} {argument}".strip()))
    subprocess.run(["mcopy", "-o", "-i", str(boot), str(text), "::boot.cfg"], check=True)
    return boot


def _quick_squashfs(into: Path, root: Path, _epoch_s: int) -> None:
    into.unlink(missing_ok=True)
    words = [
        "mksquashfs",
        str(root),
        str(into),
        "-noappend",
        "-no-progress",
        "-quiet",
        "-comp",
        "zstd",
        "-Xcompression-level",
        "1",
        "-xattrs",
    ]
    filesystem.run(*words)


def _stamp(deb: Path | None) -> str:
    """What the parts are made of: the package's files as git has them, or the package handed in."""
    git = subprocess.run(["git", "log", "-1", "--format=%H", "--", *_MADE_OF], check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    changed = subprocess.run(["git", "diff", "HEAD", "--", *_MADE_OF], check=True, cwd=ROOT, stdout=subprocess.PIPE).stdout
    commit = git.stdout.strip()
    return json.dumps([commit, hashlib.sha256(changed).hexdigest(), str(deb), FIRST, SECOND, BROKEN, _ARGUMENTS])


if __name__ == "__main__":
    sys.exit(main())
