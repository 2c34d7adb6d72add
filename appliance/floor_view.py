"""A live floor: follows the journal and gives the snapshot as of now. Every board, the CRM and the command line see through it."""

from __future__ import annotations

from pathlib import Path

from msgspec import DecodeError, ValidationError

from appliance.core.alive import is_alive, sights
from appliance.core.catalogue import event_from_stored
from appliance.core.clock import NS, Clock, rfc3339
from appliance.core.config import Config
from appliance.core.event import stored_from_body
from appliance.core.journal import PAGE, Journal
from appliance.floor import build
from appliance.floor import snapshot as out
from appliance.floor.floor import Floor, bytes_from_state, settings_mark, state_from_bytes
from appliance.floor.state import FloorState
from appliance.floor.timeline import Timeline

#: Members that tick by themselves (agents' seconds, coverage) move this often; the rest the moment it changes.
TICK_NS = 5 * NS
_LOOK_NS = NS // 2
AGENTS_OVER_MQTT = 100


class FloorView:
    """Folds the journal's events and builds snapshots, rebuilding only what changed.

    `undecodable` counts rows that could not be decoded: they are skipped, and stay in the journal.
    """

    def __init__(self, journal: Journal, config: Config, clock: Clock, cache: Path | None = None) -> None:
        self.journal = journal
        self.config = config
        self.clock = clock
        self.undecodable = 0
        self._cache = cache
        self._run_dir: Path | None = getattr(journal, "run_dir", None)
        self._floor = self._begin(None)
        self._tick_ns = 0
        self._looked_ns = 0
        self._queues: dict[str, out.Queue] = {}
        self._agents: dict[str, out.Agent] = {}
        self._day = 0
        self._half = 0

    @property
    def seq(self) -> int:
        """The last journal row folded."""
        return self._floor.state.seq

    @property
    def floor(self) -> Floor:
        """The fold itself, for `explain` and the reports."""
        return self._floor

    def catch_up(self, pages: int | None = None) -> bool:
        """Fold what is new, at most so many pages of 500; True when a row was folded. Call until it says False."""
        if self._floor.state.epoch != self.journal.epoch:
            self._floor = self._begin(None)
            self._clear()
        folded = False
        while pages is None or pages > 0:
            rows = self.journal.read(self._floor.state.seq, PAGE)
            again = False
            for row in rows:
                again = self._apply(row.seq, row.body) or again
            folded = folded or bool(rows)
            if again:
                self._floor = self._begin(self._floor.state.timeline)
                self._clear()
            elif len(rows) < PAGE:
                break
            pages = None if pages is None else pages - 1
        return folded

    async def follow(self, timeout_s: float = 1.0) -> bool:
        """Wait for new rows, at most timeout_s, and fold them; True when something was folded."""
        if await self.journal.wait(self.seq, timeout_s):
            return self.catch_up()
        return False

    def snapshot(self, now_wall_ns: int | None = None) -> out.Snapshot:
        """The floor now, at the position last folded."""
        now = now_wall_ns if now_wall_ns is not None else self.now_ns()
        floor, state = self._floor, self._floor.state
        floor.advance(now)
        self._look(now)
        tick = now - self._tick_ns >= TICK_NS or now < self._tick_ns or floor.calendar.day(now)[0] != self._day
        if tick:
            self._tick_ns, self._day = now, floor.calendar.day(now)[0]
            self._clear()
        dirty, floor.dirty = floor.dirty, set()
        half_gone = self._half_gone(now)
        for key, queue in state.queues.items():
            if key not in self._queues or half_gone or f"queues/{key}" in dirty:
                self._queues[key] = build.queue_snapshot(floor, queue, now, self._tick_ns)
            else:
                self._queues[key] = _ticked(self._queues[key], queue.waiting, now)
        for key, agent in state.agents.items():
            if key not in self._agents or f"agents/{key}" in dirty:
                self._agents[key] = build.agent_snapshot(floor, agent, now, self._tick_ns)
        return self._assembled(now)

    def now_ns(self) -> int:
        """Now on the fold's time line: this boot's monotonic clock, dated as its events are."""
        dated = self._floor.state.timeline.date(self.clock.boot, self.clock.mono_ns())
        return dated if dated is not None else self.clock.wall_ns()

    def save(self) -> None:
        """Write the fold as a cache beside the journal. A cache: losing it costs time, never a figure."""
        if self._cache is None:
            return
        self._cache.parent.mkdir(parents=True, exist_ok=True)
        part = self._cache.with_suffix(".part")
        part.write_bytes(bytes_from_state(self._floor.state))
        part.replace(self._cache)

    # ----------------------------------------------------------------------------------------------------------

    def _begin(self, timeline: Timeline | None) -> Floor:
        """A floor from the cache, or from the journal's first row (with what is known of the clock by now)."""
        epoch = self.journal.epoch
        state = None
        if timeline is None and self._cache is not None and self._cache.exists():
            state = state_from_bytes(self._cache.read_bytes(), self.config, epoch)
            if state is not None and not self.journal.first_seq() - 1 <= state.seq <= self.journal.head().seq:
                state = None
        if state is None:
            known = Timeline(dict(timeline.offsets)) if timeline else Timeline()
            state = FloorState(settings=settings_mark(self.config), epoch=epoch, timeline=known)
        return Floor(self.config, state)

    def _apply(self, seq: int, body: bytes) -> bool:
        floor = self._floor
        try:
            stored = stored_from_body(body)
            if floor.wants(stored.kind):
                event = event_from_stored(stored)
                if event is not None:
                    return floor.apply(seq, event)
        except (ValidationError, DecodeError):
            self.undecodable += 1
        floor.state.seq = seq
        return False

    def _clear(self) -> None:
        self._queues.clear()
        self._agents.clear()

    def _half_gone(self, now: int) -> bool:
        half = self._floor.calendar.half_hour(now)
        gone, self._half = half != self._half, half
        return gone

    def _look(self, now: int) -> None:
        """Ask the kernel whether the sources' process lives; when it died, what it told is as old as its last sight."""
        if self._run_dir is None or abs(now - self._looked_ns) < _LOOK_NS:
            return
        self._looked_ns = now
        floor = self._floor
        alive = is_alive(self._run_dir, "gateway")
        if alive == (not floor.unsighted):
            return
        self._clear()
        floor.unsighted = {}
        if alive:
            return
        seen = sights(self._run_dir, "gateway")
        for key, source in floor.state.sources.items():
            sight = seen.get(key)
            dated = floor.state.timeline.date(sight.boot, sight.mono_ns) if sight else None
            floor.unsighted[key] = build.out_of_sight(source, dated)

    def _assembled(self, now: int) -> out.Snapshot:
        floor, state, config = self._floor, self._floor.state, self.config
        queues = self._shown_queues()
        agents = list(state.agents.values())
        return out.Snapshot(
            site=config.site.name,
            box=config.site.box,
            epoch=self.journal.epoch,
            seq=state.seq,
            time=rfc3339(now),
            clock=self.clock.quality(),
            open=floor.calendar.is_open(now),
            crm=build.crm_from_account(floor, self.journal.account("uplink"), config.crm is not None, self.clock.wall_ns()),
            pbx={key: build.pbx_from_source(floor.source(key)) for key in dict.fromkeys((*config.pbx, *state.sources))},
            queues=queues,
            floor=build.summed_queue("", list(queues.values()), build.everyone(floor, agents), now),
            groups={key: self._group(key, queues, now) for key in config.groups},
            agents=dict(self._agents),
            trunks={key: build.trunk_snapshot(floor, key, self._tick_ns) for key in sorted({*config.trunks, *state.trunks})},
            headsets=dict(state.headsets) if config.privacy.headsets else None,
            utilisation=build.utilisation(self._agents.values()),
            health=build.health(floor),
            announcements=build.announcements(floor, now),
            alarms=list(state.alarms.values()),
        )

    def _shown_queues(self) -> dict[str, out.Queue]:
        """Queues in the configured order, then as they appeared; hidden ones left out."""
        own = self.config.queues
        shown = [key for key in self._queues if not (key in own and own[key].hidden)]
        shown.sort(key=lambda key: own[key].order if key in own else 1_000_000)
        return {key: self._queues[key] for key in shown}

    def _group(self, key: str, queues: dict[str, out.Queue], now: int) -> out.Queue:
        group = self.config.groups[key]
        members = [queues[queue] for queue in group.queues if queue in queues]
        inside = [agent for agent in self._floor.state.agents.values() if any(queue in agent.queues for queue in group.queues)]
        return build.summed_queue(group.title or key, members, build.everyone(self._floor, inside), now)


def _ticked(queue: out.Queue, waiting: dict[str, int], now: int) -> out.Queue:
    """An unchanged queue with its clocks moved on."""
    since = min(waiting.values(), default=None)
    queue.longest_wait = round(max(0.0, (now - since) / 1e9), 1) if since is not None else None
    if queue.fresh == "live":
        queue.as_of = rfc3339(now)
    return queue
