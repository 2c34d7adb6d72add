"""One process of the fleet: a share of its boxes, each the product's whole uplink service on a journal of its own.

The product's: `Uplink.run` with all that it is made of (back-off, connection, both lanes, commands, floor, cursors), `SqliteJournal`, the
configuration, client ids, sessions, wills. The harness's: that boxes share a process (one loop, one clock), the calls that they
record, and the `Watch` by which the product itself tells of every attempt.

Reads words on stdin (`record`, `rest`, `mark`, `stop`), says how it is once a second on stdout, a JSON object a line.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from appliance.core.catalogue import CallAnswered, CallEnded, CallQueued
from appliance.core.clock import SystemClock
from appliance.core.config import Config, Crm, JournalConfig, Site
from appliance.core.due import due_from_config
from appliance.core.event import Event
from appliance.core.journal_sqlite import SqliteJournal
from appliance.service import Context
from gateway.uplink.service import Uplink

_TICK_S = 0.1
#: Boxes begun a second by one process: not what is measured.
_BEGUN_PER_S = 60.0


class Watch:
    """The product's face towards its runner: every attempt and every connection goes through `status`."""

    def __init__(self) -> None:
        self.connected: list[float] = []
        self.failed: list[float] = []
        self.faults: Counter[str] = Counter()
        self.is_up = False

    def ready(self) -> None:
        pass

    def progress(self) -> None:
        pass

    def status(self, text: str) -> None:
        now = time.monotonic()
        was_up, self.is_up = self.is_up, text.startswith("connected to ")
        if not self.is_up:
            self.failed.append(now)
            self.faults[text.removeprefix(text.partition(": ")[0] + ": ") if text.startswith("mqtt://") else text] += 1
        elif not was_up:
            self.connected.append(now)


class Box:
    """One box."""

    def __init__(self, number: int, folder: Path, crm: Crm, site: Site) -> None:
        self.folder = folder / f"{number:05d}"
        run = self.folder / "run"
        (run / "bells").mkdir(parents=True)
        config = Config(site=site, journal=JournalConfig(path=self.folder / "journal.db", run_dir=run), crm=crm)
        clock = SystemClock()
        self.site = site
        self.journal = SqliteJournal.open(config.journal.path, run_dir=run, due=due_from_config(config), clock=clock)
        self.watch = Watch()
        self.mark = 0
        self.acknowledged = self.refused = 0
        self._step = number * 7
        self._source = Context(config, self.journal, clock, self.watch, "gateway")
        self._context = Context(config, self.journal, clock, self.watch, "uplink")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(Uplink().run(self._context))

    def fault(self) -> str | None:
        """Why the service ended, where it did."""
        task = self._task
        return repr(task.exception()) if task is not None and task.done() and not task.cancelled() else None

    def record(self) -> None:
        """A call takes its next step, recorded as the gateway does."""
        future = self.journal.appended([self._next()])
        future.add_done_callback(self._recorded)

    def delivered(self) -> int:
        """The delivery number up to which the broker took all, as saved."""
        return self.journal.cursor("uplink").n

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _recorded(self, future: asyncio.Future[int]) -> None:
        if future.exception() is None:
            self.acknowledged += 1
        else:
            self.refused += 1

    def _next(self) -> Event:
        self._step += 1
        number, step = divmod(self._step, 3)
        call = f"central-{1_772_438_400 + number}.{number % 1000}"
        common: dict[str, Any] = {
            "call": call,
            "pbx": "central",
            "visit": f"{call}/1",
            "queue": ("ventas", "soporte", "cobros")[number % 3],
        }
        if step == 0:
            return self._source.event(CallQueued(**common, caller=f"0999{number % 1_000_000:06d}", position=1), "central")
        agent = f"agente-{100 + number % 40}"
        if step == 1:
            return self._source.event(CallAnswered(**common, agent=agent, wait_s=7.25, ring_s=3.5), "central")
        return self._source.event(CallEnded(**common, agent=agent, talk_s=181.5, ended_by="caller"), "central")


