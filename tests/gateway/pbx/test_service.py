"""The whole gateway against a simulated PBX on a real socket and a journal on disk: outages, stops, full journals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance.core.alive import is_alive, sights
from appliance.core.catalogue import BoxHealth, event_from_stored
from appliance.core.clock import SystemClock
from appliance.core.config import Config, JournalConfig, PbxConfig
from appliance.core.errors import CorruptError, FullError, TransientError
from appliance.core.event import Event, stored_from_body
from appliance.core.journal import Journal
from appliance.core.journal_memory import MemoryJournal
from appliance.core.journal_sqlite import SqliteJournal
from appliance.outbox import Outbox
from appliance.service import Context
from appliance.sim.floor_model_plan import plan_named
from appliance.sim.pbx import SimPbx
from appliance.sim.pbx_session import User, read_only
from gateway.pbx.dialect import Source, dialect
from gateway.pbx.link import Link
from gateway.pbx.service import Gateway


class Watching:
    """The runner's side of a service."""

    def __init__(self) -> None:
        self.is_ready, self.turns, self.texts = False, 0, list[str]()

    def ready(self) -> None:
        self.is_ready = True

    def progress(self) -> None:
        self.turns += 1

    def status(self, text: str) -> None:
        self.texts.append(text)


@asynccontextmanager
async def running(gateway: Gateway, context: Context) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(gateway.run(context))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def events_of(journal: Journal) -> list[Event]:
    out, after = [], 0
    while page := journal.read(after):
        for entry in page:
            event = event_from_stored(stored_from_body(entry.body))
            assert event is not None
            out.append(event)
        after = page[-1].seq
    return out


async def until(journal: Journal, wanted: Callable[[Sequence[Event]], bool], seconds: float = 15.0) -> list[Event]:
    """Wait for the journal to hold what is wanted."""
    async with asyncio.timeout(seconds):
        while not wanted(events := events_of(journal)):
            await asyncio.sleep(0.02)
    return events


def count(events: Sequence[Event], kind: str, **fields: object) -> int:
    return sum(e.kind == kind and all(getattr(e.data, k) == v for k, v in fields.items()) for e in events)


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Context]:
    (tmp_path / "secret").write_text("callfloor\n")

    def make(port: int, journal: Journal | None = None, **pbx: Any) -> Context:
        config = Config(
            pbx={"central": PbxConfig(port=port, secret_file=tmp_path / "secret", **{"ping_s": 0.3, "silent_s": 1.2, **pbx})},
            journal=JournalConfig(path=tmp_path / "journal.db", run_dir=tmp_path / "run"),
        )
        clock = SystemClock()
        if journal is None:
            journal = SqliteJournal.open(
                tmp_path / "journal.db", run_dir=tmp_path / "run", due=lambda event: True, keep_days=1, max_bytes=10**8, clock=clock
            )
        return Context(config, journal, clock, Watching(), "gateway")

    return make


def sim(**more: Any) -> SimPbx:
    return SimPbx(plan_named("morning", calls_per_min=None, agents=None), seed=3, speed=30, **more)


async def test_a_morning_with_drops_a_restart_and_a_kill_never_contradicts_itself(made: Callable[..., Context], tally: Any) -> None:
    async with sim() as pbx:
        context = made(pbx.port)
        async with running(Gateway(), context):
            await until(context.journal, lambda events: count(events, "call.answered") >= 3)
            for sessions, fault in enumerate(("drop", "restart", "kill"), 2):
                await pbx.fault(fault, seconds=0.3)
                await until(context.journal, lambda events, sessions=sessions: count(events, "pbx.resynced") >= sessions)
            await asyncio.sleep(1.0)
        truth = pbx.truth()
    events = events_of(context.journal)
    counted = tally([event.data for event in events])
    assert counted.total("offered") <= truth["totals"]["offered"]
    assert counted.total("abandoned") <= truth["totals"]["abandoned"]
    assert counted.total("answered") <= truth["totals"]["answered"]
    assert [event.data.restarted for event in events if event.kind == "pbx.resynced"] == [False, False, True, True]
    assert count(events, "pbx.down", reason="shutdown") == 1
    context.journal.close()


async def test_a_quiet_stop_and_start_takes_up_the_same_visits(made: Callable[..., Context], tally: Any) -> None:
    async with sim() as pbx:
        context = made(pbx.port)
        for turn in range(1, 4):
            async with running(Gateway(), context):
                await until(context.journal, lambda events, turn=turn: count(events, "pbx.resynced") >= turn)
                await asyncio.sleep(0.4)
    assert tally([event.data for event in events_of(context.journal)]).total("offered") > 0
    context.journal.close()


async def test_a_new_journal_hears_of_the_pbx_and_of_who_waits_there(made: Callable[..., Context]) -> None:
    async with sim() as pbx:
        context = made(pbx.port)
        gateway = Gateway()
        async with running(gateway, context) as task:
            await until(context.journal, lambda events: count(events, "pbx.resynced") == 1)
            for suffix in ("", "-wal", "-shm"):
                Path(f"{context.config.journal.path}{suffix}").unlink()
            with pytest.raises(TransientError, match="was replaced by"):
                async with asyncio.timeout(10):
                    await task
        async with running(gateway, context):  # as the runner does
            events = await until(context.journal, lambda events: count(events, "pbx.resynced") == 1)
            assert events[0].kind == "journal.started"
            assert count(events, "pbx.up") == 1
    context.journal.close()


