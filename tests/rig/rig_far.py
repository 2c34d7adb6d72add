"""The rig over OPC UA: one that is named, or one of this run's own, a `callfloor rig` in a process of its own."""

from __future__ import annotations

import asyncio
import ctypes
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rig_bench import Seen

from gateway.opcua.rig_keys import Keys, keys_from_file

_START_S = 120.0
#: What the rig of the last run told.
LOG = Path(__file__).parents[2] / "build" / "rig.log"


class Far:
    """One connection. `url` None: as the keys say."""

    def __init__(self, keys: Keys, url: str | None = None) -> None:
        from gateway.opcua.rig_client import RigClient  # noqa: PLC0415 - asyncua takes seconds to be read, and most runs need it not

        self._client = RigClient(keys, url)

    async def open(self, told: Callable[[Seen], None]) -> None:
        await self._client.__aenter__()
        await self._client.follow(lambda path, value, at_ns: told(Seen(path, value, at_ns)))

    async def close(self) -> None:
        await self._client.__aexit__()

    async def names(self) -> tuple[frozenset[str], frozenset[str]]:
        return frozenset(self._client.actions), frozenset(self._client.paths)

    async def call(self, name: str, args: dict[str, Any]) -> dict[str, Any]:
        answer = await self._client.call(name, args)
        return {"state": answer.state, "reason": answer.reason, "result": answer.result, "began_ns": answer.began_ns or 0}


class Own:
    """`callfloor rig`, as a person starts it, and a connection to it."""

    def __init__(self, devices: Mapping[str, str] | None = None, hand: str | None = None) -> None:
        self._words = [word for place, device in (devices or {}).items() for word in ("--device", f"{place}={device}")]
        self._words += ["--hand", hand] if hand else []
        self.folder = Path(tempfile.mkdtemp(prefix="cf-rig-"))
        self._process: asyncio.subprocess.Process | None = None
        self._far: Far | None = None

    async def open(self, told: Callable[[Seen], None]) -> None:
        await self.start()
        self._far = Far(keys_from_file(self.folder / "rig.json"))
        await self._far.open(told)

    async def start(self) -> None:
        command = (sys.executable, "-m", "appliance.cli.main", "rig", "--listen", "127.0.0.1:0", "--boards", "127.0.0.1:0")
        self._process = process = await asyncio.create_subprocess_exec(
            *command, "--dir", str(self.folder), *self._words,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, preexec_fn=_ends_with_us,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        async with asyncio.timeout(_START_S):
            while b"test at it" not in (line := await process.stdout.readline()):
                if not line:
                    raise RuntimeError(f"callfloor rig did not start: {(await process.stderr.read()).decode()}")

    async def close(self) -> None:
        if self._far is not None:
            await self._far.close()
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            async with asyncio.timeout(30):
                await process.wait()
        LOG.parent.mkdir(exist_ok=True)
        shutil.copy(self.folder / "rig.log", LOG)
        shutil.rmtree(self.folder, ignore_errors=True)

    async def names(self) -> tuple[frozenset[str], frozenset[str]]:
        assert self._far is not None
        return await self._far.names()

    async def call(self, name: str, args: dict[str, Any]) -> dict[str, Any]:
        assert self._far is not None
        return await self._far.call(name, args)


def _ends_with_us() -> None:
    """A run that is killed leaves no rig behind (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
