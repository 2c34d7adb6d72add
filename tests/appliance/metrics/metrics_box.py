"""A box in a folder for scrapes: its configuration, its processes, and what they answer."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]

CONFIG = """[site]
name = "quito"
box = "p3"

[journal]
path = "journal.db"

[pbx.central]
host = "127.0.0.1"
port = {pbx}
secret_file = "pbx.secret"

[crm]
url = "mqtt://127.0.0.1:{crm}"

[trunks.pstn]
channels = ["DAHDI/"]
lines = 8

[headsets.seat.a12]
url = "sim:{folder}/none.sock"

[privacy]
headsets = true

[wallboard.tv]
listen = "127.0.0.1:{tv}"

[wallboard.led.panel]
url = "sim:"

[wallboard.sign.strip]
url = "tcp://127.0.0.1:{crm}"

[wallboard.beacon.tower]
url = "sim:"
red = 17

[routing]
listen = "127.0.0.1:{agi}"

[metrics]
listen = "127.0.0.1:{metrics}"
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class MetricsBox:
    """Services as processes; nothing that they look for is there."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.tv, self.metrics = folder, free_port(), free_port()
        (folder / "pbx.secret").write_text("callfloor\n")
        text = CONFIG.format(pbx=free_port(), crm=free_port(), agi=free_port(), tv=self.tv, metrics=self.metrics, folder=folder)
        (folder / "callfloor.toml").write_text(text)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str) -> None:
        """One process for these."""
        words = [sys.executable, "-m", "appliance.cli.main", "run", *names, "-c", "callfloor.toml"]
        with (self.folder / f"{'-'.join(names)}.log").open("ab") as log:
            env = os.environ | {"PYTHONPATH": str(ROOT)}
            self.processes["-".join(names)] = subprocess.Popen(words, cwd=self.folder, stdout=log, stderr=log, env=env)

    def kill(self, name: str) -> None:
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def get(self, port: int, path: str = "/metrics", accept: str = "") -> str:
        """The body. Raises OSError."""
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Accept": accept} if accept else {})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(answer.read().decode())

    def until(self, port: int, *lines: str, within_s: float = 40.0) -> str:
        """The scrape once all of these stand in it."""
        end_s = time.monotonic() + within_s
        while True:
            body = ""
            with contextlib.suppress(OSError):
                body = self.get(port)
            missing = [line for line in lines if line not in body.splitlines()]
            if not missing:
                return body
            assert time.monotonic() < end_s, f"never there: {missing}\n{body}\n{self.logs()}"
            time.sleep(0.1)

    def logs(self) -> str:
        return "\n".join(path.read_text(errors="replace")[-2000:] for path in self.folder.glob("*.log"))

    def close(self) -> None:
        for name in list(self.processes):
            self.kill(name)


@contextlib.contextmanager
def open_box(folder: Path) -> Iterator[MetricsBox]:
    box = MetricsBox(folder)
    try:
        yield box
    finally:
        box.close()
