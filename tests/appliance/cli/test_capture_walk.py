"""As a stranger does it, for each kind of source: simulated on its wire, captured, packed, replayed, sanitised: the same figures, nobody's number."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory

sys.path.insert(0, str(Path(__file__).parents[2] / "gateway" / "fxo"))

from gateway_rig import HOOK, Snmpd, free_port, request

from appliance.cli.main import main
from appliance.core.config_file import load
from appliance.replay import events_from_capture
from appliance.sim.line_plan import Step
from appliance.sim.line_wire import monitor_records

CALLFLOOR = [sys.executable, "-m", "appliance.cli.main"]
PRIVATE = ("caller", "number", "caller_name", "name", "dialled", "account")
LINE = "queue = 'ventas'\ntrunk = 'pstn'\ncountry = 'es'\nhook_sense = true\ngrace_ms = 200\nring_ms = [500, 500]\n"


@contextlib.contextmanager
def simulated(*words: str, says: str) -> Iterator[str]:
    """`callfloor sim …` at work, and what of its first words `says` finds."""
    with subprocess.Popen([*CALLFLOOR, "sim", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        told = ""
        while (m := re.search(says, told)) is None:
            line = process.stdout.readline()
            assert line, f"{words}: {told}"
            told += line
        drain = threading.Thread(target=process.stdout.read, daemon=True)
        drain.start()
        try:
            yield m[1]
        finally:
            process.terminate()
            process.wait(30)
            drain.join(30)


@contextlib.contextmanager
def driven(step: Callable[[], None]) -> Iterator[None]:
    """Something outside that goes on, in a thread of its own, until the end."""
    over = threading.Event()

    def drive() -> None:
        while not over.is_set():
            step()

    thread = threading.Thread(target=drive)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(60)


class Desk:
    """A person with a shell, a configuration and an empty folder."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys, self.folder = capsys, folder
        self.config = folder / "callfloor.toml"
        self.raw, self.clean = folder / "raw.jsonl", folder / "clean.jsonl"

    def run(self, *words: str) -> str:
        assert main([*words]) == 0, self._capsys.readouterr().err
        return self._capsys.readouterr().out

    def captures(self, kind: str, name: str, seconds: float, *, both: bool = False) -> None:
        """Once as it is, and cleaned: of the same, or of what comes next."""
        words = ["capture", kind, name, "-c", str(self.config), "--for", str(seconds)]
        self.run(*words, "-o", str(self.raw))
        if both:
            later = self.folder / "later.jsonl"
            self.run(*words, "-o", str(later), "--sanitize")
            self.figures(later)
        self.run("capture", "sanitize", str(self.raw), "-o", str(self.clean))
        assert oct(self.raw.stat().st_mode)[-3:] == "600"
        packed = self.raw.with_suffix(".jsonl.gz")
        packed.write_bytes(gzip.compress(self.raw.read_bytes()))

    def figures(self, path: Path) -> Any:
        """What a replay shows, without the names that a stand-in stands for."""
        floor = json.loads(self.run("replay", str(path), "--json", "-c", str(self.config)))
        agents = (floor.pop("agents") or {}).values()
        floor["people"] = sorted(json.dumps({key: value for key, value in each.items() if key != "name"}) for each in agents)
        return floor

    def judged(self) -> Any:
        """All three replays tell the same, and nobody's number is left."""
        floor = self.figures(self.raw)
        assert self.figures(self.raw.with_suffix(".jsonl.gz")) == floor
        assert self.figures(self.clean) == floor
        numbers = set()
        for event in events_from_capture(self.raw, load(self.config)):
            numbers |= {str(getattr(event.data, name, "") or "") for name in PRIVATE}
        text = self.clean.read_text()
        assert [number for number in numbers if re.search(r"\d{7}", number) and number in text] == []
        return floor


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


def offered(floor: Any, queue: str | None = None) -> int:
    return sum(each["today"]["offered"] for key, each in floor["queues"].items() if queue in (None, key))


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "sim", "secret"), [("asterisk", "pbx", "callfloor"), ("freeswitch", "freeswitch", "ClueCon")])
def test_a_pbx(kind: str, sim: str, secret: str, desk: Desk) -> None:
    (desk.folder / "secret").write_text(secret)
    with simulated(sim, "--port", "0", "--speed", "20", "--scenario", "load", says=r"127\.0\.0\.1:(\d+)") as port:
        desk.config.write_text(
            f"[pbx.central]\nkind = '{kind}'\nport = {port}\nusername = 'callfloor'\nsecret_file = '{desk.folder}/secret'\n"
        )
        desk.captures("pbx", "central", 8, both=True)
    assert offered(desk.judged()) > 0


@pytest.mark.slow
def test_a_modem(desk: Desk) -> None:
    with simulated("line", "--every", "1", "--talk", "1", "--country", "us", says=r'url = "([^"]+)"') as url:
        desk.config.write_text(f"[lines.l1]\nurl = '{url}'\n{LINE}")
        desk.captures("line", "l1", 9)
    assert offered(desk.judged(), "ventas") > 0


