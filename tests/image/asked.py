"""What a box says of itself over SSH: version and slots, how updates ended, how far its journal is."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

from vm_box import Box

#: Where the disk with the bundles is mounted in a box, and the web server that has them too.
BUNDLES: Final = "/run/bundles"
SHELF: Final = "http://10.0.2.100:8000/updates"


@dataclass(frozen=True)
class Seen:
    """`callfloor update status` and `callfloor journal stats` at one moment; empty where a box does not answer."""

    running: str = ""
    phase: str = ""
    slots: dict[str, str] = field(default_factory=dict)
    past: tuple[dict[str, str], ...] = ()
    epoch: str = ""
    last_seq: int = 0
    #: What could not be read.
    fault: str = ""

    @property
    def last(self) -> dict[str, str]:
        """How the last update ended."""
        return self.past[-1] if self.past else {}


def seen(box: Box) -> Seen:
    """Both in one call: a program takes seconds to start in an emulated box."""
    said = box.ssh("callfloor update status --json; callfloor journal stats --json")[1]
    told = {name: value for each in _objects(said) for name, value in each.items()}
    fault = "" if {"running", "epoch"} <= told.keys() else said[-200:]
    names = ("running", "phase", "slots", "epoch", "last_seq")
    return Seen(**{name: told[name] for name in names if told.get(name)}, past=tuple(told.get("past") or ()), fault=fault)


def _objects(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    at = text.find("{")
    while at >= 0:
        try:
            each, end = json.JSONDecoder().raw_decode(text, at)
        except ValueError:
            end = at + 1
        else:
            found.append(each)
        at = text.find("{", end)
    return found


def runs(now: Seen, version: str, slot: str) -> bool:
    """Whether this version runs, in this slot, and is committed."""
    return now.running == version and now.slots.get("booted") == slot and now.slots.get("committed") == slot


def attach(box: Box) -> None:
    """The disk with the bundles, read-only."""
    box.ssh(f"mkdir -p {BUNDLES} && mount -o ro /dev/disk/by-id/nvme-QEMU_NVMe_Ctrl_bundles {BUNDLES}")


@dataclass
class Ledger:
    """How far the journal was when it was looked at last."""

    epoch: str = ""
    last_seq: int = 0

    def goes_on(self, now: Seen) -> tuple[bool, str]:
        """Whether it is the same journal and has more events than before; and that in words."""
        ok = now.last_seq > self.last_seq and self.epoch in ("", now.epoch) and now.epoch != ""
        said = f"epoch {now.epoch}, {self.last_seq} → {now.last_seq}{f'; {now.fault}' if now.fault else ''}"
        self.epoch, self.last_seq = now.epoch, now.last_seq
        return ok, said
