"""The image's tests, stopped in the middle: no emulator is left. The emulator here is `sleep`; everything else is as `make image-test` runs it."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
_TOOLS = ("qemu-system-x86_64", "mcopy", "rauc", "mksquashfs", "genimage", "mmdebstrap", "mosquitto", "setpriv")
_RUN = """
import sys
sys.path.insert(0, "tests/image")
import run
from vm_box import Box

def waits(parts, folder, report):
    box = Box(folder / "disk", folder, parts, {}, {})
    box.begin(["sleep", "600"])
    print("emulator", box._process.pid, flush=True)
    box.wait_for(b"never", 600)

run.SCENARIOS["devices"] = waits
sys.argv = ["run.py", "devices", "--as-is", "--parts", sys.argv[1], "--results", sys.argv[1] + "/results.json"]
sys.exit(run.main())
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(os.geteuid() != 0, reason="the image's tests run as root")
@pytest.mark.skipif(
    any(shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None for tool in _TOOLS), reason=".ci/setup image"
)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_stopped_in_the_middle_no_emulator_is_left(number: signal.Signals, tmp_path: Path) -> None:
    running = subprocess.Popen([sys.executable, "-c", _RUN, str(tmp_path)], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    with running:
        pid = int(running.stdout.readline().split()[1])
        assert alive(pid)
        running.send_signal(number)
        said = running.stdout.read()
        assert running.wait(20) == (-number if number == signal.SIGKILL else 128 + number)
    assert number == signal.SIGKILL or "0 passed" in said
    end_s = time.monotonic() + 10
    while alive(pid):
        assert time.monotonic() < end_s
        time.sleep(0.05)


def test_a_box_that_starts_again_leaves_no_line_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A console that stays open is a warning, and so a failed step of those that pytest runs (`uefi`)."""
    monkeypatch.syspath_prepend(str(PROJECT / "tests/image"))
    from vm_box import Box  # noqa: PLC0415 - the folder is on the path only here

    box = Box(tmp_path / "disk", tmp_path, tmp_path / "key", {}, {})
    for said in (b"slot A", b"slot B"):
        box.begin(["echo", said.decode()])
        assert box.wait_for(said, 20) is not None
        assert box.wait_down(20)
        box.end()
    gc.collect()
