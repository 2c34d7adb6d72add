"""`callfloor provision` on a Debian that runs: ten minutes' work in one, a bad change undone by itself, a cut run healed, over SSH, a dead box replaced."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from nspawn_box import Box, install, overlay

pytestmark = pytest.mark.box

SHEET = """
site_sheet = 1
[site]
name = "quito"
box = "piso-3"
timezone = "America/Guayaquil"
[time]
ntp = ["192.0.2.1"]
[pbx.central]
host = "127.0.0.1"
secret = "carrier pigeon"
[wallboard.tv]
listen = "127.0.0.1:8080"
"""
PBX = """
[Unit]
Description=A PBX in the same machine
[Service]
ExecStart=/usr/bin/callfloor sim pbx --scenario load --speed 20 --secret-file /root/pbx.secret
[Install]
WantedBy=multi-user.target
"""
ENROLMENT = """
[Unit]
Description=The CRM's enrolment server in the same machine
[Service]
WorkingDirectory=/root
ExecStart=/usr/bin/callfloor sim enrolment --box quito/piso-3 --days 60
[Install]
WantedBy=multi-user.target
"""
BAD = SHEET.replace('host = "127.0.0.1"', 'host = "127.0.0.1"\nport = 5999')


@pytest.fixture(scope="module")
def box(rootfs: Path, packages: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box with the package and a PBX beside it, and nothing configured."""
    folder = tmp_path_factory.mktemp("box")
    with overlay(rootfs, folder) as root:
        box = Box(root, folder / "console")
        install(root, packages("1.0"))
        (root / "etc/fstab").write_text("", encoding="ascii")
        (root / "root/pbx.secret").write_text("carrier pigeon\n")
        (root / "etc/systemd/system/pbx.service").write_text(PBX)
        (root / "etc/systemd/system/enrolment.service").write_text(ENROLMENT)
        (root / "root/site.toml").write_text(SHEET)
        wanted = ("pbx.service", "enrolment.service", "ssh.service")
        subprocess.run(["systemctl", f"--root={root}", "enable", *wanted], check=True, capture_output=True)
        try:
            box.boot()
            yield box
        finally:
            box.pull_the_plug()
            print(f"\n{json.dumps(box.timings)}")


def provision(box: Box, *words: str, code: int = 0) -> str:
    """Run it in the box; what it said, on both."""
    said = box.do("sh", "-c", 'callfloor provision "$@" 2>&1; echo "exit $?"', "sh", *words, wait_s=150)
    assert said.endswith(f"exit {code}"), said + box.do("journalctl", "-n", "40", "--no-pager", check=False)
    return said


def test_in_one_go(box: Box) -> None:
    with box.timed("provisioned and verified"):
        said = provision(box, "/root/site.toml", "--yes", "--lang", "es")
    assert "bien     callfloor@gateway" in said
    assert "bien     tablero: http://127.0.0.1:8080/" in said
    assert "bien     pbx central" in said
    assert "bien     login pbx central: " in said
    assert "carrier pigeon" not in said
    assert box.do("hostname") == "callfloor-quito-piso-3"
    assert box.do("date", "+%Z") == "-05"
    for service in ("gateway", "wallboard", "uplink"):
        assert box.do("systemctl", "is-enabled", f"callfloor@{service}") == "enabled"
    for timer in ("callfloor-doctor.timer", "callfloor-renew.timer"):
        assert box.facts(timer, "ActiveState", "UnitFileState") == {"ActiveState": "active", "UnitFileState": "enabled"}
    assert box.facts("callfloor-kiosk", "ActiveState")["ActiveState"] == "inactive"
    assert box.do("systemctl", "list-units", "--failed", "--plain", "--no-legend") == ""
    # Configuration and secret are the services' alone; a plain user reads neither.
    assert "carrier" not in box.do("sh", "-c", "ps axww; journalctl --no-pager", check=False)
    assert box.do("stat", "-c", "%U:%G %a", "/etc/callfloor/callfloor.toml") == "root:callfloor 640"
    assert box.do("stat", "-c", "%U:%G %a", "/var/lib/callfloor/provision") == "root:root 700"


def test_nothing_to_do(box: Box) -> None:
    before = box.facts("callfloor@gateway", "ActiveEnterTimestampMonotonic")
    assert "Nothing to do" in provision(box, "/root/site.toml", "--yes")
    assert box.facts("callfloor@gateway", "ActiveEnterTimestampMonotonic") == before


