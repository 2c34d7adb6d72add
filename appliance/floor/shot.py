"""Snapshots of a fold, cheaply: what did not change since the last one is not built again. Pure; time is handed in."""

from __future__ import annotations

from copy import copy

from appliance.core.clock import NS, rfc3339
from appliance.core.event import ClockQuality
from appliance.core.journal import Account
from appliance.floor import build
from appliance.floor import snapshot as out
from appliance.floor.callback import is_kept
from appliance.floor.classify import with_classes
from appliance.floor.floor import Floor
from appliance.floor.outbound import with_outbound
from appliance.floor.record import records_snapshot
from appliance.floor.sums import Sums

#: Members that tick by themselves (agents' seconds, coverage, a live queue's `as_of`) move this often; the rest the moment it changes.
TICK_NS = 5 * NS


class Shots:
    """Builds snapshots of one floor, keeping the queues and agents that stayed as they were.

    What a snapshot holds is never changed afterwards: an object that stands in two snapshots is alike in both, and whoever
    compares them need not look into it.
    """

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self._queues: dict[str, out.Queue] = {}
        self._agents: dict[str, out.Agent] = {}
        #: Queues that do not add up: none, or the fold is wrong.
        self._broken: dict[str, None] = {}
        self._sums = Sums()
        self._everyone: out.AgentCounts | None = None
        self._utilisation: out.Utilisation | None = None
        self._tick_ns = 0
        self._day = 0
        self._half = 0

    def clear(self) -> None:
        """Build everything anew next time: after whatever no event told."""
        self._queues.clear()
        self._agents = {}
        self._broken.clear()
        self._utilisation = None

    def take(self, now_ns: int, epoch: str | None = None, account: Account | None = None, clock: ClockQuality = "synced") -> out.Snapshot:
        """The whole floor at `now_ns`. `account` is the journal's books towards the CRM, None for a fold without a journal."""
        floor, state, config = self.floor, self.floor.state, self.floor.config
        shown = account is not None and is_kept(config)  # nobody writes callbacks where there is no journal
        if floor.callbacks.shown != shown:
            floor.callbacks.shown = shown
            self.clear()
        self._refresh(now_ns)
        queues = self._shown()
        return out.Snapshot(
            site=config.site.name,
            box=config.site.box,
            epoch=epoch,
            seq=state.seq,
            time=rfc3339(now_ns),
            clock=clock,
            open=clock == "unset" or floor.calendar.is_open(now_ns),  # an hour that is a guess closes nothing
            crm=build.crm_from_account(floor, account, config.crm is not None, now_ns),
            pbx={key: build.pbx_from_source(floor.source(key)) for key in dict.fromkeys((*config.pbx, *state.sources))},
            queues=queues,
            floor=self._floor(list(queues.values()), now_ns),
            groups={key: self._group(key) for key in config.groups},
            agents=self._agents,
            channels=floor.channels.channels(now_ns, unlinked=bool(floor.unlinked_ns)),
            trunks={key: build.trunk_snapshot(floor, key, self._tick_ns) for key in sorted({*config.trunks, *state.trunks})},
            records={key: records_snapshot(days.get(self._day)) for key, days in state.records.items()}
            | {key: out.Records() for key in config.smdr if key not in state.records},
            headsets=build.headsets(floor) if config.privacy.headsets else None,
            utilisation=self._utilisation or out.Utilisation(),
            health=build.health(floor, list(self._broken)),
            announcements=build.announcements(floor, now_ns),
            alarms=list(state.alarms.values()),
        )

    def _refresh(self, now: int) -> None:
        floor = self.floor
        floor.advance(now)
        day, half = floor.calendar.day(now)[0], floor.calendar.half_hour(now)
        if not 0 <= now - self._tick_ns < TICK_NS or (day, half) != (self._day, self._half):
            self._tick_ns, self._day, self._half = now, day, half
            self.clear()
        dirty, floor.dirty = floor.dirty, set()
        moved = not self._utilisation or any(not key.startswith("queues/") for key in dirty)
        state = floor.state
        anew = [key for key in state.queues if key not in self._queues or f"queues/{key}" in dirty]
        members = build.states_by_queue(anew, state.agents.values()) if anew else {}
        for key, queue in state.queues.items():
            if queue.waiting and key in self._queues:
                self._queues[key] = _ticked(self._queues[key], queue.waiting, now)
        for key in anew:
            self._queues[key] = build.queue_snapshot(floor, state.queues[key], now, self._tick_ns, members[key])
            if build.is_balanced(state.queues[key], half):
                self._broken.pop(key, None)
            else:
                self._broken[key] = None
        known, agents = self._agents, state.agents
        anew = [key for key in agents if key not in known or f"agents/{key}" in dirty] if moved or len(known) != len(agents) else []
        if anew:
            self._agents = {**known, **{key: build.agent_snapshot(floor, agents[key], now, self._tick_ns) for key in anew}}
        # Over all agents, so not at every event: who does what when somebody changed, the shares when the clocks tick.
        if moved:
            self._everyone = build.everyone(floor, floor.state.agents.values())
        if self._utilisation is None:
            tick = self._tick_ns
            self._utilisation = build.utilisation(self._agents.values(), lambda b_s, c_s: floor.channels.paid(tick, b_s, c_s))

    def _shown(self) -> dict[str, out.Queue]:
        """Queues in the configured order, then as they appeared; hidden ones left out."""
        own = self.floor.config.queues
        shown = [key for key in self._queues if not (key in own and own[key].hidden)]
        shown.sort(key=lambda key: own[key].order if key in own else 1_000_000)
        return {key: self._queues[key] for key in shown}

    def _floor(self, queues: list[out.Queue], now_ns: int) -> out.Queue:
        """The sum of the queues, and what is the floor's alone."""
        total = build.summed_queue("", queues, self._everyone, self._tick_ns, self._sums.total)
        build.with_callbacks(total, self.floor)
        total.today.fcr = self.floor.channels.fcr(now_ns)
        with_outbound(total, self.floor.outbound.windows(now_ns))
        return with_classes(build.with_self_service(total, self.floor.ivr.shares(now_ns)), self.floor.classes.outside(now_ns))

    def _group(self, key: str) -> out.Queue:
        """A group counts every queue that it names, one left off the boards as well."""
        group = self.floor.config.groups[key]
        members = [self._queues[queue] for queue in group.queues if queue in self._queues]
        inside = [agent for agent in self.floor.state.agents.values() if any(queue in agent.queues for queue in group.queues)]
        return build.summed_queue(group.title or key, members, build.everyone(self.floor, inside), self._tick_ns)


def _ticked(queue: out.Queue, waiting: dict[str, int], now: int) -> out.Queue:
    """A queue of which nothing but the longest wait moved on."""
    longest_wait = round(max(0.0, (now - min(waiting.values())) / 1e9), 1)
    if longest_wait == queue.longest_wait:
        return queue
    moved = copy(queue)
    moved.longest_wait = longest_wait
    return moved
