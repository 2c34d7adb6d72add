"""The service by a clock that is not the machine's: what is seconds apart at the desk is so for the box, in whatever real time it passes."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from appliance.core.config import Config
from appliance.core.headset_config import HeadsetsConfig, SeatConfig
from appliance.core.journal_memory import MemoryJournal
from appliance.service import Context
from appliance.sim.headset import SimHeadset
from appliance.sim.headset_line import HeadsetLine
from appliance.sim.headset_model import MODELS
from appliance.sim.headset_script import Act
from appliance.sim.model_time import ModelClock, ModelLoop
from headsets.keeper import SeatKeeper
from headsets.service import Headsets

BEGIN_NS = 1_900_000_000_000_000_000
#: How the same headset is told by a box that answers it, and by one that reads along.
HOLDS = ("own", "watch")


class Silence:
    """A watch that nobody looks at."""

    def ready(self) -> None: ...
    def progress(self) -> None: ...
    def status(self, text: str) -> None: ...


@pytest.fixture
def place() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="cf-"))
    yield folder
    shutil.rmtree(folder)


Played = Callable[[HeadsetLine, SeatKeeper, ModelLoop], Awaitable[None]]


def play(place: Path, model: str, hold: str, played: Played) -> None:
    """Do this with a headset that is plugged in at a box, in the model's time."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, ModelLoop)
        clock = ModelClock(loop, BEGIN_NS)
        async with HeadsetLine(SimHeadset(MODELS[model]), place / "a.sock", clock, answer_s=0.004) as line:
            config = HeadsetsConfig(seat={"a": SeatConfig(url=line.url, agent="ana")}, hold=hold)  # type: ignore[arg-type]
            service = Headsets()
            running = asyncio.create_task(service.run(Context(Config(headsets=config), MemoryJournal(), clock, Silence(), "headsets")))
            await asyncio.sleep(1)
            assert service.keeper is not None
            await played(line, service.keeper, loop)
            running.cancel()
            await asyncio.wait({running})

    with asyncio.Runner(loop_factory=ModelLoop) as runner:
        runner.run(run())


async def quiet(loop: ModelLoop, wait_s: float) -> None:
    await asyncio.sleep(wait_s)
    await loop.quiet()


@pytest.mark.parametrize("hold", HOLDS)
@pytest.mark.parametrize("model", ["epos", "jabra", "jabra-base", "phone"])
def test_a_call_of_three_seconds_is_no_press_however_fast_it_passes(place: Path, model: str, hold: str) -> None:
    async def calls(line: HeadsetLine, keeper: SeatKeeper, loop: ModelLoop) -> None:
        seat = keeper.seats["a"]
        for _ in range(3):
            await line.do(Act("lift"))
            await quiet(loop, 1.5)
            assert seat.hook.value == "off"
            await line.do(Act("hang-up"))
            await quiet(loop, 3.0)
            assert (seat.hook.value, line.headset.off_hook) == ("on", False)
        assert seat.hook.mode == line.headset.layout.hook.mode  # type: ignore[union-attr]

    play(place, model, hold, calls)


def test_a_hang_up_in_mid_call_is_seen_and_so_is_taking_it_up_again(place: Path) -> None:
    """The PBX's call goes on: the host had lit the off-hook lamp, the person lays it down, and takes it up twelve seconds later."""

    async def lays_down(line: HeadsetLine, keeper: SeatKeeper, loop: ModelLoop) -> None:
        seat = keeper.seats["a"]
        keeper.apply("a", lambda seat, now_ns: seat.told("available", now_ns))
        await quiet(loop, 20)
        keeper.apply("a", lambda seat, now_ns: seat.told("talking", now_ns))
        await quiet(loop, 3)
        assert (seat.hook.value, line.headset.off_hook) == ("off", True)
        await line.do(Act("hang-up"))
        await quiet(loop, 12)
        assert (seat.hook.value, line.headset.off_hook) == ("on", False)
        await line.do(Act("lift"))
        await quiet(loop, 12)
        assert (seat.hook.value, line.headset.off_hook) == ("off", True)

    play(place, "epos", "own", lays_down)
