"""How services live in one process: started in order, watched, restarted with back-off, drained in reverse.

A service that raises is restarted after 1, 2, 4 … 30 s; the first fault and the recovery are `box.health` events
(`service.NAME`), each fault is a log line. After a minute without a fault the back-off begins again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from appliance import registry
from appliance.core.catalogue import BoxHealth
from appliance.core.clock import Clock
from appliance.core.config import Config
from appliance.core.errors import CallfloorError
from appliance.core.journal import Journal
from appliance.core.meter import Meter
from appliance.notify import Notifier
from appliance.runner_log import printable
from appliance.service import Context, Service

_log = logging.getLogger("callfloor.runner")

#: With closing the journal a process is gone within five seconds.
DRAIN_S: Final = 4.0
#: A service that shows no progress for this long does not feed the watchdog any more …
STUCK_S: Final = 20.0
#: … and after so much more the process asks to be killed: it is gone as soon as one whose loop stands still.
GIVE_UP_S: Final = 10.0


class Backoff(Struct, frozen=True):
    """How long to wait before the next start: doubling from `first_s` to `most_s`.

    A service that has been ready for `well_s` is well again; one that ran for `forget_s` begins at `first_s` again.
    """

    first_s: float = 1.0
    most_s: float = 30.0
    well_s: float = 5.0
    forget_s: float = 60.0

    def wait_s(self, failures: int) -> float:
        """The wait after so many failures in a row (1 or more).

        >>> [Backoff().wait_s(n) for n in (1, 2, 5, 6, 1000)]
        [1.0, 2.0, 16.0, 30.0, 30.0]
        """
        return float(min(self.most_s, self.first_s * 2 ** min(failures - 1, 16)))


class Post:
    """One service's place in the process: its task, its word, its failures. It is the service's `Watch`."""

    def __init__(self, name: str, on_ready: Callable[[], None]) -> None:
        self.name = name
        self.running = False
        self.is_ready = asyncio.Event()
        self.failures = self.failures_ever = 0
        self.text = "starting"
        self.fault: str | None = None
        self.level: str | None = None
        self.seen_s = time.monotonic()
        self.task: asyncio.Task[None] | None = None
        self._on_ready = on_ready

    def ready(self) -> None:
        self.fault = None
        self.is_ready.set()
        if self.text == "starting":
            self.text = "ready"
        self.progress()
        self._on_ready()

    def progress(self) -> None:
        self.seen_s = time.monotonic()

    def status(self, text: str) -> None:
        self.text = text

    def is_up(self) -> bool:
        """Whether it runs and does its job."""
        return self.running and self.is_ready.is_set()

    def stuck_s(self) -> float:
        """For how long a running service has shown no progress; 0 while it is between two starts."""
        return time.monotonic() - self.seen_s if self.running else 0.0


class Supervisor:
    """Runs the named services over one journal until told to stop."""

    def __init__(
        self,
        config: Config,
        journal: Journal,
        clock: Clock,
        names: Sequence[str],
        *,
        notifier: Notifier | None = None,
        backoff: Backoff | None = None,
        make: Callable[[str], Service] = registry.service,
        stuck_s: float = STUCK_S,
        give_up_s: float = GIVE_UP_S,
        meter: Meter | None = None,
    ) -> None:
        self.meter = Meter() if meter is None else meter
        self._config, self._journal, self._clock, self._make = config, journal, clock, make
        self._notifier = notifier or Notifier()
        self._backoff = backoff or Backoff()
        self._box = Context(config, journal, clock, Post("box", lambda: None), "box", self.meter)
        self.posts = [Post(name, self._someone_ready) for name in names]
        self._stuck_s, self._give_up_s = stuck_s, give_up_s
        self._said_ready = self._stopping = False

    async def run(self, stop: asyncio.Event) -> list[str]:
        """Start every service in order, tend them until `stop` is set, drain them in reverse order; return those that would not stop.

        Raises what befell the supervision itself, after the drain: then the process must be started anew.
        """
        for post in self.posts:
            post.task = asyncio.create_task(self._keep(post), name=post.name)
            await asyncio.sleep(0)
        own = [asyncio.create_task(self._tend(), name="tend"), asyncio.create_task(_until(stop), name="stop")]
        try:
            await asyncio.wait([*own, *(post.task for post in self.posts if post.task)], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._notifier.stopping()
            left = await self._drain()
            for task in own:
                task.cancel()
            ends = await asyncio.gather(*own, *(post.task for post in self.posts if post.task and post.task.done()), return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end
        return left

    async def _keep(self, post: Post) -> None:
        """Run one service again and again."""
        while True:
            started_s = time.monotonic()
            post.running, post.text = True, "starting"
            post.is_ready.clear()
            post.progress()
            recovery = asyncio.create_task(self._recovery(post))
            fault: BaseException | None = None
            try:
                service = self._make(post.name)
                await service.run(Context(self._config, self._journal, self._clock, post, post.name, self.meter))
            except asyncio.CancelledError as caught:
                if self._stopping:
                    raise
                fault = caught  # it cancelled itself: as dead as by any other fault
            except Exception as caught:  # noqa: BLE001, RUF100 - the one place where a service's death ends
                if self._stopping:
                    _log.error("service %s failed while it was stopped: %s", post.name, printable(str(caught)))
                    return
                fault = caught
            finally:
                post.running = False
                recovery.cancel()
            _uncancelled()
            if time.monotonic() - started_s > self._backoff.forget_s:
                post.failures = 0
            await self._failed(post, fault)

    async def _failed(self, post: Post, fault: BaseException | None) -> None:
        post.failures += 1
        post.failures_ever += 1
        wait_s = self._backoff.wait_s(post.failures)
        if fault is None:
            what = "ended by itself"
        elif isinstance(fault, CallfloorError):
            what = str(fault)
        else:
            what = f"{type(fault).__name__}: {fault}"
        post.fault = post.text = printable(what)
        foreign = fault if fault is not None and not isinstance(fault, CallfloorError) else None
        _log.error("service %s stopped: %s; again in %.0f s (failure %d)", post.name, what, wait_s, post.failures, exc_info=foreign)
        self._someone_ready()
        await self._health(post, "red", post.fault)
        await asyncio.sleep(wait_s)

    async def _recovery(self, post: Post) -> None:
        """Say that the service is well once it has been ready for a few seconds (at once when it never failed)."""
        await post.is_ready.wait()
        if post.failures:
            await asyncio.sleep(self._backoff.well_s)
        await self._health(post, "ok", "")

    async def _health(self, post: Post, level: str, text: str) -> None:
        if post.level == level:
            return
        try:
            await self._box.emit(BoxHealth(id=f"service.{post.name}", level="red" if level == "red" else "ok", text=text))
            post.level = level
        except (CallfloorError, OSError) as fault:
            _log.error("the state of service %s could not be recorded: %s", post.name, fault)

    def _someone_ready(self) -> None:
        if not self._said_ready and all(post.is_ready.is_set() or post.failures for post in self.posts):
            self._said_ready = True
            self._notifier.status(self._status())
            self._notifier.ready()
            _log.info("up: %s", ", ".join(f"{post.name} ({post.text})" if post.fault else post.name for post in self.posts))

    async def _tend(self) -> None:
        """Feed systemd's watchdog while every service moves; name the one that does not."""
        every_s = min(1.0, (self._notifier.watchdog_s or 4.0) / 4)
        stuck: set[str] = set()
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(every_s - loop.time() % every_s)  # in one waking with the others that look every second
            now_stuck = {post.name for post in self.posts if post.stuck_s() > self._stuck_s}
            for post in self.posts:
                if post.name in now_stuck - stuck:
                    _log.error("service %s shows no progress for %.0f s", post.name, post.stuck_s())
                    await self._health(post, "red", f"no progress for {post.stuck_s():.0f} s")
                elif post.name in stuck - now_stuck and post.running:
                    await self._health(post, "ok", "")
            stuck = now_stuck
            if not stuck:
                self._notifier.alive()
            for post in self.posts:
                # A start may take its time: until a service is ready systemd's own limit counts.
                if post.is_ready.is_set() and post.stuck_s() > self._stuck_s + self._give_up_s:
                    _log.error("service %s shows no progress for %.0f s: to be killed and begun again", post.name, post.stuck_s())
                    self._notifier.hung()
            self._notifier.status(self._status())

    def _status(self) -> str:
        """How each service is, in one line for `systemctl status`."""
        return "; ".join(f"{post.name}: {post.text}" for post in self.posts)

    async def _drain(self) -> list[str]:
        """Cancel in reverse order, each service with an equal share of what is left of the drain time."""
        self._stopping = True
        end_s = time.monotonic() + DRAIN_S
        behind: list[str] = []
        left = [post for post in reversed(self.posts) if post.task is not None]
        while left:
            post = left.pop(0)
            assert post.task is not None
            post.task.cancel()
            share_s = max(0.1, (end_s - time.monotonic()) / (len(left) + 1))
            _, waiting = await asyncio.wait({post.task}, timeout=share_s)
            if waiting:
                behind.append(post.name)
                _log.error("service %s did not stop within %.1f s and is left behind", post.name, share_s)
        return behind


def _uncancelled() -> None:
    """Take back what a task group of the service's left behind: until Python 3.13 one that failed leaves its parent marked as cancelled."""
    task = asyncio.current_task()
    while task is not None and task.uncancel():
        pass


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()