def test_a_change_that_loses_the_pbx_is_undone_by_itself(box: Box) -> None:
    (box.root / "root/bad.toml").write_text(BAD)
    with box.timed("bad change undone"):
        said = provision(box, "/root/bad.toml", "--yes", code=1)
    assert re.search(r"failed +pbx central", said)
    assert "going back" in said
    assert "5999" not in (box.root / "etc/callfloor/callfloor.toml").read_text()
    box.until(lambda: box.facts("callfloor@gateway", "ActiveState")["ActiveState"] == "active", "the gateway")
    assert "Nothing to do" in provision(box, "/root/site.toml", "--yes")
    # Who insists gets it, and its way back by hand.
    assert "Left as it is" in provision(box, "/root/bad.toml", "--yes", "--keep", code=1)
    assert "5999" in (box.root / "etc/callfloor/callfloor.toml").read_text()
    provision(box, "rollback", "--yes")
    assert "5999" not in (box.root / "etc/callfloor/callfloor.toml").read_text()


def test_a_wrong_password_is_found_and_undone(box: Box) -> None:
    """Whoever answers is logged in at; what was wrong is said with the command, and never the password."""
    (box.root / "root/wrong.toml").write_text(SHEET.replace("carrier pigeon", "homing pigeon"))
    said = provision(box, "/root/wrong.toml", "--yes", "--lang", "pt", code=1)
    assert re.search(r"falha +login pbx central: a central recusa o usuário desta máquina", said)
    assert "pigeon" not in said
    assert (box.root / "etc/callfloor/credentials/pbx.central.secret").read_text() == "carrier pigeon"


def test_a_certificate_for_a_code_and_its_renewal(box: Box) -> None:
    """The reference CRM's enrolment server gives it; the configuration names it in the same run; the timer's service renews it."""
    log = ("journalctl", "-u", "enrolment", "-o", "cat", "--no-pager")
    box.until(lambda: "code" in box.do(*log), "the one-time code")
    code = box.do(*log).rpartition("code ")[2].split()[0]
    crm = f"""[crm]
url = "mqtts://localhost:8883"
ca_file = "enrolment/ca.pem"
[enrol]
url = "https://localhost:8443"
code = "{code}"
ca_file = "enrolment/ca.pem"
"""
    (box.root / "root/crm.toml").write_text(SHEET + crm)
    with box.timed("enrolled and verified"):
        # Nobody is at home at the broker, nor was: told, and kept.
        said = provision(box, "/root/crm.toml", "--yes", code=1)
    assert "good     certificate: quito/piso-3, CN=Callfloor simulated CRM" in said
    assert re.search(r"away +broker mqtts://localhost:8883: nothing listens there", said)
    assert code not in said
    assert 'cert_file = "/var/lib/callfloor/tls/box.pem"' in (box.root / "etc/callfloor/callfloor.toml").read_text()
    assert box.do("stat", "-c", "%U:%G %a", "/var/lib/callfloor/tls/box.pem") == "callfloor:callfloor 600"
    assert "Nothing to do" in provision(box, "/root/crm.toml", "--yes")
    before = (box.root / "var/lib/callfloor/tls/box.pem").read_text()
    box.do("systemctl", "start", "callfloor-renew")
    assert (box.root / "var/lib/callfloor/tls/box.pem").read_text() == before, "not due"
    box.do("callfloor", "enroll", "--renew", "--now")
    assert (box.root / "var/lib/callfloor/tls/box.pem").read_text() != before
    assert box.do("stat", "-c", "%U:%G %a", "/var/lib/callfloor/tls/box.pem") == "callfloor:callfloor 600"
    # The code lies nowhere but in the sheet.
    assert box.do("grep", "-rl", code, "/etc", "/var/lib/callfloor", check=False) == ""
    provision(box, "rollback", "--yes")
    assert "Nothing to do" in provision(box, "/root/site.toml", "--yes")


def test_a_run_killed_on_a_live_box_is_finished_by_the_next(box: Box) -> None:
    (box.root / "root/new.toml").write_text(SHEET.replace('listen = "127.0.0.1:8080"', 'listen = "127.0.0.1:8081"'))
    for after_s in (0.35, 0.5, 0.7):
        box.do("sh", "-c", f"callfloor provision /root/new.toml --yes >/dev/null 2>&1 & sleep {after_s}; kill -9 $!", check=False)
        time.sleep(0.1)
        assert "good     board: http://127.0.0.1:8081/" in provision(box, "/root/new.toml", "--yes") or "Nothing to do" in provision(
            box, "/root/new.toml", "--yes"
        )
        stages = json.loads(box.do("callfloor", "provision", "log", "--json"))
        assert stages[0]["stage"] == "done"
        provision(box, "/root/site.toml", "--yes")


def test_one_key_changed_and_services_told(box: Box) -> None:
    assert box.do("callfloor", "config", "diff", "--running") == "No difference."
    said = box.do("callfloor", "config", "set", "kpi.target_s", "25")
    assert "systemctl restart callfloor@gateway callfloor@wallboard callfloor@uplink" in said
    differ = json.loads(box.do("sh", "-c", "callfloor config diff --running --json || true"))
    assert differ["differs"]["callfloor@gateway"] == ["kpi"]
    box.do("callfloor", "config", "rollback", "--restart")
    box.until(lambda: box.do("callfloor", "config", "diff", "--running", check=False) == "No difference.", "services with the old one")


