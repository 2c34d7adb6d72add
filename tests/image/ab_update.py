"""A/B: what must be refused is, a good version is tried and stays, a broken one comes back by itself with its reason, the journal goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from scenario import Report
from vm_box import Box

_BUNDLES = "/run/bundles"
#: Bundle → what the refusal must say.
REFUSED = {
    "tampered": "damaged or was changed",
    "foreign": "is not signed by anybody",
    "wrong-box": "is for callfloor-pi, and this box is callfloor-pc",
    "older": "older than 0.1.0",
}


def status(box: Box) -> dict[str, Any]:
    """`callfloor update status --json` in the box; empty when it cannot be had."""
    code, said = box.ssh("callfloor update status --json")
    try:
        return dict(json.loads(said[said.index("{") :])) if code == 0 else {}
    except ValueError:
        return {}


def runs(told: dict[str, Any], version: str, slot: str) -> bool:
    """Whether this version runs, in this slot, and is committed."""
    slots = told.get("slots") or {}
    return told.get("running") == version and slots.get("booted") == slot and slots.get("committed") == slot


def attach(box: Box) -> None:
    """The disk with the bundles, read-only."""
    box.ssh(f"mkdir -p {_BUNDLES} && mount -o ro /dev/disk/by-id/nvme-QEMU_NVMe_Ctrl_bundles {_BUNDLES}")


def journal(box: Box) -> tuple[str, int]:
    """Epoch and last number."""
    code, said = box.ssh("callfloor journal stats --json")
    try:
        told = json.loads(said[said.index("{") :])
        return str(told["epoch"]), int(told["last_seq"])
    except (ValueError, KeyError):
        return f"exit code {code}: {said[-200:]}", 0


def factory(box: Box, report: Report, name: str) -> None:
    """The first start, with the time to the first board."""
    box.power_on()
    board_s = box.wait_board()
    report.step(name, "factory disk: first board served", board_s is not None, f"slot {box.booted.slot if box.booted else '?'}", board_s)
    report.figures.setdefault("power-on to first board, s", board_s)
    up_s = box.wait_up()
    report.step(name, "factory disk: all started, SSH answers", up_s is not None, "", up_s)
    attach(box)
    told = status(box)
    report.step(name, "version 0.1.0 runs in slot A", runs(told, "0.1.0", "A"), told.get("slots"))
    failed = box.ssh("systemctl --failed --no-legend --plain")[1]
    report.step(name, "no unit failed", not failed, failed)


def refusals(box: Box, report: Report) -> None:
    """Nothing of these is written."""
    before = box.ssh("sha256sum /dev/disk/by-partlabel/boot_b | cut -c1-64")[1]
    for name, words in REFUSED.items():
        code, said = box.ssh(f"callfloor update {_BUNDLES}/{name}.raucb --yes")
        report.step("ab", f"{name} bundle refused", code == 1 and words in said, said)
    after = box.ssh("sha256sum /dev/disk/by-partlabel/boot_b | cut -c1-64")[1]
    report.step("ab", "nothing of them was written", before == after and len(after) == 64 and not status(box)["slots"]["staged"])


def good(box: Box, report: Report) -> None:
    """Staged and shown, tried, kept."""
    epoch, seq = journal(box)
    code, said = box.ssh(f"callfloor update {_BUNDLES}/good.raucb --stage", 900)
    if not report.step("ab", "good bundle written and staged", code == 0 and "staged" in said, said):
        return
    told = status(box)
    report.step(
        "ab", "update status shows it as staged", told.get("phase") == "staged" and told["slots"]["staged"] == "B", told.get("slots")
    )
    said = box.ssh("callfloor doctor update; callfloor status | tail -n 2")[1]
    report.step("ab", "doctor and status show it as staged", said.count("staged") >= 2, said)
    box.ssh("callfloor update activate")
    down = box.wait_down(240)
    report.step("ab", "restart carries the one-shot flag to the firmware", down and box.firmware.tryboot)
    start = box.power_on()
    report.step("ab", "firmware tries slot B", start.slot == "B" and start.tried)
    accepted_s = box.wait_for(rb"slot B accepted", 500)
    report.step("ab", "health check accepts it", accepted_s is not None, "seconds since power-on", accepted_s)
    box.wait_up()
    attach(box)
    told = status(box)
    report.step("ab", "version 0.2.0 runs in slot B, committed", runs(told, "0.2.0", "B"), told)
    text = box.firmware.read("config", "autoboot.txt")
    report.step("ab", "autoboot.txt names B", "[all]\ntryboot_a_b=1\nboot_partition=3\n" in text, text.replace("\n", " "))
    now_epoch, now_seq = journal(box)
    report.step(
        "ab", "the journal goes on: same epoch, more events", now_epoch == epoch and now_seq > seq > 0, f"{epoch} {seq} → {now_seq}"
    )
    said = box.ssh("callfloor journal tail -n 400 2>/dev/null | grep -c '\"update\"\\|update.*runs'")[1]
    report.step("ab", "the journal tells of it", said.isdigit() and int(said) > 0, said)


def broken(box: Box, report: Report, name: str, version: str, gives_up: bytes, reason: str) -> None:
    """Tried once; the box comes back to what is committed by itself, and says why."""
    was = status(box)
    slot = was.get("slots", {}).get("booted", "?")
    code, said = box.ssh(f"callfloor update {_BUNDLES}/{name}.raucb --yes", 900)
    down = box.wait_down(240)
    if not report.step("ab", f"{name}: written, restarts into it", down and box.firmware.tryboot, f"{code} {said}"):
        return
    box.power_on()
    seen_s = box.wait_for(gives_up, 600)
    report.step("ab", f"{name}: given up by itself", seen_s is not None, "seconds since power-on", seen_s)
    down = box.wait_down(300)
    start = box.power_on()
    report.step("ab", f"{name}: the committed slot {slot} starts again", down and start.slot == slot and not start.tried)
    up_s = box.wait_up()
    attach(box)
    box.wait_for(rb"rolled-back", 60)
    told = status(box)
    last = (told.get("past") or [{}])[-1]
    kept = runs(told, was.get("running", ""), slot) and last.get("outcome") == "rolled-back" and last.get("version") == version
    report.step("ab", f"{name}: the reason is kept and shown", kept and reason in last.get("reason", ""), last, up_s)


def scenario(box: Box, report: Report) -> Callable[[], None]:
    """The whole of it, on one disk."""

    def run() -> None:
        try:
            factory(box, report, "ab")
            refusals(box, report)
            good(box, report)
            broken(box, report, "service", "0.3.0", rb"did not pass", "callfloor@wallboard.service ran before")
            broken(box, report, "panic", "0.6.0", rb"Kernel panic", "never got as far as its health check")
            broken(box, report, "python", "0.5.0", rb"is given up, back to", "health check failed or gave no verdict")
            broken(box, report, "network", "0.4.0", rb"did not pass", "answered before and does not now")
            box.ssh("systemctl --no-block poweroff")
            report.step("ab", "power off", box.wait_down(240))
        finally:
            box.cut()

    return run
