"""Decides where what blocks is done, off the loop: opening, closing and writing devices, in few threads for all of them.

An opening that nobody waits for any more is closed again; whatever is closed is waited for at the end, so that the kernel has back
what it lent.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, TypeVar

from drivers.hid_device import HidDevice
from drivers.usb_hid import UsbHid

_T = TypeVar("_T")
#: A device that hangs holds a thread for seconds when it is opened or closed, for half a second when it is written.
_OPENERS, _WRITERS = 8, 4
#: What holds a thread for so long holds it for ever.
_HUNG_S: Final = 60.0
#: To give everything back; systemd waits 5 s.
_END_S: Final = 3.5


class Rim:
    """The threads. Made in the loop that uses it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._openers = ThreadPoolExecutor(_OPENERS, "headset")
        self._writers = ThreadPoolExecutor(_WRITERS, "headset lamps")
        self._ending: set[asyncio.Future[None]] = set()
        #: Since when each opening, and each write, is under way (monotonic seconds).
        self._opening: dict[object, float] = {}
        self._writing: dict[object, float] = {}

    def is_hung(self, hung_s: float = _HUNG_S) -> bool:
        """Whether devices that never answer hold all threads of a kind: nothing is opened, or nothing lit, any more."""
        late_s = time.monotonic() - hung_s
        held = (sum(since_s < late_s for since_s in jobs.values()) for jobs in (self._opening, self._writing))
        return any(count >= most for count, most in zip(held, (_OPENERS, _WRITERS), strict=True))

    async def open(self, opener: Callable[[], HidDevice]) -> HidDevice:
        """Open it. Raises as the opener does; cancelled, it is closed as soon as it is open."""
        opening = self._under_way(self._opening, self._loop.run_in_executor(self._openers, opener))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            self._keep(asyncio.ensure_future(self._close_late(opening)))
            raise

    def write(self, device: HidDevice, reports: Sequence[bytes]) -> asyncio.Future[None]:
        """Write these in order, to the first that fails."""
        return self._under_way(self._writing, self._loop.run_in_executor(self._writers, _write, device, reports))

    def close(self, device: HidDevice, after: asyncio.Future[None] | None = None) -> asyncio.Future[None]:
        """Close it, when the write under way is over: to close under it would crash libusb."""
        closing = asyncio.ensure_future(self._close(device, after))
        self._keep(closing)
        return closing

    async def finish(self) -> int:
        """On the way out: wait for what is being closed; returns how many did not end in time."""
        if self._ending:
            await asyncio.wait(tuple(self._ending), timeout=_END_S)
        self._openers.shutdown(wait=False)
        self._writers.shutdown(wait=False)
        return len(self._ending)

    def _under_way(self, jobs: dict[object, float], job: asyncio.Future[_T]) -> asyncio.Future[_T]:
        jobs[job] = time.monotonic()
        job.add_done_callback(lambda done: jobs.pop(done, None))
        return job

    def _keep(self, ending: asyncio.Future[None]) -> None:
        self._ending.add(ending)
        ending.add_done_callback(self._ended)

    def _ended(self, ending: asyncio.Future[None]) -> None:
        self._ending.discard(ending)
        if not ending.cancelled() and (fault := ending.exception()) is not None:
            self._loop.call_exception_handler({"message": "a headset could not be closed", "exception": fault})

    async def _close_late(self, opening: asyncio.Future[HidDevice]) -> None:
        with suppress(Exception):  # that it could not be opened interests nobody any more
            device = await opening
            await self._loop.run_in_executor(self._openers, device.close)

    async def _close(self, device: HidDevice, after: asyncio.Future[None] | None) -> None:
        if after is not None:
            await asyncio.wait((after,))
        if isinstance(device, UsbHid):
            await self._under_way(self._opening, self._loop.run_in_executor(self._openers, device.close))
        else:
            device.close()  # it listens in this loop, and waits for nothing


def _write(device: HidDevice, reports: Sequence[bytes]) -> None:
    for report in reports:
        device.write(report)
