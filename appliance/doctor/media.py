"""Decides whether the device files of LED chains, signs and lamps are there, and whether the service's user may open them. Opens none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from appliance.core.config import Config
from appliance.doctor.finding import Finding, Scene
from appliance.doctor.who import Node, Who, node_of, service_user
from drivers.gpio import place_from_url
from drivers.led_sign import sign_url
from drivers.led_url import led_url_from

LIMIT_S: Final = 5.0
_DARK: Final = "it shows nothing; the other boards go on, and it is tried again every few seconds"


class Medium(Struct, frozen=True):
    """One medium: its item, the device files of which one is enough, and what makes such a file appear."""

    item: str
    nodes: tuple[Node, ...]
    appears: str


def wanted(config: Config) -> bool:
    """There is an LED chain, a sign or a light."""
    return bool(config.wallboard.led or config.wallboard.sign or config.wallboard.beacon)


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Look, and judge."""
    who = service_user()
    return tuple(judge(medium, who) for medium in probe(scene.config, who))


def probe(config: Config, who: Who) -> Iterator[Medium]:
    """The files that each needs; what is simulated or elsewhere on the network needs none."""
    for name, led in config.wallboard.led.items():
        url = led_url_from(led.url)
        nodes = [f"/dev/spidev{url.port}.{select}" for select in url.selects]
        for path in nodes:
            yield Medium(f"led {name}", (node_of(path, who),), "sudo raspi-config nonint do_spi 0 && sudo reboot")
    for name, sign in config.wallboard.sign.items():
        line = sign_url(sign.url)
        if line.scheme == "serial":
            yield Medium(f"sign {name}", (node_of(line.place, who),), "ls -l /dev/serial/by-id/")
    for name, beacon in config.wallboard.beacon.items():
        place = place_from_url(beacon.url)
        if place is not None and place.factory != "mock":
            own = sorted(map(str, Path("/dev").glob("gpiochip*"))) or ["/dev/gpiochip0"]
            chips = own if place.chip is None else [f"/dev/gpiochip{place.chip}"]
            yield Medium(f"beacon {name}", tuple(node_of(path, who) for path in chips), "ls -l /dev/gpiochip*")


def judge(medium: Medium, who: Who) -> Finding:
    """What follows."""
    there = [node for node in medium.nodes if node.there]
    if not there:
        return Finding(medium.item, "red", "its device file is not there", f"no {medium.nodes[0].path}", _DARK, medium.appears)
    may = next((node for node in there if node.may), None)
    if may is None:
        group = there[0].owner.partition(":")[2].partition(" ")[0]
        mend = f"sudo usermod -aG {group} {who.name} && sudo systemctl restart callfloor@wallboard"
        return Finding(medium.item, "red", f"{who.name} may not open it", str(there[0]), _DARK, mend)
    return Finding(medium.item, "ok", "its device file is there, and may be opened", str(may))
