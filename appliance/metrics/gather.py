"""Decides what one scrape holds: what every process of the box tells of itself, the journal, the floor."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from appliance import registry
from appliance.core.config import Config
from appliance.core.journal import Journal
from appliance.core.meter import Family, Meter
from appliance.floor.snapshot import Snapshot
from appliance.metrics import box, line
from appliance.metrics.exposition import written
from appliance.metrics.floor import FloorFamilies

_snapshot = msgspec.json.Decoder(Snapshot)


class Gatherer:
    """Gathers for one listener. `floor`: the snapshot where this process has one; without it another process is asked."""

    def __init__(self, config: Config, journal: Journal, meter: Meter, floor: Callable[[], Snapshot] | None = None) -> None:
        self._config, self._journal, self._meter, self._floor = config, journal, meter, floor
        self._run_dir: Path | None = getattr(journal, "run_dir", None)
        self._families = FloorFamilies(config.metrics.queues)
        self._zone = ZoneInfo(config.site.timezone)

    async def scrape(self, accept: str = "") -> tuple[bytes, str]:
        """The body and its content type. Ends within a second or two, whatever the other processes do."""
        return written(await self.families(), accept)

    async def families(self) -> list[Family]:
        """Everything, not merged yet."""
        site = self._config.site
        out = [box.of_version(site.name, site.box)]
        snapshot = await self._snapshot()
        if snapshot is not None:
            out += self._families.of(snapshot, self._day(snapshot))
        out += box.of_journal(self._journal)
        told = await line.figures_of(self._run_dir) if self._run_dir is not None else {}
        # Without a run folder, as in memory, there is this process alone.
        for families in told.values() if told else [self._meter.families()]:
            out += families
        services = {sample.labels["service"] for family in out if family.name == "callfloor_service_up" for sample in family.samples}
        if told:
            out += box.of_services(registry.enabled(self._config), services)
        return out

    async def _snapshot(self) -> Snapshot | None:
        if self._floor is not None:
            return self._floor()
        for name in line.names(self._run_dir) if self._run_dir is not None else ():
            answer = await line.asked(self._run_dir, name, "floor") if self._run_dir is not None else None
            if answer is not None:
                return _snapshot.decode(answer)
        return None

    def _day(self, snapshot: Snapshot) -> str:
        try:
            return datetime.fromisoformat(snapshot.time).astimezone(self._zone).date().isoformat()
        except ValueError:
            return ""
