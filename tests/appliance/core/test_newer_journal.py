"""A journal that a newer version has migrated, after that version was rolled back: gone on with where it only added, else refused whole."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from appliance.core.errors import UnsupportedError
from appliance.core.store import SCHEMA_VERSION, Store

BODY = b'{"kind":"box.health","source":"box/box","wall_ns":1,"mono_ns":1,"boot":"b","clock":"synced","data":{"id":"clock","level":"ok"}}'


def migrated(path: Path, oldest: object) -> None:
    """As a version to come does it: a new table, its format's number, and who may still use the file."""
    Store.create(path, "e1").close()
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE later(key TEXT PRIMARY KEY, value)")
    if oldest is not None:
        db.execute("INSERT INTO meta VALUES('oldest_format', ?)", (oldest,))
    db.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    db.commit()
    db.close()


def test_what_was_only_added_to_is_gone_on_with_and_its_number_stays(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    migrated(path, SCHEMA_VERSION)
    store = Store.open(path, check_rows=0)
    try:
        assert store.insert([(BODY, True)], []) == (1, 1)
    finally:
        store.close()
    reader = Store.open_readonly(path)
    assert reader.epoch == "e1"
    reader.close()
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION + 1,)
    assert db.execute("SELECT count(*) FROM later").fetchone() == (0,)
    db.close()


@pytest.mark.parametrize("oldest", [None, SCHEMA_VERSION + 1, "1"])
def test_what_was_changed_is_refused_and_not_touched(tmp_path: Path, oldest: object) -> None:
    path = tmp_path / "journal.db"
    migrated(path, oldest)
    before = path.read_bytes()
    for how in (Store.open, Store.open_readonly):
        with pytest.raises(UnsupportedError, match="newer version"):
            how(path)
    assert path.read_bytes() == before
