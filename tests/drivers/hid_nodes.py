"""Nodes of the mocked USB bus (`hid_bus.py`): a terminal that stands for each, transfers submitted through usbfs, hidraw as readers see it.

A node is a symbolic link to a pseudo terminal, because poll() must wait on it: libusb sleeps until its node is writable (output
stopped: it sleeps; output on: something is to be reaped; closed: unplugged), a reader of hidraw until it is readable. Written for 64 bits.
"""

from __future__ import annotations

import errno
import os
import select
import shutil
import socket
import struct
import termios
import threading
import tty
from collections import deque
from contextlib import suppress
from pathlib import Path

import gi

gi.require_version("UMockdev", "1.0")
from gi.repository import UMockdev  # noqa: E402 - gi chooses versions so

#: struct usbdevfs_urb: where status, the buffer's pointer, its length and the length that was done stand.
URB, URB_STATUS, URB_BUFFER, URB_LENGTH, URB_DONE = 56, 4, 16, 24, 28


class Bed:
    """The mocked machine. One call at a time: orders and the clients' ioctls come in threads of their own, and its folders are shared.

    Its events go to sockets which hold ten each, and it dies of one that is full: so each waits for its listeners, where the kernel
    would drop what a listener is too slow for.
    """

    def __init__(self) -> None:
        self._bed, self._lock = UMockdev.Testbed.new(), threading.Lock()

    def __getattr__(self, name: str):
        method = getattr(self._bed, name)

        def called(*words):
            with self._lock:
                if name in ("add_from_string", "uevent"):
                    self._wait_for_listeners()
                return method(*words)

        return called

    def _wait_for_listeners(self) -> None:
        for path in Path(self._bed.get_root_dir()).glob("event[0-9]*"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe, suppress(OSError):  # whoever listened may be gone
                probe.connect(str(path))
                waiting = select.poll()
                waiting.register(probe, select.POLLOUT)
                waiting.poll(5000)


class Urb:
    """One transfer that the client has submitted."""

    def __init__(self, pointer) -> None:
        self.address = address_of(pointer)
        self.memory = pointer.resolve(0, URB)
        raw = bytes(self.memory.retrieve())
        self.kind, self.endpoint = raw[0], raw[1]
        self.length = struct.unpack_from("<i", raw, URB_LENGTH)[0]
        self.buffer = self.memory.resolve(URB_BUFFER, self.length) if self.length else None
        self.sent = bytes(self.buffer.retrieve()) if self.buffer else b""


def address_of(pointer) -> int:
    return struct.unpack("<Q", bytes(pointer.retrieve()))[0]


class Terminal:
    """A pseudo terminal that stands for a node: pollable, and never read or written by the client itself."""

    def __init__(self, node: Path) -> None:
        self.node = node
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        node.parent.mkdir(parents=True, exist_ok=True)
        node.symlink_to(os.ttyname(self.slave))

    def writable(self, on: bool) -> None:
        termios.tcflow(self.slave, termios.TCOON if on else termios.TCOOFF)

    def hang_up(self) -> None:
        os.close(self.master)
        os.close(self.slave)
        self.node.unlink()


class Raw:
    """The hidraw node of a headset that the kernel's driver holds: one report a read, every reader sees what is there when it asks."""

    count = 0

    def __init__(self, headset) -> None:
        self.headset, self.bed = headset, headset.bed
        self.number, Raw.count = Raw.count, Raw.count + 1
        self.name, self.gone = f"hidraw{self.number}", False
        self.reports: deque[bytes] = deque()
        self.terminal = Terminal(Path(self.bed.get_root_dir()) / "dev" / self.name)
        self.handler = UMockdev.IoctlBase()
        self.handler.connect("handle-read", self._read)
        self.handler.connect("handle-write", self._write)
        self.bed.attach_ioctl(f"/dev/{self.name}", self.handler)
        bus_id = f"0003:{headset.vid:04X}:{headset.pid:04X}.{self.number + 1:04X}"
        self.hid = f"{headset.hid_path}/{bus_id}"
        lines = [
            f"P: {self.hid}", "E: SUBSYSTEM=hid", f"E: HID_ID=0003:{headset.vid:08X}:{headset.pid:08X}",
            f"H: report_descriptor={headset.descriptor.hex()}", "",
        ]  # fmt: skip
        self.bed.add_from_string("\n".join(lines) + "\n")
        lines = [
            f"P: {self.hid}/hidraw/{self.name}", "E: SUBSYSTEM=hidraw", f"E: DEVNAME=/dev/{self.name}", "E: MAJOR=240", f"E: MINOR={self.number}", "",
        ]  # fmt: skip
        self.bed.add_from_string("\n".join(lines) + "\n")

    def arrive(self, data: bytes) -> None:
        self.reports.append(data)
        os.write(self.terminal.master, b"!")  # readable, until a read is answered

    def _read(self, _handler, call) -> bool:
        with self.headset.lock:
            if not self.reports:
                call.complete(-1, errno.EIO if self.gone else errno.EAGAIN)
            else:  # what was there before it went is handed out first, as by the kernel
                if not self.gone:
                    os.read(self.terminal.slave, 1)
                data = self.reports.popleft()
                call.get_arg().update(0, list(data))
                call.complete(len(data), 0)
        return True

    def _write(self, _handler, call) -> bool:
        self.headset.note("raw_write", bytes(call.get_arg().retrieve()))
        call.complete(-1, errno.EPERM)
        return True

    def go(self, *, quiet: bool = False) -> None:
        self.gone = True
        for path in (f"/sys{self.hid}/hidraw/{self.name}", f"/sys{self.hid}"):
            if not quiet:
                self.bed.uevent(path, "remove")
            self.bed.remove_device(path)
        shutil.rmtree(f"{self.bed.get_root_dir()}/sys{self.hid}", ignore_errors=True)
        self.terminal.hang_up()
