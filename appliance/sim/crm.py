"""The simulated CRM: a consumer that keeps exact books of what arrives over MQTT, sends commands, and asks for what it misses.

It comes back by itself when the broker goes away, as a CRM must. `docs/consuming.md` is the same with a database.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, Self

import msgspec

from appliance.core.clock import NS, Clock, SystemClock, rfc3339
from appliance.core.command import RESEND_MOST, Reply
from appliance.core.config import Crm
from appliance.core.errors import CallfloorError, TransientError
from appliance.sim.crm_book import Book
from appliance.sim.crm_box import Box
from gateway.uplink.endpoint import endpoints_from_config
from gateway.uplink.link import End, Message
from gateway.uplink.mqtt import Link
from gateway.uplink.tls import Lease, tls_context

_RETRY_S: Final = 0.2
_RECEIVE_MAX: Final = 1000
_TERMINAL: Final = frozenset({"done", "failed", "expired", "refused", "unknown"})
_PARTS: Final = ("event/#", "status", "info", "floor", "pop/+", "reply/+")
#: A range takes its time: everything that is due goes before it.
_RESEND_S: Final = 600.0


class SimCrm:
    """One consumer of one broker. Use as an async context manager; it begins to listen at once and keeps trying."""

    def __init__(
        self,
        url: str,
        *,
        site: str = "+",
        box: str = "+",
        boxes: Sequence[str] = (),
        protocol: Literal["5", "3.1.1"] = "5",
        client_id: str = "",
        crm: Crm | None = None,
        from_now: bool = False,
        heard: Callable[[bytes], None] | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`boxes`: which ones, as `SITE/BOX` with `+` for any, instead of `site` and `box`. `crm`: the connection, with certificates.
        `from_now`: do not ask for what was numbered before the first event. `heard` is given each event that is new, as it came;
        `clock` dates commands, where the box's is not this machine's.
        """
        self._crm = crm or Crm(url=url, insecure=True, protocol=protocol)
        self._endpoint = endpoints_from_config(self._crm)[0]
        self._client_id = client_id or f"callfloor-crm-{os.urandom(3).hex()}"
        self._filters = [f"callfloor/1/{which}/{part}" for which in (boxes or [f"{site}/{box}"]) for part in _PARTS]
        self.book = Book(from_now=from_now)
        self.boxes: dict[str, Box] = {}
        self.connected = False
        #: Set for good once a connection stood.
        self.stood = asyncio.Event()
        self.refused: list[str] = []
        #: Why there is no connection; "" while there is one.
        self.trouble = "not connected yet"
        self._heard = heard
        self._link: Link | None = None
        self._ended: asyncio.Future[End] | None = None
        self._replies: dict[str, asyncio.Future[Reply]] = {}
        self._task: asyncio.Task[None] | None = None
        #: Came with the greeting, before the connection was in use: acknowledged when it is.
        self._owed: list[Message] = []
        self._clock = clock or SystemClock()

    async def __aenter__(self) -> Self:
        self._task = asyncio.get_running_loop().create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._link is not None:
            self._link.close()

    def tell(self, heard: Callable[[bytes], None]) -> None:
        """Give each event that is new to one more, from now on."""
        self._heard = heard

    @property
    def pops(self) -> int:
        """Screen pops heard."""
        return sum(box.pops for box in self.boxes.values())

    async def send(
        self, site: str, box: str, verb: str, args: dict[str, Any] | None = None, *, command: str = "", expires_s: float | None = None,
        timeout_s: float = 10.0,
    ) -> Reply:  # fmt: skip
        """Send a command and wait for its end. Raises TransientError when the broker is away or no reply comes in time."""
        if self._link is None or not self._link.is_open:
            raise TransientError("the CRM has no connection to the broker; the command was not sent")
        command = command or f"crm-{os.urandom(6).hex()}"
        now = self._clock.wall_ns()
        expires = rfc3339(now + round(expires_s * NS)) if expires_s is not None else None
        payload = msgspec.json.encode({"id": command, "time": rfc3339(now), "expires": expires, "args": args or {}})
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._replies[command] = reply
        try:
            self._link.publish(f"callfloor/1/{site}/{box}/cmd/{verb}", payload)
            async with asyncio.timeout(timeout_s):
                return await reply
        except TimeoutError as fault:
            raise TransientError(f"{box} did not answer {verb} within {timeout_s:g} s") from fault
        finally:
            del self._replies[command]

    async def ask_again(self, *, timeout_s: float = _RESEND_S) -> list[tuple[str, int, int, Reply]]:
        """Ask each box for what is missing of it, and note what it no longer holds. Returns box, first, last and the reply of each hole.

        Raises TransientError when the broker is away or no reply comes in time.
        """
        asked = []
        holes = [(key, hole) for key, stream in self.book.streams.items() for hole in stream.missing()]
        for (which, epoch), (first, end) in holes:
            last = min(end, first + RESEND_MOST - 1)
            site, _, box = which.partition("/")
            reply = await self.send(site, box, "resend", {"from": first, "to": last, "epoch": epoch}, timeout_s=timeout_s)
            reason, result = reply.reason or "", reply.result or {}
            if reason.startswith("unknown_epoch"):
                self.book.lost(which, epoch, first, last)
            elif reason.startswith("not_held") and "first" in result:
                self.book.lost(which, epoch, first, min(last, (result["first"] or last + 1) - 1))
            asked.append((which, first, last, reply))
        return asked

    def report(self) -> dict[str, Any]:
        """The book's report and each box's last state, for a script."""
        whole = self.book.is_whole and not self.refused
        return {
            "verdict": "whole" if whole else "not whole",
            **self.book.report(),
            "pops": self.pops,
            "refused": self.refused,
            "states": {which: box.report() for which, box in sorted(self.boxes.items())},
        }

    # What the connection tells.

    def acked(self, mids: list[int]) -> None:
        """The CRM sends no events."""

    def told(self, answers: list[tuple[int, int]]) -> None:
        """The CRM sends no events."""

    def settled(self, mid: int, code: int) -> None:
        """A command is with the broker."""

    def message(self, message: Message) -> None:
        """Enter it, then acknowledge."""
        _, _, site, box, lane, *rest = message.topic.split("/", 5)
        if lane == "event":
            if self.book.add(message.payload) is not None and self._heard is not None:
                self._heard(message.payload)
        elif lane == "reply" and rest:
            self._answered(message.payload)
        else:
            self.boxes.setdefault(f"{site}/{box}", Box()).hear(lane, message.payload)
        if self._link is not None and self.connected:
            self._link.acknowledge(message)
        else:
            self._owed.append(message)

    def subscribed(self, topic_filter: str, code: int) -> None:
        """A CRM that is not let read sees nothing, and says so."""
        if code >= 0x80 and topic_filter not in self.refused:
            self.refused.append(topic_filter)

    def ended(self, end: End) -> None:
        """The connection is gone."""
        self.connected, self.trouble = False, end.text
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(end)

    def _answered(self, payload: bytes) -> None:
        try:
            reply = msgspec.json.decode(payload, type=Reply)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self.book.faults += 1
            return
        waiting = self._replies.get(reply.id)
        if waiting is not None and not waiting.done() and reply.state in _TERMINAL:
            waiting.set_result(reply)

    async def _listen(self) -> None:
        lease = Lease(tls_context(self._crm), None) if self._endpoint.tls else None
        while True:
            self._ended = asyncio.get_running_loop().create_future()
            self._owed.clear()
            try:
                self._link = link = await Link.open(self._endpoint, self._crm, self._client_id, None, self, lease, receive_max=_RECEIVE_MAX)
            except CallfloorError as fault:
                self.trouble = str(fault)
                await asyncio.sleep(_RETRY_S)
                continue
            for topic_filter in self._filters:
                link.subscribe(topic_filter)
            self.connected, self.trouble = link.is_open, ""
            self.stood.set()
            for message in self._owed:
                link.acknowledge(message)
            self._owed.clear()
            if link.is_open:
                await self._ended
            await asyncio.sleep(_RETRY_S)
