"""Decides how the file of `[routing] rules` is read: every fault at once, with its line, as in callfloor.toml itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from msgspec import convert

from appliance.core.config_file import MAX_BYTES, ConfigFaultsError, Fault, line_of, parsed
from appliance.core.config_routing import findings_of_rules
from appliance.core.config_shape import dotted, misfits
from appliance.core.routing_config import RoutingConfig, RoutingRules
from appliance.core.toml_lines import lines_from_toml


def rules_of(routing: RoutingConfig) -> RoutingRules:
    """The rules that a configuration means: its own, or those of its file. Raises ConfigFaultsError (a MisconfiguredError)."""
    return routing if routing.rules is None else rules_from_file(routing.rules)


def rules_from_file(path: Path) -> RoutingRules:
    """Read and check a file of rules. Raises ConfigFaultsError with every fault."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise _unusable(path, "larger than 4 MiB", "this is no file of rules; correct [routing] rules")
        return rules_from_toml(raw.decode("utf-8-sig"), path)
    except OSError as fault:
        raise _unusable(path, f"it cannot be read: {fault.strerror}", "mend its rights, or correct [routing] rules") from fault
    except UnicodeDecodeError as fault:
        raise _unusable(path, f"byte 0x{fault.object[fault.start]:02x} is not UTF-8", "save the file as UTF-8") from fault


def rules_from_toml(text: str, path: Path) -> RoutingRules:
    """As `rules_from_file`, from a text that stands at `path`. Raises ConfigFaultsError."""
    data, broken, sound = parsed(text)
    found = []
    try:
        rules = convert(data, RoutingRules)
    except msgspec.ValidationError:
        found = misfits(data, RoutingRules, _no_hook)
        rules = convert(data, RoutingRules)
    found += findings_of_rules((), rules)
    if found or broken:
        lines = lines_from_toml(sound)
        faults = [Fault(str(path), line, "", what, mend) for line, what, mend in broken]
        faults += [Fault(str(path), line_of(lines, find.path), dotted(find.path), find.what, find.mend) for find in found]
        raise ConfigFaultsError(sorted(faults, key=lambda fault: fault.line or 0))
    return rules


def _no_hook(kind: type, _value: Any) -> Any:
    raise NotImplementedError(kind)


def _unusable(path: Path, what: str, mend: str) -> ConfigFaultsError:
    return ConfigFaultsError([Fault(str(path), None, "", what, mend)])
