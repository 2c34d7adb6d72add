"""Decides what a session with Asterisk's manager looks like on the wire: connect, banner, login, actions.

Raises TransientError for what goes away by itself and DeniedError for a refused login; a session never reconnects.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Final

from appliance.core.config import PbxConfig
from appliance.core.errors import DeniedError, TransientError
from appliance.core.pbx_kind import port_of
from gateway.asterisk.ami import Message, Parser
from gateway.pbx.dialect import Tap
from gateway.pbx.stream import Stream, open_stream

#: How long the banner and each answer of the login may take.
ANSWER_S: Final = 10.0
BANNER_S: Final = 5.0
_SECRETS: Final = frozenset(("secret", "key"))


def action_bytes(name: str, action_id: str, **fields: str | list[str]) -> bytes:
    r"""One action as bytes; line ends in values are dropped, so that no value can smuggle in a header. A list is a header that repeats.

    >>> action_bytes("Ping", "cf-1")
    b'Action: Ping\r\nActionID: cf-1\r\n\r\n'
    """
    rows: dict[str, str | list[str]] = {"Action": name, "ActionID": action_id, **fields}
    pairs = [(key, each) for key, value in rows.items() for each in ([value] if isinstance(value, str) else value)]
    lines = [f"{key}: {value}".replace("\r", "").replace("\n", "") for key, value in pairs]
    return "\r\n".join([*lines, "", ""]).encode()


def without_secrets(data: bytes) -> bytes:
    r"""What was sent, with the values of Secret and Key replaced: a capture never holds a password.

    >>> without_secrets(b"Action: Login\r\nSecret: abc\r\n\r\n")
    b'Action: Login\r\nSecret: ***\r\n\r\n'
    """
    lines = data.split(b"\r\n")
    for at, line in enumerate(lines):
        key, colon, _ = line.partition(b":")
        if colon and key.strip().lower().decode("latin-1") in _SECRETS:
            lines[at] = key + b": ***"
    return b"\r\n".join(lines)


class Wire:
    """One TCP or TLS session. Made by `open_wire`; `early` is what has been parsed and not yet taken."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._serial = 0
        self.parser = Parser()
        self.banner: str | None = None
        self.early: list[Message] = []

    @property
    def damaged(self) -> int:
        """Pieces that were no messages."""
        return self.parser.damage.total

    async def read(self) -> list[Message]:
        """The messages of the next chunk; waits for bytes. Raises TransientError when the peer has closed."""
        return self.parser.feed(await self._stream.read())

    async def read_within(self, wait_s: float) -> list[Message]:
        """`read`, for `wait_s` at most; nothing then, and sometimes before."""
        data = await self._stream.read_within(wait_s)
        return self.parser.feed(data) if data else []

    def order(self, ask: tuple[str, dict[str, str | list[str]]]) -> str:
        """Send what a job asks; the ActionID of its answer."""
        name, fields = ask
        return self.send(name, **fields)

    def send(self, request: str, **fields: str | list[str]) -> str:
        """Send an action and return its ActionID; answers come with the messages."""
        self._serial += 1
        action_id = f"callfloor-{self._serial}"
        data = action_bytes(request, action_id, **fields)
        self._stream.write(data, told=without_secrets(data))
        return action_id

    def ping(self) -> None:
        """Make it answer."""
        self.send("Ping")

    async def login(self, config: PbxConfig, secret: str) -> None:
        """Log in by MD5 challenge or plain. What came meanwhile waits in `early`.

        Raises DeniedError when refused, TransientError when no answer comes.
        """
        await self._await_banner()
        challenge = ""
        if config.auth != "plain":
            answer = await self._answer(self.send("Challenge", AuthType="MD5"))
            challenge = answer.get("Challenge")
            if not challenge and config.auth == "md5":
                text = f'the PBX gives no MD5 challenge ({answer.get("Message")}); set auth = "plain" with tls = true'
                raise DeniedError(text)
        if challenge:
            key = hashlib.md5((challenge + secret).encode(), usedforsecurity=False).hexdigest()
            action_id = self.send("Login", AuthType="MD5", Username=config.username, Key=key)
        else:
            action_id = self.send("Login", Username=config.username, Secret=secret)
        answer = await self._answer(action_id)
        if answer.name != "Success":
            told = answer.get("Message").strip() or answer.name
            text = (
                f"the PBX at {config.host}:{port_of(config)} refused the login of {config.username!r}: {told}; "
                f"check username, secret_file and the permit lines of that user in manager.conf"
            )
            raise DeniedError(text)

    async def _await_banner(self) -> None:
        try:
            async with asyncio.timeout(BANNER_S):
                while self.banner is None:
                    for message in await self.read():
                        if message.type == "banner":
                            self.banner = message.name
                        else:
                            self.early.append(message)
        except TimeoutError:
            self.banner = ""

    async def _answer(self, action_id: str) -> Message:
        try:
            async with asyncio.timeout(ANSWER_S):
                while True:
                    found = None
                    for message in await self.read():
                        if message.type == "response" and message.get("ActionID") == action_id:
                            found = message
                        else:
                            self.early.append(message)
                    if found is not None:
                        return found
        except TimeoutError as fault:
            text = f"no answer to the login within {ANSWER_S:.0f} s (is that port really a manager port?)"
            raise TransientError(text) from fault

    def close(self) -> None:
        """Close at once, whatever is still unsent."""
        self._stream.close()

    async def logoff(self) -> None:
        """Say good-bye and close; never waits long."""
        await self._stream.leave(lambda: self.send("Logoff"))


async def open_wire(config: PbxConfig, tap: Tap | None = None) -> Wire:
    """Connect. Raises TransientError when the PBX cannot be reached, MisconfiguredError for an unusable ca_file."""
    what, tls = "Asterisk runs and its manager is enabled there", "tlsenable in manager.conf"
    return Wire(await open_stream(config, port_of(config), what=what, tls=tls, tap=tap))
