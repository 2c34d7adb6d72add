"""`callfloor demo --scenario analog`: four lines and a call-record printer, no ACD; the boards end as it truly was."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "appliance.cli.main", "demo"]


@pytest.mark.broker
def test_a_site_without_an_acd_has_a_truthful_board(short_path: Path) -> None:
    env = {**os.environ, "TMPDIR": str(short_path), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    told = short_path / "out"
    words = ["--listen", "127.0.0.1:0", "--scenario", "analog", "--speed", "20", "--seed", "2", "--plain"]
    with told.open("w") as out:
        process = subprocess.Popen([*COMMAND, *words], env=env, stdout=out, stderr=out)

    def wait_for(pattern: str) -> re.Match[str]:
        end_s = time.monotonic() + 60
        while not (match := re.search(pattern, told.read_text())):
            if time.monotonic() > end_s or process.poll() not in (None, 0):
                pytest.fail(f"{pattern!r} was never told:\n{told.read_text()}")
            time.sleep(0.05)
        return match

    def tell(word: str) -> str:
        done = subprocess.run([*COMMAND, word], env=env, capture_output=True, text=True, timeout=30, check=False)
        return (done.stdout + done.stderr).strip()

    try:
        boards = wait_for(r"boards +(http://\S+)")[1]
        wait_for(r"waiting [1-4], talking –; offered [1-9]")
        floor = json.loads(urllib.request.urlopen(f"{boards}/api/floor", timeout=10).read())
        queue = floor["queues"]["lines"]
        assert (queue["fresh"], queue["pbx"], queue.get("agents"), floor["floor"].get("agents")) == ("live", "lines", None, None)
        assert floor["trunks"]["pstn"]["lines"] == 4
        assert "no PBX" in tell("restart-pbx")
        assert "pulled" in tell("cut")
        wait_for("CRM down, held [1-9]")
        assert "plugged in" in tell("restore")
        wait_for(r"CRM down(?s:.*)CRM up, held \d;")
        assert tell("stop") == "the demo ends"
        assert process.wait(40) == 0
    finally:
        process.terminate()  # not killed: its broker is to go with it
        process.wait(30)
    rows = {line.split()[0]: line.split()[-6:] for line in told.read_text().splitlines() if re.match(r"  (boards|in truth) ", line)}
    assert rows["boards"] == rows["in"], told.read_text()
    assert int(rows["boards"][0]) > 0
    printed, recorded = re.search(r"call records +(\d+) printed, (\d+) recorded", told.read_text()).groups()  # type: ignore[union-attr]
    assert printed == recorded
    assert told.read_text().splitlines()[-1].strip() == "nothing was lost"
