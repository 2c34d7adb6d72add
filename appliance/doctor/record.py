"""Decides what is new since the doctor looked last night: findings are the same when item, level and words are, whatever the figures.

`callfloor doctor --record` keeps them in a file beside the journal; a timer does so every night.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from appliance.core.config import Config
from appliance.core.errors import TransientError
from appliance.doctor.finding import Finding

_MOST: Final = 512 * 1024


class Record(Struct, frozen=True):
    """What was found, when (RFC 3339, UTC), by which version."""

    time: str
    version: str
    findings: tuple[Finding, ...] = ()


class Change(Struct, frozen=True):
    """Since `time`: what was not there then, and what is gone since. Both without what is well."""

    time: str
    new: tuple[Finding, ...] = ()
    gone: tuple[Finding, ...] = ()


def place_of(config: Config) -> Path:
    """Where the last one lies."""
    return config.journal.path.parent / "doctor.json"


def last(path: Path) -> Record | None:
    """The last record; None: there is none, or none that can be read."""
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(_MOST), type=Record)
    except (OSError, msgspec.DecodeError):
        return None


def keep(path: Path, record: Record) -> None:
    """Put it in the place of the last one, whole or not at all, as the folder's owner. Raises TransientError."""
    part = path.with_suffix(".part")
    try:
        with part.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(record), indent=1))
            file.flush()
            os.fsync(file.fileno())
        owner = path.parent.stat()
        if os.geteuid() == 0:
            os.chown(part, owner.st_uid, owner.st_gid)
        part.chmod(0o640)
        part.replace(path)
    except OSError as fault:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise TransientError(f"{path} cannot be written: {fault.strerror}; run this as root or as callfloor") from fault


def compared(before: Record, now: tuple[Finding, ...], items: frozenset[str] | None = None) -> Change:
    """What changed. `items`: only of these was looked at now, and what is gone can be said of them alone; None: of all.

    >>> then = Record("2026-11-21T03:10:00.000Z", "1", (Finding("card", "amber", "it expires in 8 days"),))
    >>> compared(then, (Finding("card", "amber", "it expires in 7 days"), Finding("pbx a", "red", "silent"))).new[0].item
    'pbx a'
    """
    was = {_key(each) for each in before.findings}
    stands = {_key(each) for each in now}
    new = tuple(each for each in now if each.level != "ok" and _key(each) not in was)
    gone = tuple(
        each for each in before.findings if each.level != "ok" and _key(each) not in stands and (items is None or each.item in items)
    )
    return Change(before.time, new, gone)


def _key(finding: Finding) -> tuple[str, str, str]:
    return finding.item, finding.level, re.sub(r"\d+", "#", finding.finding)
