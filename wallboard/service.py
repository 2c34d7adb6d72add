"""Decides how the boards' service lives: it follows the journal, and serves all media from one view of the floor, each apart."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from appliance.apart import Apart
from appliance.core.clock import NS
from appliance.core.config import Tv
from appliance.core.errors import MisconfiguredError, TransientError
from appliance.floor_view import FloorView, cache_of
from appliance.service import Context
from wallboard.alarm.run import AlarmRun
from wallboard.board_figures import BoardFigures
from wallboard.board_set import BoardSet
from wallboard.history.run import HistoryRun
from wallboard.stream.feed import Feed

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from wallboard.beacon.together import Beacons
    from wallboard.led.run import LedRun
    from wallboard.sign.run import LineRun
    from wallboard.web.http import Server

_log = logging.getLogger(__name__)
_PORT_RETRY_S: Final = 3.0
_BOARDS_EVERY_S: Final = 5.0
#: Pages of 500 rows folded at start before the watchdog hears of it.
_PAGES_AT_START: Final = 10
#: After a publication the loop rests twice as long as it took, so that a huge floor at a high rate cannot take the whole core;
#: one that took no time is not worth a rest.
_REST_FACTOR: Final = 2
_REST_FROM_NS: Final = 2_000_000
_REST_MAX_S: Final = 0.25


class Wallboard:
    """The service `wallboard`."""

    name = "wallboard"

    async def run(self, context: Context) -> None:
        """Work until cancelled. Raises MisconfiguredError for a listener or a chain that the configuration describes wrongly."""
        config, clock = context.config, context.clock
        view = FloorView(context.journal, config, clock, cache_of(context.journal))
        while view.catch_up(_PAGES_AT_START):
            context.watch.progress()
            await asyncio.sleep(0)
        feed = Feed(view, clock, config.privacy)
        alarms = AlarmRun(context, feed)
        boards = BoardSet(config)
        _tell(boards)
        figures = BoardFigures(context, view, feed)
        runs = _led_runs(context, feed, boards)
        signs = _sign_runs(context, feed, boards, figures)
        beacons = _beacons(context, feed)
        history = HistoryRun(context, view, feed)
        boards.week = lambda: history.week
        server = _server(context, feed, boards, runs, history)
        if server is not None:
            server.scrape = figures.scrape
        figures.media(runs, beacons, server)
        try:
            async with asyncio.TaskGroup() as tasks:
                for run in runs:
                    tasks.create_task(Apart(f"LED chain {run.chain.name}").run(run.run))
                for what, life in signs:
                    tasks.create_task(Apart(what).run(life))
                if server is not None and config.wallboard.tv is not None:
                    listening = asyncio.Event()
                    tasks.create_task(_listen(context, server, config.wallboard.tv, listening))
                    await listening.wait()
                if beacons is not None:
                    tasks.create_task(Apart("the stack lights").run(beacons.run))
                context.watch.ready()
                tasks.create_task(Apart("the reading of board files").run(lambda: _read_again(boards)))
                tasks.create_task(Apart("the keeping of days").run(history.run))
                tasks.create_task(_follow(context, view, feed, alarms, beacons, server, figures))
        except ExceptionGroup as faults:
            raise faults.exceptions[0] from faults
        finally:
            await alarms.leave()
            await history.leave()
            _save(view.save)


async def _follow(
    context: Context, view: FloorView, feed: Feed, alarms: AlarmRun, beacons: Beacons | None, server: Server | None, figures: BoardFigures
) -> None:
    """Fold what is new, tell the boards, and let the watchdog know that both happened."""
    clock = context.clock
    watch, lights = Apart("the alarm watch"), Apart("the stack lights")
    while True:
        if await view.follow(1.0):
            feed.changed()
        began_ns = clock.mono_ns()
        feed.turn()
        watch.turn(lambda: alarms.turn(view.seq))
        if beacons is not None:
            lights.turn(beacons.turn)
        ended_ns = clock.mono_ns()
        figures.turned(ended_ns)
        context.watch.progress()
        _save(view.save_if_due)
        if server is not None:
            server.turned_mono_ns = ended_ns
        spent_ns = ended_ns - began_ns
        rest_s = min(_REST_MAX_S, _REST_FACTOR * spent_ns / NS) if spent_ns > _REST_FROM_NS else 0.0
        rest_s = max(rest_s, feed.rest_s())
        if rest_s:
            await asyncio.sleep(rest_s)


def _save(save: Callable[[], None]) -> None:
    """Keep the fold for the next start; a full card costs that start its seconds and nothing else."""
    try:
        save()
    except OSError as fault:
        _log.warning("the fold could not be kept for the next start: %s", fault)


async def _read_again(boards: BoardSet) -> None:
    """Take up board files that were changed while the box runs."""
    while True:
        await asyncio.sleep(_BOARDS_EVERY_S)
        if boards.look():
            _log.info("board files were read again: %s", ", ".join(boards.names()))
            _tell(boards)


def _tell(boards: BoardSet) -> None:
    for fault in boards.faults:
        _log.error("%s", fault)


def _led_runs(context: Context, feed: Feed, boards: BoardSet) -> list[LedRun]:
    leds = context.config.wallboard.led
    if not leds:
        return []
    from wallboard.led.run import LedRun  # noqa: PLC0415 - a box without a chain needs no Pillow

    return [LedRun(name, led, boards, feed, context.clock) for name, led in leds.items()]


def _sign_runs(
    context: Context, feed: Feed, boards: BoardSet, figures: BoardFigures
) -> list[tuple[str, Callable[[], Coroutine[Any, Any, None]]]]:
    """Each line's name, and what begins its life: a line that died is made anew."""
    if not context.config.wallboard.sign:
        return []
    from wallboard.sign.run import line_runs  # noqa: PLC0415 - a box without a sign needs no pyserial

    def lines() -> list[LineRun]:
        made = line_runs(context.config, boards, feed, context.clock)
        for line in made:
            line.book = figures.sign(" ".join(sign.name for sign in line.signs))
        return made

    def life(at: int) -> Callable[[], Coroutine[Any, Any, None]]:
        return lambda: lines()[at].run()  # noqa: PLW0108 - made anew at each life

    return [(f"the line of signs {line.line.url}", life(at)) for at, line in enumerate(lines())]


