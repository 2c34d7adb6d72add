"""Decides how a PBX's orders share its session: what is sent when, who hears the answers, and that a lost session leaves them unknown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from appliance.command_crew import Ended
from gateway.pbx.order import Commander, Job, Order, RefusedOrderError

Send = Callable[[Any], str]


class Orders:
    """The orders under way at one PBX. Its link opens it with each session and closes it with the session's end."""

    def __init__(self, commander: Commander | None) -> None:
        self.commander = commander
        self._send: Send | None = None
        self._jobs: dict[Job, tuple[asyncio.Future[Ended], Callable[[], None]]] = {}

    @property
    def is_open(self) -> bool:
        """Whether a session stands."""
        return self._send is not None

    def open(self, send: Send) -> None:
        """A session stands; `send` asks the PBX and tells under which id the answer will come."""
        self._send = send

    def close(self, why: str) -> None:
        """The session is over: of what is under way nobody can say what becomes of it."""
        self._send = None
        for job in list(self._jobs):
            job.end("unknown", f"pbx_lost: {why} before it was known what became of it")
        self._settle()

    async def carry_out(
        self, order: Order, accepted: Callable[[], None], now_ns: int, rings: Callable[[str], None] | None = None
    ) -> Ended:  # fmt: skip
        """Give an order and wait for its end. `accepted` is called once the PBX has taken it, `rings` as `Job.on_rings`."""
        if self._send is None or self.commander is None:
            return Ended("failed", "pbx_down: the PBX is out of sight")
        try:
            job = self.commander.job(order, now_ns)
        except RefusedOrderError as refused:
            return refused.ended
        job.on_rings = rings
        future: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        self._jobs[job] = (future, accepted)
        try:
            self._ask(job)
            self._settle()
            return await future
        finally:
            self._jobs.pop(job, None)

    def heard(self, messages: Sequence[Any], now_ns: int) -> None:
        """What the PBX said, and that time has passed."""
        if not self._jobs:
            return
        for job in list(self._jobs):
            for message in messages:
                if job.ended is None:
                    job.hears(message, now_ns)
            if job.ended is None and job.due_ns is not None and job.due_ns <= now_ns:
                job.due(now_ns)
            self._ask(job)
        self._settle()

    @property
    def next_due_ns(self) -> int | None:
        """When `heard` is to be called though nothing was."""
        return min((job.due_ns for job in self._jobs if job.due_ns is not None), default=None) if self._jobs else None

    def _ask(self, job: Job) -> None:
        if self._send is not None:
            for ask in job.asks():
                job.sent(ask, self._send(ask))

    def _settle(self) -> None:
        for job, (future, accepted) in list(self._jobs.items()):
            if job.accepted or job.ended is not None:
                accepted()
            if job.ended is not None and not future.done():
                future.set_result(job.ended)
