"""A gateway on the wire: Debian's snmpd and baresip, and a bare socket that says what no honest peer says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from gateway_rig import HOOK, KIND, Baresip, BareSocket, Snmpd, free_port, request
from wire_rig import Ears, until

from appliance.core.catalogue import LineReleased
from appliance.core.clock import SystemClock
from appliance.core.errors import MisconfiguredError
from appliance.core.fxo_gateway_config import FxoGatewayConfig, SipListenerConfig
from appliance.core.line_config import LineConfig, LinesConfig
from gateway.fxo.capture import record
from gateway.fxo.gateway_port import GatewayLine
from gateway.fxo.gateway_replay import feed_capture
from gateway.fxo.gateway_run import GatewayLines
from gateway.fxo.line_call import LineEvent
from gateway.fxo.line_settings import LineSettings
from gateway.fxo.sip_ear import SipEar
from gateway.fxo.source import Health, Tap

LINE = GatewayLine(settings=LineSettings(line="linea-1", trunk="pstn"), port=0, user="linea-1", parallel_phones=False)
SIP_LINE = GatewayLine(settings=LineSettings(line="linea-1", ring_ms=(100, 100), grace_ms=100), user="linea-1")
OBJECTS = {f"{HOOK}.0": 1, f"{KIND}.0": 0}


@asynccontextmanager
async def at_work(
    *lines: GatewayLine, ear: SipEar | None = None, up: bool = True, tap: Tap | None = None, **config: Any
) -> AsyncIterator[tuple[GatewayLines, Ears]]:
    """A gateway that is listened to."""
    ears = Ears()
    asked = FxoGatewayConfig(**{"address": "127.0.0.1", "poll_s": 0.2, "timeout_s": 0.5, "ping_s": 0.2, **config})
    source = GatewayLines("rack", asked, lines or [SIP_LINE], SystemClock(), ear=ear, tap=tap, spread=lambda: 0.0)
    task = asyncio.create_task(source.run(ears.hear))
    try:
        await until(lambda: task.done() or source.health.up or not up)
        assert not task.done(), task.result()
        yield source, ears
    finally:
        task.cancel()
        async with asyncio.timeout(30):  # a stop is obeyed
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def ear() -> SipEar:
    return SipEar("127.0.0.1:0", SystemClock())


@pytest.fixture
async def bare(ear: SipEar) -> AsyncIterator[BareSocket]:
    made = BareSocket()
    yield made
    made.close()


@pytest.fixture
def snmpd(tmp_path: Path) -> Any:
    made = Snmpd(tmp_path, dict(OBJECTS))
    made.start()
    yield made
    made.stop()


async def listening(ear: SipEar, bare: BareSocket | None = None) -> int:
    await until(lambda: ear.port is not None)
    assert ear.port is not None
    if bare is not None:
        bare.box = ear.port
    return ear.port


# -- Debian's own peers --------------------------------------------------------------------------------------------


@pytest.mark.sip
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_baresip_rings_and_gives_up(ear: SipEar, tmp_path: Path, transport: str) -> None:
    peer = Baresip(tmp_path / "peer", transport=transport)
    await peer.start()
    try:
        async with at_work(ear=ear, sip_port=peer.port, ping_s=0) as (source, ears):
            there = f"sip:linea-1@127.0.0.1:{await listening(ear)};transport={transport}"
            for count in (1, 2):
                await peer.do("dial", there)
                await until(lambda wanted=count: len(ears.of("Ringing")) == wanted and "180 Ringing" in peer.log)
                assert len(ears.of("Released")) == count - 1
                await peer.do("hangup")
                await until(lambda wanted=count: len(ears.of("Released")) == wanted)
            assert ears.kinds == ["Ringing", "CallerId", "Released"] * 2
            caller = ears.of("CallerId")[0].event
            assert (caller.number, caller.name) == ("0987654321", "Ana Torres")
            assert {told.event.outcome for told in ears.of("Released")} == {"unknown"}
            assert "call established" not in peer.log.lower()
            assert not source.counts.get("malformed")
    finally:
        peer.stop()


@pytest.mark.sip
async def test_baresip_answers_pings_and_its_death_is_noticed(ear: SipEar, tmp_path: Path) -> None:
    peer = Baresip(tmp_path / "peer")
    await peer.start()
    try:
        async with at_work(ear=ear, sip_port=peer.port) as (source, ears):
            await peer.do("dial", f"sip:linea-1@127.0.0.1:{await listening(ear)}")
            await until(lambda: "Ringing" in ears.kinds)
            peer.stop()
            await until(lambda: not source.health.up)
            assert "OPTIONS" in str(source.health.fault)
            await until(lambda: "Released" in ears.kinds)
            assert ears.of("Released")[0].event.outcome == "unknown"
            assert source.lines[0].state == "unknown"
    finally:
        peer.stop()


@pytest.mark.snmp
async def test_snmpd_tells_the_hook_and_falls_silent(snmpd: Snmpd) -> None:
    line = GatewayLine(settings=LineSettings(line="linea-1"), port=0, parallel_phones=False)
    async with at_work(line, make="audiocodes", timeout_s=0.25, snmp_port=snmpd.port, snmp_file=snmpd.community) as (source, ears):
        snmpd.set(**{f"{HOOK}.0": 2})
        await until(lambda: "Seized" in ears.kinds)
        snmpd.set(**{f"{HOOK}.0": 1})
        await until(lambda: "Released" in ears.kinds)
        assert [type(told.event).__name__ for told in ears.told] == ["LineSeized", "LineReleased"]
        assert source.lines[0].state == "idle"
        snmpd.stall()
        await until(lambda: not source.health.up)
        assert "no answer" in str(source.health.fault)
        assert source.lines[0].state == "unknown"
        snmpd.go_on()
        await until(lambda: source.health.up and source.lines[0].state == "idle")


@pytest.mark.snmp
async def test_both_together_and_replayed(ear: SipEar, bare: BareSocket, snmpd: Snmpd) -> None:
    config = {"make": "audiocodes", "snmp_port": snmpd.port, "snmp_file": snmpd.community, "sip_port": bare.port}
    rows: list[dict[str, Any]] = [{"capture": 1, "kind": "gateway", "name": "rack", "started": "2026-11-22T05:00:00Z"}]
    began_ns = SystemClock().mono_ns()

    def tap(way: str, data: bytes) -> None:
        said = "data" if way == "in" else "sent"
        rows.append({"t": (SystemClock().mono_ns() - began_ns) / 1e9, said: data.decode("latin-1")})

    async with at_work(LINE, ear=ear, tap=tap, **config) as (source, ears):
        await listening(ear, bare)
        bare.say(request("INVITE", bare.port))
        await bare.hear("SIP/2.0 180")
        bare.say(request("CANCEL", bare.port))
        await until(lambda: "Released" in ears.kinds)
        bare.say(request("INVITE", bare.port, call="c2"))
        await until(lambda: len(ears.of("Ringing")) == 2)
        snmpd.set(**{f"{HOOK}.0": 2})
        await until(lambda: "Seized" in ears.kinds)
        snmpd.set(**{f"{HOOK}.0": 1})
        await until(lambda: len(ears.of("Released")) == 2)
        assert [told.event.outcome for told in ears.of("Released")] == ["abandoned", "answered"]
        assert [told.at_ns for told in ears.told] == sorted(told.at_ns for told in ears.told)
        assert source.health.limits == ()
    again = [event for _, events in feed_capture(map(json.dumps, rows), [msgspec.structs.replace(LINE, hook=True)]) for event in events]
    said = [(type(event).__name__, getattr(event, "outcome", None)) for event in again if isinstance(event, LineEvent)]
    assert said == [(type(told.event).__name__, getattr(told.event, "outcome", None)) for told in ears.told]
    calls = [type(event).__name__ for event in again if type(event).__name__.startswith("Call")]
    assert calls == ["CallQueued", "CallAbandoned", "CallQueued", "CallAnswered", "CallEnded"]


@pytest.mark.snmp
async def test_a_port_for_a_phone(snmpd: Snmpd) -> None:
    snmpd.set(**{f"{KIND}.0": 1})
    config = FxoGatewayConfig(address="127.0.0.1", make="audiocodes", snmp_port=snmpd.port, snmp_file=snmpd.community)
    source = GatewayLines("rack", config, [GatewayLine(settings=LineSettings(line="l"), port=0)], SystemClock(), spread=lambda: 0.0)
    async with asyncio.timeout(60):
        with pytest.raises(MisconfiguredError, match="for a phone"):
            await source.run(lambda _: None)


@pytest.mark.snmp
async def test_a_line_that_is_not_connected(tmp_path: Path) -> None:
    oid = "1.3.6.1.4.1.4935.15.45.1.10.15.5.5.3"
    agent = Snmpd(tmp_path, {oid: 2})
    agent.start()
    try:
        line = GatewayLine(settings=LineSettings(line="linea-1"), port=3)
        async with at_work(line, make="mediatrix", snmp_port=agent.port, snmp_file=agent.community) as (source, ears):
            await until(lambda: len(ears.of("Fault")) == 1)
            agent.set(**{oid: 1})
            await until(lambda: len(ears.of("Fault")) == 2)
            assert [(told.event.fault, told.event.over) for told in ears.of("Fault")] == [("no_battery", False), ("no_battery", True)]
            assert source.poll is not None
            assert not source.poll.unknown
    finally:
        agent.stop()


@pytest.mark.snmp
async def test_words_are_mapped_by_hand(tmp_path: Path) -> None:
    agent = Snmpd(tmp_path, {"1.3.6.1.4.1.42397.1.2.2.1.2.0.0": "Im Gespräch"})
    agent.start()
    line = GatewayLine(settings=LineSettings(line="linea-1"), port=0)
    config = {"make": "grandstream", "snmp_port": agent.port, "snmp_file": agent.community}
    try:
        async with at_work(line, **config) as (source, ears):
            await until(lambda: any("Im Gespräch" in limit for limit in source.health.limits))
            assert ears.told == []
        async with at_work(line, values={"Im Gespräch": "off_hook"}, **config) as (_, ears):
            await until(lambda: "Seized" in ears.kinds)
    finally:
        agent.stop()


# -- a bare socket -------------------------------------------------------------------------------------------------


async def test_rubbish_strangers_and_floods(ear: SipEar, bare: BareSocket) -> None:
    async with at_work(ear=ear, sip_port=bare.port) as (source, ears):
        await listening(ear, bare)
        stranger = BareSocket("127.0.0.2")
        stranger.box = bare.box
        for _ in range(5):
            stranger.say(request("INVITE", stranger.port))
            stranger.say(request("OPTIONS", stranger.port))
        await until(lambda: ear.strangers == 10)
        stranger.close()
        for size in (1, 100, 60_000):
            bare.say(bytes(range(256)) * (size // 256) + b"x")
        await until(lambda: source.counts.get("malformed") == 3)
        count = 0
        while not source.counts["held"]:
            count += 1
            bare.say(request("INVITE", bare.port, call=f"f{count}"))
            await asyncio.sleep(0)
        await until(lambda: "Fault" in ears.kinds)  # nobody calls so often: the line says so
        assert ears.of("Fault")[0].event.fault == "chatter"
        assert len(ears.told) < 200
        assert source.health.up


async def test_gone_and_back_while_it_rings(ear: SipEar, bare: BareSocket) -> None:
    async with at_work(ear=ear, sip_port=bare.port) as (source, ears):
        await listening(ear, bare)
        bare.say(request("INVITE", bare.port))
        await bare.hear("SIP/2.0 180")
        bare.alive = False
        await until(lambda: not source.health.up and "Released" in ears.kinds)
        assert ears.of("Released")[0].event.outcome == "unknown"
        bare.alive = True
        await until(lambda: source.health.up)
        bare.say(request("CANCEL", bare.port))
        await bare.hear("SIP/2.0 487")
        bare.say(request("INVITE", bare.port, call="c2"))
        await until(lambda: len(ears.of("Ringing")) == 2)
        assert len(ears.of("Released")) == 1


async def test_what_doctor_is_told(ear: SipEar, bare: BareSocket) -> None:
    async with at_work(ear=ear, sip_port=bare.port, ping_s=0) as (source, _):
        await listening(ear, bare)
        bare.say(request("INVITE", bare.port, user="linea-7"))
        await bare.hear("SIP/2.0 404")
        bare.say(request("INVITE", bare.port, more="Require: 100rel"))
        await bare.hear("SIP/2.0 420")
        bare.say(request("REGISTER", bare.port))
        await bare.hear("SIP/2.0 405")
        said = "\n".join(source.health.limits)
        assert all(word in said for word in ("linea-7", "100rel", "ping_s", "nothing tells that a call was taken"))


async def test_over_tcp_in_pieces_and_hung_up(ear: SipEar) -> None:
    async with at_work(ear=ear, ping_s=0) as (_, ears):
        port = await listening(ear)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for byte in request("INVITE", 5061, sends="TCP"):
            writer.write(bytes((byte,)))
            await writer.drain()
        async with asyncio.timeout(60):
            await reader.readuntil(b"180 Ringing")
            writer.write(b"\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n\r\n")
        writer.close()
        await until(lambda: "Ringing" in ears.kinds)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request("CANCEL", 5062, sends="TCP"))
        async with asyncio.timeout(60):
            assert b"481" in await reader.readuntil(b"\r\n")
            await reader.readuntil(b"\r\n\r\n")
            writer.write(request("CANCEL", 5061, sends="TCP"))
            assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
            assert b"487" in await reader.readuntil(b"\r\n")
        await until(lambda: "Released" in ears.kinds)
        writer.write(b"rubbish without an end\r\n\r\n")
        async with asyncio.timeout(60):
            await reader.read()
        assert ear.broken == 1
        writer.close()


async def test_a_gateway_at_another_address_is_named(ear: SipEar) -> None:
    other = BareSocket("127.0.0.2")
    async with at_work(ear=ear, up=False, sip_port=other.port) as (source, _):
        other.box = await listening(ear)
        other.say(request("OPTIONS", other.port))
        await until(lambda: any("127.0.0.2" in limit for limit in source.health.limits))
        assert not source.health.up
    other.close()


async def test_a_port_that_is_taken_is_waited_for(bare: BareSocket) -> None:
    ear = SipEar(f"127.0.0.1:{bare.port}", SystemClock())
    async with at_work(ear=ear, ping_s=0, up=False) as (source, _):
        await until(lambda: "cannot listen" in str(source.health.fault))


async def test_two_gateways_have_one_port(ear: SipEar) -> None:
    other = BareSocket("127.0.0.2")
    async with at_work(ear=ear, ping_s=0) as (_, ears), at_work(ear=ear, ping_s=0, address="127.0.0.2") as (_, theirs):
        other.box = await listening(ear)
        other.say(request("INVITE", other.port))
        await until(lambda: "Ringing" in theirs.kinds)
        assert ears.told == []
    assert ear.port is None
    other.close()


@pytest.mark.parametrize(
    ("config", "lines"),
    [
        ({"address": "gateway.example"}, [SIP_LINE]),
        ({}, []),
        ({}, [GatewayLine(settings=LineSettings(line="l"))]),
        ({}, [SIP_LINE, SIP_LINE]),
        ({}, [LINE]),
        ({"make": "audiocodes"}, [LINE]),
        ({"make": "audiocodes", "snmp_file": Path("/nonexistent")}, [LINE]),
        ({"make": "grandstream", "snmp_file": Path("/nonexistent")}, [GatewayLine(settings=LineSettings(line="l"), port=3)]),
    ],
)
def test_what_is_misconfigured(ear: SipEar, config: dict[str, Any], lines: list[GatewayLine]) -> None:
    with pytest.raises(MisconfiguredError):
        GatewayLines("rack", FxoGatewayConfig(**{"address": "127.0.0.1", **config}), lines, SystemClock(), ear=ear)


def test_users_need_ears() -> None:
    with pytest.raises(MisconfiguredError, match="nobody listens"):
        GatewayLines("rack", FxoGatewayConfig(address="127.0.0.1"), [SIP_LINE], SystemClock())


async def test_a_recording_of_it_is_replayed(bare: BareSocket) -> None:
    """As `callfloor capture line` makes it."""
    port, rows = free_port(), []
    config = LinesConfig(
        gateway=FxoGatewayConfig(address="127.0.0.1", ping_s=0.2, sip_port=bare.port), line={"1": LineConfig(user="linea-1")}
    )
    healths: list[bool] = []
    told = partial(_noted, healths)
    task = asyncio.create_task(record("rack", config, SipListenerConfig(listen=f"127.0.0.1:{port}"), SystemClock(), rows.append, told))
    try:
        bare.box = port
        await until(lambda: healths == [True])
        bare.say(request("INVITE", bare.port))
        await bare.hear("SIP/2.0 180")
        bare.alive = False
        await until(lambda: healths[-1] is False)
        bare.alive = True
        await until(lambda: healths[-1] is True)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    events = [event for _, events in feed_capture(rows) for event in events]
    assert [event.outcome for event in events if isinstance(event, LineReleased)] == ["unknown"]
    assert [type(event).__name__ for event in events if type(event).__name__ in ("PbxDown", "CallLost")] == ["PbxDown", "CallLost"]


def _noted(healths: list[bool], health: Health) -> None:
    if healths[-1:] != [health.up]:
        healths.append(health.up)