def test_over_ssh(box: Box) -> None:
    """The box as its own technician's laptop: everything else is the real thing."""
    box.do("sh", "-c", "mkdir -p -m 700 /root/.ssh && ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519")
    shutil.copy(box.root / "root/.ssh/id_ed25519.pub", box.root / "root/.ssh/authorized_keys")
    key = (box.root / "root/.ssh/id_ed25519.pub").read_text().strip()
    box.do("sh", "-c", "ssh-keyscan -t ed25519 127.0.0.1 > /root/.ssh/known_hosts 2>/dev/null")
    (box.root / "root/far.toml").write_text(SHEET + f'[ssh]\nkeys = ["{key}"]\n[queues.ventas]\ntitle = "Ventas"\n')
    env = "HOME=/root"
    said = box.do("env", env, "callfloor", "provision", "/root/far.toml", "--host", "root@127.0.0.1", "--yes", "--lang", "pt", wait_s=150)
    assert "certo    callfloor@gateway" in said
    assert "Ventas" in (box.root / "etc/callfloor/callfloor.toml").read_text()
    assert not list((box.root / "tmp").glob("callfloor.*")), "the sheet went with its folder"
    said = box.do("sh", "-c", "HOME=/root callfloor provision /root/far.toml --host root@127.0.0.9 --port 9 2>&1 || true")
    assert "is not reached by ssh" in said


def test_a_newer_package_over_ssh(box: Box, packages: Callable[[str], Path]) -> None:
    """By a plain user with sudo, as on a Pi that was just flashed: what runs is the new one, and the box is as the sheet says."""
    newer = packages("1.1")
    shutil.copy(newer, box.root / "root")
    box.do("useradd", "-m", "-s", "/bin/sh", "pi")
    (box.root / "usr/local/bin/sudo").write_text(
        '#!/bin/sh\nexec ssh -i /tmp/root.key -o StrictHostKeyChecking=no root@127.0.0.1 -- "$@"\n'
    )
    box.do("sh", "-c", "chmod 755 /usr/local/bin/sudo; cp /root/.ssh/id_ed25519 /tmp/root.key; chown pi /tmp/root.key; chmod 600 /tmp/root.key; "
           "mkdir -m 700 ~pi/.ssh; cp /root/.ssh/id_ed25519.pub ~pi/.ssh/authorized_keys; chown -R pi: ~pi/.ssh")  # fmt: skip
    before = box.facts("callfloor@gateway", "MainPID")
    words = ("--host", "pi@127.0.0.1", "--deb", f"/root/{newer.name}", "--yes", "--lang", "es")
    with box.timed("package and sheet over ssh"):
        said = box.do("env", "HOME=/root", "callfloor", "provision", "/root/far.toml", *words, wait_s=300)
    assert "Nada que hacer" in said
    assert box.do("dpkg-query", "-W", "-f=${Version}", "callfloor") == "1.1"
    box.until(lambda: box.facts("callfloor@gateway", "ActiveState")["ActiveState"] == "active", "the gateway")
    assert box.facts("callfloor@gateway", "MainPID") != before, "what ran runs the new version"
    assert not list((box.root / "tmp").glob("callfloor.*"))


def test_a_dead_box_is_replaced(box: Box) -> None:
    """Its backup on a box that knows nothing: the same identity, a new epoch, everything up."""
    (box.root / "root/phrase").write_text("correct horse battery staple\n")
    box.do("callfloor", "backup", "/root/box.backup", "--secrets", "--passphrase-file", "/root/phrase")
    epoch = json.loads(box.do("callfloor", "journal", "stats", "--json"))["epoch"]
    assert "services run" in box.do("sh", "-c", "callfloor restore /root/box.backup --passphrase-file /root/phrase --yes 2>&1 || true")
    box.do("systemctl", "stop", "callfloor.target", "callfloor@gateway", "callfloor@wallboard", "callfloor@uplink")
    box.do(
        "sh",
        "-c",
        "rm -rf /etc/callfloor/* /var/lib/callfloor/* /etc/systemd/system/callfloor.target.wants; hostname blank; systemctl daemon-reload",
    )
    with box.timed("restored and up"):
        box.do("callfloor", "restore", "/root/box.backup", "--passphrase-file", "/root/phrase", "--yes")
        box.do("sh", "-c", "systemctl daemon-reload && systemctl start callfloor.target")
        box.until(lambda: box.facts("callfloor@gateway", "ActiveState")["ActiveState"] == "active", "the gateway")
    first = box.do("sh", "-c", "callfloor journal tail -n 1000 2>/dev/null | head -1")
    stats = json.loads(box.do("callfloor", "journal", "stats", "--json"))
    assert stats["epoch"] != epoch
    assert '"restored"' in first
    assert epoch in first
