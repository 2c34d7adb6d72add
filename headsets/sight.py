"""Decides whether those live who told what is known: the gateway for the PBX, the uplink for the seat boxes. The kernel is asked.

A gateway that is there and has heard nothing of a PBX for longer than that may be silent does not see it, whatever it told last.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from appliance.core.alive import is_alive, sights
from appliance.core.clock import NS, Clock
from appliance.core.config import Config, PbxConfig


class Sight(Struct, frozen=True):
    """`gateway`, `uplink`: the process lives. `hidden`: PBXs that were not heard for too long."""

    gateway: bool = True
    uplink: bool = True
    hidden: frozenset[str] = frozenset()


def look(run_dir: Path | None, config: Config, clock: Clock) -> Sight:
    """Look now. Without a `run_dir` (a journal in memory) all are believed to live."""
    if run_dir is None:
        return Sight()
    hidden = set()
    for pbx, sight in sights(run_dir, "gateway").items():
        silent = config.pbx.get(pbx) or PbxConfig()
        if sight.boot != clock.boot or clock.mono_ns() - sight.mono_ns > (silent.silent_s + silent.ping_s) * NS:
            hidden.add(pbx)
    has_boxes = config.headsets is not None and bool(config.headsets.boxes)
    return Sight(is_alive(run_dir, "gateway"), not has_boxes or is_alive(run_dir, "uplink"), frozenset(hidden))
