"""The broker goes away for ten thousand events: the books balance at every look, all of it arrives in order, the board counts right."""

from __future__ import annotations

import bisect
import threading
import time
from typing import Any

import msgspec
import pytest
from fault_box import Box, Crm, Site

from appliance.core.catalogue import CallHeld
from appliance.core.clock import SystemClock
from appliance.core.config_file import load
from appliance.core.due import due_from_config
from appliance.core.event import Event
from appliance.core.journal_sqlite import SqliteJournal

pytestmark = pytest.mark.broker
#: How far the board may be behind the journal.
BOARD_S = 2.0


class Books(threading.Thread):
    """Looks at the journal's account and the board's, each look with its moment."""

    def __init__(self, box: Box, crm: Crm) -> None:
        super().__init__(daemon=True)
        self.box, self.crm = box, crm
        self.accounts: list[tuple[float, Any, int]] = []
        self.boards: list[tuple[float, dict[str, Any], float]] = []
        self._ends = threading.Event()

    def run(self) -> None:
        with self.box.journal() as journal:
            while not self._ends.wait(0.02):
                self.accounts.append((time.monotonic(), journal.account("uplink"), len(self.crm.received)))
                if len(self.accounts) % 4 == 0:
                    asked_s = time.monotonic()
                    floor = self.box.floor()
                    assert floor is not None
                    self.boards.append((asked_s, floor["crm"], time.monotonic()))

    def stop(self) -> None:
        self._ends.set()
        self.join()

    def check(self) -> float:
        """Assert that every look balanced and no board was older than BOARD_S; the worst age seen."""
        for _, account, _ in self.accounts:
            assert account.recorded == account.delivered + account.waiting + account.shed + account.skipped
            assert min(account.delivered, account.waiting) >= 0
            assert (account.shed, account.skipped) == (0, 0)
        for (_, before, had), (_, after, has) in zip(self.accounts, self.accounts[1:], strict=False):
            assert after.recorded >= before.recorded
            assert after.delivered >= before.delivered
            assert has >= had
        moments = [at_s for at_s, _, _ in self.accounts]
        worst_s = 0.0
        for asked_s, crm, answered_s in self.boards:
            assert crm["recorded"] == crm["delivered"] + crm["backlog"] + crm["shed"] + crm["skipped"]
            upto = bisect.bisect_right(moments, answered_s + 0.1)
            same = [
                at_s
                for at_s, account, _ in self.accounts[:upto]
                if (account.recorded, account.waiting) == (crm["recorded"], crm["backlog"])
            ]
            if same:
                worst_s = max(worst_s, asked_s - same[-1])
                continue
            # Between two looks of ours the board saw a state that we did not: it lies between what we saw.
            near = [account for at_s, account, _ in self.accounts if asked_s - BOARD_S <= at_s <= answered_s + 0.1]
            assert near[0].recorded <= crm["recorded"] <= near[-1].recorded, (crm, near[0], near[-1])
            assert min(a.waiting for a in near) <= crm["backlog"] <= max(a.waiting for a in near), crm
        assert worst_s < BOARD_S
        return worst_s


def away_for(site: Site, count: int) -> dict[str, Any]:
    """Cut the broker, record `count` events, bring it back; the figures of it."""
    broker = site.broker()
    crm = site.crm(broker.port)
    box = site.box(mqtt_port=broker.port)
    box.keep("uplink", "wallboard")
    config = load(box.folder / "callfloor.toml")
    site.until(lambda: (floor := box.floor()) and floor["crm"]["state"] == "up" and floor["crm"]["backlog"] == 0, what=box.logs)
    clock = SystemClock()
    journal = SqliteJournal.open(box.journal_path, run_dir=box.folder / "run", due=due_from_config(config), clock=clock)
    books = Books(box, crm)
    try:
        books.start()
        broker.stop()
        site.until(lambda: box.floor()["crm"]["state"] == "down", what=box.logs)
        had, base = len(crm.once()), journal.account("uplink")
        for first in range(0, count, 100):
            data = [CallHeld(call=f"c{number}", pbx="central") for number in range(first, min(first + 100, count))]
            journal.append(
                [Event("call.held", "gateway/central", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), d) for d in data]
            )
            time.sleep(0.02)
        held = journal.account("uplink")
        assert held.recorded == base.recorded + count
        assert held.waiting == base.waiting + count
        assert held.delivered == base.delivered == had
        site.until(lambda: box.floor()["crm"]["backlog"] == held.waiting, BOARD_S, lambda: f"the board says {box.floor()['crm']}")
        assert box.floor()["crm"]["state"] == "down"
        began_s = time.monotonic()
        broker.start()
        site.until(lambda: journal.account("uplink").waiting == 0, 60.0, box.logs)
        drained_s = time.monotonic() - began_s
        site.until(lambda: box.floor()["crm"]["backlog"] == 0 and box.floor()["crm"]["state"] == "up", what=box.logs)
        last = journal.account("uplink")
        site.until(lambda: len(crm.once()) == last.recorded, what=lambda: f"{len(crm.once())} of {last.recorded} arrived")
        time.sleep(0.3)
    finally:
        books.stop()
        journal.close()
    worst_s = books.check()
    numbers = [int(event["delivery"]) for event in {e["id"]: e for e in reversed(crm.received)}.values()][::-1]
    assert numbers == list(range(1, last.recorded + 1)), "every event, first come in order"
    calls = [event["data"]["call"] for event in crm.once().values() if event["type"] == "callfloor.call.held.v1"]
    assert calls == [f"c{number}" for number in range(count)]
    final = box.floor()["crm"]
    assert (final["recorded"], final["delivered"], final["backlog"]) == (last.recorded, last.recorded, 0)
    return {
        "events": count, "drained s": round(drained_s, 2), "redelivered": crm.doubles(), "accounts looked at": len(books.accounts),
        "boards looked at": len(books.boards), "board behind at most s": round(worst_s, 2), "account": msgspec.structs.asdict(last),
    }  # fmt: skip


def test_a_thousand_events_while_the_broker_is_away(site: Site) -> None:
    away_for(site, 1_000)


@pytest.mark.slow
def test_ten_thousand_events_while_the_broker_is_away(site: Site, told: Any) -> None:
    told("broker away", away_for(site, 10_000))
