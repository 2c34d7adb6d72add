"""This box's certificate for the CRM: the key is made here and stays here; a one-time code from the CRM team proves that it may
have one.

URL is the CRM's enrolment server (RFC 7030). Without URL: what certificate the box has. `--renew` is what a timer calls; it
asks for the next certificate at about two thirds of its life, and the link takes it up without a restart. Where the CRM
issues by hand: `--request` writes the request, `--install` puts in place what came back. Exit code 1: a fault, or there is
no certificate.
"""

from __future__ import annotations

import argparse
import getpass
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from appliance.cli.main import add_config
from appliance.cli.terminal import complain, say, say_json
from appliance.core.clock import NS, SystemClock
from appliance.core.errors import MisconfiguredError
from appliance.enroll import work
from appliance.enroll.est import Waiting
from appliance.enroll.identity import Issued, common_name
from appliance.enroll.keep import CODE, FOLDER, Place
from appliance.enroll.renewal import due_s
from appliance.enroll.words import text
from appliance.provision import atomic

EXAMPLES = """
  sudo callfloor enroll https://crm.example.com --ca crm-ca.pem          # asks for the code
  sudo callfloor enroll https://crm.example.com --code-file code.txt
  callfloor enroll                                                       # what this box has
  callfloor enroll --request box.csr                                     # where the CRM issues by hand …
  callfloor enroll --install box.crt --ca crm-ca.pem                     # … and what came back
"""
_CODE_MOST: Final = 512


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """[URL] --code-file, --ca, --renew [--now], --request, --install, --folder, --lang, --json, -c."""
    parser.add_argument("url", nargs="?", metavar="URL", help="the CRM's enrolment server; without a path /.well-known/est is meant")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--renew", action="store_true", help="ask for the next certificate if this one is due")
    what.add_argument("--request", type=Path, metavar="FILE", help="write the request to FILE, for a CRM that issues by hand")
    what.add_argument("--install", type=Path, metavar="FILE", help="put in place the certificate in FILE, its issuers behind it")
    parser.add_argument("--now", action="store_true", help="with --renew: due or not")
    parser.add_argument(
        "--code-file", type=Path, metavar="FILE", help="the one-time code; - for standard input (default: asked, not shown)"
    )
    parser.add_argument("--kept-code", type=Path, default=CODE, help=argparse.SUPPRESS)
    parser.add_argument("--ca", type=Path, metavar="FILE", help="who vouches for it, PEM (default: as last time, else the system's)")
    parser.add_argument("--folder", type=Path, default=FOLDER, metavar="DIR", help=f"where key and certificate lie (default {FOLDER})")
    parser.add_argument("--lang", choices=("es", "en", "pt"), help="language of the texts (default: LC_ALL, LANG, else en)")
    parser.add_argument("--json", action="store_true")
    add_config(parser)


def main(args: argparse.Namespace) -> int:
    """Raises DeniedError, TransientError, CorruptError, MisconfiguredError; their texts say what to do."""
    named = _named(Path(args.config))
    name, place = common_name(named.site.name, named.site.box), Place(args.folder)
    clock = SystemClock()
    try:
        if args.request is not None:
            work.write_request(place, name, args.request)
            say(text("request", args.lang, file=args.request))
            return 0
        if args.install is not None:
            return _told(work.install(place, name, args.install, args.ca, clock), place, named, args)
        if args.renew:
            renewed = work.renew(place, name, clock, early=args.now)
            return _told(renewed or work.show(place), place, named, args, renewed=renewed is not None)
        if args.url is None:
            return _told(work.show(place), place, named, args)
        return _told(_enrolled(args, place, name, clock), place, named, args)
    except OSError as fault:
        raise MisconfiguredError(f"{fault.filename or place.folder}: {fault.strerror}; is this root, or the user callfloor?") from fault


class _Site(Struct, frozen=True):
    name: str
    box: str


class _Crm(Struct, frozen=True):
    cert_file: str | None = None


class _Named(Struct, frozen=True):
    """What is read of the configuration. No more: its rules ask for the certificate that is not here yet."""

    site: _Site
    crm: _Crm = _Crm()


def _named(file: Path) -> _Named:
    try:
        return msgspec.toml.decode(file.read_bytes(), type=_Named)
    except FileNotFoundError as fault:
        raise MisconfiguredError(f"{file} is not there; the box needs its [site] name and box first: callfloor provision") from fault
    except msgspec.DecodeError as fault:
        raise MisconfiguredError(f"{file}: {fault}; callfloor check -c {file} says more") from fault


def _enrolled(args: argparse.Namespace, place: Place, name: str, clock: SystemClock) -> Issued:
    kept = place.enrolment()
    ca = args.ca.read_bytes() if args.ca else kept.ca.encode("ascii") if kept and kept.ca and kept.url == args.url else None
    if args.code_file is None and args.kept_code.exists():
        args.code_file = args.kept_code
    code = _code(args)
    while True:
        try:
            issued = work.enrol(place, name, args.url, code, ca, clock)
        except Waiting as waiting:
            complain(text("waiting", args.lang, after=f"{waiting.after_s:.0f}"))
            time.sleep(waiting.after_s)
        else:
            if args.code_file == args.kept_code:
                atomic.remove(args.kept_code)
            return issued


def _code(args: argparse.Namespace) -> str:
    """Never by argument: what is typed there every user of the box can read."""
    if args.code_file is None:
        code = getpass.getpass(text("code", args.lang))
    elif str(args.code_file) == "-":
        code = sys.stdin.readline()
    else:
        code = args.code_file.read_text()
    code = code.strip()
    if not 0 < len(code) <= _CODE_MOST or not code.isprintable():
        raise MisconfiguredError("the one-time code is empty or is none; it is one line that the CRM team gives for this box")
    return code


def _told(issued: Issued | None, place: Place, named: _Named, args: argparse.Namespace, renewed: bool | None = None) -> int:
    configured = named.crm.cert_file == str(place.box)
    due = None if issued is None else due_s(issued.subject, issued.not_before_s, issued.not_after_s)
    if args.json:
        said: dict[str, Any] = {"certificate": None, "configured": configured}
        if issued is not None and due is not None:
            said["certificate"] = {
                "subject": issued.subject, "issuer": issued.issuer, "file": str(place.box),
                "not_before": _date(issued.not_before_s), "not_after": _date(issued.not_after_s), "renewal": _date(due),
            }  # fmt: skip
        if renewed is not None:
            said["renewed"] = renewed
        say_json(said)
        return 0 if issued is not None else 1
    if issued is None or due is None:
        complain(text("none", args.lang))
        return 1
    if renewed is False:
        say(text("not due", args.lang, due=_date(due)))
        return 0
    if renewed:
        say(text("renewed", args.lang))
    say(text("have", args.lang, subject=issued.subject, issuer=issued.issuer, until=_date(issued.not_after_s)))
    if configured:
        say(text("named", args.lang))
    else:
        say(text("where", args.lang, file=place.box))
        say(f'\n[crm]\ncert_file = "{place.box}"\nkey_file = "{place.box}"\nca_file = "{place.ca}"')
    expired = issued.not_after_s <= SystemClock().wall_ns() / NS
    return 1 if expired else 0


def _date(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
