"""The box's housekeeping: whichever process holds `run_dir/box.lock` watches the clock, tends the journal, says how things stand.

Any process of the box may be the one; when it dies the kernel frees the lock and another takes over within a second.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
from collections.abc import Callable, Coroutine, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

import msgspec

from appliance.core.catalogue import BoxClockStepped, BoxHealth
from appliance.core.clock import NS, Clock
from appliance.core.config import Config
from appliance.core.disk import READONLY, free_bytes, is_readonly
from appliance.core.errors import CallfloorError, CorruptError
from appliance.core.event import ClockQuality, Entry, Event, stored_from_body
from appliance.core.journal import Journal, Limits
from appliance.core.pace import SLOW_S
from appliance.core.store import WAL_BYTES, identity_of
from appliance.runner_check import AFTER_START_S, faults_of

if TYPE_CHECKING:
    from appliance.box.watch import BoardWatch

_log = logging.getLogger("callfloor.house")

STEP_NS: Final = NS // 2
_RETRY_S: Final = 5.0
#: The same fault is logged again when it had been away for so long.
_AGAIN_S: Final = 60.0
#: Free disk space under which the box warns, and under which it cannot go on for long.
_DISK_AMBER: Final = 500 * 1024**2
_DISK_RED: Final = 50 * 1024**2

#: The clock is looked at once a second; the journal, whose budget has room for a tenth more, is tended at every fourth look.
_LOOKS_PER_UPKEEP: Final = 4
#: Four times its working size: a reader that never ends keeps the write-ahead log from being reused.
_WAL_AMBER: Final = 4 * WAL_BYTES

Level = Literal["ok", "amber", "red"]


class Tended(Journal, Protocol):
    """A journal that wants regular care. `met`: the last fault that a read met; who sees to it sets it to None."""

    met: CallfloorError | None

    def upkeep(self) -> object:
        """Retention and shedding, in one small step. Blocks; call every few seconds."""
        ...

    def replace_damaged(self, reason: str) -> None:
        """Set the file aside whole and begin a new epoch. Blocks."""
        ...


class ClockWatch:
    """Compares wall − monotonic with what the journal was last told, in this boot. Pure but for the clock it is given."""

    def __init__(self, clock: Clock, offset_ns: int | None = None, quality: ClockQuality | None = None) -> None:
        self._clock = clock
        self.offset_ns = clock.wall_ns() - clock.mono_ns() if offset_ns is None else offset_ns
        self.quality = quality or clock.quality()

    def look(self) -> BoxClockStepped | None:
        """The step or the change of quality since the last look, or None.

        Slewing moves both clocks alike, so that a changed offset is always a step; small ones add up until they count.
        """
        offset_ns, quality = self._clock.wall_ns() - self._clock.mono_ns(), self._clock.quality()
        step_ns = offset_ns - self.offset_ns
        if abs(step_ns) <= STEP_NS and quality == self.quality:
            return None
        self.offset_ns, self.quality = offset_ns, quality
        return BoxClockStepped(offset_ns=offset_ns, by_s=round(step_ns / NS, 3), quality=quality)


def offset_from_rows(rows: Sequence[Entry], boot: str) -> tuple[int, ClockQuality] | None:
    """What the journal knows of this boot's wall − monotonic offset and clock quality; None when it holds nothing of this boot.

    The last `box.clock_stepped` of this boot counts, else the first row: a step while no process of the box ran shows as a difference.
    """
    known: tuple[int, ClockQuality] | None = None
    for row in rows:
        try:
            stored = stored_from_body(row.body)
            if stored.boot != boot:
                continue
            if stored.kind == "box.clock_stepped":
                stepped = msgspec.json.decode(stored.data, type=BoxClockStepped)
                known = (stepped.offset_ns, stepped.quality)
            elif known is None:
                known = (stored.wall_ns - stored.mono_ns, stored.clock)
        except msgspec.DecodeError:
            continue  # damage is the journal's own check to tell
    return known


class Housekeeper:
    """One per process; does its duties only while it holds the box's lock."""

    def __init__(
        self,
        config: Config,
        journal: Tended,
        clock: Clock,
        run_dir: Path,
        *,
        every_s: float = 1.0,
        check_after_s: float = AFTER_START_S,
        root: Path = Path("/"),
        beside: Sequence[Callable[[], Coroutine[Any, Any, None]]] = (),
    ) -> None:
        """`beside`: what else one process of the box does, and no other; it ends by cancellation alone."""
        self._config, self._journal, self._clock, self._every_s = config, journal, clock, every_s
        self._check_after_s = check_after_s
        self._root, self._beside = root, tuple(beside)
        self._lock = run_dir / "box.lock"
        self._levels: dict[str, Level] = {}
        self._epoch = journal.epoch
        self._board: BoardWatch | None = None

    async def run(self) -> None:
        """Wait for the lock, then keep house until cancelled. A fault is logged once while it lasts, and everything tried again soon."""
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
        try:
            async with asyncio.TaskGroup() as duties:
                duties.create_task(self._see_to_damage())
                await self._own(descriptor)
                duties.create_task(self._always())
                duties.create_task(self._check())
                for duty in self._beside:
                    duties.create_task(duty())
        finally:
            os.close(descriptor)

    async def _own(self, descriptor: int) -> None:
        while not _locked(descriptor):  # noqa: ASYNC110 - the kernel rings no bell when another process lets go
            await asyncio.sleep(self._every_s)

    async def _always(self) -> None:
        said, failed_s = "", -_AGAIN_S
        while True:
            try:
                await self._keep()
            except Exception as fault:  # noqa: BLE001, RUF100 - the house is kept whatever befalls one of its duties
                now_s = asyncio.get_running_loop().time()
                if str(fault) != said or now_s - failed_s > _AGAIN_S:
                    said = str(fault)
                    foreign = None if isinstance(fault, CallfloorError) else fault
                    _log.error("housekeeping failed, tried again every %.0f s: %s", _RETRY_S, fault, exc_info=foreign)
                failed_s = now_s
                await asyncio.sleep(_RETRY_S)

    async def _check(self) -> None:
        """The full check, once after the start; a damaged file is set aside whole, and its successor says why."""
        await asyncio.sleep(self._check_after_s)
        await self._examine()

    async def _see_to_damage(self) -> None:
        """Damage that a reader of this process meets: commits may go well beside it for ever, so nobody else would mend it."""
        while True:
            await asyncio.sleep(self._every_s)
            if isinstance(self._journal.met, CorruptError):
                self._journal.met = None
                if not await self._examine():
                    await asyncio.sleep(_AGAIN_S)  # it is being replaced by another process, or the check could not be made

    async def _examine(self) -> bool:
        """Whether the file was found damaged, and is set aside."""
        path = self._config.journal.path
        epoch, there = self._journal.epoch, identity_of(path)
        faults = await faults_of(path)
        if not faults or self._journal.epoch != epoch or identity_of(path) != there:
            return False
        _log.error("the journal is damaged and is set aside: %s", "; ".join(faults[:5]))
        try:
            await asyncio.to_thread(self._journal.replace_damaged, faults[0])
        except (CallfloorError, OSError) as fault:
            _log.error("the damaged journal could not be set aside, tried again: %s", fault)
            return False
        return True

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        head = self._journal.head().seq
        known = offset_from_rows(self._journal.read(max(0, head - 500)), self._clock.boot)
        watch = ClockWatch(self._clock, *known) if known else ClockWatch(self._clock)
        for turn in count():
            await self._watch_clock(watch)
            if turn % _LOOKS_PER_UPKEEP == 0:
                try:
                    await asyncio.to_thread(self._journal.upkeep)
                finally:  # a journal that cannot be tended is the time to say how things stand
                    await self._tell(await asyncio.to_thread(self._findings))
            await asyncio.sleep(self._every_s - loop.time() % self._every_s)

    async def _watch_clock(self, watch: ClockWatch) -> None:
        step = watch.look()
        if step is not None:
            _log.warning("the clock was stepped by %.3f s and is now %s", step.by_s, step.quality)
            await self._emit(step)

    def _findings(self) -> list[BoxHealth]:
        folder = self._config.journal.path.parent
        return [
            clock_health(self._clock.quality()),
            disk_health(free_bytes(folder), readonly=is_readonly(folder)),
            journal_health(self._journal.limits()),
            *self._board_findings(),
        ]

    def _board_findings(self) -> list[BoxHealth]:
        """How the board is that all this runs on; its readers are imported at the first look, in the thread that looks."""
        if self._board is None:
            from appliance.box.watch import BoardWatch  # noqa: PLC0415 - not on the way to the first event

            self._board = BoardWatch(self._root)
        return self._board.look(self._clock.mono_ns())

    async def _tell(self, findings: Sequence[BoxHealth]) -> None:
        """Append what changed its level; after a start and in a new journal the first finding of each, whatever it is."""
        if self._journal.epoch != self._epoch:
            self._epoch = self._journal.epoch
            self._levels.clear()
        for finding in findings:
            if self._levels.get(finding.id) != finding.level:
                if finding.level != "ok":
                    _log.warning("%s: %s", finding.id, finding.text)
                await self._emit(finding)
                self._levels[finding.id] = finding.level

    async def _emit(self, data: BoxHealth | BoxClockStepped) -> None:
        kind = "box.health" if isinstance(data, BoxHealth) else "box.clock_stepped"
        clock = self._clock
        await self._journal.appended([Event(kind, "box/box", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data)])


