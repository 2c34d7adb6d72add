"""A box whose uplink kills itself at a named step of a directory page: `python directory_box.py FOLDER URL STEP`; no step: it lives.

A step is `before` or `after` one of the things that are done with a page, in their order: kept, received, filed, finished, dropped; and
`within filed`, when the page stands in the transaction that is not committed yet.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from appliance.core.catalogue import CommandFinished, CommandReceived
from appliance.core.clock import SystemClock
from appliance.core.config import Config, Crm, JournalConfig, Site
from appliance.core.directory_pages import Pages
from appliance.core.directory_store import Cards
from appliance.core.due import due_from_config
from appliance.core.journal_sqlite import SqliteJournal
from appliance.service import Context
from gateway.uplink import effect_directory
from gateway.uplink.service import Uplink

THINGS = ("kept", "received", "filed", "finished", "dropped")
STEPS = (*(f"{when} {thing}" for thing in THINGS for when in ("before", "after")), "within filed")


class Quiet:
    def ready(self) -> None: ...

    def progress(self) -> None: ...

    def status(self, text: str) -> None: ...


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def around(home: Any, name: str, when: str) -> None:
    whole = getattr(home, name)

    def done(*args: Any, **more: Any) -> Any:
        if when == "before":
            die()
        out = whole(*args, **more)
        die()
        return out

    setattr(home, name, done)


def arm(step: str, journal: SqliteJournal) -> None:
    when, _, thing = step.partition(" ")
    if thing == "kept":
        around(Pages, "put", when)
    elif thing == "dropped":
        around(Pages, "drop", when)
    elif step == "within filed":
        around(Cards, "settle", "after")
    elif thing == "filed":
        around(effect_directory, "file_page", when)
    else:
        kind = CommandReceived if thing == "received" else CommandFinished
        appended = journal.appended

        async def watched(events: Any, advance: Any = None) -> int:
            mine = any(isinstance(event.data, kind) for event in events)
            if mine and when == "before":
                die()
            seq = await appended(events, advance)
            if mine:
                die()
            return seq

        journal.appended = watched  # type: ignore[method-assign]


def config_of(folder: Path, url: str) -> Config:
    return Config(
        site=Site(name="quito", box="p3", timezone="America/Guayaquil"),
        journal=JournalConfig(path=folder / "journal.db", run_dir=folder / "run"),
        crm=Crm(url=url, reconnect_max_s=1.0),
    )


async def main(folder: Path, url: str, step: str) -> None:
    config, clock = config_of(folder, url), SystemClock()
    (folder / "run").mkdir(exist_ok=True)
    journal = SqliteJournal.open(config.journal.path, run_dir=folder / "run", due=due_from_config(config), clock=clock)
    if step:
        arm(step, journal)
    await Uplink().run(Context(config, journal, clock, Quiet(), "uplink"))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else ""))
