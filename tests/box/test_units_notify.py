"""The notify protocol of every service (sd_notify(3)): ready, fed by work that moves, silent when it hangs, and an end in order."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from notify_line import WATCHDOG_S, Service

pytestmark = pytest.mark.box

CONFIG = """
[pbx.main]
host = "127.0.0.1"
port = 9
secret_file = "main.secret"
[crm]
url = "mqtt://127.0.0.1:9"
insecure = true
[wallboard.tv]
listen = "127.0.0.1:0"
[headsets]
[headsets.seat.s1]
url = "sim:/nowhere.sock"
"""
SERVICES = ("gateway", "headsets", "wallboard", "uplink")
#: Parts wait shorter than on a box, so that a test need not take a minute.
QUICK = """
import appliance.progress, appliance.runner_supervise as supervise, appliance.outbox as outbox, headsets.service as headsets
appliance.progress.Parts.__init__.__defaults__ = (2.5, *appliance.progress.Parts.__init__.__defaults__[1:])
supervise.Supervisor.__init__.__kwdefaults__ |= {"stuck_s": 2.5, "give_up_s": 0.5}
outbox.Outbox.__init__.__kwdefaults__ |= {"hung_s": 0.5}
outbox._LOOK_S = headsets._PROGRESS_S = 0.5
import threading
for_ever = threading.Event().wait
"""
#: Work that never ends, in each service; the loop goes on turning. Real hangs look so: a thread in a driver or in the kernel.
HANGS = {
    "gateway, its PBX": ("gateway", """
import asyncio, gateway.pbx.link as link
async def hang(self): await asyncio.Event().wait()
link.Link._once = hang
"""),
    "gateway, the card": ("gateway", """
import appliance.core.journal_sqlite as journal, asyncio
appended = journal.SqliteJournal.appended
async def hang(self, events, advance=None):
    if any(event.source.startswith("gateway/") for event in events):
        await asyncio.to_thread(for_ever)
    return await appended(self, events, advance)
journal.SqliteJournal.appended = hang
"""),
    "headsets, all devices": ("headsets", """
import headsets.rim as rim, headsets.sim_life as life
rim.Rim.is_hung.__defaults__ = (1.0,)
begin = rim.Rim.__init__
def hang(self):
    begin(self)
    for _ in range(rim._OPENERS):
        self._under_way(self._opening, self._loop.run_in_executor(self._openers, for_ever))
rim.Rim.__init__ = hang
"""),
    "wallboard, the fold": ("wallboard", """
import asyncio, appliance.floor_view as view
async def hang(self, wait_s): await asyncio.Event().wait()
view.FloorView.follow = hang
"""),
    "uplink, the reader of commands": ("uplink", """
import asyncio, gateway.uplink.follower as follower
async def hang(self): await asyncio.Event().wait()
follower.Follower._page, caught_up = hang, follower.Follower._page
follower.Follower.catch_up = lambda self: asyncio.sleep(0)
"""),
    "uplink, what it says of itself": ("uplink", """
import asyncio, gateway.uplink.herald as herald
said = herald.Herald._say_floor
async def hang(self):
    self.ready.set()
    self._context.watch.progress()
    await asyncio.Event().wait()
herald.Herald.run = hang
"""),
}  # fmt: skip

Begin = Callable[..., Service]


@pytest.fixture
def begin(short_path: Path) -> Iterator[Begin]:
    begun: list[Service] = []

    def service(name: str, spoil: str = "") -> Service:
        begun.append(Service(name, short_path, CONFIG, spoil))
        return begun[-1]

    yield service
    for each in begun:
        each.close()


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_says_that_it_is_ready_lives_and_leaves(begin: Begin, name: str) -> None:
    """PBX and broker are away: that is a state, and no reason not to be ready."""
    service = begin(name)
    service.hear("READY=1")
    assert service.said[0].startswith(f"STATUS={name}: "), "systemctl status has a word for people from the first moment on"
    service.hear("WATCHDOG=1", wait_s=WATCHDOG_S, count=2)
    assert service.stop() == 0, service.log()
    service.hear("STOPPING=1", wait_s=1)


def test_one_that_stands_still_says_nothing(begin: Begin) -> None:
    service = begin("gateway")
    service.hear("WATCHDOG=1")
    service.process.send_signal(signal.SIGSTOP)
    service.listen(0.5)
    assert service.listen(WATCHDOG_S / 2) == []


@pytest.mark.parametrize("where", HANGS)
def test_one_whose_loop_turns_while_its_work_hangs_is_given_up(begin: Begin, where: str) -> None:
    name, hang = HANGS[where]
    service = begin(name, QUICK + hang)
    service.hear("READY=1")
    service.hear("WATCHDOG=trigger", wait_s=40)
    said = service.listen(1.5)
    assert "WATCHDOG=1" not in said, "it is not fed any more"
    assert "no progress" in service.log()
