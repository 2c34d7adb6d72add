"""`callfloor sim headset`: simulated USB headsets for a box to be pointed at, driven by keys or by a script."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import stat
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Final

import msgspec

from appliance.cli.terminal import coloured, keyboard
from appliance.core.clock import SystemClock
from appliance.core.errors import CallfloorError, CorruptError, MisconfiguredError, TransientError
from appliance.sim.headset import SimHeadset
from appliance.sim.headset_line import HeadsetLine, View
from appliance.sim.headset_model import DEFAULT, MODELS, Model, model_named, with_habits
from appliance.sim.headset_script import KEYS, WORDS, Act, act_from_key, act_from_line, script_from_lines
from headsets.record import bytes_of

_MOST: Final = 200
_HELP: Final = f"""In a terminal it takes keys: {", ".join(f"{key} {word}" for key, word in KEYS.items())} (p, o, s again: back);
1 to 9 choose the headset.

A script has a line for each thing that happens: [SECONDS] [@N|@*] WORD, so long after the line before, at headset N:
{chr(10).join(f"  {word:<8} {what}" for word, what in WORDS.items())}

models:
{chr(10).join(f"  {name:<10} {model.vendor_id}:{model.product_id}  {model.about}" for name, model in MODELS.items())}

examples:
  callfloor sim headset                          url = "sim:/tmp/callfloor-headset.sock"
  callfloor sim headset --model epos --count 4 --socket /tmp/desk.sock
  callfloor sim headset --descriptor new.hex --ids 1234:0001 --habits reverts,patience_s=3
  printf 'lift\\n2 mute\\n3 hang-up\\n' | callfloor sim headset --script -"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `callfloor sim headset`."""
    parser.epilog = _HELP
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--model", default=DEFAULT, metavar="NAME", help="a built-in model, see below (default %(default)s)")
    parser.add_argument("--descriptor", type=Path, metavar="FILE", help="a report descriptor instead, as hex or its bytes")
    parser.add_argument("--ids", metavar="VID:PID", help="its vendor and product, two times four hex digits")
    parser.add_argument("--product", metavar="TEXT", help="its product name")
    parser.add_argument("--serial", metavar="TEXT", help="its serial number (default SIM1, SIM2 …; empty: none)")
    parser.add_argument("--habits", default="", metavar="LIST", help="its firmware's habits, as in reverts,echo=no,patience_s=3")
    parser.add_argument("--socket", type=Path, default=Path("/tmp/callfloor-headset.sock"), metavar="PATH", help="default %(default)s")  # noqa: S108 - a rig's
    parser.add_argument("--count", type=int, default=1, metavar="N", help="so many; the second one's socket is PATH with -2 in its name")
    parser.add_argument("--script", metavar="FILE", help="what happens; - for standard input, line by line")
    parser.add_argument("--json", action="store_true", help="one object a line, at each change")
    parser.add_argument("--for", dest="for_s", type=float, metavar="SECONDS", help="end after so long (default: on Ctrl-C)")


def main(namespace: argparse.Namespace) -> int:
    """Run until told to end; 0, 1 for a fault, 2 for wrong usage, each with one line on standard error."""
    if not 1 <= namespace.count <= _MOST:
        print(f"callfloor sim headset: --count takes 1 to {_MOST}", file=sys.stderr)  # noqa: T201
        return 2
    try:
        model = _model(namespace)
        asyncio.run(_run(namespace, model))
    except (MisconfiguredError, CorruptError) as fault:
        print(f"callfloor sim headset: {fault}", file=sys.stderr)  # noqa: T201
        return 2
    except CallfloorError as fault:
        print(f"callfloor sim headset: {fault}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


async def _run(asked: argparse.Namespace, model: Model) -> None:
    clock, done = SystemClock(), asyncio.Event()
    script = None if asked.script in (None, "-") else script_from_lines(_lines(asked.script))
    if asked.script == "-" and stat.S_ISREG(os.fstat(sys.stdin.fileno()).st_mode):
        script = script_from_lines(sys.stdin)
    shown: dict[str, View] = {}

    def changed(line: HeadsetLine, what: str) -> None:
        view = line.view()
        if shown.get(view.url) != view:
            shown[view.url] = view
            _show(view, what, lines.index(line) + 1 if len(lines) > 1 else None, as_json=asked.json)

    paths = [_path(asked.socket, at) for at in range(1, asked.count + 1)]
    lines: list[HeadsetLine] = []
    lines += [
        HeadsetLine(SimHeadset(model, serial=_serial(asked, at)), path, clock, changed, f"sim-{at}") for at, path in enumerate(paths, 1)
    ]
    hand = Hand(lines, done)
    async with AsyncExitStack() as stack:
        stack.enter_context(keyboard(hand.key if asked.script is None else lambda _key: None))
        for line in lines:
            await stack.enter_async_context(line)
            print(f'listening, url = "{line.url}"', file=sys.stderr if asked.json else sys.stdout, flush=True)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, done.set)
        plays = asyncio.create_task(_play(asked.script, script, hand, done))
        with suppress(TimeoutError):
            async with asyncio.timeout(asked.for_s):
                await done.wait()
        plays.cancel()
        await asyncio.wait({plays})
        if not plays.cancelled() and (fault := plays.exception()) is not None:
            raise fault


