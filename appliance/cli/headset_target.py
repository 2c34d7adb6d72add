"""Decides which headset a person means: by its seat, its port, its identity or the socket of a simulated one."""

from __future__ import annotations

from msgspec import Struct

from appliance.core.config import Config
from appliance.core.errors import DeniedError, MisconfiguredError, UnpluggedError
from appliance.core.headset_config import HeadsetsConfig
from appliance.core.headset_url import headset_url
from drivers.hid_device import HidDevice, HidInfo
from drivers.hid_fault import fault_of
from drivers.hid_plug import known
from drivers.hid_sim_socket import open_sim
from drivers.hid_sysfs import plugged
from drivers.hidraw import open_watch
from headsets.model import is_headset
from headsets.places import placed


class Target(Struct, frozen=True):
    """One headset at its seat: plugged (`info`), simulated (`sim`, its socket), or neither now."""

    seat: str
    info: HidInfo | None = None
    sim: str | None = None

    @property
    def is_held(self) -> bool:
        """Whether a program has taken it from the kernel, so that nobody else can read along."""
        return self.info is not None and self.info.driver == "usbfs"

    def open(self) -> HidDevice:
        """Open it to read along; nothing is written, nothing detached. Raises UnpluggedError, DeniedError, TransientError, CorruptError."""
        if self.sim is not None:
            return open_sim(self.sim, writes=False)
        if self.info is None:
            raise UnpluggedError(f"seat {self.seat}: no headset is plugged in there")
        if self.is_held:
            fault = fault_of(self.info, "reading along", OSError(16, ""))
            raise DeniedError(f"{fault}")
        return open_watch(self.info)


def targets(config: Config | None) -> dict[str, Target]:
    """All that are plugged or configured now, by seat."""
    headsets = (config.headsets if config else None) or HeadsetsConfig()
    urls = {key: headset_url(seat.url) for key, seat in headsets.seat.items()}
    found = known(plugged(is_headset), {})
    here = placed({key: url for key, url in urls.items() if url.sim is None}, found.values(), {})
    configured = {key: Target(key, here.get(key), url.sim) for key, url in urls.items()}
    return configured | {key: Target(key, info) for key, info in here.items()}


def target_named(name: str, config: Config | None) -> Target:
    """The one that is meant. Raises MisconfiguredError for a name that none has."""
    if name.startswith("sim:") and name[4:]:
        return Target("sim", sim=name[4:])
    everyone = targets(config)
    if name in everyone:
        return everyone[name]
    plain = name.removeprefix("usb:")
    for target in everyone.values():
        if target.info is not None and plain in (target.info.port, target.info.identity, target.info.hidraw):
            return target
    there = ", ".join(f"{key} (port {each.info.port})" if each.info else key for key, each in everyone.items())
    raise MisconfiguredError(f"no headset is called {name}; there is {there or 'none'}; see `callfloor devices`")
