"""A whole box as a site has it, one process per service, with a simulated PBX, a real mosquitto and a consumer; and what kills them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from appliance.core.catalogue import event_from_stored
from appliance.core.errors import TransientError
from appliance.core.event import Entry, Event, stored_from_body
from appliance.core.journal import Account
from appliance.core.journal_readonly import ReadonlyJournal

HERE = Path(__file__).parent
MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
#: As a unit's RestartSec, shortened: the test's day is played faster too.
RESTART_S = 0.2

CONFIG = """[site]
name = "quito"
box = "p3"
timezone = "{noon}"
language = "en"

[journal]
path = "{journal}"
{budget}

[pbx.central]
host = "127.0.0.1"
port = {pbx_port}
username = "callfloor"
secret_file = "pbx.secret"
reconnect_max_s = 1.0

[crm]
url = "{mqtt_url}"
reconnect_max_s = 1.0
floor_every_s = 1.0
{crm}

[wallboard.tv]
listen = "127.0.0.1:{http_port}"
"""


def noon() -> str:
    """A timezone in which it is about noon: no midnight falls into the test's day."""
    ahead = 12 - time.gmtime().tm_hour
    return f"Etc/GMT{-ahead:+d}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], Any], within_s: float = 20.0, what: str | Callable[[], str] = "it never came to be") -> Any:
    """Wait until something is so; what it is then."""
    end_s = time.monotonic() + within_s
    while not (value := condition()):
        if time.monotonic() > end_s:
            pytest.fail(what() if callable(what) else what)
        time.sleep(0.05)
    return value


class Process:
    """One process of the floor. `keep` starts it again whenever it is gone, as systemd would."""

    def __init__(self, name: str, command: list[str], folder: Path, env: dict[str, str] | None = None, **popen: Any) -> None:
        self.name, self.starts, self.codes = name, 0, list[int]()
        self._command, self._folder, self._popen, self._env = command, folder, popen, env or {}
        self._log = (folder / f"{name}.log").open("ab")
        self.process: subprocess.Popen[bytes] | None = None
        self._keeper: threading.Thread | None = None
        self._kept = threading.Event()

    def start(self) -> None:
        self.starts += 1
        env = {**os.environ, "PYTHONWARNINGS": "default"} | self._env
        self.process = subprocess.Popen(self._command, cwd=self._folder, env=env, stdout=self._log, stderr=self._log, **self._popen)

    def keep(self) -> None:
        self.start()
        self._kept.set()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def _keep(self) -> None:
        while self._kept.is_set():
            assert self.process is not None
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.codes.append(self.process.wait(0.1))
                time.sleep(RESTART_S)
                if self._kept.is_set():
                    self.start()

    def signal(self, number: int) -> float:
        """Send a signal now; the wall time of it."""
        assert self.process is not None
        self.process.send_signal(number)
        return time.time()

    def wait(self, within_s: float = 10.0) -> int:
        assert self.process is not None
        return self.process.wait(within_s)

    def log(self) -> str:
        return (self._folder / f"{self.name}.log").read_text(errors="replace")

    def close(self) -> None:
        self._kept.clear()
        if self._keeper is not None:
            self._keeper.join()
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self._log.close()


