"""sd_notify on a real socket, in the file system and in the abstract namespace."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from appliance.notify import Notifier


def test_messages_arrive_and_a_status_is_sent_once(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(tmp_path / "n"))
        line.settimeout(2)
        notifier = Notifier.from_environment(
            {"NOTIFY_SOCKET": str(tmp_path / "n"), "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}
        )
        assert notifier.watchdog_s == 30.0
        notifier.ready()
        notifier.status("one\ntwo")
        notifier.status("one\ntwo")
        notifier.alive()
        notifier.stopping()
        assert [line.recv(99) for _ in range(4)] == [b"READY=1", b"STATUS=one two", b"WATCHDOG=1", b"STOPPING=1"]


def test_the_abstract_namespace() -> None:
    name = f"callfloor-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind("\0" + name)
        line.settimeout(2)
        Notifier("@" + name).ready()
        assert line.recv(99) == b"READY=1"


def test_another_process_s_watchdog_is_not_ours() -> None:
    assert Notifier.from_environment({"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}).watchdog_s is None
    assert Notifier.from_environment({"WATCHDOG_USEC": "x"}).watchdog_s is None


def test_nobody_listening_is_no_fault(tmp_path: Path) -> None:
    Notifier(None).ready()
    Notifier(str(tmp_path / "gone")).ready()
