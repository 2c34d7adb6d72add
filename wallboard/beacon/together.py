"""Decides how the box's stack lights live together: one thread for all lamps, a task for each light, told at every turn."""

from __future__ import annotations

import asyncio

from appliance.service import Context
from wallboard.beacon.clockwork import Clockwork
from wallboard.beacon.command import BeaconCommands
from wallboard.beacon.run import RETRY_S, TEST_S, BeaconRun
from wallboard.stream.feed import Feed


class Beacons:
    """All [wallboard.beacon.NAME]."""

    def __init__(self, context: Context, feed: Feed, *, retry_s: float = RETRY_S, test_s: float = TEST_S) -> None:
        """Raises MisconfiguredError for a URL of pins that is none."""
        self._clockwork = Clockwork(context.clock)
        self.runs = {
            name: BeaconRun(name, beacon, context, feed, self._clockwork, retry_s=retry_s, test_s=test_s)
            for name, beacon in context.config.wallboard.beacon.items()
        }
        self._commands = BeaconCommands(context, self.runs)

    async def run(self) -> None:
        """Work until cancelled; then every lamp is off."""
        self._clockwork.start()
        try:
            async with asyncio.TaskGroup() as tasks:
                for run in self.runs.values():
                    tasks.create_task(run.run())
                tasks.create_task(self._commands.run())
        except ExceptionGroup as faults:
            raise faults.exceptions[0] from faults
        finally:
            self._clockwork.stop()

    def turn(self) -> None:
        """The floor may have changed; also their heartbeat, at least once a second."""
        for run in self.runs.values():
            run.turn()
