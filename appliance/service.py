"""The service runtime's face towards services: what a service is, and what it is given."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct, field

from appliance.core.catalogue import kind_of
from appliance.core.clock import Clock
from appliance.core.config import Config
from appliance.core.event import Event
from appliance.core.journal import Journal
from appliance.core.meter import Meter


class Watch(Protocol):
    """How a service tells its runner (and, through it, systemd and `status`) that it lives."""

    def ready(self) -> None:
        """The service does its job now. Call once per start."""
        ...

    def progress(self) -> None:
        """Real work was done or really awaited: feeds the watchdog. Call at least every 5 s from the working loop itself."""
        ...

    def status(self, text: str) -> None:
        """One line for people."""
        ...


class Context(Struct, frozen=True):
    """What a service is handed. Services share nothing else and never call one another."""

    config: Config
    journal: Journal
    clock: Clock
    watch: Watch
    service: str
    #: Where the process counts what happens in it (docs/metrics.md).
    meter: Meter = field(default_factory=Meter)

    def event(self, data: Struct, name: str = "") -> Event:
        """Stamp data as an event of this service, now. `name` is the part of the source after the slash (a PBX's key)."""
        source = f"{self.service}/{name or self.service}"
        clock = self.clock
        return Event(kind_of(data), source, clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data)

    async def emit(self, *data: Struct, name: str = "", advance: tuple[str, int] | None = None) -> int:
        """Stamp and append; returns the last seq when durable. Raises FullError or CorruptError as `Journal.append` does."""
        return await self.journal.appended([self.event(d, name) for d in data], advance)


class Service(Protocol):
    """One service: `gateway`, `headsets`, `wallboard`, `uplink`, `routing`, `opcua`."""

    name: str

    async def run(self, context: Context) -> None:
        """Work until cancelled; on CancelledError leave within 5 s with everything durable. May raise: the runner restarts it."""
        ...
