"""The gateway with analog lines and no PBX: every call counted as it was, cuts that make nothing abandoned, nothing left open."""

from __future__ import annotations

import asyncio
import os
import tty
from pathlib import Path
from typing import Any

from gateway_rig import BareSocket, free_port, request
from lines_rig import Site, events_of, floor_of, gateway, in_sight, of, told
from wire_rig import until

from appliance.core.config import Config
from appliance.core.fxo_gateway_config import FxoGatewayConfig, SipListenerConfig
from appliance.core.journal_memory import MemoryJournal
from appliance.core.line_config import LineConfig, LinesConfig
from appliance.sim.line_plan import Step
from appliance.sim.line_wire import monitor_records


async def test_calls_on_four_lines_are_counted_as_they_were(tmp_path: Path) -> None:
    site, journal = Site(tmp_path, deaf=(4,)), MemoryJournal()
    site.plug()
    async with gateway(site.config, journal):
        await in_sight(journal)
        async with site.ringing(*site.rigs):
            await told(journal, "call.queued", 4)
            ringing = floor_of(journal, site.config)
        await told(journal, "call.lost", reason="not_sensed")  # line 4: who would have told that it was taken?
        await told(journal, "call.abandoned", 3)
        async with site.ringing("l1", "l2"):
            await told(journal, "call.queued", 6)
            for line in ("l1", "l2"):
                site.hook(line, True)
            await told(journal, "call.answered", 2)
        talking = floor_of(journal, site.config)
        for line in ("l1", "l2"):
            site.hook(line, False)
        await told(journal, "call.ended", 2)
        await told(journal, "line.released", 6)
    # All four rang at once: nobody could have called.
    queue = ringing.queues["ventas"]
    assert (queue.fresh, queue.pbx, queue.waiting) == ("live", "lines", 4)
    assert queue.longest_wait is not None
    assert (ringing.trunks["pstn"].busy, ringing.trunks["pstn"].lines, ringing.trunks["pstn"].all_busy_now) == (4, 4, True)
    assert (talking.queues["ventas"].waiting, talking.trunks["pstn"].busy, talking.trunks["pstn"].all_busy_now) == (0, 2, False)
    assert [each.trunk for each in of(journal, "line.all_busy")] == ["pstn"]
    assert len(of(journal, "line.all_busy_ended")) == 1
    today = floor_of(journal, site.config).queues["ventas"].today
    assert (today.offered, today.answered, today.abandoned, today.unknown, today.waiting) == (6, 2, 3, 1, 0)
    assert today.abandon_rate == 0.6
    # Nobody tells of agents here: no figure of theirs is a number.
    assert (queue.agents, ringing.floor.agents, ringing.agents) == (None, None, {})
    assert ringing.utilisation.bc_on_phone is None
    sources = {event.source for event in events_of(journal)}
    assert sources == {f"gateway/{name}" for name in ("l1", "l2", "l3", "l4", "lines")}


async def test_an_adapter_unplugged_in_the_middle_of_a_call_and_back(tmp_path: Path) -> None:
    """While it is away the queue is stale and the reason is in the health list; that call's end is inferred, nothing is abandoned."""
    site, journal = Site(tmp_path, lines=2), MemoryJournal()
    site.plug()
    async with gateway(site.config, journal):
        await in_sight(journal)
        async with site.ringing("l1"):
            await told(journal, "call.queued")
            site.hook("l1", True)
            await told(journal, "call.answered")
        async with site.ringing("l2"):
            await told(journal, "call.queued", 2)
            site.rigs["l1"].pull()
            await told(journal, "pbx.down", reason="lost")
            away = floor_of(journal, site.config)
            site.hook("l2", True)
            await told(journal, "call.answered", 2)
            site.hook("l2", False)
            await told(journal, "call.ended")
        async with site.ringing("l2"):
            await told(journal, "call.queued", 3)
            alone = floor_of(journal, site.config)
        await told(journal, "call.abandoned")  # the other line is heard as ever
        site.rigs["l1"].plug()
        await in_sight(journal, 2)
        await told(journal, "call.ended", inferred=True)
        back = floor_of(journal, site.config)
        async with site.ringing("l1"):
            await told(journal, "call.queued", 4)
            site.hook("l1", True)
            await told(journal, "call.answered", 3)
    # Who waits on the line that is seen waits on the board, beside the word that there may be more.
    assert (alone.queues["ventas"].fresh, alone.queues["ventas"].waiting) == ("stale", 1)
    assert alone.queues["ventas"].longest_wait is not None
    assert alone.health[0].text.endswith("; what else waits in ventas is counted and shown")
    assert away.queues["ventas"].fresh == "stale"
    assert away.pbx["lines"].state == "down"
    assert [(item.id, item.level) for item in away.health] == [("line.l1", "red")]
    assert (back.queues["ventas"].fresh, back.pbx["lines"].state, back.health) == ("live", "up", [])
    today = floor_of(journal, site.config).queues["ventas"].today
    assert (today.offered, today.answered, today.abandoned, today.unknown) == (4, 3, 1, 0)


