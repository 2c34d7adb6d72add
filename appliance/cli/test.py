"""Try one piece of the box's hardware, step by step, in words: what is switched now is what you should see or hear now.

On a terminal you are asked after each step whether it was so; --yes asks nobody. Led, sign and beacon not while the
service that owns them runs (the message names the unit to stop); a line and a headset also beside it, through its
events. Everything is off afterwards, also after Ctrl-C. Exit code 1 when a step failed.
"""

from __future__ import annotations

import argparse
import importlib
from typing import Final, Protocol, cast

from appliance.cli.main import add_config
from appliance.cli.trial_ask import add_asking

EXAMPLES = """
  callfloor test beacon torre -c callfloor.toml
  callfloor test beacon torre --seconds 0.5 --no-button --json
  callfloor test led entrada -c callfloor.toml
  callfloor test led entrada --find
  callfloor test sign recepcion --lang es
  callfloor test line linea1 --json
  callfloor test headset a-101
"""

#: What can be tried: the module that does it, and what it is.
DEVICES: Final[dict[str, tuple[str, str]]] = {
    "line": ("appliance.cli.trial_line", "an analog line: ring, caller ID and hook, live, while you call it from a mobile"),
    "headset": ("appliance.cli.trial_headset", "a headset: hook, mute, plug, ring lamp; beside the running service too"),
    "sign": ("appliance.cli.trial_sign", "a serial sign: answer, letters, colours, flashing, three beeps"),
    "beacon": ("appliance.cli.trial_beacon", "a stack light: each lamp, each rhythm, the buzzer, the button"),
    "led": ("appliance.cli.trial_led", "an LED chain: every dot, rows, columns, module numbers, letters, brightness"),
}


class Trial(Protocol):
    """A module that tries one kind of device."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare what only this kind takes."""
        ...

    def main(self, args: argparse.Namespace) -> int:
        """Do it; return the exit code."""
        ...


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """DEVICE NAME, -c, --json, and what each device takes."""
    devices = parser.add_subparsers(dest="device", required=True, metavar="DEVICE")
    for device, (_, what) in DEVICES.items():
        sub = devices.add_parser(device, help=what, description=what)
        sub.add_argument("name", metavar="NAME", help="its name in the configuration")
        add_config(sub)
        sub.add_argument("--json", action="store_true", help="the outcome as one JSON object; the words go to stderr")
        add_asking(sub)
        _trial(device).add_arguments(sub)


def main(args: argparse.Namespace) -> int:
    """Try the device."""
    return _trial(args.device).main(args)


def _trial(device: str) -> Trial:
    return cast("Trial", importlib.import_module(DEVICES[device][0]))
