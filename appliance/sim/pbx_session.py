"""One client of the simulated manager port: login, rights, what it is told, and how one that stops reading is dropped."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
import socket
import struct
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from appliance.sim.pbx_text import BANNER, error, event, fields, response, success

ALL: Final = frozenset(
    "system call log verbose command agent user config dtmf reporting cdr dialplan originate message security".split()  # noqa: SIM905
)
LEAN: Final = frozenset({"system", "call", "agent", "user", "reporting", "cdr", "dtmf"})
_LINE_MAX: Final = 1023
_BACKLOG_MAX: Final = 32 * 1024 * 1024

Request = dict[str, str]


class User(Struct, frozen=True, kw_only=True):
    """A manager user as in manager.conf."""

    name: str = "callfloor"
    secret: str = "callfloor"  # noqa: S105  the sim guards nothing
    read: frozenset[str] = LEAN
    write: frozenset[str] = ALL


def read_only(user: User) -> User:
    """The same user without any write class: queues can be listed, channels and the core cannot."""
    return User(name=user.name, secret=user.secret, read=user.read, write=frozenset())


class Session:
    """A connection. `answer` handles what a logged-in user asks and returns the bytes of the answer."""

    #: What a newcomer is told first.
    greeting = BANNER

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        users: dict[str, User],
        answer: Callable[[Session, Request], bytes],
        booted: Callable[[], str],
        *,
        auth_timeout_s: float,
        write_timeout_s: float,
    ) -> None:
        self._reader, self._writer, self._users, self._answer, self._booted = reader, writer, users, answer, booted
        self._auth_timeout_s, self._write_timeout_s = auth_timeout_s, write_timeout_s
        self._challenge: str | None = None
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._wake = asyncio.Event()
        self._running = asyncio.Event()
        self._running.set()
        self._sent = asyncio.Event()
        self.user: User | None = None
        self.mask: frozenset[str] = frozenset()
        self.closing = False
        self.dropped_slow = False
        writer.transport.set_write_buffer_limits(high=256 * 1024)

    def tell(self, privilege: str, block: bytes) -> None:
        """An event: goes to whoever is logged in and reads its class."""
        if self.user is not None and privilege in self.mask:
            self.send(block)

    def send(self, data: bytes) -> None:
        """Queue bytes; a backlog beyond bounds drops the client."""
        if self.closing:
            return
        self._pending.append(data)
        self._pending_bytes += len(data)
        if self._pending_bytes > _BACKLOG_MAX:
            self.dropped_slow = True
            self.abort()
        self._sent.clear()
        self._wake.set()

    @property
    def backlog_bytes(self) -> int:
        return self._pending_bytes + (0 if self.closing else self._writer.transport.get_write_buffer_size())

    def freeze(self, on: bool) -> None:
        """While frozen nothing is sent and nothing read, and the socket stays: a cable pulled somewhere on the way."""
        if on:
            self._running.clear()
        else:
            self._running.set()

    async def run(self) -> None:
        """Serve until the client or the PBX ends it."""
        self.send(self.greeting)
        writing = asyncio.create_task(self._write())
        try:
            await self._serve()
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError):
            pass
        finally:
            if not self.closing:
                self._running.set()
                await asyncio.wait([asyncio.create_task(self._drained())], timeout=1.0)
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            self.abort()

    async def _drained(self) -> None:
        await self._sent.wait()
        if not self.closing:
            self._writer.close()
            with contextlib.suppress(ConnectionError):
                await self._writer.wait_closed()

    async def _write(self) -> None:
        """Write what is pending. A client that takes nothing for the write time-out loses its connection, as with Asterisk."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self._running.wait()
                if self._pending:
                    data = b"".join(self._pending)
                    self._pending.clear()
                    self._pending_bytes = 0
                    self._writer.write(data)
                    async with asyncio.timeout(self._write_timeout_s):
                        await self._writer.drain()
                if not self._pending:
                    self._sent.set()
        except TimeoutError:
            self.dropped_slow = True
            self.abort()
        except ConnectionError:
            self.abort()

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._auth_timeout_s
        request: Request = {}
        too_long = False
        while not self.closing:
            async with asyncio.timeout_at(deadline if self.user is None else None):
                try:
                    line = await self._reader.readline()
                except ValueError:
                    too_long = True
                    continue
            await self._running.wait()
            if not line.endswith(b"\n"):
                return
            if len(line) > _LINE_MAX:
                too_long = True
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            if text:
                key, colon, value = text.partition(":")
                if colon:
                    key, value = key.strip().lower(), value.strip()
                    if key == "variable" and key in request:  # the one header that may come again
                        request[key] += f",{value}"
                    request.setdefault(key, value)
                elif not too_long:
                    request.setdefault("", text)
                continue
            if too_long:
                self.send(error(None, "Failed to parse message: line too long"))
            elif request and not await self._handle(request):
                return
            request, too_long = {}, False

    async def _handle(self, request: Request) -> bool:
        """One action; False ends the session."""
        action, action_id = request.get("action", "").lower(), request.get("actionid")
        if not action:
            self.send(error(action_id, "Missing action in request"))
        elif action == "challenge":
            self._challenge = str(random.SystemRandom().randrange(10**8, 10**9))
            self.send(response("Success", action_id, fields(Challenge=self._challenge)))
        elif action == "login":
            return await self._login(request, action_id)
        elif self.user is None:
            self.send(error(action_id, "Permission denied"))
        elif action == "logoff":
            self.send(response("Goodbye", action_id, fields(Message="Thanks for all the fish.")))
            return False
        else:
            self.send(self._answer(self, request))
        return True

    async def _login(self, request: Request, action_id: str | None) -> bool:
        user = self._users.get(request.get("username", ""))
        if user is None or not self._proves(user, request):
            self.send(error(action_id, "Authentication failed"))
            await asyncio.sleep(1.0)
            return False
        self.user = user
        self.send(success(action_id, "Authentication accepted"))
        if request.get("events", "on").lower() != "off":
            self.mask = user.read
            if "system" in self.mask:
                self.send(event("FullyBooted", "system", "", self._booted()))
        return True

    def _proves(self, user: User, request: Request) -> bool:
        if request.get("authtype", "").lower() == "md5":
            expected = hashlib.md5(f"{self._challenge}{user.secret}".encode(), usedforsecurity=False).hexdigest()
            return self._challenge is not None and request.get("key", "").lower() == expected
        return request.get("secret") == user.secret

    def events(self, mask: str) -> str:
        """The Events action: sets what is told; returns On or Off."""
        assert self.user is not None
        words = {word.strip().lower() for word in mask.split(",")}
        if words & {"on", "all", "true"}:
            self.mask = self.user.read
        elif words & {"off", "none", "false", ""}:
            self.mask = frozenset()
        else:
            self.mask = self.user.read & words
        return "On" if self.mask else "Off"

    async def finish(self) -> None:
        """End in order: what is pending is sent, then FIN."""
        self._running.set()
        await asyncio.wait([asyncio.create_task(self._drained())], timeout=1.0)
        self.abort()

    def abort(self, *, reset: bool = False) -> None:
        """End at once; with `reset` by RST."""
        if self.closing:
            return
        self.closing = True
        if reset:
            sock = self._writer.transport.get_extra_info("socket")
            if sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._running.set()
        self._wake.set()
        self._sent.set()
        self._writer.transport.abort()
