"""What any kind of PBX is held to, on its own wire: Asterisk, FreeSWITCH, and the one of docs/adding-a-pbx.md. The same suite for each."""

from __future__ import annotations

import asyncio
import importlib
import json
import random
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from appliance.core import catalogue as c
from appliance.core import pbx_kind
from appliance.core.clock import SystemClock
from appliance.core.config import Config
from appliance.core.errors import DeniedError
from appliance.core.journal_memory import MemoryJournal
from gateway.pbx.capture import record
from gateway.pbx.dialect import dialect
from gateway.pbx.replay_feed import feed_capture

sys.path.insert(0, str(Path(__file__).parent))

from pbx_day import DIALECTS, check, copied, ends_of, events_in, floor, gateway, resyncs, seen_waiting, settings, true_ends, until, waiting
from slate_package import write_installed


@pytest.fixture(scope="module", autouse=True)
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The page's package, as if installed."""
    folder = tmp_path_factory.mktemp("slate")
    write_installed(folder)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    pbx_kind.installed.cache_clear()
    yield
    sys.path.remove(str(folder))
    sys.modules.pop("callfloor_slate", None)
    pbx_kind.installed.cache_clear()


@pytest.fixture(params=DIALECTS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def cut(row: bytes, dice: random.Random) -> list[bytes]:
    """A line of a recording with its bytes in other pieces: now and then one by one."""
    line = json.loads(row)
    data = line.get("data", "")
    every = len(data) < 3_000 and dice.random() < 0.2
    at = sorted({0, len(data), *(range(len(data)) if every else dice.choices(range(len(data) + 1), k=3))})
    if len(data) < 2:
        return [row]
    return [json.dumps({**line, "data": data[a:b]}).encode() for a, b in pairwise(at)]


async def test_a_day_is_counted_as_it_was_and_so_is_its_recording(kind: str, tmp_path: Path) -> None:
    journal, lines = MemoryJournal(), list[bytes]()
    async with floor(kind, seed=5) as pbx:
        config = settings(kind, pbx, tmp_path)
        async with gateway(tmp_path, config, journal):
            recording = asyncio.create_task(record("central", config, SystemClock(), lines.append))
            await until(lambda: resyncs(journal) == 1 and len(pbx.sessions) == 2)
            await until(lambda: any(b'"sent"' in line for line in lines[-30:]) and len(lines) > 4)
            pbx.model.up = True
            await until(lambda: len(pbx.model.visits) >= 24 and {"answered", "abandoned", "left"} <= {end for _, _, end in true_ends(pbx)})
            pbx.model.up = False
            await until(lambda: not waiting(pbx) and ends_of(events_in(journal)) == true_ends(pbx))
            true = true_ends(pbx)  # nobody waits and nobody calls: it stays so
            await until(lambda: ends_of(event for _, events in feed_capture(lines, Config()) for event in events) == true)
            assert not any(isinstance(event, c.CallLost) for event in events_in(journal))
        recording.cancel()
        await asyncio.gather(recording, return_exceptions=True)
    replayed = list(feed_capture(lines, Config()))
    assert ends_of(event for _, events in replayed for event in events) == true
    dice = random.Random(7)
    pieces = [lines[0], *(piece for line in lines[1:] for piece in cut(line, dice))]
    flat = [(t, event) for t, events in feed_capture(pieces, Config()) for event in events]
    assert flat == [(t, event) for t, events in replayed for event in events]
    assert not any(DIALECTS[kind][1].encode() in line for line in lines if kind != "asterisk" and b'"sent"' in line)


async def test_what_ended_unseen_is_unknown_and_never_abandoned(kind: str, tmp_path: Path) -> None:
    journal = MemoryJournal()
    # At this speed a caller may be answered and handed back to the same queue within the second to which PBXs tell how long one waits.
    async with floor(kind, seed=11, transfer_share=0.0) as pbx:
        config = settings(kind, pbx, tmp_path)
        pbx.model.up = True
        async with gateway(tmp_path, config, journal) as service:
            await until(lambda: resyncs(journal) == 1)
            garbage = pbx.fault("garbage", seconds=0.3)
            await until(lambda: garbage.done() and waiting(pbx) >= 2 and ends_of(events_in(journal)) >= seen_waiting(pbx))
            assert service.links["central"].sessions == 1
            blind = [visit for queue in pbx.model.queues.values() for visit in queue.waiting]
            pbx.deaf()
            for session in list(pbx.sessions):
                session.abort(reset=True)
            await until(lambda: all(visit.outcome != "waiting" for visit in blind))
            await pbx.listen()
            await until(lambda: resyncs(journal) == 2)
            events = events_in(journal)
            lost = {event.caller for event in events if isinstance(event, c.CallLost)}
            assert {visit.call.caller for visit in blind} <= lost
            pbx.model.up = False
        check(pbx, events_in(journal))


async def test_a_box_that_was_killed_takes_up_the_same_calls(kind: str, tmp_path: Path) -> None:
    journal = MemoryJournal()
    async with floor(kind, seed=23) as pbx:
        config = settings(kind, pbx, tmp_path)
        pbx.model.up = True
        async with gateway(tmp_path, config, journal):
            await until(lambda: resyncs(journal) == 1 and waiting(pbx) >= 2 and ends_of(events_in(journal)) >= seen_waiting(pbx))
            after = await copied(journal)
        async with gateway(tmp_path, config, after):
            await until(lambda: resyncs(after) == 2)
            await pbx.fault("restart", seconds=0.2)
            await until(lambda: resyncs(after) == 3)
        found = [event for event in events_in(after) if isinstance(event, c.PbxResynced)]
        assert [event.restarted for event in found] == [False, False, True]
        pbx.model.up = False
        check(pbx, events_in(after))


async def test_a_refused_login_says_what_to_mend(kind: str, tmp_path: Path) -> None:
    async with floor(kind, seed=1) as pbx:
        config = settings(kind, pbx, tmp_path, secret="wrong")
        wire = await dialect(kind).open(config)
        with pytest.raises(DeniedError, match="secret_file"):
            await wire.login(config, "wrong")
        wire.close()
