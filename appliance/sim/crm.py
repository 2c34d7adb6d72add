"""The simulated CRM: a consumer that keeps exact books of what arrives over MQTT, and that can send commands.

It comes back by itself when the broker goes away, as a CRM must.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import Any, Final, Literal, Self

import msgspec

from appliance.core.clock import NS, SystemClock, rfc3339
from appliance.core.command import Reply
from appliance.core.config import Crm
from appliance.core.errors import DeniedError, TransientError
from appliance.sim.crm_book import Book
from gateway.uplink.endpoint import endpoints_from_config
from gateway.uplink.link import End, Message
from gateway.uplink.mqtt import Link

_RETRY_S: Final = 0.2
_RECEIVE_MAX: Final = 1000
_TERMINAL: Final = frozenset({"done", "failed", "expired", "refused", "unknown"})


class SimCrm:
    """One consumer of one broker. Use as an async context manager; it begins to listen at once and keeps trying."""

    def __init__(self, url: str, *, site: str = "+", box: str = "+", protocol: Literal["5", "3.1.1"] = "5", client_id: str = "") -> None:
        self._crm = Crm(url=url, insecure=True, protocol=protocol)
        self._endpoint = endpoints_from_config(self._crm)[0]
        self._client_id = client_id or f"callfloor-crm-{os.urandom(3).hex()}"
        self._filters = [f"callfloor/1/{site}/{box}/{part}" for part in ("event/#", "status", "info", "floor", "pop/+", "reply/+")]
        self.book = Book()
        self.pops = 0
        self.connected = False
        self._link: Link | None = None
        self._ended: asyncio.Future[End] | None = None
        self._replies: dict[str, asyncio.Future[Reply]] = {}
        self._task: asyncio.Task[None] | None = None
        self._clock = SystemClock()

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
        reply = self._replies[command] = asyncio.get_running_loop().create_future()
        try:
            self._link.publish(f"callfloor/1/{site}/{box}/cmd/{verb}", payload)
            return await asyncio.wait_for(reply, timeout_s)
        except TimeoutError as fault:
            raise TransientError(f"{box} did not answer {verb} within {timeout_s:g} s") from fault
        finally:
            del self._replies[command]

    # What the connection tells.

    def acked(self, mids: list[int]) -> None:
        """The CRM sends no events."""

    def told(self, answers: list[tuple[int, int]]) -> None:
        """The CRM sends no events."""

    def settled(self, mid: int, code: int) -> None:
        """A command is with the broker."""

    def message(self, message: Message) -> None:
        """Enter it, then acknowledge. `status`, `info` and `floor` are taken, as a CRM takes them, and not kept."""
        _, _, _, _, lane, *rest = message.topic.split("/", 5)
        if lane == "event":
            self.book.add(message.payload)
        elif lane == "pop":
            self.pops += 1
        elif lane == "reply" and rest:
            self._answered(message.payload)
        if self._link is not None:
            self._link.acknowledge(message)

    def subscribed(self, topic_filter: str, code: int) -> None:
        """A CRM that is not let read sees nothing, and its book says so."""

    def ended(self, end: End) -> None:
        """The connection is gone."""
        self.connected = False
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(end)

    def _answered(self, payload: bytes) -> None:
        reply = msgspec.json.decode(payload, type=Reply)
        waiting = self._replies.get(reply.id)
        if waiting is not None and not waiting.done() and reply.state in _TERMINAL:
            waiting.set_result(reply)

    async def _listen(self) -> None:
        while True:
            self._ended = asyncio.get_running_loop().create_future()
            try:
                self._link = link = await Link.open(self._endpoint, self._crm, self._client_id, None, self, receive_max=_RECEIVE_MAX)
            except (TransientError, DeniedError):
                await asyncio.sleep(_RETRY_S)
                continue
            for topic_filter in self._filters:
                link.subscribe(topic_filter)
            self.connected = link.is_open
            if link.is_open:
                await self._ended
            await asyncio.sleep(_RETRY_S)
