"""The peer of the journal: what any script would do with sqlite3 and the same durability, and the disk's own floor under it."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

#: Pages in the write-ahead log before SQLite checkpoints: SQLite's own default.
CHECKPOINT_PAGES = 1000


class BareJournal:
    """`(seq, body)`, WAL, synchronous=FULL, one executemany a commit, the log warm: nothing else."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=FULL")
        self.db.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        self.db.execute("CREATE TABLE IF NOT EXISTS event(seq INTEGER PRIMARY KEY, body BLOB NOT NULL)")
        self.seq = 0

    def warm(self, bodies: Sequence[bytes]) -> None:
        """Fill the log once to the size at which it is reused."""
        while Path(self.db.execute("PRAGMA database_list").fetchone()[2] + "-wal").stat().st_size < CHECKPOINT_PAGES * 4120:
            self.append(bodies)

    def append(self, bodies: Sequence[bytes]) -> int:
        """Commit once."""
        first = self.seq + 1
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany("INSERT INTO event VALUES(?,?)", [(first + at, body) for at, body in enumerate(bodies)])
        self.db.execute("COMMIT")
        self.seq += len(bodies)
        return self.seq

    def close(self) -> None:
        """Close the file."""
        self.db.close()


class Flush:
    """One durable 4 KiB write over bytes that are there already: the least that any durable append can cost."""

    def __init__(self, folder: Path) -> None:
        self._descriptor = os.open(folder / "flush", os.O_RDWR | os.O_CREAT, 0o600)
        os.pwrite(self._descriptor, bytes(4096), 0)
        os.fsync(self._descriptor)

    def seconds(self) -> float:
        """Do it once."""
        start = time.perf_counter()
        os.pwrite(self._descriptor, os.urandom(64) * 64, 0)
        os.fdatasync(self._descriptor)
        return time.perf_counter() - start
