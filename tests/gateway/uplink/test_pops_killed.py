"""The uplink killed at random moments while phones ring: each ring is told, each pop ends once; what is told twice carries the same id."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from typing import Any

import msgspec
import pytest

from appliance.core.catalogue import CallQueued, CallRinging

RUN = """
import sys
from appliance.cli.main import main
sys.exit(main(["run", "uplink", "-c", sys.argv[1]]))
"""


def ended(box: Any) -> list[dict[str, Any]]:
    found, rows = [], box.journal.read(0)
    while rows:
        found += [msgspec.json.decode(row.body)["d"] for row in rows if row.body.startswith(b'{"k":"pop.settled"')]
        rows = box.journal.read(rows[-1].seq)
    return found


@pytest.mark.slow
@pytest.mark.broker
async def test_each_ring_is_told_and_each_pop_ends_once(rig) -> None:
    chance = random.Random(7)
    broker = rig.broker()
    crm = rig.consumer(broker, "callfloor/1/quito/p3/pop/#")
    box = rig.box(broker.url)
    config = rig.folder / "callfloor.toml"
    config.write_text(
        f'[site]\nname = "quito"\nbox = "p3"\n[journal]\npath = "{box.config.journal.path}"\nrun_dir = "{box.config.journal.run_dir}"\n'
        f'[crm]\nurl = "{broker.url}"\n'
    )
    rang, stop = 0, asyncio.Event()

    async def ring() -> None:
        nonlocal rang
        while not stop.is_set():
            of = {"call": f"c{rang}", "visit": f"c{rang}.1", "pbx": "central", "queue": "ventas", "caller": "0991234567"}
            await box.journal.appended([box.event(CallQueued(**of)), box.event(CallRinging(**of, agent=f"agente-{rang % 7}"))])
            rang += 1
            await asyncio.sleep(0.02)

    ringing = asyncio.create_task(ring())
    for kills in range(12):
        process = subprocess.Popen([sys.executable, "-c", RUN, str(config)], stderr=subprocess.DEVNULL)
        try:
            if kills % 3 == 0:  # else perhaps before it came so far as to send anything
                heard = len(crm.messages)
                await rig.until(lambda heard=heard: len(crm.messages) > heard + 20)
            await asyncio.sleep(chance.uniform(0.0, 1.0))
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
    stop.set()
    await ringing
    box.start()
    await rig.until(lambda: len(ended(box)) >= rang)
    await asyncio.sleep(1.0)
    ends = Counter(each["pop"] for each in ended(box))
    assert (len(ends), set(ends.values())) == (rang, {1})
    assert {each["outcome"] for each in ended(box)} == {"delivered"}
    pops = crm.named("pop/")
    assert {pop["call"] for pop in pops} == {f"c{number}" for number in range(rang)}
    assert len({(pop["id"], pop["call"], pop["agent"]) for pop in pops}) == rang
