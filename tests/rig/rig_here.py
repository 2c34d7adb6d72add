"""The rig in this process, without OPC UA between."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from rig_bench import Seen

from appliance.core.endpoint import Endpoint
from appliance.demo_floor import free_listener
from appliance.rig.by_hand import Hand
from appliance.rig.rig import Rig


class Here:
    """A rig of this run's own. `devices`, `hand`: as `callfloor rig` takes them."""

    def __init__(self, devices: Mapping[str, str] | None = None, hand: str | None = None) -> None:
        self._devices, self._hand = devices, hand
        self._stack = AsyncExitStack()
        self.rig: Rig

    async def open(self, told: Callable[[Seen], None]) -> None:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="cf-rig-")))
        listen, _ = free_listener("127.0.0.1:0")
        self.rig = Rig(folder, Endpoint(listen.host, listen.port), devices=self._devices, hand=Hand(self._hand))
        follow = asyncio.create_task(self._follow(told))
        self._stack.callback(follow.cancel)
        await self._stack.enter_async_context(self.rig)
        await asyncio.sleep(0)

    async def close(self) -> None:
        await self._stack.aclose()

    async def names(self) -> tuple[frozenset[str], frozenset[str]]:
        return frozenset(self.rig.actions()), frozenset(self.rig.values())

    async def call(self, name: str, args: dict[str, Any]) -> dict[str, Any]:
        action = self.rig.actions()[name]
        given = {each.name: args.get(each.name, each.default) for each in action.arguments}
        answer = await action.call(given)
        return {"state": answer.state, "reason": answer.reason, "result": answer.result, "began_ns": answer.began_ns}

    async def _follow(self, told: Callable[[Seen], None]) -> None:
        async for paths in self.rig.changed():
            values = self.rig.values()
            for path in paths:
                if (value := values.get(path)) is not None:
                    known = value.value if value.status == "live" else None
                    told(Seen(path, list(known) if isinstance(known, tuple) else known, value.source_ns or 0))
