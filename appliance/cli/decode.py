"""Say what recorded bytes mean, one JSON object per record.

ami   bytes of an Asterisk manager session, or a capture file: {"type", "name", "fields"}
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from appliance.cli.terminal import say, say_json
from appliance.core.errors import CorruptError

EXAMPLES = """
  callfloor decode ami session.txt
  nc pbx 5038 | callfloor decode ami - --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """KIND FILE|-, --profile, --json."""
    parser.add_argument("kind", choices=["ami"], help="what the bytes are")
    parser.add_argument("file", metavar="FILE|-", help="where they are; - for stdin")
    parser.add_argument("--profile", metavar="P", help="the dialect, for kinds that have several (ami has one)")
    parser.add_argument("--json", action="store_true", help="one object a line, and nothing else (the default when piped)")


def main(args: argparse.Namespace) -> int:
    """Raises CorruptError when the file cannot be read."""
    from gateway.pbx.ami import decode  # noqa: PLC0415 - the kind decides which

    data = _received(_bytes(args.file))
    readable = sys.stdout.isatty() and not args.json
    for record in decode(data):
        if readable:
            say(msgspec.json.format(msgspec.json.encode(record), indent=1).decode())
        else:
            say_json(record)
    return 0


def _bytes(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as fault:
        raise CorruptError(f"{name}: {fault.strerror}; name a file, or - for stdin") from fault


def _received(data: bytes) -> bytes:
    """What the box received, when the bytes are a capture file; else the bytes themselves."""
    if not data.startswith(b'{"capture"'):
        return data
    return b"".join(_chunks(data))


def _chunks(data: bytes) -> Iterator[bytes]:
    for number, line in enumerate(data.splitlines(), 1):
        try:
            row = msgspec.json.decode(line)
            if "data" in row:
                yield row["data"].encode("latin-1")
        except (msgspec.DecodeError, UnicodeEncodeError, TypeError, AttributeError) as fault:
            raise CorruptError(f"line {number} of the capture is damaged: {fault}") from fault
