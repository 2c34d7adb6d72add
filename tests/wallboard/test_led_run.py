"""A chain's life by its own clock: set up anew each minute, dimmed by the hour, told at once when the link goes down."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from PIL import Image

from appliance.core.config import Config, Led, Privacy, Site
from appliance.core.errors import MisconfiguredError
from appliance.floor.snapshot import Announcement, Crm
from drivers.led_matrix import SimMatrix
from wallboard.board_set import BoardSet
from wallboard.led.run import SET_UP_EVERY_S, LedRun
from wallboard.sample import HeldView, ago
from wallboard.stream.feed import Feed

CONFIG = Config(site=Site(name="quito", timezone="America/Guayaquil"))


@contextlib.asynccontextmanager
async def running(led: Led) -> AsyncIterator[tuple[LedRun, HeldView, SimMatrix]]:
    view = HeldView()
    run = LedRun("entrada", led, BoardSet(CONFIG), Feed(view, view.clock, Privacy()), view.clock)
    task = asyncio.create_task(run.run())
    try:
        async with asyncio.timeout(5):
            while run._plug.matrix is None:
                await asyncio.sleep(0)
        matrix = run._plug.matrix
        assert isinstance(matrix, SimMatrix)
        yield run, view, matrix
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def told(run: LedRun) -> None:
    """A new snapshot is there, as the service says after each fold."""
    run._feed.changed()


async def turns(view: HeldView, seconds: float, step_s: float = 0.25) -> None:
    """Let so much of the chain's time go by; it sleeps for at most a fifth of a real second between two looks."""
    view.clock.advance(seconds)
    await asyncio.sleep(step_s)


async def test_the_chips_are_set_up_anew_each_minute_and_the_frame_sent_again() -> None:
    async with running(Led(url="sim:")) as (_, view, matrix):
        await turns(view, 1)
        before = (matrix.set_ups, matrix.frames)
        await turns(view, SET_UP_EVERY_S - 5)
        assert matrix.set_ups == before[0]
        await turns(view, 6)
        assert matrix.set_ups == before[0] + 1
        assert matrix.frames > before[1]


async def test_brightness_follows_the_clock_on_the_wall() -> None:
    # The sample's now is 09:03:22 at the site.
    async with running(Led(url="sim:", brightness=60, dim=("09:30-10:00",), dim_brightness=5)) as (_, view, matrix):
        await turns(view, 1)
        assert matrix.percent == 60
        await turns(view, 30 * 60)
        assert matrix.percent == 5
        await turns(view, 30 * 60)
        assert matrix.percent == 60


async def test_a_link_that_goes_down_is_on_the_chain_at_its_next_look() -> None:
    async with running(Led(url="sim:", width=128)) as (run, view, matrix):
        await turns(view, 6)
        image = matrix.image
        assert image is not None
        view.held.crm = Crm(state="down", since=ago(1), backlog=3, oldest=ago(1))
        told(run)
        await turns(view, 0.5)
        assert run._show._key is not None
        assert run._show._key.startswith("link.")
        assert matrix.image is not None
        assert matrix.image.tobytes() != image.tobytes()
        assert run.chain.picture().rows == tuple(run.chain.picture().rows)


async def test_a_chain_shows_the_board_that_it_names() -> None:
    async with running(Led(url="sim:", queue="cobranzas")) as (run, view, _):
        await turns(view, 1)
        assert run._show._key is not None
        keys = {page.key for page in run._show._pages}
        assert any(key.startswith("queue.cobranzas.") for key in keys)


async def test_a_colour_chain_s_picture_tells_its_inks() -> None:
    async with running(Led(url="sim:?colours=1", width=128)) as (run, view, _):
        view.held.crm = Crm(state="down", since=ago(1), backlog=3, oldest=ago(1))
        told(run)
        await turns(view, 0.5)
        picture = run.chain.picture()
        assert picture.colours
        assert "4" in {dot for row in picture.rows for dot in row}
        assert run.chain.png().startswith(b"\x89PNG")


@pytest.mark.parametrize("led", [Led(url="hdmi:"), Led(url="sim:", width=30), Led(url="spi:0.0,1", height=8)])
def test_a_chain_that_is_described_wrongly_is_said_before_it_runs(led: Led) -> None:
    view = HeldView()
    with pytest.raises(MisconfiguredError):
        LedRun("x", led, BoardSet(CONFIG), Feed(view, view.clock, Privacy()), view.clock)


async def test_a_chain_whose_frames_take_long_leaves_half_of_the_time_to_everybody_else() -> None:
    """4 096 colour LEDs are 0.12 s of the bus; a text that rolls wants 30 frames a second."""
    async with running(Led(url="sim:?colours=1", width=256, height=16)) as (run, view, _):

        class Slow(SimMatrix):
            def show(self, image: Image.Image) -> None:
                view.clock.advance(0.12)
                super().show(image)

        slow = run._plug.matrix = Slow(256, 16)
        view.held.announcements = [Announcement(id="1", text="Simulacro de evacuación " * 9, severity="urgent")]
        told(run)
        await turns(view, 1.0)
        await turns(view, 2.0)
        slow.frames = 0
        await asyncio.sleep(0.6)
        assert 1 <= slow.frames <= 6
