"""Decides how a headset is *owned*: pyusb takes the one HID interface from the kernel, and gives it back.

Its audio interfaces stay with the kernel. While it is owned, its hidraw and input nodes are gone, so that desktop and softphones do not
answer its presses too. Each owned headset has a libusb context of its own: in a shared one every waiting reader wakes at every report.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from appliance.core.errors import CallfloorError, TransientError, UnpluggedError, UnsupportedError
from drivers.hid_device import Heard, HidInfo, Lost, numbers_reports
from drivers.hid_fault import fault_of
from drivers.hid_inbox import Inbox
from drivers.hid_sysfs import Plugged

_LOG: Final = logging.getLogger(__name__)
#: How long one blocked read lasts: a wake-up a minute and device, and nothing is lost between two.
_READ_S: Final = 60.0
_WRITE_S: Final = 0.5
#: libusb contexts that nobody uses now. Never freed: pyusb may free a context before the devices in it, and libusb crashes.
_CONTEXTS: Final[list[Any]] = []
#: A reader that does not end in so long is left alone: to close its device under it would crash.
_LEAVE_S, _JOIN_S = 3.0, 0.1
#: How often a reader tries again after faults in a row, waiting longer each time, 1.5 s in all.
_TRIES: Final = 5
_FIRST_WAIT_S: Final = 0.05
#: HID 1.11, 7.2: class requests to an interface.
_TO_INTERFACE, _SET_REPORT, _SET_IDLE, _OUTPUT = 0x21, 0x09, 0x0A, 0x0200


def open_own(info: HidInfo, *, longest_input_bytes: int | None = None, now_ns: Callable[[], int] = time.monotonic_ns) -> UsbHid:
    """Take a listed headset from the kernel. `longest_input_bytes`: of its longest input report with id; it may take several USB packets.

    Raises UnpluggedError when it is gone, DeniedError without the right to it or when another program holds it, UnsupportedError without
    pyusb or libusb, TransientError when it does not take what it is told, or when a program that died left it (`repair`).
    """
    if info.descriptor is None:
        held = info.driver == "usbfs"
        raise fault_of(info, "opening it", OSError(errno.EBUSY, "")) if held else TransientError(f"{info}: it is not bound yet; list again")
    device = _find(info)
    number, taken, owned = info.interface, False, False
    try:
        endpoints = _endpoints(info, device)
        if device.is_kernel_driver_active(number):
            device.detach_kernel_driver(number)
            taken = True
        _usb().util.claim_interface(device, number)
        _report_on_change(device, number)
        owned = True
    except CallfloorError:
        raise
    except OSError as error:
        raise fault_of(info, "taking it from the kernel", error) from error
    finally:
        if not owned:
            _give_back(info, device, attach=taken)
    return UsbHid(info, info.descriptor, device, endpoints, longest_input_bytes, now_ns)


def repair(found: Plugged) -> tuple[HidInfo, ...]:
    """Give to the kernel what a program that died left without a driver; which those were. Run once at start, before anything is opened."""
    mended = []
    for info in found.left:
        try:
            device = _find(info)
        except UnpluggedError:
            continue
        if _give_back(info, device, attach=True):
            mended.append(info)
    return tuple(mended)


class UsbHid:
    """An owned headset (`HidDevice`)."""

    def __init__(
        self,
        info: HidInfo,
        descriptor: bytes,
        device: Any,
        endpoints: tuple[Any, Any],
        longest_input_bytes: int | None,
        now_ns: Callable[[], int],
    ) -> None:
        self.info = info
        self._descriptor, self._device, self._now_ns = descriptor, device, now_ns
        self._numbered = numbers_reports(descriptor)
        self._in, self._out = endpoints
        self._size = max(longest_input_bytes or 0, self._in.wMaxPacketSize)
        self._closing = threading.Event()
        self._reader: threading.Thread | None = None
        self._inbox: Inbox | None = None

    def __enter__(self) -> UsbHid:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def dropped(self) -> int:
        return self._inbox.dropped if self._inbox else 0

    def report_descriptor(self) -> bytes:
        return self._descriptor

    def read(self, timeout_s: float) -> bytes | None:
        self._check_open()
        try:
            return bytes(self._device.read(self._in.bEndpointAddress, self._size, max(1, round(timeout_s * 1000)))) or None
        except OSError as error:
            if error.errno == errno.ETIMEDOUT:
                return None
            if error.errno == errno.EPIPE:
                with suppress(OSError):  # the read after this one says what is the matter
                    self._device.clear_halt(self._in.bEndpointAddress)
            raise fault_of(self.info, "waiting for a report", error) from error

    def write(self, report: bytes) -> None:
        self._check_open()
        wait_ms = int(_WRITE_S * 1000)
        try:
            if self._out is not None:
                self._device.write(self._out.bEndpointAddress, report, wait_ms)
            else:
                value = _OUTPUT | (report[0] if self._numbered else 0)
                self._device.ctrl_transfer(_TO_INTERFACE, _SET_REPORT, value, self.info.interface, report, wait_ms)
        except OSError as error:
            raise fault_of(self.info, f"writing report {report[:1].hex()}", error) from error

    def listen(self, loop: asyncio.AbstractEventLoop, heard: Heard, lost: Lost) -> None:
        self._check_open()
        self._inbox = Inbox(loop, heard, lost)
        self._reader = threading.Thread(target=self._listen, args=(self._inbox,), name=f"headset {self.info.port}", daemon=True)
        self._reader.start()

    def _listen(self, inbox: Inbox) -> None:
        faults = 0
        while not self._closing.is_set():
            try:
                report = self.read(_READ_S)
            except TransientError as error:
                faults += 1
                if faults > _TRIES:
                    inbox.end(error)
                    return
                self._closing.wait(_FIRST_WAIT_S * 2 ** (faults - 1))
            except CallfloorError as error:
                inbox.end(error)
                return
            else:
                if report is not None:
                    faults = 0
                    inbox.put(report, self._now_ns())

    def close(self) -> None:
        if self._closing.is_set():
            return
        self._closing.set()
        if self._inbox:
            self._inbox.close()
        _give_back(self.info, self._device, attach=True, dispose=self._end_reader())

    def _end_reader(self) -> bool:
        """The kernel ends a blocked read when its interface is let go. A reader that begins another one just then claims it again
        without pyusb's knowledge (the kernel claims for whoever submits): so claim before each release, mostly for nothing."""
        for _ in range(round(_LEAVE_S / _JOIN_S)):
            if self._reader is None or not self._reader.is_alive():
                return True
            with suppress(OSError):
                _usb().util.claim_interface(self._device, self.info.interface)
                _usb().util.release_interface(self._device, self.info.interface)
            self._reader.join(_JOIN_S)
        _LOG.warning("%s: its reader did not end; it ends by itself within %d s", self.info, _READ_S)
        return False

    def _check_open(self) -> None:
        if self._closing.is_set():
            raise TransientError(f"{self.info}: it is closed; open it again")


