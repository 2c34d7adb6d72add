"""`callfloor sim freeswitch`: it listens, answers what mod_callcenter answers, and its events are told in mod_callcenter's order."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

import pytest

from appliance.sim import freeswitch_cli
from appliance.sim.floor_model_plan import plan_named
from appliance.sim.freeswitch import SimFreeswitch
from gateway.freeswitch.esl import Message, Parser


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    freeswitch_cli.add_arguments(parser)
    return parser.parse_args(words)


def test_it_ends_by_itself_and_leaves_its_truth(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    options = ["--port", "0", "--for", "0.3", "--speed", "60", "--fault", "drop@0.05:0.05", "--truth", str(tmp_path / "truth.json")]
    assert freeswitch_cli.main(parsed(*options)) == 0
    assert capsys.readouterr().out.startswith("listening on 127.0.0.1:")
    assert json.loads((tmp_path / "truth.json").read_text())["totals"]["offered"] >= 1


def test_a_taken_port_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    async def twice() -> int:
        async with SimFreeswitch(plan_named("calm")) as pbx:
            return await asyncio.to_thread(freeswitch_cli.main, parsed("--port", str(pbx.port), "--for", "1"))

    assert asyncio.run(twice()) == 2
    assert "is another PBX running there" in capsys.readouterr().err


async def test_what_it_says_is_what_freeswitch_says() -> None:
    async with SimFreeswitch(plan_named("load"), seed=4, speed=30) as pbx:
        reader, writer = await asyncio.open_connection("127.0.0.1", pbx.port)
        parser, found = Parser(), list[Message]()

        async def until(name: str, *, field: str = "CC-Action") -> Message:
            async with asyncio.timeout(20):
                while True:
                    for message in found:
                        if name in (message.type, message.name, message.get(field)):
                            return message
                    found.extend(parser.feed(await reader.read(65_536)))

        await until("auth")
        writer.write(b"api version\n\n")
        assert (await until("reply")).name == "-ERR command not found", "before the password nothing is answered"
        found.clear()
        writer.write(b"auth ClueCon\n\n")
        assert (await until("reply")).name == "+OK accepted"
        found.clear()
        writer.write(b"event plain BACKGROUND_JOB CHANNEL_HANGUP CUSTOM callcenter::info\n\n")
        await until("member-queue-end")
        said = [message.get("CC-Action") for message in found if message.name == "callcenter::info"]
        assert said.index("member-queue-start") < said.index("agent-offering") < said.index("bridge-agent-start")
        found.clear()
        writer.write(b"bgapi callcenter_config agent list\nJob-UUID: mine\n\napi nonsense\n\napi callcenter_config nonsense x\n\n")
        job = await until("BACKGROUND_JOB")
        assert (job.get("Job-UUID"), job.get("Job-Command"), job.get("Job-Command-Arg")) == ("mine", "callcenter_config", "agent list")
        assert job.text.startswith("name|instance_id|uuid|")
        assert (await until("answer")).text == "-ERR nonsense Command not found!\n"
        found.clear()
        writer.write(b"exit\n\n")
        await until("farewell")
        assert parser.damage == 0
        writer.close()
