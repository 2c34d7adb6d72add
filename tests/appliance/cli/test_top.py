"""`callfloor top` in a terminal of 80 by 24: what stands there, what it sends, a resized window, services and a journal that die."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.cli.terminal import changes
from appliance.cli.top_page import Facts, page
from appliance.cli.top_words import WORDS
from appliance.core.catalogue import BoxHealth, CallQueued, kind_of
from appliance.core.clock import SystemClock, wall_ns_from_rfc3339
from appliance.core.event import Event
from appliance.core.journal import Limits
from appliance.core.journal_sqlite import SqliteJournal
from appliance.floor.snapshot import AgentCounts, Callbacks, Channel, Crm, Headset, Health, Outbound, Pbx, Queue, Snapshot, Window

NOW = "2026-11-22T08:00:00.000Z"
NOW_NS = wall_ns_from_rfc3339(NOW)
SGR = re.compile(r"\x1b\[[0-9;]*m")

# -- what stands there ---------------------------------------------------------


def shot(queues: int = 3, seats: int = 0, wrong: int = 0) -> Snapshot:
    return Snapshot(
        site="quito", box="p3", time=NOW, clock="synced",
        crm=Crm(state="down", since="2026-11-22T07:57:00.000Z", backlog=1204, recorded=10324, delivered=9120, full_in_s=200_000.0),
        pbx={"central": Pbx(state="up", since="2026-11-22T06:00:00.000Z")},
        queues={f"q{at:02}": Queue(fresh="live", waiting=at, longest_wait=float(at), agents=AgentCounts(available=2, talking=1),
                                   today=Window(answered=10, abandoned=1, service_level=0.8)) for at in range(queues)},
        headsets={f"a-{at}": Headset(seat=f"a-{at}", attached=True, fresh="live", hook="on") for at in range(seats)} or None,
        health=[Health(id=f"h{at}", level="amber", text="not well") for at in range(wrong)],
    )  # fmt: skip


def test_callbacks_vips_dialled_calls_and_channels_have_one_line() -> None:
    floor = shot()
    floor.floor = Queue(
        fresh="live", vip_waiting=1, vip_longest_since="2026-11-22T07:59:18.000Z",
        callbacks=Callbacks(open=7, claimed=2, oldest_since="2026-11-22T07:00:00.000Z"),
        today=Window(outbound=Outbound(attempts=73, contacts=31)),
    )  # fmt: skip
    floor.channels = {"email": Channel(fresh="live", waiting=11), "chat": Channel(fresh="stale", waiting=3), "fax": Channel()}
    said = text(page(floor, Facts(), NOW_NS))  # type: ignore[arg-type]
    assert [line.rstrip() for line in said[3:5]] == [
        "callbacks 7 (2 taken) 60m  VIP 1 42s  dialled 73, reached 31", "waiting by channel:  email 11  chat ~3  fax –",
    ]  # fmt: skip
    assert text(page(floor, Facts(), NOW_NS, width=40))[4] == "waiting by channel:  email 11  +2"  # type: ignore[arg-type]
    spanish = text(page(floor, Facts(tongue="es"), NOW_NS))  # type: ignore[arg-type]
    assert spanish[3].startswith("por devolver 7 (2 tomadas) 60m  VIP 1 42s  marcadas 73, contactos 31")


def text(lines: list[tuple[object, ...]]) -> list[str]:
    return ["".join(span.text for span in line) for line in lines]  # type: ignore[attr-defined]


def test_a_small_floor_stands_whole() -> None:
    facts = Facts({"gateway": True, "uplink": False}, Limits(3 * 1024**2, 100 * 1024**2, 1, commit_s=0.004))
    said = text(page(shot(seats=2), facts, NOW_NS))  # type: ignore[arg-type]
    assert said[:3] == [
        "quito/p3  08:00:00Z  gateway up uplink DOWN",
        "pbx central up 2h  crm down 3m",
        "held 1,204  delivered 9,120 of 10,324  room for 55h  journal 3%, 4 ms a commit",
    ]
    assert said[4].split() == ["?all", "–", "–", "–", "–", "0", "0", "–"]
    assert said[5].split() == ["q02", "2", "0:02", "2", "1", "10", "1", "80%"], "the longest wait first"
    assert not any("callbacks" in line or "VIP" in line for line in said), "nobody knows of any"
    assert said[-2:] == ["headsets 2: 0 off hook, 0 muted, 0 unplugged", f"{' a-0':<10}{'on':<10}{' a-1':<10}{'on':<10}"]


def test_in_spanish_and_portuguese_nothing_is_left_in_english() -> None:
    """The widest words of both still fit, and every text of the page has them."""
    limits = Limits(3 * 1024**2, 100 * 1024**2, 1, commit_s=0.004)
    shown = {}
    for tongue in ("es", "pt"):
        facts = Facts({"gateway": True, "uplink": False}, limits, "", tongue)
        said = text(page(shot(queues=30, seats=2, wrong=2), facts, NOW_NS))  # type: ignore[arg-type]
        assert len(said) <= 24
        assert all(len(line) <= 80 for line in said)
        shown[tongue] = "\n".join(said)
        for word in (
            "DOWN",
            "held",
            "delivered",
            "room",
            "commit",
            "queue",
            "longest",
            "answ",
            "aband",
            "in time",
            "muted",
            "unplugged",
            "more",
        ):
            assert not re.search(rf"\b{word}\b", shown[tongue]), word
    assert "gateway bien uplink CAÍDO" in shown["es"]
    assert "retenidos 1,204  entregados 9,120 de 10,324" in shown["es"]
    assert "crm fora 3m" in shown["pt"]
    source = (Path(__file__).parents[3] / "appliance/cli/top_page.py").read_text()
    used = set(re.findall(r"""said\(\s*["']([^"']+)["']""", source)) | {
        "shed {}",
        "skipped {}",
        "more",
        "more queues",
        "more rows of headsets",
    }
    assert used <= set(WORDS)
    for forms in WORDS.items():
        assert {form.count("{}") for form in (forms[0], *forms[1])} == {forms[0].count("{}")}


@given(st.integers(0, 60), st.integers(0, 300), st.integers(0, 30), st.integers(40, 160), st.integers(10, 60))
def test_whatever_the_floor_it_fits_and_counts_what_does_not(queues: int, seats: int, wrong: int, width: int, height: int) -> None:
    said = text(page(shot(queues, seats, wrong), Facts(), NOW_NS, width, height))  # type: ignore[arg-type]
    assert len(said) <= height
    assert all(len(line) <= width for line in said)
    whole = "\n".join(said)
    if queues > height or (wrong > height):
        assert "more" in whole
    if seats:
        assert f"headsets {seats}" in whole


def test_findings_and_calls_come_before_idle_seats() -> None:
    seats = {f"s{at:03}": Headset(seat="s", attached=True, fresh="live", hook="on") for at in range(200)}
    seats["s150"] = Headset(seat="s150", attached=True, fresh="live", hook="off", mute=True)
    seats["s199"] = Headset(seat="s199", attached=True, fresh="live", hook="on", findings=("available_on_hook",))
    snapshot = shot()
    snapshot.headsets = seats
    said = text(page(snapshot, Facts(), NOW_NS))  # type: ignore[arg-type]
    first = next(line for line in said if line.startswith("!s199"))
    assert "s150     off mute" in first


# -- what is sent --------------------------------------------------------------


def test_only_the_figures_that_changed_are_sent() -> None:
    assert changes("ventas   12   0:41   2", "ventas   13   0:42   2") == [(10, "3   0:42"[:1] + "   0:42")]
    assert changes("abcdefghijklmnopqrstuvwxyz", "AbcdefghijklmnopqrstuvwxyZ") == [(0, "A"), (25, "Z")]
    assert changes("a", "ab") is None
    assert changes("e\u0301", "ab") is None


@given(st.text("ab é–", max_size=60), st.text("ab é–", max_size=60))
def test_the_pieces_make_the_line(before: str, after: str) -> None:
    before, after = before.ljust(60), after.ljust(60)
    stands = list(before)
    for column, piece in changes(before, after) or []:
        stands[column : column + len(piece)] = piece
    assert "".join(stands) == after


class Terminal:
    """What a person sees: rows of signs, from the few sequences that are sent. Anything else is an error."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[int, str]] = {}
        self.row = self.column = 1
        self.rest = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        self.whole = 0

    def feed(self, data: bytes) -> None:
        self.rest += self.decoder.decode(data)
        while self.rest:
            found = re.match(r"\x1b\[(\??)([0-9;]*)([A-Za-z])", self.rest)
            if found:
                self._do(found[1], found[2], found[3])
                self.rest = self.rest[found.end() :]
            elif self.rest.startswith("\x1b"):
                return
            else:
                self.rows.setdefault(self.row, {})[self.column] = self.rest[0]
                self.column += 1
                self.rest = self.rest[1:]

    def _do(self, private: str, numbers: str, what: str) -> None:
        if what == "H":
            self.row, self.column = map(int, numbers.split(";"))
        elif what == "K":
            self.rows[self.row] = {at: sign for at, sign in self.rows.get(self.row, {}).items() if at < self.column}
        elif what == "J":
            self.rows = {} if numbers == "2" else {at: row for at, row in self.rows.items() if at < self.row}
            self.whole += 1
        else:
            assert what in "mhl", (private, numbers, what)

    def text(self) -> str:
        rows = ("".join(row.get(at, " ") for at in range(1, max(row, default=0) + 1)) for _, row in sorted(self.rows.items()))
        return "\n".join(rows)


class Slow:
    """The verb at the end of a slow line: read at so many bytes a second."""

    def __init__(self, file: Path, *words: str, bytes_per_s: float = 960, rows: int = 24, columns: int = 80) -> None:
        self.bytes_per_s = bytes_per_s
        self.master, slave = pty.openpty()
        self.size(rows, columns)
        environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        command = [sys.executable, "-W", "error", "-m", "appliance.cli.main", "top", "-c", str(file), *words]
        self.verb = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=subprocess.PIPE, env=environment, close_fds=True)
        os.close(slave)
        self.terminal, self.received = Terminal(), 0

    def size(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def until(self, so: Callable[[str], object], limit_s: float = 30.0) -> None:
        """Read at the line's speed (9600 baud, ten bits a sign) until the screen is so."""
        end_s = time.monotonic() + limit_s
        while not so(self.terminal.text()):
            assert time.monotonic() < end_s, self.terminal.text()
            if select.select([self.master], [], [], 0.1)[0]:
                data = os.read(self.master, max(96, round(self.bytes_per_s / 10)))
                self.received += len(data)
                self.terminal.feed(data)
                time.sleep(len(data) / self.bytes_per_s)

    def end(self) -> tuple[int, str]:
        self.verb.send_signal(signal.SIGINT)
        os.set_blocking(self.master, False)
        errors = self.verb.communicate(timeout=20)[1].decode()
        os.close(self.master)
        return self.verb.returncode, errors


def queued(visit: str, queue: str) -> Event:
    clock = SystemClock()
    data = CallQueued(call=visit, pbx="central", visit=visit, queue=queue, caller="0995550147")
    return Event(kind_of(data), "gateway/central", clock.wall_ns(), clock.mono_ns(), clock.boot, "synced", data)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[tuple[Path, SqliteJournal]]:
    (tmp_path / "secret").write_text("x")
    file = tmp_path / "callfloor.toml"
    file.write_text(f'[journal]\npath = "{tmp_path}/journal.db"\nrun_dir = "{tmp_path}/run"\n[pbx.central]\nsecret_file = "secret"\n')
    journal = SqliteJournal.open(tmp_path / "journal.db", run_dir=tmp_path / "run")
    yield file, journal
    journal.close()


@contextmanager
def watched(file: Path, *words: str, bytes_per_s: float = 960) -> Iterator[Slow]:
    slow = Slow(file, *words, bytes_per_s=bytes_per_s)
    try:
        yield slow
    finally:
        if slow.verb.poll() is None:
            slow.verb.kill()
            slow.verb.communicate()


def test_a_busy_floor_over_9600_baud(box: tuple[Path, SqliteJournal]) -> None:
    """Calls wait in twenty queues, and each of their clocks goes on: it sends no more than it may, and what stands there is right."""
    file, journal = box
    journal.append([queued(f"v{at}", f"cola-{at:02}") for at in range(20)])
    with watched(file, "--every", "0.1", "--bytes-per-s", "500") as slow:
        slow.until(lambda said: "cola-00" in said)
        began_s, first = time.monotonic(), slow.received
        slow.until(lambda said: re.search(r"cola-07 +. +0:0[3-9]", said))
        journal.append([queued("late", "cola-99")])
        slow.until(lambda said: "… 4 more queues" in said)
        sent, took_s = slow.received - first, time.monotonic() - began_s
        text = slow.terminal.text()
        assert "gateway DOWN uplink DOWN" in text
        assert "0995550147" not in text
        # Two screens more: one that was under way, and one that was drawn whole.
        assert sent <= 500 * took_s + 2 * 2200
        code, errors = slow.end()
    assert (code, errors) == (0, "")


def test_a_window_that_is_resized_and_a_journal_that_goes_away(box: tuple[Path, SqliteJournal]) -> None:
    file, journal = box
    clock = SystemClock()
    health = BoxHealth(id="temperature", level="amber", text="it is too hot")
    journal.append([queued(f"v{at}", f"cola-{at:02}") for at in range(20)])
    journal.append([Event("box.health", "box/box", clock.wall_ns(), clock.mono_ns(), clock.boot, "synced", health)])
    with watched(file, "--every", "0.1", "--bytes-per-s", "20000", bytes_per_s=20_000) as slow:
        slow.until(lambda said: "more queues" in said)
        assert "! temperature: it is too hot" in slow.terminal.text()
        whole = slow.terminal.whole
        slow.size(40, 120)
        slow.until(lambda said: "cola-19" in said and "more queues" not in said and slow.terminal.whole > whole)
        for name in ("journal.db", "journal.db-wal", "journal.db-shm"):
            (file.parent / name).unlink(missing_ok=True)
        with closing(SqliteJournal.open(file.parent / "journal.db", run_dir=file.parent / "run")) as new:
            new.append([queued("n", "cola-nueva")])
            slow.until(lambda said: "cola-nueva" in said and "cola-19" not in said)
        code, errors = slow.end()
    assert (code, errors) == (0, "")
