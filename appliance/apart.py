"""Decides that the parts of a service live apart: one that dies of a fault nobody foresaw is begun again, and the others go on.

What a medium foresees (pulled, refused, blocked) it deals with itself. A fault of configuration is found before any of them begins.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

from appliance.core.errors import CallfloorError

_log = logging.getLogger(__name__)
RETRY_S: Final = 5.0


class Apart:
    """One medium, or one part of the service. What befalls it is logged whole, and the same again is not, until it was well between."""

    def __init__(self, what: str, retry_s: float = RETRY_S) -> None:
        self._what, self._retry_s = what, retry_s
        self._told = ""

    async def run(self, life: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Live it again and again until cancelled."""
        while True:
            # A task of its own: whether it was cancelled or a task group in it failed is then told apart (Python before 3.13).
            task = asyncio.create_task(life(), name=self._what)
            fault: BaseException | None = None
            try:
                await task
            except asyncio.CancelledError as caught:
                if _is_cancelled():
                    raise
                fault = caught
            except Exception as caught:  # noqa: BLE001, RUF100 - a medium's death ends here
                fault = caught
            self._tell(fault, f"; again in {self._retry_s:.0f} s")
            if _is_cancelled():
                return
            await asyncio.sleep(self._retry_s)

    def turn(self, call: Callable[[], object]) -> None:
        """Do one turn of it; a turn that fails is told, and the next one is tried as ever."""
        try:
            call()
        except Exception as fault:  # noqa: BLE001, RUF100 - as above
            self._tell(fault, "")
        else:
            self._told = ""

    def _tell(self, fault: BaseException | None, then: str) -> None:
        ours = fault is None or isinstance(fault, CallfloorError)
        text = "it ended by itself" if fault is None else str(fault) if ours else f"{type(fault).__name__}: {fault}"
        if text != self._told:
            self._told = text
            _log.error("%s failed: %s%s", self._what, text, then, exc_info=None if ours else fault)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
