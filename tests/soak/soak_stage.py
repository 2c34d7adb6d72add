"""One box under a simulated floor for hours: its services as processes of their own, televisions that come and go, and what goes wrong meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fault_box import Broker, Process, Site, free_port, noon
from fault_line import Line
from msgspec import Struct
from soak_seen import Board, Consumer, Reader, last_lines, nothing_lost, used_by

from appliance.core.journal_readonly import ReadonlyJournal

HERE = Path(__file__).parent
SERVICES = ("gateway", "headsets", "wallboard", "uplink")
SAMPLE_S = 5.0
PERSISTENT = "user root\npersistence true\npersistence_location {folder}/\nmax_inflight_messages 0\n"
#: A drain after the longest cut, and the last conversations, are over by then.
SETTLE_S = 300.0

CONFIG = """[site]
name = "soak"
box = "p3"
timezone = "{noon}"
language = "es"

[journal]
path = "journal.db"

[pbx.central]
host = "127.0.0.1"
port = {pbx}
username = "callfloor"
secret_file = "pbx.secret"
reconnect_max_s = 3.0

[crm]
url = "mqtt://127.0.0.1:{crm}"
reconnect_max_s = 3.0
headsets = "all"

[wallboard.tv]
listen = "127.0.0.1:{tv}"

[wallboard.led.panel]
url = "sim:"
width = 64
height = 8

[wallboard.sign.strip]
url = "serial://{sign}?format=8N1"

[wallboard.beacon.tower]
url = "sim:"
green = 17
amber = 27
red = 22

{desks}"""


class Plan(Struct, frozen=True, kw_only=True):
    """What is played. `seconds` are real; `rate` is calls a model minute at the busiest."""

    name: str
    shape: str
    seconds: float
    speed: float
    rate: float
    agents: int
    seed: int
    cut_every_s: float
    pbx_every_s: float


class Kept(Process):
    """A service that is started again whenever it is gone, until it is told to end."""

    def end(self) -> int:
        """SIGTERM, as systemd stops a unit; the exit code."""
        self._kept.clear()
        if self._keeper is not None:
            self._keeper.join()
        self.signal(signal.SIGTERM)
        return self.wait(30.0)


class BoxOfSoak:
    """What `soak_seen` and the fault suite's tools ask of a box."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.journal_path = folder, folder / "journal.db"

    @contextlib.contextmanager
    def journal(self) -> Iterator[ReadonlyJournal]:
        """Opened for reading."""
        opened = ReadonlyJournal(self.journal_path, self.folder / "run")
        try:
            yield opened
        finally:
            opened.close()


