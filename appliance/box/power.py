"""Decides what the board's supply is worth: a Raspberry Pi tells when its voltage falls too low, or when it slows itself down.

The firmware keeps one word (raspberrypi.com, documentation of `vcgencmd get_throttled`): bits 0 to 3 are now, bits 16 to 19 since the
start. Its kernel shows it as a file; Debian's kernel shows one alarm of it (Documentation/hwmon/raspberrypi-hwmon.rst, `in0_lcrit_alarm`).
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

from msgspec import Struct

from appliance.box.kernel_file import folders, number_of, text_of
from appliance.box.model import ROOT
from appliance.core.config import Config
from appliance.doctor.finding import Finding, Scene

LIMIT_S: Final = 5.0
_WORD: Final = "sys/devices/platform/soc/soc:firmware/get_throttled"
_LOW, _CAPPED, _SLOWED, _HOT = 0x1, 0x2, 0x4, 0x8
_SINCE: Final = 16
_CORRUPTS: Final = "USB devices drop out, the card may be damaged, and the box may restart by itself"
_SLOW: Final = "figures may come late; the board protects itself by running slower"
_SUPPLY: Final = (
    "use the board's own supply (5.1 V; 3 A, a Pi 5: 5 A) with a short cable of its own, and USB devices on a hub with a supply"
)


class Power(Struct, frozen=True):
    """The firmware's word, and where it was read; None: this board tells nothing."""

    word: int | None
    where: str = ""

    def now(self, bits: int) -> bool:
        """Whether one of the bits is set now."""
        return bool((self.word or 0) & bits)

    def since_start(self, bits: int) -> bool:
        """Whether one of them was set since the start."""
        return bool((self.word or 0) >> _SINCE & bits)


def wanted(config: Config) -> bool:
    """Always: a board that tells nothing says so in one line."""
    return True


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Look, and judge. Asks `vcgencmd` where the kernel has no file of it."""
    power = read(scene.root)
    return judge(power if power.where == _WORD or scene.root != ROOT else _asked() or power)


def read(root: Path = ROOT) -> Power:
    """The word from the kernel's files: whole from the Pi's own kernel, the voltage alone from Debian's. Two small reads."""
    word = number_of(root / _WORD, 16)
    if word is not None:
        return Power(word, _WORD)
    for sensor in folders(root / "sys/class/hwmon", "hwmon*"):
        if text_of(sensor / "name") == "rpi_volt":
            alarm = number_of(sensor / "in0_lcrit_alarm")
            return Power(None if alarm is None else _LOW if alarm else 0, "in0_lcrit_alarm")
    return Power(None)


def word_from_vcgencmd(text: str) -> int | None:
    """Parse what `vcgencmd get_throttled` prints.

    >>> word_from_vcgencmd("throttled=0x50005"), word_from_vcgencmd("VCHI initialization failed")
    (327685, None)
    """
    name, mark, value = text.strip().partition("=")
    try:
        return int(value, 16) if mark and name == "throttled" else None
    except ValueError:
        return None


def judge(power: Power) -> tuple[Finding, ...]:
    """What follows: too little voltage is red while it lasts, for what is written then may be lost."""
    if power.word is None:
        return (Finding("power", "ok", "this board does not tell how its supply is", "neither get_throttled nor a sensor rpi_volt"),)
    evidence = f"{power.where.rpartition('/')[2]}: {power.word:#x}"
    if power.now(_LOW):
        return (Finding("power", "red", "the voltage is too low now", evidence, _CORRUPTS, _SUPPLY),)
    if power.since_start(_LOW):
        return (Finding("power", "amber", "the voltage was too low since the start", evidence, _CORRUPTS, _SUPPLY),)
    if power.now(_CAPPED | _SLOWED | _HOT):
        return (Finding("power", "amber", "the board slows itself down now", evidence, _SLOW, "callfloor doctor temperature"),)
    if power.since_start(_CAPPED | _SLOWED | _HOT):
        return (Finding("power", "amber", "the board slowed itself down since the start", evidence, _SLOW, "callfloor doctor temperature"),)
    return (Finding("power", "ok", "the supply holds", evidence),)


def _asked() -> Power | None:
    command = shutil.which("vcgencmd")
    if command is None:
        return None
    said = subprocess.run([command, "get_throttled"], capture_output=True, text=True, timeout=LIMIT_S - 1, check=False)
    word = word_from_vcgencmd(said.stdout)
    return None if word is None else Power(word, "vcgencmd get_throttled")
