"""Commands that reach a PBX, at the uplink's door over a real broker: what is hostile, old, undated or comes again runs nothing."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest

from appliance.core.clock import rfc3339
from appliance.core.config import Commands, PbxConfig

pytestmark = pytest.mark.broker
CMD = "callfloor/1/quito/p3/cmd/"
CALL = {"agent": "agente-101", "number": "0991234567"}


def payload(name: str, args: dict[str, Any], *, sent_s: float = 0.0, expires_s: float | None = 30.0) -> bytes:
    now_ns = time.time_ns()
    told: dict[str, Any] = {"id": name, "time": rfc3339(now_ns - round(sent_s * 1e9)), "args": args}
    if expires_s is not None:
        told["expires"] = rfc3339(now_ns + round(expires_s * 1e9))
    return msgspec.json.encode(told)


async def test_every_bad_command_has_one_end_with_a_reason_and_a_good_one_waits_for_the_gateway(rig: Any) -> None:
    broker = rig.broker()
    crm = rig.consumer(broker, "callfloor/#")
    box = rig.box(broker.url, commands=Commands(allow=("originate", "pause")), pbx={"central": PbxConfig()})
    box.start()
    await rig.until(lambda: crm.named("info") and box.link() == "link.up")
    given = {
        "hour-old": ("originate", payload("hour-old", CALL, sent_s=3600.0, expires_s=7200.0), "expired", "too_old"),
        "past": ("originate", payload("past", CALL, expires_s=-1.0), "expired", "expired at"),
        "undated": ("originate", payload("undated", CALL, expires_s=None), "refused", "expires_required"),
        "huge": ("originate", payload("huge", {**CALL, "number": "9" * 50_000}), "refused", "bad_args"),
        "letters": ("hangup", payload("letters", {"agent": "x"}), "refused", "not_allowed"),
        "nested": ("pause", payload("nested", {"agent": {"a": [[[1]]]}}), "refused", "bad_args"),
        "more": ("originate", payload("more", {**CALL, "context": "outside"}), "refused", "bad_args"),
        "verbless": ("reboot", payload("verbless", {}), "refused", "unknown_verb"),
    }
    for verb, body, _, _ in given.values():
        crm.send(CMD + verb, body)
    for hostile in (
        b"",
        b"[1,2",
        b'{"id": 7}',
        b'{"id": "A B"}',
        b'{"id": "x", "args": ' + b"[" * 5000,
        b"\xff\xfe",
        b'{"id": "x"} {"id": "y"}',
    ):
        crm.send(CMD + "originate", hostile)
    crm.send(CMD + "originate", payload("good", CALL))
    crm.send(CMD + "pause", payload("good", {"agent": "agente-101"}))
    for name, (_, _, state, reason) in given.items():
        await rig.until(lambda name=name: crm.named(f"reply/{name}"))
        (reply,) = crm.named(f"reply/{name}")
        assert (reply["state"], reply["reason"].startswith(reason)) == (state, True), reply
    await rig.until(lambda: any(reply["reason"] == "id_reused" for reply in crm.named("reply/good")))
    kinds = box.kinds()
    unusable = [row for row in box.journal.read(0) if b'"command.finished"' in row.body and b'"id":""' in row.body]
    assert len(unusable) == 7, "each is counted"
    assert kinds.count("command.received") == len(given) + 1
    assert kinds.count("command.finished") == len(given) + len(unusable), "the good one is the gateway's to end"
