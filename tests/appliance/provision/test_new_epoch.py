"""A dead box replaced, as the CRM sees it: over a real broker, events of the old epoch and of the new, none double, none missing."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.cli.main import main
from appliance.core.clock import SystemClock
from appliance.core.errors import TransientError
from appliance.core.journal_readonly import ReadonlyJournal
from appliance.provision.certificate import named, step
from appliance.provision.enrol import enrolled
from appliance.provision.machine import Machine
from appliance.provision.site_file import site_from_toml
from appliance.provision.words import Words

from .conftest import SHEET

CALLFLOOR = (sys.executable, "-m", "appliance.cli.main")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def run_until_delivered(root: Path) -> None:
    """The box's uplink, until all that is due is acknowledged; then in order to its end."""
    env = os.environ | {"STATE_DIRECTORY": str(root / "var/lib/callfloor"), "RUNTIME_DIRECTORY": str(root / "run/callfloor")}
    with (root / "uplink.log").open("a") as log:
        words = (*CALLFLOOR, "run", "uplink", "-c", str(root / "etc/callfloor/callfloor.toml"))
        uplink = subprocess.Popen(words, env=env, stdout=log, stderr=log)
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            time.sleep(0.3)
            try:
                journal = ReadonlyJournal(root / "var/lib/callfloor/journal.db", root / "run/callfloor")
            except TransientError:
                continue  # it is just being made
            account = journal.account("uplink")
            journal.close()
            if account.recorded > 1 and account.waiting == 0:
                return
        raise AssertionError((root / "uplink.log").read_text())
    finally:
        uplink.send_signal(signal.SIGTERM)
        uplink.wait(30)


@pytest.mark.broker
def test_the_crm_sees_two_epochs_and_no_gap(make_root: Callable[..., Path], tmp_path: Path) -> None:
    port = free_port()
    sheet, report = tmp_path / "site.toml", tmp_path / "report.json"
    text = SHEET.replace('url = "mqtts://crm.example.com:8883"', f'url = "mqtt://127.0.0.1:{port}"')
    sheet.write_text(text.partition("[pbx.central]")[0] + "[crm]" + text.partition("[crm]")[2])
    old, new = make_root("old"), make_root("new")
    assert main(["provision", str(sheet), "--root", str(old), "--yes"]) == 0
    with (tmp_path / "crm.log").open("w") as log:
        crm = subprocess.Popen((*CALLFLOOR, "sim", "crm", "--listen", f"127.0.0.1:{port}", "--report", str(report)), stdout=log, stderr=log)
    try:
        run_until_delivered(old)
        assert main(["backup", str(tmp_path / "box"), "--root", str(old)]) == 0
        assert main(["restore", str(tmp_path / "box"), "--root", str(new), "--yes"]) == 0
        run_until_delivered(new)
        time.sleep(0.5)
    finally:
        crm.send_signal(signal.SIGINT)
        code = crm.wait(30)
    told = json.loads(report.read_text())
    assert code == 0, told
    assert (told["doubles"], told["missing"]) == (0, 0), told
    assert len({(each["box"], each["epoch"]) for each in told["boxes"]}) == 2, told
    assert {each["box"] for each in told["boxes"]} == {"quito/piso-3"}
    assert told["kinds"]["journal.started"] == 2


def test_an_enrolment_server_that_is_away_is_no_fault(make_root: Callable[..., Path], tmp_path: Path) -> None:
    text = SHEET + f'[enrol]\nurl = "https://127.0.0.1:{free_port()}"\ncode = "K7PM-2XQD"\n'
    sheet = site_from_toml(text, tmp_path / "site.toml")
    root = make_root()
    machine = Machine(root, live=True)
    asked = step(machine, sheet)
    assert asked is not None
    assert asked.acts
    seen = enrolled(machine, sheet, tmp_path, SystemClock(), Words("es"))
    assert seen.outcome == "away"
    assert "K7PM" not in seen.evidence + seen.mend
    assert named(machine, sheet) == {}
    (root / "var/lib/callfloor/tls").mkdir(exist_ok=True)
    (root / "var/lib/callfloor/tls/box.pem").write_text("a certificate and its key")
    assert step(machine, sheet) is None, "a box that has one asks for none"
    assert named(machine, sheet)["crm"]["cert_file"] == "/var/lib/callfloor/tls/box.pem"
    assert step(Machine(root), sheet) is None, "nothing is asked for into a folder"
