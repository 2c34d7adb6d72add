"""A modem's life on a real pty: set-up, calls, resets, pulled and plugged in, another baud rate, noise, floods; and who else may hold the port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from wire_rig import Ears, ModemRig, until

from appliance.core.clock import SystemClock
from appliance.core.errors import MisconfiguredError
from appliance.sim.modem import SimModem
from gateway.fxo.line_settings import LineSettings
from gateway.fxo.modem_run import ModemLine

#: A bell so quick that its end need not be waited for long.
QUICK = LineSettings(line="linea-1", ring_ms=(50, 50), grace_ms=300, hook_sense=True, flash_ms=100)


class Bench:
    """A modem, what listens to it, and what that told."""

    def __init__(self, rig: ModemRig, source: ModemLine, ears: Ears) -> None:
        self.rig, self.source, self.ears = rig, source, ears
        self.modem = rig.modem
        self.sent: list[bytes] = []
        self.came: list[bytes] = []


@asynccontextmanager
async def bench(
    folder: Path,
    modem: SimModem | None = None,
    *,
    plugged: bool = True,
    settings: LineSettings = QUICK,
    answer_s: float = 30.0,
    **more: Any,
) -> AsyncIterator[Bench]:
    rig, ears = ModemRig(folder, modem or SimModem()), Ears()
    taps: dict[str, list[bytes]] = {"in": [], "out": []}
    source = ModemLine(
        rig.url, settings, SystemClock(), answer_s=answer_s, tap=lambda way, data: taps[way].append(data), spread=lambda: 0.0, **more
    )
    made = Bench(rig, source, ears)
    made.sent, made.came = taps["out"], taps["in"]
    if plugged:
        rig.plug()
    task = asyncio.create_task(source.run(ears.hear))
    try:
        yield made
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        rig.pull()


async def set_up(made: Bench) -> None:
    await until(lambda: made.source.health.up and made.modem.caller_mode > 0)


async def test_set_up_and_a_call(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await set_up(made)
        assert made.modem.commands == ["ATZ", "ATE0", "ATV1", "ATS0=0", "AT+FCLASS=8", "AT+VCID=1"]
        assert made.source.health.limits == ()
        made.rig.say(made.modem.ring() + made.modem.caller("0987654321") + made.modem.ring() + made.modem.hook(True))
        await until(lambda: "Seized" in made.ears.kinds)
        made.rig.say(made.modem.hook(False))
        await until(lambda: "Released" in made.ears.kinds)
        assert made.ears.kinds == ["Ringing", "CallerId", "Seized", "Released"]
        assert made.ears.of("CallerId")[0].event.number == "0987654321"
        assert made.ears.of("Released")[0].event.outcome == "answered"
        assert b"".join(made.sent).startswith(b"ATZ\r")
        assert b"OK" in b"".join(made.came)


async def test_a_call_that_nobody_takes(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await set_up(made)
        made.rig.say(made.modem.ring() * 2)
        await until(lambda: "Released" in made.ears.kinds)
        assert made.ears.of("Released")[0].event.outcome == "abandoned"


async def test_without_a_hook_sense_nobody_knows(tmp_path: Path) -> None:
    async with bench(tmp_path, settings=LineSettings(line="linea-1", ring_ms=(50, 50), grace_ms=300), profile="usr") as made:
        await set_up(made)
        assert "AT+FCLASS=8" not in made.modem.commands
        assert "nothing tells that a call was taken" in made.source.health.limits[0]
        made.rig.say(made.modem.ring())
        await until(lambda: "Released" in made.ears.kinds)
        assert made.ears.of("Released")[0].event.outcome == "unknown"


async def test_packets_and_refusals(tmp_path: Path) -> None:
    async with bench(tmp_path, packets=True) as made:
        await set_up(made)
        assert made.modem.caller_mode == 2
        made.rig.say(made.modem.ring() + made.modem.caller("P"))
        await until(lambda: "CallerId" in made.ears.kinds)
        assert made.ears.of("CallerId")[0].event.absent == "P"
    (tmp_path / "old").mkdir()
    async with bench(tmp_path / "old", SimModem(refuses=("AT+VCID=2", "AT+VCID=1", "AT+FCLASS=8")), packets=True) as made:
        await set_up(made)
        assert made.modem.commands[-1] == "AT#CID=1"
        assert made.source.health.limits == ("AT+FCLASS=8 refused",)
    (tmp_path / "dumb").mkdir()
    async with bench(tmp_path / "dumb", SimModem(refuses=("AT+VCID=1", "AT#CID=1"))) as made:
        await until(lambda: any("callers are not told" in limit for limit in made.source.health.limits))
        made.rig.say(made.modem.ring())
        await until(lambda: "Ringing" in made.ears.kinds)


async def test_a_box_that_only_talks(tmp_path: Path) -> None:
    async with bench(tmp_path, SimModem(), profile="box") as made:
        await until(lambda: made.source.health.up)
        made.rig.say(b"\r\nRING\r\nDATE=1121\r\nTIME=1403\r\nNMBR=0987654321\r\nRING\r\n")
        await until(lambda: "CallerId" in made.ears.kinds)
        assert made.modem.commands == []


async def test_pulled_in_the_middle_of_a_call_and_plugged_in_again(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await set_up(made)
        made.rig.say(made.modem.ring())
        await until(lambda: "Ringing" in made.ears.kinds)
        made.rig.pull()
        await until(lambda: not made.source.health.up and made.source.health.fault is not None)
        assert "modem" in str(made.source.health.fault)
        await until(lambda: "Released" in made.ears.kinds)
        assert made.ears.of("Released")[0].event.outcome == "unknown"
        made.modem.feed(b"ATZ\r")
        made.modem.commands.clear()
        made.rig.plug()
        await set_up(made)
        assert made.modem.commands[0] == "ATZ"
        assert made.source.health.fault is None
        made.rig.say(made.modem.ring() + made.modem.caller("0987654321") + made.modem.ring())
        await until(lambda: "CallerId" in made.ears.kinds)


async def test_not_there_yet(tmp_path: Path) -> None:
    async with bench(tmp_path, plugged=False) as made:
        await until(lambda: made.source.health.fault is not None)
        assert "plug it in" in str(made.source.health.fault)
        made.rig.plug()
        await set_up(made)


@pytest.mark.parametrize("how", ["garbled", "deaf"])
async def test_another_baud_rate_and_a_modem_that_is_off(tmp_path: Path, how: str) -> None:
    modem = SimModem()
    setattr(modem, how, True)
    async with bench(tmp_path, modem, answer_s=0.15) as made:
        await until(lambda: made.source.health.fault is not None)
        assert "baud rate" in str(made.source.health.fault)
        assert ("cannot be read" in str(made.source.health.fault)) == (how == "garbled")
        setattr(modem, how, False)
        await set_up(made)
        assert made.ears.kinds == []


async def test_a_modem_that_hung_up_is_asked_again_to_tell_callers(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await set_up(made)
        made.modem.feed(b"ATZ\r")
        made.modem.commands.clear()
        made.rig.say(b"\r\nNO CARRIER\r\n")
        await until(lambda: made.modem.caller_mode == 1)
        assert made.modem.commands == ["AT+FCLASS=8", "AT+VCID=1"]
        assert made.modem.voice  # or an answer would not be told, and be taken for an abandon


async def test_one_byte_in_a_hundred_is_noise(tmp_path: Path) -> None:
    """The set-up heals, calls are told, what cannot be read is counted; and no call that was taken is told as abandoned."""
    async with bench(tmp_path, answer_s=0.5) as made:
        made.rig.noise = 0.01
        await until(lambda: made.source.health.up)
        for count in range(1, 9):
            made.rig.say(
                made.modem.ring() * 3 + made.modem.caller("0987654321", "ANA") + made.modem.ring() + made.modem.hook(True) + b"\r\n"
            )
            made.rig.say((made.modem.hook(False) + b"\r\n") * 3)
            await until(lambda wanted=count: len(made.ears.of("Released")) >= wanted)
        outcomes = [told.event.outcome for told in made.ears.of("Released")]
        assert "abandoned" not in outcomes
        assert outcomes.count("answered") >= 3
        assert [told.event.number for told in made.ears.of("CallerId")].count("0987654321") >= 3


async def test_a_flood_is_bounded_and_over_when_it_is_over(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await set_up(made)
        for _ in range(300):
            made.rig.say(b"\xff\xfe\x00junk" * 500)
            await asyncio.sleep(0)
        await until(lambda: made.source.health.noise_bytes > 10_000)
        made.rig.say(b"\r\n\r\n")
        async with asyncio.timeout(60):
            while "Ringing" not in made.ears.kinds:
                made.rig.say(made.modem.ring())
                await asyncio.sleep(0.05)


def test_what_is_misconfigured() -> None:
    with pytest.raises(MisconfiguredError, match="there is no profile"):
        ModemLine("serial:///dev/ttyACM0", QUICK, SystemClock(), profile="hayes")
    with pytest.raises(MisconfiguredError, match="modem url"):
        ModemLine("usb:1", QUICK, SystemClock())
