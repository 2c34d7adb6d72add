"""Decides what a session with FreeSWITCH's event socket looks like on the wire: connect, password, subscription, questions.

Questions are asked in the background: their answers come among the events, in order with them, and are known by their Job-UUID.
Raises TransientError for what goes away by itself and DeniedError for a refused login; a session never reconnects.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Iterator
from typing import Final

from appliance.core.config import PbxConfig
from appliance.core.errors import DeniedError, TransientError
from appliance.core.pbx_kind import port_of
from gateway.freeswitch.esl import Message, MessageType, Parser
from gateway.pbx.dialect import Tap
from gateway.pbx.ivr_word import events_of
from gateway.pbx.stream import Stream, open_stream

#: How long the greeting and each answer of the login may take.
ANSWER_S: Final = 10.0
#: The events that a floor needs. CUSTOM comes last: what follows it are subclasses.
EVENTS: Final = (
    "BACKGROUND_JOB", "HEARTBEAT", "SHUTDOWN", "CHANNEL_CREATE", "CHANNEL_HANGUP", "CHANNEL_HOLD", "CHANNEL_UNHOLD", "CUSTOM",
    "callcenter::info",
)  # fmt: skip
#: What a ping is answered with.
PONG: Final = "callfloor"
_SECRET: Final = re.compile(rb"^((?:user)?auth )[^\n]*", re.MULTILINE)
_ASKED: Final = re.compile(r"^bgapi ([^\n]+)\nJob-UUID: ([^\n]+)$|^(api (?!echo )[^\n]+)$", re.MULTILINE)


def asked_in(data: bytes) -> Iterator[tuple[str, str]]:
    r"""The questions in what a box sent, each with the id of its answer.

    >>> list(asked_in(b"bgapi version\nJob-UUID: callfloor-1-1\n\n"))
    [('version', 'callfloor-1-1')]
    """
    for found in _ASKED.finditer(data.decode("utf-8", "replace")):
        yield (found[3], "") if found[3] else (found[1], found[2])


class Wire:
    """One TCP or TLS session. Made by `open_wire`; `early` is what has been parsed and not yet taken."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._serial = 0
        #: Other boxes' jobs are seen as well: ids of one session are its own.
        self._session = secrets.token_hex(4)
        self.parser = Parser()
        self.early: list[Message] = []

    @property
    def damaged(self) -> int:
        """Pieces that were no messages."""
        return self.parser.damage

    async def read(self) -> list[Message]:
        """The messages of the next chunk; waits for bytes. Raises TransientError when the peer has closed."""
        return self.parser.feed(await self._stream.read())

    async def read_within(self, wait_s: float) -> list[Message]:
        """`read`, for `wait_s` at most; nothing then, and sometimes before."""
        data = await self._stream.read_within(wait_s)
        return self.parser.feed(data) if data else []

    def send(self, request: str) -> str:
        """Ask in the background; the Job-UUID of the answer. A request that begins with `api` is asked in the foreground, and has none."""
        if request.startswith("api "):
            self._write(_one_line(request))
            return ""
        self._serial += 1
        job = f"callfloor-{self._session}-{self._serial}"
        self._write(f"bgapi {_one_line(request)}\nJob-UUID: {job}")
        return job

    def order(self, ask: str) -> str:
        """Send what a job asks; the Job-UUID of its answer. One that begins with `event` subscribes, and is only replied to."""
        if not ask.startswith("event "):
            return self.send(ask)
        self._serial += 1
        self._write(_one_line(ask))
        return f"callfloor-{self._session}-{self._serial}"

    def _write(self, command: str) -> None:
        data = f"{command}\n\n".encode()
        self._stream.write(data, told=_SECRET.sub(rb"\1***", data))

    def ping(self) -> None:
        """Make it answer."""
        self._write(f"api echo {PONG}")

    async def login(self, config: PbxConfig, secret: str) -> None:
        """Give the password (with `user@domain` as username, that user's) and subscribe. What came meanwhile waits in `early`.

        Raises DeniedError when refused, TransientError when no answer comes.
        """
        where = f"{config.host}:{port_of(config)}"
        greeting = await self._answer("auth", "rejected", "farewell")
        if greeting.type != "auth":
            raise DeniedError(
                f"{where} turned this box away before the login: {greeting.text.strip()}; "
                f"add its address to the list that apply-inbound-acl names in event_socket.conf.xml"
            )
        user = "@" in config.username
        self._write(f"userauth {_one_line(config.username)}:{_one_line(secret)}" if user else f"auth {_one_line(secret)}")
        answer = await self._answer("reply", "rejected", "farewell")
        if not answer.name.startswith("+OK"):
            told = answer.name or answer.text.strip()
            raise DeniedError(
                f"{where} refused the password: {told}; secret_file must hold the password of event_socket.conf.xml"
                + (", or that of the user's own esl-password" if user else "")
            )
        ivr = config.ivr
        own = [name for name in events_of(ivr) if name and " " not in name] if ivr else []
        self._write("event plain " + " ".join([*EVENTS, *map(_one_line, own)]))
        answer = await self._answer("reply", "farewell")
        if not answer.name.startswith("+OK"):
            raise DeniedError(
                f"{where} refused the events ({answer.name}); let {config.username!r} have {', '.join(EVENTS)} in esl-allowed-events"
            )

    async def _answer(self, *types: MessageType) -> Message:
        try:
            async with asyncio.timeout(ANSWER_S):
                while True:
                    found = None
                    for message in await self.read():
                        if found is None and message.type in types:
                            found = message
                        else:
                            self.early.append(message)
                    if found is not None:
                        return found
        except TimeoutError as fault:
            raise TransientError(f"no answer to the login within {ANSWER_S:.0f} s (is that port really an event socket?)") from fault

    def close(self) -> None:
        """Close at once, whatever is still unsent."""
        self._stream.close()

    async def logoff(self) -> None:
        """Say good-bye and close; never waits long."""
        await self._stream.leave(lambda: self._write("exit"))


def _one_line(text: str) -> str:
    """Line ends would end the command, and begin another."""
    return text.replace("\r", "").replace("\n", "")


async def open_wire(config: PbxConfig, tap: Tap | None = None) -> Wire:
    """Connect. Raises TransientError when the PBX cannot be reached, MisconfiguredError for an unusable ca_file."""
    what, tls = "FreeSWITCH runs and its event socket listens beyond loopback there", "the TLS wrapper before the event socket"
    return Wire(await open_stream(config, port_of(config), what=what, tls=tls, tap=tap))
