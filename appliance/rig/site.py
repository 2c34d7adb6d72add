"""Decides how the box on a rig is configured: everything simulated at its own wire, or a real device in its place where one is named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from appliance.core.errors import MisconfiguredError
from appliance.rig.crm import BOX, SITE
from appliance.rig.headsets import SEATS
from appliance.rig.lamps import BUTTON, PINS
from appliance.rig.led import HEIGHT, WIDTH
from appliance.rig.lines import GRACE_MS, RING_MS
from appliance.rig.smdr import MAKE

LINES: Final = ("line1", "line2", "line3", "line4")
PANEL: Final = "panel"
SIGN: Final = "strip"
TOWER: Final = "tower"
PBX: Final = "central"
PRINTER: Final = "printer"
ZONE: Final = "America/Guayaquil"
TRUNK: Final = "pstn"
#: What a rig has, and how a real one is named in its place.
PLACES: Final[dict[str, str]] = {
    **dict.fromkeys(LINES, "/dev/ttyUSB0 or serial:///dev/ttyUSB0?baud=115200, a voice modem"),
    SIGN: "/dev/ttyUSB0 or serial:///dev/ttyUSB0?baud=9600&format=7E1, an Alpha sign",
    PANEL: "spi:0.0?cascaded=8, an LED chain",
    TOWER: "gpio:, a stack light",
    **dict.fromkeys(SEATS, "usb:0b0e:0412, a headset"),
}
#: The board of the LED and of the sign: one figure that stands still, so that what is seen is what is.
BOARD: Final = """title = "Rig"

[[page]]
kind = "floor"
figures = ["waiting"]
"""
_SERIAL: Final = {**dict.fromkeys(LINES, "?baud=115200"), SIGN: "?baud=9600&format=7E1"}


class Wires(Struct, frozen=True, kw_only=True):
    """Where everything is: each place's url (simulated or real), the PBX's port, the printer, the broker, the boards' listener."""

    places: Mapping[str, str]
    real: frozenset[str]
    pbx_port: int
    printer: str
    crm_url: str
    crm_protocol: str
    listen: str


def device_of(place: str, device: str) -> str:
    """The url of a real device at a place. Raises MisconfiguredError for a place that there is not.

    >>> device_of("line1", "/dev/ttyUSB0")
    'serial:///dev/ttyUSB0?baud=115200'
    """
    if place not in PLACES:
        raise MisconfiguredError(f"--device {place}={device}: there is no {place}; there are {', '.join(PLACES)}")
    if device.startswith("/"):
        if place not in _SERIAL:
            raise MisconfiguredError(f"--device {place}={device}: write {PLACES[place]}")
        return f"serial://{device}{_SERIAL[place]}"
    if ":" not in device or '"' in device or not device.isprintable():
        raise MisconfiguredError(f"--device {place}={device}: write {PLACES[place]}")
    return device


def configuration(wires: Wires, opcua: str = "") -> str:
    """The box's configuration file; `opcua`: the tables of the server, which are the composition's."""
    pins = "\n".join(f"{lamp} = {pin}" for lamp, pin in PINS.items())
    return f"""# Written by callfloor rig. Every verb of the command line works on it: callfloor status -c THIS FILE
[site]
name = "{SITE}"
box = "{BOX}"
timezone = "{ZONE}"
language = "en"

[journal]
path = "state/journal.db"

[pbx.{PBX}]
kind = "asterisk"
host = "127.0.0.1"
port = {wires.pbx_port}
username = "callfloor"
secret_file = "pbx.secret"

{"".join(_line(wires, name) for name in LINES)}[queues.lines]
title = "Lines"

[trunks.{TRUNK}]
lines = {len(LINES)}

[trunks.{TRUNK}.alarm.all_busy_now]
hold_s = 1

[smdr.{PRINTER}]
url = "{wires.printer}"
profile = "{MAKE}"
reconnect_max_s = 1.0

[crm]
url = "{wires.crm_url}"
protocol = "{wires.crm_protocol}"
events = ["call", "agent", "line", "headset", "pbx", "link", "alarm", "announcement", "box", "command"]
headsets = "all"
reconnect_max_s = 1.0
floor_every_s = 1.0

[alarm]
hold_s = 1

[alarm.floor.waiting]
amber = 2
red = 3

[privacy]
headsets = true

[headsets]

{"".join(_seat(wires, seat) for seat in SEATS)}[wallboard]
boards = "boards"

[wallboard.tv]
listen = "{wires.listen}"

[wallboard.led.{PANEL}]
url = "{wires.places[PANEL]}"
width = {WIDTH}
height = {HEIGHT}
board = "rig"

[wallboard.sign.{SIGN}]
url = "{wires.places[SIGN]}"
board = "rig"

[wallboard.beacon.{TOWER}]
url = "{wires.places[TOWER]}"
{pins}
button = {BUTTON}

{opcua}"""


def _line(wires: Wires, name: str) -> str:
    # A real line has its country's bell; the rig's own exchange has a quick one.
    bell = 'country = "es"' if name in wires.real else f"ring_ms = [{', '.join(map(str, RING_MS))}]\ngrace_ms = {GRACE_MS}"
    return f"""[lines.{name}]
url = "{wires.places[name]}"
{bell}
hook_sense = true
queue = "lines"
trunk = "{TRUNK}"

"""


def _seat(wires: Wires, seat: str) -> str:
    return f"""[headsets.seat.{seat}]
url = "{wires.places[seat]}"
interface = "PJSIP/{SEATS[seat][0]}"

"""
