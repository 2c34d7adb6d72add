"""What a CRM keeps of one box beside its events: whether it is there, what it holds, and how its floor is."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Struct


class _Status(Struct, frozen=True):
    state: str
    since: str | None = None
    boot: str | None = None


class _Directory(Struct, frozen=True):
    version: int = 0
    entries: int = 0


class _Info(Struct, frozen=True):
    epoch: str
    version: str | None = None
    first_delivery: int | None = None
    last_delivery: int | None = None
    directory: _Directory | None = None


class _Crm(Struct, frozen=True):
    state: str
    backlog: int | None = None
    shed: int | None = None
    skipped: int | None = None


class _Floor(Struct, frozen=True):
    time: str | None = None
    seq: int | None = None
    crm: _Crm | None = None


_status: Final = msgspec.json.Decoder(_Status)
_info: Final = msgspec.json.Decoder(_Info)
_floor: Final = msgspec.json.Decoder(_Floor)


class Box(Struct):
    """The last word of each kind; None: not heard yet. `faults`: messages that were none of their kind."""

    status: _Status | None = None
    info: _Info | None = None
    floor: _Floor | None = None
    pops: int = 0
    faults: int = 0

    def hear(self, lane: str, payload: bytes) -> None:
        """A message under `status`, `info`, `floor` or `pop`. A retained one that was taken away (empty) is no word any more."""
        try:
            if lane == "status":
                self.status = _status.decode(payload) if payload else None
            elif lane == "info":
                self.info = _info.decode(payload) if payload else None
            elif lane == "floor":
                self.floor = _floor.decode(payload) if payload else None
            elif lane == "pop":
                self.pops += 1
        except (msgspec.DecodeError, UnicodeDecodeError):
            self.faults += 1

    def report(self) -> dict[str, Any]:
        """All of it, for a script."""
        crm = self.floor.crm if self.floor is not None else None
        return {
            "state": self.status.state if self.status is not None else None,
            "version": self.info.version if self.info is not None else None,
            "epoch": self.info.epoch if self.info is not None else None,
            "held_from": self.info.first_delivery if self.info is not None else None,
            "held_to": self.info.last_delivery if self.info is not None else None,
            "customers": self.info.directory.entries if self.info is not None and self.info.directory is not None else None,
            "floor_time": self.floor.time if self.floor is not None else None,
            "link": crm.state if crm is not None else None,
            "backlog": crm.backlog if crm is not None else None,
            "pops": self.pops,
        }
