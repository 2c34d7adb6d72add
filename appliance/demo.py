"""`callfloor demo`: the box as it runs in production, in this process, with everything around it simulated.

The same runner, services, journal and configuration file as on a floor; only what lies outside the box is not real.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from appliance import registry
from appliance.cli.terminal import full_screen, keyboard, say
from appliance.core.catalogue import AnnouncementShown
from appliance.core.clock import NS, SystemClock, rfc3339
from appliance.core.config import Config
from appliance.core.config_file import load
from appliance.core.errors import MisconfiguredError
from appliance.core.event import Event
from appliance.core.journal_sqlite import SqliteJournal
from appliance.demo_abroad import Abroad
from appliance.demo_control import WORDS, listening, new_folder
from appliance.demo_floor import OWN_SCENARIO, Around, Language, build, configuration, desk, free_listener, local_language
from appliance.demo_happen import happening
from appliance.demo_summary import figures, same, summary
from appliance.demo_view import DemoView, Scene, plain_line
from appliance.floor.snapshot import Snapshot
from appliance.floor_view import FloorView
from appliance.metrics.process import answering
from appliance.runner import make_folders, open_journal, run_dir_of, signals, started
from appliance.runner_house import Housekeeper
from appliance.runner_log import to_file
from appliance.runner_supervise import Supervisor

_FAULT_S: Final = 8.0
_PLAIN_EVERY_S: Final = 5.0
_DRAW_EVERY_S: Final = 0.2
#: How long the end waits for the boards to come to where the truth is, and for the last events to arrive.
_SETTLE_S: Final = 6.0
#: How far the boards may be behind the truth when the two are compared.
_LAG_S: Final = 2.0
_NOTE_S: Final = 6.0
#: The longest silence of a bell, and what is waited beyond it.
_HANG_UP_S: Final = 10.0
_ANNOUNCED: Final[dict[Language, str]] = {
    "es": "Capacitación a las 15:00 en la sala B",
    "en": "Training at 15:00 in room B",
    "pt": "Treinamento às 15:00 na sala B",
}


class Options(Struct, frozen=True, kw_only=True):
    """What the command line asks for; `for_s` None: until told to stop."""

    listen: str = "127.0.0.1:8080"
    for_s: float | None = None
    seed: int = 1
    speed: float = 2.0
    scenario: str = OWN_SCENARIO
    crm: str | None = None
    abroad: Abroad | None = None
    folder: Path | None = None
    language: Language | None = None
    plain: bool = False


def run(options: Options) -> int:
    """Run a demo to its end and print its summary; 0. Raises CallfloorErrors for options that cannot be."""
    if options.folder is not None and (options.folder / "journal.db").exists():
        raise MisconfiguredError(
            f"{options.folder} holds a journal already, and a demo begins with an empty one; name another folder with --dir"
        )
    own = new_folder()
    folder = options.folder.absolute() if options.folder else own
    folder.mkdir(parents=True, exist_ok=True)
    to_file(folder / "demo.log")
    try:
        say(asyncio.run(_demo(options, folder, own)))
    finally:
        logging.shutdown()
        shutil.rmtree(own, ignore_errors=True)
    return 0


async def _demo(options: Options, folder: Path, own: Path) -> str:
    async with AsyncExitStack() as stack:
        stop = asyncio.Event()
        stack.enter_context(signals(stop, leave_s=15.0))
        listen, as_asked = free_listener(options.listen)
        around = await build(
            stack, scenario=options.scenario, seed=options.seed, speed=options.speed, crm_url=options.crm, folder=own, abroad=options.abroad
        )
        language = options.language or local_language()
        (folder / "pbx.secret").write_text("callfloor\n", encoding="utf-8")
        (folder / "boards").mkdir(exist_ok=True)
        (folder / "boards" / "desk.toml").write_text(desk(around), encoding="utf-8")
        (folder / "callfloor.toml").write_text(configuration(around, listen, language), encoding="utf-8")
        config = load(folder / "callfloor.toml", {})
        demo = Demo(config, around, stop, boards=f"http://{listen}")
        demo.greet(folder, as_asked=as_asked, crm=options.crm)
        async with demo.box(), listening(own, demo.obey), happening(around, options.speed):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(options.for_s):
                    await (demo.watch_plainly() if options.plain or not sys.stdout.isatty() else demo.watch())
            return await demo.settled()


class Demo:
    """One running demo."""

    def __init__(self, config: Config, around: Around, stop: asyncio.Event, boards: str) -> None:
        self.config, self.around, self.stop, self.boards = config, around, stop, boards
        self._clock = SystemClock()
        self._note, self._note_until_s = "", 0.0
        self._journal: SqliteJournal
        self._view: FloorView

    def greet(self, folder: Path, *, as_asked: bool, crm: str | None) -> None:
        """Where everything is, and how the link is cut from elsewhere."""
        say(
            f"boards           {self.boards}   (a desk's: {self.boards}/board/desk)"
            + ("" if as_asked else "  (the port asked for is in use; this is the next free one)")
        )
        if self.around.pbx is not None:
            say(f"PBX              simulated Asterisk on 127.0.0.1:{self.around.pbx.port}")
        if self.around.lines is not None:
            adapters = self.around.lines.adapters
            say(f"lines            {len(adapters)} analog ones, simulated modems in {adapters[0].path.parent}; no ACD")
            say(f"call records     a simulated PBX prints them on 127.0.0.1:{self.around.lines.printer_port}")
        say(f"CRM              {'your broker' if crm else 'embedded, on'} {self.around.broker}")
        if crm is not None:
            say(f"                 as box {self.around.box} of site {self.around.site}: what is simulated says so")
        if crm is not None and crm.startswith("mqtt://"):
            say("                 WARNING: mqtt:// is not encrypted; anybody on the way can read the simulated calls")
        me = _as_typed()
        say(f"configuration    {folder}/callfloor.toml (try: {me} status -c {folder}/callfloor.toml)")
        if self.around.cable is not None:
            say(f"cut the CRM link {me} demo cut        and back again: {me} demo restore")
        say(f"more             {me} demo --help     the end: Ctrl-C")
        say()

    @contextlib.asynccontextmanager
    async def box(self) -> AsyncIterator[None]:
        """The box itself, as `callfloor run` runs it."""
        names = registry.enabled(self.config)
        make_folders(self.config)
        self._journal = journal = open_journal(self.config, self._clock)
        try:
            await journal.appended([started(self._clock, names)])
            self._view = FloorView(journal, self.config, self._clock)
            stopped = asyncio.Event()
            supervisor = Supervisor(self.config, journal, self._clock, names)
            runner = asyncio.create_task(supervisor.run(stopped), name="runner")
            keeper = asyncio.create_task(Housekeeper(self.config, journal, self._clock, run_dir_of(self.config)).run(), name="housekeeper")
            try:
                async with answering(run_dir_of(self.config), names, supervisor.meter, journal, supervisor.posts):
                    yield
            finally:
                stopped.set()
                await runner
                keeper.cancel()
                await asyncio.wait({keeper}, timeout=1.0)
        finally:
            journal.close()

    async def watch(self) -> None:
        """Draw the view and take keys until told to stop."""
        view = DemoView(self.config)
        with full_screen(sys.stdout) as draw, keyboard(self._key):
            while not self.stop.is_set():
                draw(view.lines(self._scene(), shutil.get_terminal_size().lines))
                await self._pause(_DRAW_EVERY_S)

    async def watch_plainly(self) -> None:
        """One line now and then, and at once when the link's state changes, until told to stop."""
        said, next_s = "", 0.0
        while not self.stop.is_set():
            scene = self._scene()
            state = scene.snapshot.crm.state
            if state != said or time.monotonic() >= next_s:
                said, next_s = state, time.monotonic() + _PLAIN_EVERY_S
                say(f"{rfc3339(scene.now_wall_ns)[11:19]}Z {plain_line(scene)}")
                sys.stdout.flush()
            await self._pause(0.1)

    async def obey(self, word: str) -> str:
        """Carry out one word of `demo_control.WORDS`; the answer is one line."""
        if word == "status":
            return plain_line(self._scene())
        if word not in WORDS:
            return f"error: {word!r} is none of {', '.join(WORDS)}"
        self._note = await self._done(word)
        self._note_until_s = time.monotonic() + _NOTE_S
        return self._note

    async def _done(self, word: str) -> str:
        if word in ("cut", "restore"):
            return await self._cable(word)
        if word in ("restart-pbx", "drop-pbx"):
            return self._fault(word)
        if word == "announce":
            await self._announce()
            return "announced on every board for one minute"
        self.stop.set()
        return "the demo ends"

    def _fault(self, word: str) -> str:
        pbx, lines = self.around.pbx, self.around.lines
        if pbx is None or lines is not None:
            if lines is None or word == "restart-pbx":
                return "error: no PBX queues calls here"
            lines.unplug(_FAULT_S)
            return f"a line's adapter is unplugged for {_FAULT_S:g} s; the call goes on"
        pbx.fault("restart" if word == "restart-pbx" else "drop", seconds=_FAULT_S)
        if word == "restart-pbx":
            return "the PBX restarts; it hangs up on everybody"
        return f"the connection to the PBX is gone for {_FAULT_S:g} s; the calls go on"

    async def _cable(self, word: str) -> str:
        cable = self.around.cable
        if cable is None:
            return "error: the events go to a broker of your own over TLS; cut the network there"
        if word == "cut":
            await cable.pull()
            return "the cable to the CRM is pulled; events are held in the journal"
        await cable.plug()
        return "the cable to the CRM is plugged in again; what was held is delivered in order"

    async def settled(self) -> str:
        """Let the floor stand still, so that boards and truth can be compared, let the last events arrive, and sum up."""
        end_s = time.monotonic() + _SETTLE_S
        if self.around.office is not None:
            await self.around.office.rest()
        if self.around.pbx is not None:
            self.around.pbx.rest()
        if self.around.lines is not None:
            # Who hangs up while it rings is known to have gone once the bell has been silent for long enough.
            self.around.lines.rest()
            end_s += _HANG_UP_S
        while True:
            truth = self.around.truth()
            snapshot, is_same = await self._caught_up(truth)
            if is_same or time.monotonic() > end_s:
                break
        # From here on the floor is not heard any more, so that there is a last event.
        if self.around.desks is not None:
            await self.around.desks.rest()
        if self.around.pbx is not None:
            self.around.pbx.fault("stall", seconds=60.0)
        linked = self.around.cable is None or self.around.cable.plugged
        end_s = time.monotonic() + _SETTLE_S
        while True:
            account, received = self._journal.account("uplink"), self.around.received()
            arrived = account.waiting == 0 and (received is None or received.events >= account.recorded)
            if arrived or not linked or time.monotonic() > end_s:
                records = None if self.around.lines is None else (self._records(), truth["printed"])
                office = self.around.office.summary() if self.around.office is not None else []
                return summary(snapshot, truth, account, received, records, office)
            await asyncio.sleep(0.05)

    async def _caught_up(self, truth: dict[str, Any]) -> tuple[Snapshot, bool]:
        """The floor at the moment in which the boards have come to where the truth was, if they do so soon: on a slow machine they lag."""
        end_s = time.monotonic() + _LAG_S
        while True:
            await asyncio.sleep(0.05)
            snapshot = self._snapshot()
            is_same = same(figures(snapshot.floor.today, truth))
            if is_same or time.monotonic() > end_s:
                return snapshot, is_same

    def _records(self) -> int:
        """Calls of the printer in the journal."""
        after, found = 0, 0
        while page := self._journal.read(after):
            found += sum(b'"pbx.record"' in entry.body for entry in page)
            after = page[-1].seq
        return found

    def _key(self, key: str) -> None:
        cable = self.around.cable
        cut = "cut" if cable is not None and cable.plugged else "restore"
        word = {"c": cut, "p": "restart-pbx", "d": "drop-pbx", "a": "announce", "q": "stop"}.get(key)
        if word is not None:
            task = asyncio.get_running_loop().create_task(self.obey(word))
            task.add_done_callback(self._obeyed)

    def _obeyed(self, task: asyncio.Task[str]) -> None:
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._note, self._note_until_s = str(fault), time.monotonic() + _NOTE_S

    async def _announce(self) -> None:
        clock = self._clock
        wall_ns = clock.wall_ns()
        shown = AnnouncementShown(
            id=f"demo-{wall_ns // 1_000_000}",
            text=_ANNOUNCED[self.config.site.language],
            severity="warning",
            until=rfc3339(wall_ns + 60 * NS),
        )
        event = Event("announcement.shown", "box/demo", wall_ns, clock.mono_ns(), clock.boot, clock.quality(), shown)
        await self._journal.appended([event])

    def _scene(self) -> Scene:
        snapshot = self._snapshot()
        cable = self.around.cable
        note = self._note if time.monotonic() < self._note_until_s else ""
        plugged = None if cable is None else cable.plugged
        mono_ns = self._clock.mono_ns()
        sign = " ··· ".join(line.text for line in self.around.sign.picture(mono_ns / NS).lines)
        return Scene(snapshot, self._view.now_ns(), mono_ns, self.boards, plugged, self.around.received(), note, sign)

    def _snapshot(self) -> Snapshot:
        self._view.catch_up()
        return self._view.snapshot()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.stop.wait()


def _as_typed() -> str:
    """How a person starts the command here: from a checkout it is not on the PATH."""
    typed = sys.argv[0]
    return typed if Path(typed).name == "callfloor" and shutil.which("callfloor") is None else "callfloor"
