"""`callfloor sim pbx` as a process: it listens, obeys its control lines, and leaves its truth behind."""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.sim import pbx_cli

Dial = Callable[[int], Any]

_RUN = "import argparse, sys; from appliance.sim import pbx_cli; p = argparse.ArgumentParser(); pbx_cli.add_arguments(p); sys.exit(pbx_cli.main(p.parse_args()))"


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    pbx_cli.add_arguments(parser)
    return parser.parse_args(words)


async def test_a_run_with_control_and_truth(tmp_path: Path, dial: Dial) -> None:
    (tmp_path / "secret").write_text("ñandú\n")
    options = ["--port", "0", "--speed", "30", "--secret-file", str(tmp_path / "secret"), "--truth", str(tmp_path / "truth.json")]
    control = tmp_path / "control"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _RUN, *options, "--control", str(control), stdout=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL
    )
    assert process.stdout is not None
    port = int((await process.stdout.readline()).split(b":")[1].split(b",")[0])
    client = await dial(port)
    await client.login("callfloor", "ñandú")
    await client.until(lambda: client.events("AgentConnect"))
    reader, writer = await asyncio.open_unix_connection(str(control))
    writer.write(f"truth\nmelt\ndrop x\ntruth {tmp_path / 'now.json'}\ndrop 0.2 fin\n".encode())
    answers = [(await reader.readline()).decode() for _ in range(5)]
    assert json.loads(answers[0])["offered"] >= 1
    assert answers[1].startswith("error 'melt'; there are drop")
    assert answers[2].startswith("error")
    assert json.loads((tmp_path / "now.json").read_text())["calls"]
    assert answers[4] == "ok drop for 0.2 s\n"
    await asyncio.wait_for(client.ended.wait(), 3)
    writer.write(b"quit\n")
    assert (await reader.readline()) == b"ok\n"
    writer.close()
    assert await asyncio.wait_for(process.wait(), 5) == 0
    truth = json.loads((tmp_path / "truth.json").read_text())
    assert set(truth) >= {"totals", "queues", "agents", "calls", "ended_by_pbx_restart", "blind"}
    assert not control.exists()


def test_it_ends_by_itself(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert pbx_cli.main(parsed("--port", "0", "--for", "0.2", "--fault", "drop@0.05:0.05", "--truth", str(tmp_path / "t"))) == 0
    assert capsys.readouterr().out.startswith("listening on 127.0.0.1:")
    assert [w["fault"] for w in json.loads((tmp_path / "t").read_text())["blind"]] == ["drop"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--fault", "melt@3"], "fault 'melt@3'; write NAME@SECOND"),
        (["--speed", "0"], "speed 0.0; give a number above 0"),
        (["--agents", "0"], "0 agents"),
        (["--secret-file", "/nonexistent"], "write the secret in its first line"),
    ],
)
def test_wrong_options_are_one_clear_line(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert pbx_cli.main(parsed("--port", "0", *words)) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_a_taken_port_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert pbx_cli.main(parsed("--port", str(port))) == 2
    assert f"cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err
