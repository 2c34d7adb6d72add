"""What is seen of the box during a soak: what each process uses, what the journal holds, when each event reached board and CRM."""

from __future__ import annotations

import bisect
import contextlib
import json
import os
import statistics
import threading
import time
import zlib
from array import array
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from appliance.core.clock import NS
from appliance.core.errors import CallfloorError
from appliance.core.journal_readonly import ReadonlyJournal

_TICKS = os.sysconf("SC_CLK_TCK")
#: The board publishes at once what changes a figure; a caller who joins a queue always does.
_SHOWN_AT_ONCE = b'{"k":"call.queued"'


def used_by(pid: int) -> dict[str, float]:
    """Resident and own memory in MB, threads, open files, CPU seconds. Raises OSError when the process is gone."""
    place = Path(f"/proc/{pid}")
    status = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines() if ":" in line)
    own_kb = int(status["RssAnon"].split()[0]) + int(status["VmSwap"].split()[0])
    fields = (place / "stat").read_text().rpartition(")")[2].split()
    return {
        "rss": int(status["VmRSS"].split()[0]) / 1024, "own": own_kb / 1024, "threads": int(status["Threads"]),
        "files": len(list((place / "fd").iterdir())), "cpu": (int(fields[11]) + int(fields[12])) / _TICKS,
    }  # fmt: skip


def mark_of(data: Any) -> int:
    """A small mark of an event's content, whatever the order of its members."""
    return zlib.crc32(json.dumps(data, sort_keys=True, separators=(",", ":")).encode())


class HasJournal(Protocol):
    """A box whose journal may be read."""

    def journal(self) -> AbstractContextManager[ReadonlyJournal]:
        """Opened for reading."""
        ...


class Consumer:
    """The CRM: plain paho, a durable session; of every delivery number its id's position, its content's mark, and when it came first."""

    def __init__(self, port: int) -> None:
        self.came: dict[int, tuple[str, int]] = {}
        self.at_s = array("d", [0.0])
        self.doubles = 0
        self.faults: list[str] = []
        self._there = threading.Event()
        self.client = paho.Client(CallbackAPIVersion.VERSION2, "soak-crm", protocol=MQTTProtocolVersion.MQTTv5)
        self.client.on_message = lambda _c, _u, message: self._take(msgspec.json.decode(message.payload))
        self.client.on_connect = lambda client, *_: client.subscribe("callfloor/1/+/+/event/#", 1)
        self.client.on_subscribe = lambda *_: self._there.set()
        self.client.reconnect_delay_set(1, 1)
        kept = Properties(PacketTypes.CONNECT)
        kept.SessionExpiryInterval = 3600
        self.client.connect("127.0.0.1", port, clean_start=False, properties=kept)
        self.client.loop_start()
        if not self._there.wait(10):
            raise RuntimeError("the broker takes no subscription")

    def _take(self, event: dict[str, Any]) -> None:
        now_s, n, one = time.time(), int(event["delivery"]), (event["id"], mark_of(event["data"]))
        known = self.came.setdefault(n, one)
        if known is not one:
            self.doubles += 1
            if known != one and len(self.faults) < 20:
                self.faults.append(f"number {n} came twice and is not the same: {known}, {one}")
            return
        self.at_s.extend([0.0] * (n + 1 - len(self.at_s)))
        self.at_s[n] = now_s

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