async def test_cut_while_it_rings_and_restored_is_unknown(tmp_path: Path) -> None:
    site, journal = Site(tmp_path, lines=1), MemoryJournal()
    site.plug()
    async with gateway(site.config, journal):
        await in_sight(journal)
        async with site.ringing("l1"):
            await told(journal, "call.queued")
            site.pull()
        await told(journal, "call.lost", reason="blind")
        site.plug()
        await in_sight(journal, 2)
    today = floor_of(journal, site.config).queues["ventas"].today
    assert (today.offered, today.abandoned, today.unknown, today.waiting) == (1, 0, 1, 0)


async def test_a_gateway_that_was_stopped_while_lines_rang_leaves_nothing_open(tmp_path: Path) -> None:
    site, journal = Site(tmp_path, lines=2), MemoryJournal()
    site.plug()
    async with site.ringing("l1", "l2"), gateway(site.config, journal):
        await told(journal, "call.queued", 2)
        site.hook("l2", True)
        await told(journal, "call.answered")
    stopped = floor_of(journal, site.config)
    assert (stopped.pbx["lines"].state, stopped.pbx["lines"].reason, stopped.queues["ventas"].fresh) == ("down", "shutdown", "stale")
    async with gateway(site.config, journal):
        await in_sight(journal, 2)
        await told(journal, "call.lost", reason="blind")
        again = floor_of(journal, site.config)
    today = again.queues["ventas"].today
    assert (today.offered, today.answered, today.abandoned, today.unknown, today.waiting) == (2, 1, 0, 1, 0)
    assert (again.queues["ventas"].waiting, again.trunks["pstn"].busy, again.trunks["pstn"].all_busy_now) == (0, 0, False)


async def test_a_call_that_rings_on_over_a_restart_is_one_call(tmp_path: Path) -> None:
    """With its whole wait, and with an end that is known again."""
    site, journal = Site(tmp_path, lines=2), MemoryJournal()
    site.plug()
    async with site.ringing("l1", "l2"):
        async with gateway(site.config, journal):
            await told(journal, "call.queued", 2)
        async with gateway(site.config, journal):
            await in_sight(journal, 2)
            waits = floor_of(journal, site.config)
            await until(lambda: all(rig.modem.caller_mode for rig in site.rigs.values()))
            site.hook("l2", True)
            await told(journal, "call.answered")
            async with site.ringing("l1"):  # so that it rang since, whatever the machine
                await asyncio.sleep(0.5)
        async with gateway(site.config, journal):  # and once more, to end by itself
            await in_sight(journal, 3)
    assert (waits.queues["ventas"].fresh, waits.queues["ventas"].waiting, waits.trunks["pstn"].busy) == ("live", 2, 2)
    (answered,) = of(journal, "call.answered")
    queued = next(event for event in events_of(journal) if event.kind == "call.queued" and event.data.visit == answered.visit)  # type: ignore[attr-defined]
    taken = next(event for event in events_of(journal) if event.kind == "call.answered")
    assert abs((taken.mono_ns - queued.mono_ns) / 1e9 - answered.wait_s) < 1.0
    assert len(of(journal, "call.queued")) == 2
    assert len(of(journal, "line.ringing")) == 2


