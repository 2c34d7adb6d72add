"""A click that does not say when it was sent is as old as the link was away: an hour-old one never dials, a fresh one does."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest

from appliance.core.alive import Sight, sights
from appliance.core.clock import NS, ManualClock, rfc3339
from appliance.core.command import too_late
from appliance.core.config import Commands, PbxConfig
from gateway.uplink.kept import KEPT_S, STAMP, Kept

CMD = "callfloor/1/quito/p3/cmd/"


def click(name: str, *, sent_s: float | None = None, expires_s: float = 60.0) -> bytes:
    now_ns = time.time_ns()
    told: dict[str, Any] = {"id": name, "args": {"agent": "agente-101", "number": "0991234567"}}
    told["expires"] = rfc3339(now_ns + round(expires_s * NS))
    if sent_s is not None:
        told["time"] = rfc3339(now_ns - round(sent_s * NS))
    return msgspec.json.encode(told)


def kept(clock: ManualClock, last_s: float | None) -> Kept:
    return Kept(clock, None if last_s is None else Sight(clock.boot, clock.mono_ns() - round(last_s * NS), 0))


def test_what_comes_with_what_the_broker_kept_is_as_old_as_we_were_away() -> None:
    clock = ManualClock()
    link = kept(clock, 3600.0)
    link.begins()
    link.speaks()
    assert link.age_s(clock.mono_ns()) == 3600.0
    clock.advance(KEPT_S)
    assert link.age_s(clock.mono_ns()) == 3600.0 + KEPT_S
    clock.advance(1.0)
    assert link.age_s(clock.mono_ns()) == 0.0, "by now the broker has sent what it kept"
    came_ns = clock.mono_ns()
    clock.advance(400.0)
    assert link.age_s(came_ns) == 400.0, "it waited here, for a disk that was full"
    link.stands()
    clock.advance(5.0)
    link.begins()
    link.speaks()
    assert link.age_s(clock.mono_ns()) == 5.0


def test_a_broker_that_kept_much_is_still_at_it_while_one_message_comes_upon_the_other() -> None:
    clock = ManualClock()
    link = kept(clock, 3600.0)
    link.begins()
    link.speaks()
    for _ in range(199):
        clock.advance(1.5)
        link.speaks()
        assert (link.age_s(clock.mono_ns()) or 0.0) >= 3600.0
    for _ in range(3):  # five minutes: whoever sends all the time is not kept waiting for ever
        clock.advance(1.5)
        link.speaks()
    assert link.age_s(clock.mono_ns()) == 0.0


def test_after_a_start_of_the_machine_nobody_knows_unless_the_broker_knows_us_not() -> None:
    clock = ManualClock()
    other = Kept(clock, Sight("the boot before", 0, 0))
    other.speaks()
    assert other.age_s(clock.mono_ns()) is None
    other.speaks(session=False)
    assert other.age_s(clock.mono_ns()) == 0.0


def test_the_stamp_is_left_once_a_second() -> None:
    clock, told = ManualClock(), list[tuple[str, Sight]]()
    link = Kept(clock, None, lambda name, sight: told.append((name, sight)))
    for _ in range(25):
        link.stands()
        clock.advance(0.1)
    assert [name for name, _ in told] == [STAMP] * 3


NOW = 1_795_000_000 * NS


@pytest.mark.parametrize(
    ("sent_s", "expires_s", "age_s", "reason"),
    [
        (10.0, 60.0, None, None),  # it says when: nothing else counts
        (301.0, 600.0, 0.0, "too_old"),
        (-200.0, 60.0, 4000.0, None),  # a clock that is somewhat ahead
        (-400.0, 900.0, 0.0, "time_required"),  # one that is far ahead says nothing
        (None, 60.0, 0.0, None),
        (None, 60.0, 300.0, None),
        (None, 60.0, 301.0, "too_old"),
        (None, 60.0, None, "too_old"),
        (None, 301.0, 0.0, "time_required"),
        (None, 3600.0, 3600.0, "too_old"),
    ],
)
def test_what_a_click_without_a_time_is_worth(sent_s: float | None, expires_s: float, age_s: float | None, reason: str | None) -> None:
    sent = None if sent_s is None else rfc3339(NOW - round(sent_s * NS))
    expires = rfc3339(NOW + round(expires_s * NS))
    told = too_late("originate", sent, NOW, "synced", expires=expires, age_s=age_s)
    assert (told.reason or "").partition(":")[0] == reason if told is not None else reason is None
    assert too_late("pause", sent, NOW, "synced", expires=expires, age_s=age_s) is None, "it touches no call"


@pytest.mark.parametrize("sent", ["ayer", "32-13-2026", "2026-02-30T00:00:00Z", ""])
def test_a_time_that_is_none_is_refused(sent: str) -> None:
    told = too_late("originate", sent, NOW, "synced", expires=rfc3339(NOW + 60 * NS), age_s=0.0)
    assert told is not None
    assert (told.state, (told.reason or "").partition(":")[0]) == ("refused", "bad_time")


@pytest.mark.broker
async def test_over_a_broker_that_kept_clicks_for_a_box_that_was_away(rig: Any) -> None:
    broker = rig.broker()
    crm = rig.consumer(broker, "callfloor/#")
    box = rig.box(broker.url, commands=Commands(allow=("originate",)), pbx={"central": PbxConfig()})
    box.start()
    await rig.until(lambda: crm.named("info") and box.link() == "link.up")
    run = box.config.journal.run_dir
    await rig.until(lambda: STAMP in sights(run, "uplink"))
    await box.stop()
    crm.send(CMD + "originate", click("soon"))
    box.start()
    await rig.until(lambda: b'"id":"soon"' in box.remembered())
    assert crm.named("reply/soon") == [], "the box was away for a moment: the gateway may dial it"
    await box.stop()
    for name, body in {
        "undated": click("undated", expires_s=200.0), "dated": click("dated", sent_s=3600.0, expires_s=3600.0),
        "fresh": click("fresh", sent_s=1.0), "far": click("far", expires_s=3600.0),
    }.items():  # fmt: skip
        crm.send(CMD + "originate", body)
        assert name
    stamps = run / "alive" / "uplink.lock"
    told = sights(run, "uplink")
    told[STAMP] = Sight(told[STAMP].boot, told[STAMP].mono_ns - 3600 * NS, told[STAMP].wall_ns)
    stamps.write_bytes(msgspec.json.encode(told))
    box.start()
    for name in ("undated", "dated", "far"):
        await rig.until(lambda name=name: crm.named(f"reply/{name}"))
        (reply,) = crm.named(f"reply/{name}")
        assert (reply["state"], reply["reason"].partition(":")[0]) == ("expired", "too_old"), reply
    assert crm.named("reply/fresh") == [], "it says that it was sent just now"
