"""Mocked USB headsets (umockdev): usbfs, hidraw and sysfs as the kernel shows them. Run by the system's Python, which has python3-gi.

    umockdev-wrapper /usr/bin/python3 hid_bus.py

Says `{"root": …}` once it stands; clients run with `LD_PRELOAD=libumockdev-preload.so.0 UMOCKDEV_DIR=root`, in processes of their own. Takes one
JSON list a line on its standard input, `[VERB, ARGUMENT…]`, and answers each with a JSON line; `Bus` has a method per verb.
"""

from __future__ import annotations

import contextlib
import errno
import json
import shutil
import struct
import sys
import threading
import time
import traceback
from collections import deque
from pathlib import Path

import gi

gi.require_version("UMockdev", "1.0")
from gi.repository import UMockdev  # noqa: E402 - gi chooses versions so
from hid_nodes import URB_DONE, URB_STATUS, Bed, Raw, Terminal, Urb, address_of  # noqa: E402 - it needs gi too

HOST = "/devices/pci0000:00/0000:00:14.0/usb1"
HID, AUDIO, KEYS = 3, 0, 4
#: What volume keys look like: Consumer Control, one key.
KEYS_DESCRIPTOR = "050c0901a1011500250109e9750195018102750795018101c0"
ENDPOINT_IN, ENDPOINT_OUT, ENDPOINT_KEYS = 0x83, 0x04, 0x85
#: linux/usbdevice_fs.h, by number: what an ioctl of type `U` is.
NAMES = {
    3: "resetep", 4: "setinterface", 5: "setconfiguration", 8: "getdriver", 10: "submiturb", 11: "discardurb", 12: "reapurb", 13: "reapurb",
    15: "claim", 16: "release", 18: "ioctl", 20: "reset", 21: "clear_halt", 22: "disconnect", 23: "connect", 26: "capabilities",
}  # fmt: skip
INTERRUPT, CONTROL = 1, 2


