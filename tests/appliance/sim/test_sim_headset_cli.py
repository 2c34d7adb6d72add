"""`callfloor sim headset` in a process of its own, seen from the box's side of its socket."""

from __future__ import annotations

import json
import os
import pty
import queue
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.core.errors import UnpluggedError
from drivers.hid_sim_socket import SimSocketHid, open_sim

COMMAND = [sys.executable, "-W", "error", "-m", "appliance.cli.main", "sim", "headset"]
LIMIT_S = 30.0


class Sim:
    """A simulator with `--script - --json`; what it tells is read as it comes."""

    def __init__(self, path: Path, *words: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, "--socket", str(path), "--script", "-", "--json", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._told: queue.Queue[dict[str, Any] | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._told.put(json.loads(line))
        self._told.put(None)

    def say(self, *lines: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{line}\n" for line in lines))
        self.process.stdin.flush()

    def until(self, so: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        seen = []
        while told := self._told.get(timeout=LIMIT_S):
            seen.append(told)
            if so(told):
                return told
        pytest.fail(f"it ended, having told {seen}")


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., Sim]]:
    made: list[Sim] = []

    def start(*words: str) -> Sim:
        made.append(Sim(tmp_path / "desk.sock", *words))
        return made[-1]

    yield start
    for sim in made:
        sim.process.terminate()
        assert sim.process.wait(LIMIT_S) == 0, "a signal ends it in order"
        for pipe in (sim.process.stdin, sim.process.stdout):
            assert pipe is not None
            pipe.close()


def read(device: SimSocketHid) -> str:
    report = device.read(LIMIT_S)
    assert report is not None
    return report.hex()


def test_a_person_presses_and_a_box_answers(started: Callable[..., Sim], tmp_path: Path) -> None:
    sim = started("--model", "jabra", "--habits", "patience_s=600")
    sim.until(lambda told: told["plugged"])
    with open_sim(str(tmp_path / "desk.sock")) as box, open_sim(str(tmp_path / "desk.sock"), writes=False) as watcher:
        assert (box.info.identity, box.info.product) == ("0b0e:0307:SIM1", "Evolve Link (simulated)")
        sim.until(lambda told: told["boxes"] == 2)
        sim.say("lift")
        assert [read(device) for device in (box, watcher)] == ["020100", "020100"]
        box.write(bytes.fromhex("020100"))
        assert sim.until(lambda told: told["picture"]["lamps"])["picture"]["lamps"] == ["off_hook"]
        sim.say("mute")
        assert read(box) == "020500"
        box.write(bytes.fromhex("020300"))
        assert read(box) == "020100", "an answered button comes up"
        assert sim.until(lambda told: told["picture"]["muted"])["picture"]["off_hook"]
        box.write(b"\x63\x01")
        assert "63 01" in sim.until(lambda told: told["faults"])["faults"][0]


def test_pulled_and_plugged_in_again(started: Callable[..., Sim], tmp_path: Path) -> None:
    sim = started("--count", "2")
    for _ in range(2):
        sim.until(lambda told: told["plugged"])
    with open_sim(str(tmp_path / "desk-2.sock")) as box:
        sim.until(lambda told: told["boxes"] == 1)
        sim.say("nonsense", "@9 lift", "@2 pull")
        with pytest.raises(UnpluggedError):
            box.read(LIMIT_S)
    sim.until(lambda told: not told["plugged"])
    with pytest.raises(UnpluggedError):
        open_sim(str(tmp_path / "desk-2.sock"))
    sim.say("@2 plug")
    sim.until(lambda told: told["plugged"])
    open_sim(str(tmp_path / "desk-2.sock")).close()
    open_sim(str(tmp_path / "desk.sock")).close()


def test_a_descriptor_from_a_file_and_a_script_from_a_file(tmp_path: Path) -> None:
    descriptor = "050b0905a1010920150025017501950181220507950681010508091795019122950781 03c0".replace(" ", "")
    (tmp_path / "new.hex").write_text(descriptor)
    (tmp_path / "script").write_text("# a call\nlift\nhang-up\nquit\n")
    words = ["--descriptor", "new.hex", "--ids", "ABCD:0001", "--serial", "", "--socket", "x.sock", "--script", "script", "--json"]
    done = subprocess.run([*COMMAND, *words], cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT_S, env=with_path(), check=True)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["what"] for each in told] == ["plugged", "lift", "hang-up", "pulled"]
    assert f'url = "sim:{tmp_path}/x.sock"' in done.stderr


def test_keys_in_a_terminal(tmp_path: Path) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(NO_COLOR="1", TERM="xterm")
        os.execv(sys.executable, [*COMMAND, "--model", "phone", "--socket", str(tmp_path / "x.sock")])
    seen = ""

    def until(text: str) -> None:
        """The next place where it is told; pieces come as they like."""
        nonlocal seen
        end_s = time.monotonic() + LIMIT_S
        while text not in seen:
            assert time.monotonic() < end_s, f"{text!r} was never shown:\n{seen}"
            if select.select([terminal], [], [], 0.1)[0]:
                seen += os.read(terminal, 4096).decode(errors="replace")
        seen = seen.partition(text)[2]

    try:
        until("listening")
        for key, text in (("h", "(hook)"), ("p", "(pulled)"), ("p", "(plugged)"), ("sq", "(pulled)")):
            os.write(terminal, key.encode())
            until(text)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    except BaseException:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise
    finally:
        os.close(terminal)


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--model", "jabbra"], 2, "there are jabra"),
        (["--habits", "revert"], 2, "there are press_ms"),
        (["--count", "0"], 2, "--count"),
        (["--ids", "b0e:1"], 2, "0b0e:0307"),
        (["--descriptor", "none.hex"], 2, "No such file"),
        (["--script", "none"], 1, "No such file"),
        (["--socket", "no/where.sock"], 2, "cannot be listened on"),
        (["--socket", "precious.txt"], 2, "is a file of somebody's"),
    ],
)
def test_faults(words: list[str], code: int, text: str, tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    done = subprocess.run([*COMMAND, *words], check=False, cwd=tmp_path, env=with_path(), capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == code, done.stderr
    assert (tmp_path / "precious.txt").read_text() == "mine"
    assert text in done.stderr
    assert len(done.stderr.splitlines()) == 1


def with_path() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
