"""Decides how one connection goes: the environment, one question to the desk, one command, its answer; or nothing, and soon.

A PBX waits for its answer without end (res_agi.c, run_agi): whatever goes wrong, the connection is closed when its time is over, and the
dialplan goes on with its own default.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Final, Literal, Protocol, cast

from appliance.core.errors import CorruptError
from gateway.agi.wire import Answer, AnswerFeed, Request, RequestFeed, is_one_command, set_all, set_one

#: How long the PBX may take to take what it was told. Its call is not held by us any more.
_ANSWER_S: Final = 1.0
#: The application was run.
_DONE: Final = "0"

Ask = Callable[[Request], "Future[dict[str, str]]"]
#: How a connection ended: variables were set; there was none to set; and all that lets the dialplan's default stand.
Outcome = Literal["answered", "nothing", "late", "failed", "garbled", "hung_up", "not_allowed", "too_many", "not_taken", "silent"]


class House(Protocol):
    """What a connection needs from the service."""

    answer_s: float

    def enter(self, session: Session, peer: str) -> Outcome | None:
        """A connection came; what it ends with at once, None where it is welcome."""
        ...

    def ask(self, request: Request) -> Future[dict[str, str]] | None:
        """Put a question to the desk; None: too many are waiting there."""
        ...

    def told(self, took_s: float) -> None:
        """The answer went out, so long after the connection came."""
        ...

    def leave(self, session: Session, outcome: Outcome, fault: BaseException | None) -> None:
        """A connection ended so."""
        ...


class Session(asyncio.Protocol):
    """One connection."""

    def __init__(self, house: House, loop: asyncio.AbstractEventLoop) -> None:
        self._house, self._loop = house, loop
        self._request: RequestFeed | None = RequestFeed()
        self._answers = AnswerFeed()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._came_s = 0.0
        self._asked = self._over = False
        self._variables: dict[str, str] = {}
        #: Names that are still to be set one by one, where the PBX does not take them all at once.
        self._left: list[str] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """From now on its time counts."""
        self._transport = cast("asyncio.Transport", transport)
        self._came_s = self._loop.time()
        peer, own = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        # Whoever comes from the address that he came to is this box itself.
        refused = self._house.enter(self, "127.0.0.1" if not peer or not own or peer[0] == own[0] else str(peer[0]))
        if refused is not None:
            self._end(refused)
            return
        end = transport.get_extra_info("socket")
        if end is not None and hasattr(socket, "TCP_QUICKACK"):
            # Asterisk writes the environment line by line: with Nagle's algorithm there, a delayed acknowledgement here costs 40 ms.
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        self._timer = self._loop.call_later(self._house.answer_s, self._end, "late")

    def data_received(self, data: bytes) -> None:
        """The environment, or an answer."""
        if self._over:
            return
        try:
            if self._request is not None:
                request = self._request.feed(data)
                if request is None:
                    return
                data, self._request = self._request.rest, None
                self._ask(request)
            for answer in self._answers.feed(data):
                self._answered(answer)
                if self._over:
                    return
        except CorruptError as fault:
            self._end("garbled", fault)

    def eof_received(self) -> bool:
        """The PBX went away, or will not talk any more."""
        self._end("hung_up")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """However it came."""
        self._end("hung_up")

    def close(self) -> None:
        """The service goes."""
        self._end("failed")

    def _ask(self, request: Request) -> None:
        future = self._house.ask(request)
        if future is None:
            self._end("failed")
            return
        future.add_done_callback(self._found)

    def _found(self, future: Future[dict[str, str]]) -> None:
        """In the desk's thread."""
        if not self._over:
            with suppress(RuntimeError):  # the loop is closed by now: there is nobody to tell
                self._loop.call_soon_threadsafe(self._tell, future)

    def _tell(self, future: Future[dict[str, str]]) -> None:
        if self._over or self._transport is None:
            return
        fault = None if future.cancelled() else future.exception()
        if future.cancelled() or fault is not None:
            self._end("failed", fault)
        elif self._loop.time() - self._came_s > self._house.answer_s:
            self._end("late")  # the loop itself was late, and so was the timer
        elif not (variables := future.result()):
            self._end("nothing")
        else:
            self._variables, self._asked = variables, True
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_later(_ANSWER_S, self._end, "silent")
            if is_one_command(variables):
                self._send(set_all(variables))
            else:
                self._one_by_one()
            self._house.told(self._loop.time() - self._came_s)

    def _answered(self, answer: Answer) -> None:
        if answer.code in (0, 511) or not self._asked:
            self._end("hung_up" if answer.code in (0, 511) else "garbled")
        elif self._left is None and answer.code == 200 and answer.result == _DONE:
            self._end("answered")
        elif self._left is None:
            self._one_by_one()  # no MSet there (Asterisk before 1.6.1, or an application taken out)
        elif answer.code == 200:
            self._next()
        else:
            self._end("not_taken")

    def _one_by_one(self) -> None:
        # The queue comes last, for a dialplan asks for that.
        self._left = sorted(self._variables, key=lambda name: name == "CALLFLOOR_QUEUE", reverse=True)
        self._next()

    def _next(self) -> None:
        if self._left:
            name = self._left.pop()
            self._send(set_one(name, self._variables[name]))
        else:
            self._end("answered")

    def _send(self, command: bytes) -> None:
        assert self._transport is not None
        self._transport.write(command)

    def _end(self, outcome: Outcome, fault: BaseException | None = None) -> None:
        if self._over:
            return
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.close()
        self._house.leave(self, outcome, fault)
