"""A session on a real socket: who is let in, who is not and why, what a recording keeps, and the faults of the simulated one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from appliance.core.clock import SystemClock
from appliance.core.config import PbxConfig
from appliance.core.errors import DeniedError, TransientError
from appliance.replay import replay
from appliance.sim.floor_model_plan import plan_named
from appliance.sim.freeswitch import SimFreeswitch
from appliance.sim.freeswitch_text import GREETING, REJECTION, farewell, reply
from gateway.freeswitch.wire import EVENTS, open_wire
from gateway.pbx.capture import record

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(*answers: bytes) -> AsyncIterator[tuple[PbxConfig, list[bytes]]]:
    """A server that says its answers one after the other, each after a command; and what it heard."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(answers[0])
            for answer in answers[1:]:
                heard.append(await reader.readuntil(b"\n\n"))
                writer.write(answer)
            await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield PbxConfig(kind="freeswitch", port=server.sockets[0].getsockname()[1]), heard


async def login(config: PbxConfig, secret: str = "ClueCon") -> None:
    wire = await open_wire(config)
    try:
        await wire.login(config, secret)
    finally:
        wire.close()


async def test_password_and_subscription_are_two_commands() -> None:
    async with serving(GREETING, reply("+OK accepted"), reply("+OK event listener enabled plain")) as (config, heard):
        await login(config, "two\nlines")
    assert heard == [b"auth twolines\n\n", b"event plain " + " ".join(EVENTS).encode() + b"\n\n"]
    assert EVENTS[-2:] == ("CUSTOM", "callcenter::info"), "what follows CUSTOM is taken for a subclass"


async def test_a_user_of_the_directory_logs_in_by_name() -> None:
    async with serving(GREETING, reply("+OK accepted"), reply("+OK")) as (config, heard):
        await login(PbxConfig(kind="freeswitch", port=config.port, username="box@pbx"), "s")
    assert heard[0] == b"userauth box@pbx:s\n\n"


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ((REJECTION,), "apply-inbound-acl"),
        ((GREETING, reply("-ERR invalid")), "secret_file"),
        ((GREETING, REJECTION), "secret_file"),
        ((GREETING, reply("+OK accepted"), reply("-ERR permission denied")), "esl-allowed-events"),
    ],
)
async def test_each_refusal_says_what_to_mend(answers: tuple[bytes, ...], told: str) -> None:
    async with serving(*answers) as (config, _):
        with pytest.raises(DeniedError, match=told):
            await login(config)


async def test_a_pbx_that_closes_or_is_none_is_tried_again() -> None:
    async with serving(GREETING, farewell()) as (config, _):
        with pytest.raises((DeniedError, TransientError)):
            await login(config)
    with pytest.raises(TransientError, match="event socket"):
        await login(PbxConfig(kind="freeswitch", port=config.port))


async def test_a_recording_keeps_no_password_and_replays(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("geheim\n")
    lines: list[bytes] = []
    async with SimFreeswitch(plan_named("load"), password="geheim", seed=4, speed=20) as pbx:
        config = PbxConfig(kind="freeswitch", port=pbx.port, secret_file=tmp_path / "secret")
        task = asyncio.create_task(record("central", config, SystemClock(), lines.append))
        async with asyncio.timeout(30):
            while len(pbx.model.visits) < 30:
                await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert any(b"auth ***" in line for line in lines)
    assert not any(b"geheim" in line for line in lines)
    assert json.loads(lines[0])["kind"] == "freeswitch"
    file = tmp_path / "morning.jsonl"
    file.write_bytes(b"".join(lines))
    floor = replay(file)
    assert sum(queue.today.answered or 0 for queue in floor.queues.values()) > 5
    assert floor.pbx["central"].state == "up"


async def test_one_that_is_refused_for_a_while_comes_back() -> None:
    async with SimFreeswitch(plan_named("calm"), seed=4, speed=4) as pbx:
        config = PbxConfig(kind="freeswitch", port=pbx.port)
        refused = pbx.fault("refuse", seconds=0.3)
        await asyncio.sleep(0)
        with pytest.raises(DeniedError, match="acl"):
            await login(config)
        await refused
        await login(config)
