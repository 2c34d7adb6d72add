"""Decides which units of ours are wanted: the target, the services that the configuration enables, the screen, what looks after the box."""

from __future__ import annotations

from typing import Final

from appliance import registry
from appliance.core.config import Config
from appliance.provision.machine import Machine
from appliance.provision.step import Step
from appliance.provision.step_system import UNITS
from appliance.provision.thing import Link, Thing

_OWN: Final = "/etc/systemd/system"
_TARGET: Final = "callfloor.target"
_KIOSK: Final = "callfloor-kiosk.service"
#: What looks after a box that is configured: the doctor's night, the certificate's renewal.
TIMERS: Final = ("callfloor-doctor.timer", "callfloor-renew.timer")
#: Chromium's own exposure, from the package; without it the unit is shut for cog.
_CHROMIUM: Final = "/usr/lib/callfloor/kiosk-chromium/chromium.conf"


def services(machine: Machine, config: Config) -> Step:
    """Services that the configuration enables, and no others of ours; the target that starts them."""
    wanted = registry.enabled(config)
    things: list[Thing] = [_link(machine, "multi-user.target", _TARGET)]
    things += [_link(machine, _TARGET, f"callfloor@{name}.service", wanted=name in wanted) for name in registry.SERVICES]
    things += [_link(machine, _TARGET, name) for name in TIMERS]
    stop = tuple(f"callfloor@{name}.service" for name in registry.SERVICES if name not in wanted)
    start = (_TARGET, *(f"callfloor@{name}.service" for name in wanted), *TIMERS)
    runs = (
        ("systemctl", "daemon-reload"),
        *((("systemctl", "stop", *stop),) if stop else ()),
        ("systemctl", "start", "--no-block", *start),
    )
    return Step(name="units", things=tuple(things), runs=runs, about={"services": ", ".join(wanted) or "–"})


def kiosk(machine: Machine, config: Config) -> Step:
    """The box's own screen, and what its browser is let do."""
    asked = config.kiosk
    # Who enabled it by hand linked it elsewhere too; a screen that is not wanted goes from there as well.
    elsewhere = () if asked is not None else ("multi-user.target", "graphical.target")
    things = (
        _link(machine, _TARGET, _KIOSK, wanted=asked is not None),
        *(_link(machine, target, _KIOSK, wanted=False) for target in elsewhere),
        Link(path=f"{_OWN}/{_KIOSK}.d/chromium.conf", target=_CHROMIUM if asked is not None and asked.browser == "chromium" else None),
    )
    act = ("systemctl", "stop", _KIOSK) if asked is None else ("systemctl", "restart", "--no-block", _KIOSK)
    about = {"browser": "–" if asked is None else asked.browser}
    return Step(name="kiosk", things=things, runs=(("systemctl", "daemon-reload"), act), about=about)


def started(machine: Machine) -> tuple[tuple[str, ...], ...]:
    """What makes a running box heed the files and links that stand now, after others were put back."""
    ours = (*(f"callfloor@{name}.service" for name in registry.SERVICES), _KIOSK, *TIMERS)
    run = [name for name in ours if machine.path(f"{_OWN}/{_TARGET}.wants/{name}").is_symlink()]
    still = [name for name in ours if name not in run]
    runs: list[tuple[str, ...]] = [("hostname", "-F", "/etc/hostname"), ("systemctl", "daemon-reload")]
    runs.append(("systemctl", "try-restart", "systemd-timesyncd"))
    runs += [("systemctl", "stop", *still)] if still else []
    return (*runs, *([("systemctl", "restart", "--no-block", *run)] if run else []))


def _link(machine: Machine, target: str, unit: str, *, wanted: bool = True) -> Link:
    """All of ours hang on our own target, which multi-user.target wants: to start that one starts a box."""
    file = "callfloor@.service" if unit.startswith("callfloor@") else unit
    place = next((f"{folder}/{file}" for folder in UNITS if machine.path(f"{folder}/{file}").exists()), f"/lib/systemd/system/{file}")
    return Link(path=f"{_OWN}/{target}.wants/{unit}", target=place if wanted else None)