async def test_only_one_gateway_runs_and_its_last_sight_stays_readable(made: Callable[..., Context], tmp_path: Path) -> None:
    async with sim() as pbx:
        context = made(pbx.port)
        async with running(Gateway(), context):
            await until(context.journal, lambda events: count(events, "pbx.resynced") == 1)
            assert is_alive(tmp_path / "run", "gateway")
            with pytest.raises(TransientError, match="another process already runs the gateway"):
                await Gateway().run(context)
        assert not is_alive(tmp_path / "run", "gateway")
        assert sights(tmp_path / "run", "gateway")["central"].boot == context.clock.boot
        assert context.watch.is_ready  # type: ignore[attr-defined]
    context.journal.close()


async def test_a_stalled_pbx_is_found_silent_and_seen_again(made: Callable[..., Context]) -> None:
    async with sim() as pbx:
        context = made(pbx.port)
        async with running(Gateway(), context):
            await until(context.journal, lambda events: count(events, "pbx.resynced") == 1)
            fault = pbx.fault("stall", seconds=2.0)
            events = await until(context.journal, lambda events: count(events, "pbx.down") == 1)
            assert events[-1].data.reason == "silent" or count(events, "pbx.down", reason="silent") == 1  # type: ignore[attr-defined]
            await fault
            await until(context.journal, lambda events: count(events, "pbx.resynced") == 2)
    context.journal.close()


async def test_garbage_on_the_line_is_survived(made: Callable[..., Context], tally: Any) -> None:
    async with sim() as pbx:
        context = made(pbx.port)
        gateway = Gateway()
        async with running(gateway, context):
            await until(context.journal, lambda events: count(events, "pbx.resynced") == 1)
            await pbx.fault("garbage", seconds=1.0)
            await until(context.journal, lambda events: count(events, "call.answered") >= 5)
        assert gateway.links["central"].sessions == 1
    tally([event.data for event in events_of(context.journal)])
    context.journal.close()


async def test_a_wrong_secret_is_told_once_and_retried_slowly(made: Callable[..., Context], tmp_path: Path) -> None:
    async with sim() as pbx:
        context = made(pbx.port)
        (tmp_path / "secret").write_text("falsch")
        gateway = Gateway()
        async with running(gateway, context):
            events = await until(context.journal, lambda events: count(events, "pbx.down") == 1)
            await asyncio.sleep(0.5)
        (event,) = [event.data for event in events if event.kind == "pbx.down"]
        assert event.reason == "denied"  # type: ignore[attr-defined]
        assert "refused the login" in event.text  # type: ignore[attr-defined]
        assert gateway.links["central"].sessions == 0
        assert count(events_of(context.journal), "pbx.down") == 1
    context.journal.close()


async def test_an_absent_pbx_is_told_once_and_found_when_it_comes(made: Callable[..., Context], monkeypatch: pytest.MonkeyPatch) -> None:
    pbx = sim()
    async with pbx:
        port = pbx.port
    context = made(port)
    async with running(Gateway(), context):
        await until(context.journal, lambda events: count(events, "pbx.down", reason="unreachable") == 1)
        async with sim(port=port):
            events = await until(context.journal, lambda events: count(events, "pbx.resynced") == 1)
    assert count(events, "pbx.down") == 1
    context.journal.close()


