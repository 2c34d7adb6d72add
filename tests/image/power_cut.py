"""The plug pulled while the other slot is written, after it is staged, and on the way into it: the box comes up, says so, and goes on."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

from ab_update import _BUNDLES, attach, factory, runs, status
from scenario import Report
from vm_box import SLACK, Box


def scenario(box: Box, report: Report) -> Callable[[], None]:
    """Three cuts on one disk, whose writes reach it in the order in which the box flushes them."""

    def run() -> None:
        try:
            factory(box, report, "cut")
            _while_writing(box, report)
            _after_staging(box, report)
            _on_the_way(box, report)
        finally:
            box.cut()

    return run


def _while_writing(box: Box, report: Report) -> None:
    writing = subprocess.Popen(
        [*box.ssh_words(), f"callfloor update {_BUNDLES}/good.raucb --yes"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    end_s = time.monotonic() + 120 * SLACK
    while time.monotonic() < end_s and status(box).get("phase") != "writing":
        time.sleep(1)
    phase = status(box).get("phase")
    time.sleep(4)
    box.cut()
    writing.wait()
    start = box.power_on()
    up_s = box.wait_up()
    attach(box)
    box.wait_for(rb"interrupted", 60)
    told = status(box)
    last = (told.get("past") or [{}])[-1]
    ok = phase == "writing" and start.slot == "A" and runs(told, "0.1.0", "A") and last.get("outcome") == "interrupted"
    report.step(
        "cut", "while writing: the old version runs, and says what was interrupted", ok, f"{phase} {last} {told.get('slots')}", up_s
    )


def _after_staging(box: Box, report: Report) -> None:
    code, said = box.ssh(f"callfloor update {_BUNDLES}/good.raucb --stage", 900)
    report.step("cut", "the same bundle written again", code == 0, said)
    box.cut()
    start = box.power_on()
    up_s = box.wait_up()
    attach(box)
    told = status(box)
    ok = start.slot == "A" and runs(told, "0.1.0", "A") and told.get("phase") == "staged" and told["slots"]["staged"] == "B"
    report.step("cut", "after staging: the old version runs, the new one is still staged and shown", ok, told, up_s)


def _on_the_way(box: Box, report: Report) -> None:
    code, said = box.ssh("callfloor update activate")
    box.cut()
    start = box.power_on()
    up_s = box.wait_up()
    box.wait_for(rb"rolled-back", 60)
    told = status(box)
    last = (told.get("past") or [{}])[-1]
    ok = code == 0 and start.slot == "A" and runs(told, "0.1.0", "A") and last.get("outcome") == "rolled-back"
    report.step("cut", "on the way into it: the old version runs and says that the new one gave no word", ok, f"{said} {last}", up_s)
    code, said = box.ssh("callfloor update activate")
    down = box.wait_down(240)
    start = box.power_on()
    accepted_s = box.wait_for(rb"slot B accepted", 500)
    report.step("cut", "activated once more: accepted", down and start.slot == "B" and accepted_s is not None, said, accepted_s)
