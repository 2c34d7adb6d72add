"""Decides how the headsets' service lives: one keeper of the seats, the monitor that reads the devices, each part apart."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from appliance.core.alive import Alive, Sight
from appliance.core.errors import TransientError
from appliance.outbox import Outbox
from appliance.service import Context
from headsets.keeper import SeatKeeper

#: Events that may wait while the journal takes nothing: a floor's presses of some hours.
MAX_QUEUED_EVENTS: Final = 20_000
#: How often the watchdog hears of the loop: more seldom than every 5 s is too seldom.
_PROGRESS_S: Final = 4.0


class Headsets:
    """The service `headsets`."""

    name = "headsets"

    def __init__(self, *, max_queued_events: int = MAX_QUEUED_EVENTS) -> None:
        self._max_queued_events = max_queued_events

    async def run(self, context: Context) -> None:
        """Work until cancelled. Raises TransientError when another process reads this box's headsets already."""
        run_dir: Path | None = getattr(context.journal, "run_dir", None) or context.config.journal.run_dir
        alive = _alive(run_dir, self.name)
        try:
            await self._run(context, alive)
        finally:
            if alive is not None:
                alive.close()

    async def _run(self, context: Context, alive: Alive | None) -> None:
        outbox = Outbox(context.journal, self._max_queued_events)
        keeper = SeatKeeper(context, outbox)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(outbox.run(), name="outbox")
                tasks.create_task(_live(context, alive), name="progress")
                context.watch.ready()
        except BaseExceptionGroup as faults:
            raise faults.exceptions[0] from faults
        finally:
            keeper.close()
            await asyncio.shield(outbox.finish())


async def _live(context: Context, alive: Alive | None) -> None:
    """Let the watchdog, and whoever looks at the lock, know that the loop turns."""
    clock = context.clock
    while True:
        context.watch.progress()
        if alive is not None:
            alive.saw("headsets", Sight(clock.boot, clock.mono_ns(), clock.wall_ns()))
        await asyncio.sleep(_PROGRESS_S)


def _alive(run_dir: Path | None, name: str) -> Alive | None:
    if run_dir is None:
        return None
    try:
        return Alive.open(run_dir, name)
    except BlockingIOError as fault:
        text = f"another process already reads the headsets of this box ({run_dir}); stop it first"
        raise TransientError(text) from fault
