"""The issue's opening paragraph, as a stranger does it: start the demo, see it live, cut the link, see the backlog, see it drain."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.demo_floor import free_listener

COMMAND = [sys.executable, "-m", "appliance.cli.main", "demo"]


class Demo:
    """A demo in a process of its own, its output as it comes."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.env = {**os.environ, "TMPDIR": str(folder), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
        self._path = folder / "out"
        with self._path.open("w") as out:
            self.process = subprocess.Popen([*COMMAND, "--listen", "127.0.0.1:0", *words], env=self.env, stdout=out, stderr=out)

    def output(self) -> str:
        return self._path.read_text()

    def wait_for(self, pattern: str, within_s: float = 30.0) -> re.Match[str]:
        """Until the output matches; the output is the message when it never does."""
        end_s = time.monotonic() + within_s
        while not (match := re.search(pattern, self.output())):
            if time.monotonic() > end_s or self.process.poll() not in (None, 0):
                pytest.fail(f"{pattern!r} was never told:\n{self.output()}")
            time.sleep(0.05)
        return match

    def tell(self, word: str) -> str:
        done = subprocess.run([*COMMAND, word], env=self.env, capture_output=True, text=True, timeout=30, check=True)
        return done.stdout.strip()


@pytest.fixture
def folder(short_path: Path) -> Iterator[Path]:
    yield short_path
    for process in STARTED:
        process.terminate()  # not killed: its broker is to go with it
        process.wait(30)
    STARTED.clear()


STARTED: list[subprocess.Popen[bytes]] = []


def started(folder: Path, *words: str) -> Demo:
    demo = Demo(folder, *words)
    STARTED.append(demo.process)
    return demo


def floor_when(boards: str, is_so: Callable[[dict[str, Any]], bool]) -> None:
    """Wait until the boards show it: on a busy machine they are a little behind what the terminal says."""
    floor: dict[str, Any] = {}
    until_s = time.monotonic() + 30
    while time.monotonic() < until_s:
        floor = json.loads(urllib.request.urlopen(f"{boards}/api/floor", timeout=10).read())
        if is_so(floor):
            return
        time.sleep(0.1)
    pytest.fail(f"the boards never showed it: {floor}")


@pytest.mark.broker
def test_a_stranger_cuts_the_link_and_sees_nothing_lost(folder: Path) -> None:
    demo = started(folder, "--speed", "6", "--seed", "3", "--dir", str(folder / "box"))
    boards = demo.wait_for(r"boards +(http://\S+)")[1]
    assert "callfloor demo cut" in demo.output(), "the screen names the command that cuts the link"
    demo.wait_for(r"CRM up, held \d; CRM has [1-9]\d* events")

    assert "pulled" in demo.tell("cut")
    demo.wait_for(r"CRM down, held [1-9]")
    demo.wait_for(r"CRM down, held [1-9](?s:.*)CRM down, held [1-9]\d")
    floor_when(boards, lambda floor: floor["crm"]["state"] == "down" and floor["crm"]["backlog"] > 9)
    floor_when(boards, lambda floor: {"off", "on"} <= {headset["hook"] for headset in floor["headsets"].values()})  # some talk, some do not
    # What was acknowledged as the cable went is booked within a second of it: the number held may fall once, and then it grows.
    end_s = time.monotonic() + 30
    while not re.search(r"CRM down, held \d\d", status_line := demo.tell("status")):
        assert time.monotonic() < end_s, status_line

    assert "plugged in" in demo.tell("restore")
    demo.wait_for(r"CRM down(?s:.*)CRM up, held \d;")
    assert "announced" in demo.tell("announce")
    floor_when(boards, lambda floor: [shown["text"] for shown in floor["announcements"]] == ["Training at 15:00 in room B"])

    # What the CRM sends of its own stands on the boards too.
    floor_when(
        boards, lambda floor: (floor["channels"].get("email") or {}).get("fresh") == "live" and bool(floor["floor"]["today"]["classes"])
    )
    floor_when(boards, lambda floor: floor["floor"]["vip_waiting"] is not None and floor["floor"]["today"]["outbound"] is not None)

    config = ["-c", str(folder / "box" / "callfloor.toml")]
    pong = subprocess.run([*COMMAND[:-1], "send", "ping", "--json", *config], capture_output=True, text=True, timeout=30, check=True)
    assert json.loads(pong.stdout)["state"] == "done"
    status = subprocess.run([*COMMAND[:-1], "status", "--json", *config], capture_output=True, text=True, timeout=30, check=True)
    assert json.loads(status.stdout)["pbx"]["central"]["state"] == "up"

    assert demo.tell("stop") == "the demo ends"
    assert demo.process.wait(20) == 0
    lines = demo.output().splitlines()
    figures = {
        words[0] if words[0] != "in" else "truth": words[-6:]
        for words in map(str.split, lines[-8:])
        if len(words) >= 7 and words[-1].isdigit()
    }
    assert figures["boards"] == figures["truth"], demo.output()
    assert re.search(r"customers +[1-9]\d+ in the directory, [1-9]\d* of them VIPs; [1-9]\d* screen pops", demo.output())
    assert re.search(r"classified +[1-9]\d* calls", demo.output())
    assert re.search(r"the CRM has +\d+ events, \d+ doubles \(same id\), 0 missing", demo.output())
    assert lines[-1].strip() == "nothing was lost"
    assert not list(folder.glob("callfloor-demo-*")), "its folder goes with it"