class Pbx:
    """The simulated PBX of `pbx_process.py`."""

    def __init__(self, folder: Path, **options: float) -> None:
        self._folder, self._control = folder, folder / "pbx.sock"
        self.port = free_port()
        words = [word for key, value in options.items() for word in (f"--{key.replace('_', '-')}", f"{value}")]
        command = [sys.executable, str(HERE / "pbx_process.py"), "--port", str(self.port), "--control", str(self._control), *words]
        self.process = Process("pbx", command, folder)

    def start(self) -> None:
        self.process.start()
        until(self._control.exists, what=self.process.log)

    def say(self, line: str) -> str:
        """One control line, its answer."""
        with socket.socket(socket.AF_UNIX) as talk:
            talk.connect(str(self._control))
            talk.sendall(f"{line}\n".encode())
            answer = b""
            while not answer.endswith(b"\n"):
                answer += talk.recv(65536)
        return answer.decode().strip()

    def totals(self) -> dict[str, int]:
        totals: dict[str, int] = json.loads(self.say("truth"))
        return totals

    def look(self) -> dict[str, list[float]]:
        """How many waited since the last look, least and most, and for how many real seconds the longest."""
        with socket.socket(socket.AF_UNIX) as talk:
            talk.settimeout(2.0)
            talk.connect(f"{self._control}.look")
            said: dict[str, list[float]] = json.loads(talk.makefile("rb").readline())
        return said

    def truth(self) -> dict[str, Any]:
        path = self._folder / "truth.json"
        assert self.say(f"truth {path}").startswith("ok")
        truth: dict[str, Any] = json.loads(path.read_text())
        return truth

    def empty(self, within_s: float = 90.0) -> dict[str, Any]:
        """The truth of the whole day, once nobody waits or talks any more."""
        until(lambda: not (t := self.totals())["waiting"] + t["talking"], within_s, lambda: f"the floor does not empty: {self.totals()}")
        return self.truth()


class Crm:
    """What a CRM's engineer writes: plain paho, a durable session, every message kept."""

    def __init__(self, port: int, path: Path | None = None) -> None:
        """`path`: the broker's unix socket, for a broker in a network of its own."""
        self.received: list[dict[str, Any]] = []
        self._subscribed = threading.Event()
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2, "the-crm", protocol=MQTTProtocolVersion.MQTTv5, transport="unix" if path else "tcp"
        )
        self.client.on_message = lambda _c, _u, message: self.received.append(msgspec.json.decode(message.payload))
        self.client.on_connect = lambda client, *_: client.subscribe("callfloor/1/+/+/event/#", 1)
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        self.client.reconnect_delay_set(1, 1)
        kept = Properties(PacketTypes.CONNECT)
        kept.SessionExpiryInterval = 3600
        self.client.connect(str(path or "127.0.0.1"), port, clean_start=False, properties=kept)
        self.client.loop_start()
        assert self._subscribed.wait(10)

    def once(self) -> dict[str, dict[str, Any]]:
        """By id, as the contract tells a consumer to. Asserts that an id always carries the same event."""
        found: dict[str, dict[str, Any]] = {}
        for received in list(self.received):
            event = {key: value for key, value in received.items() if key != "late"}
            assert found.setdefault(event["id"], event) == event, f"one id, two events: {event['id']}"
        return found

    def doubles(self) -> int:
        return len(self.received) - len(self.once())

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


