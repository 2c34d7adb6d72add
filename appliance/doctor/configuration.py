"""Decides whether the configuration can be used, in the findings of `callfloor check`. Where it cannot, nothing else is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from appliance.cli.main import DEFAULT_CONFIG
from appliance.core.config_file import Fault
from appliance.doctor.finding import Finding

ITEM = "configuration"


def judge(file: Path, services: Sequence[str], faults: Sequence[Fault]) -> tuple[Finding, ...]:
    """A finding for each fault; none: what it enables."""
    so = "no service starts with this configuration"
    if file == Path(DEFAULT_CONFIG) and _is_missing(file):
        mend = "sudo callfloor provision site.toml   # or, without a sheet: sudo callfloor provision"
        return (Finding(ITEM, "red", "this box is not set up yet", f"no file {file}", so, mend),)
    found = tuple(
        Finding(ITEM, "red", f"{fault.key + ': ' if fault.key else ''}{fault.fault}", _place(fault), so, fault.mend) for fault in faults
    )
    if found:
        return found
    if not services:
        so, mend = "nothing would run", "callfloor schema config   # what may stand there; docs/configuration.md explains it"
        return (Finding(ITEM, "amber", "it enables no service", str(file), so, mend),)
    return (Finding(ITEM, "ok", "no fault", f"{file}: enables {', '.join(services)}"),)


def _is_missing(file: Path) -> bool:
    """A folder that may not be looked into is no missing file."""
    try:
        return not file.exists()
    except OSError:
        return False


def _place(fault: Fault) -> str:
    return fault.file if fault.line is None else f"{fault.file}:{fault.line}"
