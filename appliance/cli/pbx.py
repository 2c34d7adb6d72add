"""What the PBX needs for this box.

template asterisk|freepbx|freeswitch   the manager user to create, or the event socket to open, with the least rights
"""

from __future__ import annotations

import argparse

from appliance.cli.terminal import say

EXAMPLES = """
  callfloor pbx template asterisk --address 192.168.1.20
  callfloor pbx template freepbx --new-secret --commands
  callfloor pbx template freeswitch --address 192.168.1.20 --new-secret
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """template KIND, --user, --address, --new-secret, --commands."""
    verbs = parser.add_subparsers(dest="what", required=True, metavar="template")
    template = verbs.add_parser("template", help="the manager user to create", description="Print the manager user to create.")
    template.add_argument("kind", choices=["asterisk", "freepbx", "freeswitch"])
    template.add_argument("--user", default="callfloor", help="his name (default %(default)s)")
    template.add_argument("--address", default="BOX-ADDRESS", help="this box's address, the only one that he may come from")
    template.add_argument("--new-secret", action="store_true", help="make a secret up instead of printing CHANGE-ME")
    template.add_argument("--commands", action="store_true", help="with the rights that commands to the PBX need (docs/pbx-commands.md)")


def main(args: argparse.Namespace) -> int:
    """Print it."""
    import secrets  # noqa: PLC0415

    from gateway.asterisk.template import template  # noqa: PLC0415
    from gateway.freeswitch.template import template as of_freeswitch  # noqa: PLC0415

    secret = secrets.token_urlsafe(18) if args.new_secret else "CHANGE-ME"
    if args.kind == "freeswitch":
        say(of_freeswitch(secret=secret, address=args.address).rstrip("\n"))
        return 0
    say(template(args.kind, user=args.user, secret=secret, address=args.address, commands=args.commands).rstrip("\n"))
    return 0
