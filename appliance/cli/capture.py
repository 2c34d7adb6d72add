"""Record what a source sends, exactly, for `callfloor replay` and for a test; secrets never get into the file.

pbx NAME        [pbx.NAME] of the configuration, through a login of its own beside the running services
smdr NAME       [smdr.NAME]: a call-record port, while the gateway does not hold it
line NAME       [lines.NAME]: what senses analog lines, while the gateway does not hold it
headset SEAT    a headset, by its seat or port: its descriptor and reports, its serial number struck out (as headset record)
sanitize FILE   a recording with every number and name replaced, consistently, so that it may leave the house

A recording that is not sanitised holds callers' numbers; it is made readable for its owner only.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import tempfile
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any

from appliance.cli.access import configured
from appliance.cli.headset import add_record
from appliance.cli.main import add_config
from appliance.cli.new_file import new_file
from appliance.cli.terminal import Progress, complain
from appliance.core.clock import SystemClock
from appliance.core.config import PbxConfig
from appliance.core.errors import MisconfiguredError
from appliance.replay import capture_lines, header_from_capture

#: Records until cancelled, through what takes a line of the file.
Recording = Callable[[Callable[[bytes], object]], Coroutine[Any, Any, None]]

EXAMPLES = """
  callfloor capture pbx central -o morning.jsonl --for 3600
  callfloor capture pbx central -o morning.jsonl --sanitize      safe to send home
  callfloor capture smdr norte -o printed.jsonl --for 3600
  callfloor capture line l1 -o line.jsonl --for 3600
  callfloor capture headset 1-1.2 -o new-model.jsonl --for 60
  callfloor capture sanitize morning.jsonl -o morning-clean.jsonl
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One sub-verb per kind of source."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="pbx|smdr|line|headset|sanitize")
    pbx = kinds.add_parser("pbx", help="record a PBX", description="Record a PBX until Ctrl-C, or for so long.")
    pbx.add_argument("name", metavar="NAME", help="as in [pbx.NAME]")
    pbx.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="a new file")
    pbx.add_argument("--for", dest="for_s", type=float, metavar="SECONDS", help="end after so long (default: on Ctrl-C)")
    pbx.add_argument("--sanitize", action="store_true", help="replace every number and name before anything is written to FILE")
    add_config(pbx)
    for kind, what, table in (("smdr", "a call-record port", "smdr"), ("line", "analog lines", "lines")):
        one = kinds.add_parser(kind, help=f"record {what}", description=f"Record {what} until Ctrl-C, or for so long.")
        one.add_argument("name", metavar="NAME", help=f"as in [{table}.NAME]")
        one.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="a new file")
        one.add_argument("--for", dest="for_s", type=float, metavar="SECONDS", help="end after so long (default: on Ctrl-C)")
        one.add_argument("--sanitize", action="store_true", help="replace every number and name before anything is written to FILE")
        add_config(one)
    headset = kinds.add_parser("headset", help="record a headset", description="Record one headset until Ctrl-C, or for so long.")
    headset.add_argument("name", metavar="SEAT|PORT", help="a seat, a port as 1-1.2, an identity, or sim:/path/of/a.sock")
    add_record(headset)
    clean = kinds.add_parser("sanitize", help="replace numbers and names", description="Replace every number and name, consistently.")
    clean.add_argument("file", type=Path, metavar="FILE")
    clean.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="a new file")


def main(args: argparse.Namespace) -> int:
    """Raises MisconfiguredError for an unknown PBX, and what the connection raises."""
    if args.kind == "sanitize":
        header_from_capture(args.file)
        with capture_lines(args.file) as lines, new_file(args.output) as write:
            _clean(lines, write)
        complain(f"written: {args.output}")
        return 0
    if args.kind == "headset":
        from appliance.cli.devices import configuration  # noqa: PLC0415 - the kind of source decides which
        from appliance.cli.headset_record import record  # noqa: PLC0415

        return record(args.name, configuration(Path(args.config)), args.output, args.for_s)
    config = configured(args)
    if args.kind in ("smdr", "line"):
        if args.kind == "smdr":
            from appliance.cli.capture_smdr import recording  # noqa: PLC0415 - the kind of source decides which
        else:
            from appliance.cli.capture_line import recording  # noqa: PLC0415

        return _recorded(args, recording(args.name, config, args.config))
    pbx = config.pbx.get(args.name)
    if pbx is None:
        raise MisconfiguredError(f"there is no [pbx.{args.name}] in {args.config}; there are: {', '.join(config.pbx) or 'none'}")
    return _recorded(args, _of_pbx(args.name, pbx))


def _recorded(args: argparse.Namespace, recording: Recording) -> int:
    """Record into the file; where it is to be sanitised nothing stands in it before."""
    with new_file(args.output) as write:
        if args.sanitize:
            with tempfile.TemporaryFile() as raw:
                asyncio.run(_record(args.name, recording, raw.write, args.for_s))
                raw.seek(0)
                _clean(raw, write)
        else:
            asyncio.run(_record(args.name, recording, write, args.for_s))
    complain(f"written: {args.output}")
    return 0


def _of_pbx(name: str, pbx: PbxConfig) -> Recording:
    from gateway.pbx.capture import record  # noqa: PLC0415 - the kind of source decides which

    return lambda write: record(name, pbx, SystemClock(), write)


async def _record(name: str, recording: Recording, write: Callable[[bytes], object], for_s: float | None) -> None:
    progress, count = Progress(f"recording {name}, lines (Ctrl-C ends)"), 0

    def counted(line: bytes) -> None:
        nonlocal count
        write(line)
        count += 1
        progress.at(count)

    task = asyncio.ensure_future(recording(counted))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        with contextlib.suppress(TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(for_s):
                await task
    finally:
        progress.end()


def _clean(lines: Iterable[bytes], write: Callable[[bytes], object]) -> None:
    from appliance.cli.capture_sanitize import sanitized  # noqa: PLC0415

    progress = Progress("lines sanitised")
    for number, line in enumerate(sanitized(lines), 1):
        write(line)
        progress.at(number)
    progress.end()
