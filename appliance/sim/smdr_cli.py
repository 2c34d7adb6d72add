"""`callfloor sim smdr`: a PBX that prints a line for each call, by a pty, on a TCP port, or by calling the box."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import signal
import sys
from datetime import datetime

from appliance.core.endpoint import Endpoint, endpoint_from_text
from appliance.core.errors import CallfloorError, MisconfiguredError
from appliance.sim.smdr import MAKES, Printer
from appliance.sim.smdr_wire import Port


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `callfloor sim smdr`."""
    parser.add_argument("--make", choices=list(MAKES), default="panasonic", help="whose lines it prints (default %(default)s)")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--tcp", metavar="HOST:PORT", help="listen there; the box calls (default: a pty)")
    way.add_argument("--call", metavar="HOST:PORT", help="call the box there")
    parser.add_argument("--every", type=float, default=10.0, metavar="SECONDS", help="between two calls, on average (default %(default)s)")
    parser.add_argument("--again", type=int, default=0, metavar="N", help="print the last N calls once more to whoever connects")
    parser.add_argument("--noise", type=float, default=0.0, metavar="SHARE", help="share of bytes that are damaged, such as 0.01")
    parser.add_argument("--seed", type=int, default=7, help="the same seed, the same calls (default %(default)s)")
    parser.add_argument("--for", dest="for_s", type=float, metavar="SECONDS", help="end after so long (default: on Ctrl-C)")


def main(namespace: argparse.Namespace) -> int:
    """Run until told to end; 0, or 2 with one line on standard error when it cannot."""
    try:
        asyncio.run(_run(namespace))
    except CallfloorError as fault:
        print(f"callfloor sim smdr: {fault}", file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        return 0
    return 0


async def _run(asked: argparse.Namespace) -> None:
    if not asked.every > 0 or asked.again < 0 or not 0 <= asked.noise < 1:
        raise MisconfiguredError("--every is above 0, --again not below, --noise from 0 to below 1")
    port, done = Port(asked.again), asyncio.Event()
    async with contextlib.AsyncExitStack() as stack:
        if asked.call:
            at = _endpoint(asked.call)
            calling = asyncio.create_task(port.call(at.host or "127.0.0.1", at.port))
            stack.callback(calling.cancel)
            place = f"listen://{at.host or '127.0.0.1'}:{at.port}"
        elif asked.tcp:
            at = _endpoint(asked.tcp)
            try:
                number = await stack.enter_async_context(port.on_tcp(at.host or "127.0.0.1", at.port))
            except OSError as fault:
                raise MisconfiguredError(f"{asked.tcp}: cannot listen there ({fault}); name another port") from fault
            place = f"tcp://{at.host or '127.0.0.1'}:{number}"
        else:
            place = f"serial://{await stack.enter_async_context(port.on_pty())}"
        print(f'printing as {asked.make}, url = "{place}"', flush=True)  # noqa: T201
        for each in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(each, done.set)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(asked.for_s):
                await _print(port, asked, done)


async def _print(port: Port, asked: argparse.Namespace, done: asyncio.Event) -> None:
    printer, dice = Printer(asked.make, asked.seed), random.Random(asked.seed)  # noqa: S311 - a rig
    while not done.is_set():
        _, data = printer.next(datetime.now().astimezone().replace(tzinfo=None))
        if asked.noise:
            data = bytes(dice.randrange(256) if dice.random() < asked.noise else byte for byte in data)
        port.print(data)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(600.0, dice.expovariate(1 / asked.every))):
                await done.wait()


def _endpoint(text: str) -> Endpoint:
    try:
        return endpoint_from_text(text)
    except ValueError as fault:
        raise MisconfiguredError(f'"{text}": {fault}; write it as 127.0.0.1:2300') from fault
