"""The embedded broker of the demo: mosquitto where it is installed, else amqtt, which is pure Python but speaks no MQTT 5.

mosquitto is ten times as fast and tells when nobody listens; amqtt 0.12 knows MQTT 3.1.1 only, so `Broker.protocol` says
what the box must be configured for.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import Final, Literal, Self

from appliance.core.errors import TransientError, UnsupportedError

_PATH: Final = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
_UP_S: Final = 10.0
_LEAVE_S: Final = 2.0
#: Room for what waits for a consumer: a broker that drops what it has acknowledged would look like a loss of ours. Not 0
#: (no limit): mosquitto 2.0.11 then drops the connection of whoever publishes where its access rules forbid it.
_MOSQUITTO: Final = """listener {port} {host}
allow_anonymous true
persistence false
max_queued_messages 1000000
set_tcp_nodelay true
log_dest none
"""
_AMQTT: Final = """
import asyncio, logging
logging.disable(logging.CRITICAL)
from amqtt.broker import Broker
async def main():
    listener = {{"type": "tcp", "bind": "{host}:{port}"}}
    plugins = {{"amqtt.plugins.authentication.AnonymousAuthPlugin": {{"allow_anonymous": True}}}}
    await Broker({{"listeners": {{"default": listener}}, "plugins": plugins}}).start()
    await asyncio.Event().wait()
asyncio.run(main())
"""


class Broker:
    """A broker in a process of its own, on loopback. Use as an async context manager."""

    def __init__(self, port: int = 0, host: str = "127.0.0.1", kind: Literal["mosquitto", "amqtt"] | None = None) -> None:
        """`port` 0: a free one. `kind` None: the best that is here. Raises UnsupportedError when there is none."""
        program = shutil.which("mosquitto", path=_PATH)
        self.kind = kind or ("mosquitto" if program else "amqtt")
        if self.kind == "mosquitto" and program is None:
            raise UnsupportedError("there is no mosquitto on this machine; install the package mosquitto")
        if self.kind == "amqtt" and not _has_amqtt():
            raise UnsupportedError("there is no MQTT broker here; install the package mosquitto, or: pip install amqtt")
        self._program = program
        self.host, self.port = host, port or _free_port(host)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """What `[crm] url` must say."""
        return f"mqtt://{self.host}:{self.port}"

    @property
    def protocol(self) -> Literal["5", "3.1.1"]:
        """What `[crm] protocol` must say."""
        return "5" if self.kind == "mosquitto" else "3.1.1"

    @property
    def is_up(self) -> bool:
        """Does it run?"""
        return self._process is not None and self._process.returncode is None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start, and return when it listens. Raises TransientError when it does not, with the reason as far as it is known."""
        if self.is_up:
            return
        if not _is_free(self.host, self.port):
            raise TransientError(f"port {self.port} is taken by something else; choose another, or stop the broker that runs there")
        self._process = await asyncio.create_subprocess_exec(
            *self._command(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C in the terminal is meant for us, and must not take the broker away first
        )
        try:
            async with asyncio.timeout(_UP_S):
                while not await self._listens():
                    if self._process.returncode is not None:
                        raise TransientError(f"{self.kind} ended at once with {self._process.returncode}; is port {self.port} free?")
                    await asyncio.sleep(0.02)
        except TimeoutError as fault:
            await self.stop()
            raise TransientError(f"{self.kind} does not listen on port {self.port} after {_UP_S:.0f} s") from fault

    async def cut(self) -> None:
        """Kill it, as a power cut does: no goodbye, nothing saved."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def restore(self) -> None:
        """Start again on the same port; it has forgotten sessions and retained messages."""
        await self.start()

    async def stop(self) -> None:
        """End it in order and remove its files."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), _LEAVE_S)
            except TimeoutError:
                process.kill()
                await process.wait()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _command(self) -> tuple[str, ...]:
        if self.kind == "amqtt" or self._program is None:
            return (sys.executable, "-c", _AMQTT.format(host=self.host, port=self.port))
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="callfloor-broker-")
        config = Path(self._folder.name) / "mosquitto.conf"
        config.write_text(_MOSQUITTO.format(host=self.host, port=self.port))
        return (self._program, "-c", str(config))

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(self.host, self.port)
        except OSError:
            return False
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return True


def _has_amqtt() -> bool:
    from importlib.util import find_spec  # noqa: PLC0415

    return find_spec("amqtt") is not None


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
