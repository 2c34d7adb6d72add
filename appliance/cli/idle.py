"""Decides whether a person's verb may touch hardware: not while the service that owns it runs, nor may that start meanwhile."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from appliance.core.config import Config
from appliance.core.errors import DeniedError, TransientError
from appliance.runner import run_dir_of


@contextmanager
def kept_idle(config: Config, service: str) -> Iterator[None]:
    """Hold the lock of a service that does not run. Makes no file, so that nothing of root's is left behind.

    Raises TransientError when the service runs, DeniedError when its lock may not be read.
    """
    place = run_dir_of(config) / "running" / f"{service}.lock"
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield  # it never ran here
        return
    except OSError as fault:
        text = f"{place} cannot be read: {fault.strerror}; run this as the service's user: sudo -u callfloor …"
        raise DeniedError(text) from fault
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            who = os.pread(descriptor, 20, 0).decode(errors="replace").strip() or "unknown"
            text = (
                f"the service {service} runs (process {who}) and holds this hardware; stop it, test, and start it again: "
                f"systemctl stop callfloor@{service}"
            )
            raise TransientError(text) from fault
        yield
    finally:
        os.close(descriptor)
