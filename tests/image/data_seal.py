"""The data partition and the TPM: encrypted at the first start before anything is kept, opened by every later one whatever slot starts and however
often the plug was pulled; shut anywhere else until the recovery key is there; plain where there is no TPM, which the doctor says.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import layout
from ab_update import factory
from asked import BUNDLES, Ledger, attach, runs, seen
from scenario import Report
from tpm_box import TpmBox, new_chip
from vm_box import copy_sparse

_BEGINS: Final = rb"encrypting the data partition"
_KEY: Final = "callfloor-recovery-key.txt"
#: What every journal begins with; on an encrypted partition it is nowhere.
_PLAIN: Final = b"SQLite format 3\0"
#: After so many seconds of making, beside which a first start is cut.
_CUTS_S: Final = (0.2, 0.8, 1.5, 2.2, 3.0, 4.0)
#: So many cuts in a row: swtpm locks itself after three that it takes for guesses.
_IN_A_ROW: Final = 5


class Site:
    """One box, its chip, another chip; its factory disk, to begin anew."""

    def __init__(self, box: TpmBox, report: Report, disk: Path) -> None:
        self.box, self.report, self._disk = box, report, disk
        self.chip, self.foreign = new_chip(box.folder / "chip"), new_chip(box.folder / "foreign")
        self.ledger = Ledger()

    def step(self, name: str, ok: bool, note: object = "", seconds: float | None = None) -> bool:
        return self.report.step("tpm", name, ok, note, seconds)

    def new_disk(self) -> None:
        """As from the factory."""
        size = self.box.disk.stat().st_size
        copy_sparse(self._disk, self.box.disk)
        os.truncate(self.box.disk, size)

    def raw(self, most: int) -> bytes:
        """The data partition's first bytes, as whoever has the disk reads them."""
        with self.box.disk.open("rb") as disk:
            disk.seek(layout.offset_mib("amd64", "data") * layout.MIB)
            return disk.read(most)

    def has_journal(self) -> bool:
        """Whether anything on it reads like a journal."""
        with self.box.disk.open("rb") as disk:
            disk.seek(layout.offset_mib("amd64", "data") * layout.MIB)
            while piece := disk.read(layout.MIB):  # a file begins with a block
                if _PLAIN in piece:
                    return True
        return False

    def off(self) -> bool:
        """In good order."""
        self.box.ssh("systemctl --no-block poweroff")
        return self.box.wait_down(240)

    def doctor(self) -> dict[str, str]:
        """What it says of the disk."""
        said = self.box.ssh("callfloor doctor data_encryption --json --lang en 2>/dev/null")[1]
        try:
            return next(each for each in json.loads(said)["findings"] if each["item"] == "data_encryption")
        except (ValueError, KeyError, StopIteration):
            return {"level": "?", "finding": said[-200:]}

    def opened(self) -> tuple[bool, str]:
        """Whether /data is on dm-crypt, and that in words."""
        said = self.box.ssh("findmnt -no SOURCE /data; cat /sys/block/dm-0/dm/uuid; cat /run/callfloor-data/state")[1].split()
        return said[:1] == ["/dev/mapper/callfloor-data"] and len(said) == 3 and said[1].startswith("CRYPT-LUKS2-"), " ".join(said)


def plain(site: Site) -> None:
    """Without a TPM; then with one on the same disk."""
    box, report = site.box, site.report
    box.tpm = None
    report.figures.pop("power-on to first board, s", None)
    site.ledger = factory(box, report, "tpm")
    report.figures["no TPM: memory in use, MiB"] = _memory(box)
    report.figures["no TPM: power-on to first board, s"] = report.figures.get("power-on to first board, s")
    said = site.doctor()
    site.step("no TPM: plain, and the doctor says so", said["finding"] == "not encrypted: this machine has no TPM", said)
    source = box.ssh("findmnt -no SOURCE /data; cat /run/callfloor-data/state")[1]
    site.step("no TPM: the partition itself is mounted", source.split() == ["/dev/nvme0n1p6", "plain"], source)
    site.off()
    report.figures["no TPM: in the initrd, first start, s"] = _initrd_s(box)
    site.step("no TPM: whoever has the disk reads the journal", site.has_journal())
    box.tpm = site.chip
    box.power_on()
    up_s = box.wait_up()
    on, note = site.ledger.goes_on(seen(box))
    said = site.doctor()
    ok = on and said["finding"] == "not encrypted, though this machine has a TPM"
    site.step("a TPM comes to a plain box: its journal goes on, the doctor says that it is not encrypted", ok, f"{note} {said}", up_s)
    site.off()


