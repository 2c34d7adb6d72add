"""A CRM that counts what arrives over MQTT, drops doubles by id, shows gaps in the delivery numbers, and can ask for them again.

With --listen it brings its own broker (mosquitto if it is installed, else amqtt); with --url it listens at one that runs.
Ends at Ctrl-C, after --for, or with --send when the reply is there; exit code 0: every event is here once, or was announced as lost.

  callfloor sim crm --listen 127.0.0.1:1883
  callfloor sim crm --url mqtt://127.0.0.1:1883 --box quito/+ --events events.jsonl --resend --for 60
  callfloor sim crm --url mqtt://127.0.0.1:1883 --send quito/p3 resend from=100 to=160
  callfloor sim crm --url mqtt://127.0.0.1:1883 --box quito/p3 --directory 5000
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from pathlib import Path
from typing import IO, Any, Final, Literal

import msgspec

from appliance.cli.send import values_from_words
from appliance.core.command import VERBS, Reply, args_of
from appliance.core.config import Crm
from appliance.core.errors import CallfloorError, TransientError
from appliance.sim.broker import Broker
from appliance.sim.crm import SimCrm
from appliance.sim.crm_directory import Sent, cards_of, nobodies, send_directory, version_after

_CONNECT_S: Final = 10.0
_SHOW_S: Final = 0.5
_LOOK_S: Final = 0.05
#: A hole that stood for so long is asked for: the rare events that overtake others are here by then.
_PATIENCE_S: Final = 5.0
_EXPIRES_S: Final = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `callfloor sim crm`."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--listen", metavar="HOST:PORT", help="bring a broker of its own there (default 127.0.0.1:1883; port 0: a free one)")
    where.add_argument("--url", help="listen at a broker that runs: mqtt://HOST:PORT, mqtts://HOST:PORT")
    parser.add_argument("--broker", choices=("mosquitto", "amqtt"), help="which broker to bring (default: the best that is here)")
    parser.add_argument("--protocol", choices=("5", "3.1.1"), default=None, help="of the MQTT protocol (default 5, with amqtt 3.1.1)")
    for name, what in (("ca", "whom to trust"), ("cert", "the CRM's certificate"), ("key", "its key")):
        parser.add_argument(f"--{name}-file", type=Path, metavar="FILE", help=f"over TLS: {what}")
    parser.add_argument("--site", default="+", help="one site only")
    parser.add_argument(
        "--box", action="append", default=[], metavar="BOX|SITE/BOX", help="this box only, + for any; as SITE/BOX it may be repeated"
    )
    parser.add_argument("--from-now", action="store_true", help="what was numbered before the first event heard is not missing")
    parser.add_argument("--events", type=Path, metavar="FILE", help="append each new event to FILE, one a line, as it came")
    parser.add_argument("--resend", action="store_true", help="ask the box for what is missing for 5 s, and at the end")
    parser.add_argument(
        "--send", nargs="+", metavar=("SITE/BOX VERB", "KEY=VALUE"), help="send a command, show its reply, and end unless --for is there"
    )
    parser.add_argument(
        "--directory",
        metavar="COUNT|FILE",
        help="send so many made-up customers, or a file's, to the one --box SITE/BOX; end unless --for is there",
    )
    parser.add_argument("--for", dest="for_s", type=float, metavar="SECONDS", help="end after so long (default: at Ctrl-C)")
    parser.add_argument("--json", action="store_true", help="no live line; one JSON report at the end, on standard output")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write that report to FILE")


def main(namespace: argparse.Namespace) -> int:
    """Listen until told to end; 0 when every event is here once, 1 when any is missing or a command was not done, 2 when it could
    not begin.
    """
    try:
        command = _command(namespace.send) if namespace.send else None
        return asyncio.run(_run(namespace, command))
    except (CallfloorError, ValueError, OSError) as fault:
        print(f"callfloor sim crm: {fault}", file=sys.stderr)  # noqa: T201
        return 2


def _command(words: list[str]) -> tuple[str, str, str, dict[str, Any]]:
    """`SITE/BOX VERB KEY=VALUE…`, checked. Raises ValueError."""
    if len(words) < 2 or words[0].count("/") != 1:
        raise ValueError("--send takes SITE/BOX VERB KEY=VALUE…, as in --send quito/p3 ping")
    which, verb, *rest = words
    if verb not in VERBS:
        raise ValueError(f"--send: there is no verb {verb}; there are {', '.join(VERBS)}")
    values = values_from_words(verb, rest)
    args_of(verb, values)
    site, _, box = which.partition("/")
    return site, box, verb, values


async def _run(asked: argparse.Namespace, command: tuple[str, str, str, dict[str, Any]] | None) -> int:
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
        link = Crm(
            url=url, insecure=True, protocol=protocol, ca_file=asked.ca_file, cert_file=asked.cert_file, key_file=asked.key_file
        )  # fmt: skip
        file: IO[bytes] | None = stack.enter_context(asked.events.open("ab")) if asked.events is not None else None
        crm = SimCrm(
            url,
            boxes=[box if "/" in box else f"{asked.site}/{box}" for box in asked.box] or [f"{asked.site}/+"],
            crm=link,
            from_now=asked.from_now or command is not None or asked.directory is not None,
            heard=None if file is None else lambda payload: _write(file, payload),
        )
        await stack.enter_async_context(crm)
        well = await _work(asked, crm, command, done)
        report = crm.report()
    text = json.dumps(report, indent=2)
    if asked.report is not None:
        asked.report.write_text(text + "\n", encoding="utf-8")
    if asked.json or (command is None and asked.directory is None) or asked.for_s is not None:
        print(text if asked.json else f"{report['verdict']}: {crm.book.line()}")  # noqa: T201
    return 0 if well and (report["verdict"] == "whole") else 1


async def _work(asked: argparse.Namespace, crm: SimCrm, command: tuple[str, str, str, dict[str, Any]] | None, done: asyncio.Event) -> bool:
    """Whether the command that was to be sent, if any, was done."""
    well = True
    if asked.directory is not None:
        well = await _send_directory(asked, crm)
        if asked.for_s is None:
            return well
    if command is not None:
        well = await _send(asked, crm, command)
        if asked.for_s is None:
            return well
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(asked.for_s):
            await _show(crm, done, quiet=asked.json or not sys.stderr.isatty(), again=asked.resend)
    if asked.resend and crm.connected and crm.book.gaps:
        with contextlib.suppress(TransientError):
            await crm.ask_again(timeout_s=_CONNECT_S)
    return well


async def _send(asked: argparse.Namespace, crm: SimCrm, command: tuple[str, str, str, dict[str, Any]]) -> bool:
    site, box, verb, values = command
    try:
        async with asyncio.timeout(_CONNECT_S):
            await crm.stood.wait()
    except TimeoutError as fault:
        raise TransientError(f"no connection to the broker within {_CONNECT_S:g} s: {crm.trouble}") from fault
    expires_s = _EXPIRES_S if VERBS[verb].touches_call else None
    reply: Reply = await crm.send(site, box, verb, values, expires_s=expires_s, timeout_s=asked.for_s or 60.0)
    said = msgspec.json.encode(reply).decode()
    print(said, file=sys.stderr if asked.json else sys.stdout, flush=True)
    return reply.state == "done"


async def _send_directory(asked: argparse.Namespace, crm: SimCrm) -> bool:
    which = asked.box[0] if len(asked.box) == 1 else ""
    site, slash, box = which.partition("/")
    if not slash or "+" in which:
        raise ValueError("--directory needs the one box that it is for: --box SITE/BOX")
    cards = nobodies(int(asked.directory)) if asked.directory.isdecimal() else cards_of(Path(asked.directory))
    try:
        async with asyncio.timeout(_CONNECT_S):
            await crm.stood.wait()
            while crm.boxes.get(which) is None or crm.boxes[which].info is None:  # noqa: ASYNC110 - what comes in tells nobody
                await asyncio.sleep(_LOOK_S)
    except TimeoutError as fault:
        raise TransientError(f"{which} said nothing within {_CONNECT_S:g} s: {crm.trouble or 'is it online at this broker?'}") from fault
    quiet = asked.json or not sys.stderr.isatty()

    def progress(sent: Sent) -> None:
        if not quiet:
            print(f"\r\x1b[2K{sent.customers} customers in {sent.pages} pages", end="", file=sys.stderr, flush=True)  # noqa: T201

    sent = await send_directory(crm, site, box, cards, version=version_after(crm, site, box), progress=progress)
    if not quiet:
        print(file=sys.stderr)  # noqa: T201
    print(msgspec.json.encode(sent).decode(), file=sys.stderr if asked.json else sys.stdout, flush=True)
    return sent.reason is None


async def _show(crm: SimCrm, done: asyncio.Event, *, quiet: bool, again: bool) -> None:
    loop = asyncio.get_running_loop()
    since: float | None = None
    while not done.is_set():
        if not quiet:
            link = "connected" if crm.connected else crm.trouble or "no broker"
            there = sum(box.status is not None and box.status.state == "online" for box in crm.boxes.values())
            print(f"\r\x1b[2K{link}, {there} of {len(crm.boxes)} online: {crm.book.line()}", end="", file=sys.stderr, flush=True)  # noqa: T201
        since = (since or loop.time()) if crm.book.gaps else None
        if again and crm.connected and since is not None and loop.time() - since > _PATIENCE_S:
            since = None
            with contextlib.suppress(TransientError):
                for box, first, last, reply in await crm.ask_again():
                    why = f" {reply.reason}" if reply.reason else ""
                    print(f"\nasked {box} for {first} to {last} again: {reply.state}{why}", file=sys.stderr)  # noqa: T201
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SHOW_S):
                await done.wait()
    if not quiet:
        print(file=sys.stderr)  # noqa: T201


def _write(file: IO[bytes], payload: bytes) -> None:
    file.write(payload + b"\n")
    file.flush()
