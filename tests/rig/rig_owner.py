"""Who this run is, for whoever finds the rig held, and for how long it is held without a word."""

from __future__ import annotations

import getpass
import os
import socket

#: A runner that died frees the rig this much later.
LEASE_S = 60.0


def owner() -> str:
    return f"{getpass.getuser()}@{socket.gethostname()} (pytest {os.getpid()})"
