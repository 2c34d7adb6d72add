"""Decides what the snapshot lacks and a rig or a plant wants to see: lines one by one, boards, services, and the server itself. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from appliance.core.config import Config
from appliance.floor.snapshot import Snapshot
from appliance.floor.state import TrunkState
from gateway.opcua.count import Counts


class Line(Struct):
    """One line: of the configuration, or one that was busy or at fault today. `direction`: of the call that it is busy with."""

    trunk: str | None = None
    busy: bool | None = None
    direction: str | None = None
    fault: str | None = None


class Board(Struct):
    """One medium of the box: `tv`, `led`, `sign` or `beacon`. `alive`: the service that drives it runs."""

    medium: str
    alive: bool | None = None


class Service(Struct):
    """One service of the box: whether a process runs it now; null where nobody can tell."""

    alive: bool | None = None


class Extra(Struct):
    """What stands below `extra/` beside what a rig puts there."""

    lines: dict[str, Line] = {}
    boards: dict[str, Board] = {}
    services: dict[str, Service] = {}
    opcua: Counts = field(default_factory=Counts)


def lines_of(config: Config, snapshot: Snapshot, trunks: Mapping[str, TrunkState], known: Mapping[str, Line]) -> dict[str, Line]:
    """Each line now. `known`: as it was before; a line once seen stays. Where a group is out of sight nobody knows which are busy."""
    found = {name: Line(trunk=keys.trunk) for device, lines in config.lines.items() for name, keys in lines.lines(device).items()}
    found |= {name: Line(trunk=line.trunk) for name, line in known.items() if name not in found}
    for key, trunk in trunks.items():
        found |= {name: Line(trunk=key) for name in (*trunk.busy, *trunk.faults) if name not in found}
    for name, line in found.items():
        state = trunks.get(line.trunk or "")
        shown = snapshot.trunks.get(line.trunk or "")
        if state is not None and shown is not None and shown.busy is not None:
            line.busy, line.direction = name in state.busy, state.busy.get(name) or None
        line.fault = state.faults.get(name) if state is not None else None
    return found


def boards_of(config: Config, alive: bool | None) -> dict[str, Board]:
    """The media that the configuration names, by their names there; the televisions' pages as `tv`."""
    wallboard = config.wallboard
    names = [("tv", "tv")] if wallboard.tv is not None else []
    names += [(medium, name) for medium in ("led", "sign", "beacon") for name in getattr(wallboard, medium)]
    return {name if medium == "tv" else f"{medium}.{name}": Board(medium, alive) for medium, name in names}
