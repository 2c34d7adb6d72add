"""What every test is held to: loopback sockets only, no silent skip where the machine must have everything."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from ctypes.util import find_library
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

#: Where a machine may keep what is not on a user's PATH.
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/local/sbin"])
_LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0", "::ffff:127.")

# A shared, slow machine is no reason for a property to fail; a failing example is printed to be repeated.
settings.register_profile("callfloor", deadline=None, print_blob=True)
settings.load_profile("callfloor")


def _refuse_far_sockets(event: str, args: tuple[object, ...]) -> None:
    if event != "socket.connect":
        return
    sock, address = args
    if isinstance(sock, socket.socket) and sock.family in {socket.AF_INET, socket.AF_INET6} and isinstance(address, tuple):
        host = str(address[0])
        if host and not host.startswith(_LOOPBACK):
            raise RuntimeError(f"a test tried to reach {host}: tests speak to this machine only")


sys.addaudithook(_refuse_far_sockets)


#: Folders whose tests share one thing that takes seconds to start: one worker runs them all.
_TOGETHER = ("tests/gateway/opcua/",)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Groups by folder: pytest-xdist 3.8 loses the mark xdist_group under pytest 9.2, silently (its issue 1386)."""
    if config.getvalue("dist") != "loadgroup":
        return None
    scheduler: Any = import_module("xdist.scheduler").LoadGroupScheduling(config, log)
    by_mark = scheduler._split_scope
    scheduler._split_scope = lambda nodeid: next((each for each in _TOGETHER if nodeid.startswith(each)), None) or by_mark(nodeid)
    return scheduler


def corpus() -> Path | None:
    """The folder of other people's frames and descriptors, where this machine has it."""
    folder = os.environ.get("CALLFLOOR_CORPUS")
    return Path(folder) if folder and Path(folder).is_dir() else None


@pytest.fixture(scope="session")
def corpus_folder() -> Path:
    """The same, for tests marked `corpus`."""
    folder = corpus()
    assert folder is not None
    return folder


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder like `tmp_path` whose name leaves room for a socket's: Linux takes 107 bytes in all (unix(7))."""
    with tempfile.TemporaryDirectory(prefix="cf-") as folder:
        yield Path(folder)


def postgres_programs() -> Path | None:
    """The folder of PostgreSQL's own programs: Debian keeps them off everybody's PATH, by version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4].partition(".")[0]))
    named = shutil.which("initdb")
    return found[-1].parent if found else Path(named).parent if named else None


@pytest.fixture(scope="session")
def postgres_folder() -> Path:
    """The same, for tests marked `postgres`."""
    folder = postgres_programs()
    assert folder is not None
    return folder


def promtool() -> str | None:
    """Prometheus' own checker: on the PATH, or where .ci/setup put it."""
    return shutil.which("promtool", path=os.pathsep.join([_PATH, str(Path(__file__).parents[1] / "build" / "tools")]))


@pytest.fixture(scope="session")
def promtool_program() -> str:
    """The same, for tests marked `promtool`."""
    found = promtool()
    assert found is not None
    return found


def _lacks(marker: str) -> str | None:
    """What this machine lacks for tests with the marker; None when nothing."""
    if marker == "broker" and not shutil.which("mosquitto", path=_PATH):
        return "no mosquitto here: make setup installs it"
    if marker == "corpus" and corpus() is None:
        named = os.environ.get("CALLFLOOR_CORPUS")
        return (
            f"CALLFLOOR_CORPUS names {named}, which is no folder"
            if named
            else "CALLFLOOR_CORPUS is unset: other people's frames are not kept here"
        )
    if marker == "snmp" and not (shutil.which("snmpd", path=_PATH) and find_spec("pysnmp")):
        return "no snmpd or no pysnmp here: make setup installs them"
    if marker == "sip" and not shutil.which("baresip", path=_PATH):
        return "no baresip here: make setup installs it"
    if marker == "postgres" and not (postgres_programs() and find_spec("psycopg")):
        return "no PostgreSQL or no psycopg here: make setup installs them"
    if marker == "promtool" and promtool() is None:
        return "no promtool here: make setup brings it"
    if marker == "spi":
        return _lacks_mocked("luma", "spidev")
    if marker == "usb":
        return _lacks_mocked("usb", "pyudev") or (None if find_library("usb-1.0") else "no libusb here: make setup installs it")
    if marker == "browser" and not (shutil.which("chromium", path=_PATH) and shutil.which("chromedriver", path=_PATH)):
        return "no Chromium here: make setup installs it"
    return None


def _lacks_mocked(*modules: str) -> str | None:
    """The mocked bus runs in the system's Python, the driver in this one."""
    plain = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    probe = ["/usr/bin/python3", "-c", "import gi; gi.require_version('UMockdev', '1.0'); from gi.repository import UMockdev"]
    known = shutil.which("umockdev-wrapper") and shutil.which(probe[0])
    if not known or subprocess.run(probe, capture_output=True, check=False, env=plain).returncode:
        return "no umockdev with python3-gi here: make setup installs them"
    missing = [name for name in modules if find_spec(name) is None]
    return f"no {' and no '.join(missing)} in this Python: make setup installs it" if missing else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what this machine cannot run; where CALLFLOOR_NO_SKIPS is set, fail instead."""
    strict = bool(os.environ.get("CALLFLOOR_NO_SKIPS"))
    for marker in ("broker", "browser", "corpus", "postgres", "promtool", "sip", "snmp", "spi", "usb"):
        concerned = [item for item in items if item.get_closest_marker(marker)]
        reason = _lacks(marker) if concerned else None
        if reason is None:
            continue
        # What is other people's a checkout alone cannot have; a folder that was named must be there.
        may_lack = marker == "corpus" and not os.environ.get("CALLFLOOR_CORPUS")
        if strict and concerned and not may_lack:
            raise pytest.UsageError(f"{len(concerned)} tests need what is missing: {reason}")
        for item in concerned:
            item.add_marker(pytest.mark.skip(reason=reason))
