"""The slow tier, `make image-test`: boots the image in QEMU and does to it what floors do. Results: a table, and build/image-test.json.

    python tests/image/run.py [SCENARIO]… [--parts build/image-test] [--deb FILE]      as root; about half an hour on a quiet machine

What cannot be run here is skipped, says why, and is counted. Exit code 1 when a step failed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "images")]

import ab_update  # noqa: E402
import arm_start  # noqa: E402
import devices  # noqa: E402
import layout  # noqa: E402
import power_cut  # noqa: E402
from scenario import Report, SkipError  # noqa: E402
from vm_box import Box, copy_sparse  # noqa: E402

_TOOLS: Final = ("qemu-system-x86_64", "mcopy", "mtype", "rauc", "mksquashfs", "genimage", "mmdebstrap", "ssh", "debugfs", "mosquitto")
_BUNDLES: Final = ("good", "service", "network", "python", "panic", "tampered", "foreign", "wrong-box", "older")


def main() -> int:
    """Run the scenarios that were named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", nargs="*", help=f"{', '.join(SCENARIOS)}; default: all")
    parser.add_argument("--parts", type=Path, default=ROOT / "build/image-test")
    parser.add_argument("--deb", type=Path, help="a package that is there already")
    parser.add_argument("--as-is", action="store_true", help="take the parts that are there, whatever they were made from")
    parser.add_argument("--results", type=Path, default=ROOT / "build/image-test.json")
    asked = parser.parse_args()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    report = Report()
    parts = asked.parts.resolve()
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    why = "run as root" if os.geteuid() else f"not installed: {', '.join(missing)} (.ci/setup image)" if missing else ""
    if not why and not asked.as_is:
        words = ["/usr/bin/python3", str(Path(__file__).with_name("image_parts.py")), "--into", str(parts)]
        began_s = time.monotonic()
        done = subprocess.run([*words, *(["--deb", str(asked.deb.resolve())] if asked.deb else [])], check=False, cwd=ROOT)
        report.step("parts", "disk, second version, bundles", done.returncode == 0, "", time.monotonic() - began_s)
        why = "" if done.returncode == 0 else "its parts could not be made"
    for name in asked.scenario or SCENARIOS:
        if why:
            report.skip(name, why)
        else:
            _one(name, parts, report)
        report.write(asked.results)
    print("\n" + report.table())
    return 1 if report.count("fail") else 0


def _one(name: str, parts: Path, report: Report) -> None:
    def run() -> None:
        folder = parts / "runs" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            SCENARIOS[name](parts, folder, report)
        finally:
            (folder / "run.img").unlink(missing_ok=True)

    report.run(name, run)


def _ab(parts: Path, folder: Path, report: Report) -> None:
    with _peers() as peers:
        ab_update.scenario(_box(parts, folder, peers), report)()


def _cut(parts: Path, folder: Path, report: Report) -> None:
    with _peers() as peers:
        box = _box(parts, folder, peers)
        box.cache = "writethrough"
        power_cut.scenario(box, report)()


def _devices(parts: Path, folder: Path, report: Report) -> None:
    with _peers() as peers:
        devices.scenario(_box(parts, folder, peers), report)()


def _arm(parts: Path, folder: Path, report: Report) -> None:
    offsets = {part.name: layout.offset_mib("arm64", part.name) for part in layout.partitions("arm64")}
    arm_start.scenario(ROOT / "build/image/arm64", folder, parts / "ssh", offsets, report)()


SCENARIOS: Final[dict[str, Callable[[Path, Path, Report], None]]] = {"ab": _ab, "cut": _cut, "devices": _devices, "arm64": _arm}


def _box(parts: Path, folder: Path, peers: dict[int, int]) -> Box:
    disk = folder / "run.img"
    copy_sparse(parts / "factory.img", disk)
    offsets = {part.name: layout.offset_mib("amd64", part.name) for part in layout.partitions("amd64")}
    box = Box(disk, folder, parts / "ssh", offsets, peers)
    shelf = parts / "bundles.squashfs"
    if not shelf.exists():
        files = [str(parts / f"{name}.raucb") for name in _BUNDLES]
        subprocess.run(["mksquashfs", *files, str(shelf), "-noI", "-noD", "-noF", "-noX", "-quiet", "-no-progress"], check=True)
    box.extra = ("-drive", f"file={shelf},if=none,id=d1,format=raw,readonly=on", "-device", "nvme,drive=d1,serial=bundles")
    return box


@contextmanager
def _peers() -> Iterator[dict[int, int]]:
    """A simulated PBX and a real broker on this machine, as the boxes see them."""
    if shutil.which("mosquitto") is None:
        raise SkipError("not installed: mosquitto (.ci/setup machine)")
    with tempfile.TemporaryDirectory() as scratch:
        pbx, broker = 25038, 21883
        (Path(scratch) / "broker.conf").write_text(f"listener {broker} 127.0.0.1\nallow_anonymous true\n")
        commands = (
            [sys.executable, "-m", "appliance.cli.main", "sim", "pbx", "--port", str(pbx)],
            ["mosquitto", "-c", f"{scratch}/broker.conf"],
        )
        processes = [
            subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for command in commands
        ]
        try:
            yield {5038: pbx, 1883: broker}
        finally:
            for process in processes:
                process.terminate()
                process.wait(10)


if __name__ == "__main__":
    sys.exit(main())
