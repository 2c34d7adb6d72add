"""Decides whether a board that hangs comes back by itself: the hardware watchdog, and whether systemd feeds it.

A Raspberry Pi's watchdog counts 15 s at most: a longer RuntimeWatchdogSec used to be refused without a word, and there was no watchdog at
all. (systemd-system.conf(5); Documentation/ABI/testing/sysfs-class-watchdog; linux/watchdog.h for the reasons of the last restart.)
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from msgspec import Struct

from appliance.box.kernel_file import folders, number_of, text_of
from appliance.box.model import ROOT, is_pi
from appliance.core.config import Config
from appliance.doctor.finding import Finding, Scene

LIMIT_S: Final = 5.0
#: What the Pi's hardware takes (bcm2835_wdt: 15 s, and a rest).
MOST_PI_S: Final = 15.0
_CARD_RESET: Final = 0x20
_HUNG: Final = "a box that hangs as a whole stays so until somebody pulls its plug"
_FILE: Final = "/etc/systemd/system.conf.d/10-watchdog.conf"
_MEND: Final = f"printf '[Manager]\\nRuntimeWatchdogSec=15s\\n' | sudo tee {_FILE} && sudo systemctl daemon-reexec"
#: A later folder's file of the same name is hidden by an earlier folder's (systemd-system.conf(5)).
_FOLDERS: Final = ("etc/systemd/system.conf.d", "run/systemd/system.conf.d", "usr/lib/systemd/system.conf.d", "lib/systemd/system.conf.d")
_UNITS_S: Final = {
    "ms": 0.001,
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "": 1.0,
    "min": 60.0,
    "m": 60.0,
    "minutes": 60.0,
    "h": 3600.0,
}


class Watchdog(Struct, frozen=True):
    """`hardware`: its name, None where there is none; `fed_s`: as systemd is told (None: not told; 0: off), and by which file."""

    hardware: str | None = None
    is_active: bool = False
    timeout_s: int | None = None
    was_reset: bool = False
    fed_s: float | None = None
    file: str = ""
    is_pi: bool = False


def wanted(config: Config) -> bool:
    """Always."""
    return True


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Look, and judge."""
    return judge(read(scene.root))


def read(root: Path = ROOT) -> Watchdog:
    """The first watchdog, and what systemd is told of it."""
    fed_s, file = configured_s(root)
    for folder in folders(root / "sys/class/watchdog", "watchdog*"):
        return Watchdog(
            hardware=text_of(folder / "identity") or folder.name,
            is_active=text_of(folder / "state") == "active",
            timeout_s=number_of(folder / "timeout"),
            was_reset=bool((number_of(folder / "bootstatus") or 0) & _CARD_RESET),
            fed_s=fed_s, file=file, is_pi=is_pi(root),
        )  # fmt: skip
    return Watchdog(fed_s=fed_s, file=file, is_pi=is_pi(root))


def configured_s(root: Path = ROOT) -> tuple[float | None, str]:
    """The last RuntimeWatchdogSec of systemd's files, in the order in which it reads them, and the file."""
    parts: dict[str, Path] = {}
    for folder in reversed(_FOLDERS):
        parts |= {path.name: path for path in folders(root / folder, "*.conf")}
    files = [root / "usr/lib/systemd/system.conf", root / "etc/systemd/system.conf", *(parts[name] for name in sorted(parts))]
    found: tuple[float | None, str] = None, ""
    for path in files:
        for value in re.findall(r"^\s*RuntimeWatchdogSec\s*=(.*)$", text_of(path) or "", re.M):
            found = seconds_from(value), "/" + str(path.relative_to(root))
    return found


def seconds_from(text: str) -> float | None:
    """A time span of systemd's (systemd.time(7)); None: unknown, or left to the driver.

    >>> seconds_from("1min 30s"), seconds_from("15"), seconds_from("off"), seconds_from("default")
    (90.0, 15.0, 0.0, None)
    """
    text = text.strip()
    if text in ("off", "0", ""):
        return 0.0
    words = re.findall(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text)
    if not words or any(unit not in _UNITS_S for _, unit in words):
        return None
    return sum(float(count) * _UNITS_S[unit] for count, unit in words)


def judge(dog: Watchdog) -> tuple[Finding, ...]:
    """What follows. Only a board that has one can be asked to use it."""
    if dog.hardware is None:
        if not dog.is_pi:
            return (Finding("watchdog", "ok", "this machine has no hardware watchdog", "nothing below /sys/class/watchdog"),)
        mend = "write dtparam=watchdog=on in /boot/firmware/config.txt, then sudo reboot"
        return (Finding("watchdog", "amber", "its hardware watchdog is not there", "nothing below /sys/class/watchdog", _HUNG, mend),)
    evidence = f"{dog.hardware}: {'counts' if dog.is_active else 'does not count'}, RuntimeWatchdogSec {_told(dog)}"
    found = []
    if dog.is_pi and dog.fed_s is not None and dog.fed_s > MOST_PI_S:
        what = f"its time is longer than this board's {MOST_PI_S:g} s"
        found.append(Finding("watchdog", "red", what, evidence, f"it may not count at all: {_HUNG}", _MEND))
    elif not dog.is_active:
        found.append(Finding("watchdog", "amber", "nobody feeds the hardware watchdog", evidence, _HUNG, _MEND))
    if dog.was_reset:
        mend = "sudo journalctl -b -1 -n 50   # what was last; memory, heat and power are the usual ones"
        so = "the box hung as a whole"
        found.append(Finding("watchdog", "amber", "the watchdog made the last restart", f"{dog.hardware}: bootstatus", so, mend))
    return tuple(found) or (Finding("watchdog", "ok", "it counts, and is fed", evidence),)


def _told(dog: Watchdog) -> str:
    if not dog.file:
        return "not set"
    return f"{'unset' if dog.fed_s is None else 'off' if not dog.fed_s else f'{dog.fed_s:g} s'} ({dog.file})"
