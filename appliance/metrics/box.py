"""Decides what is told of the box itself, once, by whoever is asked: the journal and its disk, the account with the CRM, what it runs."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from pathlib import Path

from appliance.core.disk import free_bytes, size_bytes
from appliance.core.errors import CallfloorError
from appliance.core.journal import Journal
from appliance.core.meter import Family, Sample, count, gauge
from appliance.version import VERSION


def of_version(site: str, box: str) -> Family:
    """What runs here."""
    labels = {"version": VERSION, "python": platform.python_version(), "site": site, "box": box}
    return Family("callfloor_build", "info", "What runs on this box.", (Sample(labels, 1),))


def of_services(enabled: Iterable[str], told: Iterable[str]) -> list[Family]:
    """Services that the configuration asks for and of which no process answers: down."""
    missing = sorted(set(enabled) - set(told))
    return [gauge("callfloor_service_up", "Whether the service runs and does its job.", [({"service": name}, 0) for name in missing])]


def of_journal(journal: Journal) -> list[Family]:
    """How full the journal is, and the books towards the CRM; nothing of a journal that cannot be read now."""
    try:
        head, limits, account = journal.head(), journal.limits(), journal.account("uplink")
    except CallfloorError:
        return []
    path: Path | None = getattr(journal, "path", None)
    one: dict[str, str] = {}
    return [
        gauge("callfloor_journal_seq", "Newest journal position.", [(one, head.seq)]),
        gauge("callfloor_journal_first_seq", "Oldest journal position still held.", [(one, limits.first_seq)]),
        gauge("callfloor_journal_used_bytes", "Bytes of events that the journal holds.", [(one, limits.bytes_used)]),
        gauge("callfloor_journal_max_bytes", "Bytes that the journal may hold.", [(one, limits.max_bytes)]),
        gauge("callfloor_journal_file_bytes", "Size of the journal's file: pages used and pages free to be used again.",
              [(one, size_bytes(path) if path is not None else None)]),
        gauge("callfloor_journal_wal_bytes", "Size of the write-ahead log.", [(one, limits.wal_bytes)]),
        gauge("callfloor_journal_disk_free_bytes", "Room on the disk where the journal lies.", [(one, _free(path))]),
        gauge("callfloor_journal_pressure", "Whether headset transitions are not recorded for want of room.", [(one, limits.pressure)]),
        gauge("callfloor_journal_full", "Whether the disk takes no more events.", [(one, limits.full)]),
        gauge("callfloor_crm_backlog", "Events that wait for the CRM.", [(one, account.waiting)]),
        count("callfloor_crm_recorded", "Events recorded for the CRM in this epoch.", [(one, account.recorded)]),
        count("callfloor_crm_delivered", "Events delivered to the CRM in this epoch.", [(one, account.delivered)]),
        count("callfloor_crm_shed", "Events let go undelivered in this epoch, by budget or age.", [(one, account.shed)]),
        count("callfloor_crm_skipped", "Events given up as undeliverable in this epoch.", [(one, account.skipped)]),
        gauge("callfloor_crm_oldest_waiting_timestamp_seconds", "When the oldest event that waits for the CRM was recorded, since 1970.",
              [(one, None if account.oldest_wall_ns is None else account.oldest_wall_ns / 1e9)]),
    ]  # fmt: skip


def _free(path: Path | None) -> int | None:
    try:
        return None if path is None else free_bytes(path.parent)
    except OSError:
        return None
