"""Events to a real broker, and what happens when it goes away."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.broker


def deliveries(events: list[dict[str, Any]]) -> list[int]:
    return [int(event["delivery"]) for event in events]


async def test_events_arrive_in_order_with_dense_numbers(rig) -> None:
    broker = rig.broker()
    consumer = rig.consumer(broker)
    box = rig.box(broker.url)
    box.calls(1000)
    box.start()
    await rig.until(box.settled)
    await rig.until(lambda: len(consumer.messages) == box.journal.head().n)
    events = consumer.events
    assert deliveries(events) == list(range(1, box.journal.head().n + 1))
    assert len({event["id"] for event in events}) == len(events)
    assert box.kinds().count("link.up") == 1
    assert "link.down" not in box.kinds()


async def test_a_broker_that_is_killed_and_comes_back_loses_nothing(rig) -> None:
    broker = rig.broker()
    first = rig.consumer(broker)
    box = rig.box(broker.url)
    box.calls(300, "before")
    box.start()
    await rig.until(box.settled)
    broker.kill()
    first.drop()
    await rig.until(lambda: box.link() == "link.down")
    box.calls(1500, "during")
    held = box.account()
    assert held.waiting >= 1500
    assert held.recorded == held.delivered + held.waiting + held.shed + held.skipped
    broker.start()
    second = rig.consumer(broker)
    await rig.until(box.settled)
    await rig.until(lambda: deliveries(second.events)[-1:] == [box.journal.head().n])
    seen = list({event["id"]: event for event in first.events + second.events}.values())
    assert deliveries(seen) == list(range(1, box.journal.head().n + 1))
    account = box.account()
    assert (account.recorded, account.waiting, account.skipped) == (account.delivered, 0, 0)
