"""Decides which steps a site sheet means on this box, and what of them is to be done. Reads, and changes nothing."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from appliance.core.config import Config
from appliance.core.errors import MisconfiguredError
from appliance.provision import certificate, step_config, step_system, step_units
from appliance.provision.machine import Machine
from appliance.provision.site import SiteSheet
from appliance.provision.state import State, States
from appliance.provision.step import Due, due


class Plan(Struct, frozen=True, kw_only=True):
    """Each step as it stands; the configuration as it will be; the run that was cut off before, if one was."""

    sheet: SiteSheet
    steps: tuple[Due, ...]
    config: Config
    cut: State | None

    @property
    def pending(self) -> bool:
        """Whether there is anything to do."""
        return self.cut is not None or any(each.pending for each in self.steps)

    @property
    def faults(self) -> tuple[tuple[str, str], ...]:
        """What keeps it from being carried out: the step and the fault with its mend."""
        return tuple((each.step.name, each.step.cannot) for each in self.steps if each.step.cannot is not None)


def plan(machine: Machine, sheet: SiteSheet, folder: Path, technician: str, *, fresh: bool = False) -> Plan:
    """What is to be done. `folder`: the sheet's; `technician`: whose SSH keys they are where the sheet does not say.

    Raises ConfigFaultsError for a configuration that the services could not use, MisconfiguredError, CorruptError.
    """
    if not machine.root.is_dir():
        raise MisconfiguredError(f"{machine.root} is no folder; name the box's root with --root")
    main, secrets, boards, config = step_config.configuration(machine, sheet, folder, fresh=fresh)
    steps = (
        step_system.package(machine),
        step_system.hostname(machine, sheet),
        step_system.clock(machine, sheet),
        step_system.ntp(sheet),
        step_system.network(machine, sheet),
        step_system.ssh(machine, sheet, technician),
        secrets,
        boards,
        main,
        step_units.services(machine, config),
        step_units.kiosk(machine, config),
        certificate.step(machine, sheet),
    )
    cut = States(machine).unfinished()
    standing = tuple(step for step in steps if step is not None)
    return Plan(sheet=sheet, steps=due(machine, standing, frozenset(cut.unfinished if cut else ())), config=config, cut=cut)
