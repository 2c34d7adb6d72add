"""Decides whether the box's own screen shows its board: by what its unit says, which is fed only while the page paints."""

from __future__ import annotations

import shutil
import subprocess
from typing import Final

from msgspec import Struct

from appliance.core.config import Config
from appliance.doctor.finding import Finding, Scene

LIMIT_S: Final = 10.0
_UNIT: Final = "callfloor-kiosk"
_DARK: Final = "the box's own screen shows no board; other screens go on"
_LOG: Final = f"journalctl -u {_UNIT} -n 20"
#: So many beginnings anew and nothing shown: it is no longer beginning.
_AGAIN: Final = 3


class KioskFacts(Struct, frozen=True):
    """`missing`: programs that are not installed. The rest is systemd's word of the unit; `state` empty: there is no systemd here."""

    missing: tuple[str, ...] = ()
    state: str = ""
    status: str = ""
    restarts: int = 0


def wanted(config: Config) -> bool:
    """There is a [kiosk]."""
    return config.kiosk is not None


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Look, and judge."""
    return () if scene.config.kiosk is None else (judge(probe(scene.config.kiosk.browser), scene.config.kiosk.browser),)


def probe(browser: str) -> KioskFacts:
    """Ask for the programs and for the unit."""
    missing = tuple(name for name in ("cage", browser) if shutil.which(name, path="/usr/bin:/usr/local/bin:/bin") is None)
    words = ["systemctl", "show", "--property=ActiveState,StatusText,NRestarts", _UNIT]
    try:
        said = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT_S / 2, check=False, stdin=subprocess.DEVNULL).stdout
    except (OSError, subprocess.TimeoutExpired):
        said = ""
    told = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    restarts = told.get("NRestarts", "")
    return KioskFacts(missing, told.get("ActiveState", ""), told.get("StatusText", ""), int(restarts) if restarts.isdigit() else 0)


def judge(facts: KioskFacts, browser: str) -> Finding:
    """What follows."""
    if facts.missing:
        mend = f"sudo apt install --no-install-recommends cage seatd {browser} && sudo systemctl restart {_UNIT}"
        return Finding("kiosk", "red", "what the screen needs is not installed", ", ".join(facts.missing), _DARK, mend)
    if not facts.state:
        so = "nothing is known of the screen"
        return Finding("kiosk", "amber", "whether it runs cannot be seen", "no systemd answers", so, "sudo callfloor doctor kiosk")
    if facts.state == "active" and facts.status.startswith(("showing ", "the screen is off ")):
        shown = facts.status.removeprefix("showing ")
        return Finding("kiosk", "ok", "it shows its board" if shown != facts.status else "it is off by its schedule", shown)
    evidence = f"{facts.state}; {facts.status or 'no status'}; begun anew {facts.restarts} times"
    if facts.state == "inactive":
        return Finding("kiosk", "red", "it does not run", evidence, _DARK, f"sudo systemctl enable --now {_UNIT}")
    if facts.restarts >= _AGAIN:
        return Finding("kiosk", "red", "it begins again and again", evidence, _DARK, _LOG)
    return Finding("kiosk", "amber", "it shows nothing yet", evidence, _DARK, _LOG)