class Broker(Process):
    """mosquitto on a port of its own. `extra`: more lines of its configuration; `prefix`: a command that runs it elsewhere."""

    def __init__(self, folder: Path, extra: str = "persistence false", host: str = "127.0.0.1", prefix: tuple[str, ...] = ()) -> None:
        self.port, self._host, self._elsewhere = free_port(), host, bool(prefix)
        config = folder / "mosquitto.conf"
        config.write_text(f"listener {self.port} {host}\nallow_anonymous true\n{extra}\nmax_queued_messages 0\nlog_type error\n")
        assert MOSQUITTO is not None
        super().__init__("mosquitto", [*prefix, MOSQUITTO, "-c", str(config)], folder)

    def start(self) -> None:
        super().start()
        if self._elsewhere:
            return

        def listens() -> bool:
            with contextlib.suppress(OSError), socket.create_connection((self._host, self.port), 0.2):
                return True
            return False

        until(listens, what=self.log)

    def stop(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


class Box:
    """The box in a folder: a configuration and its services, one process each."""

    def __init__(
        self, folder: Path, *, pbx_port: int, mqtt_port: int, journal: Path | None = None, budget: str = "", user: int | None = None,
        mqtt_url: str = "", crm: str = "", env: dict[str, str] | None = None, prefixes: dict[str, tuple[str, ...]] | None = None,
    ) -> None:  # fmt: skip
        """`crm`: more lines of that table; `env`: for all its services; `prefixes`: a command that runs a service elsewhere."""
        self.folder, self.http_port = folder, free_port()
        self._env, self._prefixes = env or {}, prefixes or {}
        self.journal_path = journal or folder / "journal.db"
        self._user = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        self.services: dict[str, Process] = {}
        (folder / "pbx.secret").write_text("callfloor\n")
        text = CONFIG.format(
            noon=noon(), journal=self.journal_path, budget=budget, pbx_port=pbx_port, http_port=self.http_port,
            mqtt_url=mqtt_url or f"mqtt://127.0.0.1:{mqtt_port}", crm=crm,
        )  # fmt: skip
        (folder / "callfloor.toml").write_text(text)

    def service(self, *names: str) -> Process:
        """A process for these services, not started yet."""
        name = "-".join(names)
        words = [*self._prefixes.get(name, ()), sys.executable, "-m", "appliance.cli.main", "run", *names, "-c", "callfloor.toml"]
        self.services[name] = Process(name, words, self.folder, self._env, **self._user)
        return self.services[name]

    def keep(self, *names: str) -> None:
        """Start these services, one process each, and keep them up."""
        for name in names:
            self.service(name).keep()

    def floor(self) -> dict[str, Any] | None:
        """The board's document; None while the board's process is away."""
        return self.get("/api/floor")

    def get(self, path: str) -> Any:
        """A document of the board's server; None while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}{path}", timeout=5) as answer:
                return json.loads(answer.read())
        except (OSError, ValueError):
            return None

    @contextlib.contextmanager
    def journal(self) -> Iterator[ReadonlyJournal]:
        opened = ReadonlyJournal(self.journal_path, self.folder / "run")
        try:
            yield opened
        finally:
            opened.close()

    def sighted(self) -> bool:
        """Has the box ever seen its PBX whole?"""
        try:
            return any(event.kind == "pbx.resynced" for event in self.events())
        except TransientError:
            return False  # there is no journal yet

    def rows(self) -> list[Entry]:
        with self.journal() as journal:
            out: list[Entry] = []
            while page := journal.read(out[-1].seq if out else 0):
                out += page
        return out

    def events(self) -> list[Event]:
        found = [event_from_stored(stored_from_body(row.body)) for row in self.rows()]
        return [event for event in found if event is not None]

    def account(self) -> Account:
        with self.journal() as journal:
            return journal.account("uplink")

    def logs(self) -> str:
        return "\n".join(f"--- {name}\n{process.log()[-4000:]}" for name, process in self.services.items())


class Site:
    """Everything of one test; gone at its end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: list[Any] = []

    @staticmethod
    def until(condition: Callable[[], Any], within_s: float = 20.0, what: str | Callable[[], str] = "it never came to be") -> Any:
        return until(condition, within_s, what)

    def pbx(self, **options: float) -> Pbx:
        made = Pbx(self.folder, **options)
        self._open.append(made.process)
        made.start()
        return made

    def broker(self, extra: str = "persistence false", **options: Any) -> Broker:
        made = Broker(self.folder, extra, **options)
        self._open.append(made)
        made.start()
        return made

    def crm(self, port: int, path: Path | None = None) -> Crm:
        made = Crm(port, path)
        self._open.append(made)
        return made

    def box(self, **options: Any) -> Box:
        options = {"pbx_port": free_port(), "mqtt_port": free_port()} | options
        made = Box(self.folder, **options)
        self._open.append(made)
        return made

    def close(self) -> None:
        for each in reversed(self._open):
            if isinstance(each, Box):
                for process in each.services.values():
                    process.close()
            else:
                each.close()
