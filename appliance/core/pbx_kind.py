"""Decides which kinds of PBX a configuration may name, and the port of each where it names none."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from appliance.core.config import PbxConfig

#: The kinds that come with the box, and their usual ports.
BUILT_IN: Final = {"asterisk": 5038, "freeswitch": 8021}
GROUP: Final = "callfloor.pbx"


@cache
def installed() -> dict[str, str]:
    """The kinds that installed packages add, each with its `module:Class`."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow to import, needed for foreign kinds only

    return {point.name: point.value for point in entry_points(group=GROUP)}


def is_kind(kind: str) -> bool:
    """Whether somebody speaks it.

    >>> is_kind("asterisk"), is_kind("asterix")
    (True, False)
    """
    return kind in BUILT_IN or kind in installed()


def port_of(config: PbxConfig) -> int:
    """Where it listens: as configured, else the usual port of its kind; 0 where a package's kind has none here."""
    return config.port or BUILT_IN.get(config.kind, 0)
