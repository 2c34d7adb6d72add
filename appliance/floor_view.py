"""A live floor: follows the journal and gives the snapshot as of now. Every board, the CRM and the command line see through it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from msgspec import DecodeError

from appliance.core.alive import Sight, began, is_alive, sights
from appliance.core.callers import SALT_BYTES, held_salt, salt_of
from appliance.core.catalogue import event_from_stored
from appliance.core.clock import NS, Clock
from appliance.core.config import Config, PbxConfig
from appliance.core.config_sites import place_of
from appliance.core.day_files import DayFiles
from appliance.core.directory import directory_path
from appliance.core.disk import READONLY, free_bytes, is_readonly
from appliance.core.errors import TransientError
from appliance.core.event import stored_from_body
from appliance.core.journal import PAGE, Account, Journal, Limits
from appliance.core.journal_readonly import ReadonlyJournal
from appliance.core.site_file import SiteFile, SiteFiles
from appliance.floor import build
from appliance.floor import snapshot as out
from appliance.floor.collector import Collector
from appliance.floor.floor import VERSION, Floor, bytes_from_state, settings_mark, state_from_bytes
from appliance.floor.shot import TICK_NS, Shots
from appliance.floor.sites import all_sites, site_from_file
from appliance.floor.state import FloorState, Source
from appliance.floor.timeline import Timeline
from appliance.forecast import Forecast, Held, held_of

_LOOK_NS = NS // 2
#: With less than this left where the journal lies it cannot even record that it is full: every view says so by itself.
_ROOM_BYTES = 1024**2
_NO_ROOM = out.Health(id="disk", level="red", text="no room where the journal lies: what happens now may not be recorded; free some space")
_READONLY = out.Health(id="disk", level="red", text=READONLY)
#: A cache this old costs a restart half a second of folding; a newer one would cost the card more than it saves.
SAVE_EVERY_NS = 600 * NS


def summaries_of(journal: Journal) -> DayFiles | None:
    """Where the box keeps its summaries of days, beside the journal; written by the wallboard, read by the report."""
    path: Path | None = getattr(journal, "path", None)
    return None if path is None else DayFiles(path.parent / "summary")


def cache_of(journal: Journal) -> Path | None:
    """Where the box keeps its fold between starts: one file, written by the wallboard, read by whoever shows the floor."""
    path: Path | None = getattr(journal, "path", None)
    return None if path is None else path.parent / "cache" / "floor.fold"


class FloorView:
    """Folds the journal's events and builds snapshots, rebuilding only what changed.

    `undecodable` counts rows that could not be decoded: they are skipped, and stay in the journal. `cache` is a file
    for the fold's state, so that a restart need not fold the whole day again; without it everything works the same.
    `collector` takes whole days out of the fold as it leaves them.
    """

    def __init__(
        self, journal: Journal, config: Config, clock: Clock, cache: Path | None = None, collector: Collector | None = None
    ) -> None:
        self.journal = journal
        self.config = config
        self.clock = clock
        self.undecodable = 0
        self._cache = cache
        self._run_dir: Path | None = getattr(journal, "run_dir", None)
        self._looked_ns = -_LOOK_NS
        #: Sources of a gateway that died: what it told last is old until its successor has spoken of them.
        self._awaited: set[str] = set()
        #: When the gateway that holds the lock took it.
        self._began: Sight | None = None
        self._disk: out.Health | None = None
        self._site_files = SiteFiles(self._run_dir) if self._run_dir is not None and config.sites else None
        self._heard: dict[str, SiteFile | None] = dict.fromkeys(config.sites)
        self._forecast = Forecast()
        self._limits: Limits | None = None
        self._held: Held | None = None
        self._limits_ns = 0
        self._saved_ns = clock.mono_ns()
        self._collector = collector
        self._salt = _salt_of(journal)
        self._shots = Shots(self._from_cache() or self._from_nothing())
        self._saved_seq = self.seq
        self._again = False
        #: When the oldest event was told that was folded since somebody took this (monotonic nanoseconds of this boot); None: none was.
        self.oldest_ns: int | None = None

    @property
    def seq(self) -> int:
        """The last journal row folded."""
        return self.floor.state.seq

    @property
    def floor(self) -> Floor:
        """The fold itself, for `explain` and the reports."""
        return self._shots.floor

    def catch_up(self, pages: int | None = None) -> bool:
        """Fold what is new, at most so many pages of 500; True when a row was folded. Call until it says False."""
        if self.floor.state.epoch != self.journal.epoch:
            self._begin_anew(None)
        folded = False
        while pages is None or pages > 0:
            rows = self.journal.read(self.seq, PAGE)
            for row in rows:
                self._again = self._apply(row.seq, row.body) or self._again
            folded = folded or bool(rows)
            if len(rows) < PAGE and not self._again:
                break
            if len(rows) < PAGE:  # the clock was stepped: date everything anew, once, with all that is known at the end
                self._begin_anew(self.floor.state.timeline)
                folded = True  # there is more, also where no row was left to read
            pages = None if pages is None else pages - 1
        return folded

    async def reach_end(self, progress: Callable[[], None]) -> None:
        """Fold what is new, a page a turn of the loop: after a step of the clock that is all of the journal."""
        while self.catch_up(1):
            progress()
            await asyncio.sleep(0)

    def _begin_anew(self, timeline: Timeline | None) -> None:
        """Fold from the first row, and ask anew who lives before anything is shown: the new fold has not been told from outside."""
        self._shots, self._again = Shots(self._from_nothing(timeline)), False
        self._looked_ns = -_LOOK_NS

    async def follow(self, timeout_s: float = 1.0) -> bool:
        """Wait for new rows, at most timeout_s, and fold them; True when something was folded."""
        if await self.journal.wait(self.seq, timeout_s):
            return self.catch_up()
        return False

    def snapshot(self, now_wall_ns: int | None = None) -> out.Snapshot:
        """The floor now, at the position last folded."""
        now = now_wall_ns if now_wall_ns is not None else self.now_ns()
        self._look()
        account = self.journal.account("uplink")
        shot = self._shots.take(now, self.journal.epoch, account, self.clock.quality())
        if self._disk is not None:
            shot.health = [*(item for item in shot.health if item.id != "disk"), self._disk]
        if self.config.sites:
            shot.sites = self._sites(now)
            shot.all_sites = all_sites(shot.floor, shot.sites.values(), now // TICK_NS * TICK_NS)
        if account.waiting:
            limits = self._limits_lately(account)
            self._forecast.feed(self.clock.mono_ns(), account, limits)
            flows = shot.crm.state in ("up", "draining")
            shot.crm.drain_s = self._forecast.drain_s(account) if flows else None
            shot.crm.full_in_s = None if flows or self._held is None else self._forecast.full_in_s(limits, self._held)
        return shot

    def _limits_lately(self, account: Account) -> Limits:
        """How full the journal is, asked once a second at most: some queries, for a forecast."""
        now = self.clock.mono_ns()
        if self._limits is None or now - self._limits_ns >= NS:
            self._limits, self._limits_ns = self.journal.limits(), now
            self._held = held_of(self.journal, account, self.clock, self.config.journal.keep_days)
        return self._limits

    def now_ns(self) -> int:
        """Now on the fold's time line: this boot's monotonic clock, dated as its events are."""
        dated = self.floor.state.timeline.date(self.clock.boot, self.clock.mono_ns())
        return dated if dated is not None else self.clock.wall_ns()

    def save_if_due(self) -> None:
        """Save now and then, when something was folded since."""
        now = self.clock.mono_ns()
        if self._cache is not None and now - self._saved_ns >= SAVE_EVERY_NS and self.seq != self._saved_seq:
            self.save()

    def save(self) -> None:
        """Write the fold as a cache beside the journal. Losing it costs time, never a figure. Raises OSError."""
        if self._cache is None or self._again:  # half dated anew is no state to take up
            return
        self._saved_ns, self._saved_seq = self.clock.mono_ns(), self.seq
        self._cache.parent.mkdir(parents=True, exist_ok=True)
        part = self._cache.with_suffix(".part")
        part.write_bytes(bytes_from_state(self.floor.state))
        part.replace(self._cache)

    def _from_cache(self) -> Floor | None:
        if self._cache is None:
            return None
        try:
            data = self._cache.read_bytes()
        except OSError:
            return None  # none yet: fold the day
        state = state_from_bytes(data, self.config, self.journal.epoch, self._salt)
        if state is None or not self.journal.first_seq() - 1 <= state.seq <= self.journal.head().seq:
            return None
        return self._watched(Floor(self.config, state, self._salt))

    def _from_nothing(self, timeline: Timeline | None = None) -> Floor:
        known = Timeline(dict(timeline.offsets), timeline.as_of) if timeline else Timeline()
        state = FloorState(version=VERSION, settings=settings_mark(self.config), epoch=self.journal.epoch, timeline=known)
        return self._watched(Floor(self.config, state, self._salt))

    def _watched(self, floor: Floor) -> Floor:
        if self._collector is not None:
            self._collector.watch(floor)
        return floor

    def _apply(self, seq: int, body: bytes) -> bool:
        floor = self.floor
        try:
            stored = stored_from_body(body)
            if self.oldest_ns is None and stored.boot == self.clock.boot and stored.origin is None:
                self.oldest_ns = stored.mono_ns
            if floor.state.from_ns is None:
                floor.state.from_ns = 0 if seq == 1 else stored.wall_ns
            if stored.origin is not None or floor.wants(stored.kind):
                event = event_from_stored(stored)
                if event is not None:
                    return floor.apply(seq, event)
        except DecodeError:
            self.undecodable += 1
        floor.state.seq = seq
        return False

    def _look(self) -> None:
        """Ask the kernel whether the other processes live: what a dead gateway told is as old as its last sight, a dead
        uplink delivers nothing whatever it said last, and what dead headsets told holds no more until their successor speaks.
        """
        now = self.clock.mono_ns()
        if self._run_dir is None or now - self._looked_ns < _LOOK_NS:
            return
        self._looked_ns = now
        self._disk = _disk_of(self.journal)
        if self._site_files is not None:
            self._heard = {key: self._site_files.read(key) for key in self.config.sites}
        floor = self.floor
        linked = self.config.crm is None or is_alive(self._run_dir, "uplink")
        floor.unlinked_ns = 0 if linked else floor.unlinked_ns or self.now_ns()
        if floor.has_directory != (held := directory_path(self.config).exists()):
            floor.has_directory = held
            self._shots.clear()
        self._await_sources(self._run_dir)
        if not is_alive(self._run_dir, "headsets"):
            floor.headsets.unheard = floor.headsets.own_seats()
        seen = sights(self._run_dir, "gateway")
        hidden = {key for key, source in floor.state.sources.items() if key in self._awaited or self._is_old(source, seen.get(key))}
        if hidden == floor.unsighted.keys():
            return
        self._shots.clear()
        floor.unsighted = {key: build.out_of_sight(floor.state.sources[key], self._dated(seen.get(key))) for key in hidden}

    def _await_sources(self, run_dir: Path) -> None:
        """Which sources the gateway of now has not spoken of yet. A view that begins beside a new gateway has not seen the old one die."""
        floor = self.floor
        spoken, floor.spoken = floor.spoken, {}
        if not is_alive(run_dir, "gateway"):
            self._awaited = set(floor.state.sources)
            return
        since = began(run_dir, "gateway")
        if since is not None and since != self._began and since.boot == self.clock.boot:
            dated = self._dated(since)  # None: nobody has said anything in this boot
            self._began = since
            self._awaited |= {
                key for key, source in floor.state.sources.items() if source.in_sight and (dated is None or source.seen_ns < dated)
            }
        # Dated anew each time: a step of the clock moves it together with what was told before it.
        began_ns = self._dated(self._began) or 0
        self._awaited -= {key for key, at_ns in spoken.items() if at_ns >= began_ns}

    def _is_old(self, source: Source, sight: Sight | None) -> bool:
        """Whether a source told as in sight was last heard so long ago that its process must hang, or has only now been started anew."""
        if sight is None or not source.in_sight:
            return False
        pbx = self.config.pbx.get(source.key) or PbxConfig()
        return sight.boot != self.clock.boot or self.clock.mono_ns() - sight.mono_ns > (pbx.silent_s + pbx.ping_s) * NS

    def _sites(self, now_ns: int) -> dict[str, out.Site]:
        """The other sites as the uplink heard them last, each dated on this box's time line."""
        found: dict[str, out.Site] = {}
        day_ns, _ = self.floor.calendar.day(now_ns)
        for key, site in self.config.sites.items():
            place, file = place_of(key, site), self._heard[key]
            if file is not None and (file.site, file.box) != place:
                file = None  # another box had this key before
            found[key] = site_from_file(
                file, site.title or place[0], place, now_ns=now_ns, day_ns=day_ns, tick_ns=now_ns // TICK_NS * TICK_NS,
                heard_ns=self._when(file.boot, file.heard_ns) if file is not None else None,
                floor_ns=self._when(file.boot, file.floor_ns) if file is not None else None,
            )  # fmt: skip
        return found

    def _when(self, boot: str, mono_ns: int | None) -> int | None:
        """A monotonic moment on the fold's time line; of this boot also before the first event told its offset."""
        if mono_ns is None:
            return None
        if boot == self.clock.boot:
            return self.now_ns() - (self.clock.mono_ns() - mono_ns)
        return self.floor.state.timeline.date(boot, mono_ns)

    def _dated(self, sight: Sight | None) -> int | None:
        return self.floor.state.timeline.date(sight.boot, sight.mono_ns) if sight is not None else None


def _salt_of(journal: Journal) -> bytes:
    """What the hashes of callers are salted with: the box's own. Who may not read it, or keeps no journal, takes one that nobody knows.

    It is one of the box's so that the fold may be kept: of another's cache nothing is taken up.
    """
    path: Path | None = getattr(journal, "path", None)
    if path is None:
        return os.urandom(SALT_BYTES)
    try:
        return held_salt(path.parent) if isinstance(journal, ReadonlyJournal) else salt_of(path.parent)
    except TransientError:
        return os.urandom(SALT_BYTES)


def _disk_of(journal: Journal) -> out.Health | None:
    """What keeps the journal from recording at all, which therefore nobody can tell through it."""
    path: Path | None = getattr(journal, "path", None)
    if path is None:
        return None
    if is_readonly(path.parent):
        return _READONLY
    try:
        return _NO_ROOM if free_bytes(path.parent) < _ROOM_BYTES else None
    except OSError:
        return None  # a journal that is away is told by whoever reads it