def cut(site: Site) -> None:
    """The plug pulled while the partition is being encrypted, on one disk, again and again."""
    box = site.box
    site.new_disk()
    box.tpm, box.cache = site.chip, "writethrough"
    for after_s in _CUTS_S:
        box.power_on()
        begins_s = box.wait_for(_BEGINS, 200)
        time.sleep(after_s)
        box.cut()
        head = site.raw(6)
        site.step(f"cut {after_s} s into the encryption", begins_s is not None, "sealed already" if head[:4] == b"LUKS" else "begins anew")
        if head[:4] == b"LUKS":
            break
    box.power_on()
    box.wait_up()
    ok, note = site.opened()
    site.step("cut: the next start makes it whole", ok and not _failed(box), f"{note} {_failed(box)}")
    site.off()
    box.cache = "unsafe"


def first(site: Site) -> None:
    """The first start with a TPM."""
    box, report = site.box, site.report
    site.new_disk()
    box.tpm = site.chip
    report.figures.pop("power-on to first board, s", None)
    site.ledger = factory(box, report, "tpm")
    report.figures["TPM: power-on to first board, s"] = report.figures.get("power-on to first board, s")
    ok, note = site.opened()
    site.step("first: journal and settings are on dm-crypt", ok, note)
    grown = box.ssh("df --output=size -m /data | tail -1")[1]
    site.step("first: it has grown to the disk's end", grown.isdigit() and int(grown) > 1500, f"{grown} MiB")
    said = site.doctor()
    site.step("first: the doctor asks for the recovery key", "nobody has noted the recovery key" in said["finding"], said)
    key = box.ssh("callfloor recovery")[1]
    said = site.doctor()
    site.step("first: shown, the doctor is content", len(key) == 71 and said["level"] == "ok", f"{len(key)} characters; {said}")
    (box.folder / "key").write_text(key)
    report.figures["TPM: memory in use, MiB"] = _memory(box)
    site.off()
    report.figures["TPM: in the initrd, first start, s"] = _initrd_s(box)
    site.step("first: whoever has the disk reads no journal", not site.has_journal())


def again(site: Site) -> None:
    """It opens by itself, also after cuts in a row."""
    box = site.box
    box.tpm = site.chip
    for number in range(1, _IN_A_ROW + 1):
        box.power_on()
        here_s = box.wait_for(rb"Hostname set to", 300)
        locked = b"nothing will be kept" in box.console
        box.cut()
        if not site.step(f"again: opens by itself, cut {number} of {_IN_A_ROW}", here_s is not None and not locked, "", here_s):
            return
    box.power_on()
    up_s = box.wait_up()
    ok, note = site.opened()
    on, journal = site.ledger.goes_on(seen(box))
    site.step("again: all is up, the journal goes on", ok and on and not _failed(box), f"{note}; {journal}", up_s)
    site.report.figures["TPM: in the initrd, later starts, s"] = _initrd_s(box)
    site.off()


def update(site: Site) -> None:
    """The other slot opens it too."""
    box = site.box
    box.tpm = site.chip
    box.power_on()
    box.wait_up()
    attach(box)
    code, said = box.ssh(f"callfloor update {BUNDLES}/good.raucb --yes", 900)
    down = box.wait_down(240)
    if not site.step("update: written, restarts into the other slot", down and box.firmware.tryboot, f"{code} {said}"):
        return
    box.power_on()
    accepted_s = box.wait_for(rb"slot B accepted", 500)
    box.wait_up()
    ok, note = site.opened()
    now = seen(box)
    on, journal = site.ledger.goes_on(now)
    site.step("update: the other slot opens it, and is kept", ok and on and runs(now, "0.2.0", "B"), f"{note}; {journal}", accepted_s)
    site.off()


def shut(site: Site) -> None:
    """A new version that does not open it is not kept."""
    box = site.box
    box.tpm = site.chip
    box.power_on()
    box.wait_up()
    attach(box)
    was = seen(box)
    code, said = box.ssh(f"callfloor update {BUNDLES}/shut.raucb --yes", 900)
    down = box.wait_down(240)
    if not site.step("shut: a version that cannot open it is tried", down and box.firmware.tryboot, f"{code} {said}"):
        return
    box.power_on()
    given_s = box.wait_for(rb"is given up, back to", 900)
    why = _why(box)
    site.step("shut: it starts without the data, and is given up by itself", given_s is not None and why != "", why, given_s)
    down = box.wait_down(300)
    box.power_on()
    box.wait_for(rb"rolled-back", 400)
    box.wait_up()
    ok, note = site.opened()
    now = seen(box)
    on, journal = site.ledger.goes_on(now)
    back = down and runs(now, was.running, was.slots.get("booted", "?")) and now.last.get("outcome") == "rolled-back"
    site.step("shut: the version before runs, its data open, the journal goes on", ok and on and back, f"{note}; {journal}; {now.last}")
    site.off()


