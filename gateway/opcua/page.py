"""Decides how docs/opcua-nodes.md reads: every node, method and event of the OPC UA server, from the same types as the server itself.

Written by `make docs` (`python -m gateway.opcua.page docs/opcua-nodes.md`); a test fails when it is out of date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from appliance.core.command import VERBS
from appliance.floor.snapshot import Snapshot
from gateway.opcua.argument import Argument
from gateway.opcua.extra import Extra
from gateway.opcua.member import Kind, Member, members_of
from gateway.opcua.notice import FIELDS
from gateway.opcua.value import TYPES, UNITS
from gateway.opcua.verb import OUTPUTS, inputs_of

_HEAD = """# OPC UA: every node

Generated from the types by `make docs`; [opcua.md](opcua.md) says how to connect. Namespace `urn:callfloor:1`; a node's id is a string,
the path below. `{…}` stands for the key or id of each that there is. Objects above a value are folders.
"""
#: What stands for the key of each, by what it is below.
_KEYS = {"pbx": "{pbx}", "queues": "{queue}", "groups": "{group}", "sites": "{site}", "agents": "{agent}", "trunks": "{trunk}"}
_KEYS |= {"records": "{pbx}", "headsets": "{seat}", "health": "{item}", "announcements": "{announcement}", "alarms": "{alarm}"}
_KEYS |= {"lines": "{line}", "boards": "{board}", "services": "{service}", "left_by": "{reason}", "faults": "{line}"}
_KEYS |= {"channels": "{channel}", "classes": "{type}", "outcomes": "{outcome}"}


def page() -> str:
    """The page."""
    parts = [_HEAD, "## Values\n", _unit_words(), "| node | type | unit |\n| --- | --- | --- |"]
    seen: dict[type[Struct], str] = {}
    parts += [*_rows((), Snapshot, seen), *_rows(("extra",), Extra, seen)]
    parts += [
        "\n## Methods\n",
        f"For the roles operate and rig; `?` may be left out. Each answers {', '.join(f'`{each.name}`' for each in OUTPUTS)}, all text.\n",
        "| method | arguments | |\n| --- | --- | --- |",
    ]
    parts += [_method(verb) for verb in VERBS]
    parts += ["\n## Events\n", "From the Server object (`i=2253`), types below `extra/events/`, with the fields of BaseEventType too.\n"]
    parts += ["| type | fields |\n| --- | --- |"]
    parts += [f"| `{kind.capitalize()}EventType` | {', '.join(f'`{name}`' for name in names)} |" for kind, names in FIELDS.items()]
    parts += ["| `GeneralModelChangeEventType` | `Changes`: the folders below which nodes came or went |"]
    return "\n".join(parts) + "\n"


def _unit_words() -> str:
    words = ", ".join(f"{word} (`{code}`)" for code, _, word in (UNITS["s"], UNITS["1"]))
    return f"Units are UNECE codes in `EngineeringUnits`: {words}; a share is of one, `0.82` for 82 %.\n"


def _rows(path: tuple[str, ...], struct: type[Struct], seen: dict[type[Struct], str]) -> Iterator[str]:
    """Values first, then what is below; a struct that came before is named and not told again."""
    below = []
    for member in members_of(struct):
        if member.below is None:
            yield _row((*path, member.name), member)
        else:
            below.append(member)
    for member in below:
        assert member.below is not None
        here = (*path, member.name, _KEYS[member.name]) if member.many else (*path, member.name)
        shown = "/".join(here)
        same = seen.get(member.below)
        if same is not None and len(members_of(member.below)) > 4:
            yield f"| `{shown}/…` | as `{same}/…` | |"
            continue
        seen[member.below] = shown
        yield from _rows(here, member.below, seen)


def _row(path: tuple[str, ...], member: Member) -> str:
    here = (*path, _KEYS[member.name]) if member.many else path
    return f"| `{'/'.join(here)}` | {_type(member.kind or 'text')} | {member.unit or ''} |"


def _type(kind: Kind) -> str:
    variant, is_array, _ = TYPES[kind]
    return f"{variant.name}[]" if is_array else str(variant.name)


def _method(verb: str) -> str:
    row = VERBS[verb]
    text = (row.args.__doc__ or "").partition("\n")[0]
    return f"| `commands/{verb}` | {', '.join(map(_argument, inputs_of(verb)))} | {text} |"


def _argument(argument: Argument) -> str:
    names = {"float": "Double", "int": "Int64", "bool": "Boolean", "texts": "String[]", "json": "JSON", "bytes": "ByteString"}
    kind = names.get(argument.kind, "String")
    return f"`{argument.name}` {kind}{'' if argument.required else '?'}"


def main(file: str) -> None:
    """Write it."""
    Path(file).write_text(page(), encoding="utf-8")
    sys.stdout.write(f"written: {file}\n")


if __name__ == "__main__":
    main(sys.argv[1])
