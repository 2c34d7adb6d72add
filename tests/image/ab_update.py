"""A/B: what must be refused is, a good version is tried and stays, a broken one comes back by itself with its reason, the journal goes on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from asked import BUNDLES, SHELF, Ledger, attach, runs, seen
from scenario import Report
from vm_box import Box

#: Bundle → what the refusal must say.
REFUSED: Final = {
    "tampered": "damaged or was changed",
    "foreign": "is not signed by anybody",
    "wrong-box": "is for callfloor-pi, and this box is callfloor-pc",
    "older": "older than 0.1.0",
}
#: Bundle → its version, what the console says when it is given up, and the reason that is kept.
BROKEN: Final = {
    "service": ("0.3.0", rb"did not pass", "callfloor@wallboard.service ran before"),
    "panic": ("0.6.0", rb"Kernel panic", "never got as far as its health check"),
    "python": ("0.5.0", rb"is given up, back to", "health check failed or gave no verdict"),
    "network": ("0.4.0", rb"did not pass", "answered before and does not now"),
}


def factory(box: Box, report: Report, name: str) -> Ledger:
    """The first start, with the time to the first board."""
    box.power_on()
    board_s = box.wait_board()
    report.step(name, "factory disk: first board served", board_s is not None, f"slot {box.booted.slot if box.booted else '?'}", board_s)
    report.figures.setdefault("power-on to first board, s", board_s)
    up_s = box.wait_up()
    report.step(name, "factory disk: all started, SSH answers", up_s is not None, "", up_s)
    attach(box)
    now = seen(box)
    failed = box.ssh("systemctl --failed --no-legend --plain")[1]
    report.step(name, "version 0.1.0 runs in slot A, no unit failed", runs(now, "0.1.0", "A") and not failed, failed or now.slots)
    ledger = Ledger()
    ledger.goes_on(now)
    return ledger


def refusals(box: Box, report: Report, _ledger: Ledger) -> None:
    """Nothing of these is written."""
    before = box.ssh("sha256sum /dev/disk/by-partlabel/boot_b | cut -c1-64")[1]
    for name, words in REFUSED.items():
        code, said = box.ssh(f"callfloor update {BUNDLES}/{name}.raucb --yes")
        report.step("ab", f"{name} bundle refused", code == 1 and words in said, said)
    after = box.ssh("sha256sum /dev/disk/by-partlabel/boot_b | cut -c1-64")[1]
    report.step("ab", "nothing of them was written", before == after and len(after) == 64 and not seen(box).slots.get("staged"))


def good(box: Box, report: Report, ledger: Ledger) -> None:
    """Downloaded, staged and shown, tried, kept."""
    code, said = box.ssh(f"callfloor update {SHELF}/good.raucb --stage", 900)
    if not report.step("ab", "good bundle downloaded, written and staged", code == 0 and "staged" in said, said):
        return
    now = seen(box)
    report.step("ab", "update status shows it as staged", now.phase == "staged" and now.slots.get("staged") == "B", now.slots)
    said = box.ssh("callfloor doctor update; callfloor status | tail -n 2")[1]
    report.step("ab", "doctor and status show it as staged", said.count("staged") >= 2, said)
    box.ssh("callfloor update activate")
    down = box.wait_down(240)
    report.step("ab", "restart carries the one-shot flag to the firmware", down and box.firmware.tryboot)
    start = box.power_on()
    report.step("ab", "firmware tries slot B", start.slot == "B" and start.tried, "", 0)
    accepted_s = box.wait_for(rb"slot B accepted", 500)
    report.step("ab", "health check accepts it", accepted_s is not None, "seconds since power-on", accepted_s)
    box.wait_up()
    attach(box)
    now = seen(box)
    report.step("ab", "version 0.2.0 runs in slot B, committed", runs(now, "0.2.0", "B"), now.slots)
    text = box.firmware.read("config", "autoboot.txt")
    report.step("ab", "autoboot.txt names B", "[all]\ntryboot_a_b=1\nboot_partition=3\n" in text, text, 0)
    on, said = ledger.goes_on(now)
    report.step("ab", "the journal goes on: same epoch, more events", on, said, 0)
    said = box.ssh("callfloor journal tail -n 400 --json 2>/dev/null | grep -c '0.2.0 runs'")[1]
    report.step("ab", "the journal tells of it", said.isdigit() and int(said) > 0, said)


def broken(name: str, box: Box, report: Report, ledger: Ledger) -> None:
    """Tried once; the box comes back to what is committed by itself, and says why."""
    version, gives_up, reason = BROKEN[name]
    was = seen(box)
    slot = was.slots.get("booted", "?")
    code, said = box.ssh(f"callfloor update {BUNDLES}/{name}.raucb --yes", 900)
    down = box.wait_down(240)
    if not report.step("ab", f"{name}: written, restarts into it", down and box.firmware.tryboot, f"{code} {said}"):
        return
    box.power_on()
    given_s = box.wait_for(gives_up, 600)
    report.step("ab", f"{name}: given up by itself", given_s is not None, "seconds since power-on", given_s)
    down = box.wait_down(300)
    start = box.power_on()
    report.step("ab", f"{name}: the committed slot {slot} starts again", down and start.slot == slot and not start.tried)
    box.wait_for(rb"rolled-back", 400)
    up_s = box.wait_up()
    attach(box)
    now = seen(box)
    kept = runs(now, was.running, slot) and now.last.get("outcome") == "rolled-back" and now.last.get("version") == version
    report.step("ab", f"{name}: the reason is kept and shown", kept and reason in now.last.get("reason", ""), now.last, up_s)
    on, said = ledger.goes_on(now)
    report.step("ab", f"{name}: the journal goes on", on, said, 0)


def unhealthy(box: Box, report: Report, ledger: Ledger) -> None:
    """Committed, and no Python of it starts: it stays up for whoever mends it, and does not restart, however often it is judged."""
    was = seen(box)
    folder = "/etc/systemd/system.conf.d"
    box.ssh(f"mkdir -p {folder} && printf '[Manager]\\nDefaultEnvironment=PYTHONHOME=/nonexistent\\n' >{folder}/99-broken.conf && sync")
    box.ssh("systemctl --no-block reboot")
    down = box.wait_down(240)
    start = box.power_on()
    stays_s = box.wait_for(rb"is committed: it stays, for repair", 500)
    report.step("ab", "unhealthy: the committed slot stays", down and not start.tried and stays_s is not None, "", stays_s)
    up_s = box.wait_up()
    code, said = box.ssh("systemctl start callfloor-rollback.service && sleep 15 && cat /proc/uptime")
    report.step("ab", "unhealthy: a second verdict does not restart it, SSH answers", code == 0 and up_s is not None, said)
    box.ssh(f"rm {folder}/99-broken.conf && systemctl daemon-reexec && systemctl restart callfloor.target")
    board_s = box.wait_board(300)
    now = seen(box)
    on, said = ledger.goes_on(now)
    well = runs(now, was.running, was.slots.get("booted", "")) and now.past == was.past
    report.step("ab", "unhealthy: mended by hand, the board is back", board_s is not None and well and on, said)


#: What can be asked for alone, in the order of a whole run.
STEPS: Final[dict[str, Callable[[Box, Report, Ledger], None]]] = {
    "refused": refusals,
    "good": good,
    **{name: partial(broken, name) for name in BROKEN},
    "unhealthy": unhealthy,
}


def scenario(box: Box, report: Report) -> Callable[[], None]:
    """The whole of it, or the steps asked for, on one disk."""

    def run() -> None:
        try:
            ledger = factory(box, report, "ab")
            for name, step in STEPS.items():
                if report.wants(name):
                    step(box, report, ledger)
            box.ssh("systemctl --no-block poweroff")
            report.step("ab", "power off", box.wait_down(240))
        finally:
            box.cut()

    return run
