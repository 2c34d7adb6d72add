"""Decides how a simulated headset is plugged into a box: it serves a unix socket for the url `sim:PATH` (drivers/hid_sim_socket.py).

While it is plugged in it listens; pulled, its socket and its connections are gone. Time passes for it by one timer, and by none while
its firmware waits for nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

import msgspec

from appliance.core.clock import NS, Clock
from appliance.core.errors import MisconfiguredError
from appliance.sim.headset import Picture, Reports, SimHeadset
from appliance.sim.headset_script import Act

#: A socket's path has no more room (sun_path).
_LONGEST_PATH: Final = 107
#: What may wait for a box that does not read: far more than any person presses.
_BACKLOG_BYTES: Final = 65_536

#: Told after each thing that happened: the headset's line, and what it was.
Changed = Callable[["HeadsetLine", str], object]


class View(msgspec.Struct, frozen=True):
    """One headset as its simulator shows it; `boxes` is how many are connected."""

    url: str
    product: str
    plugged: bool
    boxes: int
    picture: Picture
    faults: tuple[str, ...] = ()


class HeadsetLine:
    """One headset at one socket. An async context manager, plugged in while it runs unless told otherwise."""

    def __init__(
        self,
        headset: SimHeadset,
        path: Path,
        clock: Clock,
        changed: Changed | None = None,
        port: str | None = None,
        answer_s: float = 0.0,
    ) -> None:
        """`port`: the place that it names to people. `answer_s`: how long after a report of the host's its own one comes: on a bus never
        at once, but when it is asked the next time. Raises MisconfiguredError for a path too long for a socket.
        """
        if len(str(path)) > _LONGEST_PATH:
            raise MisconfiguredError(f"{path} is too long a path for a socket; name a shorter one")
        self.headset, self.path, self.port = headset, path, port
        self._clock = clock
        self._changed: Changed = changed or (lambda _line, _what: None)
        self._server: asyncio.Server | None = None
        self._boxes: set[asyncio.StreamWriter] = set()
        self._talks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._answer_s = answer_s

    @property
    def url(self) -> str:
        """As [headsets.seat.X] takes it."""
        return f"sim:{self.path}"

    @property
    def plugged(self) -> bool:
        """Whether it can be seen from a box."""
        return self._server is not None

    @property
    def boxes(self) -> int:
        """How many are connected."""
        return len(self._boxes)

    def view(self) -> View:
        """What is to be shown of it now."""
        headset = self.headset
        return View(self.url, headset.model.product, self.plugged, self.boxes, headset.picture(), tuple(headset.faults))

    async def __aenter__(self) -> Self:
        await self.plug()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.pull()

    async def plug(self) -> None:
        """Listen. Raises MisconfiguredError where that cannot be, or somebody else listens already."""
        if self._server is not None:
            return
        if await _answers(self.path):
            raise MisconfiguredError(f"{self.path}: a simulated headset listens there already; name another socket")
        if self.path.is_socket():  # a dead simulator's
            self.path.unlink(missing_ok=True)
        elif self.path.exists():
            raise MisconfiguredError(f"{self.path} is a file of somebody's; name another socket")
        try:
            self._server = await asyncio.start_unix_server(self._talk, str(self.path))
        except OSError as fault:
            raise MisconfiguredError(f"{self.path} cannot be listened on ({fault.strerror}); name another socket") from fault
        self._changed(self, "plugged")

    async def pull(self) -> None:
        """Whoever is connected is cut off, and nobody comes any more."""
        server, self._server = self._server, None
        if server is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        self.path.unlink(missing_ok=True)
        server.close()
        for box in list(self._boxes):
            box.close()  # its talk ends by it; cancelled, asyncio's streams would complain of it
        if self._talks:
            await asyncio.wait(tuple(self._talks))
        self._changed(self, "pulled")

    async def do(self, act: Act) -> None:
        """One act of a script or a key. Raises MisconfiguredError for what this headset cannot do."""
        headset, now = self.headset, self._clock.mono_ns()
        match act.word:
            case "plug":
                return await self.plug()
            case "pull":
                return await self.pull()
            case "stall" | "mend":
                headset.stalls = act.word == "stall"
                self._changed(self, act.word)
                return None
            case "leave":
                reports = headset.leave()
            case "return":
                reports = headset.come_back()
            case "report":
                reports = [bytes.fromhex(act.argument)]
            case "press":
                reports = headset.press(act.argument, now)
            case "hook" | "lift" | "hang-up" | "mute":
                reports = {"hook": headset.hook, "lift": headset.lift, "hang-up": headset.hang_up, "mute": headset.mute}[act.word](now)
            case _:
                return None
        self._send(reports, act.word if not act.argument else f"{act.word} {act.argument}")
        return None

    def _send(self, reports: Reports, what: str) -> None:
        frames = b"".join(len(report).to_bytes(2) + report for report in reports if report)
        for box in self._boxes:
            if box.transport.get_write_buffer_size() > _BACKLOG_BYTES:
                box.transport.abort()
            elif frames:
                box.write(frames)
        self._arm()
        self._changed(self, what)

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due_ns = self.headset.due_ns
        if due_ns is not None:
            wait_s = max(0.0, (due_ns - self._clock.mono_ns()) / NS)
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._tick)

    def _tick(self) -> None:
        self._send(self.headset.tick(self._clock.mono_ns()), "by itself")

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        try:
            writer.write(msgspec.json.encode(self._hello()) + b"\n")
            self._boxes.add(writer)
            self._changed(self, "a box came")
            while True:
                length = int.from_bytes(await reader.readexactly(2))
                self._written(await reader.readexactly(length))
        except (OSError, asyncio.IncompleteReadError):
            pass  # the box has gone
        finally:
            self._talks.discard(task)
            self._boxes.discard(writer)
            writer.close()
            if self.plugged:
                self._changed(self, "a box went")

    def _written(self, report: bytes) -> None:
        answer = self.headset.written(report, self._clock.mono_ns())
        what = "written" if answer is not None else "refused"
        if answer and self._answer_s:
            asyncio.get_running_loop().call_later(self._answer_s, self._send, answer, what)
        else:
            self._send(answer or [], what)

    def _hello(self) -> dict[str, str | None]:
        model = self.headset.model
        return {
            "vid": model.vendor_id,
            "pid": model.product_id,
            "serial": self.headset.serial,
            "product": model.product,
            "port": self.port,
            "descriptor": model.descriptor.hex(),
        }


async def _answers(path: Path) -> bool:
    """Whether somebody listens there; a socket that a dead process left is nobody's."""
    with suppress(OSError):
        _, writer = await asyncio.open_unix_connection(str(path))
        writer.close()
        return True
    return False