async def test_a_pbx_that_takes_the_connection_and_says_nothing_is_waited_for_without_seeming_dead(
    made: Callable[..., Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frozen PBX's kernel goes on taking connections: banner, challenge and login may last longer than the watchdog does."""
    monkeypatch.setattr("gateway.asterisk.wire.BANNER_S", 0.5)
    monkeypatch.setattr("gateway.asterisk.wire.ANSWER_S", 30.0)
    monkeypatch.setattr("gateway.pbx.link.TURN_S", 0.05)
    taken = list[asyncio.StreamWriter]()

    def take(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.append(writer)

    silent = await asyncio.start_server(take, "127.0.0.1", 0)
    context, watching = made(silent.sockets[0].getsockname()[1]), Watching()
    context = msgspec.structs.replace(context, watch=watching)
    config = context.config.pbx["central"]
    kind = dialect(config.kind)
    link = Link("central", config, kind, kind.source("central", context.config), context, Outbox(context.journal, 100), lambda *_: None)

    async def renew() -> Source:
        raise AssertionError("nothing overflowed")

    async with silent:
        task = asyncio.create_task(link.run(renew))
        try:
            async with asyncio.timeout(10):
                while watching.turns < 20:
                    await asyncio.sleep(0.05)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            for writer in taken:
                writer.transport.abort()
    assert len(taken) == 1, "all of it was one login"
    context.journal.close()


async def test_a_read_only_user_is_enough_and_costs_what_is_said(made: Callable[..., Context]) -> None:
    async with sim(users=(read_only(User()),)) as pbx:
        context = made(pbx.port)
        async with running(Gateway(), context):
            events = await until(context.journal, lambda events: count(events, "call.answered") >= 2)
    (up,) = [event.data for event in events if event.kind == "pbx.up"]
    assert any("CoreShowChannels denied" in limit for limit in up.limits)  # type: ignore[attr-defined]
    context.journal.close()


class Full(MemoryJournal):
    """A real journal in memory whose disk is full while `full` is set."""

    full = False
    fault: type[FullError | TransientError] = FullError

    async def appended(self, events: Sequence[Event], advance: tuple[str, int] | None = None) -> int:
        if self.full:
            text = "no room"
            raise self.fault(text)
        return await super().appended(events, advance)


@pytest.mark.parametrize("fault", [FullError, TransientError])
async def test_a_full_journal_holds_events_in_memory_and_loses_none(
    made: Callable[..., Context], tally: Any, fault: type[FullError | TransientError]
) -> None:
    journal = Full()
    journal.fault = fault
    async with sim() as pbx:
        context = made(pbx.port, journal)
        gateway = Gateway()
        async with running(gateway, context):
            await until(journal, lambda events: count(events, "pbx.resynced") == 1)
            journal.full = True
            await asyncio.sleep(0.8)
            journal.full = False
            await until(journal, lambda events: count(events, "call.answered") >= 5)
        assert (gateway.links["central"].sessions, gateway.links["central"].overflows) == (1, 0)
    tally([event.data for event in events_of(journal)])


async def test_memory_full_as_well_drops_the_session_and_takes_everything_up_from_the_journal(
    made: Callable[..., Context], tally: Any
) -> None:
    journal = Full()
    async with sim() as pbx:
        context = made(pbx.port, journal)
        gateway = Gateway(max_queued_events=40)
        async with running(gateway, context):
            await until(journal, lambda events: count(events, "pbx.resynced") == 1)
            journal.full = True
            async with asyncio.timeout(15):
                while not gateway.links["central"].overflows:
                    await asyncio.sleep(0.02)
            journal.full = False
            events = await until(journal, lambda events: count(events, "pbx.resynced") == 2)
    assert any(event.kind == "pbx.down" and "journal was full" in (event.data.text or "") for event in events)  # type: ignore[attr-defined]
    tally([event.data for event in events_of(journal)])


async def test_a_session_that_ends_while_memory_is_full_is_taken_up_from_the_journal_too(made: Callable[..., Context]) -> None:
    journal = Full()
    async with SimPbx(plan_named("morning", calls_per_min=None, agents=None), seed=3, speed=1) as pbx:
        context = made(pbx.port, journal)
        gateway = Gateway(max_queued_events=40)
        async with running(gateway, context):
            await until(journal, lambda events: count(events, "pbx.resynced") == 1)
            journal.full = True
            outbox = gateway.links["central"]._outbox
            while outbox.put([context.event(BoxHealth(id="disk", level="ok"), "central")]):
                pass
            back = pbx.fault("drop", seconds=3)  # long enough for room before it is back
            async with asyncio.timeout(15):
                while outbox.refused < 2:
                    await asyncio.sleep(0.02)
            journal.full = False
            await back
            events = await until(journal, lambda events: count(events, "pbx.resynced") == 2)
    assert any(event.kind == "pbx.down" and "journal was full" in (event.data.text or "") for event in events)  # type: ignore[attr-defined]


async def test_the_outbox_keeps_order_and_appends_nothing_twice_when_stopped() -> None:
    journal, clock = MemoryJournal(), SystemClock()
    context = Context(Config(), journal, clock, Watching(), "gateway")
    outbox = Outbox(journal, max_events=1_000)
    data = [msgspec.structs.replace(_down(), text=str(number)) for number in range(900)]
    task = asyncio.create_task(outbox.run())
    for at in range(0, 900, 30):
        assert outbox.put([context.event(one, "central") for one in data[at : at + 30]])
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await outbox.finish() == 0
    assert [event.data.text for event in events_of(journal)] == [str(number) for number in range(900)]  # type: ignore[attr-defined]


async def test_the_outbox_refuses_all_or_nothing() -> None:
    outbox = Outbox(MemoryJournal(), max_events=2)
    context = Context(Config(), MemoryJournal(), SystemClock(), Watching(), "gateway")
    events = [context.event(_down(), "central")] * 3
    assert outbox.put(events[:2])
    assert not outbox.put(events[:1])
    assert outbox.refused == 1


async def test_a_damaged_journal_ends_the_service(made: Callable[..., Context]) -> None:
    class Damaged(MemoryJournal):
        async def appended(self, events: Sequence[Event], advance: tuple[str, int] | None = None) -> int:
            text = "not a journal any more"
            raise CorruptError(text)

    async with sim() as pbx:
        with pytest.raises(CorruptError):
            await asyncio.wait_for(Gateway().run(made(pbx.port, Damaged())), 10)


def _down() -> Any:
    from appliance.core.catalogue import PbxDown  # noqa: PLC0415

    return PbxDown(pbx="central", reason="lost")
