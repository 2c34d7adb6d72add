"""The CRM's enrolment server: an authority of its own that gives boxes certificates for one-time codes (RFC 7030), until Ctrl-C.

For a rig or a trial; the authority's key lies unprotected in --folder.

  callfloor sim enrolment --box quito/p3 --box quito/p4
  callfloor enroll https://localhost:8443 --ca enrolment/ca.pem
"""

from __future__ import annotations

import argparse
import secrets
import signal
import sys
from datetime import timedelta
from pathlib import Path

from appliance.cli.terminal import say
from appliance.core.endpoint import endpoint_from_text
from appliance.sim.enrolment import EnrolmentServer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `callfloor sim enrolment`."""
    parser.add_argument("--listen", default="127.0.0.1:8443", metavar="HOST:PORT", help="default 127.0.0.1:8443; port 0: a free one")
    parser.add_argument("--folder", type=Path, default=Path("enrolment"), metavar="DIR", help="the authority's (default ./enrolment)")
    parser.add_argument("--box", action="append", default=[], metavar="SITE/BOX", help="who may enrol; the code is printed; repeatable")
    parser.add_argument("--days", type=float, default=90.0, help="for how long certificates hold (default 90)")


def main(args: argparse.Namespace) -> int:
    """Until Ctrl-C or SIGTERM."""
    where = endpoint_from_text(args.listen)
    codes = {box: secrets.token_hex(5) for box in args.box}
    # Before the server's threads, which then leave them to this one.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    server = EnrolmentServer(args.folder, (where.host, where.port), codes, timedelta(days=args.days))
    say(f"enrolment  {server.url}   authority {server.authority.file}")
    for box, code in codes.items():
        say(f"{box}  code {code}")
    sys.stdout.flush()
    try:
        signal.sigwait({signal.SIGTERM, signal.SIGINT})
    finally:
        server.close()
    return 0