def clock_health(quality: ClockQuality) -> BoxHealth:
    """How far the time of day can be trusted. A plausible time that nobody disciplines is said, and no trouble for a floor."""
    if quality == "unset":
        return BoxHealth(id="clock", level="red", text="the time of day is not set; connect the box to a time server")
    if quality == "holdover":
        return BoxHealth(id="clock", level="ok", text="the time of day is plausible, and not synchronised")
    return BoxHealth(id="clock", level="ok")


def disk_health(free: int, *, readonly: bool = False) -> BoxHealth:
    """The disk where the journal lies: `free` bytes left, and whether it is written to at all."""
    if readonly:
        return BoxHealth(id="disk", level="red", text=READONLY)
    level: Level = "red" if free < _DISK_RED else "amber" if free < _DISK_AMBER else "ok"
    text = "" if level == "ok" else f"{free // 1024**2} MiB left where the journal lies; free some space"
    return BoxHealth(id="disk", level=level, text=text)


def journal_health(limits: Limits) -> BoxHealth:
    """The journal's budget."""
    share = limits.bytes_used / limits.max_bytes if limits.max_bytes else 0.0
    if limits.full:
        text = f"the disk takes no more events ({share:.0%} of the budget used); what waits in memory follows once it does"
        return BoxHealth(id="journal", level="red", text=text)
    if limits.wal_bytes > _WAL_AMBER:
        text = f"the journal's log has grown to {limits.wal_bytes // 1024**2} MiB: a reader holds it open; restart the services"
        return BoxHealth(id="journal", level="amber", text=text)
    if limits.commit_s is not None and limits.commit_s > SLOW_S:
        text = f"the disk takes {limits.commit_s:.1f} s for a commit: boards and commands are late by that; the card may be near its end"
        return BoxHealth(id="journal", level="amber", text=text)
    if limits.pressure:
        return BoxHealth(id="journal", level="amber", text=f"the journal holds {share:.0%} of its budget; headset events are not recorded")
    return BoxHealth(id="journal", level="ok")


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