def stranger(site: Site) -> None:
    """The disk in a machine without a TPM, and in one with another; then with the recovery key."""
    box = site.box
    before = site.raw(32 * layout.MIB)
    for name, chip, words in (("no", None, "this machine has none"), ("another", site.foreign, "it is another TPM, or was cleared")):
        box.tpm = chip
        box.power_on()
        here_s = box.wait_for(rb"Startup finished in", 400)
        why = _why(box)
        told = box.firmware.read("config", "callfloor-report.txt")
        runs_any = b"callfloor@" in box.console
        box.cut()
        ok = here_s is not None and words in why and "no se abre" in told and words in told and not runs_any
        site.step(f"stranger, {name} TPM: it starts, says why on screen and CONFIG, and serves nothing", ok, why, here_s)
        site.step(f"stranger, {name} TPM: nothing was written to the data", site.raw(32 * layout.MIB) == before)
    key = (box.folder / "key").read_text()
    box.firmware.write("config", _KEY, f"{key.upper()}\r\n".encode(), box.folder / "scratch")
    box.tpm = None
    box.power_on()
    up_s = box.wait_up()
    on, journal = site.ledger.goes_on(seen(box))
    said = site.doctor()
    ok = on and "its key lies beside it" in said["finding"] and box.firmware.read("config", _KEY) != ""
    site.step("key, no TPM: it opens, the journal goes on, the doctor says where the key lies", ok, f"{journal}; {said}", up_s)
    site.off()
    box.tpm = site.foreign
    box.power_on()
    up_s = box.wait_up()
    on, journal = site.ledger.goes_on(seen(box))
    said = site.doctor()
    site.off()
    gone = box.firmware.read("config", _KEY) == ""
    site.step("key, another TPM: it opens and is sealed anew, the key is off CONFIG", on and gone and said["level"] == "ok", said, up_s)
    box.power_on()
    up_s = box.wait_up()
    ok, note = site.opened()
    on, journal = site.ledger.goes_on(seen(box))
    site.step("key, another TPM: from then on it opens by itself", ok and on, f"{note}; {journal}", up_s)
    site.off()
    box.tpm = site.chip
    box.power_on()
    box.wait_for(rb"Startup finished in", 400)
    site.step("key: the TPM of before opens it no more", b"nothing will be kept" in box.console, _why(box))


#: What can be asked for alone, in the order of a whole run; those after `first` have it before them.
STEPS: Final[dict[str, Callable[[Site], None]]] = {
    "plain": plain, "cut": cut, "first": first, "again": again, "update": update, "shut": shut, "stranger": stranger,
}  # fmt: skip
_ALONE: Final = ("plain", "cut")


def scenario(box: TpmBox, report: Report, disk: Path) -> Callable[[], None]:
    """All of it, or the steps asked for. `disk`: the factory's."""

    def run() -> None:
        site = Site(box, report, disk)
        chosen = [name for name in STEPS if report.wants(name)]
        if set(chosen) - {*_ALONE, "first"} and "first" not in chosen:
            chosen.insert(sum(name in _ALONE for name in chosen), "first")
        try:
            for name in chosen:
                STEPS[name](site)
                box.cut()
        finally:
            box.cut()

    return run


def _failed(box: TpmBox) -> str:
    return box.ssh("systemctl --failed --no-legend --plain")[1]


def _memory(box: TpmBox) -> str:
    return box.ssh("free -m | awk '/Mem:/ {print $3}'")[1]


def _why(box: TpmBox) -> str:
    """What the initrd said of a partition that stays shut."""
    text = bytes(box.console).decode(errors="replace")
    return next((line.strip() for line in text.splitlines() if line.startswith("initrd: ") and "nothing will be kept" in line), "")


def _initrd_s(box: TpmBox) -> float | None:
    """From the kernel's first program to systemd, by the kernel's own clock on the console."""
    text = bytes(box.console).decode(errors="replace")
    began = re.search(r"\[ *([\d.]+)\] Run /init", text)
    over = re.search(r"\[ *([\d.]+)\] systemd\[1\]", text)
    return round(float(over[1]) - float(began[1]), 1) if began and over else None