async def test_a_line_that_is_no_longer_configured_leaves_no_fault_behind(tmp_path: Path) -> None:
    site, journal = Site(tmp_path, lines=2), MemoryJournal()
    site.rigs["l1"].plug()
    async with gateway(site.config, journal):
        await told(journal, "box.health", id="line.l2", level="red")
        waits = floor_of(journal, site.config)
    assert waits.pbx["lines"].state == "down"
    assert waits.queues == {}
    one = Config(lines={"l1": site.config.lines["l1"]})
    async with gateway(one, journal):
        await in_sight(journal)
        await until(lambda: floor_of(journal, one).health == [])


async def test_one_that_cannot_be_opened_at_all_does_not_stop_another(tmp_path: Path) -> None:
    site, journal = Site(tmp_path, lines=1), MemoryJournal()
    site.plug()
    bad = {"l2": LinesConfig(url="serial:nowhere", queue="ventas"), "l3": LinesConfig(url="serial:///dev/nowhere", profile="panasonik")}
    config = Config(lines={**site.config.lines, **bad})
    async with gateway(config, journal):
        await told(journal, "box.health", id="line.l2", level="red")
        await told(journal, "box.health", id="line.l3", level="red")
        await until(lambda: site.rigs["l1"].modem.caller_mode == 1)
        async with site.ringing("l1"):
            await told(journal, "line.ringing", line="l1")


async def test_a_modem_and_a_monitor_share_one_queue(tmp_path: Path) -> None:
    """Two devices, one queue: who waits is counted over both."""
    site, journal = Site(tmp_path, lines=1), MemoryJournal()
    site.plug()
    master, slave = os.openpty()
    tty.setraw(slave)
    rack = LinesConfig(
        url=f"serial://{os.ttyname(slave)}", kind="monitor", queue="ventas", line={"1": LineConfig(), "b": LineConfig(number=2, trunk="pstn")}
    )  # fmt: skip
    config = Config(lines={**site.config.lines, "rack": rack})

    def tell(what: str, line: int, **more: Any) -> None:
        for record in monitor_records(line, Step(0.0, what, "0987654321", rings=1, **more)):  # type: ignore[arg-type]
            os.write(master, record.encode() + b"\r\n")

    async with gateway(config, journal):
        await in_sight(journal)
        async with site.ringing("l1"):
            for line in (1, 2):
                tell("ring", line)
            await told(journal, "call.queued", 3)
            waiting = floor_of(journal, config).queues["ventas"].waiting
            tell("off_hook", 1)
            await told(journal, "call.answered")
        tell("gone", 2)
        await told(journal, "call.abandoned", 2)
    for end in (master, slave):
        os.close(end)
    assert waiting == 3
    assert {each.line for each in of(journal, "line.ringing")} == {"l1", "rack-1", "rack-b"}
    assert {each.trunk for each in of(journal, "line.ringing", line="rack-b")} == {"pstn"}


async def test_a_gateway_s_lines_are_a_queue_too(tmp_path: Path) -> None:
    """A call that rings by SIP alone: nobody tells that it was taken, and the board says so instead of abandoned."""
    bare, journal = BareSocket(), MemoryJournal()
    bare.box = free_port()
    rack = LinesConfig(
        queue="ventas",
        gateway=FxoGatewayConfig(address="127.0.0.1", sip_port=bare.port, ping_s=0.2),
        line={"1": LineConfig(user="linea-1")},
    )
    config = Config(lines={"rack": rack}, sip=SipListenerConfig(listen=f"127.0.0.1:{bare.box}"))
    try:
        async with gateway(config, journal):
            await in_sight(journal)
            bare.say(request("INVITE", bare.port))
            await told(journal, "call.queued")
            ringing = floor_of(journal, config)
            bare.say(request("CANCEL", bare.port))
            await told(journal, "call.lost", reason="not_sensed")
            bare.alive = False
            await told(journal, "pbx.down", reason="lost")
            away = floor_of(journal, config)
    finally:
        bare.close()
    assert (ringing.queues["ventas"].waiting, away.queues["ventas"].fresh) == (1, "stale")
    assert [(item.id, item.level) for item in away.health] == [("line.rack", "red")]
    assert (away.queues["ventas"].today.unknown, away.queues["ventas"].today.abandoned) == (1, 0)
