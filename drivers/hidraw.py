"""Decides how a headset is *watched*: its hidraw node is opened to read, never written, and the kernel keeps its driver.

It belongs to a softphone on this machine, which answers its presses and sets its lamps; every reader of hidraw sees every report.
"""

from __future__ import annotations

import asyncio
import errno
import os
import select
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from appliance.core.errors import CallfloorError, DeniedError, TransientError, UnpluggedError
from drivers.hid_device import Heard, HidInfo, Lost
from drivers.hid_fault import fault_of
from drivers.hid_sysfs import driver_of, still_there

#: The longest report that the kernel hands out (HID_MAX_BUFFER_SIZE).
_LONGEST_BYTES: Final = 16384
#: Reports taken at one turn of the loop, so that a device that floods leaves turns to the others.
_AT_ONCE: Final = 64


def open_watch(info: HidInfo, *, now_ns: Callable[[], int] = time.monotonic_ns) -> Hidraw:
    """Open a listed headset to read along. Raises UnpluggedError when it is gone, DeniedError without the right to its node or while a
    program has taken it from the kernel."""
    if info.hidraw is None or info.descriptor is None:
        raise fault_of(info, "opening it", OSError(errno.EBUSY, ""))
    try:
        file = os.open(info.hidraw, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise fault_of(info, "opening it", error, info.hidraw) from error
    # The number of a node is given anew at once: it is ours only if it stood for this plugging after it was opened.
    if not still_there(info) or not any(Path(info.folder).glob(f"*/hidraw/{Path(info.hidraw).name}")):
        os.close(file)
        raise UnpluggedError(f"{info}: it was pulled before it could be opened; plug it in again")
    return Hidraw(info, info.descriptor, file, now_ns)


class Hidraw:
    """A watched headset (`HidDevice`)."""

    #: The kernel drops without a word what is not read (64 reports a reader); we count only what we drop, which is nothing.
    dropped = 0

    def __init__(self, info: HidInfo, descriptor: bytes, file: int, now_ns: Callable[[], int]) -> None:
        self.info = info
        self._descriptor, self._now_ns = descriptor, now_ns
        self._file: int | None = file
        self._loop: asyncio.AbstractEventLoop | None = None

    def __enter__(self) -> Hidraw:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def report_descriptor(self) -> bytes:
        return self._descriptor

    def read(self, timeout_s: float) -> bytes | None:
        file = self._opened()
        waiting = select.poll()
        waiting.register(file, select.POLLIN)
        if not waiting.poll(timeout_s * 1000):
            return None
        return self._take(file)

    def _take(self, file: int) -> bytes | None:
        """The next report that is there; None: there is none."""
        try:
            report = os.read(file, _LONGEST_BYTES)
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno == errno.EIO:  # what hidraw says once its device, or the kernel's driver for it, has gone
                raise self._left() from error
            raise fault_of(self.info, "waiting for a report", error, self.info.hidraw) from error
        if not report:
            raise self._left()
        return report

    def _left(self) -> CallfloorError:
        """The kernel ends hidraw before the device leaves sysfs, so this cannot wait for that to tell who did it."""
        if driver_of(self.info) == "usbfs":
            return fault_of(self.info, "watching it", OSError(errno.EBUSY, ""))
        return UnpluggedError(f"{self.info}: it was pulled, or a program takes it from the kernel; plug it in again")

    def write(self, report: bytes) -> None:
        raise DeniedError(f"{self.info}: it is watched, and a watched headset is never written; own it to set its lamps")

    def listen(self, loop: asyncio.AbstractEventLoop, heard: Heard, lost: Lost) -> None:
        file = self._opened()
        self._loop = loop
        loop.add_reader(file, self._readable, file, heard, lost)

    def _readable(self, file: int, heard: Heard, lost: Lost) -> None:
        for _ in range(_AT_ONCE):
            if self._file is None:  # whoever heard it has closed us
                return
            try:
                report = self._take(file)
            except CallfloorError as fault:
                self._silence()
                lost(fault)
                return
            if report is None:
                return
            heard(report, self._now_ns())

    def _silence(self) -> None:
        if self._loop is not None and self._file is not None:
            self._loop.remove_reader(self._file)
            self._loop = None

    def close(self) -> None:
        self._silence()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _opened(self) -> int:
        if self._file is None:
            raise TransientError(f"{self.info}: it is closed; open it again")
        return self._file
