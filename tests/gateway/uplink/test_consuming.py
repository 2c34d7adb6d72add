"""The consumer of docs/consuming.md, as it stands there, against a real PostgreSQL and a real mosquitto."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance.core.catalogue import CallHeld, JournalGap

pytestmark = [pytest.mark.broker, pytest.mark.postgres]
DOCUMENT = Path(__file__).parents[3] / "docs" / "consuming.md"


def block(language: str) -> str:
    """The first block of a language in the document."""
    found = re.search(rf"^```{language}\n(.*?)^```", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def server(postgres_folder: Path) -> Iterator[str]:
    """A PostgreSQL of this module's own on a Unix socket, as a user that is not root; what reaches it."""
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="callfloor-pg-"))  # a test's own folder is root's alone where root runs it
    if as_user:
        shutil.chown(folder, "postgres")
    data = folder / "data"
    try:
        run = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "cwd": folder, "env": {**os.environ, "LC_ALL": "C"}}
        subprocess.run(
            [*as_user, postgres_folder / "initdb", "-D", data, "-U", "crm", "-A", "trust", "--no-sync", "-E", "UTF8"], check=True, **run
        )
        options = f"-k {folder} -c listen_addresses='' -c fsync=off -c shared_buffers=16MB -c max_connections=20"
        control = [*as_user, postgres_folder / "pg_ctl", "-D", data, "-s", "-w"]
        subprocess.run([*control, "-l", folder / "log", "-o", options, "start"], check=True, **run)
        try:
            yield f"host={folder} user=crm dbname="
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, **run)
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def database(server: str, request: pytest.FixtureRequest) -> str:
    """A database of the test's own with the document's tables; its DSN."""
    import psycopg  # noqa: PLC0415

    name = f"t{abs(hash(request.node.name))}"
    with psycopg.connect(server + "postgres", autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name}".encode())
    with psycopg.connect(server + name, autocommit=True) as db:
        db.execute(block("sql").encode())
    return server + name


def rows(dsn: str, query: str) -> list[tuple[Any, ...]]:
    import psycopg  # noqa: PLC0415

    with psycopg.connect(dsn) as db:
        return db.execute(query.encode()).fetchall()


