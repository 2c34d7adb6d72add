"""Decides what a session with Asterisk's manager looks like on the wire: connect, banner, login, actions.

Raises TransientError for what goes away by itself and DeniedError for a refused login; a session never reconnects.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import Callable
from typing import Final

from appliance.core.config import PbxConfig
from appliance.core.errors import DeniedError, MisconfiguredError, TransientError
from gateway.pbx.ami import Message, Parser

#: How long connecting, the banner and each answer of the login may take.
CONNECT_S: Final = 10.0
ANSWER_S: Final = 10.0
BANNER_S: Final = 5.0
READ_BYTES: Final = 65_536
_SECRETS: Final = frozenset(("secret", "key"))

#: Told of every chunk that came (`in`) and of everything sent with its secrets struck out (`out`).
Tap = Callable[[str, bytes], None]


def action_bytes(name: str, action_id: str, **fields: str) -> bytes:
    r"""One action as bytes; line ends in values are dropped, so that no value can smuggle in a header.

    >>> action_bytes("Ping", "cf-1")
    b'Action: Ping\r\nActionID: cf-1\r\n\r\n'
    """
    rows = {"Action": name, "ActionID": action_id, **fields}
    lines = [f"{key}: {value}".replace("\r", "").replace("\n", "") for key, value in rows.items()]
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


def secret_of(config: PbxConfig) -> str:
    """The manager's secret: the first line of its file. Raises MisconfiguredError when it cannot be read."""
    if config.secret_file is None:
        return ""
    try:
        lines = config.secret_file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        reason = getattr(fault, "strerror", None) or str(fault)
        text = f"{config.secret_file}: cannot be read ({reason}); put the manager user's secret in its first line, readable by callfloor"
        raise MisconfiguredError(text) from fault
    return lines[0].strip() if lines else ""


class Wire:
    """One TCP or TLS session. Made by `open_wire`; `early` is what has been parsed and not yet taken."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tap: Tap | None = None) -> None:
        self._reader, self._writer, self._tap = reader, writer, tap
        self._serial = 0
        self._alarm: asyncio.TimerHandle | None = None
        self._reading: asyncio.Task[object] | None = None
        self._late = False
        self.parser = Parser()
        self.banner: str | None = None
        self.early: list[Message] = []

    async def read(self) -> list[Message]:
        """The messages of the next chunk; waits for bytes. Raises TransientError when the peer has closed."""
        try:
            data = await self._reader.read(READ_BYTES)
        except OSError as fault:
            text = f"the connection broke: {fault.strerror or fault}"
            raise TransientError(text) from fault
        if not data:
            text = "the PBX closed the connection"
            raise TransientError(text)
        if self._tap is not None:
            self._tap("in", data)
        return self.parser.feed(data)

    async def read_within(self, wait_s: float) -> list[Message]:
        """`read`, for `wait_s` at most; nothing then, and sometimes before.

        One alarm serves many reads: it is set anew only when it rang or rings too late, for a timer a read costs as much as the read.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_s
        if self._alarm is None or self._alarm.when() > until:
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm = loop.call_at(until, self._ring)
        self._reading, self._late = asyncio.current_task(), False
        try:
            return await self.read()
        except asyncio.CancelledError:
            if self._late and self._reading is not None and not self._reading.uncancel():
                return []
            raise
        finally:
            self._reading = None

    def _ring(self) -> None:
        self._alarm = None
        if self._reading is not None:
            self._late = True
            self._reading.cancel()

    def send(self, name: str, **fields: str) -> str:
        """Send an action and return its ActionID; answers come with the messages."""
        self._serial += 1
        action_id = f"callfloor-{self._serial}"
        data = action_bytes(name, action_id, **fields)
        if self._tap is not None:
            self._tap("out", without_secrets(data))
        self._writer.write(data)
        return action_id

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
                f"the PBX at {config.host}:{config.port} refused the login of {config.username!r}: {told}; "
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
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._writer.transport.abort()

    async def logoff(self) -> None:
        """Say good-bye and close; never waits long."""
        try:
            self.send("Logoff")
            async with asyncio.timeout(0.5):
                await self._writer.drain()
        except (OSError, TimeoutError):
            pass  # the peer is gone already, which is what was wanted
        finally:
            self.close()


async def open_wire(config: PbxConfig, tap: Tap | None = None) -> Wire:
    """Connect. Raises TransientError when the PBX cannot be reached, MisconfiguredError for an unusable ca_file."""
    where = f"{config.host}:{config.port}"
    context: ssl.SSLContext | None = None
    if config.tls:
        try:
            context = ssl.create_default_context(cafile=config.ca_file)
        except (OSError, ssl.SSLError) as fault:
            text = f"{config.ca_file}: no usable certificate ({fault}); give the CA of the PBX's certificate as PEM"
            raise MisconfiguredError(text) from fault
    try:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(config.host, config.port, ssl=context, limit=4 * READ_BYTES)
    except TimeoutError as fault:
        text = f"{where} does not answer within {CONNECT_S:.0f} s; check host, port and the network"
        raise TransientError(text) from fault
    except ssl.SSLError as fault:
        text = f"{where}: TLS failed: {fault.reason or fault}; check tlsenable in manager.conf, and ca_file"
        raise TransientError(text) from fault
    except OSError as fault:
        text = f"{where} cannot be reached: {fault.strerror or fault}; check that Asterisk runs and its manager is enabled there"
        raise TransientError(text) from fault
    return Wire(reader, writer, tap)
