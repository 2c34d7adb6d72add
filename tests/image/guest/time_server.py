"""Runs inside the emulated box: a time server on 127.0.0.1 that tells what the test says it is, for systemd-timesyncd (RFC 4330).

time_server.py SECONDS_SINCE_1970 FOR_SECONDS
"""

from __future__ import annotations

import socket
import struct
import sys
import time

_TO_NTP_S = 2_208_988_800


def answer(asked: bytes, now_s: float) -> bytes:
    """A server's packet (section 4): stratum 2, mode 4, the asker's own time sent back."""
    stamp = struct.pack("!II", int(now_s) + _TO_NTP_S & 0xFFFFFFFF, int(now_s % 1 * 2**32))
    version = asked[0] & 0x38
    return bytes((version | 4, 2, 6, 0xEC)) + struct.pack("!II4s", 0, 1 << 12, b"TEST") + stamp + asked[40:48] + stamp + stamp


def main() -> int:
    """Answer for so long."""
    ahead_s = float(sys.argv[1]) - time.monotonic()
    end_s = time.monotonic() + float(sys.argv[2])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 123))
        line.settimeout(1.0)
        while time.monotonic() < end_s:
            try:
                asked, peer = line.recvfrom(512)
            except TimeoutError:
                continue
            if len(asked) >= 48:
                line.sendto(answer(asked, time.monotonic() + ahead_s), peer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
