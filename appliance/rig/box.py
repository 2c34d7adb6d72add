"""Decides how the box on a rig lives: the production services over a journal of its own, stopped, emptied and begun again at each reset."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from appliance import registry
from appliance.core.clock import Clock
from appliance.core.config import Config
from appliance.core.config_file import load
from appliance.core.errors import TransientError
from appliance.core.journal import Journal
from appliance.core.journal_sqlite import SqliteJournal
from appliance.runner import make_folders, open_journal, run_dir_of, started
from appliance.runner_house import Housekeeper
from appliance.runner_supervise import Supervisor

#: A start on a slow board takes its time.
_READY_S: Final = 60.0
#: What the rig itself serves, and a reset leaves alone.
OPCUA: Final = "opcua"


class RigBox:
    """The box under test. `follow` is run over each new journal, beside the services."""

    def __init__(self, file: Path, clock: Clock, follow: Callable[[Journal, Config], Awaitable[None]]) -> None:
        self._file, self._clock, self._follow = file, clock, follow
        self._journal: SqliteJournal | None = None
        self._stop: asyncio.Event | None = None
        self._tasks: list[asyncio.Task[object]] = []
        self.config: Config | None = None

    async def start(self) -> None:
        """Run on an empty journal, and return when every service is ready. Raises TransientError when one is not."""
        self.config = config = load(self._file, {})
        names = tuple(name for name in registry.enabled(config) if name != OPCUA)
        make_folders(config)
        self._journal = journal = open_journal(config, self._clock)
        await journal.appended([started(self._clock, names)])
        self._stop = asyncio.Event()
        supervisor = Supervisor(config, journal, self._clock, names)
        keeper = Housekeeper(config, journal, self._clock, run_dir_of(config))
        self._tasks = [
            asyncio.create_task(supervisor.run(self._stop), name="rig-box"),
            asyncio.create_task(keeper.run(), name="rig-housekeeper"),
            asyncio.create_task(self._followed(journal, config), name="rig-journal"),
        ]
        try:
            async with asyncio.timeout(_READY_S):
                while waiting := [post for post in supervisor.posts if not post.is_ready.is_set()]:
                    for post in waiting:
                        if post.failures:
                            raise TransientError(f"service {post.name} does not start: {post.text}; see the log beside {self._file}")
                    await asyncio.sleep(0.01)
        except TimeoutError as fault:
            waits = ", ".join(f"{post.name} ({post.text})" for post in supervisor.posts if not post.is_ready.is_set())
            raise TransientError(f"after {_READY_S:g} s these services are not ready: {waits}; see the log beside {self._file}") from fault

    async def stop(self) -> None:
        """Stop every service in order and close the journal."""
        if self._stop is not None:
            self._stop.set()
            runner, *others = self._tasks
            await asyncio.gather(runner, return_exceptions=True)
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            self._stop, self._tasks = None, []
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def forget(self) -> None:
        """Everything that the box kept is gone: the journal with all that lies beside it. It must be stopped.

        Locks stay, and what the OPC UA server keeps: it lives on, and takes turns with the box by them.
        """
        for path in sorted(load(self._file, {}).journal.path.parent.rglob("*"), reverse=True):
            if path.suffix != ".lock" and not path.name.startswith(OPCUA) and not path.is_dir():
                path.unlink(missing_ok=True)

    async def _followed(self, journal: Journal, config: Config) -> None:
        await self._follow(journal, config)