def monitor_says(told: Callable[[bytes], None]) -> Callable[[], None]:
    """A line monitor's words on one call after the other, quickly."""

    def call() -> None:
        for what, talk_s in (("ring", 0), ("off_hook", 0), ("on_hook", 3)):
            step: Any = Step(0.0, what, "0987654321", name="ANA TORRES", rings=1, talk_s=talk_s)
            for record in monitor_records(1, step):
                told(record.encode())
            time.sleep(0.15)

    return call


def sent(master: int, data: bytes) -> None:
    """Nobody reads: the wire is full, and keeps nothing."""
    with contextlib.suppress(BlockingIOError):
        os.write(master, data)


def test_a_line_monitor_on_a_serial_line(desk: Desk) -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    desk.config.write_text(f"[lines.m]\nkind = 'monitor'\nurl = 'serial://{os.ttyname(slave)}'\n{LINE}[lines.m.line.1]\n")
    with driven(monitor_says(lambda data: sent(master, data + b"\r\n"))):
        desk.captures("line", "m", 1.5, both=True)
    os.close(slave)
    os.close(master)
    assert offered(desk.judged(), "ventas") > 0
    assert "TORRES" not in desk.clean.read_text()


@pytest.mark.slow
def test_a_line_monitor_over_udp(desk: Desk) -> None:
    port = free_port()
    desk.config.write_text(f"[lines.m]\nurl = 'udp://127.0.0.1:{port}'\n{LINE}[lines.m.line.1]\n")
    words = ("--monitor", f"127.0.0.1:{port}", "--every", "0.5", "--talk", "1", "--country", "us")
    with simulated("line", *words, says=r"(sending)"):
        desk.captures("line", "m", 9)
    assert offered(desk.judged(), "ventas") > 0


@pytest.mark.slow
def test_pins(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    before, Device.pin_factory = Device.pin_factory, MockFactory()

    def put(number: int, active: bool) -> None:
        pin: Any = Device.pin_factory.pin(number)
        pin.drive_low() if active else pin.drive_high()

    def call() -> None:
        for _ in range(20):
            for active in (True, False):
                put(5, active)
                time.sleep(0.02)
        put(6, True)
        time.sleep(0.4)
        put(6, False)
        time.sleep(0.4)

    try:
        desk.config.write_text(f"[lines.p]\nurl = 'gpio:'\nring = 5\nloop = 6\n{LINE}")
        with driven(call):
            desk.captures("line", "p", 4)
    finally:
        Device.pin_factory.reset()
        Device.pin_factory = before
    assert offered(desk.judged(), "ventas") > 0


@pytest.mark.slow
@pytest.mark.snmp
def test_a_gateway(desk: Desk) -> None:
    agent, sip, ear = Snmpd(desk.folder, {f"{HOOK}.0": 1}), socket.socket(socket.AF_INET, socket.SOCK_DGRAM), free_port()
    sip.bind(("127.0.0.1", 0))
    here = sip.getsockname()[1]
    desk.config.write_text(
        f"[sip]\nlisten = '127.0.0.1:{ear}'\n[lines.g]\n{LINE}[lines.g.gateway]\naddress = '127.0.0.1'\nmake = 'audiocodes'\n"
        f"snmp_port = {agent.port}\nsnmp_file = '{agent.community}'\npoll_s = 0.2\ntimeout_s = 0.5\nsip_port = {here}\nping_s = 0\n"
        "[lines.g.line.1]\nport = 0\nuser = 'linea-1'\nparallel_phones = false\n"
    )
    agent.start()
    calls = 0

    def call() -> None:
        nonlocal calls
        calls += 1
        sip.sendto(request("INVITE", here, call=f"c{calls}"), ("127.0.0.1", ear))
        time.sleep(0.6)
        agent.set(**{f"{HOOK}.0": 2})
        time.sleep(0.6)
        agent.set(**{f"{HOOK}.0": 1})
        sip.sendto(request("CANCEL", here, call=f"c{calls}"), ("127.0.0.1", ear))
        time.sleep(0.6)

    try:
        with driven(call):
            desk.captures("line", "g", 6)
    finally:
        agent.stop()
        sip.close()
    assert offered(desk.judged(), "ventas") > 0


@pytest.mark.parametrize("way", [pytest.param("serial", marks=pytest.mark.slow), "tcp", pytest.param("called", marks=pytest.mark.slow)])
def test_call_records(way: str, desk: Desk) -> None:
    words = ["smdr", "--every", "0.1"]
    port = free_port()
    if way != "serial":
        words += ["--tcp" if way == "tcp" else "--call", f"127.0.0.1:{port}"]
    with simulated(*words, says=r"((?:serial|tcp|listen)://[^\s\"',]+)") as url:
        desk.config.write_text(f"[smdr.norte]\nurl = '{url}'\nprofile = 'panasonic'\n")
        desk.captures("smdr", "norte", 2, both=True)
    floor = desk.judged()
    assert floor["records"]["norte"]["incoming"] > 0


@pytest.mark.slow
def test_a_headset(desk: Desk) -> None:
    at = desk.folder / "h.sock"
    script = desk.folder / "script"
    script.write_text("1 lift\n1 mute\n0.5 hang-up\nagain\n")
    desk.config.write_text(f"[headsets.seat.a-101]\nurl = 'sim:{at}'\n")
    with simulated("headset", "--socket", str(at), "--script", str(script), says=r"(sim:)"):
        desk.captures("headset", f"sim:{at}", 6)
    floor = desk.judged()
    assert floor["headsets"]
