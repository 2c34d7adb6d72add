"""A hardware-in-the-loop target: a box with every simulator at hand and every output in sight, over OPC UA with the role rig.

Without a word it runs the rig until Ctrl-C. With one it speaks to a rig that runs, here or (--rig, --keys) on another machine:

  callfloor rig list | do ACTION [K=V …] | show [PATH …] | watch [PATH …] | reset [K=V …]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from appliance.cli.terminal import complain
from appliance.core.errors import UnsupportedError

EXAMPLES = """
  callfloor rig                                    until Ctrl-C; nothing happens by itself
  callfloor rig --listen opc.tcp://0.0.0.0:4840    for a test runner on another machine
  callfloor rig --scenario morning --seed 7        a seeded floor instead
  callfloor rig --device line1=/dev/ttyUSB0        a real modem as line 1, rung by hand
  callfloor rig list                               what can be done, what is seen
  callfloor rig do lines/line3/ring                line 3 rings
  callfloor rig show led/panel/text tv/waiting     what stands there now
  callfloor rig show led/panel/picture -o led.png  the LED chain as a picture
  callfloor rig reset                              new journal, counters zero, simulators at rest
  callfloor rig do lease/take owner=ana seconds=60 --json
"""

_WORDS = ("list", "do", "show", "watch", "reset")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A word for a rig that runs, or the options of a new one."""
    parser.add_argument("word", nargs="?", choices=_WORDS, metavar="WORD", help=f"speak to a rig that runs: {', '.join(_WORDS)}")
    parser.add_argument("what", nargs="*", metavar="ACTION|PATH|K=V", help="what to do, or to show")
    far = parser.add_argument_group("a rig that runs")
    far.add_argument("--rig", metavar="URL", help="where it is, as opc.tcp://bench-2:4840 (default: this machine's)")
    far.add_argument("--keys", type=Path, metavar="FILE", help="its rig.json, copied from there")
    far.add_argument("--lease", metavar="TOKEN", help="where the rig is held: by whom, do lease/take tells once")
    far.add_argument("--json", action="store_true", help="for scripts: one object")
    far.add_argument("-o", "--output", type=Path, metavar="FILE", help="show one value into a file, as it is")
    own = parser.add_argument_group("a new rig")
    own.add_argument("--listen", default="127.0.0.1:4840", metavar="URL", help="OPC UA, opc.tcp://HOST:PORT (default %(default)s)")
    own.add_argument("--boards", default="127.0.0.1:8080", metavar="HOST:PORT", help="the boards (default %(default)s)")
    own.add_argument("--scenario", default="still", help="what the PBX plays: still, calm, morning … (default %(default)s)")
    own.add_argument("--seed", type=int, default=1, help="of the scenario")
    own.add_argument("--speed", type=float, default=1.0, help="of the scenario, times real")
    own.add_argument("--time", default="", metavar="WHEN", help="the box's clock at each reset, RFC 3339 (default: a Monday, 08:00)")
    own.add_argument(
        "--device", action="append", default=[], metavar="PLACE=DEVICE", help="a real device in place of its simulator; again for another"
    )
    own.add_argument("--hand", metavar="PROGRAM", help="called for what must be done to real devices; else whoever sits here is asked")
    own.add_argument("--dir", type=Path, metavar="DIR", help="keep configuration, journal, keys and log there")
    own.add_argument("--for", dest="for_s", type=float, metavar="SECONDS", help="end after so long (default: Ctrl-C)")


def main(args: argparse.Namespace) -> int:
    """Raises UnpluggedError when a word finds no rig, UnsupportedError without OPC UA, and what the rig refuses."""
    try:
        return _main(args)
    except ModuleNotFoundError as fault:
        raise UnsupportedError(f"a rig needs the package {fault.name}; install it: pip install 'callfloor[opcua,demo]'") from fault


def _main(args: argparse.Namespace) -> int:
    if args.word is not None:
        from appliance.rig.ask import ask  # noqa: PLC0415 - OPC UA takes its time to be read

        return ask(args)
    if args.what:
        complain(f"callfloor rig: there is no {args.what[0]!r}")
        return 2
    if args.for_s is not None and args.for_s <= 0:
        complain("callfloor rig: --for takes a number above 0")
        return 2
    pairs = [each.partition("=") for each in args.device]
    if wrong := next((name for name, mark, _ in pairs if not mark), None):
        complain(f"callfloor rig: --device {wrong}: write it as line1=/dev/ttyUSB0")
        return 2
    from appliance.rig.serve import Options, run  # noqa: PLC0415

    return run(
        Options(
            listen=args.listen,
            boards=args.boards,
            scenario=args.scenario,
            seed=args.seed,
            speed=args.speed,
            time=args.time,
            devices={name: device for name, _, device in pairs},
            hand=args.hand,
            folder=args.dir,
            for_s=args.for_s,
        )
    )
