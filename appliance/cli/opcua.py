"""Who may come to the box by OPC UA: passwords, and the certificates of clients.

A password is kept as its hash alone. A client's certificate that was turned away lies beside the trusted ones, under its
thumbprint, until a person has looked at it: trust moves it over, and the running server takes it at once.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.cli.access import configured
from appliance.cli.main import add_config
from appliance.cli.terminal import coloured, complain, say, say_json
from appliance.core.errors import DeniedError, MisconfiguredError, UnsupportedError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from gateway.opcua.identity import Folder

EXAMPLES = """
  callfloor opcua password ana -o /etc/callfloor/credentials/opcua-ana
  callfloor opcua clients
  callfloor opcua trust 3f9a1c0d2b4e5f60
  callfloor opcua trust rig-bench.pem
"""

_SHORTEST = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """password USER, clients, trust WHAT."""
    parser.add_argument("what", choices=("password", "clients", "trust"))
    parser.add_argument(
        "which", nargs="?", metavar="USER|WHAT", help="password: whose; trust: a file, or the thumbprint that the log names"
    )
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="password: write it there (default: print it)")
    parser.add_argument("--json", action="store_true", help="clients: as one JSON object")
    add_config(parser)


def main(args: argparse.Namespace) -> int:
    """Do it. Raises CallfloorErrors whose texts name the mend."""
    if args.what == "password":
        return _password(args.which, args.output)
    folder, trusted = _folders(args)
    if args.what == "clients":
        return _clients(folder, trusted, as_json=args.json)
    if args.which is None:
        raise MisconfiguredError("which? callfloor opcua trust FILE, or the thumbprint that the server's log names")
    return _trust(folder, trusted, args.which)


def _password(user: str | None, output: Path | None) -> int:
    from appliance.core.password import LONGEST, line_from_password  # noqa: PLC0415 - hashlib, for this verb only

    if user is None:
        raise MisconfiguredError("whose? callfloor opcua password USER")
    tty = sys.stdin.isatty()
    first = getpass.getpass(f"password of {user}: ") if tty else sys.stdin.readline().rstrip("\n")
    if tty and getpass.getpass("again: ") != first:
        complain("callfloor opcua: the two are not the same; nothing was written")
        return 1
    if not _SHORTEST <= len(first) <= LONGEST:
        complain(f"callfloor opcua: a password has {_SHORTEST} to {LONGEST} characters; nothing was written")
        return 1
    line = line_from_password(first)
    if output is None:
        say(line)
        return 0
    try:
        part = output.with_name(f".{output.name}.part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "w") as file:
            file.write(line + "\n")
        part.replace(output)
    except OSError as fault:
        raise DeniedError(f"{output} cannot be written: {fault.strerror}; run this with sudo, or name another file with -o") from fault
    say(f'written: {output}; the configuration names it: [opcua.users.{user}] password_file = "{output}"')
    return 0


def _folders(args: argparse.Namespace) -> tuple[Folder, Path]:
    config = configured(args)
    if config.opcua is None:
        raise MisconfiguredError(f"{args.config} has no [opcua]; write it first (docs/opcua.md)")
    try:
        from gateway.opcua.identity import folder_of  # noqa: PLC0415 - cryptography, for this verb only
    except ModuleNotFoundError as fault:
        raise UnsupportedError(f"the package {fault.name} is not installed; pip install 'callfloor[opcua]'") from fault
    folder = folder_of(config)
    return folder, folder.trusted(config.opcua)


def _clients(folder: Folder, trusted: Path, *, as_json: bool) -> int:
    rows = {"trusted": _rows(trusted), "turned_away": _rows(folder.rejected)}
    if as_json:
        say_json(rows, pretty=True)
        return 0
    for title, found in (("trusted", rows["trusted"]), ("turned away", rows["turned_away"])):
        say(coloured(f"{title}: {len(found)}", "bold"))
        for row in found:
            say(f"    {row['thumbprint'][:16]}  {row['name']}  until {row['until'][:10]}")
    return 0


def _rows(folder: Path) -> list[dict[str, Any]]:
    from gateway.opcua.trust import certificates_from, thumbprint_of  # noqa: PLC0415

    rows: list[dict[str, Any]] = []
    for file in _files(folder):
        try:
            found = certificates_from(file)
        except (OSError, ValueError):
            rows.append({"file": str(file), "thumbprint": "", "name": f"{file.name} cannot be read", "until": ""})
            continue
        rows += [
            {"file": str(file), "thumbprint": thumbprint_of(each), "name": _name(each), "until": each.not_valid_after_utc.isoformat()}
            for each in found
        ]
    return rows


def _trust(folder: Folder, trusted: Path, which: str) -> int:
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

    from gateway.opcua.trust import certificates_from, is_authority, thumbprint_of  # noqa: PLC0415

    wanted = which.replace(":", "").lower()
    waiting = [file for file in _files(folder.rejected) if len(wanted) >= 8 and file.stem == wanted[:16]]
    source = waiting[0] if waiting else Path(which)
    try:
        found = certificates_from(source)
    except (OSError, ValueError) as fault:
        text = f"{which} is neither a certificate's file nor the thumbprint of one that was turned away: {fault}"
        raise MisconfiguredError(f"{text}; callfloor opcua clients lists those") from fault
    try:
        trusted.mkdir(parents=True, exist_ok=True)
        for each in found:
            target = trusted / f"{thumbprint_of(each)[:16]}.pem"
            target.write_bytes(each.public_bytes(Encoding.PEM))
            target.chmod(0o644)
            also = "; an authority: whatever it signs is trusted too" if is_authority(each) else ""
            say(f"trusted: {_name(each)} ({thumbprint_of(each)}){also}")
        if waiting:
            source.unlink(missing_ok=True)
    except OSError as fault:
        raise DeniedError(f"{trusted} cannot be written: {fault.strerror}; run this with sudo") from fault
    return 0


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as fault:
        raise DeniedError(f"{folder} may not be looked into: {fault.strerror}; run this with sudo") from fault


def _name(certificate: Certificate) -> str:
    return certificate.subject.rfc4514_string() or "(no name)"
