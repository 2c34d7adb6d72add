"""The slow tier, `make image-test`: boots the image in QEMU and does to it what floors do. Results: a table, and build/image-test.json.

    python tests/image/run.py [SCENARIO[.STEP]]… [--parts build/image-test] [--deb FILE]      as root; three quarters of an hour on a quiet machine
    python tests/image/run.py ab.good ab.panic --as-is                     two steps of a scenario again, with the parts that are there

What cannot be run here is skipped, says why, and is counted. Exit code 1 when a step failed. However it ends, no emulator is left.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Final, TypeVar

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "images")]

import ab_update  # noqa: E402
import arm_start  # noqa: E402
import data_seal  # noqa: E402
import devices  # noqa: E402
import kiosk_screen  # noqa: E402
import layout  # noqa: E402
import other_disks  # noqa: E402
import power_cut  # noqa: E402
from pytest_steps import tests  # noqa: E402
from scenario import Report, SkipError  # noqa: E402
from shelf import Shelf, shelf  # noqa: E402
from tpm_box import TpmBox  # noqa: E402
from vm_box import BOXES, Box, copy_sparse, free_port  # noqa: E402

AnyBox = TypeVar("AnyBox", bound=Box)
_TOOLS: Final = ("qemu-system-x86_64", "mcopy", "mtype", "rauc", "mksquashfs", "genimage", "mmdebstrap", "ssh", "debugfs", "mosquitto")
#: A card is larger than the image: the data partition grows, and has room for a download.
_DISK_BYTES: Final = 4 * 1024**3
_BUNDLES: Final = ("good", "service", "network", "python", "panic", "shut", "tampered", "foreign", "wrong-box", "older")


def main() -> int:
    """Run the scenarios that were named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", nargs="*", help=f"{', '.join(SCENARIOS)}, or steps of one: {_STEPS_HELP}; default: all")
    parser.add_argument("--parts", type=Path, default=ROOT / "build/image-test")
    parser.add_argument("--deb", type=Path, help="a package that is there already")
    parser.add_argument("--as-is", action="store_true", help="take the parts that are there, whatever they were made from")
    parser.add_argument("--results", type=Path, default=ROOT / "build/image-test.json")
    asked = parser.parse_args()
    chosen = _chosen(asked.scenario, parser.error)
    if asked.deb:
        os.environ["CALLFLOOR_DEB"] = str(asked.deb.resolve())
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stopped)
    report = Report()
    try:
        with report.pulse(_seen):
            _all(chosen, asked, report)
            report.complete = True
    finally:
        for box in BOXES:
            box.end()
        report.write(asked.results)
        print("\n" + report.table(), flush=True)
    return 1 if report.count("fail") else 0


def _chosen(words: list[str], refuse: Callable[[str], object]) -> dict[str, tuple[str, ...]]:
    """Scenarios and the steps of each, in the order of SCENARIOS; no steps: all of them."""
    found: dict[str, list[str]] = {}
    for word in words:
        name, _, step = word.partition(".")
        if name not in SCENARIOS or (step and step not in _STEPS.get(name, ())):
            refuse(f"there is no {word}; scenarios: {', '.join(SCENARIOS)}; steps: {_STEPS_HELP}")
        found.setdefault(name, []).extend([step] if step else [])
    whole = {word for word in words if "." not in word}
    return {name: () if name in whole else tuple(found.get(name, ())) for name in SCENARIOS if not words or name in found}


def _stopped(number: int, _frame: FrameType | None) -> None:
    """Asked to stop: everything is cleaned up once, and undisturbed."""
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise SystemExit(128 + number)


def _seen() -> str:
    running = [box for box in BOXES if box.running]
    return running[-1].last_words() if running else "no box runs"


def _all(chosen: dict[str, tuple[str, ...]], asked: argparse.Namespace, report: Report) -> None:
    parts = asked.parts.resolve()
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    why = "run as root" if os.geteuid() else f"not installed: {', '.join(missing)} (.ci/setup image)" if missing else ""
    if not why and not asked.as_is:
        began_s = time.monotonic()
        made = _parts(parts, asked.deb)
        report.step("parts", "disk, second version, bundles", made, "", time.monotonic() - began_s)
        why = "" if made else "its parts could not be made"
    for name, steps in chosen.items():
        report.chosen = steps
        if why:
            report.skip(name, why)
        else:
            _one(name, parts, report)
        report.write(asked.results)


def _parts(parts: Path, deb: Path | None) -> bool:
    """In a group of its own: who stops this stops its tools too."""
    words = ["/usr/bin/python3", str(Path(__file__).with_name("image_parts.py")), "--into", str(parts)]
    making = subprocess.Popen([*words, *(["--deb", str(deb.resolve())] if deb else [])], cwd=ROOT, start_new_session=True)
    try:
        return making.wait() == 0
    finally:
        if making.poll() is None:
            os.killpg(making.pid, signal.SIGTERM)
            making.wait()


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
    with _peers(parts) as (peers, _served):
        ab_update.scenario(_box(parts, folder, peers), report)()


def _cut(parts: Path, folder: Path, report: Report) -> None:
    with _peers(parts) as (peers, served):
        box = _box(parts, folder, peers)
        box.cache = "writethrough"
        power_cut.scenario(box, report, served)()


def _tpm(parts: Path, folder: Path, report: Report) -> None:
    missing = [tool for tool in ("swtpm", "swtpm_setup") if shutil.which(tool) is None]
    if missing:
        raise SkipError(f"not installed: {', '.join(missing)} (.ci/setup image)")
    with _peers(parts) as (peers, _served):
        data_seal.scenario(_box_of(TpmBox, parts, folder, peers), report, parts / "factory.img")()


