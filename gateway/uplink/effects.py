"""Which effect a verb of the uplink's has. To add one:

1. write `effect_FAMILY.py` with a function `Order -> events`, the last one `order.done(…)` or `order.failed("word: why")`;
2. name it in `AT_ONCE`, or in `STAGED` (`async`, own lane and cursor, run again after a kill: the same order twice must do once);
3. add the verb to `UPLINK` in `appliance/core/command_owner.py`; `tests/gateway/uplink/test_effects.py` holds the three together;
4. what it keeps between commands is an object that the service makes from the context and hands to `staged`.
"""

from __future__ import annotations

from typing import Final

from gateway.uplink.effect import Effect, Staged
from gateway.uplink.effect_announcement import acknowledge, announce, withdraw
from gateway.uplink.effect_callback import callback
from gateway.uplink.effect_classify import VERB as CLASSIFY
from gateway.uplink.effect_classify import classifier
from gateway.uplink.effect_directory import VERB as DIRECTORY
from gateway.uplink.effect_directory import DirectoryDesk
from gateway.uplink.effect_kpi import kpi
from gateway.uplink.effect_ping import ping
from gateway.uplink.known_calls import KnownCalls

AT_ONCE: Final[dict[str, Effect]] = {
    "announce": announce,
    "withdraw": withdraw,
    "acknowledge": acknowledge,
    "ping": ping,
    "callback": callback,
    "kpi": kpi,
}
#: The verbs that run on a lane of their own; `staged` makes their effects.
STAGED: Final = frozenset({DIRECTORY, CLASSIFY})
OWNED: Final = frozenset(AT_ONCE) | STAGED


def staged(desk: DirectoryDesk, calls: KnownCalls) -> dict[str, Staged]:
    """The effects of `STAGED`, for one run of the service."""
    return {DIRECTORY: Staged(desk.file, desk.recall, desk.settled), CLASSIFY: Staged(classifier(calls))}
