"""A CRM that counts what arrives over MQTT, drops doubles by id, and shows gaps in the delivery numbers.

With --listen it brings its own broker (mosquitto if it is installed, else amqtt); with --url it listens at one that runs.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from pathlib import Path
from typing import Literal

from appliance.core.errors import CallfloorError
from appliance.sim.broker import Broker
from appliance.sim.crm import SimCrm


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `callfloor sim crm`."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--listen", metavar="HOST:PORT", help="bring a broker of its own there (default 127.0.0.1:1883; port 0: a free one)")
    where.add_argument("--url", help="listen at a broker that runs: mqtt://HOST:PORT")
    parser.add_argument("--broker", choices=("mosquitto", "amqtt"), help="which broker to bring (default: the best that is here)")
    parser.add_argument("--protocol", choices=("5", "3.1.1"), default=None, help="of the MQTT protocol (default 5, with amqtt 3.1.1)")
    parser.add_argument("--site", default="+", help="one site only")
    parser.add_argument("--box", default="+", help="one box only")
    parser.add_argument("--for", dest="for_s", type=float, metavar="SECONDS", help="end after so long (default: at Ctrl-C)")
    parser.add_argument("--json", action="store_true", help="no live line; one JSON report at the end, on standard output")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write that report to FILE")


def main(namespace: argparse.Namespace) -> int:
    """Listen until told to end; 0 when every event is here once, 1 when any is missing, 2 when it could not begin."""
    try:
        return asyncio.run(_run(namespace))
    except (CallfloorError, ValueError) as fault:
        print(f"callfloor sim crm: {fault}", file=sys.stderr)  # noqa: T201
        return 2


async def _run(asked: argparse.Namespace) -> int:
    done = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, done.set)
    async with contextlib.AsyncExitStack() as stack:
        url = asked.url
        protocol: Literal["5", "3.1.1"] = asked.protocol or "5"
        if url is None:
            host, _, port = (asked.listen or "127.0.0.1:1883").rpartition(":")
            broker = await stack.enter_async_context(Broker(int(port), host or "127.0.0.1", asked.broker))
            url = broker.url
            protocol = asked.protocol or broker.protocol
            print(f"{broker.kind} listens on {broker.url}, MQTT {broker.protocol}", file=sys.stderr, flush=True)  # noqa: T201
        crm = await stack.enter_async_context(SimCrm(url, site=asked.site, box=asked.box, protocol=protocol))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(asked.for_s):
                await _show(crm, done, quiet=asked.json or not sys.stderr.isatty())
        report = crm.book.report()
    text = json.dumps(report, indent=2)
    if asked.report is not None:
        asked.report.write_text(text + "\n", encoding="utf-8")
    print(text if asked.json else crm.book.line())  # noqa: T201
    return 1 if report["missing"] or report["faults"] else 0


async def _show(crm: SimCrm, done: asyncio.Event, *, quiet: bool) -> None:
    while not done.is_set():
        if not quiet:
            link = "connected" if crm.connected else "no broker"
            print(f"\r\x1b[2K{link}: {crm.book.line()}", end="", file=sys.stderr, flush=True)  # noqa: T201
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), 0.5)
    if not quiet:
        print(file=sys.stderr)  # noqa: T201
