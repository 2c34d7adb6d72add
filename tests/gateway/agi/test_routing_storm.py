"""Thousands of hostile connections, kill -9 and a frozen process: memory and files stay bounded, and every call goes on."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from appliance.sim.pbx_agi import Agi, Told

pytestmark = pytest.mark.slow

HELLO = b"agi_network: yes\nagi_network_script: route\nagi_callerid: 0991234567\nagi_uniqueid: 1.1\n\n"
_STORM = 3000
_AT_ONCE = 60


class Process:
    """`callfloor run routing`, and what the kernel says of it."""

    def __init__(self, folder: Path) -> None:
        self._held = socket.socket()  # held and not listening: nobody else gets the port
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", 0))
        self.port = int(self._held.getsockname()[1])
        self._file = folder / "callfloor.toml"
        rule = '[[routing.rule]]\nname = "movil"\ncaller = ["+5939*"]\nqueue = "ventas"\n'
        self._file.write_text(
            f'[site]\ntimezone = "America/Guayaquil"\n[routing]\nlisten = "127.0.0.1:{self.port}"\nanswer_ms = 500\nmax_connections = 50\n{rule}'
        )
        self._log = (folder / "log").open("ab")
        self.start()

    def start(self) -> None:
        program = [str(Path(sys.executable).with_name("callfloor")), "run", "routing", "-c", str(self._file)]
        self.process = subprocess.Popen(program, stdout=self._log, stderr=self._log)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.05)
        raise AssertionError("it does not listen")

    @property
    def rss_mb(self) -> float:
        rows = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(row.split()[1]) / 1024 for row in rows if row.startswith("VmRSS"))

    @property
    def files(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.kill()
        self._held.close()
        self._log.close()

    async def ask(self) -> Told:
        return await Agi(f"agi://127.0.0.1:{self.port}/route").ask({"callerid": "0991234567", "uniqueid": "1.1"})

    async def answered(self) -> None:
        """Wait until a call is routed again."""
        async with asyncio.timeout(60):
            while not (await self.ask()).variables:
                await asyncio.sleep(0.05)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    made = Process(tmp_path)
    try:
        yield made
    finally:
        made.close()


def hostile(port: int, kind: int) -> None:
    """One connection that means no good; it blocks, and never for long."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as wire:
        wire.settimeout(2)
        if kind == 0:
            time.sleep(0.6)  # says nothing
        elif kind == 1:
            for byte in HELLO[:20]:
                wire.sendall(bytes((byte,)))
                time.sleep(0.03)
        elif kind == 2:
            wire.sendall(os.urandom(200_000))
        elif kind == 3:
            wire.sendall(b"agi_x: " + b"y" * 1_000_000)
        elif kind == 4:
            wire.sendall(HELLO * 2_000)
        elif kind == 5:
            wire.sendall(HELLO)  # and never answers
        else:
            return
        while wire.recv(65_536):
            pass


async def test_thousands_of_hostile_connections(process: Process) -> None:
    await process.answered()
    before_mb, before = process.rss_mb, process.files
    rng, loop, most = random.Random(7), asyncio.get_running_loop(), 0

    def one(kind: int) -> None:
        nonlocal most
        hostile(process.port, kind)
        most = max(most, process.files)

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        storm = asyncio.gather(*(loop.run_in_executor(threads, one, rng.randrange(7)) for _ in range(_STORM)))
        honest = [await process.ask() for _ in range(40)]
        await storm
    # Whatever the storm did to the others: each went on, with its route or with the dialplan's default.
    assert {told.status for told in honest} <= {"SUCCESS", "FAILURE"}
    assert all(told.variables.get("CALLFLOOR_QUEUE") in (None, "ventas") for told in honest)
    await process.answered()
    await asyncio.sleep(1.5)
    assert process.rss_mb < before_mb + 30
    assert most <= before + 50 + _AT_ONCE
    assert process.files <= before + 3


async def test_killed_or_frozen_every_call_goes_on(process: Process) -> None:
    for _ in range(5):
        await process.answered()
        process.process.send_signal(signal.SIGSTOP)
        asked = [asyncio.create_task(process.ask()) for _ in range(10)]
        await asyncio.sleep(0.3)
        assert not any(task.done() for task in asked)  # a PBX waits without end: only the watchdog's kill ends this
        process.kill()
        async with asyncio.timeout(20):
            told = await asyncio.gather(*asked)
        assert all(each.variables == {} for each in told)
        assert (await process.ask()).status == "FAILURE"
        process.start()
    await process.answered()