class Worker:
    """All boxes of this process, and the words that it takes."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self._boxes: list[Box] = []
        self._rate = 0.0
        self._stop = asyncio.Event()

    async def run(self) -> None:
        args = self._args
        loop = asyncio.get_running_loop()
        # Each box has a machine of its own: none waits for a thread that another one's dialling holds.
        loop.set_default_executor(ThreadPoolExecutor(args.boxes + 8))
        say = loop.create_task(self._say())
        before_kb = _anonymous_kb()
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        hear = loop.create_task(self._hear(reader))
        crm = Crm(
            url=tuple(args.url),
            protocol=args.protocol,
            floor_every_s=args.floor_every,
            reconnect_max_s=args.reconnect_max,
            window=args.window,
        )
        for number in range(args.first, args.first + args.boxes):
            box = Box(number, args.folder, crm, Site(name=f"site-{number % args.sites:02d}", box=f"box-{number:05d}"))
            box.start()
            self._boxes.append(box)
            await asyncio.sleep(1 / _BEGUN_PER_S)
        _tell({"begun": len(self._boxes), "kb_per_box": (_anonymous_kb() - before_kb) / max(1, args.boxes)})
        record = loop.create_task(self._record())
        await self._stop.wait()
        kb = (_anonymous_kb() - before_kb) / max(1, args.boxes)
        record.cancel()
        for begin in range(0, len(self._boxes), 20):
            await asyncio.gather(*(box.stop() for box in self._boxes[begin : begin + 20]))
        say.cancel()
        self._write(kb)
        hear.cancel()

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            word, _, value = line.decode().strip().partition(" ")
            if word == "record":
                self._rate = float(value)
            elif word == "rest":
                self._rate = 0.0
            elif word == "mark":
                for box in self._boxes:
                    box.mark = box.journal.head().n
                _tell({"marked": sum(box.mark for box in self._boxes), "heads": {box.site.box: box.mark for box in self._boxes}})
            elif word == "stop":
                break
        self._stop.set()

    async def _record(self) -> None:
        """Events of randomly chosen boxes, as many as were asked for."""
        pick = random.Random(self._args.first)
        at, owed = time.monotonic(), 0.0
        while True:
            await asyncio.sleep(_TICK_S)
            now = time.monotonic()
            owed, at = owed + (now - at) * self._rate * len(self._boxes), now
            for box in pick.choices(self._boxes, k=int(owed)):
                box.record()
            owed -= int(owed)

    async def _say(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            boxes = self._boxes
            pause_s = 1.0 if len(boxes) > 50 else 0.2
            due = loop.time() + pause_s
            await asyncio.sleep(pause_s)
            _tell(
                {
                    "late_s": loop.time() - due,
                    "up": sum(box.watch.is_up for box in boxes),
                    "acknowledged": sum(box.acknowledged for box in boxes),
                    "behind": sum(box.delivered() < box.mark for box in boxes),
                    "faults": [fault for box in boxes if (fault := box.fault())][:3],
                }
            )

    def _write(self, kb_per_box: float) -> None:
        """What every box remembers, for whoever compares it with what arrived."""
        told = {}
        for box in self._boxes:
            due: list[int] = []
            at = 0
            while rows := box.journal.read(at):
                due += [row.seq for row in rows if row.n is not None]
                at = rows[-1].seq
            account = msgspec.structs.asdict(box.journal.account("uplink"))
            told[box.site.box] = {
                "site": box.site.name, "epoch": box.journal.epoch, "due": due, "account": account, "acknowledged": box.acknowledged,
                "refused": box.refused, "connected": box.watch.connected, "failed": box.watch.failed, "fault": box.fault(), "faults": box.watch.faults,
            }  # fmt: skip
            box.journal.close()
        path = self._args.folder / f"boxes-{self._args.first:05d}.json"
        path.write_bytes(msgspec.json.encode({"kb_per_box": kb_per_box, "boxes": told}))
        _tell({"written": str(path)})


def _anonymous_kb() -> int:
    """Memory of this process that no file stands behind."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


def _tell(what: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main() -> None:
    """The process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--boxes", type=int, default=10)
    parser.add_argument("--sites", type=int, default=1)
    parser.add_argument("--url", nargs="+", required=True)
    parser.add_argument("--protocol", default="5")
    parser.add_argument("--floor-every", type=float, default=5.0)
    parser.add_argument("--reconnect-max", type=float, default=60.0)
    parser.add_argument("--window", type=int, default=1000)
    asyncio.run(Worker(parser.parse_args()).run())


if __name__ == "__main__":
    main()
