"""A bad line between a PBX and the box: a TCP proxy that chops, cuts and soils what the PBX says. What the box says passes."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from collections import Counter
from typing import Final

#: Whole pieces of rubbish: each may stand between two messages without harm to either.
RUBBISH: Final[dict[str, bytes]] = {
    "binary": bytes(range(14, 256)) * 8 + b"\r\n\r\n",
    "megabyte": b"Event: VarSet\r\nPrivilege: dialplan,all\r\nVariable: X\r\nValue: " + b"x" * 1_100_000 + b"\r\n\r\n",
    "megabyte without an end": b"y" * 1_300_000 + b"\r\n\r\n",
    "torn": b"Event: QueueCallerJoin\r\nPrivilege: agent,all\r\nChannel: PJSIP/x-1\r\n",
    "torn join of nobody": b"Event: QueueCallerJoin\r\nPrivilege: agent,all\r\nQueue: ventas\r\n\r\n",
    "interleaved": b"Event: Newchannel\r\nEvent: QueueCallerAbandon\r\nUniqueid: 1.1\r\nChannel: PJSIP/a-1\r\nQueue: ventas\r\nUniqueid: 2.2\r\n\r\n",
    "foreign end": b"Event: QueueCallerAbandon\r\nPrivilege: agent,all\r\nQueue: ventas\r\nUniqueid: 9999999999.1\r\nPosition: x\r\nHoldTime: -1\r\n\r\n",
    "wrong text": b"Event: AgentConnect\r\nQueue: \xff\xfe\r\nUniqueid: \xc3\x28\r\nRingTime: many\r\nHoldTime: \x00\r\n\r\n",
    "stray answer": b"Response: Error\r\nActionID: nobody-1\r\nMessage: Permission denied\r\n\r\n",
    "empty": b"\r\n\r\n\r\n\r\n: \r\n : :\r\n\r\n",
}


class Mangler(threading.Thread):
    """Listens on `port`. Set `chops` and `soils` at will; `cut()` ends the connection in the middle of a message."""

    def __init__(self, pbx_port: int, seed: int = 1) -> None:
        super().__init__(daemon=True)
        self._pbx_port, self._chance = pbx_port, random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.chops = self.soils = False
        self._cut = threading.Event()
        self.connections = 0
        self.said: Counter[str] = Counter()

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                box, _ = self._listener.accept()
                self.connections += 1
                with contextlib.suppress(OSError):
                    pbx = socket.create_connection(("127.0.0.1", self._pbx_port))
                    threading.Thread(target=self._pass, args=(box, pbx), daemon=True).start()
                    threading.Thread(target=self._soil, args=(pbx, box), daemon=True).start()
                    continue
                box.close()

    def cut(self) -> None:
        """End the connection after half of the next message."""
        self._cut.set()

    def close(self) -> None:
        self._listener.close()

    @staticmethod
    def _pass(from_: socket.socket, to: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := from_.recv(65536):
                to.sendall(data)
        with contextlib.suppress(OSError):
            to.shutdown(socket.SHUT_RDWR)

    def _soil(self, pbx: socket.socket, box: socket.socket) -> None:
        box.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        tail = b""
        with contextlib.suppress(OSError), pbx, box:
            while data := pbx.recv(65536):
                *blocks, tail = (tail + data).split(b"\r\n\r\n")
                if tail.startswith(b"Asterisk Call Manager"):
                    box.sendall(tail)  # the banner has no blank line after it
                    tail = b""
                for block in blocks:
                    if self._cut.is_set():
                        self._cut.clear()
                        box.sendall(block[: len(block) // 2])
                        box.shutdown(socket.SHUT_RDWR)  # a close alone says nothing while the other thread reads
                        pbx.shutdown(socket.SHUT_RDWR)
                        return
                    self._send(box, block + b"\r\n\r\n")
                    if self.soils and self._chance.random() < 0.3:
                        name = self._chance.choice(list(RUBBISH))
                        self.said[name] += 1
                        self._send(box, RUBBISH[name])

    def _send(self, box: socket.socket, data: bytes) -> None:
        if not self.chops or len(data) > 100_000:
            box.sendall(data)
            return
        at = 0
        while at < len(data):
            size = self._chance.choice((1, 2, 3, 5, 17, 200))
            box.sendall(data[at : at + size])
            at += size
