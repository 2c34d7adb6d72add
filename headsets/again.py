"""Decides when seats tell again how they are: on a seat box every hour, for a floor box that was added since or has lost events.

A headset that nobody touches says nothing, and what was told before a floor box came is not sent to it. It costs two events a seat.
What was not recorded while the journal was short of room is told again by `headsets.desk`, when that is over.
"""

from __future__ import annotations

import asyncio
from typing import Final

from headsets.keeper import SeatKeeper

EVERY_S: Final = 3600.0


async def tell_again(keeper: SeatKeeper, every_s: float = EVERY_S) -> None:
    """Until cancelled. At the start each seat tells of itself anyway."""
    while True:
        await asyncio.sleep(every_s)
        keeper.tell_again()
