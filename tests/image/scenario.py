"""What a scenario is handed, and how its steps are counted: passed, failed, or skipped with a reason."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Result = Literal["pass", "fail", "skip"]
#: After so long without a step, and so often, a line tells that it goes on.
_SILENT_S = 20.0


class SkipError(Exception):
    """This cannot be run here; its text says what is missing."""


@dataclass
class Step:
    """One thing that was tried. `seconds`: since the step before, or what the step itself measured."""

    scenario: str
    name: str
    result: Result
    seconds: float
    note: str = ""


@dataclass
class Report:
    """All steps, printed as they come."""

    steps: list[Step] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    began_s: float = field(default_factory=time.monotonic)
    #: Steps of the scenario that runs which were asked for by name; empty: all.
    chosen: tuple[str, ...] = ()
    #: Whether it came to its end, and was not stopped.
    complete: bool = False
    _last_s: float = field(default_factory=time.monotonic)

    def wants(self, step: str) -> bool:
        """Whether this step of the scenario that runs was asked for, by name or by naming none."""
        return not self.chosen or step in self.chosen

    @contextmanager
    def pulse(self, what: Callable[[], str]) -> Iterator[None]:
        """Tell from time to time that it goes on, and `what` is seen of it."""
        over = threading.Event()

        def beat() -> None:
            told_s = time.monotonic()
            while not over.wait(1):
                now_s = time.monotonic()
                if now_s - max(told_s, self._last_s) >= _SILENT_S:
                    told_s = now_s
                    print(f"[{now_s - self.began_s:7.1f}]   … for {now_s - self._last_s:.0f} s; {what()}", flush=True)

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def step(self, scenario: str, name: str, ok: bool, note: object = "", seconds: float | None = None) -> bool:
        """Count one; a failed step does not end its scenario unless the next needs it."""
        self._add(Step(scenario, name, "pass" if ok else "fail", self._since(seconds), _short(note)))
        return ok

    def skip(self, scenario: str, why: str) -> None:
        """Count one that cannot be run here."""
        self._add(Step(scenario, "", "skip", 0.0, why))

    def run(self, name: str, scenario: Callable[[], None]) -> None:
        """A scenario; whatever it raises is a failed step."""
        try:
            scenario()
        except SkipError as reason:
            self.skip(name, str(reason))
        except Exception as fault:
            self.step(name, "ran to its end", ok=False, note=f"{type(fault).__name__}: {fault}")

    def _since(self, seconds: float | None) -> float:
        now_s = time.monotonic()
        took_s, self._last_s = now_s - self._last_s, now_s
        return round(took_s if seconds is None else seconds, 1)

    def _add(self, step: Step) -> None:
        self.steps.append(step)
        at = time.monotonic() - self.began_s
        print(f"[{at:7.1f}] {step.result.upper()} {step.scenario}: {step.name} {step.seconds:.1f} s {step.note}", flush=True)

    def count(self, result: Result) -> int:
        """So many steps."""
        return sum(step.result == result for step in self.steps)

    def write(self, file: Path) -> None:
        """The table as JSON."""
        told = {
            "complete": self.complete, "passed": self.count("pass"), "failed": self.count("fail"), "skipped": self.count("skip"),
            "seconds": round(time.monotonic() - self.began_s, 1), "figures": self.figures, "steps": [asdict(step) for step in self.steps],
        }  # fmt: skip
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(told, indent=1) + "\n")

    def table(self) -> str:
        """For a person."""
        wide = max((len(step.scenario) for step in self.steps), default=0)
        lines = [f"{step.result:<5} {step.scenario:<{wide}}  {step.seconds:>7.1f} s  {step.name}  {step.note}"[:200] for step in self.steps]
        lines += [f"{name}: {value}" for name, value in self.figures.items()]
        lines.append(f"{self.count('pass')} passed, {self.count('fail')} failed, {self.count('skip')} skipped")
        return "\n".join(lines)


def _short(note: object) -> str:
    text = " ".join(str(note).split())
    return text if len(text) <= 300 else text[:140] + " … " + text[-150:]
