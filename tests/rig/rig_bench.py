"""What a test holds in its hands: do something at the rig, wait until an output shows it, and how long that took.

The rig is reached over OPC UA (`OpcBench`): one that runs elsewhere, or one that this run starts for itself.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from msgspec import Struct

T = TypeVar("T")
_KEPT = 500
#: Longer nothing takes that is no fault; a slow bench is no fault either.
WITHIN_S = 15.0


class Done(Struct, frozen=True):
    """What became of an action, and when it was done, by the box's wall clock."""

    name: str
    began_ns: int
    result: dict[str, Any]


class Seen(Struct, frozen=True):
    """An output, and since when it is so, by the box's wall clock. `value` None: not known."""

    path: str
    value: Any
    at_ns: int

    def after_ms(self, done: Done) -> float:
        """How long after the stimulus."""
        return round((self.at_ns - done.began_ns) / 1e6, 1)


class RefusedError(Exception):
    """The rig refused: somebody else holds it, or the role does not allow it."""


class FailedError(Exception):
    """It could not be done; the reason is in the text."""


class Far(Protocol):
    """The rig's end of a bench, on a loop of its own."""

    async def open(self, told: Callable[[Seen], None]) -> None: ...
    async def close(self) -> None: ...
    async def call(self, name: str, args: dict[str, Any]) -> dict[str, Any]: ...
    async def names(self) -> tuple[frozenset[str], frozenset[str]]: ...


