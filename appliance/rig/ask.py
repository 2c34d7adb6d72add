"""Decides what `callfloor rig WORD` asks of a rig that runs, and how its answer reads, for people or (`--json`) for scripts."""

from __future__ import annotations

import argparse
import asyncio
import base64
import sys
from typing import Any, Final

import msgspec

from appliance.cli.terminal import say
from appliance.core.errors import MisconfiguredError
from appliance.rig.place import running
from gateway.opcua.rig_client import Answer, RigClient
from gateway.opcua.rig_keys import keys_from_file

_LONGEST: Final = 160
#: A watch without paths leaves these out: they fill the screen.
_LONG: Final = ("journal/last", "mqtt/last", "tv/floor", "tv/board", "led/panel/picture")


def ask(args: argparse.Namespace) -> int:
    """Do it; the exit code. Raises CallfloorErrors whose texts say what, where, and what to do."""
    try:
        return asyncio.run(_ask(args))
    except KeyboardInterrupt:
        return 0


async def _ask(args: argparse.Namespace) -> int:
    keys = keys_from_file(args.keys or running())
    async with RigClient(keys, args.rig) as rig:
        match args.word:
            case "list":
                _list(rig, json=args.json)
            case "do":
                if not args.what:
                    raise MisconfiguredError("do what? write it as: callfloor rig do lines/line3/ring")
                return _told(await rig.call(args.what[0], _given(args.what[1:], args.lease, args.what[0])), json=args.json)
            case "reset":
                return _told(await rig.call("reset", _given(args.what, args.lease, "reset")), json=args.json)
            case "show":
                await _show(rig, args)
            case _:
                await _watch(rig, tuple(args.what), json=args.json)
    return 0


def _given(words: list[str], lease: str | None, action: str) -> dict[str, Any]:
    """Arguments from `K=V` words. Raises MisconfiguredError."""
    given: dict[str, Any] = {}
    for word in words:
        name, mark, value = word.partition("=")
        if not mark:
            raise MisconfiguredError(f"{word!r} is no argument; write it as K=V, as in seconds=60")
        given[name] = value
    if lease is not None and not action.startswith("lease/"):
        given["lease"] = lease
    return given


def _told(answer: Answer, *, json: bool) -> int:
    if json:
        say(msgspec.json.encode(msgspec.to_builtins(answer)).decode())
    elif answer.state == "done":
        say("done" if answer.result is None else f"done {msgspec.json.encode(answer.result).decode()}")
    else:
        sys.stderr.write(f"callfloor rig: {answer.state}: {answer.reason}\n")
    return 0 if answer.state == "done" else 1


def _list(rig: RigClient, *, json: bool) -> None:
    if json:
        told = {"actions": [msgspec.to_builtins(each) for each in rig.actions.values()], "values": rig.paths}
        say(msgspec.json.encode(told).decode())
        return
    for action in rig.actions.values():
        words = " ".join(f"{each.name}=…" for each in action.arguments if each.name != "lease")
        say(f"do    {f'{action.name} {words}'.rstrip():<48}  {action.text}")
    for path in rig.paths:
        say(f"show  {path}")


async def _show(rig: RigClient, args: argparse.Namespace) -> None:
    paths = tuple(args.what) or tuple(path for path in rig.paths if path not in _LONG)
    values = await rig.read(paths)
    if args.output is not None:
        if len(paths) != 1:
            raise MisconfiguredError(f"-o takes one value, and {len(paths)} are asked for")
        value = values[paths[0]][0]
        if value is None:
            raise MisconfiguredError(f"{paths[0]} is not known now; there is nothing to write")
        args.output.write_bytes(value if isinstance(value, bytes) else _text(value).encode())
        return
    if args.json:
        say(msgspec.json.encode({path: {"value": value, "since_ns": at_ns} for path, (value, at_ns) in values.items()}).decode())
        return
    for path, (value, _) in values.items():
        say(_text(value) if len(args.what) == 1 else f"{path:<32} {_short(value)}")


async def _watch(rig: RigClient, paths: tuple[str, ...], *, json: bool) -> None:
    """Until Ctrl-C, or until the rig goes. Raises MisconfiguredError for a path that there is not."""
    await rig.read(paths)
    wanted = frozenset(paths) or frozenset(rig.paths) - frozenset(_LONG)

    def told(path: str, value: Any, at_ns: int) -> None:
        if path in wanted:
            row = {"path": path, "value": value, "since_ns": at_ns}
            say(msgspec.json.encode(row).decode() if json else f"{path:<32} {_short(value)}")
            sys.stdout.flush()

    await rig.follow(told)
    await asyncio.Event().wait()


def _text(value: Any) -> str:
    if value is None:
        return "not known"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value)


def _short(value: Any) -> str:
    """On one line of a terminal."""
    text = f"{len(value)} bytes" if isinstance(value, bytes) else " | ".join(map(str, value)) if isinstance(value, list) else _text(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
