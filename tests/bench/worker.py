"""Runs one function of a benchmark in a process of its own: `python -m tests.bench.worker module:function '{"argument": …}'`."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any


def tell(value: Any) -> None:
    """Print one JSON line for the parent."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def heard() -> bool:
    """Wait for the parent's word to go on; False when it is gone."""
    return bool(sys.stdin.readline())


if __name__ == "__main__":
    module, _, function = sys.argv[1].partition(":")
    told = getattr(importlib.import_module(f"tests.bench.{module}"), function)(**json.loads(sys.argv[2]))
    if told is not None:
        tell(told)
