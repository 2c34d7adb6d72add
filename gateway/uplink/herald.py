"""What the box says of itself on the live lane: `status`, `info` and `floor`, all retained, always the newest.

While the floor does not change, `status` is said again in its place and names it: whoever reads the floor elsewhere can then tell
a quiet floor from one that he no longer hears, whatever stands between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from appliance import registry
from appliance.core.catalogue import KINDS
from appliance.core.clock import rfc3339
from appliance.core.directory import Directory
from appliance.floor_view import FloorView
from appliance.service import Context
from appliance.version import VERSION
from gateway.uplink.floor_message import floor_message
from gateway.uplink.link import Will
from gateway.uplink.live import Live, Out
from gateway.uplink.resend import held_numbers
from gateway.uplink.topic import Topics

_LOOK_S: Final = 1.0
#: Where none of the oldest rows is due, the first number held is not told.
_HELD_PAGES: Final = 20
#: A retained state goes by itself a day after it was said last: a broker that comes back from a backup, or loses the will, must not
#: show a box as it was for ever. Until then it is said again, changed or not.
_HOLDS_S: Final = 86_400
_AGAIN_S: Final = 6 * 3600.0


class Herald:
    """Puts the box's states on the lane: all at the start of a connection, the floor whenever it has changed."""

    def __init__(
        self, context: Context, topics: Topics, live: Live, view: FloorView, every_s: float, last_headset: Callable[[], str] | None = None
    ) -> None:
        """`last_headset`: the id of the last headset event that is told, for whoever reads these alone; None where there are none."""
        self._context, self._topics, self._live, self._view, self._every_s = context, topics, live, view, every_s
        self._last_headset = last_headset
        self._urgent = asyncio.Event()
        self._mark = b""
        self._said_at = self._all_said_at = 0.0
        self._since: str | None = None
        self._directory = Directory.open(context.config)
        self._told_of_directory = self._of_directory()
        self._floor_time: str | None = None
        #: The floor is folded up to the journal's end.
        self.ready = asyncio.Event()

    @property
    def will(self) -> Will:
        """What the broker says when we vanish; the receiver's own time tells when."""
        return Will(self._topics.status, _status("offline", None, self._context.clock.boot))

    def greet(self) -> None:
        """Everything, for a new connection: the broker may have forgotten us."""
        self._since = rfc3339(self._context.clock.wall_ns())
        self._floor_time = None
        self._say_status()
        self._told_of_directory = self._of_directory()
        self._put(self._topics.info, self._info())
        self._mark = b""
        self._all_said_at = asyncio.get_running_loop().time()
        self._urgent.set()

    def farewell(self) -> bytes:
        """The status of a box that leaves in order."""
        return _status("offline", rfc3339(self._context.clock.wall_ns()), self._context.clock.boot)

    def moving(self) -> Out:
        """The last word at a broker that is left for another one."""
        return Out(self._topics.status, self.farewell(), retain=True, state=True)

    def urgent(self) -> None:
        """An alarm or the link changed: the floor goes out at once."""
        self._urgent.set()

    async def run(self) -> None:
        """Fold what is there, then publish as it changes, for ever."""
        await self._view.reach_end(self._context.watch.progress)
        self.ready.set()
        while True:
            self._context.watch.progress()
            try:
                # Not wait_for: before Python 3.12 it loses a cancellation that comes together with what it waits for.
                async with asyncio.timeout(_LOOK_S):
                    await self._urgent.wait()
            except TimeoutError:
                now = asyncio.get_running_loop().time()
                if now - self._said_at < self._every_s:
                    continue
            self._urgent.clear()
            await self._say_floor()

    async def _say_floor(self) -> None:
        """Step by step: a large floor takes a slow processor tens of milliseconds, and a screen pop waits for none of its steps but one."""
        await self._view.reach_end(self._context.watch.progress)
        self._said_at = now = asyncio.get_running_loop().time()
        if now - self._all_said_at > _AGAIN_S and self._since is not None:
            self._all_said_at, self._mark = now, b""
            self._put(self._topics.info, self._info())
            self._say_status()
        if (directory := self._of_directory()) != self._told_of_directory and self._since is not None:
            self._told_of_directory = directory
            self._put(self._topics.info, self._info())
        snapshot = self._view.snapshot()
        await asyncio.sleep(0)
        payload, mark = floor_message(snapshot)
        if mark != self._mark:
            self._mark, self._floor_time = mark, snapshot.time
            self._put(self._topics.floor, payload)
        elif self._floor_time is not None:
            self._say_status()

    def _say_status(self) -> None:
        headset = self._last_headset() if self._last_headset is not None else None
        self._put(self._topics.status, _status("online", self._since, self._context.clock.boot, self._floor_time, self._every_s, headset))

    def _put(self, topic: str, payload: bytes) -> None:
        self._live.put(Out(topic, payload, retain=True, state=True, expiry_s=_HOLDS_S))

    def _of_directory(self) -> dict[str, object]:
        """Where the customers' directory stands, so that a CRM sends what comes next."""
        books = self._directory.books()
        if books is None:
            return {"version": 0, "entries": 0, "as_of": None, "snapshot": None}
        as_of = rfc3339(books.as_of_ns) if books.as_of_ns is not None else None
        return {"version": books.version, "entries": books.entries, "as_of": as_of, "snapshot": books.load_version}

    def _info(self) -> bytes:
        """The birth message."""
        journal = self._context.journal
        head = journal.head()
        return msgspec.json.encode(
            {
                "version": VERSION,
                "contract": 1,
                "epoch": head.epoch,
                "first": journal.first_seq() or None,
                "last": head.seq or None,
                "first_delivery": held_numbers(journal, _HELD_PAGES)[0],
                "last_delivery": head.n or None,
                "services": list(registry.enabled(self._context.config)),
                "schemas": {kind: row.version for kind, row in KINDS.items()},
                "directory": self._told_of_directory,
            }
        )


def _status(
    state: str, since: str | None, boot: str, floor: str | None = None, every_s: float | None = None, headset: str | None = None
) -> bytes:
    """`floor` is the `time` of the newest floor said, `every_s` how often this or that is said at least, `headset` the last of them."""
    said: dict[str, object] = {"state": state, "since": since, "boot": boot}
    if every_s is not None:
        said |= {"floor": floor, "every_s": every_s}
    if headset is not None:
        said["headset"] = headset
    return msgspec.json.encode(said)
