"""What is recorded of each kind of device, and that a replay of it says what the live service said."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from gateway_rig import free_port
from gpiozero import Device  # type: ignore[import-untyped]
from gpiozero.pins.mock import MockFactory  # type: ignore[import-untyped]
from lines_rig import QUICK
from wire_rig import ModemRig, until

from appliance.core.clock import SystemClock
from appliance.core.config import Config
from appliance.core.errors import CorruptError
from appliance.core.fxo_gateway_config import SipListenerConfig
from appliance.core.line_config import LineConfig, LinesConfig
from appliance.replay import events_from_capture, replay
from appliance.sim.line_plan import Step
from appliance.sim.line_wire import monitor_records
from appliance.sim.modem import SimModem
from gateway.fxo.capture import record
from gateway.fxo.device_replay import feed_capture
from gateway.fxo.source import Health


@asynccontextmanager
async def recorded(path: Path, config: LinesConfig) -> AsyncIterator[list[bool]]:
    """The recording is made while the block runs; how the device does."""
    ups: list[bool] = []

    def told(health: Health) -> None:
        ups.append(health.up)

    with path.open("wb", buffering=0) as file:
        task = asyncio.create_task(record("l1", config, SipListenerConfig(), SystemClock(), file.write, told))
        try:
            await until(lambda: bool(ups) and ups[-1])
            yield ups
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def kinds(path: Path, config: Config) -> list[str]:
    return [event.kind for event in events_from_capture(path, config)]


async def heard(path: Path, seen: Callable[[str], bool]) -> None:
    def is_there() -> bool:
        return seen(path.read_text())

    await until(is_there)


async def test_a_modem_that_is_pulled(tmp_path: Path) -> None:
    rig, path = ModemRig(tmp_path, SimModem()), tmp_path / "l1.jsonl"
    rig.plug()
    lines = LinesConfig(url=rig.url, hook_sense=True, **QUICK)
    async with recorded(path, lines) as ups:
        rig.say(rig.modem.ring())
        rig.say(rig.modem.hook(True))
        await heard(path, lambda text: "\\u0010H" in text)
        rig.pull()
        await until(lambda: not ups[-1])
        rig.plug()
        await until(lambda: ups[-1])
    told = rows(path)
    assert (told[0]["kind"], told[0]["name"]) == ("modem", "l1")
    assert [row["event"] for row in told if "event" in row] == ["disconnected", "connected"]
    found = kinds(path, Config(lines={"l1": lines}))
    assert [kind for kind in found if kind.startswith("call.")] == ["call.queued", "call.answered", "call.ended"]
    assert found.count("pbx.down") == 1


@pytest.fixture
def header(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    before, Device.pin_factory = Device.pin_factory, MockFactory()
    yield
    Device.pin_factory.reset()
    Device.pin_factory = before


async def test_pins(tmp_path: Path, header: None) -> None:
    path, lines = tmp_path / "l1.jsonl", LinesConfig(url="gpio:", ring=5, loop=6, **QUICK)

    def set_pin(number: int, active: bool) -> None:
        pin: Any = Device.pin_factory.pin(number)
        pin.drive_low() if active else pin.drive_high()

    async with recorded(path, lines):
        for _ in range(20):
            for active in (True, False):
                set_pin(5, active)
                await asyncio.sleep(0.02)
        set_pin(6, True)
        await heard(path, lambda text: "loop=1" in text)
        await asyncio.sleep(0.2)  # it has to hold
        set_pin(6, False)
        await heard(path, lambda text: text.rfind("loop=0") > text.rfind("loop=1"))
    told = rows(path)
    assert told[0]["kind"] == "pins"
    assert {row["data"].split("=")[0] for row in told[1:]} == {"ring", "loop"}
    # Without a configuration as well: the recording tells what each pin senses.
    for config in (Config(lines={"l1": lines}), Config()):
        found = kinds(path, config)
        assert {"line.ringing", "line.seized", "call.queued", "call.answered", "call.ended"} <= set(found), found


async def test_a_line_monitor(tmp_path: Path) -> None:
    path, port = tmp_path / "l1.jsonl", free_port()
    lines = LinesConfig(url=f"udp://127.0.0.1:{port}", queue="ventas", line={"1": LineConfig(), "2": LineConfig()})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as box:
        async with recorded(path, lines):
            for line, steps in ((1, ("ring", "caller", "off_hook", "on_hook")), (2, ("ring", "caller", "gone")), (3, ("ring",))):
                for what in steps:
                    for text in monitor_records(line, Step(0.0, what, "0987654321", rings=1, talk_s=3 if what == "on_hook" else 0)):  # type: ignore[arg-type]
                        box.sendto(b"^^<U>123456<S>123456$" + text.encode(), ("127.0.0.1", port))
            await heard(path, lambda text: "03 R" in text)
    assert rows(path)[0]["kind"] == "monitor"
    named = kinds(path, Config(lines={"l1": lines}))
    assert [kind for kind in named if kind.startswith("call.")] == [
        "call.queued", "call.answered", "call.ended", "call.queued", "call.abandoned",
    ]  # fmt: skip
    assert kinds(path, Config()).count("line.ringing") == 3  # without a configuration every line is one
    today = replay(path, Config(lines={"l1": lines})).queues["ventas"].today
    assert (today.offered, today.answered, today.abandoned) == (2, 1, 1)


@pytest.mark.parametrize("line", [b"", b"{}", b'{"capture":1,"kind":"modem","name":"x"}', b'{"capture":2,"kind":"pins","name":"x"}'])
def test_what_is_no_recording_of_it(line: bytes) -> None:
    with pytest.raises(CorruptError, match="line 1"):
        list(feed_capture([line]))


def test_damaged_rows() -> None:
    head = b'{"capture":1,"kind":"pins","name":"x"}'
    with pytest.raises(CorruptError, match="line 3"):
        list(feed_capture([head, b'{"t":0,"data":"ring=1 0"}', b"{"]))
    strange = [b'{"t":0,"data":"ring=1 0"}', b'{"t":1,"data":"bell=1"}', b'{"t":2,"data":"ring=1 x"}', b'{"t":3,"event":"?"}']
    assert next(iter(feed_capture([head, *strange])))[0] == 0.0
    list(feed_capture([head, *strange]))
