"""Which effect a verb of the uplink's has. To add one:

1. write `effect_FAMILY.py` with a function `Order -> events`, the last one `order.done(…)` or `order.failed("word: why")`;
2. name it in `AT_ONCE`, or in `STAGED` (`async`, own lane and cursor, run again after a kill: the same order twice must do once);
3. add the verb to `UPLINK` in `appliance/core/command_owner.py`; `tests/gateway/uplink/test_effects.py` holds the three together;
4. what it keeps between commands is an object made in `staged` from the context, as the box's configuration and paths are there.
"""

from __future__ import annotations

from typing import Final

from appliance.service import Context
from gateway.uplink.effect import Effect, StagedEffect
from gateway.uplink.effect_announcement import acknowledge, announce, withdraw
from gateway.uplink.effect_ping import ping

AT_ONCE: Final[dict[str, Effect]] = {
    "announce": announce,
    "withdraw": withdraw,
    "acknowledge": acknowledge,
    "ping": ping,
}
#: The verbs that run on a lane of their own; `staged` makes their effects.
STAGED: Final[frozenset[str]] = frozenset()
OWNED: Final = frozenset(AT_ONCE) | STAGED


def staged(context: Context) -> dict[str, StagedEffect]:
    """The effects of `STAGED`, for one run of the service."""
    del context
    return {}