def _beacons(context: Context, feed: Feed) -> Beacons | None:
    if not context.config.wallboard.beacon:
        return None
    from wallboard.beacon.together import Beacons  # noqa: PLC0415 - a box without lamps needs no thread for them

    return Beacons(context, feed)


def _server(context: Context, feed: Feed, boards: BoardSet, runs: list[LedRun], history: HistoryRun) -> Server | None:
    tv = context.config.wallboard.tv
    if tv is None:
        return None
    from wallboard.web.http import Server  # noqa: PLC0415 - a box without a TV needs no HTTP server

    return Server(context.config, tv, feed, boards, context.clock, {run.chain.name: run.chain for run in runs}, history)


async def _listen(context: Context, server: Server, tv: Tv, listening: asyncio.Event) -> None:
    """Serve until cancelled; a port that is taken, or an address that is not here yet, is tried again while the other media go on."""
    from wallboard.web.http import open_server  # noqa: PLC0415 - a box without a TV needs no HTTP server

    told = ""
    while True:
        try:
            async with open_server(server, tv) as (host, port):
                scheme = "http" if server.certificate is None else "https"
                context.watch.status(f"boards on {scheme}://{host}:{port}/")
                _log.info("boards on %s://%s:%s/", scheme, host, port)
                listening.set()
                await asyncio.Event().wait()
        except (TransientError, MisconfiguredError) as fault:
            context.watch.status(str(fault))
            if str(fault) != told:
                told = str(fault)
                _log.warning("%s; trying again every %.0f s", fault, _PORT_RETRY_S)
            listening.set()
            await asyncio.sleep(_PORT_RETRY_S)
