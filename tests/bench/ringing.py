"""A PBX's manager port on which callers join a queue and agents' phones ring, so many a second: each ring with the moment its bytes left.

Seen by the benchmark as `Ringing`; `Pops` is somebody at the broker who sees screen pops as they come.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from types import TracebackType
from typing import Any, Self

from tests.bench.box import Broker
from tests.bench.manager import AGENTS, accept, event_bytes
from tests.bench.room import SkippedError, child, line_from, stop
from tests.bench.worker import tell

#: A caller waits while so many join behind him, then a phone rings for him; it rings while so many others begin to, then he is answered.
_BEHIND = 5
_RINGING = 150


def number_of(caller: int) -> str:
    """The number that the PBX tells of a caller."""
    return f"0999{caller:06d}"


class Ringing:
    """The process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] = child("ringing:serve")
        self.port: int = line_from(self._process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        stop(self._process)

    def begin(self, rings: int, rate: float) -> None:
        """Let so many phones ring at that rate."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{rings} {rate}\n")
        self._process.stdin.flush()

    def sent(self) -> dict[str, float]:
        """Wait until all rang: by the caller's number, the monotonic second at which the ring's bytes left."""
        return {number_of(caller): at for caller, at in line_from(self._process)}


def serve() -> None:
    """Child: listen, answer one box, ring on command."""
    listener = socket.create_server(("127.0.0.1", 0))
    sessions: list[socket.socket] = []
    tell(listener.getsockname()[1])
    threading.Thread(target=accept, args=(listener, sessions), daemon=True).start()
    floor = _Floor()
    for line in sys.stdin:
        count, rate = line.split()
        tell(floor.ring(sessions, int(count), float(rate)))


class _Floor:
    """Callers who join, wait, ring somebody, are answered, and hang up."""

    def __init__(self) -> None:
        self._joined = 0
        self._waiting: deque[int] = deque()
        self._rung: deque[int] = deque()

    def ring(self, sessions: list[socket.socket], count: int, rate: float) -> list[tuple[int, float]]:
        out, due = [], time.monotonic()
        while len(self._waiting) < _BEHIND:
            _say(sessions, self._join())
        for _ in range(count):
            time.sleep(max(0.0, due - time.monotonic()))
            due += 1 / rate
            _say(sessions, self._end() + self._join())
            caller = self._waiting.popleft()
            self._rung.append(caller)
            data = _called("AgentCalled", caller)
            out.append((caller, time.monotonic()))
            _say(sessions, data)
        return out

    def _join(self) -> bytes:
        caller, self._joined = self._joined, self._joined + 1
        self._waiting.append(caller)
        return event_bytes("QueueCallerJoin", caller, Position=1, Count=1)

    def _end(self) -> bytes:
        """He was answered, and hangs up."""
        if len(self._rung) < _RINGING:
            return b""
        caller = self._rung.popleft()
        return b"".join(
            [
                _called("AgentConnect", caller, HoldTime=3, RingTime=3000),
                event_bytes("QueueCallerLeave", caller, Position=1, Count=1),
                _called("AgentComplete", caller, HoldTime=3, TalkTime=1, Reason="caller"),
                event_bytes("Hangup", caller, Cause=16),
            ]
        )


def _called(name: str, caller: int, **more: Any) -> bytes:
    agent = caller % AGENTS
    leg = f"1772438400.{caller}-leg"
    return event_bytes(
        name, caller, DestChannel=f"PJSIP/{100 + agent}-{caller:08x}", DestUniqueid=leg, DestLinkedid=f"1772438400.{caller}",
        Interface=f"PJSIP/{100 + agent}", MemberName=f"Agente {agent}", **more,
    )  # fmt: skip


def _say(sessions: list[socket.socket], data: bytes) -> None:
    for session in list(sessions):
        try:
            session.sendall(data)
        except OSError:  # that box is gone
            sessions.remove(session)


class Pops:
    """mosquitto's own client on `pop/#`, QoS 1: by the caller's number, when each line came."""

    def __init__(self, broker: Broker) -> None:
        program = shutil.which("mosquitto_sub")
        if program is None:
            raise SkippedError("no mosquitto_sub here: apt-get install mosquitto-clients")
        command = [program, "-V", "5", "-h", "127.0.0.1", "-p", str(broker.port), "-q", "1", "-t", "callfloor/+/+/+/pop/#"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
        self.seen: dict[str, list[float]] = {}
        #: Those that told whose number it is.
        self.cards = 0
        threading.Thread(target=self._run, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()

    def waits_s(self, sent: dict[str, float], within_s: float = 30.0) -> list[float]:
        """From each ring to its pop. Raises RuntimeError when one never came, or came twice."""
        end = time.monotonic() + within_s
        while any(number not in self.seen for number in sent):
            if time.monotonic() > end:
                lost = [number for number in sent if number not in self.seen]
                raise RuntimeError(f"{len(lost)} of {len(sent)} pops never came: those of {', '.join(lost[:5])}")
            time.sleep(0.05)
        time.sleep(0.3)
        double = [number for number in sent if len(self.seen[number]) > 1]
        if double:
            raise RuntimeError(f"{len(double)} pops came twice")
        return [self.seen[number][0] - at for number, at in sent.items()]

    def _run(self) -> None:
        assert self._process.stdout is not None
        held = b""
        with self._process.stdout as stream:
            while data := os.read(stream.fileno(), 1 << 20):
                now = time.monotonic()
                *lines, held = (held + data).split(b"\n")
                for line in lines:
                    number = line.partition(b'"caller":"')[2].partition(b'"')[0].decode()
                    self.seen.setdefault(number, []).append(now)
                    self.cards += b'"card":{' in line
