"""Decides how the headsets' service lives: one keeper of the seats, USB and simulated headsets that feed it, each part apart.

Where every configured seat is simulated, the USB headsets of the machine are left alone: they are somebody's own.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Final

from appliance.apart import Apart
from appliance.core.alive import Alive, Sight
from appliance.core.catalogue import HeadsetDetached
from appliance.core.clock import NS
from appliance.core.errors import TransientError
from appliance.core.headset_config import HeadsetsConfig
from appliance.core.headset_url import headset_url
from appliance.outbox import Outbox
from appliance.progress import Part, Parts
from appliance.service import Context
from headsets.again import EVERY_S, tell_again
from headsets.desk import Desk
from headsets.keeper import SeatKeeper
from headsets.minute import Minutes
from headsets.monitor import Monitor, usb_seats
from headsets.past import attached_seats
from headsets.rim import Rim
from headsets.ring import Rings
from headsets.sim_life import SimLife

_log = logging.getLogger("callfloor.headsets")

#: Events that may wait while the journal takes nothing: a floor's presses of some hours.
MAX_QUEUED_EVENTS: Final = 20_000
#: How often the watchdog hears of the loop: more seldom than every 5 s is too seldom.
_PROGRESS_S: Final = 4.0
_MINUTE_S: Final = 60


class Headsets:
    """The service `headsets`."""

    name = "headsets"

    def __init__(self, *, max_queued_events: int = MAX_QUEUED_EVENTS, again_s: float = EVERY_S) -> None:
        """`again_s`: how often a seat box tells again how its seats are."""
        self._max_queued_events, self._again_s = max_queued_events, again_s
        self.keeper: SeatKeeper | None = None

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
        config = context.config.headsets or HeadsetsConfig()
        parts = Parts(context.watch)
        outbox = Outbox(context.journal, self._max_queued_events, watch=parts.part("the journal's writer"))
        self.keeper = keeper = SeatKeeper(context, outbox)
        rim = Rim()
        gone = _Gone(keeper, await asyncio.to_thread(attached_seats, context.journal, self.name))
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(outbox.run(), name="outbox")
                tasks.create_task(_live(context, parts.part("the seats"), keeper, rim, alive), name="progress")
                tasks.create_task(Apart("what the seats are told of the PBX").run(lambda: Desk(context, keeper).run()))
                tasks.create_task(Apart("the command headset_ring").run(lambda: Rings(context, keeper).run()))
                if context.config.site.role == "seat":
                    tasks.create_task(Apart("telling the seats again").run(lambda: tell_again(keeper, self._again_s)))
                if config.minutes:
                    tasks.create_task(Apart("the minutes of the headsets").run(lambda: _sum_up(context, keeper)))
                for key, path in _simulated(config):
                    life = SimLife(key, path, config.seat[key].hold or config.hold, keeper, rim)
                    tasks.create_task(Apart(f"the simulated headset at seat {key}").run(life.run))
                if wants_usb(config):
                    usb = Apart("the watch over USB headsets")
                    tasks.create_task(usb.run(lambda: Monitor(config, keeper, rim, gone.tell).run()))
                else:
                    gone.tell()
                context.watch.ready()
        except BaseExceptionGroup as faults:
            raise faults.exceptions[0] from faults
        finally:
            keeper.close()
            # Both at once: systemd waits 5 s for all of it.
            _, left = await asyncio.shield(asyncio.gather(outbox.finish(), rim.finish()))
            if left:
                _log.error("%d headsets were not given back to the kernel in time; the next start does it", left)


class _Gone:
    """Seats without a name in the configuration whose headset went while nobody looked."""

    def __init__(self, keeper: SeatKeeper, attached: frozenset[str]) -> None:
        self._keeper, self._attached = keeper, attached

    def tell(self) -> None:
        """Those that are here are told by now: the others are gone."""
        gone, self._attached = self._attached - self._keeper.seats.keys(), frozenset()
        self._keeper.emit(*(HeadsetDetached(seat=key) for key in sorted(gone)))


def _simulated(config: HeadsetsConfig) -> list[tuple[str, str]]:
    """Seat and path of each simulated headset."""
    urls = {key: headset_url(seat.url) for key, seat in config.seat.items()}
    return [(key, url.sim) for key, url in urls.items() if url.sim is not None]


def wants_usb(config: HeadsetsConfig) -> bool:
    """Whether this box looks after USB headsets: also those of which no seat is named."""
    return not config.seat or bool(usb_seats(config))


async def _sum_up(context: Context, keeper: SeatKeeper) -> None:
    """Tell each minute of the wall clock when it is over, of all seats at once."""
    minutes, clock = Minutes(), context.clock
    keeper.changed.append(minutes.feed)
    try:
        while True:
            await asyncio.sleep(_MINUTE_S - clock.wall_ns() / NS % _MINUTE_S)
            keeper.emit(*minutes.end(clock.mono_ns()))
    finally:
        keeper.changed.remove(minutes.feed)
        keeper.emit(*minutes.end(clock.mono_ns()))


async def _live(context: Context, watch: Part, keeper: SeatKeeper, rim: Rim, alive: Alive | None) -> None:
    """Let the watchdog, and whoever looks at the lock, know that the loop turns and that devices can be opened and written."""
    clock, loop = context.clock, asyncio.get_running_loop()
    while True:
        if not rim.is_hung():
            watch.progress()
        context.watch.status(_status(keeper))
        if alive is not None:
            alive.saw("headsets", Sight(clock.boot, clock.mono_ns(), clock.wall_ns()))
        await asyncio.sleep(_PROGRESS_S - loop.time() % _PROGRESS_S)  # in one waking with the others that look every second


def _status(keeper: SeatKeeper) -> str:
    """In a line, for people."""
    seats = keeper.seats.values()
    plugged, failed = sum(seat.attached is True for seat in seats), sum(seat.fault is not None for seat in seats)
    return f"{plugged} headset{'' if plugged == 1 else 's'} plugged in" + (f", {failed} with a fault" if failed else "")


def _alive(run_dir: Path | None, name: str) -> Alive | None:
    if run_dir is None:
        return None
    try:
        return Alive.open(run_dir, name)
    except BlockingIOError as fault:
        text = f"another process already reads the headsets of this box ({run_dir}); stop it first"
        raise TransientError(text) from fault
