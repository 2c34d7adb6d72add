"""The plug pulled while a bundle is fetched, after it is staged, on the way into it, while it is tried, while a slot is written: the box comes
up by itself, says what happened, and goes on."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from ab_update import factory
from asked import BUNDLES, SHELF, Ledger, Seen, attach, runs, seen
from scenario import Report
from shelf import Shelf
from vm_box import SLACK, Box

_MIB = 1024 * 1024
_FOLDER = "/var/lib/callfloor/update"


def fetching(box: Box, report: Report, ledger: Ledger, served: Shelf) -> None:
    """Half of it is here; after the cut the same command goes on with it."""
    served.rate = 4 * _MIB
    with _meanwhile(box, f"callfloor update {SHELF}/good.raucb --stage"):
        here = _until(lambda: served.sent > 60 * _MIB, 300)
        box.cut()
    served.rate = None
    now = _up(box)
    report.step("cut", "while fetching: the old version runs, nothing is staged", here and _as_before(now, "idle"), now.slots)
    _journal(report, ledger, now, "while fetching")
    served.asked.clear()
    code, said = box.ssh(f"callfloor update {SHELF}/good.raucb --stage", 900)
    on = bool(served.asked) and served.asked[0] > 16 * _MIB
    report.step("cut", "while fetching: the same command goes on where it broke off", code == 0 and on, f"{served.asked} {said}")


def staged(box: Box, report: Report, ledger: Ledger, _served: Shelf) -> None:
    """Written, and not tried."""
    if not _staged(box, report):
        return
    box.cut()
    now = _up(box)
    ok = _as_before(now, "staged") and now.slots.get("staged") == "B"
    report.step("cut", "after staging: the old version runs, the new one is still staged and shown", ok, now.slots)
    _journal(report, ledger, now, "after staging")


def way(box: Box, report: Report, ledger: Ledger, _served: Shelf) -> None:
    """The flag lived in the chip only."""
    if not _staged(box, report):
        return
    code, said = box.ssh("callfloor update activate")
    box.cut()
    now = _up(box, rb"rolled-back")
    ok = code == 0 and _as_before(now, "idle") and now.last.get("outcome") == "rolled-back"
    report.step("cut", "on the way into it: the old version runs and says that the new one gave no word", ok, f"{said} {now.last}")
    _journal(report, ledger, now, "on the way")


def trying(box: Box, report: Report, ledger: Ledger, _served: Shelf) -> None:
    """Started, and not judged."""
    if seen(box).last.get("outcome") != "rolled-back" and not _staged(box, report):
        return
    code, said = box.ssh("callfloor update activate")
    down = box.wait_down(240)
    start = box.power_on()
    here = _until(lambda: box.ssh(f"test -e {_FOLDER}/reached", 30)[0] == 0, 500)
    box.cut()
    tried = code == 0 and down and start.slot == "B" and start.tried and here
    now = _up(box, rb"rolled-back")
    ok = tried and _as_before(now, "idle") and "before it was judged" in now.last.get("reason", "")
    report.step("cut", "while it is tried: the old version runs and says that nobody judged the new one", ok, f"{said} {now.last}")
    _journal(report, ledger, now, "while it is tried")


def writing(box: Box, report: Report, ledger: Ledger, _served: Shelf) -> None:
    """Half a system lies in the other slot."""
    with _meanwhile(box, f"callfloor update {BUNDLES}/good.raucb --yes"):
        phase = _until(lambda: seen(box).phase == "writing", 300)
        time.sleep(3)
        box.cut()
    now = _up(box, rb"interrupted")
    ok = phase and _as_before(now, "idle") and now.last.get("outcome") == "interrupted"
    report.step("cut", "while writing: the old version runs, and says what was interrupted", ok, now.last)
    _journal(report, ledger, now, "while writing")
    code, said = box.ssh("callfloor update activate")
    report.step("cut", "while writing: half a system cannot be activated", code == 1 and "nothing is staged" in said, said)


def wanted(box: Box, report: Report, ledger: Ledger, _served: Shelf) -> None:
    """Staged, and whoever asked wanted the restart too, as after `--yes`: the box goes on by itself, and after all that it goes through."""
    if not _staged(box, report):
        return
    box.ssh(f'sed -i \'s/"activate": false/"activate": true/\' {_FOLDER}/state.json && sync')
    box.cut()
    box.power_on()
    resumes_s = box.wait_for(rb"was staged when the power was cut: restarting into it", 400)
    down = box.wait_down(240)
    report.step("cut", "before a restart that was wanted: the box goes on by itself", down and box.firmware.tryboot, "", resumes_s)
    start = box.power_on()
    accepted_s = box.wait_for(rb"slot B accepted", 500)
    report.step("cut", "the new version is accepted", start.slot == "B" and accepted_s is not None, "seconds since power-on", accepted_s)
    box.wait_up()
    now = seen(box)
    report.step("cut", "it runs, committed", runs(now, "0.2.0", "B") and now.phase == "idle", now.last)
    _journal(report, ledger, now, "afterwards")


#: What can be asked for alone, in the order of a whole run.
STEPS: Final[dict[str, Callable[[Box, Report, Ledger, Shelf], None]]] = {
    "fetching": fetching, "staged": staged, "way": way, "trying": trying, "writing": writing, "wanted": wanted,
}  # fmt: skip


def scenario(box: Box, report: Report, served: Shelf) -> Callable[[], None]:
    """All cuts, or those asked for, on one disk, whose writes reach it in the order in which the box flushes them."""

    def run() -> None:
        try:
            ledger = factory(box, report, "cut")
            for name, step in STEPS.items():
                if report.wants(name):
                    step(box, report, ledger, served)
        finally:
            box.cut()

    return run


def _staged(box: Box, report: Report) -> bool:
    if seen(box).slots.get("staged") == "B":
        return True
    code, said = box.ssh(f"callfloor update {BUNDLES}/good.raucb --stage", 900)
    return report.step("cut", "bundle written and staged", code == 0, said)


def _up(box: Box, word: bytes | None = None) -> Seen:
    """After a cut: power on, until SSH answers and the start said its word of the update."""
    box.power_on()
    if word is not None:
        box.wait_for(word, 400)
    box.wait_up()
    attach(box)
    return seen(box)


def _as_before(now: Seen, phase: str) -> bool:
    return runs(now, "0.1.0", "A") and now.phase == phase


def _journal(report: Report, ledger: Ledger, now: Seen, when: str) -> None:
    on, said = ledger.goes_on(now)
    report.step("cut", f"{when}: the journal goes on", on, said, 0)


@contextmanager
def _meanwhile(box: Box, command: str) -> Iterator[None]:
    """A command that runs in the box; it goes down with the plug."""
    running = subprocess.Popen([*box.ssh_words(), command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        running.kill()
        running.wait()


def _until(found: Callable[[], bool], limit_s: float) -> bool:
    end_s = time.monotonic() + limit_s * SLACK
    while time.monotonic() < end_s:
        if found():
            return True
        time.sleep(0.3)
    return False