class Board:
    """When which position of the journal was on the board, as one TV that follows the stream has it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seqs: list[int] = []
        self._at_s: list[float] = []

    def told(self, chunk: bytes) -> None:
        """A piece of the stream came."""
        place = chunk.rfind(b"\nid: ")
        end = chunk.find(b"\n", place + 5)
        if place >= 0 and end > 0:
            with self._lock:
                self._seqs.append(int(chunk[place + 5 : end]))
                self._at_s.append(time.time())

    def shown_s(self, seq: int) -> float | None:
        """When this position was first there."""
        with self._lock:
            at = bisect.bisect_left(self._seqs, seq)
            return self._at_s[at] if at < len(self._seqs) else None

    def forget(self, before: int) -> None:
        """Nobody asks for what lies before this position any more."""
        with self._lock:
            at = bisect.bisect_left(self._seqs, before)
            del self._seqs[:at], self._at_s[:at]


class Reader:
    """Follows the journal and says of each span how long its events took to the board and to the CRM, in milliseconds."""

    def __init__(self, box: HasJournal, board: Board, crm: Consumer) -> None:
        self._box, self._board, self._crm = box, board, crm
        self.seq = self.last_n = 0
        self.calls = 0
        #: Not yet matched: (seq, n, wall seconds, whether a board shows it at once).
        self._open: list[tuple[int, int | None, float, bool]] = []

    def look(self, quiet_from_s: float) -> dict[str, Any]:
        """What is new. Towards the CRM only events appended after `quiet_from_s` are timed: a cut link is late by its length."""
        now_s = time.time()
        try:
            with self._box.journal() as journal:
                while page := journal.read(self.seq):
                    for row in page:
                        self._open.append((row.seq, row.n, msgspec.json.decode(row.body)["w"] / NS, row.body.startswith(_SHOWN_AT_ONCE)))
                        self.calls += row.body.startswith(_SHOWN_AT_ONCE)
                        self.last_n = row.n or self.last_n
                    self.seq = page[-1].seq
                account, limits = journal.account("uplink"), journal.limits()
        except CallfloorError as fault:
            return {"fault": str(fault)}
        board_ms, crm_ms, left = [], [], []
        for seq, n, at_s, shown in self._open:
            if now_s - at_s < 6.0:
                left.append((seq, n, at_s, shown))  # the slowest way has not ended yet
                continue
            on_board_s = self._board.shown_s(seq) if shown else None
            if on_board_s is not None:
                board_ms.append(1000 * (on_board_s - at_s))
            if at_s >= quiet_from_s and n is not None and n < len(self._crm.at_s) and self._crm.at_s[n]:
                crm_ms.append(1000 * (self._crm.at_s[n] - at_s))
        self._open = left
        self._board.forget(left[0][0] if left else self.seq)
        return {
            "seq": self.seq, "calls": self.calls, "journal": limits.bytes_used / 2**20, "wal": limits.wal_bytes / 2**20,
            "waiting": account.waiting, "recorded": account.recorded, "delivered": account.delivered, "shed": account.shed,
            "skipped": account.skipped, "board": _quantiles(board_ms), "crm": _quantiles(crm_ms),
        }  # fmt: skip


def _quantiles(values: list[float]) -> dict[str, float] | None:
    """Median and 95th percentile of a span with enough of them."""
    if len(values) < 8:
        return None
    return {"p50": statistics.median(values), "p95": statistics.quantiles(values, n=20)[-1], "count": len(values)}


def nothing_lost(box: HasJournal, crm: Consumer) -> list[str]:
    """Every due row came under its own id with its own content, and nothing else did; what is wrong."""
    faults = list(crm.faults)
    with box.journal() as journal:
        epoch, seq, last = journal.epoch, 0, 0
        while page := journal.read(seq):
            for row in page:
                if row.n is None:
                    continue
                if row.n != last + 1:
                    faults.append(f"delivery numbers are not dense: {row.n} follows {last}")
                last = row.n
                if crm.came.get(row.n) != (f"{epoch}-{row.seq}", mark_of(msgspec.json.decode(row.body)["d"])):
                    faults.append(f"event {row.n} (row {row.seq}) came as {crm.came.get(row.n)}")
            seq = page[-1].seq
        account = journal.account("uplink")
    if account.recorded != account.delivered + account.waiting + account.shed + account.skipped:
        faults.append(f"the account does not balance: {account}")
    if account.waiting or account.shed or account.skipped:
        faults.append(f"not everything was delivered: {account}")
    if len(crm.came) != last:
        faults.append(f"{len(crm.came)} numbers came, {last} were recorded")
    return faults[:20]


def last_lines(path: Path, count: int = 3) -> str:
    """The end of a log."""
    with contextlib.suppress(OSError):
        return " / ".join(path.read_text(errors="replace").splitlines()[-count:])
    return ""
