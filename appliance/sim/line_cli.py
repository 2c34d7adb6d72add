"""`callfloor sim line`: analog lines on which people call: a voice modem each on a pty, or all at a line monitor that sends UDP packets."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable

import msgspec

from appliance.core.endpoint import endpoint_from_text
from appliance.core.errors import CallfloorError, MisconfiguredError
from appliance.sim.line_plan import Manner, Step, steps
from appliance.sim.line_wire import on_pty, to_udp

_MOST_LINES = 32


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `callfloor sim line`."""
    parser.add_argument("--lines", type=int, default=1, metavar="N", help="so many lines (default %(default)s)")
    parser.add_argument("--monitor", metavar="HOST:PORT", help="tell of all of them as a line monitor does, in UDP packets to there")
    parser.add_argument(
        "--every", type=float, default=60.0, metavar="SECONDS", help="between calls of a line, on average (default %(default)s)"
    )
    parser.add_argument("--taken", type=float, default=0.8, metavar="SHARE", help="of the calls that somebody takes (default %(default)s)")
    parser.add_argument("--talk", type=float, default=90.0, metavar="SECONDS", help="length of a call, on average (default %(default)s)")
    parser.add_argument("--country", default="es", metavar="CC", help="whose bell rings (default %(default)s)")
    parser.add_argument("--noise", type=float, default=0.0, metavar="SHARE", help="of a modem's bytes that arrive as others, as in 0.01")
    parser.add_argument("--seed", type=int, default=1, help="the same calls again (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="one object a line for what happens")
    parser.add_argument("--for", dest="for_s", type=float, metavar="SECONDS", help="end after so long (default: on Ctrl-C)")


def main(namespace: argparse.Namespace) -> int:
    """Run until told to end; 0, or 2 with one line on standard error when it cannot."""
    try:
        asyncio.run(_run(namespace))
    except CallfloorError as fault:
        print(f"callfloor sim line: {fault}", file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        return 0
    return 0


async def _run(asked: argparse.Namespace) -> None:
    if not 1 <= asked.lines <= _MOST_LINES or asked.every <= 0 or asked.talk <= 0:
        raise MisconfiguredError(f"--lines may be 1 to {_MOST_LINES}, --every and --talk more than 0")
    manner = Manner(every_s=asked.every, taken=asked.taken, talk_s=asked.talk, country=asked.country)
    done = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, done.set)
    with contextlib.ExitStack() as held:
        tell = _opened(asked, held)
        lines = [asyncio.create_task(_line(line, asked, manner, tell)) for line in range(1, asked.lines + 1)]
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(asked.for_s):
                    await done.wait()
        finally:
            for task in lines:
                task.cancel()
            await asyncio.gather(*lines, return_exceptions=True)


def _opened(asked: argparse.Namespace, held: contextlib.ExitStack) -> Callable[[int, Step], None]:
    """The wires, and where they are found; how a line's step is told on them."""
    where = sys.stderr if asked.json else sys.stdout
    if asked.monitor is not None:
        try:
            endpoint = endpoint_from_text(asked.monitor)
        except ValueError as fault:
            raise MisconfiguredError(f'"{asked.monitor}" is no address: {fault}; write it as 127.0.0.1:3520') from fault
        print(f'sending to {endpoint}, url = "udp://0.0.0.0:{endpoint.port}"', file=where, flush=True)
        return held.enter_context(to_udp(endpoint.host or "127.0.0.1", endpoint.port))
    wires = [held.enter_context(on_pty(asked.noise, asked.seed + line)) for line in range(asked.lines)]
    for line, wire in enumerate(wires, 1):
        print(f'line {line}, url = "{wire.url}"', file=where, flush=True)
    return lambda line, step: wires[line - 1].do(step)


async def _line(line: int, asked: argparse.Namespace, manner: Manner, tell: Callable[[int, Step], None]) -> None:
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    for step in steps(asked.seed * 1000 + line, manner):
        await asyncio.sleep(began_s + step.at_s - loop.time())
        tell(line, step)
        if asked.json:
            print(msgspec.json.encode({"line": line, **msgspec.to_builtins(step)}).decode(), flush=True)  # noqa: T201
