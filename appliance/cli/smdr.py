"""Call records of a PBX.

learn FILE   proposes a profile from recorded lines of a make that is not known, as the file for [smdr.NAME] profile_file
profiles     the makes that are known
"""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from pathlib import Path

from appliance.cli.terminal import complain, say
from appliance.core.errors import CorruptError

EXAMPLES = """
  callfloor capture smdr norte -o printed.jsonl --for 3600
  callfloor smdr learn printed.jsonl > acme.toml
  callfloor decode smdr printed.jsonl --profile acme.toml
  callfloor smdr profiles
"""
#: A profile of ours that so many of a hundred lines fit needs no other.
_FITS = 0.8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """learn FILE, --name, --anyway; profiles."""
    verbs = parser.add_subparsers(dest="what", required=True, metavar="learn|profiles")
    learn = verbs.add_parser("learn", help="propose a profile", description="Propose a profile from recorded lines; print its file.")
    learn.add_argument("file", metavar="FILE|-", help="recorded lines: text, or a capture; - for stdin")
    learn.add_argument("--name", default="site", help="the profile's name (default %(default)s)")
    learn.add_argument("--anyway", action="store_true", help="even where a known make fits")
    verbs.add_parser("profiles", help="the makes that are known", description="The makes that are known.")


def main(args: argparse.Namespace) -> int:
    """Raises CorruptError when there is nothing to learn from."""
    if args.what == "profiles":
        from gateway.smdr.shelf import profiles  # noqa: PLC0415

        for each in profiles():
            say(f"{each.name:<16} {each.spec.known:<13} {each.spec.title}")
        return 0
    return _learn(args.file, args.name, anyway=args.anyway)


def _learn(file: str, name: str, *, anyway: bool) -> int:
    from appliance.cli.decode import received  # noqa: PLC0415
    from gateway.smdr.decode import lines_from_bytes  # noqa: PLC0415
    from gateway.smdr.learn import learn  # noqa: PLC0415
    from gateway.smdr.shelf import profiles  # noqa: PLC0415
    from gateway.smdr.vote import winner  # noqa: PLC0415

    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as fault:
        raise CorruptError(f"{file}: {fault.strerror}; name a file, or - for stdin") from fault
    lines = lines_from_bytes(received(data))
    now = datetime.now().astimezone().replace(tzinfo=None)
    known = winner(profiles(), lines, now)
    if known is not None and known.records:
        counts = known.reader.counts
        told = counts.lines - counts.headers
        complain(f"{known.profile.name} ({known.profile.spec.title}) fits {told - counts.unknown} of {told} lines")
        if told - counts.unknown >= _FITS * told and not anyway:
            complain(f'write profile = "{known.profile.name}", or nothing: it is told by the lines. --anyway proposes one all the same')
            return 0
    proposal = learn(lines, name, now)
    say(proposal.toml.rstrip("\n"))
    counts = proposal.result.reader.counts
    complain(f"{len(proposal.result.records)} of {counts.lines} lines are records by it")
    for column in proposal.columns:
        if column.sure < 0.7 and column.kind != "blank":
            complain(f"look at {column.name}: {round(100 * column.sure)} % sure")
    for text in proposal.result.reader.strange:
        complain(f"does not fit: {text[:120]}")
    return 0
