"""The screen pop: what an agent's screen is told the moment a call rings him, and how long it is worth telling."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from appliance.core.catalogue import CallRinging
from appliance.core.clock import NS, rfc3339
from appliance.core.event import Stored

EXPIRY_S: Final = 30
_decoder: Final = msgspec.json.Decoder(CallRinging)


class Pop(Struct, frozen=True):
    """One screen pop. `id` is that of the `call.ringing` event, so that the two can be matched."""

    id: str
    call: str
    agent: str
    pbx: str
    queue: str | None
    visit: str | None
    caller: str | None
    dialled: str | None
    time: str
    expires: str


def pop_from_ringing(row: Stored, seq: int, epoch: str, age_s: float) -> Pop | None:
    """The pop of a `call.ringing` row; None when no agent is named or it is older than 30 s.

    Raises msgspec.ValidationError when the row's data does not fit its kind.
    """
    data = _decoder.decode(row.data)
    if data.agent is None or age_s >= EXPIRY_S:
        return None
    return Pop(
        f"{epoch}-{seq}", data.call, data.agent, data.pbx, data.queue, data.visit, data.caller, data.dialled,
        rfc3339(row.wall_ns), rfc3339(row.wall_ns + EXPIRY_S * NS),
    )  # fmt: skip