class Hand:
    """Whoever is at the desks: does acts, one after the other; keys go to the headset chosen."""

    def __init__(self, lines: Sequence[HeadsetLine], done: asyncio.Event) -> None:
        self._lines, self._done, self._chosen = lines, done, 1
        self._tasks: set[asyncio.Task[None]] = set()

    async def do(self, act: Act) -> None:
        """Raises MisconfiguredError for a headset that there is not, or what it cannot do."""
        if act.word == "quit":
            self._done.set()
            return
        if act.which is not None and not 1 <= act.which <= len(self._lines):
            raise MisconfiguredError(f"@{act.which}: there are headsets 1 to {len(self._lines)}; simulate more with --count")
        for line in self._lines if act.which is None else (self._lines[act.which - 1],):
            await line.do(act)

    def key(self, key: str) -> None:
        """A key was pressed."""
        if key.isdecimal() and 1 <= int(key) <= len(self._lines):
            self._chosen = int(key)
            return
        line = self._lines[self._chosen - 1]
        is_so = {"plugged": line.plugged, "in_range": line.headset.in_range, "stalls": line.headset.stalls}
        act = act_from_key(key, self._chosen, **is_so)
        if act is not None:
            task = asyncio.get_running_loop().create_task(self.do(act))
            self._tasks.add(task)
            task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            print(fault, file=sys.stderr)  # noqa: T201


async def _play(name: str | None, script: tuple[Act, ...] | None, hand: Hand, done: asyncio.Event) -> None:
    """Do what a script says; a fault in it ends all, but one in a line of standard input is only told."""
    try:
        if script is not None:
            while await _once(script, hand.do):
                pass
        elif name == "-":
            number, reader = 0, await _typed()
            async for text in reader:
                number += 1
                try:
                    act = act_from_line(text.decode("utf-8", "replace"), number)
                    await _once((act,) if act else (), hand.do)
                except MisconfiguredError as fault:
                    print(fault, file=sys.stderr, flush=True)  # noqa: T201
    except CallfloorError:
        done.set()
        raise


async def _once(acts: Iterable[Act], do: Callable[[Act], Awaitable[None]]) -> bool:
    """True when the script is to be done again."""
    for act in acts:
        await asyncio.sleep(act.wait_s)
        if act.word == "again":
            return True
        await do(act)
    return False


async def _typed() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def _model(asked: argparse.Namespace) -> Model:
    model = model_named(asked.model)
    if asked.descriptor is not None:
        try:
            raw = bytes_of(asked.descriptor.read_bytes())
        except OSError as fault:
            raise MisconfiguredError(f"{asked.descriptor}: {fault.strerror}; name a file with a report descriptor") from fault
        except CorruptError as fault:
            raise CorruptError(f"{asked.descriptor}: {fault}") from fault
        name = asked.descriptor.stem[:40]
        model = Model(name=name, product=f"{name} (simulated)", vendor_id="1209", product_id="0001", descriptor=raw)
    if asked.ids is not None:
        vendor, _, product = asked.ids.lower().partition(":")
        if any(len(each) != 4 or not set(each) <= set("0123456789abcdef") for each in (vendor, product)):
            raise MisconfiguredError(f"--ids {asked.ids}: write vendor and product as in 0b0e:0307")
        model = msgspec.structs.replace(model, vendor_id=vendor, product_id=product)
    if asked.product is not None:
        model = msgspec.structs.replace(model, product=asked.product)
    return with_habits(model, asked.habits)


def _serial(asked: argparse.Namespace, at: int) -> str | None:
    if asked.serial is None:
        return f"SIM{at}"
    return (asked.serial if at == 1 else f"{asked.serial}-{at}") if asked.serial else None


def _path(path: Path, at: int) -> Path:
    return path.absolute() if at == 1 else path.absolute().with_name(f"{path.stem}-{at}{path.suffix}")


def _lines(name: str) -> list[str]:
    try:
        return Path(name).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        raise TransientError(f"{name}: {getattr(fault, 'strerror', None) or fault}; name a script") from fault


def _show(view: View, what: str, number: int | None, *, as_json: bool) -> None:
    if as_json:
        print(msgspec.json.encode({"what": what} | msgspec.to_builtins(view)).decode(), flush=True)  # noqa: T201
        return
    picture = view.picture
    state = [
        ("unplugged", "dim") if not view.plugged else ("plugged", "bold"),
        ("off-hook", "green") if picture.off_hook else ("on-hook", "dim"),
        *([("muted", "red")] if picture.muted else []),
        *([("out of range", "amber")] if not picture.in_range else []),
    ]
    told = ", ".join(coloured(*each) for each in state)
    lamps = " ".join(picture.lamps) or "none"
    boxes = "no box" if not view.boxes else "1 box" if view.boxes == 1 else f"{view.boxes} boxes"
    mark = f"@{number} " if number is not None else ""
    refused = f"   !! {picture.refused} refused: {view.faults[-1]}" if view.faults else ""
    print(f"{mark}{told}   lamps: {lamps}   {boxes}   ({what}){refused}", flush=True)  # noqa: T201
