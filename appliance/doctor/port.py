"""Decides whether a serial port, a network port or the pins that a url names are there and may be opened. Opens no device file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from appliance.core.config import Config
from appliance.core.errors import MisconfiguredError
from appliance.doctor.finding import Finding
from appliance.doctor.reach import reached
from appliance.doctor.running import runs
from appliance.doctor.who import Node, Who, node_of
from drivers.gpio import place_from_url
from drivers.serial_url import serial_url

_APPEARS: Final = "ls -l /dev/serial/by-id/"


def port_finding(item: str, url: str, dark: str, who: Who, *, is_held: bool = False) -> Finding:
    """What is to be said of the place that a url names. `dark`: what follows while it is away. Blocks while a network port is tried.

    `is_held`: the gateway runs. Its network ports are then not tried, for many take one caller alone, and a second ends the first.
    """
    scheme = url.partition(":")[0]
    try:
        if scheme == "gpio":
            return _pins(item, url, dark, who)
        if scheme in ("udp", "listen", "sim", "loop"):
            return Finding(item, "ok", "the others call the box, or it is simulated: nothing to look for", url)
        place = serial_url(url, item)
    except MisconfiguredError as fault:
        return Finding(item, "red", "its url is none", str(fault), dark, "callfloor check")
    if place.scheme == "serial":
        return judge(item, (node_of(place.place, who),), dark, who, _APPEARS)
    return _far(item, place.place, dark, is_held=is_held)


def _far(item: str, place: str, dark: str, *, is_held: bool) -> Finding:
    if is_held:
        return Finding(item, "ok", "the running gateway holds it", f"{place}; `callfloor status` shows how it does")
    host, _, port = place.rpartition(":")
    host = host.strip("[]")
    at = reached(host, int(port))
    if at.stage != "through":
        return Finding(item, "red", "it cannot be reached", f"{at.where}: {at.fault}", dark, f"ping -c 3 {host}")
    return Finding(item, "ok", "it answers", f"{at.where} after {at.took_ms} ms")


def gateway_runs(config: Config) -> bool:
    """Whether the service that holds these ports is at work."""
    folder = config.journal.run_dir or config.journal.path.parent / "run"
    return runs(folder, "gateway") is not False


def judge(item: str, nodes: tuple[Node, ...], dark: str, who: Who, appears: str) -> Finding:
    """What follows from device files of which one is enough."""
    there = [node for node in nodes if node.there]
    if not there:
        return Finding(item, "red", "its adapter is not there", f"no {nodes[0].path}", dark, appears)
    may = next((node for node in there if node.may), None)
    if may is None:
        group = there[0].owner.partition(":")[2].partition(" ")[0]
        mend = f"sudo usermod -aG {group} {who.name} && sudo systemctl restart callfloor@gateway"
        return Finding(item, "red", f"{who.name} may not open it", str(there[0]), dark, mend)
    return Finding(item, "ok", "its adapter is there, and may be opened", str(may))


def _pins(item: str, url: str, dark: str, who: Who) -> Finding:
    place = place_from_url(url)
    own = sorted(map(str, Path("/dev").glob("gpiochip*"))) or ["/dev/gpiochip0"]
    chips = own if place is None or place.chip is None else [f"/dev/gpiochip{place.chip}"]
    return judge(item, tuple(node_of(path, who) for path in chips), dark, who, "ls -l /dev/gpiochip*")