def _give_back(info: HidInfo, device: Any, *, attach: bool, dispose: bool = True) -> bool:
    """Release, and let the kernel's driver have it again: whether it has."""
    done = False
    try:
        with suppress(OSError):  # never claimed, or gone
            _usb().util.release_interface(device, info.interface)
        if attach:
            device.attach_kernel_driver(info.interface)
            done = True
    except OSError as error:
        done = error.errno == errno.EBUSY  # somebody has bound it already
        if not done and error.errno not in (errno.ENODEV, errno.ENOENT):
            _LOG.warning("%s: the kernel did not take it back (%s); replug it", info, error)
    finally:
        if dispose:
            _usb().util.dispose_resources(device)
            _CONTEXTS.append(device.backend)
    return done


def _find(info: HidInfo) -> Any:
    """The device in a libusb context of its own."""
    try:
        usb = _usb()
    except ImportError as error:
        raise UnsupportedError(f"{info}: the package {error.name} is not installed; install callfloor[headsets]") from error
    # Named here: to look for it by itself, pyusb runs ldconfig and a compiler.
    shared = usb.backend.libusb1.get_backend(lambda _name: "libusb-1.0.so.0")
    if shared is None:
        raise UnsupportedError(f"{info}: there is no libusb here; install libusb-1.0-0")
    context = _CONTEXTS.pop() if _CONTEXTS else type(shared)(shared.lib)
    device = usb.core.find(backend=context, custom_match=lambda each: (each.bus, each.address) == (info.bus, info.address))
    if device is None:
        _CONTEXTS.append(context)
        raise UnpluggedError(f"{info}: it was pulled before it could be opened; plug it in again")
    return device


def _usb() -> Any:
    import usb.backend.libusb1  # type: ignore[import-untyped]  # noqa: PLC0415 - only where there are headsets
    import usb.core  # type: ignore[import-untyped]  # noqa: PLC0415
    import usb.util  # type: ignore[import-untyped]  # noqa: PLC0415

    return usb


def _endpoints(info: HidInfo, device: Any) -> tuple[Any, Any]:
    """Interrupt IN, and interrupt OUT where there is one."""
    interface = _usb().util.find_descriptor(device.get_active_configuration(), bInterfaceNumber=info.interface)
    into = next((each for each in interface or () if each.bEndpointAddress & 0x80), None)
    if into is None:
        raise TransientError(f"{info}: its HID interface has no endpoint to read; replug it")
    return into, next((each for each in interface if not each.bEndpointAddress & 0x80), None)


def _report_on_change(device: Any, number: int) -> None:
    """SET_IDLE(0) (HID 1.11, 7.2.4). A device may refuse it, or let it hang: it then reports on change alone anyway."""
    try:
        device.ctrl_transfer(_TO_INTERFACE, _SET_IDLE, 0, number, None, int(_WRITE_S * 1000))
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.ETIMEDOUT):
            raise
