"""Decides how a standing configuration is changed: judged by `callfloor check` first, the old one kept by number, the new one in one step.

Also which services read what was changed, and in what a file differs from the defaults.
"""

from __future__ import annotations

import os
import tomllib
import types
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Union, get_args, get_origin

import msgspec
from msgspec import Struct

from appliance import registry
from appliance.cli.check import examined
from appliance.core.config import Config
from appliance.core.config_file import ConfigFaultsError, Fault, Places
from appliance.core.config_shape import dotted
from appliance.core.errors import DeniedError, MisconfiguredError
from appliance.provision.atomic import write
from appliance.provision.history import History
from appliance.provision.toml_edit import Key, value_from_text, with_value

#: Table → the services that read it; a table that is not here is read by all. The floor is folded by wallboard, uplink, opcua and routing.
_FLOOR: Final = ("wallboard", "uplink", "opcua", "routing")
_READ_BY: Final[dict[str, tuple[str, ...]]] = {
    "pbx": ("gateway", "headsets", *_FLOOR),
    "smdr": ("gateway", *_FLOOR),
    "lines": ("gateway", *_FLOOR),
    "sip": ("gateway",),
    "kpi": ("gateway", *_FLOOR),
    "queues": ("gateway", *_FLOOR),
    "trunks": ("gateway", *_FLOOR),
    "agents": ("gateway", "headsets", *_FLOOR),
    "groups": _FLOOR,
    "alarm": _FLOOR,
    "sites": _FLOOR,
    "crm": _FLOOR,
    "wallboard": ("wallboard", "opcua"),
    "opcua": ("opcua",),
    "routing": ("routing",),
}


def history_of(path: Path) -> History:
    """Where a configuration's older forms are kept: below its state directory, `/var/lib/callfloor/config` on a box."""
    return History(Places.of(path.absolute(), {}).state / "config")


def text_of(path: Path) -> str:
    """A configuration's text. Raises MisconfiguredError."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        raise MisconfiguredError(f"{path} cannot be read: {fault}; name the configuration with -c FILE") from fault


def changed(path: Path, key: Key, said: str | None) -> str:
    """The text with this key set, or (None) taken out. A number that the key wants as text is taken as text.

    Raises ConfigFaultsError with the faults that it would have; one that only leaves fewer than there were is let through.
    """
    old = text_of(path)
    if said is None:
        return _judged(path, old, with_value(old, key, None))
    value = value_from_text(said)
    try:
        return _judged(path, old, with_value(old, key, value))
    except ConfigFaultsError:
        if isinstance(value, str):
            raise
        try:
            return _judged(path, old, with_value(old, key, said))
        except ConfigFaultsError:
            pass  # the first fault is the one about what was meant
        raise


def judge(path: Path, text: str) -> None:
    """Raises ConfigFaultsError for a text that may not take this file's place."""
    _judged(path, text_of(path), text)


def put_in_place(path: Path, text: str, why: str, now_s: float) -> int:
    """Keep the old text, write the new one in one step with the same owner and rights; returns the number kept. Raises DeniedError."""
    try:
        status = path.stat()
        number = history_of(path).keep(text_of(path), why, now_s)
        write(path, text.encode(), status.st_mode & 0o7777, (status.st_uid, status.st_gid))
    except PermissionError as fault:
        raise DeniedError(f"{fault.filename or path} may not be written; run it with sudo") from fault
    return number


def readers(config: Config, keys: Sequence[Key]) -> tuple[str, ...]:
    """The enabled services that read one of these keys."""
    tables = {key[0] for key in keys}
    return tuple(name for name in registry.enabled(config) if any(name in _READ_BY.get(table, (name,)) for table in tables))


def differing(old: str, new: str) -> tuple[Key, ...]:
    """The keys whose values differ between two texts; of a table that only one has, the table's key."""
    return tuple(_differing((), tomllib.loads(old), tomllib.loads(new)))


def _differing(here: Key, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Key]:
    for name in dict.fromkeys((*old, *new)):
        one, other = old.get(name), new.get(name)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _differing((*here, name), one, other)
        elif one != other:
            yield (*here, name)


class Departure(Struct, frozen=True, kw_only=True):
    """A key that says something else than its default; `default` None: it has none."""

    key: str
    value: Any
    default: Any = None


def departures(text: str) -> tuple[Departure, ...]:
    """What the file says beyond the defaults, in the file's order."""
    return tuple(_departures((), tomllib.loads(text), Config))


def _departures(here: Key, data: Mapping[str, Any], kind: type[Struct] | None) -> Iterator[Departure]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)} if kind is not None else {}
    for name, value in data.items():
        field = fields.get(name)
        inner, many = _inner(field.type) if field is not None else (None, False)
        if isinstance(value, dict) and many:
            for each, table in value.items():
                yield from _departures((*here, name, each), table, inner) if isinstance(table, dict) else ()
        elif isinstance(value, dict):
            yield from _departures((*here, name), value, inner)
        else:
            default = _default(field)
            if default is None or msgspec.to_builtins(default, enc_hook=str) != value:
                shown = msgspec.to_builtins(default, enc_hook=str) if default is not None else None
                yield Departure(key=dotted((*here, name)), value=value, default=shown)


def _default(field: Any) -> Any:
    if field is None:
        return None
    if field.default is not msgspec.NODEFAULT:
        return field.default
    return field.default_factory() if field.default_factory is not msgspec.NODEFAULT else None


def _inner(kind: Any) -> tuple[type[Struct] | None, bool]:
    """The struct behind a field's type, and whether the field is a table of them."""
    while get_origin(kind) is not None and not isinstance(kind, types.UnionType) and get_origin(kind) not in (dict, Union):
        kind = get_args(kind)[0] if get_args(kind) else None
        if kind is None:
            return None, False
    if isinstance(kind, types.UnionType) or get_origin(kind) is Union:
        kind = next((part for part in get_args(kind) if isinstance(part, type) and issubclass(part, Struct)), None)
    if get_origin(kind) is dict:
        member = get_args(kind)[1]
        return (member, True) if isinstance(member, type) and issubclass(member, Struct) else (None, False)
    return (kind, False) if isinstance(kind, type) and issubclass(kind, Struct) else (None, False)


def _judged(path: Path, old: str, text: str) -> str:
    faults = _faults(path, text)
    if faults:
        before = {(fault.key, fault.fault) for fault in _faults(path, old)}
        new = [fault for fault in faults if (fault.key, fault.fault) not in before]
        if new or len(faults) >= len(before):
            raise ConfigFaultsError(new or faults)
    return text


def _faults(path: Path, text: str) -> tuple[Fault, ...]:
    """What `callfloor check` says of a text in this file's place: it lies beside it for that moment, as relative names count from there."""
    beside = path.absolute().with_name(f".{path.name}.{os.getpid()}.try")
    try:
        write(beside, text.encode(), 0o600)
        _, _, faults = examined(beside)
    except PermissionError as fault:
        raise DeniedError(f"{path.parent} may not be written; run it with sudo") from fault
    finally:
        beside.unlink(missing_ok=True)
    return tuple(msgspec.structs.replace(fault, file=fault.file.replace(str(beside), str(path))) for fault in faults)
