"""Which documents there are, and which files in docs/ hold them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, get_args

from appliance.core.errors import MisconfiguredError
from appliance.schema import asyncapi, command, config, event, examples, floor, link, page, trend
from appliance.schema.json_schema import Schema, text_of

Which = Literal["config", "events", "floor", "trend", "commands", "link", "asyncapi", "examples"]
WHICH: Final[tuple[str, ...]] = get_args(Which)

_DOCUMENTS: Final[dict[str, Callable[[], Schema]]] = {
    "config": config.document,
    "events": event.document,
    "floor": floor.document,
    "trend": trend.document,
    "commands": command.document,
    "link": link.document,
    "asyncapi": asyncapi.document,
    "examples": examples.document,
}


def schema_text(which: str) -> str:
    """What `callfloor schema WHICH` prints. Raises MisconfiguredError for a name that is not in WHICH."""
    build = _DOCUMENTS.get(which)
    if build is None:
        raise MisconfiguredError(f"no schema named {which!r}; there are {', '.join(WHICH)}")
    return text_of(build())


def generated() -> dict[str, str]:
    """Every generated file of docs/, by its path there, with what it must hold."""
    files = {f"schema/{which}.json": schema_text(which) for which in WHICH if which not in ("asyncapi", "examples")}
    return {
        **files,
        "asyncapi.json": schema_text("asyncapi"),
        "examples.json": schema_text("examples"),
        "events.md": page.events(),
        "commands.md": page.commands(),
        "configuration.md": page.configuration(),
    }
