"""Makes the slow tier's other disks, by the product's own build: the PC's with a screen, the Pi's. Made again when what they are made of changed.

python tests/image/other_disks.py kiosk|arm64 [--deb FILE] [--into build/image-test]
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from fake_firmware import Firmware

ROOT: Final = Path(__file__).resolve().parents[2]
#: What systemd says goes to the serial line too; an emulated box that shares its cores with others may start slowly.
TALKS: Final = "ro rootwait panic=2 net.ifnames=0 systemd.log_target=console systemd.journald.forward_to_console=0 systemd.default_timeout_start_sec=600"
_WORDS: Final = {"kiosk": ("--arch", "amd64", "--kiosk"), "arm64": ("--arch", "arm64")}


def main() -> int:
    """Print where the disk lies."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=tuple(_WORDS))
    parser.add_argument("--deb", type=Path)
    parser.add_argument("--into", type=Path, default=ROOT / "build/image-test")
    asked = parser.parse_args()
    print(made(asked.kind, asked.into.resolve(), asked.deb))
    return 0


def made(kind: str, into: Path, deb: Path | None = None) -> Path:
    """The disk. Raises SystemExit when the build fails; what it said has been printed."""
    folder = into / f"disk-{kind}"
    stamp = _stamp(deb)
    disks = sorted(folder.glob("*/callfloor-*.img"))
    if disks and (folder / "stamp").exists() and (folder / "stamp").read_text() == stamp:
        return disks[-1]
    words = ["/usr/bin/python3", "images/build.py", *_WORDS[kind], "--into", str(folder), *(["--deb", str(deb)] if deb else [])]
    if subprocess.run(words, check=False, cwd=ROOT).returncode:
        raise SystemExit(f"the disk {kind} could not be made")
    (folder / "stamp").write_text(stamp)
    return sorted(folder.glob("*/callfloor-*.img"))[-1]


def settle(firmware: Firmware, sheet: str, console: str, scratch: Path) -> None:
    """A site sheet on CONFIG; both slots talk on a serial line that is listened to."""
    firmware.write("config", "callfloor-site.toml", sheet.encode(), scratch)
    for slot in ("a", "b"):
        if firmware.read(f"boot_{slot}", "cmdline.txt"):
            words = f"root=PARTLABEL=system_{slot} rauc.slot={slot.upper()} {TALKS} console={console}\n"
            firmware.write(f"boot_{slot}", "cmdline.txt", words.encode(), scratch)
        else:
            firmware.write(f"boot_{slot}", "boot.cfg", f'set slot_arguments="{TALKS} console={console}"\n'.encode(), scratch)


def _stamp(deb: Path | None) -> str:
    if told := os.environ.get("CALLFLOOR_DISKS"):
        return told
    words = ("git", "log", "-1", "--format=%H", "--", "images", "systemd", "appliance", "drivers", "gateway", "headsets", "wallboard")
    commit = subprocess.run(words, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout
    changed = subprocess.run(("git", "diff", "HEAD", "--", *words[5:]), check=True, cwd=ROOT, stdout=subprocess.PIPE).stdout
    return f"{commit.strip()} {hashlib.sha256(changed).hexdigest()} {deb}"


if __name__ == "__main__":
    sys.exit(main())
