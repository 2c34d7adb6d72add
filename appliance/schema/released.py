"""Which forms were published, and what the ones of today would break for whoever built against them.

`docs/schema/released/VERSION/` holds the documents as they were published under that version of the contract (`asyncapi.VERSION`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from appliance.core.errors import MisconfiguredError
from appliance.schema import asyncapi, command, config, event, floor, link, trend
from appliance.schema.breaking import Break, Direction, breaks, topic_breaks
from appliance.schema.json_schema import Schema, text_of

_DIRECTIONS: Final[dict[str, Direction]] = {
    "events": "out",
    "floor": "out",
    "trend": "out",
    "link": "out",
    "commands": "in",
    "config": "in",
}
_TODAY: Final[dict[str, Callable[[], Schema]]] = {
    "events": event.document,
    "floor": floor.document,
    "trend": trend.document,
    "link": link.document,
    "commands": command.document,
    "config": config.document,
    "asyncapi": lambda: _topics(asyncapi.document()),
}
#: The configuration is for the box's own people: it is compared on request, and not held here.
_HELD: Final = tuple(name for name in _TODAY if name != "config")
_FOLDER: Final = Path("schema", "released")
_MEND: Final = (
    "Within a major version things are added, never renamed, removed or made stricter (docs/contract.md). Keep what stands and add "
    "beside it; where that cannot be, it is a new major version."
)


def changes(old: Schema, new: Schema, name: str) -> tuple[list[Break], list[str]]:
    """What breaks and what was added, from one published document to another of the same name."""
    if name == "asyncapi":
        return topic_breaks(old, new), [one.where for one in topic_breaks(new, old) if one.what.startswith("is gone")]
    direction = _DIRECTIONS[name]
    return breaks(old, new, direction), [one.where for one in breaks(new, old, direction) if one.what == "is gone"]


def name_of(document: Schema) -> str:
    """Which of the published documents this is. Raises MisconfiguredError for another."""
    name = "asyncapi" if "asyncapi" in document else str(document.get("$id", "")).rpartition(":")[2]
    if name not in _TODAY:
        raise MisconfiguredError(f"not a published form of this product: its $id is {document.get('$id')!r}; there are {', '.join(_TODAY)}")
    return name


def today(name: str) -> Schema:
    """The document as the program has it now."""
    return _through_json(_TODAY[name]())


def check(docs: Path) -> list[str]:
    """What today's forms break, against the last ones published in the same major version, in words; empty when nothing."""
    last = newest(docs)
    if last is None:
        return [f"{docs / _FOLDER} holds no published form of major version {_major(asyncapi.VERSION)}: run make release-schema"]
    told = [
        f"{name}: {one}" for name in _TODAY if (path := last / f"{name}.json").exists() for one in changes(read(path), today(name), name)[0]
    ]
    return [*told, f"published as {last.name}. {_MEND}"] if told else []


def release(docs: Path) -> Path:
    """Publish today's forms under `asyncapi.VERSION`. Raises MisconfiguredError where they break, or that version is published already."""
    if newest(docs) is not None and (told := check(docs)):
        raise MisconfiguredError("\n".join(told))
    folder = docs / _FOLDER / asyncapi.VERSION
    if folder.exists() and any(read(path) != today(path.stem) for path in folder.glob("*.json")):
        raise MisconfiguredError(f"{folder} is published, and today's forms are others: raise VERSION in appliance/schema/asyncapi.py")
    folder.mkdir(parents=True, exist_ok=True)
    for name in _HELD:
        (folder / f"{name}.json").write_text(text_of(today(name)), encoding="utf-8")
    return folder


def newest(docs: Path) -> Path | None:
    """The folder of the last version published in today's major version."""
    held = [folder for folder in (docs / _FOLDER).glob("*.*.*") if _major(folder.name) == _major(asyncapi.VERSION)]
    return max(held, key=lambda folder: tuple(map(int, folder.name.split("."))), default=None)


def read(path: Path) -> Schema:
    """A document from a file. Raises MisconfiguredError where it is none."""
    try:
        document = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except OSError as fault:
        raise MisconfiguredError(f"{path} cannot be read: {fault.strerror}") from fault
    except msgspec.DecodeError as fault:
        raise MisconfiguredError(f"{path} is no JSON object: {fault}") from fault
    return document


def _topics(document: Schema) -> Schema:
    """What topics there are; what stands in the messages is in the other forms."""
    return {key: document[key] for key in ("asyncapi", "id", "info", "servers", "channels", "operations")}


def _through_json(document: Schema) -> Schema:
    again: Schema = msgspec.json.decode(msgspec.json.encode(document))
    return again


def _major(version: str) -> str:
    return version.partition(".")[0]
