"""Decides how the directory of customers is: there, whole, as old as what; and whether numbers of this country are understood at all."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from appliance.core.clock import NS, wall_ns_from_rfc3339
from appliance.core.config import Config
from appliance.core.directory import country_from, directory_path
from appliance.core.do_not_call import LIST_FILE
from appliance.doctor.finding import Finding, Scene

LIMIT_S: Final = 90.0
_ITEM: Final = "directory"
_DAY_NS: Final = 86_400 * NS
#: A larger file is checked by `callfloor directory verify` alone: a million customers take a memory card a minute.
_CHECKED_BYTES: Final = 32 * 1024**2
#: A CRM that sends what changes has something to send within so long.
_OLD_DAYS: Final = 30
_UNKNOWN: Final = "whoever calls is unknown: no name in a screen pop, no VIP on a board"


class Stats(Struct, frozen=True):
    """What `callfloor directory stats --json` says, as far as it matters here."""

    there: bool
    version: int | None
    entries: int
    as_of: str | None
    do_not_call: int | None


class DirectoryFacts(Struct, frozen=True):
    """What was seen. `faults`: of the full check, where the file is small; `fault`: why nothing could be said.

    `required`: without a list nobody is called.
    """

    path: Path
    country: str | None
    stats: Stats | None = None
    faults: tuple[str, ...] = ()
    fault: str = ""
    required: bool = False


def wanted(config: Config) -> bool:
    """There is a directory or a do-not-call list, or a CRM that may send one."""
    path = directory_path(config)
    may_come = config.crm is not None and bool(config.crm.url) and "directory" in config.commands.allow and bool(config.pbx)
    return may_come or _required(config) or any(_is_there(one) for one in (path, path.with_name(LIST_FILE)))


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Look, and judge."""
    return judge(probe(scene.config, scene.file), time.time_ns(), scene.file)


def probe(config: Config, file: Path) -> DirectoryFacts:
    """Let a process of its own open it: as root that one becomes the file's owner."""
    facts = DirectoryFacts(directory_path(config), country_from(config), required=_required(config))
    stats, fault = _said("stats", file)
    if stats is None:
        return msgspec.structs.replace(facts, fault=fault)
    facts = msgspec.structs.replace(facts, stats=msgspec.json.decode(stats, type=Stats))
    if _is_large(facts.path):
        return facts
    checked, fault = _said("verify", file)
    if checked is None:
        return msgspec.structs.replace(facts, fault=fault)
    faults = msgspec.json.decode(checked, type=dict[str, bool | dict[str, list[str]]])["faults"]
    assert isinstance(faults, dict)
    return msgspec.structs.replace(facts, faults=tuple(text for found in faults.values() for text in found))


def judge(facts: DirectoryFacts, now_ns: int, file: Path) -> tuple[Finding, ...]:
    """What follows."""
    verify = f"sudo callfloor directory verify -c {file}"
    if facts.stats is None:
        return (Finding(_ITEM, "red", "it cannot be read", facts.fault, _UNKNOWN, verify),)
    if facts.faults:
        so = "the CRM's next page begins the directory anew; a damaged do-not-call list stops every call that a command asks for"
        return (Finding(_ITEM, "red", "it is damaged", facts.faults[0], so, verify),)
    found, stats = [], facts.stats
    if facts.country is None:
        so = "a number without + is nobody's: customers who call from this country stay unknown"
        found.append(
            Finding(
                _ITEM,
                "amber",
                "no country is known",
                f"{stats.entries} customers",
                so,
                'write the two letters of its country: [directory] country = "EC"',
            )
        )
    if stats.there and stats.as_of is not None and (days := (now_ns - wall_ns_from_rfc3339(stats.as_of)) // _DAY_NS) >= _OLD_DAYS:
        so = "new customers are unknown, and old ones have old cards"
        text = f"version {stats.version}, {stats.entries} customers"
        found.append(Finding(_ITEM, "amber", f"nothing was filed for {days} days", text, so, f"callfloor directory stats -c {file}"))
    if facts.required and not stats.there and stats.do_not_call is None:
        so = "no command calls anybody outside: [outbound] do_not_call is required"
        mend = f"sudo callfloor directory dnc import FILE -c {file}"
        found.append(Finding(_ITEM, "red", "there is no do-not-call list", f"no file {facts.path.with_name(LIST_FILE)}", so, mend))
    if not found and not stats.there:
        return (Finding(_ITEM, "ok", "there is none yet", f"no file {facts.path}"),)
    if not found:
        return (Finding(_ITEM, "ok", "it can be read", f"version {stats.version}, {stats.entries} customers"),)
    return tuple(found)


def _required(config: Config) -> bool:
    return config.outbound.do_not_call == "required" and "originate" in config.commands.allow


def _said(what: str, file: Path) -> tuple[bytes | None, str]:
    command = [sys.executable, "-m", "appliance.cli.main", "directory", what, "--json", "-c", str(file)]
    said = subprocess.run(command, capture_output=True, timeout=LIMIT_S / 2, check=False, stdin=subprocess.DEVNULL)
    if said.stdout.strip():
        return said.stdout, ""
    last = (said.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {said.returncode}"])[-1]
    return None, last.removeprefix("callfloor directory: ")


def _is_large(path: Path) -> bool:
    try:
        return path.stat().st_size > _CHECKED_BYTES
    except OSError:
        return False


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:
        return True  # whoever looks on says so
