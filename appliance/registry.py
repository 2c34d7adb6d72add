"""Which services there are, where each lives, and which ones a configuration enables; imports none until asked.

A site adds a service of its own by installing a package with an entry point in the group `callfloor.services`
(`name = "module:Class"`) and naming it: `callfloor run NAME`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Final, cast

from appliance.core.config import Config
from appliance.core.errors import MisconfiguredError, UnsupportedError
from appliance.service import Service

GROUP: Final = "callfloor.services"

#: In the order in which they start; they stop in the reverse order.
SERVICES: Final[dict[str, str]] = {
    "gateway": "gateway.pbx.service:Gateway",
    "headsets": "headsets.service:Headsets",
    "wallboard": "wallboard.service:Wallboard",
    "uplink": "gateway.uplink.service:Uplink",
    "routing": "gateway.agi.service:Routing",
    "opcua": "gateway.opcua.service:Opcua",
}


def _has_boards(config: Config) -> bool:
    boards = config.wallboard
    return boards.tv is not None or bool(boards.led or boards.sign or boards.beacon)


_ENABLED: Final[dict[str, Callable[[Config], bool]]] = {
    "gateway": lambda config: bool(config.pbx or config.smdr or config.lines),
    "headsets": lambda config: config.headsets is not None,
    "wallboard": _has_boards,
    # Without a CRM the uplink still carries out the commands that the box gives itself (`callfloor send`).
    "uplink": lambda config: (
        bool((config.crm and config.crm.url) or config.pbx or config.lines or config.headsets or config.opcua) or _has_boards(config)
    ),
    "routing": lambda config: config.routing is not None,
    # Last: it takes seconds of a small board's processor to build its standard address space.
    "opcua": lambda config: config.opcua is not None,
}


def enabled(config: Config) -> tuple[str, ...]:
    """The services that the configuration asks for, in starting order."""
    return tuple(name for name in SERVICES if name in _ENABLED and _ENABLED[name](config))


def where(name: str) -> str:
    """`module:Class` of a service. Raises MisconfiguredError for a name that nobody offers."""
    if name in SERVICES:
        return SERVICES[name]
    installed = _installed()
    if name in installed:
        return installed[name]
    known = ", ".join([*SERVICES, *sorted(installed)])
    raise MisconfiguredError(f"there is no service {name!r}; there are: {known}")


def service(name: str) -> Service:
    """Import and make one service.

    Raises MisconfiguredError for an unknown name, UnsupportedError when a package that it needs is not installed.
    """
    module, _, attribute = where(name).partition(":")
    try:
        made = getattr(importlib.import_module(module), attribute)()
    except ModuleNotFoundError as fault:
        missing = fault.name or "?"
        mend = f"this version has no {module}" if module.startswith(missing) else f"install it: pip install 'callfloor[all]' or {missing}"
        raise UnsupportedError(f"service {name} needs the package {missing}, which is not installed; {mend}") from fault
    return cast("Service", made)


def _installed() -> dict[str, str]:
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow to import, needed for foreign services only

    return {point.name: point.value for point in entry_points(group=GROUP)}
