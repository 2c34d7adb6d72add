"""One simulated piece of the floor, for a rig or a trial: it speaks on the same wire as the real one.

pbx      an Asterisk with a seeded floor behind its manager port
freeswitch  a FreeSWITCH with the same floor behind its event socket
crm      a CRM that counts what arrives over MQTT, and shows doubles and gaps
enrolment  the CRM's enrolment server: certificates for one-time codes (RFC 7030)
sign     an Alpha sign on a pty or a TCP port that shows what it received
line     analog lines on which people call: voice modems on ptys, or a line monitor over UDP
smdr     a PBX that prints a line for each call, by a pty or TCP
headset  USB headsets at sockets, for `sim:` urls, driven by keys or a script
floor    a whole floor by a scenario: callers, agents, headsets, lines, links, and what goes wrong
golden   the events of a simulated day as a file, always the same: for who tests a consumer
"""

from __future__ import annotations

import argparse
import importlib
from typing import Any, Final

EXAMPLES = """
  callfloor sim pbx --port 5038 --scenario morning --seed 7
  callfloor sim freeswitch --port 8021 --speed 4
  callfloor sim crm --listen 127.0.0.1:1883
  callfloor sim crm --url mqtt://127.0.0.1:1883 --send quito/p3 resend from=100 to=160
  callfloor sim enrolment --box quito/p3
  callfloor sim sign --address 01,02
  callfloor sim line --lines 4 --every 30
  callfloor sim smdr --make nec --tcp 127.0.0.1:2300
  callfloor sim headset --model epos --count 4
  callfloor sim floor --scenario monday-peak --speed 10
  callfloor sim golden --seed 1 --out day.jsonl.gz
"""

_PIECES: Final = {
    "pbx": "appliance.sim.pbx_cli",
    "freeswitch": "appliance.sim.freeswitch_cli",
    "crm": "appliance.sim.crm_cli",
    "enrolment": "appliance.sim.enrolment_cli",
    "sign": "appliance.sim.sign_cli",
    "headset": "appliance.sim.headset_cli",
    "line": "appliance.sim.line_cli",
    "smdr": "appliance.sim.smdr_cli",
    "floor": "appliance.sim.floor_cli",
    "golden": "appliance.sim.golden_cli",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One sub-verb per piece; a piece's own arguments are declared by its module."""
    pieces = parser.add_subparsers(dest="piece", required=True, metavar="|".join(_PIECES))
    for name, module in _PIECES.items():
        piece: Any = importlib.import_module(module)
        words = (piece.__doc__ or name).strip()
        piece.add_arguments(
            pieces.add_parser(name, help=words.splitlines()[0], description=words, formatter_class=argparse.RawDescriptionHelpFormatter)
        )


def main(args: argparse.Namespace) -> int:
    """Run it until Ctrl-C."""
    piece: Any = importlib.import_module(_PIECES[args.piece])
    return int(piece.main(args))
