"""Carries one connection of a box in QEMU (`guestfwd … -cmd:`) to a port of this machine: `relay.py PORT`, on standard input and output."""

from __future__ import annotations

import os
import socket
import sys
import threading


def main() -> int:
    """Until one side ends."""
    try:
        peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10)
    except OSError:
        return 1
    peer.settimeout(None)

    def out() -> None:
        while data := peer.recv(65536):
            os.write(1, data)
        os._exit(0)

    threading.Thread(target=out, daemon=True).start()
    while data := os.read(0, 65536):
        peer.sendall(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
