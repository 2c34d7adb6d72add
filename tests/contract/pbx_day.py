"""A simulated PBX's day beside what the gateway made of it: the same calls, with the same ends."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from appliance.core import catalogue as c
from appliance.core.clock import SystemClock
from appliance.core.config import Config, JournalConfig, PbxConfig
from appliance.core.event import stored_from_body
from appliance.core.journal import Journal
from appliance.core.journal_memory import MemoryJournal
from appliance.service import Context
from appliance.sim.floor_model_plan import QUEUES, Plan, staff
from appliance.sim.freeswitch import SimFreeswitch
from appliance.sim.pbx import SimPbx
from gateway.pbx.service import Gateway

sys.path.insert(0, str(Path(__file__).parent))

from slate_sim import SimSlate

#: More callers than three agents can take, so that some always wait; nobody waits longer than a real second at this speed.
SPEED = 40
PLAN = Plan(
    queues=tuple(msgspec.structs.replace(queue, timeout_s=25.0, wrap_up_s=0.0, autopause=False) for queue in QUEUES),
    agents=staff(3), calls_per_min=45.0, talk_mean_s=12.0, ring_mean_s=1.5, patience_mean_s=18.0, exit_key_share=0.15,
    hold_share=0.3, transfer_share=0.2, pause_every_s=60.0, pause_mean_s=10.0,
)  # fmt: skip
#: Each kind's simulator, and the secret that lets a box in there.
DIALECTS: dict[str, tuple[Callable[..., SimPbx], str]] = {
    "asterisk": (SimPbx, "callfloor"),
    "freeswitch": (SimFreeswitch, "ClueCon"),
    "slate": (SimSlate, "slate"),
}
#: Whose call, in which queue, and how it ended.
Ends = Counter[tuple[str, str, str]]
_TRUTH = {
    "waiting": "waiting", "abandoned": "abandoned", "lost": "lost", "timeout": "left", "exitkey": "left", "withdrawn": "left",
}  # fmt: skip


class Watching:
    def ready(self) -> None: ...

    def progress(self) -> None: ...

    def status(self, text: str) -> None: ...


def true_ends(pbx: SimPbx) -> Ends:
    """What became of every call, by the simulation's own ledger."""
    from appliance.core.slug import slug  # noqa: PLC0415

    calls = pbx.truth()["calls"]
    return Counter((call["caller"], slug(call["queue"], "q"), _TRUTH.get(call["outcome"], "answered")) for call in calls)


def ends_of(events: Iterable[Struct]) -> Ends:
    """What became of every call, by the events; every visit begins once and ends once, and talks only when answered."""
    state: dict[str, tuple[tuple[str, str], str]] = {}

    def to(event: Any, before: str, after: str) -> None:
        assert state[event.visit][1] == before, (event, state[event.visit])
        state[event.visit] = (state[event.visit][0], after)

    for event in events:
        match event:
            case c.CallQueued():
                assert event.visit not in state, event
                state[event.visit or ""] = ((event.caller or "", event.queue or ""), "waiting")
            case c.CallAnswered():
                to(event, "waiting", "answered")
            case c.CallAbandoned():
                to(event, "waiting", "abandoned")
            case c.CallLeft(visit=str()):
                to(event, "waiting", "left")
            case c.CallLost():
                to(event, "waiting", "lost")
            case c.CallEnded():
                to(event, "answered", "over")
    return Counter((*who, "answered" if end == "over" else end) for who, end in state.values())


def events_in(journal: Journal) -> list[Struct]:
    """Everything the journal holds, oldest first."""
    out, after = list[Struct](), 0
    while page := journal.read(after):
        for entry in page:
            event = c.event_from_stored(stored_from_body(entry.body))
            assert event is not None
            out.append(event.data)
        after = page[-1].seq
    return out


async def until(wanted: Callable[[], bool], seconds: float = 40.0) -> None:
    """Wait for something, however slow the machine."""
    async with asyncio.timeout(seconds):
        while not wanted():
            await asyncio.sleep(0.02)


def context_of(folder: Path, config: PbxConfig, journal: Journal) -> Context:
    whole = Config(pbx={"central": config}, journal=JournalConfig(path=folder / "journal.db", run_dir=folder / "run"))
    return Context(whole, journal, SystemClock(), Watching(), "gateway")


@asynccontextmanager
async def gateway(folder: Path, config: PbxConfig, journal: Journal) -> AsyncIterator[Gateway]:
    """The service on this journal."""
    service = Gateway()
    task = asyncio.create_task(service.run(context_of(folder, config, journal)))
    try:
        yield service
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def copied(journal: Journal) -> MemoryJournal:
    """What a journal holds now, in another: what a box finds that was killed at this moment."""
    out, after = MemoryJournal(), 0
    while page := journal.read(after):
        events = [c.event_from_stored(stored_from_body(entry.body)) for entry in page]
        await out.appended([event for event in events if event is not None])
        after = page[-1].seq
    return out


def resyncs(journal: Journal) -> int:
    return sum(isinstance(event, c.PbxResynced) for event in events_in(journal))


def floor(kind: str, seed: int, **habits: float) -> SimPbx:
    """A floor on which nobody calls before somebody listens."""
    pbx = DIALECTS[kind][0](msgspec.structs.replace(PLAN, **habits), seed=seed, speed=SPEED)
    pbx.model.up = False
    return pbx


def settings(kind: str, pbx: SimPbx, folder: Path, secret: str | None = None) -> PbxConfig:
    (folder / "secret").write_text((secret or DIALECTS[kind][1]) + "\n")
    return PbxConfig(kind=kind, port=pbx.port, secret_file=folder / "secret", ping_s=0.5, silent_s=5.0)


def waiting(pbx: SimPbx) -> int:
    return sum(len(queue.waiting) for queue in pbx.model.queues.values())


def seen_waiting(pbx: SimPbx) -> Any:
    """Everybody who waits now, as the events would have it."""
    ends = true_ends(pbx)
    return type(ends)({key: count for key, count in ends.items() if key[2] == "waiting"})


def check(pbx: SimPbx, events: list[Any]) -> None:
    """Nobody is counted who was not there; nobody as abandoned or answered who was not."""
    ends, true = ends_of(events), true_ends(pbx)
    for caller, queue, end in ends:
        there = sum(count for (who, where, _), count in true.items() if (who, where) == (caller, queue))
        counted = sum(count for (who, where, _), count in ends.items() if (who, where) == (caller, queue))
        assert counted <= there, (caller, queue)
        if end in ("abandoned", "answered"):
            assert ends[caller, queue, end] <= true[caller, queue, end], (caller, queue, end)
