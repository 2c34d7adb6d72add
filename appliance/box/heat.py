"""Decides whether the board is too hot. A Raspberry Pi slows down from 80 °C on, and throttles hard at 85 °C.

Temperatures are those of the kernel's thermal zones (Documentation/driver-api/thermal/sysfs-api.rst), in thousandths of a degree.
A PC's zones name their own critical point, which then decides.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from msgspec import Struct

from appliance.box.kernel_file import folders, number_of, text_of
from appliance.box.model import ROOT
from appliance.core.config import Config
from appliance.doctor.finding import Finding, Level, Scene

LIMIT_S: Final = 5.0
AMBER_C: Final = 80.0
RED_C: Final = 85.0
#: Below its own critical point a PC's zone is amber and red by so much.
_NEAR_C, _NEAREST_C = 15.0, 5.0
#: What no board of ours is, a sensor that is not wired says.
_LEAST_C, _MOST_C = -40.0, 150.0
_ZONES: Final = 64
_TRIPS: Final = 12


class Zone(Struct, frozen=True):
    """One thermal zone: its name, its temperature, and where the kernel would switch the machine off (None: not told)."""

    name: str
    celsius: float
    critical_c: float | None = None

    @property
    def limits_c(self) -> tuple[float, float]:
        """From where on it is amber, and red."""
        if self.critical_c is None or "cpu-thermal" in self.name or "soc" in self.name:
            return AMBER_C, RED_C
        return self.critical_c - _NEAR_C, self.critical_c - _NEAREST_C

    @property
    def level(self) -> Level:
        """How that is."""
        amber, red = self.limits_c
        return "red" if self.celsius >= red else "amber" if self.celsius >= amber else "ok"


def wanted(config: Config) -> bool:
    """Always."""
    return True


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Look, and judge."""
    return judge(read(scene.root))


def read(root: Path = ROOT) -> tuple[Zone, ...]:
    """Every zone that tells a temperature that can be."""
    found = []
    for folder in folders(root / "sys/class/thermal", "thermal_zone*")[:_ZONES]:
        milli = number_of(folder / "temp")
        if milli is not None and _LEAST_C < milli / 1000 < _MOST_C:
            found.append(Zone(text_of(folder / "type") or folder.name, milli / 1000, _critical_c(folder)))
    return tuple(found)


def judge(zones: tuple[Zone, ...]) -> tuple[Finding, ...]:
    """What follows from the worst of them."""
    if not zones:
        return (Finding("temperature", "ok", "this board does not tell how hot it is", "no zone below /sys/class/thermal"),)
    worst = max(zones, key=lambda zone: zone.celsius - zone.limits_c[0])
    evidence = f"{worst.name}: {worst.celsius:.0f} °C; slow from {worst.limits_c[0]:.0f} °C on"
    if worst.level == "ok":
        return (Finding("temperature", "ok", "it is not too hot", evidence),)
    so = "the board slows itself down, figures may come late; heat ages card and supply"
    mend = "give it air: a heat sink or a fan, out of the sun, not on top of a switch or a TV"
    what = "it is far too hot" if worst.level == "red" else "it is too hot"
    return (Finding("temperature", worst.level, what, evidence, so, mend),)


def _critical_c(folder: Path) -> float | None:
    for at in range(_TRIPS):
        kind = text_of(folder / f"trip_point_{at}_type")
        if kind is None:
            return None
        milli = number_of(folder / f"trip_point_{at}_temp")
        if kind == "critical" and milli is not None and milli > 0:
            return milli / 1000
    return None
