"""Decides what a rig sees of the box itself: the journal's head and last rows, the backlog, and the TV's floor as the wire brings it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import aiohttp
import msgspec

from appliance.core.clock import Clock
from appliance.core.config import Config
from appliance.core.event import stored_from_body
from appliance.core.journal import Journal
from appliance.floor.snapshot import Snapshot
from appliance.rig.values import Values
from wallboard.board_set import FLOOR, BoardSet

_LAST: Final = 30
_SINK: Final = "uplink"
_RETRY_S: Final = 0.2
#: A floor as one line of the stream.
_LONGEST: Final = 1 << 20


class JournalSight:
    """The journal as it grows. Read-only; `run` until cancelled."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._rows: deque[str] = deque(maxlen=_LAST)
        values.tell("journal/epoch", "text", "the journal's name; another one after each reset")
        values.tell("journal/head", "int", "the newest row's number", "1")
        values.tell("journal/last", "texts", f"the last {_LAST} events as JSON: seq, kind, source, time, data; the newest last")
        for name in ("recorded", "delivered", "backlog", "shed", "skipped"):
            values.tell(f"journal/{name}", "int", f"events due to the CRM: {name}", "1")

    async def run(self, journal: Journal) -> None:
        """Follow one journal from its first row."""
        at = 0
        self._rows.clear()
        self._values.put("journal/last", ())
        self._values.put("journal/epoch", journal.epoch)
        while True:
            rows = journal.read(at)
            for entry in rows:
                self._rows.append(_shown(entry.seq, entry.body))
                at = entry.seq
            if rows:
                self._values.put("journal/last", tuple(self._rows))
                self._values.put("journal/head", at)
            account = journal.account(_SINK)
            for name, count in (
                ("recorded", account.recorded), ("delivered", account.delivered), ("backlog", account.waiting),
                ("shed", account.shed), ("skipped", account.skipped),
            ):  # fmt: skip
                self._values.put(f"journal/{name}", count)
            if not rows:
                await journal.wait(at, 0.25)


def _shown(seq: int, body: bytes) -> str:
    stored = stored_from_body(body)
    row = {"seq": seq, "kind": stored.kind, "source": stored.source, "time_ns": stored.wall_ns, "data": msgspec.Raw(stored.data)}
    return msgspec.json.encode(row).decode()


class TvSight:
    """A television at the box: follows the stream as a board does, and shows the board's view model. `run` until cancelled."""

    def __init__(self, values: Values, clock: Clock, listen: Callable[[], str]) -> None:
        self._values, self._clock, self._listen = values, clock, listen
        self._document: dict[str, Any] = {}
        values.tell("tv/floor", "text", "the floor as the stream brought it, patched: one JSON object")
        values.tell("tv/board", "text", "the board's view model: faces, banners, pages, figures, as JSON")
        values.tell("tv/waiting", "int", "callers waiting, by the television", "1")
        values.tell("tv/patches", "int", "patches since the connection", "1")
        values.tell("tv/connected", "bool", "whether the stream stands")

    async def run(self, config: Config) -> None:
        """Connect, follow, connect again."""
        boards = BoardSet(config)
        while True:
            try:
                async with (
                    aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, sock_read=15), read_bufsize=_LONGEST) as session,
                    session.get(f"http://{self._listen()}/api/stream") as response,
                ):
                    response.raise_for_status()
                    await self._follow(response.content, boards)
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
                pass  # the box is away: the values say so
            self._values.put("tv/connected", False)
            for name in ("floor", "board", "waiting", "patches"):
                self._values.put(f"tv/{name}", None, status="unknown")
            await asyncio.sleep(_RETRY_S)

    async def _follow(self, stream: aiohttp.StreamReader, boards: BoardSet) -> None:
        kind, patches = "", 0
        self._values.put("tv/connected", True)
        while line := await stream.readline():
            if line.startswith(b"event:"):
                kind = line[6:].strip().decode()
            elif line.startswith(b"data:"):
                data = msgspec.json.decode(line[5:])
                if kind == "floor":
                    self._document, patches = data, 0
                elif kind == "patch":
                    self._document, patches = merged(self._document, data), patches + 1
                else:
                    continue
                self._show(boards, patches)

    def _show(self, boards: BoardSet, patches: int) -> None:
        if self._document.get("epoch") != self._values.value("journal/epoch"):
            raise ValueError("another box's floor: its port was ours a moment ago")
        at_ns = self._clock.wall_ns()
        put = self._values.put
        put("tv/floor", msgspec.json.encode(self._document).decode(), at_ns=at_ns)
        put("tv/waiting", (self._document.get("floor") or {}).get("waiting"), at_ns=at_ns)
        put("tv/patches", patches, at_ns=at_ns)
        snapshot = msgspec.convert(self._document, Snapshot)
        put("tv/board", msgspec.json.encode(boards.board(FLOOR, snapshot, at_ns)).decode(), at_ns=at_ns)


def merged(document: Any, patch: Any) -> Any:
    """A JSON Merge Patch applied (RFC 7396, section 2).

    >>> merged({"a": {"b": 1, "c": 2}}, {"a": {"b": None, "d": 3}})
    {'a': {'c': 2, 'd': 3}}
    """
    if not isinstance(patch, dict):
        return patch
    out = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = merged(out.get(key), value)
    return out
