"""`callfloor test beacon`: each step in words and on the pins, a press, a running service, Ctrl-C and SIGTERM."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory

from appliance.cli.main import main

CONFIG = """
[wallboard.beacon.torre]
url = "{url}"
green = 17
blue = "gpio:23"
buzzer = 24
button = 25
active_high = false
normally_closed = ["blue"]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "callfloor.toml"
    file.write_text(CONFIG.format(url="gpio:"))
    return file


@pytest.fixture
def header(monkeypatch: pytest.MonkeyPatch) -> Iterator[MockFactory]:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    before, Device.pin_factory = Device.pin_factory, MockFactory()
    yield Device.pin_factory
    Device.pin_factory.reset()
    Device.pin_factory = before


def test_each_lamp_in_words_and_on_its_pin(config: Path, header: MockFactory, capsys: pytest.CaptureFixture[str]) -> None:
    pins = {lamp: header.pin(pin) for lamp, pin in (("green", 17), ("blue", 23), ("buzzer", 24))}
    assert main(["test", "beacon", "torre", "-c", str(config), "--seconds", "0.05", "--no-button"]) == 0
    words = capsys.readouterr().out.splitlines()
    assert words == [
        "green (GPIO 17): alone", "blue (GPIO 23): alone", "all lamps: steady",
        "blue: flash, as for what is new", "blue: single, as for the link to the CRM", "blue: double, as for the PBX",
        "blue: triple, as for the box", "buzzer (GPIO 24): three beeps",
        "every lamp is off; blue, on a resting contact, is lit",
    ]  # fmt: skip
    levels = {lamp: [state.state for state in pin.states] for lamp, pin in pins.items()}
    # Low is on. A lamp on a resting contact is dark while its coil is on.
    assert levels["green"][-5:] == [True, False, True, False, True]
    assert levels["buzzer"][-7:] == [True, False, True, False, True, False, True]
    assert levels["blue"][-1] is True, "the coil is off, and so the lamp is lit"
    assert all(pin.function == "input" for pin in pins.values())


def test_in_spanish(config: Path, header: MockFactory, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", "beacon", "torre", "-c", str(config), "--seconds", "0.01", "--button", "0.01", "--lang", "es"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "verde (GPIO 17): sola", "azul (GPIO 23): sola", "todas las luces: fijas",
        "azul: destello, como ante algo nuevo", "azul: uno, como ante el enlace con el CRM", "azul: dos, como ante la planta telefónica",
        "azul: tres, como ante el equipo", "zumbador (GPIO 24): tres pitidos", "botón (GPIO 25): púlselo antes de 0.01 s",
        "botón: no se vio ninguna pulsación; debe cerrar GPIO 25 a tierra", "todas las luces apagadas; azul, en contacto de reposo, encendida",
    ]  # fmt: skip


@pytest.mark.parametrize("pressed", [True, False])
def test_a_press_is_waited_for(config: Path, header: MockFactory, capsys: pytest.CaptureFixture[str], pressed: bool) -> None:
    pin = header.pin(25)
    config.write_text(config.read_text().replace("buzzer = 24\n", ""))
    timer = threading.Timer(0.5, pin.drive_low)
    if pressed:
        timer.start()
    wait = "10" if pressed else "0.1"
    code = main(["test", "beacon", "torre", "-c", str(config), "--seconds", "0.01", "--button", wait, "--json"])
    if pressed:
        timer.join()
    said = capsys.readouterr()
    assert code == (0 if pressed else 1)
    assert json.loads(said.out) == {
        "beacon": "torre", "url": "gpio:", "pressed": pressed, "ok": pressed, "seen": [None] * 7,
        "switched": [{"lamp": "green", "pin": 17}, {"lamp": "blue", "pin": 23}],
    }  # fmt: skip
    assert ("button: pressed" if pressed else "it must close GPIO 25 to ground") in said.err


def test_not_while_the_service_holds_the_pins(config: Path, header: MockFactory, capsys: pytest.CaptureFixture[str]) -> None:
    lock = config.parent / "run" / "running" / "wallboard.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text("4711")
    config.write_text(config.read_text().replace("buzzer = 24\n", ""))
    words = ["test", "beacon", "torre", "-c", str(config), "--seconds", "0.01", "--no-button"]
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert main(words) == 1
        said = capsys.readouterr().err
        assert "the service wallboard runs (process 4711)" in said
        assert "systemctl stop callfloor@wallboard" in said
        assert header.pins == {}, "no pin was touched"
    assert main(words) == 0
    assert lock.read_text() == "4711"


def test_what_a_killed_service_left_lit_is_switched_off(config: Path, header: MockFactory, capsys: pytest.CaptureFixture[str]) -> None:
    pins = [header.pin(pin) for pin in (17, 23, 24)]
    for pin in pins:
        pin.output_with_state(False)  # a kernel that keeps what a dead process drove: low is on
    assert main(["test", "beacon", "torre", "-c", str(config), "--off"]) == 0
    assert capsys.readouterr().out == "every lamp is off; blue, on a resting contact, is lit\n"
    assert [(pin.state, pin.function) for pin in pins] == [(True, "input")] * 3


def test_a_light_that_is_not_there(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", "beacon", "faro", "-c", str(config)]) == 1
    assert "no [wallboard.beacon.faro]; there are torre" in capsys.readouterr().err
    for wrong in ("0", "601", "nan", "x"):
        with pytest.raises(SystemExit):
            main(["test", "beacon", "torre", "-c", str(config), "--seconds", wrong])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_in_the_middle_everything_is_off(config: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "appliance.cli.main", "test", "beacon", "torre", "-c", str(config), "--seconds", "30"]
    environ = {**os.environ, "GPIOZERO_PIN_FACTORY": "mock", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.readline() == "green (GPIO 17): alone\n"
        time.sleep(0.05)
        child.send_signal(number)
        said, complained = child.stdout.read(), child.stderr.read()
        assert child.wait(5) == 1
    assert said == "every lamp is off; blue, on a resting contact, is lit\n"
    assert complained == ""