def _devices(parts: Path, folder: Path, report: Report) -> None:
    with _peers(parts) as (peers, _served):
        devices.scenario(_box(parts, folder, peers), report)()


def _kiosk(parts: Path, folder: Path, report: Report) -> None:
    with _peers(parts) as (peers, _served):
        box = _other(Box, "kiosk", parts, folder, peers)
        kiosk_screen.scenario(box, _sheet(parts), report)()


def _arm(parts: Path, folder: Path, report: Report) -> None:
    with _peers(parts) as (peers, _served):
        for kind in filter(lambda each: report.wants(each.name), arm_start.KINDS):
            (folder / kind.name).mkdir()
            box = _other(kind, "arm64", parts, folder / kind.name, peers)
            try:
                arm_start.scenario(box, _sheet(parts), report)()
            finally:
                box.disk.unlink()


def _uefi(parts: Path, folder: Path, report: Report) -> None:
    disk = other_disks.made("kiosk", parts, _deb(parts))
    tests("uefi", "test_boot_amd64.py", folder, report, {"CALLFLOOR_IMAGE": str(disk)})


def _made(parts: Path, folder: Path, report: Report) -> None:
    deb = _deb(parts)
    tests("made", "test_disk.py", folder, report, {"CALLFLOOR_DEB": str(deb)} if deb else {})


SCENARIOS: Final[dict[str, Callable[[Path, Path, Report], None]]] = {
    "ab": _ab, "cut": _cut, "tpm": _tpm, "devices": _devices, "kiosk": _kiosk, "arm64": _arm, "uefi": _uefi, "made": _made,
}  # fmt: skip
#: Steps that can be asked for alone; the first start always comes before them.
_STEPS: Final = {
    "ab": tuple(ab_update.STEPS), "cut": tuple(power_cut.STEPS), "tpm": tuple(data_seal.STEPS),
    "arm64": tuple(kind.name for kind in arm_start.KINDS),
}  # fmt: skip
_STEPS_HELP: Final = ", ".join(f"{name}.{step}" for name, steps in _STEPS.items() for step in steps)


def _other(kind: Callable[..., AnyBox], name: str, parts: Path, folder: Path, peers: dict[int, int]) -> AnyBox:
    """A box of another disk than the factory one; made now, unless it is there."""
    disk = folder / "run.img"
    copy_sparse(other_disks.made(name, parts, _deb(parts) if name == "kiosk" else None), disk)
    os.truncate(disk, _DISK_BYTES)
    architecture = "arm64" if name == "arm64" else "amd64"
    offsets = {part.name: layout.offset_mib(architecture, part.name) for part in layout.partitions(architecture)}
    return kind(disk, folder, parts / "ssh", offsets, peers)


def _sheet(parts: Path) -> str:
    return (parts / "callfloor-site.toml").read_text()


def _deb(parts: Path) -> Path | None:
    """The amd64 package that the factory disk was made of."""
    told = os.environ.get("CALLFLOOR_DEB")
    return Path(told) if told else next(iter(sorted((parts / "deb").glob("callfloor_*_amd64.deb"))), None)


def _box(parts: Path, folder: Path, peers: dict[int, int]) -> Box:
    return _box_of(Box, parts, folder, peers)


def _box_of(kind: Callable[..., AnyBox], parts: Path, folder: Path, peers: dict[int, int]) -> AnyBox:
    disk = folder / "run.img"
    copy_sparse(parts / "factory.img", disk)
    os.truncate(disk, _DISK_BYTES)
    offsets = {part.name: layout.offset_mib("amd64", part.name) for part in layout.partitions("amd64")}
    box = kind(disk, folder, parts / "ssh", offsets, peers)
    shelf = parts / "bundles.squashfs"
    if not shelf.exists():
        files = [str(parts / f"{name}.raucb") for name in _BUNDLES]
        subprocess.run(["mksquashfs", *files, str(shelf), "-noI", "-noD", "-noF", "-noX", "-quiet", "-no-progress"], check=True)
    box.extra = ("-drive", f"file={shelf},if=none,id=d1,format=raw,readonly=on", "-device", "nvme,drive=d1,serial=bundles")
    return box


@contextmanager
def _peers(parts: Path) -> Iterator[tuple[dict[int, int], Shelf]]:
    """A simulated PBX, a real broker and a web server with the bundles on this machine: guest port → port here."""
    if shutil.which("mosquitto") is None:
        raise SkipError("not installed: mosquitto (.ci/setup machine)")
    with tempfile.TemporaryDirectory() as scratch, shelf(parts) as served, ExitStack() as running:
        pbx, broker = free_port(), free_port()
        (Path(scratch) / "broker.conf").write_text(f"listener {broker} 127.0.0.1\nallow_anonymous true\n")
        for command in (
            [sys.executable, "-m", "appliance.cli.main", "sim", "pbx", "--port", str(pbx)],
            ["mosquitto", "-c", f"{scratch}/broker.conf"],
        ):
            words = ["setpriv", "--pdeathsig", "KILL", *command]
            null = subprocess.DEVNULL
            process = running.enter_context(subprocess.Popen(words, cwd=ROOT, stdin=null, stdout=null, stderr=null))
            running.callback(process.kill)
        yield {5038: pbx, 1883: broker, 8000: served.port}, served


if __name__ == "__main__":
    sys.exit(main())
