"""Decides what is seen of the headsets and of the machine that they are plugged into, before anybody judges it. Opens no device."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path
from typing import Final

from msgspec import Struct

from appliance.core.command_owner import owned_elsewhere
from appliance.core.config import Config
from appliance.core.headset_config import HeadsetsConfig, Hold
from appliance.core.headset_url import headset_url
from appliance.doctor.running import runs
from appliance.doctor.who import Node, Who, node_of, service_user
from drivers.hid_device import HidInfo
from drivers.hid_holder import Holder, held
from drivers.hid_power import Feed, line_to
from drivers.hid_sim_socket import is_there
from drivers.hid_sysfs import Plugged, plugged
from headsets.model import is_headset, layout_from, tells
from headsets.places import placed

RULES: Final = "60-callfloor-headsets.rules"
_RULE_FOLDERS: Final = (
    "/etc/udev/rules.d",
    "/run/udev/rules.d",
    "/usr/local/lib/udev/rules.d",
    "/usr/lib/udev/rules.d",
    "/lib/udev/rules.d",
)
_UNIT: Final = "callfloor@headsets.service"
_SYSTEMCTL_S: Final = 5.0


class Desk(Struct, frozen=True, kw_only=True):
    """One plugged device, and the seat that it is at.

    `hold` is what the configuration says for it. `tells`: its descriptor has a hook or a mute; None: the descriptor cannot be read now.
    `by_usb`, `by_raw`: processes that have its USB device or its hidraw node open; `ours` are those of them that are the box's own service.
    `usb`, `raw`: the nodes, and whether the service's user may open them. `line`: the hubs to it, and itself.
    """

    seat: str
    named: bool
    hold: Hold
    info: HidInfo
    usb: Node
    raw: Node | None
    tells: bool | None = None
    by_usb: tuple[Holder, ...] = ()
    by_raw: tuple[Holder, ...] = ()
    ours: frozenset[int] = frozenset()
    line: tuple[Feed, ...] = ()


class HeadsetFacts(Struct, frozen=True, kw_only=True):
    """All of it. `unseen`: how many processes did not show what they have open. `running`: whether the box's own service runs.

    `missing`: packages that are not there. `rules`: where the udev rules are installed, None: nowhere. `families`: the address families
    that systemd allows the service, None: not told, or all. `without`: configured seats at which nothing is plugged. `looks`: the service
    looks at USB headsets at all. `unheard`: sockets of simulated headsets that are not there, by seat. `owned`: verbs carried out here.
    """

    config: HeadsetsConfig
    who: Who
    desks: tuple[Desk, ...] = ()
    without: tuple[str, ...] = ()
    looks: bool = True
    unheard: dict[str, str] = {}
    owned: frozenset[str] = frozenset({"answer", "hangup"})
    unseen: int = 0
    running: bool | None = False
    missing: tuple[str, ...] = ()
    rules: Path | None = None
    families: frozenset[str] | None = None


def probe(config: Config) -> HeadsetFacts:
    """Look at sysfs, /proc, udev's folders and systemd. Raises nothing that is to be expected."""
    headsets = config.headsets or HeadsetsConfig()
    urls = {key: headset_url(seat.url) for key, seat in headsets.seat.items()}
    looks = not urls or any(url.sim is None for url in urls.values())
    found = plugged(is_headset) if looks else Plugged()
    devices = (*found.headsets, *found.held, *found.left)
    who = service_user()
    run_dir = config.journal.run_dir
    lock = str(run_dir / "alive" / "headsets.lock") if run_dir else ""
    open_by = held([*(info.node for info in devices), *(info.hidraw for info in devices if info.hidraw), *([lock] if lock else [])])
    ours = frozenset(holder.pid for holder in open_by.by_path.get(lock, ()))
    seats = placed(urls, devices, {})
    desks = tuple(_desk(key, info, headsets, who, open_by.by_path, ours) for key, info in seats.items())
    return HeadsetFacts(
        config=headsets,
        who=who,
        desks=desks,
        without=tuple(key for key, url in urls.items() if url.sim is None and key not in seats),
        looks=looks,
        unheard={key: url.sim for key, url in urls.items() if url.sim is not None and not is_there(url.sim)},
        owned=owned_elsewhere(config),
        unseen=open_by.unseen,
        running=run_dir is not None and runs(run_dir, "headsets"),
        missing=_missing(),
        rules=next((path for folder in _RULE_FOLDERS if (path := Path(folder) / RULES).exists()), None),
        families=_families(),
    )


def _desk(
    key: str, info: HidInfo, headsets: HeadsetsConfig, who: Who, open_by: dict[str, tuple[Holder, ...]], ours: frozenset[int]
) -> Desk:
    seat = headsets.seat.get(key)
    return Desk(
        seat=key,
        named=seat is not None,
        hold=(seat.hold if seat else None) or headsets.hold,
        info=info,
        usb=node_of(info.node, who),
        raw=node_of(info.hidraw, who, write=False) if info.hidraw else None,
        tells=tells(layout_from(info.descriptor)) if info.descriptor else None,
        by_usb=open_by[info.node],
        by_raw=open_by[info.hidraw] if info.hidraw else (),
        ours=ours,
        line=line_to(info.port),
    )


def _missing() -> tuple[str, ...]:
    """What the drivers need and is not installed."""
    packages = [name for name, module in (("pyusb", "usb"), ("pyudev", "pyudev")) if importlib.util.find_spec(module) is None]
    return (*packages, *(name for name in ("libusb-1.0", "libudev") if not _has_library(name)))


def _has_library(name: str) -> bool:
    import ctypes  # noqa: PLC0415 - for this look alone

    try:
        ctypes.CDLL({"libusb-1.0": "libusb-1.0.so.0", "libudev": "libudev.so.1"}[name])
    except OSError:
        return False
    return True


def _families() -> frozenset[str] | None:
    """What systemd would let the service's unit use; None where there is no systemd or no such unit."""
    systemctl = shutil.which("systemctl")
    if systemctl is None:
        return None
    command = [systemctl, "show", "--property=LoadState", "--property=RestrictAddressFamilies", _UNIT]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=_SYSTEMCTL_S, check=False, stdin=subprocess.DEVNULL).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    return families_from(said)


def families_from(shown: str) -> frozenset[str] | None:
    """The families of `systemctl show`; None: the unit is not installed, or may use all.

    >>> sorted(families_from("LoadState=loaded\\nRestrictAddressFamilies=AF_UNIX AF_INET\\n"))
    ['AF_INET', 'AF_UNIX']
    >>> families_from("LoadState=not-found\\n"), families_from("LoadState=loaded\\nRestrictAddressFamilies=~AF_PACKET\\n")
    (None, None)
    """
    told = dict(line.partition("=")[::2] for line in shown.splitlines())
    families = told.get("RestrictAddressFamilies", "")
    return frozenset(families.split()) if told.get("LoadState") == "loaded" and families and not families.startswith("~") else None
