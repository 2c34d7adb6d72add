"""The full check of the journal in the background: in a process of its own at the lowest priority, so that no service waits for it."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import Final

import msgspec

_log = logging.getLogger("callfloor.check")

#: The check waits until the box has come up and its boards are right.
AFTER_START_S: Final = 120.0
_LOWEST: Final = 19


class _Verdict(msgspec.Struct):
    ok: bool
    faults: list[str] = []


async def faults_of(journal: Path) -> list[str]:
    """What the full check finds, in words; empty when the file is sound or the check itself could not be made."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "appliance.cli.main", "journal", "verify", "--journal", str(journal), "--json",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, preexec_fn=lambda: os.nice(_LOWEST),
    )  # fmt: skip
    try:
        said, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    try:
        return msgspec.json.decode(said, type=_Verdict).faults
    except msgspec.DecodeError:
        _log.warning("the journal's full check could not be made (exit code %s)", process.returncode)
        return []