class Program:
    """consume.py of the document, as a process."""

    def __init__(self, folder: Path, port: int, dsn: str, *more: str, patience_s: float = 30.0) -> None:
        source = block("python").replace("LOOK_S, PATIENCE_S", "LOOK_S, PATIENCE_S", 1)
        assert "500, 5.0, 30.0," in source
        file = folder / f"consume-{more[1] if len(more) > 1 else 'only'}.py"
        file.write_text(source.replace("500, 5.0, 30.0,", f"500, 0.2, {patience_s},", 1), encoding="utf-8")
        self._words = [sys.executable, "-W", "error", str(file), f"127.0.0.1:{port}", dsn, *more]
        self._errors = (folder / f"{file.stem}.err").open("ab")
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._words, stderr=self._errors)

    def kill(self) -> None:
        """As a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        self.kill()
        self._errors.close()


@contextlib.contextmanager
def running(*words: Any, **more: Any) -> Iterator[Program]:
    program = Program(*words, **more)
    try:
        yield program
    finally:
        program.close()


async def count(dsn: str) -> int:
    return int((await asyncio.to_thread(rows, dsn, "SELECT count(*) FROM callfloor_event"))[0][0])


async def reached(dsn: str, wanted: int) -> None:
    for _ in range(600):
        if await count(dsn) >= wanted:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{await count(dsn)} of {wanted} events are in the table")


async def test_every_event_is_there_once_though_the_consumer_is_killed_in_the_middle(rig: Any, database: str) -> None:
    broker = rig.broker()
    box = rig.box(broker.url)
    box.calls(2500)
    dice = random.Random(7)
    with running(rig.folder, broker.port, database) as program:
        box.start()
        for _ in range(3):
            await reached(database, dice.randrange(1, 300))
            program.kill()
            box.calls(300, f"k{dice.random()}")
            program.start()
        await rig.until(box.settled)
        last = box.journal.head().n
        await reached(database, last)
        await rig.until(lambda: rows(database, "SELECT newest, complete FROM callfloor_stream") == [(last, last)])
    stored = rows(database, "SELECT delivery, id, sequence FROM callfloor_event ORDER BY delivery")
    assert [row[0] for row in stored] == list(range(1, last + 1))
    assert len({row[1] for row in stored}) == last
    assert all(name == f"{box.journal.epoch}-{sequence}" for _, name, sequence in stored)
    assert rows(database, "SELECT count(*) FROM callfloor_unread") == [(0,)]


@pytest.mark.slow
async def test_a_database_that_goes_away_costs_nothing(rig: Any, database: str) -> None:
    broker = rig.broker()
    box = rig.box(broker.url)
    box.calls(2000)
    name = database.rpartition("=")[2]
    cut = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    with running(rig.folder, broker.port, database):
        box.start()
        await reached(database, 20)
        assert rows(database, cut)[0][0] >= 1
        await rig.until(box.settled)
        last = box.journal.head().n
        await reached(database, last)
    assert rows(database, "SELECT count(*), max(delivery) FROM callfloor_event") == [(last, last)]


def document(n: int, kind: str = "call.held", epoch: str = "e1", /, **data: Any) -> bytes:
    event = {
        "specversion": "1.0", "id": f"{epoch}-{n + 100}", "source": "/quito/p3/gateway/central", "type": f"callfloor.{kind}.v1",
        "time": "2026-11-21T14:06:40.123Z", "sequence": f"{n + 100:012d}", "delivery": f"{n:012d}", "clock": "synced", "data": data,
    }  # fmt: skip
    return msgspec.json.encode(event)


async def test_doubles_any_order_announced_gaps_and_rubbish(rig: Any, database: str) -> None:
    """What `$share` and redelivery may do at their worst: the tables end up as if all had come once and in order."""
    broker = rig.broker()
    sender = rig.consumer(broker, "callfloor/none")
    topic = "callfloor/1/quito/p3/event/"
    messages = [(topic + "call/held", document(n, call=f"c{n}")) for n in range(1, 200) if not 50 <= n <= 60 and n != 77]
    messages.append((topic + "journal/gap", document(200, "journal.gap", **{"from": 50, "to": 60})))
    messages.append((topic + "journal/skipped", document(201, "journal.skipped", n=77, reason="0x99")))
    messages.append((topic + "journal/gap", document(202, "journal.gap", **{"from": 203})))
    shuffled = messages * 2
    random.Random(3).shuffle(shuffled)
    rubbish = [
        (topic + "call/held", b"\xff\xfe"),
        (topic + "call/held", b'{"id": 3}'),
        (topic + "call/held", document(203, call="a\x00b")),
        (topic + "call/held", b"[]"),
    ]
    with running(rig.folder, broker.port, database, "+/+", "crm-a") as _:
        await rig.until(lambda: _subscribed(sender))
        for at, (name, payload) in enumerate([*shuffled, *rubbish]):
            sender.client.publish(name, payload, 1)
            if at % 100 == 0:
                await asyncio.sleep(0.01)
        await reached(database, len(messages))
        await rig.until(lambda: rows(database, "SELECT newest, complete FROM callfloor_stream") == [(202, 202)])
        await rig.until(lambda: rows(database, "SELECT count(*) FROM callfloor_unread") == [(4,)])
    assert rows(database, "SELECT count(*), min(delivery), max(delivery) FROM callfloor_event") == [(190, 1, 202)]
    assert rows(database, "SELECT first, last, why FROM callfloor_lost ORDER BY 1") == [(50, 60, "shed"), (77, 77, "0x99")]


def _subscribed(sender: Any) -> bool:
    """Somebody takes what is published: the broker says so."""
    heard: list[int] = []
    sender.client.on_publish = lambda _c, _u, _mid, code, _p: heard.append(code.value)
    sender.client.publish("callfloor/1/quito/p3/event/call/held", document(1, call="c1"), 1).wait_for_publish(2)
    sender.client.on_publish = None
    return heard == [0]


async def test_a_hole_is_asked_for_and_what_is_not_held_is_noted(rig: Any, database: str) -> None:
    """The consumer comes late: the broker kept nothing for it. What the box holds is sent again; the rest is known to be lost."""
    broker = rig.broker()
    first = rig.consumer(broker, client_id="first")
    box = rig.box(broker.url)
    box.calls(900)
    box.start()
    await rig.until(box.settled)
    before = box.journal.head().n
    with box.journal._locked():
        box.journal._store.prune(300, before, lambda first: (b"", False))
    held = box.journal.read_n(1, before)[0].n
    with running(rig.folder, broker.port, database, "quito/p3", "crm-late", patience_s=0.2):
        while not await count(database):
            box.journal.append([box.event(CallHeld(call="later", pbx="central"))])
            await asyncio.sleep(0.1)
        await rig.until(lambda: rows(database, "SELECT complete >= 901 FROM callfloor_stream") == [(True,)])
    first.drop()
    assert rows(database, "SELECT first, last, why FROM callfloor_lost") == [(1, held - 1, "no longer held")]
    stored = [row[0] for row in rows(database, "SELECT delivery FROM callfloor_event ORDER BY 1")]
    assert stored == list(range(held, stored[-1] + 1))
    late = rows(database, "SELECT count(*) FROM callfloor_event WHERE late")[0][0]
    assert late >= before - held


@pytest.mark.slow
async def test_two_of_a_shared_subscription_fill_one_table(rig: Any, database: str) -> None:
    broker = rig.broker()
    box = rig.box(broker.url)
    box.calls(1200)
    more = (broker.port, database, "+/+")
    with running(rig.folder, *more, "crm-1", "crm") as one, running(rig.folder, *more, "crm-2", "crm"):
        box.start()
        await reached(database, 50)
        one.kill()
        one.start()
        await rig.until(box.settled)
        last = box.journal.head().n
        await reached(database, last)
        await rig.until(lambda: rows(database, "SELECT newest, complete FROM callfloor_stream") == [(last, last)])
    assert rows(database, "SELECT count(*), count(DISTINCT id), max(delivery) FROM callfloor_event") == [(last, last, last)]


def test_the_document_names_a_gap_as_the_catalogue_does() -> None:
    assert msgspec.json.decode(msgspec.json.encode(JournalGap(first=3, last=5))) == {"from": 3, "to": 5}