class Headset:
    """A headset: one HID interface with its habits, an audio interface, and another HID interface, for its volume keys, as neighbours.

    `habits`: `out` (has an interrupt OUT endpoint), `stall` (names of requests it refuses: set_idle, set_report, in), `hang` (requests it
    never completes), `patience_s` and `reverts` (a report it sends when nobody answered a press in time), `echo` (sends this once written to),
    `audio` (false: its configuration names no audio interface), `keyboard` (the volume keys say that they are a boot keyboard).
    """

    def __init__(self, bed, number: int, port: str, vid: int, pid: int, serial: str, product: str, descriptor: bytes, habits: dict) -> None:
        self.bed, self.number, self.port, self.vid, self.pid = bed, number, port, vid, pid
        self.serial, self.product, self.descriptor, self.habits = serial, product, descriptor, habits
        self.lock = threading.RLock()
        self.log: list[tuple[int, str, str]] = []
        self.waiting: deque[Urb] = deque()
        self.hanging: list[Urb] = []
        self.done: deque[Urb] = deque()
        self.unread: deque[bytes] = deque()
        self.claimed: set[int] = set()
        self.owner = self.caller = None  # the open file that has the claim, and the one that calls
        self.halted = "in" in habits.get("stall", ())
        self.writes = 0
        self.raw: Raw | None = None
        self.plugged = True
        root = Path(bed.get_root_dir())
        self.node = f"/dev/bus/usb/001/{number:03d}"
        self.terminal = Terminal(root / self.node[1:])
        self.terminal.writable(False)
        self.handler = UMockdev.IoctlBase()
        self.handler.connect("handle-ioctl", self._called)
        bed.attach_ioctl(self.node, self.handler)
        self.path = f"{HOST}/{port}"
        self.hid_path = f"{self.path}/{port}:1.{HID}"
        self._add_to_sysfs()
        self._bind("usbhid")

    # -- sysfs ---------------------------------------------------------------

    def _add_to_sysfs(self) -> None:
        device = [
            f"P: {self.path}",
            "E: SUBSYSTEM=usb", "E: DEVTYPE=usb_device", "E: BUSNUM=001", f"E: DEVNUM={self.number:03d}", f"E: DEVNAME={self.node}",
            "A: busnum=1\\n", f"A: devnum={self.number}\\n", "A: speed=12\\n", "A: bConfigurationValue=1\\n",
            f"A: power/control={self.habits.get('power', 'on')}\\n",
            f"A: idVendor={self.vid:04x}\\n", f"A: idProduct={self.pid:04x}\\n", f"A: product={self.product}\\n",
            *([f"A: serial={self.serial}\\n"] if self.serial else []),
            f"H: descriptors={(self.device_descriptor() + self.configuration()).hex()}",
        ]  # fmt: skip
        self.bed.add_from_string("\n".join(device) + "\n\n")
        for number, kind in ((AUDIO, 1), (HID, 3), (KEYS, 3)):
            lines = [
                f"P: {self.path}/{self.port}:1.{number}", "E: SUBSYSTEM=usb", "E: DEVTYPE=usb_interface",
                f"A: bInterfaceClass={kind:02x}\\n", f"A: bInterfaceNumber={number:02x}\\n",
            ]  # fmt: skip
            self.bed.add_from_string("\n".join(lines) + "\n\n")

        keys = f"{self.path}/{self.port}:1.{KEYS}"
        self.bed.add_from_string(
            f"P: {keys}/0003:{self.vid:04X}:{self.pid:04X}.{0x8000 + self.number:04X}\nE: SUBSYSTEM=hid\nH: report_descriptor={KEYS_DESCRIPTOR}\n\n"
        )
        Path(f"{self.bed.get_root_dir()}/sys{keys}/driver").symlink_to("../../../../../../bus/usb/drivers/usbhid")

    def _driver(self, name: str | None) -> None:
        link = Path(f"{self.bed.get_root_dir()}/sys{self.hid_path}/driver")
        link.unlink(missing_ok=True)
        if name:
            link.symlink_to(f"../../../../../../bus/usb/drivers/{name}")

    def _bind(self, driver: str | None) -> None:
        """The kernel's own driver comes, or goes: with it the report descriptor and the hidraw node."""
        if self.raw is not None:
            self.raw.go()
            self.raw = None
        self._driver(driver)
        if driver == "usbhid":
            self.raw = Raw(self)

    # -- descriptors ---------------------------------------------------------

    def device_descriptor(self) -> bytes:
        return struct.pack("<BBHBBBBHHHBBBB", 18, 1, 0x0200, 0, 0, 0, 64, self.vid, self.pid, 0x0100, 1, 2, 3 if self.serial else 0, 1)

    def configuration(self) -> bytes:
        out = bool(self.habits.get("out"))
        body = bytes([9, 4, AUDIO, 0, 0, 1, 1, 0, 0]) if self.habits.get("audio", True) else b""
        body += bytes([9, 4, HID, 0, 1 + out, 3, 0, 0, 0]) + struct.pack("<BBHBBBH", 9, 0x21, 0x0111, 0, 1, 0x22, len(self.descriptor))
        body += struct.pack("<BBBBHB", 7, 5, ENDPOINT_IN, 3, 64, 1)
        body += struct.pack("<BBBBHB", 7, 5, ENDPOINT_OUT, 3, 64, 1) if out else b""
        boot = 1 if self.habits.get("keyboard") else 0
        body += bytes([9, 4, KEYS, 0, 1, 3, boot, boot, 0]) + struct.pack(
            "<BBHBBBH", 9, 0x21, 0x0111, 0, 1, 0x22, len(KEYS_DESCRIPTOR) // 2
        )
        body += struct.pack("<BBBBHB", 7, 5, ENDPOINT_KEYS, 3, 8, 1)
        return struct.pack("<BBHBBBBB", 9, 2, 9 + len(body), 3, 1, 0, 0x80, 50) + body

    # -- what happens at the desk --------------------------------------------

    def note(self, what: str, data: bytes = b"") -> int:
        now = time.monotonic_ns()
        self.log.append((now, what, data.hex()))
        return now

    def report(self, data: bytes) -> int:
        """The headset has something to say: to the claimed interface, or to hidraw."""
        with self.lock:
            at = self.note("in", data)
            if self.raw is not None:
                self.raw.arrive(data)
            else:
                self.unread.append(data)
                self._pump()
        return at

    def press(self, data: bytes) -> int:
        """As `report`; one that nobody answers is taken back."""
        at, before = self.report(data), self.writes

        def unanswered() -> None:
            if self.writes == before and self.plugged:
                self.report(bytes.fromhex(self.habits["reverts"]))

        threading.Timer(self.habits["patience_s"], unanswered).start()
        return at

    def pull(self, how: str = "clean") -> None:
        """`late`: the wire is dead first (EIO), the bus notices 0.1 s later, as measured on a real kernel; `power`: no udev event comes."""
        self.die(how)
        self.leave(how)

    def die(self, how: str = "clean") -> None:
        """Its wire is dead from here: what was under way ends."""
        with self.lock:
            self.plugged = how == "late"
            self._end_all(-errno.EPROTO if how == "late" else -errno.ESHUTDOWN)
        if how == "late":
            time.sleep(0.1)
            with self.lock:
                self.plugged = False
                self._end_all(-errno.ESHUTDOWN)

    def _end_all(self, status: int) -> None:
        while self.waiting:
            self._finish(self.waiting.popleft(), b"", status)
        while self.hanging:
            self._finish(self.hanging.pop(), b"", status)
        self.terminal.writable(True)

    def leave(self, how: str = "clean") -> int:
        """The bus notices, and everything of it goes; when."""
        time.sleep(0.02)  # let a client reap what is left before the node goes
        at = time.monotonic_ns()
        if self.raw is not None:
            self.raw.go(quiet=how == "power")
        if how != "power":
            for path in (f"{self.path}/{self.port}:1.{HID}", self.path):
                # the kernel takes a device out of its bus before it says so (device_del)
                Path(f"{self.bed.get_root_dir()}/sys/bus/usb/devices/{path.rpartition('/')[2]}").unlink(missing_ok=True)
                self.bed.uevent(f"/sys{path}", "remove")
        with self.lock:
            self.terminal.hang_up()
        keys = f"/sys{self.path}/{self.port}:1.{KEYS}"
        hid = f"{keys}/0003:{self.vid:04X}:{self.pid:04X}.{0x8000 + self.number:04X}"
        for path in (hid, keys, f"/sys{self.hid_path}", f"/sys{self.path}/{self.port}:1.{AUDIO}", f"/sys{self.path}"):
            self.bed.remove_device(path)
        self.bed.detach_ioctl(self.node)
        # what remove_device leaves of links that it did not make
        shutil.rmtree(f"{self.bed.get_root_dir()}/sys{self.path}", ignore_errors=True)
        return at

    # -- usbfs ---------------------------------------------------------------

    def _called(self, _handler, call) -> bool:
        try:
            with self.lock:
                self.caller = call
                answer, fault = self._answer(call.get_request() & 0xFFFFFFFF, call.get_arg())
        except Exception:  # a client must never hang on a mistake of this file
            traceback.print_exc()
            answer, fault = -1, errno.EIO
        call.complete(answer, fault)
        return True

    def _answer(self, request: int, pointer) -> tuple[int, int]:
        name = NAMES.get(request & 0xFF) if request >> 8 & 0xFF == ord("U") else None
        if name == "reapurb":
            return self._reap(pointer)
        if not self.plugged:
            return -1, errno.ENODEV
        verb = getattr(self, f"_on_{name}", None)
        return verb(pointer) if verb else (-1, errno.ENOTTY)

    def _reap(self, pointer) -> tuple[int, int]:
        if not self.done:
            return -1, errno.EAGAIN if self.plugged else errno.ENODEV
        urb = self.done.popleft()
        pointer.resolve(0, 8).set_ptr(0, urb.memory)
        if not self.done and self.plugged:
            self.terminal.writable(False)
        return 0, 0

    def _on_capabilities(self, pointer) -> tuple[int, int]:
        pointer.resolve(0, 4).update(0, list(struct.pack("<I", 0x1F)))
        return 0, 0

    def _bound(self, number: int) -> str | None:
        if number != HID:
            return "usbhid" if number == KEYS else "snd-usb-audio"
        return "usbfs" if number in self.claimed else "usbhid" if self.raw else None

    def _on_getdriver(self, pointer) -> tuple[int, int]:
        memory = pointer.resolve(0, 260)
        bound = self._bound(struct.unpack_from("<I", bytes(memory.retrieve()))[0])
        if bound is None:
            return -1, errno.ENODATA
        memory.update(4, list(bound.encode() + b"\0"))
        return 0, 0

    def _on_ioctl(self, pointer) -> tuple[int, int]:
        number, code = struct.unpack_from("<iI", bytes(pointer.resolve(0, 16).retrieve()))
        what = NAMES.get(code & 0xFF)
        if what == "disconnect":
            if self._bound(number) in (None, "usbfs"):
                return -1, errno.ENODATA
            self.note("detach", bytes([number]))
            if number == HID:
                self._bind(None)
            return 0, 0
        if what == "connect":
            if self._bound(number) is not None:
                return -1, errno.EBUSY
            self.note("attach", bytes([number]))
            self._bind("usbhid")
            return 1, 0
        return -1, errno.ENOTTY

    def _on_claim(self, pointer) -> tuple[int, int]:
        number = struct.unpack_from("<I", bytes(pointer.resolve(0, 4).retrieve()))[0]
        if number in self.claimed and self.owner == self.caller:
            return 0, 0
        return self._claim(number)

    def _claim(self, number: int) -> tuple[int, int]:
        if self._bound(number) is not None:
            return -1, errno.EBUSY
        self.claimed.add(number)
        self.owner = self.caller
        self._driver("usbfs")
        self.note("claim", bytes([number]))
        return 0, 0

    def _on_release(self, pointer) -> tuple[int, int]:
        number = struct.unpack_from("<I", bytes(pointer.resolve(0, 4).retrieve()))[0]
        if number not in self.claimed or self.owner != self.caller:
            return -1, errno.EINVAL
        self.let_go(number)
        return 0, 0

    def let_go(self, number: int = HID) -> None:
        """As the kernel does at a release, or when the process that had claimed it dies: what was under way ends."""
        self.claimed.discard(number)
        self._driver(None)
        self.note("release", bytes([number]))
        while self.waiting:
            self._finish(self.waiting.popleft(), b"", -errno.ENOENT)

    def _on_clear_halt(self, _pointer) -> tuple[int, int]:
        self.note("clear_halt")
        self.halted = False
        return 0, 0

    def _on_discardurb(self, pointer) -> tuple[int, int]:
        address = address_of(pointer)
        for held in (self.waiting, self.hanging):
            for urb in list(held):
                if urb.address == address:
                    held.remove(urb)
                    self._finish(urb, b"", -errno.ENOENT)
                    return 0, 0
        return -1, errno.EINVAL

    def _on_submiturb(self, pointer) -> tuple[int, int]:
        urb = Urb(pointer)
        if urb.kind == CONTROL:
            return self._control(urb)
        if HID not in self.claimed and self._claim(HID)[0]:  # the kernel claims for whoever submits
            return -1, errno.EBUSY
        if urb.endpoint & 0x80:
            self.waiting.append(urb)
            self._pump()
            return 0, 0
        return self._take(urb, "out", urb.sent)

    def _control(self, urb: Urb) -> tuple[int, int]:
        kind, request, value, index, length = struct.unpack_from("<BBHHH", urb.sent)
        if (kind, request) == (0x21, 0x09):
            return self._take(urb, f"set_report {value:04x} {index}", urb.sent[8 : 8 + length])
        if (kind, request) == (0x21, 0x0A):
            return self._take(urb, f"set_idle {value:04x} {index}", b"")
        self._finish(urb, b"", -errno.EPIPE)
        return 0, 0

    def _take(self, urb: Urb, what: str, data: bytes) -> tuple[int, int]:
        verb = what.split(maxsplit=1)[0]
        self.note(what, data)
        if verb in self.habits.get("hang", ()):
            self.hanging.append(urb)
            return 0, 0
        refused = verb in self.habits.get("stall", ())
        self._finish(urb, b"", -errno.EPIPE if refused else 0, done=0 if refused else len(data))
        if verb in ("set_report", "out") and not refused:
            self.writes += 1
            if "echo" in self.habits:
                self.report(bytes.fromhex(self.habits["echo"]))
        return 0, 0

    def _pump(self) -> None:
        while self.halted and self.waiting:
            self._finish(self.waiting.popleft(), b"", -errno.EPIPE)
        while self.unread and self.waiting:
            self._finish(self.waiting.popleft(), self.unread.popleft(), 0)

    def _finish(self, urb: Urb, data: bytes, status: int, done: int | None = None) -> None:
        if data and urb.buffer is not None:
            urb.buffer.update(0, list(data[: urb.length]))
        urb.memory.update(URB_STATUS, list(struct.pack("<i", status)))
        urb.memory.update(URB_DONE, list(struct.pack("<i", min(len(data), urb.length) if done is None else done)))
        self.done.append(urb)
        self.terminal.writable(True)


