"""What `callfloor run` does, in order: open the journal, record the start, then bring up everything else.

The first event is durable before asyncio or any service is imported: a box that is switched on sees something as
soon as it can remember it.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

from appliance import registry
from appliance.core.catalogue import BoxStarted
from appliance.core.clock import Clock, SystemClock
from appliance.core.config import Config
from appliance.core.due import due_from_config
from appliance.core.errors import FullError, MisconfiguredError, TransientError
from appliance.core.event import Event
from appliance.core.headset_config import HeadsetsConfig
from appliance.core.journal_sqlite import SqliteJournal
from appliance.core.upkeep import Callers
from appliance.version import VERSION

if TYPE_CHECKING:
    import asyncio


#: Draining the services and closing the journal; after that the process leaves behind whatever still hangs.
LEAVE_S: Final = 4.9


def run(config: Config, names: Sequence[str] = (), *, verbose: bool = False) -> int:
    """Run the named services (all that are enabled when none is named) until SIGTERM or SIGINT; return the exit code.

    Raises MisconfiguredError for an unknown service or when nothing is enabled, TransientError when a service already
    runs elsewhere on this journal, and what opening the journal raises.
    """
    chosen = tuple(dict.fromkeys(names)) or registry.enabled(config)
    if not chosen:
        text = "the configuration enables no service: it needs a [pbx.NAME], a [crm] or a [wallboard.tv] at least"
        raise MisconfiguredError(text)
    for name in chosen:
        registry.where(name)
    make_folders(config)
    with ExitStack() as held:
        for name in chosen:
            held.enter_context(_only_one(config, name))
        clock = SystemClock()
        journal = open_journal(config, clock)
        held.callback(journal.close)
        try:
            journal.append([started(clock, chosen)])
        except FullError as fault:
            # The boards can say so all the same, and what the CRM takes and retention lets go makes room.
            sys.stderr.write(f"callfloor run: {fault}\n")
        return _serve(config, journal, clock, chosen, verbose=verbose)


def open_journal(config: Config, clock: Clock) -> SqliteJournal:
    """Open the configured journal for writing. Raises CallfloorErrors whose texts name the file and the mend."""
    site = config.journal
    return SqliteJournal.open(
        site.path,
        run_dir=run_dir_of(config),
        due=due_from_config(config),
        keep_days=site.keep_days,
        headset_days=(config.headsets or HeadsetsConfig()).keep_days,
        callers=callers_of(config),
        max_bytes=site.max_bytes,
        clock=clock,
    )


def callers_of(config: Config) -> Callers | None:
    """For how long callers' numbers stay; None: as long as the journal keeps them."""
    if config.privacy.callers_days is None:
        return None
    return Callers(config.privacy.callers_days, config.privacy.callers)


def make_folders(config: Config) -> None:
    """Make the folders for the journal and the run files. Raises MisconfiguredError where that is not allowed."""
    for folder, key in ((config.journal.path.parent, "path"), (run_dir_of(config) / "running", "run_dir")):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            text = f"the folder {folder} cannot be made: {fault.strerror}; mend the rights above it, or [journal] {key}"
            raise MisconfiguredError(text) from fault


def run_dir_of(config: Config) -> Path:
    """Where bells, locks and stamps lie: as configured, else beside the journal."""
    site = config.journal
    return site.run_dir or site.path.parent / "run"


def started(clock: Clock, services: Sequence[str]) -> Event:
    """The event that says that a process of the box began."""
    data = BoxStarted(version=VERSION, services=tuple(services))
    return Event("box.started", "box/box", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data)


def _serve(config: Config, journal: SqliteJournal, clock: Clock, names: Sequence[str], *, verbose: bool) -> int:
    import asyncio  # noqa: PLC0415 - the first event is durable before this is read

    from appliance.core.meter import Meter  # noqa: PLC0415
    from appliance.metrics.process import answering, listeners_of  # noqa: PLC0415
    from appliance.notify import Notifier  # noqa: PLC0415
    from appliance.runner_house import Housekeeper  # noqa: PLC0415
    from appliance.runner_log import set_up  # noqa: PLC0415
    from appliance.runner_supervise import Supervisor  # noqa: PLC0415

    set_up("-".join(names), verbose=verbose)

    async def serve() -> list[str]:
        stop, meter, run_dir = asyncio.Event(), Meter(), run_dir_of(config)
        supervisor = Supervisor(config, journal, clock, names, notifier=Notifier.from_environment(), meter=meter)
        house = Housekeeper(config, journal, clock, run_dir, beside=listeners_of(config, journal, meter))
        with signals(stop):
            keeper = asyncio.create_task(house.run(), name="housekeeper")
            try:
                async with answering(run_dir, names, meter, journal, supervisor.posts):
                    return await supervisor.run(stop)
            finally:
                keeper.cancel()
                await asyncio.wait({keeper}, timeout=0.3)

    with asyncio.Runner() as loop:
        behind = loop.run(serve())
        if behind:
            # The loop would wait for them at its end; what they had appended is durable already.
            journal.close()
            os._exit(1)
    return 0


@contextmanager
def signals(stop: asyncio.Event, leave_s: float = LEAVE_S) -> Iterator[None]:
    """The first SIGTERM, SIGINT or SIGHUP sets `stop`; the second leaves at once; a drain that hangs is left after leave_s.

    Plain handlers instead of the loop's: they also run while a service keeps the loop busy.
    """
    import asyncio  # noqa: PLC0415

    loop = asyncio.get_running_loop()
    seen = 0

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal seen
        seen += 1
        if seen > 1:
            os._exit(1)
        loop.call_soon_threadsafe(stop.set)
        hang = threading.Timer(leave_s, os._exit, (1,))
        hang.daemon = True
        hang.start()

    taken = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup means that a closed terminal is no reason to stop
        taken.append(signal.SIGHUP)
    before = {number: signal.signal(number, handle) for number in taken}
    try:
        yield
    finally:
        if not seen:
            for number, old in before.items():
                signal.signal(number, old)


@contextmanager
def _only_one(config: Config, name: str) -> Iterator[None]:
    """Hold the lock that says that this service runs on this journal. Raises TransientError when somebody has it."""
    place = run_dir_of(config) / "running" / f"{name}.lock"
    try:
        descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
    except OSError as fault:
        text = f"{place} cannot be written: {fault.strerror}; mend its rights or set [journal] run_dir"
        raise MisconfiguredError(text) from fault
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as fault:
        who = os.pread(descriptor, 20, 0).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise TransientError(f"service {name} already runs on {config.journal.path} (process {who}); stop that one first") from fault
    try:
        with suppress(OSError):  # the number is a courtesy, and a full disk is the journal's to tell
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)
