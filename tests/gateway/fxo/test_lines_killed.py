"""kill -9 of a gateway while lines ring and people talk: shown as out of sight at once, and unknown once it is back; never abandoned."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from lines_rig import Site, in_sight, told
from wire_rig import until

from appliance.core.clock import SystemClock
from appliance.core.config_file import load
from appliance.core.journal_sqlite import SqliteJournal
from appliance.floor_view import FloorView

_LINE = """
[lines.{name}]
url = "{url}"
hook_sense = true
queue = "ventas"
trunk = "pstn"
ring_ms = [500, 500]
grace_ms = 300
"""


@asynccontextmanager
async def box(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """`callfloor run gateway` as a process of its own."""
    words = (sys.executable, "-m", "appliance.cli.main", "run", "gateway", "-c", str(folder / "callfloor.toml"))
    with (folder / "box.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(*words, cwd=Path(__file__).parents[3], stdout=log, stderr=log)
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def test_killed_while_it_rings_and_while_somebody_talks(tmp_path: Path) -> None:
    site = Site(tmp_path, lines=2)
    site.plug()
    rows = "".join(_LINE.format(name=name, url=rig.url) for name, rig in site.rigs.items())
    text = f'[journal]\npath = "journal.db"\nrun_dir = "run"\n[trunks.pstn]\nlines = 2\n{rows}'
    (tmp_path / "callfloor.toml").write_text(text)
    config = load(tmp_path / "callfloor.toml", {})
    with closing(SqliteJournal.open(tmp_path / "journal.db", run_dir=tmp_path / "run", due=lambda _: False)) as journal:
        view = FloorView(journal, config, SystemClock())
        async with box(tmp_path) as process:
            await in_sight(journal)
            async with site.ringing("l1", "l2"):
                await told(journal, "call.queued", 2)
                site.hook("l2", True)
                await told(journal, "call.answered")
                view.catch_up()
                living = view.snapshot()
                process.send_signal(signal.SIGKILL)
                await process.wait()

        def seen_dead() -> bool:
            view.catch_up()
            return view.snapshot().queues["ventas"].fresh == "stale"

        await until(seen_dead)
        dead = view.snapshot()
        async with box(tmp_path):
            await in_sight(journal, 2)
            await told(journal, "call.lost", reason="blind")  # its bell was not heard again
            view.catch_up()
            await until(lambda: view.snapshot().queues["ventas"].fresh == "live")
            again = view.snapshot()
    assert (living.queues["ventas"].fresh, living.queues["ventas"].waiting, living.trunks["pstn"].all_busy_now) == ("live", 1, True)
    assert (dead.pbx["lines"].state, dead.trunks["pstn"].busy) == ("down", None)
    today = again.queues["ventas"].today
    assert (today.offered, today.answered, today.abandoned, today.unknown, today.waiting) == (2, 1, 0, 1, 0)
    assert (again.trunks["pstn"].busy, again.trunks["pstn"].all_busy_now) == (0, False)
