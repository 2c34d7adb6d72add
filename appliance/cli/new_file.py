"""Decides how a recording's file is made: new, and readable for its owner only."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.core.errors import MisconfiguredError, TransientError


@contextmanager
def new_file(path: Path) -> Iterator[Callable[[bytes], object]]:
    """A new file that only its owner may read. Raises MisconfiguredError when there is one, TransientError when it cannot be made."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError as fault:
        raise MisconfiguredError(f"{path} is there already; name a new file with -o") from fault
    except OSError as fault:
        raise TransientError(f"{path} cannot be written: {fault.strerror}; name another with -o") from fault
    with os.fdopen(descriptor, "wb", buffering=0) as file:  # what was recorded stays, however the recorder ends
        yield file.write
