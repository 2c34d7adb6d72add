"""ThingsBoard gateway's stores, driven as its gateway drives them, with the settings that it ships. Runs in an environment of its own."""

from __future__ import annotations

import base64
import importlib
import json
import logging
import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

from tests.bench.ledger import ACCEPTED, REFUSED, Ledger, number_from, paced
from tests.bench.worker import heard, tell

_STORES = {
    "sqlite": ("thingsboard_gateway.storage.sqlite.sqlite_event_storage", "SQLiteEventStorage"),
    "file": ("thingsboard_gateway.storage.file.file_event_storage", "FileEventStorage"),
}
#: As its tb_gateway.json has them, but for the number of files: so that its limit is not what is measured.
_SETTINGS = {"max_file_count": 1000, "max_read_records_count": 10, "max_records_per_file": 10000, "messages_ttl_in_days": 7}
_QUEUED_S = 30.0


def _store(kind: str, folder: str) -> Any:
    log = logging.getLogger("storage")
    log.addHandler(logging.NullHandler())
    log.propagate = False
    module, name = _STORES[kind]
    settings = {**_SETTINGS, "data_folder_path": f"{folder}/", "data_file_path": f"{folder}/"}
    if not hasattr(logging.Logger, "trace"):
        logging.Logger.trace = lambda *_: None  # type: ignore[attr-defined]
    return getattr(importlib.import_module(module), name)(settings, log, threading.Event())


def writer(kind: str, folder: str, ledger: str, events: str, count: int, rate: float) -> None:
    """Child: put, and write down what `put` said; at the end an orderly stop, once its own queue is empty or does not get shorter."""
    bodies = Path(events).read_text().splitlines()
    store = _store(kind, folder)
    book = Ledger(ledger, count)
    time.sleep(0.3)  # its writer's thread starts
    tell("ready")
    for number in paced(count, rate):
        try:
            said = ACCEPTED if store.put(bodies[number]) else REFUSED
        except Exception:  # whatever it raises, its caller knows that the event was not taken
            said = REFUSED
        book.note(number, said)
    queue, until = getattr(store, "write_queue", None), time.monotonic() + _QUEUED_S
    while queue is not None and queue.qsize() and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.5)
    book.end()
    heard()
    store.stop()
    time.sleep(0.5)
    os._exit(0)


def reader(kind: str, folder: str) -> None:
    """Child: all that stands in its files, more than its own reader may find; then from opening to its first pack."""
    numbers = _in_database(folder) if kind == "sqlite" else _in_files(folder)
    began, pack = time.perf_counter(), None
    try:
        store = _store(kind, folder)
        while not pack and time.perf_counter() - began < 3.0:
            pack = store.get_event_pack()
    except Exception as fault:  # a store that does not open after a cut is a result
        tell({"numbers": numbers, "seconds": None, "faults": [str(fault)]})
        os._exit(0)
    tell({"numbers": numbers, "seconds": time.perf_counter() - began if pack else None, "faults": []})
    os._exit(0)


def _in_database(folder: str) -> list[int]:
    found = []
    for path in sorted(Path(folder).glob("*.db")):
        try:
            found += [number_from(row[0]) for row in sqlite3.connect(path).execute("SELECT message FROM messages")]
        except sqlite3.Error:
            continue
    return found


def _in_files(folder: str) -> list[int]:
    found = []
    for path in sorted(Path(folder).glob("data_*")):
        for line in path.read_bytes().splitlines():
            try:
                found.append(number_from(base64.b64decode(line)))
            except (ValueError, KeyError, json.JSONDecodeError):
                continue
    return found
