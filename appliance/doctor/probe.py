"""Decides which probes there are, which of them a configuration calls for, and what becomes of one that fails or does not end.

Each is a module with the parts of `Probe`, imported when it is its turn. A site adds one by installing a package with an entry point in
the group `callfloor.probes` (`name = "module"`).
"""

from __future__ import annotations

import importlib
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol, cast

from appliance.core.config import Config
from appliance.core.errors import CallfloorError, MisconfiguredError
from appliance.doctor.finding import Finding, Scene

GROUP: Final = "callfloor.probes"
#: In the order in which they are told.
PROBES: Final[dict[str, str]] = {
    "services": "appliance.doctor.services",
    "journal": "appliance.doctor.journal",
    "card": "appliance.doctor.card",
    "budget": "appliance.box.budget",
    "wear": "appliance.box.wear",
    "mounts": "appliance.box.mounts",
    "data_encryption": "appliance.box.encryption",
    "power": "appliance.box.power",
    "temperature": "appliance.box.heat",
    "memory": "appliance.box.memory",
    "clock": "appliance.box.timekeeping",
    "watchdog": "appliance.box.watchdog",
    "pbx": "appliance.doctor.pbx",
    "links": "appliance.doctor.links",
    "lines": "appliance.doctor.lines",
    "smdr": "appliance.doctor.smdr",
    "broker": "appliance.doctor.broker",
    "headsets": "appliance.doctor.headsets",
    "seat-boxes": "appliance.doctor.seat_boxes",
    "media": "appliance.doctor.media",
    "kiosk": "appliance.doctor.kiosk",
    "opcua": "appliance.doctor.opcua",
    "routing": "appliance.doctor.routing",
    "directory": "appliance.doctor.directory",
    "update": "appliance.doctor.update",
}
#: Only when asked for: they log in elsewhere.
DEEP: Final[dict[str, str]] = {"login": "appliance.doctor.deep"}
_LOOK_S: Final = 0.1


class Probe(Protocol):
    """A module that looks at one part of the box. `LIMIT_S`: a look that takes longer is given up."""

    LIMIT_S: float

    def wanted(self, config: Config) -> bool:
        """Whether the configuration names what it looks at."""
        ...

    def findings(self, scene: Scene) -> tuple[Finding, ...]:
        """Look, and judge. Blocks; called in a thread of its own. May raise anything."""
        ...


def known() -> dict[str, str]:
    """Every probe's module by its name, installed ones last."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow to import

    return PROBES | DEEP | {point.name: point.value for point in entry_points(group=GROUP)}


def chosen(config: Config, names: Sequence[str]) -> dict[str, Probe]:
    """The probes that were named, or those that the configuration calls for. Raises MisconfiguredError for a name that nobody offers."""
    modules = known()
    for name in names:
        if name not in modules:
            raise MisconfiguredError(f"there is no probe {name!r}; there are: configuration, {', '.join(modules)}")
    probes = {name: _imported(modules[name]) for name in names or modules}
    return {name: probe for name, probe in probes.items() if names or _wanted(probe, config)}


def examined(scene: Scene, probes: dict[str, Probe], waiting: Callable[[str], object]) -> Iterator[tuple[str, tuple[Finding, ...]]]:
    """Each probe's findings in order; all look at the same time. `waiting` is called with the name of the one that is waited for, often."""
    answers = {name: _begun(name, probe, scene) for name, probe in probes.items()}
    start_s = time.monotonic()
    for name, probe in probes.items():
        found = _answer(name, answers[name], start_s + probe.LIMIT_S, waiting)
        yield name, (_endless(name, probe.LIMIT_S),) if found is None else found or (_nothing(name),)


class _Broken:
    """Stands for a probe whose module cannot be imported: it is wanted, and fails with what the import said."""

    LIMIT_S = 1.0

    def __init__(self, fault: Exception) -> None:
        self._fault = fault

    def wanted(self, config: Config) -> bool:
        return True

    def findings(self, scene: Scene) -> tuple[Finding, ...]:
        raise self._fault


def _imported(module: str) -> Probe:
    try:
        return cast("Probe", importlib.import_module(module))
    except Exception as fault:  # noqa: BLE001, RUF100 - a package that a site installed does not keep the others from being looked at
        return _Broken(fault)


def _wanted(probe: Probe, config: Config) -> bool:
    try:
        return probe.wanted(config)
    except Exception:  # noqa: BLE001, RUF100 - its look will say what is wrong with it
        return True


def _begun(name: str, probe: Probe, scene: Scene) -> queue.SimpleQueue[tuple[Finding, ...]]:
    answer: queue.SimpleQueue[tuple[Finding, ...]] = queue.SimpleQueue()

    def look() -> None:
        try:
            found = probe.findings(scene)
        except Exception as fault:  # noqa: BLE001, RUF100 - a probe that fails is a finding, and the others go on
            found = (_failed(name, fault),)
        answer.put(found)

    # A daemon: one that never ends does not keep the verb from ending.
    threading.Thread(target=look, name=f"probe {name}", daemon=True).start()
    return answer


def _answer(
    name: str, answer: queue.SimpleQueue[tuple[Finding, ...]], end_s: float, waiting: Callable[[str], object]
) -> tuple[Finding, ...] | None:
    while True:
        left_s = end_s - time.monotonic()
        try:
            return answer.get(timeout=max(0.0, min(_LOOK_S, left_s)))
        except queue.Empty:
            if left_s <= 0:
                return None
            waiting(name)


def _failed(name: str, fault: Exception) -> Finding:
    evidence = str(fault) if isinstance(fault, CallfloorError) else f"{type(fault).__name__}: {fault}"
    mend = f"sudo callfloor doctor {name}" if isinstance(fault, PermissionError) else f"callfloor doctor {name} --json"
    return Finding(name, "red", "it could not be looked at", evidence, "nothing is known of it", mend)


def _nothing(name: str) -> Finding:
    return Finding(name, "ok", "nothing to look at", "the configuration names nothing of this kind")


def _endless(name: str, limit_s: float) -> Finding:
    evidence = f"the look had not ended after {limit_s:g} s"
    return Finding(name, "red", "it could not be looked at", evidence, "nothing is known of it", f"callfloor doctor {name}")
