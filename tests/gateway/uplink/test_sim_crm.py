"""The reference consumer against a real box: it sees a hole, asks for it, and knows what is lost for good."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import pytest

from appliance.core.catalogue import CallHeld
from appliance.core.journal_sqlite import SqliteJournal
from appliance.sim.crm import SimCrm

pytestmark = pytest.mark.broker


async def program(*words: str) -> tuple[int, str, str]:
    """`callfloor sim crm`, to its end: exit code, output, errors."""
    made = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "appliance.cli.main", "sim", "crm", *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await made.communicate()
    return made.returncode or 0, out.decode(), err.decode()


async def test_a_hole_is_filled_by_asking_and_what_is_not_held_any_more_is_lost(rig: Any) -> None:
    broker = rig.broker()
    box = rig.box(broker.url)
    heard: list[bytes] = []
    box.start()
    async with SimCrm(broker.url, boxes=["quito/p3", "lima/+"], heard=heard.append) as crm:
        await rig.until(lambda: box.link() == "link.up")
    box.calls(600)
    other = rig.consumer(broker)
    await rig.until(box.settled)
    other.close()
    with box.journal._locked():
        box.journal._store.prune(200, box.journal.head().n, lambda first: (b"", False))
    held = box.journal.read_n(1, 600)[0].n
    async with SimCrm(broker.url, boxes=["quito/p3"], heard=heard.append) as crm:
        await rig.until(lambda: crm.connected)
        box.calls(3, "later")
        await rig.until(lambda: crm.book.events >= 3)
        assert crm.report()["verdict"] == "not whole"
        (which, first, last, reply), *_ = await crm.ask_again(timeout_s=20)
        assert (which, first, reply.state) == ("quito/p3", 1, "failed")
        assert crm.book.gaps == [("quito/p3", held, last)]
        (_, first, _, reply), *_ = await crm.ask_again(timeout_s=20)
        assert (first, reply.state, reply.result["sent"]) == (held, "done", last - held + 1)
        report = crm.report()
        assert (report["verdict"], report["missing"], report["announced"]) == ("whole", 0, held - 1)
        assert (report["filled"], report["out_of_order"], report["faults"]) == (last - held + 1, 0, 0)
        state = report["states"]["quito/p3"]
        assert (state["state"], state["epoch"], state["link"]) == ("online", box.journal.epoch, "up")
    assert len(heard) >= crm.book.events


async def test_what_an_outage_cost_is_announced_and_the_consumer_knows_that_it_has_all_that_there_is(rig: Any) -> None:
    """A journal too small for the outage lets the oldest go; a gap begins, the box restarts, the gap ends, the CRM comes."""
    broker = rig.broker()
    box = rig.box(broker.url)
    small = SqliteJournal.open(rig.folder / "journal.db", run_dir=rig.folder / "run", max_bytes=3_000_000, clock=box.clock)
    while not small.account("uplink").shed:
        small.append([box.event(CallHeld(call="x" * 400, pbx="central")) for _ in range(400)])
        small.upkeep()
    small.close()
    box.journal.upkeep()
    shed = box.account().shed
    async with SimCrm(broker.url) as crm:
        await rig.until(lambda: crm.connected)
        box.start()
        await rig.until(lambda: box.settled() and crm.book.events >= box.journal.head().n - shed)
        report = crm.report()
        assert (report["verdict"], report["missing"], report["announced"]) == ("whole", 0, shed)
        assert "gap_from" not in report["boxes"][0]
        account = box.account()
        assert account.recorded == account.delivered + account.shed == report["events"] + report["announced"]
        reply = await crm.send("quito", "p3", "resend", {"from": shed, "to": shed + 1})
        assert (reply.state, reply.result["first"]) == ("failed", shed + 1)


async def test_the_program_writes_events_sends_commands_and_gives_a_verdict(rig: Any) -> None:
    broker = rig.broker()
    box = rig.box(broker.url)
    box.calls(100)
    box.start()
    events = rig.folder / "events.jsonl"
    code, out, err = await program("--url", broker.url, "--box", "quito/+", "--events", str(events), "--resend", "--json", "--for", "3")
    report = json.loads(out)
    assert (code, report["verdict"], report["missing"]) == (0, "whole", 0), err
    lines = [json.loads(line) for line in events.read_text().splitlines()]
    assert len(lines) == report["events"] >= 100
    code, out, _ = await program("--url", broker.url, "--send", "quito/p3", "resend", "from=1", "to=60")
    assert (code, json.loads(out)["result"]["sent"]) == (0, 60)
    code, out, _ = await program("--url", broker.url, "--send", "quito/p3", "resend", "from=1", "to=99999")
    assert (code, json.loads(out)["state"]) == (1, "failed")
    code, _, err = await program("--url", broker.url, "--send", "quito/p3", "dance")
    assert code == 2
    assert "there is no verb dance" in err


async def test_what_comes_with_the_greeting_is_acknowledged_and_an_old_broker_is_named() -> None:
    """What a broker kept for a client follows the greeting at once; unanswered it would take up the client's places for good."""
    said = asyncio.Event()
    topic, payload = b"callfloor/1/quito/p3/status", b'{"state":"online"}'
    publish = len(topic).to_bytes(2, "big") + topic + b"\x00\x07\x00" + payload
    answers = [b"\x20\x03\x00\x84\x00", b"\x20\x03\x01\x00\x00\x32" + bytes((len(publish),)) + publish]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(answers.pop(0))
        if not answers:
            heard = b""
            while b"\x40\x02\x00\x07" not in heard:
                heard += await reader.readexactly(1)
            said.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with SimCrm(f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}", client_id="crm") as crm:
        async with asyncio.timeout(20):
            await said.wait()
        assert crm.boxes["quito/p3"].status is not None
    server.close()
