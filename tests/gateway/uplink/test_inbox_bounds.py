"""What comes with a command beside its arguments is bounded: it is remembered for seven days."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from appliance.core.catalogue import event_from_stored
from appliance.core.clock import SystemClock
from appliance.core.config import Config
from appliance.core.event import stored_from_body
from appliance.core.journal_memory import MemoryJournal
from appliance.service import Context
from gateway.uplink.effect_directory import DirectoryDesk
from gateway.uplink.inbox import Inbox
from gateway.uplink.ledger import Ledger
from gateway.uplink.link import Message
from gateway.uplink.live import Out
from gateway.uplink.topic import Topics


class Watching:
    def ready(self) -> None: ...
    def progress(self) -> None: ...
    def status(self, text: str) -> None: ...


@pytest.mark.parametrize(
    ("more", "correlation", "reason"),
    [({}, b"x" * 60_000, "bad_correlation"), ({"expires": "2020-01-01T00:00:00." + "0" * 100_000 + "Z"}, b"x", "bad_expires")],
)
async def test_what_is_huge_is_refused_and_not_kept(more: dict[str, Any], correlation: bytes, reason: str) -> None:
    context = Context(Config(), MemoryJournal(), SystemClock(), Watching(), "uplink")
    said: list[Out] = []
    topics, ledger = Topics("quito", "p3"), Ledger(None)
    inbox = Inbox(context, topics, ledger, said.append, DirectoryDesk(context))
    body = msgspec.json.encode({"id": "c", **more})
    await inbox.take(Message(topics.root + "/cmd/ping", body, 1, 1, False, "crm/answers", correlation), trusted=True)
    known = ledger.get("c")
    assert known is not None
    assert len(known.correlation or "") < 2_000
    rows = context.journal.read(0)
    assert sum(len(row.body) for row in rows) < 4_000
    events = [event_from_stored(stored_from_body(row.body)) for row in rows]
    assert [type(event.data).__name__ for event in events if event is not None] == ["CommandReceived", "CommandFinished"]
    assert events[1] is not None
    assert events[1].data.reason.startswith(reason)  # type: ignore[attr-defined]
    assert [out.topic for out in said] == []


async def test_a_command_that_cannot_be_read_is_answered_under_its_id() -> None:
    context = Context(Config(), MemoryJournal(), SystemClock(), Watching(), "uplink")
    said: list[Out] = []
    topics, ledger = Topics("quito", "p3"), Ledger(None)
    inbox = Inbox(context, topics, ledger, said.append, DirectoryDesk(context))

    async def take(body: bytes, *, retain: bool = False) -> None:
        await inbox.take(Message(topics.root + "/cmd/pause", body, 1, 1, retain, None, None), trusted=True)

    await take(b'{"id": "c", "args": ["agente-101"]}')
    known = ledger.get("c")
    assert known is not None
    rows = [event_from_stored(stored_from_body(row.body)) for row in context.journal.read(0)]
    assert [(type(row.data).__name__, getattr(row.data, "id", "")) for row in rows if row is not None] == [
        ("CommandReceived", "c"), ("CommandFinished", "c"),
    ]  # fmt: skip
    assert rows[1] is not None
    assert rows[1].data.state == "refused"  # type: ignore[attr-defined]
    assert rows[1].data.reason.startswith("bad_command: ")  # type: ignore[attr-defined]
    assert inbox.unusable == 0
    await take(b'{"id": "c", "args": ["agente-102"]}')
    assert msgspec.json.decode(said[-1].payload)["reason"] == "id_reused"
    for body in (b'{"id": "A B/#", "args": []}', b'{"id": "c"', b'{"id": 7}', b"[1]"):
        await take(body)
    assert inbox.unusable == 4
