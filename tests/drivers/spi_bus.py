"""A mocked /dev/spidev0.0 (umockdev): notes every byte that the driver sends. Run by the system's Python, which has python3-gi.

    umockdev-wrapper /usr/bin/python3 spi_bus.py LOG [SPIDEV…]

Says `{"root": …}` once it stands; clients run with `LD_PRELOAD=libumockdev-preload.so.0 UMOCKDEV_DIR=root`. Takes lines on its standard
input: `fail ERRNO`, `heal`, `deny`, `pull`, `plug`, `bufsiz BYTES`, `bye`, and answers each with `{}`. LOG gets one line per transfer: monotonic
nanoseconds, node, what, hexadecimal bytes. The client must be another process: spidev holds the GIL while it waits for this one.
"""

from __future__ import annotations

import errno
import json
import struct
import sys
import time
from pathlib import Path

import gi

gi.require_version("UMockdev", "1.0")
from gi.repository import UMockdev  # noqa: E402 - gi chooses versions so

#: SPI_IOC_RD_MODE, _LSB_FIRST, _BITS_PER_WORD, _MAX_SPEED_HZ, _MODE32 (linux/spi/spidev.h), and what a fresh bus answers.
_FRESH = {1: b"\0", 2: b"\0", 3: b"\x08", 4: struct.pack("<I", 500_000), 5: struct.pack("<I", 0)}
_SETTINGS = {1: "mode", 2: "lsb", 3: "bits", 4: "speed", 5: "mode32"}


class Bus:
    """One spidev node: answers its ioctls and takes its writes, or fails them."""

    def __init__(self, bed, name: str, log) -> None:
        self.name, self._log = name, log
        self.errno = 0
        self._settings = dict(_FRESH)
        self._handler = UMockdev.IoctlBase()
        self._handler.connect("handle-ioctl", self._ioctl)
        self._handler.connect("handle-write", self._write)
        bed.attach_ioctl(f"/dev/{name}", self._handler)
        bed.add_from_string(f"P: /devices/platform/soc/spi0/{name}\nN: {name}\nE: SUBSYSTEM=spidev\nE: DEVNAME=/dev/{name}\n\n")
        self.node = Path(bed.get_root_dir()) / "dev" / name
        self.pulled = self.node.with_name(f"{name}-pulled")

    def pull(self) -> None:
        """The node goes, and whoever holds it open is told that there is no such device."""
        self.errno = errno.ENODEV
        self.node.rename(self.pulled)

    def plug(self) -> None:
        self.errno = 0
        self.pulled.rename(self.node)

    def _note(self, what: str, sent: bytes) -> None:
        self._log.write(f"{time.monotonic_ns()} {self.name} {what} {sent.hex()}\n")
        self._log.flush()

    def _ioctl(self, _handler, call) -> bool:
        request = call.get_request() & 0xFFFFFFFF
        number, size, writes = request & 0xFF, request >> 16 & 0x3FFF, request >> 30 & 1
        if request >> 8 & 0xFF != ord("k"):
            return False
        if self.errno:
            call.complete(-1, self.errno)
            return True
        pointer = call.get_arg()
        if number == 0:  # SPI_IOC_MESSAGE(n): n transfers of 32 bytes each
            head = pointer.resolve(0, size)
            raw, total = bytes(head.retrieve()), 0
            for at in range(0, size, 32):
                _, _, length = struct.unpack_from("<QQI", raw, at)
                self._note("transfer", bytes(head.resolve(at, length).retrieve()))
                total += length
            call.complete(total, 0)
        elif writes:
            sent = bytes(pointer.resolve(0, size).retrieve())
            self._settings[number] = sent
            self._note(_SETTINGS.get(number, "ioctl"), sent)
            call.complete(0, 0)
        else:
            pointer.resolve(0, size).update(0, list(self._settings.get(number, b"").ljust(size, b"\0")[:size]))
            call.complete(0, 0)
        return True

    def _write(self, _handler, call) -> bool:
        if self.errno:
            call.complete(-1, self.errno)
            return True
        sent = bytes(call.get_arg().retrieve())
        self._note("transfer", sent)
        call.complete(len(sent), 0)
        return True


def main(log_path: str, *names: str) -> None:
    bed = UMockdev.Testbed.new()
    with Path(log_path).open("w") as log:
        buses = [Bus(bed, name, log) for name in names or ("spidev0.0",)]
        print(json.dumps({"root": bed.get_root_dir()}), flush=True)
        for line in sys.stdin:
            verb, *rest = line.split()
            if verb == "bye":
                break
            for bus in buses:
                if verb == "fail":
                    bus.errno = int(rest[0])
                elif verb == "heal":
                    bus.errno = 0
                elif verb == "pull":
                    bus.pull()
                elif verb == "bufsiz":
                    file = Path(bed.get_root_dir()) / "sys/module/spidev/parameters/bufsiz"
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_text(rest[0] + "\n")
                elif verb == "deny":
                    bus.node.chmod(0)
                elif verb == "plug":
                    bus.plug()
            print("{}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
