"""One client of the simulated event socket: password, subscription, api and bgapi."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from appliance.sim.freeswitch_text import GREETING, answer, farewell, reply
from appliance.sim.pbx_session import Session, User

Job = Callable[["EslSession", str, str], None]
_COMMAND_MAX: Final = 64 * 1024


class EslSession(Session):
    """A connection. `ask(command)` gives an answer; `job(session, id, command)` has it told as an event."""

    greeting = GREETING

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, password: str, ask: Callable[[str], str], job: Job, *,
        write_timeout_s: float,
    ) -> None:  # fmt: skip
        super().__init__(reader, writer, {}, lambda session, request: b"", lambda: "", auth_timeout_s=30.0, write_timeout_s=write_timeout_s)
        self._password, self._ask, self._job = password, ask, job
        self._commands: asyncio.StreamReader = reader

    async def _serve(self) -> None:
        while not self.closing:
            try:
                block = await self._commands.readuntil(b"\n\n")
            except (asyncio.LimitOverrunError, asyncio.IncompleteReadError):
                return
            await self._running.wait()
            first, *rest = block.decode("utf-8", "replace").replace("\r", "").strip("\n").split("\n")
            headers = dict(line.partition(": ")[::2] for line in rest)
            if not self._obey(first.strip(), headers):
                return

    def _obey(self, command: str, headers: dict[str, str]) -> bool:
        """One command; False ends the session."""
        word, _, rest = command.partition(" ")
        if word == "exit":
            self.send(reply("+OK bye") + farewell())
            return False
        if word in ("auth", "userauth"):
            if rest.rpartition(":")[2] != self._password:
                self.send(reply("-ERR invalid") + farewell())
                return False
            self.user = User(name=word)
            self.send(reply("+OK accepted"))
        elif self.user is None:
            self.send(reply("-ERR command not found"))
        elif word == "event":
            self.mask |= frozenset(rest.split()[1:])
            self.send(reply("+OK event listener enabled plain"))
        elif word == "api":
            self.send(answer(self._ask(rest)))
        elif word == "bgapi":
            job = headers.get("Job-UUID", "7f4db78a-17d7-11dd-b7a0-db4edd065621")
            self.send(reply(f"+OK Job-UUID: {job}", Job_UUID=job))
            self._job(self, job, rest)
        else:
            self.send(reply("-ERR command not found"))
        return True

    async def reject(self, told: bytes) -> None:
        """Turn a newcomer away."""
        self._writer.write(told)
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()
            self._writer.close()
            await self._writer.wait_closed()