class Bus:
    """The orders that come on the standard input."""

    def __init__(self) -> None:
        self.bed = Bed()
        self.headsets: dict[str, Headset] = {}
        self.number = 1

    def plug(self, name: str, port: str, vid: int, pid: int, serial: str, product: str, descriptor: str, habits: dict) -> dict:
        taken = {headset.number for headset in self.headsets.values()}
        # addresses go round, as the kernel's do: there are 127
        self.number = next(number for at in range(127) if (number := (self.number + at) % 127 + 1) not in taken)
        self.headsets[name] = Headset(self.bed, self.number, port, vid, pid, serial, product, bytes.fromhex(descriptor), habits)
        return {"at": [time.monotonic_ns()]}

    def report(self, name: str, *reports: str) -> dict:
        return {"at": [self.headsets[name].report(bytes.fromhex(each)) for each in reports]}

    def press(self, name: str, report: str) -> dict:
        return {"at": [self.headsets[name].press(bytes.fromhex(report))]}

    def pull(self, name: str, how: str = "clean") -> dict:
        self.headsets.pop(name).pull(how)
        return {}

    def cut(self, how: str, *names: str) -> dict:
        """The power of a hub goes: all of them are dead at once, and leave one after the other."""
        gone = [self.headsets.pop(name) for name in names]
        for headset in gone:
            headset.die(how)
        return {"at": [headset.leave(how) for headset in gone]}

    def claimed(self) -> dict:
        """Those that a program has taken."""
        return {"claimed": [name for name, headset in self.headsets.items() if headset.claimed]}

    def clear(self) -> dict:
        for name in list(self.headsets):
            self.pull(name)
        return {}

    def log(self, name: str) -> dict:
        return {"log": self.headsets[name].log}

    def crash(self, name: str) -> dict:
        """What the kernel does when the process that had claimed it is killed."""
        headset = self.headsets[name]
        with headset.lock:
            for urbs in (headset.waiting, headset.hanging, headset.done):
                urbs.clear()  # of a process that is no more
            headset.let_go()
            headset.terminal.writable(False)
        return {}

    def habit(self, name: str, habits: dict) -> dict:
        self.headsets[name].habits.update(habits)
        return {}

    def deny(self, name: str) -> dict:
        headset = self.headsets[name]
        headset.terminal.node.chmod(0)
        if headset.raw is not None:
            headset.raw.terminal.node.chmod(0)
        return {}

    def allow(self, name: str) -> dict:
        self.headsets[name].terminal.node.chmod(0o666)
        return {}


def main() -> None:
    bus = Bus()
    print(json.dumps({"root": bus.bed.get_root_dir()}), flush=True)
    for line in sys.stdin:
        verb, *rest = json.loads(line)
        if verb == "bye":
            break
        try:
            answer = getattr(bus, verb)(*rest)
        except Exception as fault:
            traceback.print_exc()
            answer = {"fault": repr(fault)}
        print(json.dumps(answer), flush=True)
    with contextlib.suppress(OSError):
        sys.stdout.close()


if __name__ == "__main__":
    main()
