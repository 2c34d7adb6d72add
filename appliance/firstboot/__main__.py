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

from msgspec import structs

from appliance.core.errors import CallfloorError
from appliance.firstboot.personal import RECOVERY, REPORT, SHEET, Outcome, drop, personalise, wipe
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
    """None: nothing is to be told; as where a cut came after the sheet had become true, and what was left of it is gone now."""
    state, why = _said(machine, "callfloor-data/state"), _said(machine, "callfloor-data/why")
    if state == "locked":
        return Outcome(done=False, lines=tuple(told(None, "locked", why=why, file=RECOVERY).splitlines()))
    if none := _said(machine, "callfloor-no-data"):
        return Outcome(done=False, lines=tuple(told(None, "no_data", why=none).splitlines()))
    of_key = _recovery(config, state, why)
    if (config / SHEET).exists():
        outcome = personalise(machine, config, lambda deed: None, time.time())
        return structs.replace(outcome, lines=(*of_key, *outcome.lines))
    wipe(config, lambda deed: None)
    return Outcome(done=True, lines=of_key) if of_key else None


def _said(machine: Machine, name: str) -> str:
    """What the start left in /run; empty: nothing."""
    try:
        return machine.path(f"/run/{name}").read_text().strip()
    except OSError:
        return ""


def _recovery(config: Path, state: str, why: str) -> tuple[str, ...]:
    """Take the recovery key off CONFIG once a TPM has the data's key again; what is to be told of it."""
    key = config / RECOVERY
    if state == "by-key":
        return tuple(told(None, "key_stays", file=RECOVERY, why=why).splitlines())
    if state in ("sealed", "resealed") and key.is_file():
        drop(key)
        return tuple(told(None, "key_taken", file=RECOVERY).splitlines())
    return ()


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