@pytest.mark.broker
def test_the_live_view_fits_24_lines_of_80_columns_and_takes_keys(folder: Path) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(TMPDIR=str(folder), LC_ALL="es_ES.UTF-8", TERM="xterm", NO_COLOR="1")
        os.execv(sys.executable, [*COMMAND, "--listen", "127.0.0.1:0", "--speed", "6"])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    seen = ""

    def until(pattern: str) -> None:
        nonlocal seen
        end_s = time.monotonic() + 30
        while not re.search(pattern, seen):
            assert time.monotonic() < end_s, f"{pattern!r} was never drawn; the last screen:\n{seen[-3000:]}"
            if select.select([terminal], [], [], 0.1)[0]:
                seen += os.read(terminal, 65536).decode(errors="replace")

    try:
        until(r"CRM has [1-9]\d* events, 0 doubles, 0 missing · newest #\d+ \w+\.\w+")
        os.write(terminal, b"c")
        until("Sin enlace con la central")
        until(r"\(cable pulled\)(?s:.*)restore the CRM link")
        os.write(terminal, b"c")
        until(r"restore the CRM link(?s:.*)CRM link up")
        lines = re.findall(r"\x1b\[(\d+);1H\x1b\[K([^\x1b\r\n]*)", seen)
        assert max(int(row) for row, _ in lines) <= 24
        assert "\n" not in seen[seen.index("\x1b[1;1H") :], "every line is put in its place"
        assert [text for _, text in lines if len(text) > 80] == []
        assert any("█" in text for _, text in lines), "the LED panel is lit"
        os.write(terminal, b"q")
        until("nothing was lost")
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    except BaseException:
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)
        raise
    finally:
        os.close(terminal)


def test_a_busy_port_gives_the_next_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        endpoint, as_asked = free_listener(f"127.0.0.1:{port}")
    assert not as_asked
    assert port < endpoint.port < port + 50


def test_words_without_a_demo_and_options_that_cannot_be(tmp_path: Path) -> None:
    def run(*words: str) -> tuple[int, str]:
        done = subprocess.run(
            [*COMMAND, *words], check=False, env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True, text=True, timeout=60
        )
        assert "Traceback" not in done.stderr
        return done.returncode, done.stderr

    assert run("cut") == (1, "callfloor demo: no demo runs; start one with: callfloor demo\n")
    assert run("--scenario", "moning")[0] == 1
    assert run("--listen", "localhost:http")[0] == 1
    assert run("--crm", "http://x")[0] == 1
    assert run("--speed", "0")[0] == 2
    (tmp_path / "journal.db").touch()
    assert "holds a journal already" in run("--dir", str(tmp_path))[1]
