"""A lamp's buzzer and a headset that somebody plays at unix sockets, for the box under the storm: when each began to sound."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from pathlib import Path

from appliance.sim.headset_layout import JABRA_LIKE

#: Ring lamp and ringer, in the report that a host writes to `JABRA_LIKE`.
_RINGS = 4 | 32


class Buzzer:
    """The pins of a stack light at a socket: each time the buzzer was switched on (monotonic seconds)."""

    def __init__(self, path: Path) -> None:
        self.path, self.sounded = path, list[float]()

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
            door.bind(str(self.path))
            door.listen()
            door.setblocking(False)
            async with asyncio.TaskGroup() as guests:
                while True:
                    guest, _ = await loop.sock_accept(door)
                    guests.create_task(self._hear(guest))

    async def _hear(self, guest: socket.socket) -> None:
        loop, was_on = asyncio.get_running_loop(), False
        with guest, contextlib.suppress(OSError):
            (pin,) = json.loads(await loop.sock_recv(guest, 4096))["outputs"]
            while message := await loop.sock_recv(guest, 4096):
                if message[0] == pin:
                    if message[1] and not was_on:
                        self.sounded.append(time.monotonic())
                    was_on = bool(message[1])


class Headset:
    """A headset at a socket: each time it began to ring."""

    def __init__(self, path: Path) -> None:
        self.path, self.sounded = path, list[float]()

    async def serve(self) -> None:
        server = await asyncio.start_unix_server(self._hear, self.path)
        async with server:
            await server.serve_forever()

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = {"vid": "1209", "pid": "0001", "product": "Desk", "serial": None, "descriptor": JABRA_LIKE.hex()}
        rings = False
        with contextlib.closing(writer), contextlib.suppress(OSError, asyncio.IncompleteReadError):
            writer.write(json.dumps(said).encode() + b"\n")
            while True:
                report = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
                now = len(report) > 1 and bool(report[1] & _RINGS)
                if now and not rings:
                    self.sounded.append(time.monotonic())
                rings = now
