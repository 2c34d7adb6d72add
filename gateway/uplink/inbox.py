"""What becomes of a command that comes in: it is acknowledged to the broker only once the journal holds it.

Every command with a usable id is journalled, also one that is refused at the door, so that a repeat gets the same answer; but for
what would make memory and journal grow without an end.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Struct

from appliance.core.catalogue import CommandFinished, CommandReceived
from appliance.core.command import (
    TIME_LETTERS,
    Reply,
    Request,
    Verdict,
    args_of,
    digest_of,
    id_of_unreadable,
    judge,
    request_from_payload,
    too_late,
)
from appliance.core.command_owner import owned_elsewhere
from appliance.service import Context
from gateway.uplink.effect_directory import VERB as DIRECTORY
from gateway.uplink.effect_directory import DirectoryDesk
from gateway.uplink.effects import OWNED
from gateway.uplink.ledger import MOST, Known, Ledger
from gateway.uplink.link import Message
from gateway.uplink.live import Out
from gateway.uplink.resend import VERB as RESEND
from gateway.uplink.topic import Topics

_log = logging.getLogger(__name__)

#: So many messages without a usable id are journalled and logged within a minute; the rest is only counted and answered.
UNUSABLE_MOST: Final = 20
_MINUTE_S: Final = 60.0
#: Supervision is always audited, also where it was not allowed.
SUPERVISE: Final = "supervise"
#: Correlation data is kept with the command for seven days.
_CORRELATION_BYTES: Final = 1_024


class Inbox:
    """Judges commands from the CRM. `say` puts a reply on the live lane."""

    def __init__(self, context: Context, topics: Topics, ledger: Ledger, say: Callable[[Out], None], directory: DirectoryDesk) -> None:
        self._context, self._topics, self._ledger, self._say = context, topics, ledger, say
        self._directory = directory
        self.unusable = 0
        self._minute_began, self._in_minute = 0.0, 0

    async def take(self, message: Message, *, trusted: bool, age_s: float | None = 0.0) -> None:
        """Handle one message of `cmd/{verb}`; when this returns it may be acknowledged. Raises FullError: it may not.

        `trusted`: the connection is one that commands are taken from. `age_s`: how old it may be at most; None: nobody knows.
        """
        verb = self._topics.verb(message.topic)
        if verb is None:
            return
        try:
            request = request_from_payload(message.payload)
            unread, digest = None, digest_of(verb, request.args)
        except ValueError as fault:
            named = id_of_unreadable(message.payload)
            if named is None:
                await self._unusable(message, str(fault))
                return
            unread = Verdict("refused", f"bad_command: {fault}"[:200])
            request, digest = Request(named), digest_of(verb, {"unread": hashlib.sha256(message.payload).hexdigest()})
        known = self._ledger.get(request.id)
        if known is not None:
            self._repeat(message, known, digest)
            return
        if len(self._ledger) >= MOST:
            if not message.retain:
                reply = Reply(request.id, "refused", f"too_many: {MOST} commands within seven days are remembered already")
                self._answer(reply, message.response_topic, message.correlation)
            return
        verdict = self._at_the_door(message, trusted) or unread or self._judge(verb, request, age_s)
        await self._receive(message, verb, request, digest, verdict)

    def reply(self, known: Known) -> None:
        """Tell the sender how his command ended."""
        correlation = base64.b64decode(known.correlation) if known.correlation else None
        self._answer(known.reply, known.response_topic, correlation)

    async def _receive(self, message: Message, verb: str, request: Request, digest: str, verdict: Verdict) -> None:
        context = self._context
        response = message.response_topic if message.response_topic and self._topics.may_answer(message.response_topic) else None
        kept = message.correlation if len(message.correlation or b"") <= _CORRELATION_BYTES else None
        correlation = base64.b64encode(kept).decode() if kept else None
        args = request.args
        if verb == DIRECTORY and verdict.state == "run":
            try:
                args = await self._directory.take(request)
            except ValueError as fault:
                verdict = Verdict("refused", str(fault))
        received = CommandReceived(
            id=request.id, verb=verb, args=args if verdict.state == "run" else _audited(verb, request.args),
            expires=request.expires[:TIME_LETTERS] if request.expires is not None else None,
            response_topic=response, correlation=correlation, digest=digest,
        )  # fmt: skip
        events: list[Struct] = [received]
        if verdict.state != "run":
            state = "expired" if verdict.state == "expired" else "refused"
            events.append(CommandFinished(id=request.id, state=state, reason=verdict.reason))  # type: ignore[arg-type]
        seq = await context.emit(*events)
        self._ledger.received(received, context.clock.wall_ns(), context.journal.epoch, seq - len(events) + 1)

    @staticmethod
    def _at_the_door(message: Message, trusted: bool) -> Verdict | None:
        if message.retain:
            return Verdict("refused", "retained")
        if not trusted:
            return Verdict("refused", "not_trusted: commands are taken over TLS with a client certificate, or from a broker on loopback")
        if len(message.correlation or b"") > _CORRELATION_BYTES:
            return Verdict("refused", f"bad_correlation: at most {_CORRELATION_BYTES} bytes of correlation data")
        return None

    def _judge(self, verb: str, request: Request, age_s: float | None) -> Verdict:
        context = self._context
        now_ns, quality = context.clock.wall_ns(), context.clock.quality()
        verdict = judge(
            verb,
            request.args,
            request.expires,
            allow=context.config.commands.allow,
            owned=OWNED | {RESEND} | owned_elsewhere(context.config),
            now_ns=now_ns,
            quality=quality,
        )
        if verdict.state != "run":
            return verdict
        return too_late(verb, request.time, now_ns, quality, expires=request.expires, age_s=age_s) or verdict

    def _repeat(self, message: Message, known: Known, digest: str) -> None:
        if message.retain:
            return
        reply = known.reply if known.digest == digest else Reply(known.id, "refused", "id_reused")
        self._answer(reply, message.response_topic, message.correlation)

    async def _unusable(self, message: Message, reason: str) -> None:
        self.unusable += 1
        now_s = asyncio.get_running_loop().time()
        if now_s - self._minute_began > _MINUTE_S:
            self._minute_began, self._in_minute = now_s, 0
        if self._in_minute < UNUSABLE_MOST:
            _log.warning("a command on %s cannot be used: %s", message.topic, reason)
            await self._context.emit(CommandFinished(id="", state="refused", reason=reason[:200]))
            self._in_minute += 1
        if message.response_topic and self._topics.may_answer(message.response_topic):
            self._say(_out(message.response_topic, Reply("", "refused", reason[:200]), message.correlation))

    def _answer(self, reply: Reply, response_topic: str | None, correlation: bytes | None) -> None:
        own = self._topics.reply(reply.id)
        self._say(_out(own, reply, correlation))
        if response_topic and response_topic != own and self._topics.may_answer(response_topic):
            self._say(_out(response_topic, reply, correlation))


def _audited(verb: str, args: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a command refused at the door: nothing, but who wished to supervise whom, where that can be read."""
    if verb != SUPERVISE:
        return {}
    try:
        args_of(verb, args)
    except ValueError:
        return {}
    return args


def _out(topic: str, reply: Reply, correlation: bytes | None) -> Out:
    return Out(topic, msgspec.json.encode(reply), keep=True, correlation=correlation)
