"""The whole floor in one command: simulated PBX, embedded CRM, boards, LED panel, sign, lamps; no configuration, root or device.

In a terminal it shows the LED panel, the floor and what the CRM received, and takes keys: c cuts and restores the link
to the CRM, p restarts the PBX, d drops the connection to it, a announces, q ends. From a second terminal the same is:

  callfloor demo cut | restore | status | restart-pbx | drop-pbx | announce | stop
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.cli.terminal import complain, say

if TYPE_CHECKING:
    from appliance.demo_abroad import Abroad

EXAMPLES = """
  callfloor demo                       until Ctrl-C; boards on http://127.0.0.1:8080
  callfloor demo --for 60 --speed 4    a minute, four times as busy
  callfloor demo cut                   the demo that runs: cut its link to the CRM
  callfloor demo restore               and back again
  callfloor demo --scenario analog     four analog lines and a call-record printer, no ACD
  callfloor demo --crm mqtts://broker.example:8883 --ca-file ca.pem --cert-file box.pem --key-file box.key
"""

_WORDS = ("cut", "restore", "status", "restart-pbx", "drop-pbx", "announce", "stop")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A word for a running demo, or the options of a new one."""
    parser.add_argument("word", nargs="?", choices=_WORDS, metavar="WORD", help=f"tell the running demo: {', '.join(_WORDS)}")
    parser.add_argument("--listen", default="127.0.0.1:8080", metavar="HOST:PORT", help="the boards (default %(default)s)")
    parser.add_argument("--for", dest="for_s", type=float, metavar="SECONDS", help="end after so long (default: Ctrl-C)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same floor")
    parser.add_argument("--speed", type=float, default=2.0, help="how many times faster than real (default %(default)g)")
    parser.add_argument(
        "--scenario", default="demo", help="demo, calm, morning, load, stress, analog, one of `callfloor sim floor --list`, or ./mine.toml"
    )
    parser.add_argument("--crm", metavar="URL", help="send to your own broker instead: mqtts://HOST:8883, mqtt://HOST:1883")
    add_crm(parser)
    parser.add_argument("--dir", type=Path, metavar="DIR", help="keep the journal and the configuration there")
    parser.add_argument("--language", choices=["es", "en", "pt"], help="default: the terminal's")
    parser.add_argument("--plain", action="store_true", help="lines instead of the live view, also in a terminal")


def add_crm(parser: argparse.ArgumentParser) -> None:
    """How one gets into a broker of one's own, beside its url."""
    parser.add_argument("--ca-file", type=Path, metavar="FILE", help="with --crm: who signed the broker's certificate")
    parser.add_argument("--cert-file", type=Path, metavar="FILE", help="with --crm: a client certificate …")
    parser.add_argument("--key-file", type=Path, metavar="FILE", help="… and its key")
    parser.add_argument("--username", metavar="NAME", help="with --crm: by name …")
    parser.add_argument("--password-file", type=Path, metavar="FILE", help="… and the password in the first line of FILE")
    parser.add_argument("--site", default="demo", metavar="NAME", help="with --crm: the site's name there (default %(default)s)")
    parser.add_argument("--box", default="simulated", metavar="NAME", help="with --crm: the box's; it begins with %(default)s")


def abroad_of(args: argparse.Namespace) -> Abroad | None:
    """What `add_crm` declared, None without --crm."""
    if args.crm is None:
        return None
    from appliance.demo_abroad import Abroad  # noqa: PLC0415

    return Abroad(
        url=args.crm,
        ca_file=args.ca_file,
        cert_file=args.cert_file,
        key_file=args.key_file,
        username=args.username,
        password_file=args.password_file,
        site=args.site,
        box=args.box,
    )


def main(args: argparse.Namespace) -> int:
    """Raises UnpluggedError when a word finds no demo."""
    if args.word is not None:
        from appliance.demo_control import ask, running  # noqa: PLC0415 - a word needs none of the floor

        answer = ask(running(), args.word)
        if answer.startswith("error"):
            complain(f"callfloor demo {args.word}: {answer}")
            return 1
        say(answer)
        return 0
    if args.speed <= 0 or (args.for_s is not None and args.for_s <= 0):
        complain("callfloor demo: --speed and --for take numbers above 0")
        return 2
    from appliance.demo import Options, run  # noqa: PLC0415

    options = Options(
        listen=args.listen,
        for_s=args.for_s,
        seed=args.seed,
        speed=args.speed,
        scenario=args.scenario,
        crm=args.crm,
        abroad=abroad_of(args),
        folder=args.dir,
        language=args.language,
        plain=args.plain,
    )
    return run(options)
