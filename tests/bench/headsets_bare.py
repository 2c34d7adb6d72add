"""The peer of the headsets' service: what any script would do with pyusb or hidraw, a thread a headset, a row a report, nothing understood."""

from __future__ import annotations

import os
import queue
import select
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.bench.bare_journal import BareJournal
from tests.bench.box import cpu_s
from tests.bench.room import child, line_from, stop
from tests.bench.worker import heard, tell

_HID = 3


class BareReader:
    """All headsets of the bus, read by a process of its own into a journal of its own."""

    def __init__(self, folder: Path, env: dict[str, str], hold: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._process: subprocess.Popen[str] = child(f"headsets_bare:{hold}", env, path=str(folder / "bare.db"))
        line_from(self._process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()  # it gives the headsets back
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        stop(self._process)

    def durable(self) -> dict[str, list[int]]:
        """By port: when each report since the last call was durable, in monotonic ns."""
        assert self._process.stdin is not None
        self._process.stdin.write("tell\n")
        self._process.stdin.flush()
        told: dict[str, list[int]] = line_from(self._process)
        return told

    def cpu_s(self) -> float:
        """CPU seconds so far."""
        return cpu_s(self._process.pid)


class _Rows:
    """Reports of all threads, committed by one: what queued during a commit goes with the next."""

    def __init__(self, path: str) -> None:
        self.arrived: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self.durable: dict[str, list[int]] = {}
        self._path = path

    def run(self) -> None:
        journal = BareJournal(Path(self._path))
        while True:
            rows = [self.arrived.get()]
            while not self.arrived.empty():
                rows.append(self.arrived.get())
            journal.append([report for _, report in rows])
            at_ns = time.monotonic_ns()
            for port, _ in rows:
                self.durable.setdefault(port, []).append(at_ns)


def own(path: str) -> None:
    """Child: each headset claimed by pyusb and read by a thread."""
    import usb.backend.libusb1  # type: ignore[import-untyped]  # noqa: PLC0415 - only here
    import usb.core  # type: ignore[import-untyped]  # noqa: PLC0415
    import usb.util  # type: ignore[import-untyped]  # noqa: PLC0415

    rows, taken = _Rows(path), list[Any]()
    # libusb tells no ports here, for the mocked bus has no hubs
    ports = {int(file.read_text()): file.parent.name for file in Path("/sys/bus/usb/devices").glob("*/devnum")}
    shared = usb.backend.libusb1.get_backend(lambda _name: "libusb-1.0.so.0")
    for found in list(usb.core.find(find_all=True, backend=shared)):
        place = (found.bus, found.address)
        device = usb.core.find(backend=type(shared)(shared.lib), custom_match=lambda each, place=place: (each.bus, each.address) == place)
        device.detach_kernel_driver(_HID)
        usb.util.claim_interface(device, _HID)
        into = usb.util.find_descriptor(device.get_active_configuration(), bInterfaceNumber=_HID)[0].bEndpointAddress
        taken.append(device)
        threading.Thread(target=_read, args=(device, into, ports[found.address], rows), daemon=True).start()
    _serve(rows)
    for device in taken:
        usb.util.release_interface(device, _HID)  # ends the read that waits
        device.attach_kernel_driver(_HID)
    os._exit(0)  # the readers are libusb's


def _read(device: Any, endpoint: int, port: str, rows: _Rows) -> None:
    while True:
        try:
            rows.arrived.put((port, bytes(device.read(endpoint, 64, 60_000))))
        except OSError:
            return


def watch(path: str) -> None:
    """Child: each hidraw node read along, all by one thread."""
    rows, waiting = _Rows(path), select.poll()
    ports = {}
    for node in sorted(Path("/sys/class/hidraw").iterdir()):
        file = os.open(f"/dev/{node.name}", os.O_RDONLY | os.O_NONBLOCK)
        ports[file] = node.resolve().parents[2].name.partition(":")[0]
        waiting.register(file, select.POLLIN)

    def read() -> None:
        while True:
            for file, _ in waiting.poll():
                rows.arrived.put((ports[file], os.read(file, 64)))

    threading.Thread(target=read, daemon=True).start()
    _serve(rows)
    os._exit(0)


def _serve(rows: _Rows) -> None:
    threading.Thread(target=rows.run, daemon=True).start()
    tell("ready")
    while heard():
        told, rows.durable = rows.durable, {}
        tell(told)
