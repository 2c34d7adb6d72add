"""Decides which events a hook press makes that asks something of the PBX: a command of this box, which whoever owns the verb carries out.

It is meant now or not at all, so it expires in a few seconds. Where nothing here carries it out its end is told at once.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from msgspec import Struct

from appliance.core.catalogue import CommandFinished, CommandReceived
from appliance.core.clock import NS, rfc3339
from appliance.core.command import digest_of
from headsets.seat import Intent

EXPIRES_S: Final = 5.0


def commands_of(intent: Intent, name: str, now_wall_ns: int, owned: Collection[str]) -> tuple[Struct, ...]:
    """`name`: a fresh id. `owned`: the verbs that some service of this box carries out. Nothing where nobody sits at the seat."""
    if intent.agent is None:
        return ()
    args: dict[str, Any] = {"agent": intent.agent}
    received = CommandReceived(
        id=name,
        verb=intent.verb,
        args=args,
        expires=rfc3339(now_wall_ns + round(EXPIRES_S * NS)),
        by="local",
        digest=digest_of(intent.verb, args),
    )
    if intent.verb in owned:
        return (received,)
    reason = f"unsupported: this box has nothing that can {intent.verb}"
    return received, CommandFinished(id=name, state="refused", reason=reason)