class Stage:
    """Everything of one run; `play` returns what is to be said of it."""

    def __init__(self, plan: Plan, folder: Path, samples: Path, say: Callable[[str], None]) -> None:
        self._plan, self._folder, self._samples, self._say = plan, folder, samples, say
        self._site = Site(folder)
        self._chance = random.Random(plan.seed)
        self._tv_port = free_port()
        self.services: dict[str, Kept] = {}
        self.troubles: list[tuple[float, float, str]] = []
        self._began_s = 0.0
        self._quiet_from_s = 0.0
        self._tvs = self.tvs_joined = 0
        self._board = Board()

    def _elapsed_s(self) -> float:
        return time.monotonic() - self._began_s

    # -- around the box ------------------------------------------------------------------------------------------

    def _floor(self) -> dict[str, Any]:
        plan = self._plan
        words = {
            "--seed": plan.seed, "--speed": plan.speed, "--rate": plan.rate, "--agents": plan.agents, "--shape": plan.shape,
            "--last-call": plan.seconds, "--folder": self._folder,
        }  # fmt: skip
        command = [sys.executable, str(HERE / "soak_floor.py"), *(str(word) for pair in words.items() for word in pair)]
        log = (self._folder / "floor.log").open("ab")
        self._floor_process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self._floor_process.stdout is not None
        line = self._floor_process.stdout.readline()
        if not line:
            raise RuntimeError(f"the floor did not start: {last_lines(self._folder / 'floor.log')}")
        said: dict[str, Any] = json.loads(line)
        return said

    async def _ask_pbx(self, line: str) -> str:
        reader, writer = await asyncio.open_unix_connection(str(self._folder / "pbx.sock"))
        try:
            writer.write(f"{line}\n".encode())
            return (await reader.readline()).decode().strip()
        finally:
            writer.close()

    # -- what goes wrong -----------------------------------------------------------------------------------------

    async def _cuts(self) -> None:
        """The link to the broker ends again and again; now and then for minutes, so that a backlog stands and drains."""
        while True:
            await asyncio.sleep(self._chance.uniform(0.5, 1.5) * self._plan.cut_every_s)
            long_s = min(240.0, self._plan.seconds / 20)
            for_s = self._chance.choice((3.0, 8.0, 20.0, long_s))
            begin_s = self._elapsed_s()
            self._quiet_from_s = float("inf")
            self._line.refuses = True
            self._line.cut(reset=self._chance.random() < 0.5)
            await asyncio.sleep(for_s)
            self._line.clear()
            self.troubles.append((begin_s, self._elapsed_s(), "link"))
            # The drain, then the usual way again.
            self._quiet_from_s = time.time() + 5.0 + for_s / 10

    async def _pbx_dies(self) -> None:
        while True:
            await asyncio.sleep(self._chance.uniform(0.5, 1.5) * self._plan.pbx_every_s)
            begin_s = self._elapsed_s()
            word = self._chance.choice(("restart 6", "kill 4", "drop 3", "drop 3 fin", "stall 5", "garbage 2"))
            await self._ask_pbx(word)
            await asyncio.sleep(float(word.split()[1]))
            self.troubles.append((begin_s, self._elapsed_s(), f"pbx {word.split()[0]}"))

    async def _tv(self, stays_s: float | None, board: Board | None = None) -> None:
        """One television: asks for its page and follows the stream, for a while or for ever; one that is cut off comes again."""
        while True:
            with contextlib.suppress(OSError, TimeoutError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._tv_port)
                self._tvs += 1
                self.tvs_joined += 1
                try:
                    writer.write(b"GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n")
                    async with asyncio.timeout(stays_s):
                        while chunk := await reader.read(1 << 18):
                            if board is not None:
                                board.told(chunk)
                finally:
                    self._tvs -= 1
                    writer.transport.abort() if self._chance.random() < 0.5 else writer.close()
            if stays_s is not None:
                return
            await asyncio.sleep(1.0)

    async def _pages(self, group: asyncio.TaskGroup) -> None:
        """People walk past: boards are opened, looked at and closed, and scripts ask for the snapshot."""
        while True:
            await asyncio.sleep(self._chance.expovariate(0.5))
            group.create_task(self._tv(self._chance.expovariate(1 / 20.0)))
            for path in ("/board/floor", "/api/floor", "/metrics"):
                with contextlib.suppress(OSError, TimeoutError):
                    await self._get(path)

    async def _get(self, path: str) -> bytes:
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._tv_port)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
                return await reader.read(-1)
            finally:
                writer.close()

    # -- what is seen --------------------------------------------------------------------------------------------

    async def _sample(self, reader: Reader) -> None:
        next_s, timed_s = time.monotonic(), 0.0
        with self._samples.open("w") as out:
            while True:
                next_s += SAMPLE_S
                await asyncio.sleep(max(0.0, next_s - time.monotonic()))
                line: dict[str, Any] = {"at": round(self._elapsed_s(), 2), "tvs": self._tvs, "load": os.getloadavg()[0]}
                for name, process in self.services.items():
                    with contextlib.suppress(OSError, AttributeError):
                        assert process.process is not None
                        line[name] = used_by(process.process.pid) | {"starts": process.starts}
                if time.monotonic() - timed_s >= 30.0:
                    timed_s = time.monotonic()
                    line["box"] = await asyncio.to_thread(reader.look, self._quiet_from_s)
                out.write(json.dumps(line) + "\n")
                out.flush()

    async def play(self) -> dict[str, Any]:
        """The whole run: what is wrong stands in `faults`."""
        folder = self._folder
        broker = Broker(folder, PERSISTENT.format(folder=folder))
        broker.start()
        self._line = Line(broker.port)
        crm = Consumer(broker.port)
        said = self._floor()
        (folder / "pbx.secret").write_text("callfloor\n")
        text = CONFIG.format(noon=noon(), pbx=said["port"], crm=self._line.port, tv=self._tv_port, sign=said["sign"], desks=said["desks"])
        (folder / "callfloor.toml").write_text(text)
        box = BoxOfSoak(folder)
        reader = Reader(box, self._board, crm)
        try:
            self._began_s = time.monotonic()
            for name in SERVICES:
                words = [sys.executable, "-m", "appliance.cli.main", "run", name, "-c", "callfloor.toml"]
                self.services[name] = Kept(name, words, folder)
                self.services[name].keep()
            await self._hours(reader)
            try:
                faults = await self._settle(box, crm)
            except Exception as fault:
                # What was seen in two hours is worth having all the same.
                faults = [f"the end could not be judged: {type(fault).__name__}: {fault}"]
            reader.look(float("inf"))
            truth = json.loads(await self._ask_pbx("truth"))
            return {
                "faults": faults, "events": len(crm.came), "doubles": crm.doubles, "calls": reader.calls, "truth": truth,
                "troubles": self.troubles, "tvs": self.tvs_joined, "starts": {name: p.starts for name, p in self.services.items()},
            }  # fmt: skip
        finally:
            for process in self.services.values():
                process.close()
            crm.close()
            self._line.close()
            broker.close()
            self._floor_process.terminate()
            self._floor_process.wait(10)

    async def _hours(self, reader: Reader) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._plan.seconds), asyncio.TaskGroup() as group:
                group.create_task(self._sample(reader))
                group.create_task(self._cuts())
                group.create_task(self._pbx_dies())
                group.create_task(self._tv(None, self._board))
                for _ in range(4):
                    group.create_task(self._tv(None))
                group.create_task(self._pages(group))

    async def _delivered(self, box: BoxOfSoak, within_s: float) -> None:
        """Whoever is left takes over the house and tells of it a moment later: all is delivered when it is so twice."""
        before = -1
        for _ in range(round(within_s)):
            with box.journal() as journal:
                account = journal.account("uplink")
            if not account.waiting and account.recorded == before:
                return
            before = account.recorded
            await asyncio.sleep(2.0)

    async def _settle(self, box: BoxOfSoak, crm: Consumer) -> list[str]:
        """Nobody calls any more: once the floor is empty and all is delivered, what the CRM has is held against the journal."""
        self._line.clear()
        self._say("nobody calls any more; waiting for the last conversations and the CRM")
        end_s = time.monotonic() + SETTLE_S
        while time.monotonic() < end_s:
            await asyncio.sleep(1.0)
            with box.journal() as journal:
                waits = journal.account("uplink").waiting
            totals = json.loads(await self._ask_pbx("truth"))
            if not waits and not totals["waiting"] + totals["talking"]:
                break
        faults = []
        for name in ("gateway", "headsets", "wallboard", "uplink"):
            if name == "uplink":  # what the others say at their end goes to the CRM too
                await self._delivered(box, 60.0)
                faults += nothing_lost(box, crm)
            if (code := self.services[name].end()) != 0:
                faults.append(f"{name} ended with {code}")
        faults += [f"{name} was started {process.starts} times" for name, process in self.services.items() if process.starts != 1]
        faults += [f"{name} has a traceback in its log" for name, process in self.services.items() if "Traceback (most" in process.log()]
        return faults
