"""Decides how a configuration's text is changed so that its comments, its order and whatever else stands in it stay. Pure.

tomlkit keeps them; what came out is read again by tomllib, whose word is the product's: a text that does not say exactly what was
asked for is never handed out.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from appliance.core.errors import MisconfiguredError
from appliance.provision.site_file import over

Key = tuple[str, ...]


def key_from_text(text: str) -> Key:
    """A dotted key as TOML writes it. Raises MisconfiguredError.

    >>> key_from_text('queues."Atención".target_s')
    ('queues', 'Atención', 'target_s')
    """
    try:
        data: Any = tomllib.loads(f"{text} = 0") if "\n" not in text and text.strip() else None
    except tomllib.TOMLDecodeError:
        data = None
    path: list[str] = []
    while isinstance(data, dict) and len(data) == 1:
        name, data = next(iter(data.items()))
        path.append(name)
    if data != 0 or not path:
        raise MisconfiguredError(f'"{text}" is no key; write it as kpi.target_s, or pbx.central.host, or queues."Atención".title')
    return tuple(path)


def value_from_text(text: str) -> Any:
    """A value as TOML writes it; what is no TOML is text, so that nobody needs two kinds of quotes in a shell.

    >>> value_from_text("20"), value_from_text("true"), value_from_text('["a", "b"]'), value_from_text("pbx.example.com")
    (20, True, ['a', 'b'], 'pbx.example.com')
    """
    try:
        found = tomllib.loads(f"it = {text}")
        return found["it"] if list(found) == ["it"] else text
    except tomllib.TOMLDecodeError:
        return text


def with_value(text: str, key: Key, value: Any) -> str:
    """The text with this key set; `value` None takes the key out. Raises MisconfiguredError when a table or a value stands in the way."""
    document, want = _read(text)
    here, data = document, want
    for name in key[:-1]:
        if value is None and name not in here:
            return text
        if name not in here:
            here[name] = tomlkit.table()
            data[name] = {}
        if not isinstance(data[name], dict):
            raise MisconfiguredError(f"{'.'.join(key)}: {name} is a value in this file, not a table; take it out first")
        here, data = here[name], data[name]
    if value is None:
        if key[-1] not in data:
            return text
        del here[key[-1]], data[key[-1]]
    else:
        if data.get(key[-1]) == value and type(data.get(key[-1])) is type(value):
            return text
        here[key[-1]] = value
        data[key[-1]] = value
    return _written(document, want, ".".join(key))


def merged(text: str, told: Mapping[str, Any]) -> str:
    """The text with everything set that `told` says; what it says nothing of stays. Raises MisconfiguredError."""
    document, data = _read(text)
    want = over(data, told)
    if want == data:
        return text
    _set(document, data, told)
    return _written(document, want, "the site sheet")


def _set(here: Any, data: Mapping[str, Any], told: Mapping[str, Any]) -> None:
    for name, value in told.items():
        known = data.get(name)
        if isinstance(value, Mapping) and isinstance(known, dict):
            _set(here[name], known, value)
        elif known != value or type(known) is not type(value):
            here[name] = _table(value) if isinstance(value, Mapping) else deepcopy(value)


def _table(value: Mapping[str, Any]) -> Any:
    """A table with its values first, its own tables behind them: as a person writes it. One that only holds tables has no header."""
    only_tables = bool(value) and all(isinstance(each, Mapping) for each in value.values())
    table = tomlkit.table(is_super_table=only_tables)
    for name, each in value.items():
        if not isinstance(each, Mapping):
            table[name] = each
    for name, each in value.items():
        if isinstance(each, Mapping):
            table[name] = _table(each)
    return table


def _read(text: str) -> tuple[Any, dict[str, Any]]:
    try:
        return tomlkit.parse(text), tomllib.loads(text)
    except (TOMLKitError, tomllib.TOMLDecodeError) as fault:
        raise MisconfiguredError(f"the configuration is not TOML: {fault}; callfloor check names each line") from fault


def _written(document: Any, want: Mapping[str, Any], what: str) -> str:
    text = tomlkit.dumps(document)
    try:
        same = tomllib.loads(text) == want
    except tomllib.TOMLDecodeError:
        same = False
    if not same:
        raise MisconfiguredError(f"{what} cannot be written into this file as it stands; write it by hand: callfloor check looks at it")
    return text
