"""A PBX's manager port that says exactly what it is told to, when: 50 floor events a second, each with the moment its bytes left."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections import deque
from types import TracebackType
from typing import Any, Self

from tests.bench.room import child, line_from, stop
from tests.bench.worker import tell

_QUEUES = ("ventas", "soporte", "cobros")
AGENTS = 12
#: When more than so many wait, the first gives up; so every second event is one that ends a visit.
_WAITING = 20


class Manager:
    """The process, seen by the benchmark."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] = child("manager:serve")
        self.port: int = line_from(self._process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        stop(self._process)

    def begin(self, events: int, rate: float) -> None:
        """Send so many floor events at that rate."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{events} {rate}\n")
        self._process.stdin.flush()

    def sent(self) -> list[tuple[str, int, float]]:
        """Wait until all were sent: (joined or abandoned, how many of that kind by then, monotonic seconds)."""
        return [(kind, count, at) for kind, count, at in line_from(self._process)]


def serve() -> None:
    """Child: listen, answer one box, send on command."""
    listener = socket.create_server(("127.0.0.1", 0))
    sessions: list[socket.socket] = []
    tell(listener.getsockname()[1])
    threading.Thread(target=accept, args=(listener, sessions), daemon=True).start()
    callers = _Callers()
    for line in sys.stdin:
        count, rate = line.split()
        tell(callers.send(sessions, int(count), float(rate)))


class _Callers:
    """Callers who join one of three queues, wait, and hang up."""

    def __init__(self) -> None:
        self._begun = self._ended = 0
        self._waiting: deque[int] = deque()

    def send(self, sessions: list[socket.socket], count: int, rate: float) -> list[tuple[str, int, float]]:
        out, due = [], time.monotonic()
        for _ in range(count):
            time.sleep(max(0.0, due - time.monotonic()))
            due += 1 / rate
            if len(self._waiting) > _WAITING:
                data, told = self._abandon()
            else:
                data, told = self._join()
            at = time.monotonic()
            for session in list(sessions):
                try:
                    session.sendall(data)
                except OSError:  # that box is gone
                    sessions.remove(session)
            out.append((*told, at))
        return out

    def _join(self) -> tuple[bytes, tuple[str, int]]:
        number, self._begun = self._begun, self._begun + 1
        self._waiting.append(number)
        return event_bytes("QueueCallerJoin", number, Position=1, Count=len(self._waiting)), ("joined", self._begun)

    def _abandon(self) -> tuple[bytes, tuple[str, int]]:
        number = self._waiting.popleft()
        self._ended += 1
        words = (
            event_bytes("HangupRequest", number),
            event_bytes("QueueCallerAbandon", number, Position=1, OriginalPosition=1, HoldTime=1),
            event_bytes("QueueCallerLeave", number, Position=1, Count=len(self._waiting)),
            event_bytes("Hangup", number, Cause=16),
        )
        return b"".join(words), ("abandoned", self._ended)


def event_bytes(name: str, caller: int, **more: Any) -> bytes:
    uniqueid = f"1772438400.{caller}"
    fields = {
        "Event": name,
        "Privilege": "call,all" if name.startswith("Hangup") else "agent,all",
        "Channel": f"PJSIP/norte-{caller:08x}",
        "ChannelState": 6,
        "ChannelStateDesc": "Up",
        "CallerIDNum": f"0999{caller:06d}",
        "CallerIDName": "Cliente",
        "ConnectedLineNum": "<unknown>",
        "ConnectedLineName": "<unknown>",
        "Language": "es",
        "AccountCode": "",
        "Context": "queue",
        "Exten": "s",
        "Priority": 5,
        "Uniqueid": uniqueid,
        "Linkedid": uniqueid,
        "Queue": _QUEUES[caller % 3],
        **more,
    }
    return "".join(f"{key}: {value}\r\n" for key, value in fields.items()).encode() + b"\r\n"


def accept(listener: socket.socket, sessions: list[socket.socket]) -> None:
    while True:
        session, _ = listener.accept()
        session.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        session.sendall(b"Asterisk Call Manager/11.0.0\r\n")
        threading.Thread(target=_answer, args=(session, sessions), daemon=True).start()


def _answer(session: socket.socket, sessions: list[socket.socket]) -> None:
    data = b""
    while chunk := session.recv(65536):
        data += chunk
        *actions, data = data.split(b"\r\n\r\n")
        for action in actions:
            fields = dict(line.split(": ", 1) for line in action.decode().split("\r\n"))
            session.sendall(_answer_to(fields["Action"], fields.get("ActionID", "")))
            if fields["Action"] == "DeviceStateList":
                sessions.append(session)


def _answer_to(action: str, number: str) -> bytes:
    mark = f"ActionID: {number}\r\n"
    if action == "Login":
        return f"Response: Success\r\n{mark}Message: Authentication accepted\r\n\r\nEvent: FullyBooted\r\nUptime: 100\r\nStatus: Fully Booted\r\n\r\n".encode()
    rows = f"Response: Success\r\n{mark}"
    if action == "CoreStatus":
        rows += "CoreStartupDate: 2026-03-02\r\nCoreStartupTime: 07:00:00\r\n"
    elif action == "CoreSettings":
        rows += "AMIversion: 11.0.0\r\nAsteriskVersion: 22.10.1\r\n"
    rows += "\r\n"
    if action == "QueueStatus":
        for queue in _QUEUES:
            rows += f"Event: QueueParams\r\nQueue: {queue}\r\nMax: 0\r\nStrategy: rrmemory\r\nCalls: 0\r\nHoldtime: 0\r\nTalkTime: 0\r\nCompleted: 0\r\nAbandoned: 0\r\nServiceLevel: 15\r\nWeight: 0\r\n{mark}\r\n"
            for agent in range(AGENTS):
                rows += (
                    f"Event: QueueMember\r\nQueue: {queue}\r\nName: Agente {agent}\r\nLocation: PJSIP/{100 + agent}\r\nStateInterface: PJSIP/{100 + agent}\r\n"
                    f"Membership: static\r\nPenalty: 0\r\nCallsTaken: 0\r\nLastCall: 0\r\nInCall: 0\r\nStatus: 1\r\nPaused: 0\r\nPausedReason: \r\nWrapuptime: 0\r\n{mark}\r\n"
                )
    lists = {"QueueStatus", "QueueSummary", "CoreShowChannels", "DeviceStateList"}
    if action in lists:
        rows += f"Event: {action}Complete\r\n{mark}EventList: Complete\r\nListItems: 0\r\n\r\n"
    return rows.encode()
