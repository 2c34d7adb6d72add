"""Decides whether the screen lives: the browser is begun once the board answers, and only frames that were painted feed the watchdog.

A white, frozen or crashed page paints nothing: systemd then kills browser and compositor together and begins them anew. A board that
is away is no fault of the browser's: the page says itself that it hears nothing, and goes on painting.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from appliance.core.errors import TransientError
from appliance.kiosk.beat import Beat
from appliance.kiosk.browser import command, environment
from appliance.kiosk.plan import BEAT_PORT, Plan
from appliance.notify import Notifier

_log = logging.getLogger("callfloor.kiosk")

#: From the browser's begin to its first frame, on a small board with a cold card; after that a frame comes every few seconds.
FIRST_FRAME_S: Final = 90.0
NEXT_FRAME_S: Final = 20.0
#: Another time for the first frame, 10 to 900 s, where there is neither graphics processor nor a quick one: an emulated box.
_VARIABLE: Final = "CALLFLOOR_KIOSK_FIRST_FRAME_S"
_TURN_S: Final = 1.0
_END_S: Final = 4.0


def first_frame_s(environment: Mapping[str, str]) -> float:
    """How long the first frame may take.

    >>> first_frame_s({}), first_frame_s({"CALLFLOOR_KIOSK_FIRST_FRAME_S": "300"}), first_frame_s({"CALLFLOOR_KIOSK_FIRST_FRAME_S": "1"})
    (90.0, 300.0, 10.0)
    """
    text = environment.get(_VARIABLE, "")
    return min(900.0, max(10.0, float(text))) if text.isdigit() else FIRST_FRAME_S


class Kiosk:
    """One screen, until stopped. Raises TransientError when the browser ends by itself: systemd begins everything anew."""

    def __init__(
        self,
        plan: Plan,
        notifier: Notifier,
        *,
        words: Sequence[str] | None = None,
        port: int = BEAT_PORT,
        first_frame_s: float = FIRST_FRAME_S,
        next_frame_s: float = NEXT_FRAME_S,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """`words`: another way to begin the browser than on the box's own screen."""
        self._plan, self._notifier, self._port, self._wall_ns = plan, notifier, port, wall_ns
        self._words = list(words) if words is not None else command(plan.browser, plan.url)
        self._first_s, self._next_s = first_frame_s, next_frame_s
        self._browser: asyncio.subprocess.Process | None = None
        self._began_s = 0.0
        self._told = ""
        self.beat = Beat()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; the browser is gone when this returns."""
        try:
            async with self.beat.listening(self._port):
                self._notifier.status("beginning")
                self._notifier.ready()
                while not stop.is_set():
                    await self._turn()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_TURN_S):
                            await stop.wait()
        finally:
            self._notifier.stopping()
            await self._end()

    async def _turn(self) -> None:
        if self._plan.is_dark(self._wall_ns()):
            await self._end()
            self._say("the screen is off by its schedule")
            self._notifier.alive()
        elif self._browser is None:
            if await self._answers():
                await self._begin()
            else:
                self._say(f"waiting for the board at {self._plan.host}:{self._plan.port}")
            self._notifier.alive()
        elif self._browser.returncode is not None:
            text = f"the browser ended by itself (exit code {self._browser.returncode})"
            raise TransientError(text)
        elif self.is_alive(time.monotonic()):
            self._say(f"showing {self._plan.url}" if self.beat.painted_s is not None else "the browser begins")
            self._notifier.alive()
        else:
            self._say("no frame is painted: the browser is not fed any more")

    def is_alive(self, now_s: float) -> bool:
        """Whether the page painted of late, or still has time to begin."""
        painted_s = self.beat.painted_s
        if painted_s is None or painted_s < self._began_s:
            return now_s - self._began_s < self._first_s
        return now_s - painted_s < self._next_s

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(2.0):
                _, writer = await asyncio.open_connection(self._plan.host, self._plan.port)
        except (TimeoutError, OSError):
            return False
        writer.close()
        return True

    async def _begin(self) -> None:
        self._began_s = time.monotonic()
        env = environment(self._plan.browser, os.environ)
        # Not the browser's to speak: systemd hears the wrapper alone.
        for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "CREDENTIALS_DIRECTORY"):
            env.pop(name, None)
        try:
            self._browser = await asyncio.create_subprocess_exec(*self._words, env=env, start_new_session=True)
        except OSError as fault:
            text = f"{self._words[0]} cannot be begun: {fault.strerror}; install it: apt install cage seatd cog"
            raise TransientError(text) from fault

    async def _end(self) -> None:
        browser, self._browser = self._browser, None
        if browser is None or browser.returncode is not None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(browser.pid, number)
            with suppress(TimeoutError):
                async with asyncio.timeout(_END_S):
                    await browser.wait()
                    return

    def _say(self, text: str) -> None:
        if text != self._told:
            self._told = text
            _log.info("%s", text)
        self._notifier.status(text)
