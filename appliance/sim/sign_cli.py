"""`callfloor sim sign`: a simulated Alpha sign on a pty or a TCP port, which shows what a person in front of it would read."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys

import msgspec

from appliance.core.clock import NS, SystemClock
from appliance.core.endpoint import endpoint_from_text
from appliance.core.errors import CallfloorError, MisconfiguredError
from appliance.sim.sign import Picture, SimSign
from appliance.sim.sign_line import Wire, on_pty, on_tcp

_MOST_SIGNS = 32
_HEX = frozenset("0123456789ABCDEF")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `callfloor sim sign`."""
    parser.add_argument("--tcp", metavar="HOST:PORT", help="listen there, as behind a serial server, instead of on a pty")
    parser.add_argument(
        "--address", default="01", help="its address, two hex digits; several with commas on one line (default %(default)s)"
    )
    parser.add_argument("--pool", type=int, default=28_000, metavar="BYTES", help="its memory (default %(default)s)")
    parser.add_argument("--mute", action="store_true", help="its transmit wire is not connected: no question is answered")
    parser.add_argument("--json", action="store_true", help="one object a line, at each change")
    parser.add_argument("--for", dest="for_s", type=float, metavar="SECONDS", help="end after so long (default: on Ctrl-C)")


def main(namespace: argparse.Namespace) -> int:
    """Run until told to end; 0, or 2 with one line on standard error when it cannot."""
    try:
        asyncio.run(_run(namespace))
    except CallfloorError as fault:
        print(f"callfloor sim sign: {fault}", file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        return 0
    return 0


async def _run(asked: argparse.Namespace) -> None:
    clock = SystemClock()
    signs = [SimSign(address, pool_bytes=asked.pool, answers=not asked.mute) for address in _addresses(asked.address)]
    told: dict[str, Picture] = {}

    def changed() -> None:
        for sign in signs:
            picture = sign.picture(clock.mono_ns() / NS)
            # The counters alone are no news.
            news = msgspec.structs.replace(picture, frames=0, deaf=0)
            if told.get(sign.address) != news:
                told[sign.address] = news
                print(msgspec.json.encode(picture).decode() if asked.json else _text(picture), flush=True)  # noqa: T201

    wire = Wire(signs, clock, changed)
    done = asyncio.Event()
    async with contextlib.AsyncExitStack() as stack:
        if asked.tcp is None:
            place = f"serial://{await stack.enter_async_context(on_pty(wire))}"
        else:
            host, port = await stack.enter_async_context(on_tcp(wire, *_endpoint(asked.tcp)))
            place = f"tcp://{host}:{port}"
        print(f'listening, url = "{place}"', file=sys.stderr if asked.json else sys.stdout, flush=True)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, done.set)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(asked.for_s):
                await done.wait()


def _addresses(text: str) -> list[str]:
    out = [each.strip().upper() for each in text.split(",")]
    if len(out) > _MOST_SIGNS or any(len(each) != 2 or not _HEX.issuperset(each) or each == "00" for each in out):
        raise MisconfiguredError(f'"{text}" is no list of addresses; write two hex digits from 01 to FF, as in 01,02')
    return out


def _endpoint(text: str) -> tuple[str, int]:
    try:
        endpoint = endpoint_from_text(text)
    except ValueError as fault:
        raise MisconfiguredError(f'"{text}" is no address: {fault}; write it as 127.0.0.1:10001') from fault
    return endpoint.host or "127.0.0.1", endpoint.port


def _text(picture: Picture) -> str:
    head = f"── {picture.address}{' · priority' if picture.priority else ''}{f' · {picture.clock}' if picture.clock else ''} "
    lines = [head + "─" * max(0, 60 - len(head))]
    lines += [f"{f'[{line.mode}]':<10}{line.text}" for line in picture.lines]
    lines += [f"!! {fault}" for fault in picture.faults[-3:]]
    return "\n".join(lines)
