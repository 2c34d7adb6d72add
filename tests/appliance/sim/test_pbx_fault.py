"""Each fault of the simulated PBX as a client sees it, and as the ledger keeps it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from appliance.core.errors import MisconfiguredError
from appliance.sim.floor_model_plan import plan_named
from appliance.sim.pbx import SimPbx
from appliance.sim.pbx_fault import Planned, faults_from_text

Dial = Callable[[int], Any]

#: Many callers, few agents, and nobody goes by himself within the test: calls wait and talk when the fault comes.
CROWD = msgspec.structs.replace(
    plan_named("calm", calls_per_min=3000.0, agents=3), talk_mean_s=1000.0, patience_mean_s=2000.0, hasty_share=0.0, pause_every_s=0.0,
    exit_key_share=0.0, transfer_share=0.0, no_answer_share=0.0, ring_mean_s=0.2,
)  # fmt: skip


async def crowded(dial: Dial, pbx: SimPbx) -> Any:
    client = await dial(pbx.port)
    await client.login()
    await client.until(lambda: len(client.events("AgentConnect")) > 1 and len(client.events("QueueCallerJoin")) > 6)
    return client


async def read_to_the_end(reader: asyncio.StreamReader) -> None:
    while True:
        await reader.readexactly(65536)


async def refused(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


@pytest.mark.parametrize(("reset", "how"), [(True, "reset"), (False, "eof")])
async def test_drop_ends_the_connection_and_the_floor_goes_on(dial: Dial, reset: bool, how: str) -> None:
    async with SimPbx(CROWD) as pbx:
        client = await crowded(dial, pbx)
        fault = pbx.fault("drop", seconds=0.3, reset=reset)
        await asyncio.wait_for(client.ended.wait(), 3)
        assert client.how == how
        assert await refused(pbx.port)
        before = pbx.truth()["totals"]["offered"]
        await fault
        assert pbx.truth()["totals"]["offered"] > before
        again = await dial(pbx.port)
        await again.login()
        rows, _ = await again.rows("QueueStatus")
        assert sum(r["Event"] == "QueueEntry" for r in rows) > 3
        window = pbx.truth()["blind"][0]
        assert window["fault"] == "drop"
        assert 0.25 < window["to"] - window["from"] < 2


async def test_stall_keeps_the_socket_and_sends_what_was_held_back_afterwards(dial: Dial) -> None:
    async with SimPbx(CROWD) as pbx:
        client = await crowded(dial, pbx)
        fault = pbx.fault("stall", seconds=0.5)
        await asyncio.sleep(0.1)
        heard = len(client.raw)
        newcomer = await dial(pbx.port)
        client.send(Action="Ping", ActionID="late")
        await asyncio.sleep(0.25)
        assert (len(client.raw), newcomer.banner) == (heard, b"")
        await fault
        await client.until(lambda: any(("ActionID", "late") in b for b in client.blocks))
        await newcomer.until(lambda: newcomer.banner)
        joins = client.events("QueueCallerJoin")
        truth = pbx.truth()["totals"]
        assert abs(len(joins) - truth["offered"]) <= 2, "nothing was lost"


def serial(event: dict[str, str]) -> int:
    return int(event["Uniqueid"].partition(".")[2])


async def test_restart_hangs_up_everybody_and_comes_back_empty(dial: Dial) -> None:
    async with SimPbx(CROWD) as pbx:
        client = await crowded(dial, pbx)
        before = pbx.truth()["totals"]
        status = await client.ask("CoreStatus")
        fault = pbx.fault("restart", seconds=1.1)
        await asyncio.wait_for(client.ended.wait(), 3)
        assert client.how == "eof"
        assert client.blocks[-1][0] == ("Event", "Shutdown")
        gone = client.events("QueueCallerAbandon")
        assert len(gone) >= before["waiting"]
        asked = {e["Uniqueid"] for e in client.events("HangupRequest")}
        soft = {e["Uniqueid"] for e in client.events("SoftHangupRequest") if e["Cause"] == "4"}
        assert {e["Uniqueid"] for e in gone} <= soft
        assert not asked & {e["Uniqueid"] for e in gone}
        assert {e["Reason"] for e in client.events("AgentComplete")} == {"agent"}
        assert not client.events("PeerStatus")
        assert await refused(pbx.port)
        truth = pbx.truth()
        assert truth["ended_by_pbx_restart"] == {"abandoned": len(gone), "completed": len(client.events("AgentComplete")), "lost": 0}
        await fault

        again = await dial(pbx.port)
        await again.login()
        assert (await again.ask("CoreStatus"))["CoreStartupTime"] != status["CoreStartupTime"]
        rows, _ = await again.rows("QueueStatus")
        assert {r["Completed"] for r in rows if r["Event"] == "QueueParams"} == {"0"}
        assert {r["Status"] for r in rows if r["Event"] == "QueueMember"} <= {"5", "1"}
        await again.until(lambda: again.events("AgentConnect"), 10)
        # Counted from 0 again; the first ones may have come before anybody listened.
        assert serial(again.events("Newchannel")[0]) < min(10, serial(client.events("Newchannel")[-1]))
        assert again.events("PeerStatus")


async def test_kill_says_nothing_and_the_calls_are_lost(dial: Dial) -> None:
    async with SimPbx(CROWD) as pbx:
        client = await crowded(dial, pbx)
        fault = pbx.fault("kill", seconds=0.2)
        await asyncio.wait_for(client.ended.wait(), 3)
        assert not client.events("Shutdown", "QueueCallerAbandon", "AgentComplete")
        await fault
        truth = pbx.truth()
        totals = truth["totals"]
        assert totals["lost"] > 3
        assert totals["killed"] > 1
        assert truth["ended_by_pbx_restart"]["lost"] == totals["lost"] + totals["killed"]
        assert len(truth["pbx_starts"]) == 2
        again = await dial(pbx.port)
        await again.login()
        assert not [r for r in (await again.rows("QueueStatus"))[0] if r["Event"] == "QueueEntry"]


async def test_garbage_lies_between_whole_events(dial: Dial) -> None:
    async with SimPbx(CROWD) as pbx:
        client = await crowded(dial, pbx)
        await pbx.fault("garbage", seconds=1.2)
        assert (await client.ask("Ping"))["Ping"] == "Pong"
        assert max(map(len, client.raw.split(b"\r\n"))) > 2000
        with pytest.raises(UnicodeDecodeError):
            client.raw.decode()
        whole = [e for e in client.events("QueueCallerJoin") if "Count" in e]
        assert abs(len(whole) - pbx.truth()["totals"]["offered"]) <= 2


async def test_a_client_that_stops_reading_is_dropped_and_the_others_are_not(dial: Dial) -> None:
    plan = plan_named("stress", calls_per_min=1500.0, agents=50)
    async with SimPbx(plan, speed=4.0, write_timeout_s=2.0) as pbx:
        deaf = socket.socket()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.setblocking(False)
        await asyncio.get_running_loop().sock_connect(deaf, ("127.0.0.1", pbx.port))
        reader, writer = await asyncio.open_connection(sock=deaf, limit=1024)
        writer.write(b"Action: Login\r\nUsername: callfloor\r\nSecret: callfloor\r\n\r\n")
        good = await dial(pbx.port)
        await good.login()
        async with asyncio.timeout(20):
            while not any(s.dropped_slow for s in pbx.sessions) and len(pbx.sessions) > 1:
                await asyncio.sleep(0.05)
        assert (await good.ask("Ping"))["Ping"] == "Pong"
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(read_to_the_end(reader), 5)
        writer.close()


async def test_faults_come_at_their_times_and_one_after_the_other(dial: Dial) -> None:
    async with SimPbx(CROWD) as pbx:
        pbx.faults.schedule(faults_from_text("garbage@0.1:0.1, drop@0.1:0.2:fin"))
        async with asyncio.timeout(5):
            while len(pbx.faults.windows) < 2 or pbx.faults.windows[1]["to"] is None:
                await asyncio.sleep(0.02)
        first, second = pbx.truth()["blind"]
        assert (first["fault"], second["fault"]) == ("garbage", "drop")
        assert first["to"] <= second["from"]


def test_fault_lists_are_read() -> None:
    assert faults_from_text("") == ()
    assert faults_from_text("drop@30,kill@60:8") == (Planned("drop", 30.0), Planned("kill", 60.0, 8.0))
    for wrong in ("drop", "drop@x", "melt@3", "drop@3:y"):
        with pytest.raises(MisconfiguredError, match="NAME@SECOND"):
            faults_from_text(wrong)


async def test_an_unknown_fault_is_refused() -> None:
    async with SimPbx(CROWD) as pbx:
        with pytest.raises(MisconfiguredError, match="there are drop, stall"):
            pbx.fault("melt")