class Bench:
    """A rig in the hands of a test. Everything it shows is remembered, so that what flashed by is seen too."""

    def __init__(self, far: Far) -> None:
        self._far, self._token = far, ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="bench", daemon=True)
        self._history: dict[str, deque[Seen]] = {}
        self._news = threading.Condition()
        self.actions: frozenset[str] = frozenset()
        self.paths: frozenset[str] = frozenset()
        self.measured: list[dict[str, Any]] = []
        self._real: frozenset[str] = frozenset()

    def open(self) -> None:
        self._thread.start()
        self._run(self._far.open(self._told), 60)
        self.actions, self.paths = self._run(self._far.names(), 30)
        self.until("rig/ready", bool, within_s=60)
        self._real = frozenset(device.partition("=")[0] for device in self.value("rig/devices"))

    def close(self) -> None:
        try:
            self._run(self._far.close(), 30)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._loop.close()

    # -- what a test says --------------------------------------------------------------------------------------

    def do(self, name: str, /, **args: Any) -> Done:
        """One action. Raises RefusedError, FailedError."""
        if name not in self.actions:
            raise FailedError(f"this rig has no {name}")
        free = name.startswith("lease/")
        answer = self._run(self._far.call(name, args if free else {"lease": self._token, **args}), 150)
        if answer["state"] == "refused":
            raise RefusedError(answer["reason"])
        if answer["state"] != "done":
            raise FailedError(f"{name}: {answer['state']}: {answer['reason']}")
        return Done(name, answer["began_ns"], answer["result"] or {})

    def value(self, path: str) -> Any:
        """An output as it was last told."""
        with self._news:
            rows = self._history.get(path)
            if not rows:
                raise FailedError(f"this rig shows no {path}")
            return rows[-1].value

    def document(self, path: str) -> Any:
        """An output that is JSON."""
        text = self.value(path)
        return None if text is None else json.loads(text)

    def until(self, path: str, fits: Callable[[Any], Any], *, after: Done | None = None, within_s: float = WITHIN_S) -> Seen:
        """The first moment (after the stimulus) at which an output was so. Raises FailedError with what it was instead."""
        if self.is_unseen(path):
            return Seen(path, None, 0)
        end_s = time.monotonic() + within_s
        with self._news:
            while True:
                rows = [row for row in self._history.get(path, ()) if after is None or row.at_ns >= after.began_ns]
                if after is None:
                    rows = rows[-1:]
                for row in rows:
                    if row.value is not None and fits(row.value):
                        return row
                if (left_s := end_s - time.monotonic()) <= 0:
                    last = self._history.get(path)
                    what = repr(last[-1].value)[:600] if last else "nothing at all"
                    raise FailedError(f"{path} was not so within {within_s:g} s; it is {what}")
                self._news.wait(left_s)

    def stays(self, path: str, seconds: float) -> Any:
        """An output that does not change for so long; its value. For what must not happen."""
        if self.is_unseen(path):
            return None
        before = self.value(path)
        end_s = time.monotonic() + seconds
        with self._news:
            while (left_s := end_s - time.monotonic()) > 0:
                self._news.wait(left_s)
                now = self._history[path][-1].value
                if now != before:
                    raise FailedError(f"{path} changed from {before!r} to {now!r}")
        return before

    def pause(self, seconds: float = 0.6) -> None:
        """As long as a person takes between two moves; quicker ones mean other things."""
        time.sleep(seconds)

    def measure(self, done: Done, seen: Seen) -> float | None:
        """Note how long it took from the stimulus to the output; ms. None: nobody sees it."""
        took_ms = None if self.is_unseen(seen.path) else seen.after_ms(done)
        self.measured.append({"stimulus": done.name, "output": seen.path, "latency_ms": took_ms})
        return took_ms

    def is_unseen(self, path: str) -> bool:
        """Whether a real device stands there, whose end of the wire no rig sees: what it shows is for a person to look at."""
        return any(f"/{place}/" in path for place in self._real)

    def sees(self, done: Done, path: str, fits: Callable[[Any], Any], *, within_s: float = WITHIN_S) -> Seen:
        """`until` after a stimulus, measured."""
        seen = self.until(path, fits, after=done, within_s=within_s)
        self.measure(done, seen)
        return seen

    # -- events ------------------------------------------------------------------------------------------------

    def event(self, done: Done, kind: str, *, lane: str = "mqtt/last", within_s: float = WITHIN_S, **data: Any) -> dict[str, Any]:
        """An event of this kind whose data holds these, after a stimulus, as the CRM received it (or the journal holds it); measured."""
        found: list[dict[str, Any]] = []

        def fits(texts: Any) -> bool:
            for text in texts:
                event = json.loads(text)
                if _kind(event) == kind and all(event["data"].get(key) == value for key, value in data.items()):
                    found.append(event)
                    return True
            return False

        seen = self.until(lane, fits, after=done, within_s=within_s)
        self.measured.append({"stimulus": done.name, "output": f"{lane} {kind}", "latency_ms": seen.after_ms(done)})
        return found[-1]

    def kinds(self) -> dict[str, int]:
        """How many events of each kind the CRM received since the reset."""
        return {kind: int(count) for kind, _, count in (text.partition("=") for text in self.value("mqtt/kinds"))}

    # -- the rig itself ----------------------------------------------------------------------------------------

    def reset(self, **args: Any) -> Done:
        """To the known state; what was remembered is forgotten."""
        done = self.do("reset", **args)
        resets = done.result["resets"]
        self.until("rig/resets", lambda value: value == resets, within_s=30)
        self.until("rig/ready", bool, within_s=30)
        with self._news:
            for rows in self._history.values():
                last = rows[-1]
                rows.clear()
                rows.append(Seen(last.path, last.value, 0))  # its moment was by the clock before
        return Done(done.name, 1, done.result)  # the box's clock began anew meanwhile

    def take(self, owner: str, seconds: float) -> None:
        """Hold the rig. Raises RefusedError, which says who does."""
        self._token = self.do("lease/take", owner=owner, seconds=seconds).result["token"]

    def renew(self, seconds: float) -> None:
        self.do("lease/renew", token=self._token, seconds=seconds)

    def free(self) -> None:
        token, self._token = self._token, ""
        if token:
            self.do("lease/free", token=token)

    def _told(self, seen: Seen) -> None:
        with self._news:
            self._history.setdefault(seen.path, deque(maxlen=_KEPT)).append(seen)
            self._news.notify_all()

    def _run(self, what: Coroutine[Any, Any, T], within_s: float) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(within_s)


def _kind(event: dict[str, Any]) -> str:
    """`line.ringing`, of an event as the CRM or as the journal has it."""
    if "type" in event:
        return ".".join(str(event["type"]).split(".")[1:3])
    return str(event["kind"])
