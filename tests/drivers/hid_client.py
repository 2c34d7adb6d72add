"""The box's side of a headset rig: does with the drivers what its standard input says, one JSON list a line; answers each with a JSON line."""

from __future__ import annotations

import asyncio
import json
import logging
import resource
import sys
import threading
import time
from contextlib import ExitStack
from typing import Any

from msgspec import to_builtins

from appliance.core.errors import CallfloorError
from drivers.hid_device import HidDevice, HidInfo
from drivers.hid_plug import Plugs, open_plugs
from drivers.hid_seen import Memory
from drivers.hid_sim import SimHid
from drivers.hid_sim_socket import open_sim
from drivers.hid_sysfs import plugged
from drivers.hidraw import open_watch
from drivers.usb_hid import open_own, repair


def telephony(descriptor: bytes) -> bool:
    """Usage page Telephony, usage Headset, at the beginning."""
    return descriptor.startswith(bytes.fromhex("050b0905"))


def told(error: CallfloorError) -> dict[str, str]:
    return {"fault": type(error).__name__, "text": str(error)}


def shown(infos: Any) -> list[dict[str, Any]]:
    return [
        {**to_builtins(info, builtin_types=(bytes,)), "identity": info.identity, "descriptor": (info.descriptor or b"").hex()}
        for info in infos
    ]


class Client:
    """One verb a method; devices go by their port."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.stack = ExitStack()
        self.memory = Memory()
        self.devices: dict[str, HidDevice] = {}
        self.heard_: list[tuple[str, str, int]] = []
        self.changes_: list[tuple[list[str], list[str]]] = []
        self.plugs: Plugs | None = None
        self.news = asyncio.Event()
        self.logged: list[str] = []
        handler = logging.Handler()
        handler.emit = lambda record: self.logged.append(record.getMessage())  # type: ignore[method-assign]
        logging.getLogger("drivers").addHandler(handler)

    def _found(self, port: str) -> HidInfo:
        found = plugged(telephony)
        known = [*(self.plugs.present.values() if self.plugs else ()), *found.headsets, *found.held, *found.left]
        return next(info for info in known if info.port == port)

    async def list(self) -> Any:
        found = plugged(telephony)
        return {"headsets": shown(found.headsets), "held": shown(found.held), "left": shown(found.left)}

    async def list_again(self) -> Any:
        """By what was seen at the time before."""
        found = plugged(telephony, self.memory)
        return {"headsets": shown(found.headsets), "held": shown(found.held), "left": shown(found.left)}

    async def open(self, kind: str, port: str, **extra: Any) -> Any:
        opener = {"own": open_own, "watch": open_watch}[kind]
        self.devices[port] = opener(self._found(port), **extra)
        return {}

    async def open_stale(self, kind: str, info: dict[str, Any]) -> Any:
        """Open what was listed some time ago."""
        kept = HidInfo(
            **{key: value for key, value in info.items() if key not in ("identity", "descriptor")},
            descriptor=bytes.fromhex(info["descriptor"]),
        )
        ({"own": open_own, "watch": open_watch}[kind])(kept).close()
        return {}

    async def open_sim(self, port: str, descriptor: str) -> Any:
        self.devices[port] = SimHid(HidInfo(port, 3, "", 1, 2, 0x1209, 0x0001, "S1"), bytes.fromhex(descriptor))
        return {}

    async def open_socket(self, port: str, path: str) -> Any:
        self.devices[port] = await asyncio.to_thread(open_sim, path)
        return {}

    async def sim(self, port: str, verb: str, *reports: str) -> Any:
        """What happens at a simulated desk, a moment from now and in another thread, as on the wire."""
        device = self.devices[port]
        assert isinstance(device, SimHid)
        if verb == "written":
            return {"written": [each.hex() for each in device.written]}
        at = []
        for each in reports:
            at.append(time.monotonic_ns())
            device.report(bytes.fromhex(each))
        if verb == "pull":
            threading.Timer(0.05, device.pull).start()
        return {"at": at}

    async def read(self, port: str, timeout_s: float) -> Any:
        report = self.devices[port].read(timeout_s)
        return {"report": None if report is None else report.hex(), "at": time.monotonic_ns()}

    async def write(self, port: str, report: str) -> Any:
        self.devices[port].write(bytes.fromhex(report))
        return {}

    async def descriptor(self, port: str) -> Any:
        return {"descriptor": self.devices[port].report_descriptor().hex()}

    async def listen(self, port: str) -> Any:
        def heard(report: bytes, mono_ns: int) -> None:
            self.heard_.append((port, report.hex(), mono_ns))
            self.news.set()

        def lost(fault: CallfloorError) -> None:
            self.heard_.append((port, f"{type(fault).__name__}: {fault}", 0))
            self.news.set()

        self.devices[port].listen(self.loop, heard, lost)
        return {}

    async def heard(self, count: int, timeout_s: float = 5.0) -> Any:
        """At least so many, or what came in that time; each is told once."""
        await self._until(lambda: len(self.heard_) >= count, timeout_s)
        out, self.heard_ = self.heard_, []
        return {"heard": out}

    async def close(self, port: str) -> Any:
        self.devices[port].close()
        self.devices[port].close()
        return {"logged": self.logged}

    async def repair(self) -> Any:
        return {"mended": shown(repair(plugged(telephony)))}

    async def plugs_on(self, sweep_s: float) -> Any:
        def changed(pulled: tuple[HidInfo, ...], came: tuple[HidInfo, ...]) -> None:
            self.changes_.append(([info.port for info in pulled], [info.port for info in came]))
            self.news.set()

        self.plugs = self.stack.enter_context(open_plugs(self.loop, telephony, changed, sweep_s))
        return {"without_events": self.plugs.without_events}

    async def changes(self, count: int, timeout_s: float = 5.0) -> Any:
        """Until so many ports have come or gone."""
        await self._until(lambda: sum(len(pulled) + len(came) for pulled, came in self.changes_) >= count, timeout_s)
        out, self.changes_ = self.changes_, []
        return {"changes": out, "present": sorted({info.port for info in self.plugs.present.values()}), "looks": self.plugs.looks}  # type: ignore[union-attr]

    async def cost(self, seconds: float) -> Any:
        """Processor time and voluntary context switches while nothing happens."""
        before, start = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
        await asyncio.sleep(seconds)
        after, end = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return {
            "cpu_share": used / (end - start),
            "wakes_s": (after.ru_nvcsw - before.ru_nvcsw) / (end - start),
            "rss_kib": after.ru_maxrss,
        }

    async def _until(self, true: Any, timeout_s: float) -> None:
        end = self.loop.time() + timeout_s
        while not true() and (left := end - self.loop.time()) > 0:
            self.news.clear()
            try:
                await asyncio.wait_for(self.news.wait(), left)
            except TimeoutError:
                return


async def main() -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    client = Client(loop)
    with client.stack:
        while line := await reader.readline():
            verb, *rest = json.loads(line)
            extra = rest.pop() if rest and isinstance(rest[-1], dict) and verb == "open" else {}
            try:
                answer = await getattr(client, verb)(*rest, **extra)
            except CallfloorError as error:
                answer = told(error)
            print(json.dumps(answer), flush=True)
    # The bus cannot do without a reader of its events: they end before the devices are let go.
    for device in client.devices.values():
        device.close()


if __name__ == "__main__":
    asyncio.run(main())
