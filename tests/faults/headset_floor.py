"""A floor of headsets at a mocked USB bus, the real service that looks after them, and an account of its own of what is so at each desk."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from fault_box import until

from appliance.core.catalogue import (
    HeadsetAttached,
    HeadsetDetached,
    HeadsetFault,
    HeadsetHook,
    HeadsetMute,
    event_from_stored,
)
from appliance.core.errors import TransientError
from appliance.core.event import stored_from_body
from appliance.core.journal_readonly import ReadonlyJournal

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "drivers"))

from hid_rig import Bus  # noqa: E402 - it needs the path above

ON, OFF = "0200", "0201"
#: Press and release of mute, the hook as it is.
MUTE = {ON: ("0204", "0200"), OFF: ("0205", "0201")}
WITHIN_S = 60.0


class Desk:
    """What is so at one port: whether a headset is there, and what it said of its hook since it was plugged."""

    def __init__(self) -> None:
        self.plugged = False
        self.hook: str | None = None
        self.moved_s = 0.0
        #: Everything that happened here, in the words of the events.
        self.story: list[str] = []

    def plug(self) -> None:
        self.plugged, self.hook = True, None
        self.story.append("attached")

    def pull(self) -> None:
        self.plugged = False
        self.story.append("detached")

    def say(self, report: str) -> None:
        hook = "off" if int(report[2:4], 16) & 1 else "on"
        if hook != self.hook:
            self.moved_s = time.monotonic()
        self.hook = hook
        self.story.append(hook)

    @property
    def other(self) -> str:
        """What the person does next: a hook that falls 150 ms after it rose is a button and no hook (headsets/hook.py)."""
        if self.hook is not None and time.monotonic() - self.moved_s < 0.25:
            return OFF if self.hook == "off" else ON
        return ON if self.hook == "off" else OFF


class Floor:
    """The bus, the desks at it by port, and one process of the service on a journal of its own."""

    def __init__(self, bus: Bus, folder: Path) -> None:
        self.bus, self.folder = bus, folder
        self.desks: dict[str, Desk] = {}
        self.process: subprocess.Popen[bytes] | None = None
        self._at, self._told = 0, list[Any]()

    # -- the service ---------------------------------------------------------

    def configure(self, *lines: str, **urls: str) -> None:
        """`[headsets]` with these lines, and a seat for each url."""
        seats = "".join(f'[headsets.seat.{key}]\nurl = "{url}"\n' for key, url in urls.items())
        (self.folder / "callfloor.toml").write_text(
            f'[site]\nname = "quito"\nbox = "s1"\ntimezone = "UTC"\n[journal]\npath = "{self.folder / "journal.db"}"\n'
            f"[headsets]\n" + "".join(f"{line}\n" for line in lines) + seats
        )

    def start(self) -> None:
        """`callfloor run headsets`, before the mocked bus."""
        env = os.environ | {"LD_PRELOAD": "libumockdev-preload.so.0", "UMOCKDEV_DIR": self.bus.root, "PYTHONWARNINGS": "default"}
        command = [sys.executable, "-X", "dev", "-m", "appliance.cli.main", "run", "headsets", "-c", "callfloor.toml"]
        with (self.folder / "headsets.log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, env=env | {"PYTHONPATH": str(ROOT)}, stdout=log, stderr=log)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Signal it and wait; after a kill the kernel ends its claims, as it does."""
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(20)
        if number == signal.SIGKILL:
            for port in self.bus.do("claimed")["claimed"]:
                self.bus.do("crash", port)
        self.process = None
        return code

    def close(self) -> None:
        """Whatever happened."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.bus.do("clear")

    def log(self) -> str:
        with contextlib.suppress(FileNotFoundError):
            return (self.folder / "headsets.log").read_text(errors="replace")
        return ""

    def size(self) -> dict[str, int]:
        """What the process uses: resident kB, threads, open files."""
        assert self.process is not None
        place = Path(f"/proc/{self.process.pid}")
        status = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines() if ":" in line)
        return {"kb": int(status["VmRSS"].split()[0]), "threads": int(status["Threads"]), "files": len(list((place / "fd").iterdir()))}

    # -- what happens at the desks -------------------------------------------

    def plug(self, *ports: str, **kind: Any) -> None:
        """Plug one headset at each port."""
        for port in ports:
            self.desks.setdefault(port, Desk()).plug()
            self.bus.plug(port, **{"serial": f"S{port}", **kind})

    def pull(self, *ports: str, how: str = "clean") -> None:
        for port in ports:
            self.desks[port].pull()
            self.bus.do("pull", port, how)

    def cut(self, *ports: str, how: str = "clean") -> None:
        """The hub of these loses its power."""
        for port in ports:
            self.desks[port].pull()
        self.bus.do("cut", how, *ports)

    def say(self, port: str, *reports: str) -> None:
        for report in reports:
            self.desks[port].say(report)
        self.bus.do("report", port, *reports)

    def storm(self, ports: list[str], acts: int, chance: random.Random, hows: tuple[str, ...] = ("clean", "late", "power")) -> None:
        """So many things at once: pulled, plugged, lifted, hung up, all over the hubs; nobody waits for anything."""
        for _ in range(acts):
            port = chance.choice(ports)
            desk = self.desks.setdefault(port, Desk())
            if not desk.plugged:
                self.plug(port)
            elif chance.random() < 0.35:
                self.pull(port, how=chance.choice(hows))
            else:
                self.say(port, desk.other)

    # -- what is told --------------------------------------------------------

    def events(self) -> list[Any]:
        """All headset events of the journal so far, in order."""
        with contextlib.suppress(TransientError):  # not there yet
            journal = ReadonlyJournal(self.folder / "journal.db")
            try:
                while page := journal.read(self._at):
                    self._at = page[-1].seq
                    told = [event_from_stored(stored_from_body(entry.body)) for entry in page]
                    self._told += [event.data for event in told if event is not None and event.kind.startswith("headset.")]
            finally:
                journal.close()
        return self._told

    def last(self, seat: str) -> dict[str, Any]:
        """The last word on a seat: `attached`, `hook`, `mute`, `fault` (None when it has spoken since)."""
        now: dict[str, Any] = {"attached": None, "hook": "unknown", "mute": None, "fault": None}
        for data in self.events():
            if data.seat != seat:
                continue
            if isinstance(data, HeadsetAttached | HeadsetDetached):
                now = {"attached": isinstance(data, HeadsetAttached), "hook": "unknown", "mute": None, "fault": None}
            elif isinstance(data, HeadsetHook):
                now |= {"hook": data.hook, "fault": None}
            elif isinstance(data, HeadsetMute):
                now |= {"mute": data.mute, "fault": None}
            elif isinstance(data, HeadsetFault):
                now["fault"] = data.fault
        return now

    def told(self, seat: str) -> list[str]:
        """What was told of a seat, in the words of the desk's story."""
        words = []
        for data in self.events():
            if data.seat != seat:
                continue
            if isinstance(data, HeadsetAttached | HeadsetDetached):
                words.append("attached" if isinstance(data, HeadsetAttached) else "detached")
            elif isinstance(data, HeadsetHook) and data.hook != "unknown":
                words.append(data.hook)
        return words

    def until(self, condition: Callable[[], Any], what: str = "it never came to be") -> Any:
        """Wait until it is so; the service must live meanwhile."""

        def looked() -> Any:
            assert self.process is not None
            assert self.process.poll() is None, f"the service ended with {self.process.returncode}: {self.log()[-3000:]}"
            return condition()

        return until(looked, WITHIN_S, lambda: f"{what}: {json.dumps(self.wrong())}\n{self.log()[-3000:]}")

    def ready(self, *ports: str) -> None:
        """Wait until the service has these open."""
        self.until(lambda: set(ports) <= set(self.bus.do("claimed")["claimed"]), f"not open: {ports}")

    def settles(self, *, lifted: bool = True) -> None:
        """Wait until the last word on each seat is what is so there. `lifted`: each headset that is plugged says something once more."""
        plugged = [port for port, desk in self.desks.items() if desk.plugged]
        self.until(
            lambda: all(bool(self.last(seat_of(port))["attached"]) is self.desks[port].plugged for port in self.desks), "who is plugged"
        )
        if lifted:
            self.ready(*plugged)
            time.sleep(0.3)
            for port in plugged:
                self.say(port, self.desks[port].other)
        self.until(lambda: not lifted or not self.wrong(), "what the headsets said")

    def wrong(self) -> dict[str, Any]:
        """Seats whose last word is not what is so."""
        out = {}
        for port, desk in self.desks.items():
            now = self.last(seat_of(port))
            # of one that came and went before anybody looked nothing is told
            if bool(now["attached"]) is not desk.plugged or (desk.plugged and desk.hook is not None and now["hook"] != desk.hook):
                out[seat_of(port)] = {"told": now, "so": desk.story[-6:]}
        return out

    def judge(self) -> None:
        """Nothing was told that did not happen: what was told of each seat is part of what happened there, in that order."""
        for port, desk in self.desks.items():
            rest = iter(["detached", *desk.story])
            told = self.told(seat_of(port))
            for word in told:
                assert word in rest, f"{port}: told {told}, happened {desk.story}"
            assert all(before != after for before, after in pairwise(told) if before in ("attached", "detached")), told


def seat_of(port: str) -> str:
    """The seat of a headset at a port without one."""
    return f"usb-{port}"


@contextlib.contextmanager
def open_floor(bus: Bus, folder: Path, *lines: str, **urls: str) -> Iterator[Floor]:
    """A floor whose service runs."""
    floor = Floor(bus, folder)
    floor.configure(*lines, **urls)
    floor.start()
    try:
        yield floor
    finally:
        floor.close()
