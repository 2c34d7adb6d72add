"""One service as its own process under a service manager of ours: what it says on $NOTIFY_SOCKET, and what became of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

#: How often systemd would want to hear; a quarter of it is how often the process speaks.
WATCHDOG_S: Final = 4.0
#: Begins `callfloor run`, with a file of Python read first: where a test lets some work hang.
BEGIN: Final = """
import pathlib, sys
exec(compile(pathlib.Path(sys.argv[1]).read_text(), sys.argv[1], "exec"))
from appliance.cli.main import main
sys.exit(main(sys.argv[2:]))
"""


class Service:
    """A process and its line to the service manager."""

    def __init__(self, name: str, folder: Path, config: str, spoil: str = "") -> None:
        (folder / "callfloor.toml").write_text(config, encoding="utf-8")
        (folder / "main.secret").write_text("callfloor\n", encoding="utf-8")
        (folder / "spoil.py").write_text(spoil, encoding="utf-8")
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._line.bind(str(folder / "notify"))
        self.said: list[str] = []
        env = {**os.environ, "NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6))}
        env.pop("WATCHDOG_PID", None)
        self._log = folder / f"{name}.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", BEGIN, folder / "spoil.py", "run", name, "-c", folder / "callfloor.toml"],
                env=env, stderr=log, start_new_session=True,
            )  # fmt: skip

    def hear(self, word: str, wait_s: float = 30.0, count: int = 1) -> None:
        """Listen until a message of this word has come so often."""
        end = time.monotonic() + wait_s
        while self.heard(word) < count:
            assert time.monotonic() < end, f"no {word} in {wait_s:.0f} s: {self.said}\n{self.log()}"
            self._take(0.2)

    def heard(self, word: str) -> int:
        """How often the word came."""
        return self.said.count(word)

    def listen(self, seconds: float) -> list[str]:
        """What comes within so long."""
        before, end = len(self.said), time.monotonic() + seconds
        while (left_s := end - time.monotonic()) > 0:
            self._take(left_s)
        return self.said[before:]

    def _take(self, wait_s: float) -> None:
        self._line.settimeout(wait_s)
        try:
            self.said.append(self._line.recv(4096).decode())
        except TimeoutError:
            return

    def log(self) -> str:
        """What the process wrote on stderr."""
        return self._log.read_text(encoding="utf-8")

    def stop(self) -> int:
        """As systemd stops it; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGCONT)
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)
        self._line.close()
