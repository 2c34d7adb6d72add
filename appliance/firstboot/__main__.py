"""Decides what the unit callfloor-firstboot does: open CONFIG for the moment of the change, personalise, report, show it, shut CONFIG.

`python3 -m appliance.firstboot [--root DIR] [--config DIR]`; exit code 1 when the sheet could not be made true.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from appliance.core.errors import CallfloorError
from appliance.firstboot.personal import REPORT, SHEET, Outcome, personalise, wipe
from appliance.firstboot.words import told
from appliance.provision.atomic import write
from appliance.provision.machine import Machine


def main() -> int:
    """Do it once."""
    parser = argparse.ArgumentParser(prog="callfloor-firstboot", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path("/"))
    parser.add_argument("--config", type=Path, default=Path("/boot/config"))
    asked = parser.parse_args()
    machine = Machine(asked.root)
    mounted = asked.root == Path("/") and asked.config.is_mount()
    if mounted:
        _remount(asked.config, "rw")
    try:
        outcome = _outcome(machine, asked.config)
        if outcome is None:
            return 0
        try:
            write(asked.config / REPORT, ("\r\n".join(outcome.lines) + "\r\n").encode(), 0o600)
        except OSError as fault:
            _show(asked.root, (f"callfloor: {asked.config / REPORT} cannot be written: {fault.strerror}",))
    finally:
        if mounted:
            _remount(asked.config, "ro")
    _show(asked.root, outcome.lines)
    _lamp(asked.root, "default-on" if outcome.done else "timer")
    return 0 if outcome.done else 1


def _outcome(machine: Machine, config: Path) -> Outcome | None:
    """None: a cut came after the sheet had become true, and what was left of it is gone now."""
    try:
        why = machine.path("/run/callfloor-no-data").read_text().strip()
    except OSError:
        why = ""
    if why:
        return Outcome(done=False, lines=tuple(told(None, "no_data", why=why).splitlines()))
    if not (config / SHEET).exists():
        wipe(config, lambda deed: None)
        return None
    return personalise(machine, config, lambda deed: None, time.time())


def _remount(config: Path, how: str) -> None:
    done = subprocess.run(["mount", "-o", f"remount,{how}", str(config)], check=False, capture_output=True, text=True)
    if done.returncode and how == "rw":
        raise CallfloorError(f"CONFIG cannot be opened for writing: {done.stderr.strip()}; put the card into a PC and check it there")


def _show(root: Path, lines: tuple[str, ...]) -> None:
    """On standard output, which the unit sends to the log and the console, and on the screen."""
    for line in lines:
        sys.stdout.write(f"callfloor: {line}\n")
    sys.stdout.flush()
    with suppress(OSError):
        if root == Path("/"):
            Path("/dev/tty1").write_text("".join(f"{line}\r\n" for line in lines))


def _lamp(root: Path, trigger: str) -> None:
    """A small board's activity lamp: it blinks twice a second while something is wrong. Others have none."""
    for name in ("ACT", "led0"):
        with suppress(OSError):
            (root / f"sys/class/leds/{name}/trigger").write_text(trigger)


if __name__ == "__main__":
    sys.exit(main())
