"""Decides what in a parsed TOML document does not fit the configuration's types, all of it at once, each with a mend. Pure.

msgspec stops at the first misfit, which is right for a message from a wire and wrong for a file that a person mends.
"""

from __future__ import annotations

import difflib
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from appliance.core.config_rules import Finding

#: Words in a key that mark its value as one that must not stand in the file, nor be echoed.
_SECRET_WORDS: Final = ("secret", "password", "passwd", "token", "passphrase")

_WORDS: Final[dict[Any, str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text in quotes",
    Path: "the name of a file in quotes",
}

Hook = Callable[[type, Any], Any]


def misfits(data: dict[str, Any], kind: type[Struct], hook: Hook) -> list[Finding]:
    """Find every misfit, and take it out of `data`, so that the rest can be converted and checked further."""
    return list(_table(data, kind, (), hook))


def _table(data: dict[str, Any], kind: type[Struct], path: tuple[str | int, ...], hook: Hook) -> Iterator[Finding]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    written = set(data)
    for key in list(data):
        here = (*path, key)
        if key not in fields:
            del data[key]
            yield _unknown(here, key, fields)
            continue
        inner, many = _struct_of(fields[key].type)
        listed = _struct_of_list(fields[key].type)
        if listed is not None:
            yield from _tables(data, key, listed, here, hook)
            if key in data:
                yield from _leaf(data, key, fields[key].type, here, hook)  # what may not be so many
        elif inner is None:
            yield from _leaf(data, key, fields[key].type, here, hook)
        elif not isinstance(data[key], dict):
            yield Finding(here, f"{_shown(key, data[key])} stands where a table is wanted", f"write it as [{dotted(here)}]")
            del data[key]
        elif many:
            for name in list(data[key]):
                yield from _member(data[key], name, inner, (*here, name), hook)
            yield from _leaf(data, key, fields[key].type, here, hook)  # what may not be so many
        else:
            yield from _member(data, key, inner, here, hook)
    for key, field in fields.items():
        if field.required and key not in written:
            yield Finding(path, f"the key {key} is missing", f"write {key} = {example(field.type)}")


def _member(data: dict[str, Any], name: str, kind: type[Struct], path: tuple[str | int, ...], hook: Hook) -> Iterator[Finding]:
    """One sub-table; it is taken out whole when it cannot stand without what is missing."""
    if not isinstance(data[name], dict):
        yield Finding(path, f"{_shown(name, data[name])} stands where a table is wanted", f"write it as {_header(path)}")
        del data[name]
        return
    yield from _table(data[name], kind, path, hook)
    try:
        msgspec.convert(data[name], kind, dec_hook=hook)
    except msgspec.ValidationError:
        del data[name]


def _tables(data: dict[str, Any], key: str, kind: type[Struct], path: tuple[str | int, ...], hook: Hook) -> Iterator[Finding]:
    """A list of tables; one that cannot stand is taken out, the others stay."""
    if not isinstance(data[key], list):
        yield Finding(path, f"{_shown(key, data[key])} stands where a list of tables is wanted", f"write each as [[{dotted(path)}]]")
        del data[key]
        return
    standing: list[Any] = []
    for index, value in enumerate(data[key]):
        item = {"it": value}
        yield from _member(item, "it", kind, (*path, index), hook)
        standing += item.values()
    data[key] = standing


def _leaf(data: dict[str, Any], key: str, kind: Any, path: tuple[str | int, ...], hook: Hook) -> Iterator[Finding]:
    value = data[key]
    try:
        msgspec.convert(value, kind, dec_hook=hook)
    except msgspec.ValidationError as fault:
        del data[key]
        at = str(fault).rpartition("`$[")[2].partition("]")[0]
        where = (*path, int(at)) if at.isdigit() and isinstance(value, list) else path
        if where != path:
            value = value[int(at)]
        mend = f"write {wanted(kind)}"
        options = _options(kind)
        if not isinstance(value, list) and _fits([value], kind, hook):  # the one entry of a list, without its brackets
            mend = f"write [{_shown(key, value)}]"
        elif options and isinstance(value, str) and (near := difflib.get_close_matches(value, options, 1)):
            mend = f'did you mean "{near[0]}"? {mend[0].upper()}{mend[1:]}'
        yield Finding(where, f"{_shown(key, value)} is not allowed", mend)


def _fits(value: Any, kind: Any, hook: Hook) -> bool:
    try:
        msgspec.convert(value, kind, dec_hook=hook)
    except msgspec.ValidationError:
        return False
    return True


def _unknown(path: tuple[str | int, ...], key: str, known: Any) -> Finding:
    if any(word in key.lower() for word in _SECRET_WORDS):
        files = [name for name in known if name.endswith("_file") and any(word in name for word in _SECRET_WORDS)]
        if files and key not in files:
            mend = f'put it alone into a file that only callfloor may read, and write {files[0]} = "FILE"'
            return Finding(path, "secrets never stand in this file", mend)
    near = difflib.get_close_matches(key, known, 1)
    where = _header(path[:-1]) if len(path) > 1 else "this file"
    mend = f"did you mean {near[0]}?" if near else f"take it out; {where} knows: {', '.join(known)}"
    return Finding(path, "unknown key", mend)


def wanted(kind: Any) -> str:
    """A type in words, for a person.

    >>> wanted(Annotated[int, Meta(ge=1, le=65535)])
    'a whole number from 1 to 65535'
    """
    if get_origin(kind) is Annotated:
        base, *metas = get_args(kind)
        return wanted(base) + "".join(_bounds(meta) for meta in metas if isinstance(meta, Meta))
    if isinstance(kind, types.UnionType) or get_origin(kind) is Union:
        return " or ".join(wanted(part) for part in get_args(kind) if part is not type(None))
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(f'"{option}"' for option in get_args(kind))
    if get_origin(kind) is tuple:
        return f"a list of {_plural(wanted(get_args(kind)[0]))}"
    if get_origin(kind) is dict:
        return "a table"
    return _WORDS.get(kind, str(kind))


def example(kind: Any) -> str:
    """How a value of a type is written."""
    text = wanted(kind)
    return '["…"]' if text.startswith("a list") else '"…"' if "quotes" in text else "…"


def dotted(path: tuple[str | int, ...]) -> str:
    """A path as TOML writes it.

    >>> dotted(("queues", "Atención", "target_s"))
    'queues."Atención".target_s'
    """
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            bare = part.isascii() and part.replace("-", "").replace("_", "").isalnum()
            text += ("." if text else "") + (part if bare else '"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"')
    return text


def _header(path: tuple[str | int, ...]) -> str:
    """The header of a table as TOML writes it; those of a list have no numbers there.

    >>> _header(("wallboard", "tv")), _header(("page", 2))
    ('[wallboard.tv]', '[[page]]')
    """
    name = dotted(tuple(part for part in path if isinstance(part, str)))
    return f"[[{name}]]" if isinstance(path[-1], int) else f"[{name}]"


def _struct_of(kind: Any) -> tuple[type[Struct] | None, bool]:
    """The struct inside a field's type and whether the field is a table of them."""
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if isinstance(kind, types.UnionType) or get_origin(kind) is Union:
        kind = next((part for part in get_args(kind) if isinstance(part, type) and issubclass(part, Struct)), None)
    if get_origin(kind) is dict and isinstance(inner := get_args(kind)[1], type) and issubclass(inner, Struct):
        return inner, True
    return (kind, False) if isinstance(kind, type) and issubclass(kind, Struct) else (None, False)


def _struct_of_list(kind: Any) -> type[Struct] | None:
    """The struct of a list of tables."""
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) is tuple and isinstance(inner := get_args(kind)[0], type) and issubclass(inner, Struct):
        return inner
    return None


def _options(kind: Any) -> list[str]:
    if get_origin(kind) is Literal:
        return [str(option) for option in get_args(kind)]
    return [option for part in get_args(kind) for option in _options(part)]


def _bounds(meta: Meta) -> str:
    if meta.max_length is not None:
        return f" with at most {meta.max_length} entries"
    if meta.ge is not None and meta.le is not None:
        return f" from {meta.ge} to {meta.le}"
    if meta.gt is not None:
        return f" above {meta.gt}" + (f" and up to {meta.le}" if meta.le is not None else "")
    return f" of at least {meta.ge}" if meta.ge is not None else f" of at most {meta.le}" if meta.le is not None else ""


def _plural(words: str) -> str:
    return words.replace("text in", "texts in", 1).removeprefix("a ")


def _shown(key: str, value: Any) -> str:
    """A value as the file has it, short; never one that may be a secret."""
    if any(word in key.lower() for word in _SECRET_WORDS):
        return "this value"
    text = str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"
