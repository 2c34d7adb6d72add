"""What goes on for ever is bounded: words of a fault that changes to and fro, empty lines of a gateway that asks and does not listen."""

from __future__ import annotations

import asyncio

import pytest

from appliance.core.catalogue import BoxHealth
from appliance.core.clock import NS, SystemClock
from appliance.core.config import Config
from appliance.core.line_config import LinesConfig
from gateway.fxo.line_books import LineBooks
from gateway.fxo.sip_ear import SipEar
from gateway.fxo.sip_invite import Peer
from gateway.fxo.source import Health


def test_a_fault_that_has_two_texts_in_turn_writes_no_journal_full_and_ends_with_the_true_one() -> None:
    books = LineBooks(Config(lines={"l1": LinesConfig(url="serial:///dev/ttyUSB0")}), lambda: "v")
    rows: list[BoxHealth] = []

    def took(events: list[object]) -> None:
        rows.extend(event for event in events if isinstance(event, BoxHealth))

    now_ns = 0
    books.begin(0.0)
    for attempt in range(24 * 360):  # a day of attempts, one in ten seconds
        now_ns += 10 * NS
        took(books.sighted("l1", Health(fault="it is silent" if attempt % 2 else "it cannot be opened"), now_ns))  # type: ignore[arg-type]
        took(books.reworded(now_ns))  # type: ignore[arg-type]
    assert 3 < len(rows) <= 3 + 48 + 1
    took(books.sighted("l1", Health(fault="it was pulled"), now_ns))  # type: ignore[arg-type]
    for _ in range(1_800):
        now_ns += NS
        took(books.reworded(now_ns))  # type: ignore[arg-type]
    assert rows[-1].text == "it was pulled"
    before = len(rows)
    took(books.sighted("l1", Health(up=True), now_ns))  # type: ignore[arg-type]
    took(books.sighted("l1", Health(fault="again"), now_ns))  # type: ignore[arg-type]
    assert [row.level for row in rows[before:]] == ["ok", "red"]  # that it is there, or is not, waits for nothing


@pytest.mark.parametrize("asks", [True, False])
async def test_a_gateway_that_asks_and_does_not_listen_is_hung_up_on(asks: bool) -> None:
    ear = SipEar("127.0.0.1:0", SystemClock())
    async with ear.joined("127.0.0.1", lambda _data, _peer: None) as guest:
        reader, writer = await asyncio.open_connection("127.0.0.1", ear.port)
        async with asyncio.timeout(30):
            while not guest.connections:
                await asyncio.sleep(0.01)
        (conn,) = guest.connections
        ear.send(b"x" * 16_000_000, Peer("127.0.0.1", 0, conn))  # it reads nothing, and the kernel holds no more
        writer.write(b"\r\n\r\n" if asks else b"\r\n")
        if asks:
            async with asyncio.timeout(30):
                while guest.connections:
                    await asyncio.sleep(0.01)
        else:
            await asyncio.sleep(0.2)
            assert guest.connections
        writer.transport.abort()
        del reader
