"""Decides what becomes of a command that comes by OPC UA: the same allow-list, ids, expiry and audit as for one that comes by MQTT.

It is journalled before anybody is told of it, with who gave it, and runs at most once: its owner reads it in the journal as he reads the
CRM's. An id is remembered for seven days; a repeat gets the first reply again.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from appliance.core.catalogue import CommandFinished, CommandReceived
from appliance.core.clock import NS, rfc3339
from appliance.core.command import Reply, digest_of, is_id, judge
from appliance.core.command_owner import UPLINK, owned_elsewhere
from appliance.service import Context
from gateway.uplink.ledger import MOST, Ledger

#: How long a caller waits for the end of his command; then he is told that it was accepted.
WAIT_S: Final = 10.0
#: So many wait at once.
WAITING_MOST: Final = 200


class Desk:
    """Takes commands. `ledger` is brought up to date by whoever follows the journal (`gateway.opcua.follower`)."""

    def __init__(self, context: Context, ledger: Ledger, wait_s: float = WAIT_S) -> None:
        self._context, self._ledger, self._wait_s = context, ledger, wait_s
        self._ends: dict[str, list[asyncio.Future[None]]] = {}
        self._one = asyncio.Lock()
        #: Set once every earlier command is known: none is taken before.
        self.ready = asyncio.Event()

    async def take(self, verb: str, args: dict[str, Any], *, name: str | None, expires_s: float | None, who: str) -> Reply:
        """Journal the command, wait for its end. `name`: its id, made where there is none. Raises FullError: nothing was recorded."""
        command = name or f"opcua-{os.urandom(6).hex()}"
        if not is_id(command):
            return Reply(command[:64], "refused", "no usable id: it must be of the characters a-z 0-9 . _ -, 64 at most")
        await self.ready.wait()
        digest = digest_of(verb, args)
        async with self._one:  # the same id may come twice at once
            known = self._ledger.get(command)
            if known is not None and known.digest != digest:
                return Reply(command, "refused", "id_reused")
            if known is None:
                if len(self._ledger) >= MOST:
                    return Reply(command, "refused", f"too_many: {MOST} commands within seven days are remembered already")
                await self._receive(command, verb, args, expires_s, digest, who)
        return await self._end(command)

    def finished(self, command: str) -> None:
        """A command has its end in the ledger: whoever waits for it is told."""
        for waiting in self._ends.pop(command, ()):
            if not waiting.done():
                waiting.set_result(None)

    async def _receive(self, command: str, verb: str, args: dict[str, Any], expires_s: float | None, digest: str, who: str) -> None:
        context = self._context
        now_ns = context.clock.wall_ns()
        expires = rfc3339(now_ns + round(expires_s * NS)) if expires_s else None
        verdict = judge(
            verb,
            args,
            expires,
            allow=context.config.commands.allow,
            owned=UPLINK | owned_elsewhere(context.config),
            now_ns=now_ns,
            quality=context.clock.quality(),
        )
        runs = verdict.state == "run"
        received = CommandReceived(
            id=command, verb=verb, args=args if runs else {}, expires=expires, by="local", digest=digest, who=who
        )  # fmt: skip
        events: list[Struct] = [received]
        if not runs:
            state = "expired" if verdict.state == "expired" else "refused"
            events.append(CommandFinished(id=command, state=state, reason=verdict.reason))  # type: ignore[arg-type]
        seq = await context.emit(*events)
        self._ledger.received(received, now_ns, context.journal.epoch, seq - len(events) + 1)

    async def _end(self, command: str) -> Reply:
        known = self._ledger.get(command)
        if known is not None and known.state is None and sum(map(len, self._ends.values())) < WAITING_MOST:
            waiting = asyncio.get_running_loop().create_future()
            self._ends.setdefault(command, []).append(waiting)
            await asyncio.wait((waiting,), timeout=self._wait_s)
            if not waiting.done():
                self._forget(command, waiting)
            known = self._ledger.get(command)
        reply = known.reply if known is not None else Reply(command, "unknown", "it is not remembered any more")
        if reply.state != "accepted":
            return reply
        return replace(reply, reason=f"it has no end yet, {self._wait_s:g} s after it was recorded; the same id asks for it again")

    def _forget(self, command: str, waiting: asyncio.Future[None]) -> None:
        rest = [each for each in self._ends.get(command, ()) if each is not waiting]
        if rest:
            self._ends[command] = rest
        else:
            self._ends.pop(command, None)
