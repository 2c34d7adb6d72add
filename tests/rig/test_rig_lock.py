"""Who holds a rig, and what it is after a reset: two runs never share it, a run that died frees it, and every run begins alike."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace
from rig_bench import Bench, FailedError, RefusedError
from rig_far import Far, Own
from rig_owner import LEASE_S, owner

from appliance.core.errors import DeniedError
from gateway.opcua.rig_keys import Keys, keys_from_file

pytestmark = [pytest.mark.rig, pytest.mark.broker]
LINES = str(Path(__file__).with_name("test_rig_lines.py"))


def test_a_second_run_is_refused_and_told_who_has_the_rig(bench: Bench) -> None:
    with pytest.raises(RefusedError) as fault:
        bench.do("lease/take", owner="ana@bench-2", seconds=60)
    assert f"held by {owner()} since " in str(fault.value)
    for token in ("", "0123456789abcdef"):
        with pytest.raises(RefusedError, match="held by"):
            bench.do("lines/line1/ring", lease=token)
        with pytest.raises(RefusedError, match="held by"):
            bench.do("reset", lease=token)
    assert bench.value("lines/line1/state") == "idle"
    assert bench.value("lease/owner") == owner()


def test_a_run_that_died_frees_the_rig(bench: Bench) -> None:
    """Nobody renews: a second later the rig is another's, and the first one's token opens nothing any more."""
    bench.renew(1.0)
    try:
        bench.until("lease/owner", lambda name: name == "", within_s=10)
        other = bench.do("lease/take", owner="ana@bench-2", seconds=60).result["token"]
        with pytest.raises(RefusedError, match="held by ana@bench-2"):
            bench.do("lines/line1/ring")
        with pytest.raises(RefusedError, match="held by ana@bench-2"):
            bench.renew(60.0)
        bench.do("lease/free", token=other)
        with pytest.raises(RefusedError, match="lease is over"):
            bench.do("lines/line1/ring")
    finally:
        bench.take(owner(), LEASE_S)


def test_after_a_reset_everything_is_as_it_was(bench: Bench) -> None:
    """New journal, counters zero, simulators at rest, the clock at its beginning, whatever went before."""
    epoch = bench.value("journal/epoch")
    bench.do("lines/line1/ring")
    bench.do("headsets/s-102/pull")
    bench.do("led/panel/pull")
    bench.do("pbx/central/log-in", agent="101", queue="ventas")
    bench.do("broker/cut")
    bench.do("time/step", seconds=86400)
    bench.reset(time="2026-11-23T13:00:00Z")
    assert bench.value("journal/epoch") != epoch
    at_rest = {
        "lines/line1/state": "idle", "headsets/s-102/plugged": True, "led/panel/text": "Waiting 0", "pbx/central/agents": [],
        "broker/plugged": True, "tv/waiting": 0, "journal/backlog": 0, "mqtt/doubles": 0, "mqtt/missing": 0,
        "pbx/central/truth/offered": 0, "rig/scenario": "still",
    }  # fmt: skip
    assert {path: bench.value(path) for path in at_rest} == at_rest
    assert bench.document("tv/floor")["time"].startswith("2026-11-23T13:00:")
    assert not [kind for kind in bench.kinds() if kind.startswith(("call.", "line."))]


@pytest.mark.slow
def test_one_seed_is_one_floor(bench: Bench) -> None:
    """The same callers each time; another seed has others. (Who hung up before the box was there, nobody heard.)"""

    def callers(seed: int) -> set[str]:
        heard: set[str] = set()

        def enough(rows: list[str]) -> bool:
            heard.update(json.loads(row)["data"]["caller"] for row in rows if ".call.queued." in row)
            return len(heard) >= 10

        bench.until("mqtt/last", enough, after=bench.reset(scenario="morning", seed=seed, speed=8.0), within_s=90)
        return heard

    try:
        first = callers(7)
        assert len(callers(7) & first) >= 4
        assert not callers(8) & first
    finally:
        bench.reset()


def test_what_cannot_be_done_is_said(bench: Bench) -> None:
    with pytest.raises(FailedError, match="does not ring"):
        bench.do("lines/line1/give-up")
    with pytest.raises(FailedError, match="never logged in"):
        bench.do("pbx/central/answer", agent="101")
    with pytest.raises(FailedError, match="no scenario"):
        bench.do("reset", scenario="sunday")
    with pytest.raises(FailedError, match="isoformat"):
        bench.do("reset", time="noon")
    assert bench.value("rig/ready") is True


@pytest.mark.slow
def test_two_runs_never_share_a_rig() -> None:
    """`callfloor rig` in a process of its own; one run holds it, and another pytest that is pointed at it ends at once and says who does."""
    rig = Own()
    keys = rig.folder / "rig.json"
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(rig.start())
        first = Bench(Far(keys_from_file(keys)))
        first.open()
        first.take("ana@bench-2", 300)
        second = subprocess.run(
            [sys.executable, "-m", "pytest", "-m", "rig", "-p", "no:cacheprovider", LINES, "--keys", str(keys)],
            capture_output=True, text=True, timeout=120, check=False, env={**os.environ, "PYTEST_ADDOPTS": ""},
        )  # fmt: skip
        assert second.returncode == 3, second.stdout + second.stderr
        assert "the rig is held by ana@bench-2 since " in second.stdout + second.stderr
        first.free()
        first.close()
        with pytest.raises(DeniedError, match="does not let rig in"):
            loop.run_until_complete(_enter(replace(keys_from_file(keys), password="no")))
    finally:
        loop.run_until_complete(rig.close())
        loop.close()


async def _enter(keys: Keys) -> None:
    from gateway.opcua.rig_client import RigClient  # noqa: PLC0415 - asyncua takes seconds to be read

    async with RigClient(keys):
        pass
