"""Decides what is seen of a floor at one moment: which services are up, which PBX and broker answer, whether a board is served."""

from __future__ import annotations

import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from appliance import registry
from appliance.core.config import Config
from appliance.core.config_file import load
from appliance.core.errors import CallfloorError
from appliance.core.pbx_kind import port_of
from appliance.doctor.reach import at_once, reached
from appliance.update.state import Facts

_KIOSK: Final = "callfloor-kiosk.service"
_BOARD_S: Final = 10.0


def usable(file: Path) -> Config | None:
    """The configuration; None where there is none yet, or where it cannot be used: then the services say so themselves."""
    try:
        return load(file)
    except (CallfloorError, OSError):
        return None


def collected(config: Config | None) -> Facts:
    """Look now; takes as long as the slowest peer, 12 s at most."""
    if config is None:
        # It is not there yet, or the new version does not take it: then its services are enabled and not up, and that is told.
        services, restarts = _services([f"callfloor@{name}.service" for name in registry.SERVICES])
        return Facts(services, restarts=restarts)
    units = [f"callfloor@{name}.service" for name in registry.enabled(config)]
    services, restarts = _services([*units, _KIOSK])
    return Facts(services, _reach(config), _board(config), restarts)


def _services(units: Iterable[str]) -> tuple[dict[str, str], int]:
    words = ["systemctl", "show", "--property=Id,LoadState,ActiveState,NRestarts,UnitFileState", *units]
    try:
        text = subprocess.run(words, check=False, capture_output=True, text=True, timeout=30).stdout
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return {}, 0
    return services_from(text)


def services_from(text: str) -> tuple[dict[str, str], int]:
    """ActiveState by unit and all restarts, from `systemctl show`; units that are neither loaded nor enabled nor up are left out.

    >>> services_from("Id=callfloor@gateway.service\\nLoadState=loaded\\nActiveState=active\\nNRestarts=2\\nUnitFileState=enabled\\n")
    ({'callfloor@gateway.service': 'active'}, 2)
    """
    found: dict[str, str] = {}
    restarts = 0
    for block in text.strip().split("\n\n"):
        unit = dict(line.partition("=")[::2] for line in block.splitlines())
        state = unit.get("ActiveState", "inactive")
        if state == "inactive" and (unit.get("LoadState") != "loaded" or not unit.get("UnitFileState", "").startswith("enabled")):
            continue
        found[unit.get("Id", "")] = state
        restarts += int(unit.get("NRestarts") or 0)
    return found, restarts


def _reach(config: Config) -> dict[str, bool]:
    places = [(f"pbx {name}", pbx.host, port_of(pbx)) for name, pbx in config.pbx.items()]
    if config.crm is not None and config.crm.url:
        from gateway.uplink.endpoint import endpoints_from_config  # noqa: PLC0415 - only a box with a CRM

        places += [(f"broker {endpoint.url}", endpoint.host, endpoint.port) for endpoint in endpoints_from_config(config.crm)]
    answers = at_once(lambda place: reached(place[1], place[2]).stage == "through", places)
    return {place[0]: answer for place, answer in zip(places, answers, strict=True)}


def _board(config: Config) -> bool | None:
    """Whether the boards' listener serves a board and its fold goes on (`/healthz`); None where no television is configured."""
    tv = config.wallboard.tv
    if tv is None:
        return None
    host, _, port = tv.listen.rpartition(":")
    if host in ("", "0.0.0.0", "[::]", "*"):  # noqa: S104 - asked, not bound
        host = "127.0.0.1"
    scheme = "https" if tv.cert_file is not None else "http"
    # Our own listener on this box, whatever name its certificate has.
    context = ssl._create_unverified_context() if scheme == "https" else None  # noqa: S323
    for page in ("/healthz", "/board/floor"):
        try:
            with urllib.request.urlopen(f"{scheme}://{host}:{port}{page}", timeout=_BOARD_S, context=context) as answer:  # noqa: S310
                answer.read(1024 * 1024)
        except urllib.error.HTTPError as fault:
            if fault.code not in (401, 403):  # it guards itself: it is there
                return False
        except (OSError, ValueError):
            return False
    return True
