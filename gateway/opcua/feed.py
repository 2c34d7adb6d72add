"""Decides when the address space is brought up to date, and with what: the floor as the fold has it, for people's privacy as configured."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from msgspec.structs import replace

from appliance import registry
from appliance.core.alive import is_alive
from appliance.core.clock import NS
from appliance.floor.build import headsets
from appliance.floor.snapshot import Agent, Snapshot
from appliance.floor_view import FloorView
from appliance.service import Context
from gateway.opcua.change import Differ
from gateway.opcua.count import Counts
from gateway.opcua.extra import Extra, Line, Service, boards_of, lines_of
from gateway.opcua.server import Insides
from gateway.opcua.space import Space
from gateway.opcua.teller import Teller

#: What changes by itself is looked at so often; with nobody there, just often enough for the next client to find it fresh.
LOOK_NS: Final = NS
#: A service whose lock has another name than itself.
_LOCKS: Final = {"wallboard": "alarms"}


class Feed:
    """The floor on its way into the nodes."""

    def __init__(self, context: Context, view: FloorView, space: Space, insides: Insides, teller: Teller) -> None:
        self._context, self._view, self._space, self._insides, self._teller = context, view, space, insides, teller
        self._floor, self._extra = Differ(), Differ(("extra",))
        self._run_dir: Path | None = getattr(context.journal, "run_dir", None)
        self._services = [name for name in registry.enabled(context.config) if name != "opcua"]
        self._lines: dict[str, Line] = {}
        self._looked_ns = -LOOK_NS
        self._seq = -1
        self._alive: dict[str, bool | None] = {}

    def is_due(self) -> bool:
        """Something was folded, or the last look is old."""
        return self._view.seq != self._seq or self._context.clock.mono_ns() - self._looked_ns >= LOOK_NS

    async def turn(self) -> int:
        """Bring the nodes up to date; how many were written."""
        clock = self._context.clock
        snapshot = self._shown()
        self._seq = snapshot.seq
        if clock.mono_ns() - self._looked_ns >= LOOK_NS:
            self._look()
        now_ns = clock.wall_ns()
        written = await self._space.apply(self._floor.feed(snapshot), now_ns)
        self._count(written)
        self._lines = lines_of(self._context.config, snapshot, self._view.floor.state.trunks, self._lines)
        counts: Counts = replace(self._insides.counts)
        extra = Extra(
            lines=self._lines,
            boards=boards_of(self._context.config, self._alive.get("wallboard")),
            services={name: Service(self._alive.get(name)) for name in self._services},
            opcua=counts,
        )
        await self._space.apply(self._extra.feed(extra), now_ns)
        changed = self._space.take_changed()
        if changed:
            await self._teller.tell_model(changed, now_ns)
        return written

    def _shown(self) -> Snapshot:
        """The snapshot, with headsets for the rig at least; who sees them is the session's to judge."""
        config = self._context.config
        snapshot = self._view.snapshot()
        shown = snapshot.headsets if snapshot.headsets is not None else headsets(self._view.floor) or None
        agents: dict[str, Agent] | None = snapshot.agents
        if not config.privacy.agent_names:
            agents = None  # their keys are made of names
            shown = {seat: replace(each, agent=None) for seat, each in shown.items()} if shown else shown
        return replace(snapshot, headsets=shown, agents=agents)

    def _look(self) -> None:
        self._looked_ns = self._context.clock.mono_ns()
        if self._run_dir is not None:
            self._alive = {name: is_alive(self._run_dir, _LOCKS.get(name, name)) for name in self._services}

    def _count(self, written: int) -> None:
        counts, subscriptions = self._insides.counts, self._insides.subscription_service.subscriptions
        counts.changes += written
        counts.sessions = self._insides.session_count
        counts.subscriptions = len(subscriptions)
        counts.monitored_items = sum(len(each.monitored_item_srv._monitored_items) for each in subscriptions.values())
        counts.nodes, counts.left_out = len(self._space), len(self._space.left_out)


def hidden_paths(headsets_shown: bool) -> tuple[str, ...]:
    """What only the role rig sees: the rig itself, and what people's headsets do where the site does not show it."""
    return ("extra/rig",) if headsets_shown else ("extra/rig", "headsets")
