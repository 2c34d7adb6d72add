"""Files by day: whole or not at all, bounded, a damaged one set aside."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from appliance.core.day_files import DayFiles

DAY = date(2026, 11, 21)


def test_written_read_and_pruned(tmp_path: Path) -> None:
    files = DayFiles(tmp_path / "summary")
    assert files.days() == []
    assert files.read(DAY) is None
    for back in range(5):
        files.write(DAY - timedelta(days=back), b"x%d" % back)
    (files.folder / "2026-13-99.json").write_text("no day")
    (files.folder / "notes.txt").write_text("no day")
    assert files.read(DAY) == b"x0"
    assert files.days() == [DAY - timedelta(days=back) for back in range(4, -1, -1)]
    assert files.prune(2) == 3
    assert files.days() == [DAY - timedelta(days=1), DAY]
    assert files.prune(0) == 2
    assert sorted(path.name for path in files.folder.iterdir()) == ["2026-13-99.json", "notes.txt"]


def test_damaged_ones_are_set_aside_and_bounded(tmp_path: Path) -> None:
    files = DayFiles(tmp_path)
    for back in range(9):
        files.write(DAY - timedelta(days=back), b"?")
        files.set_aside(DAY - timedelta(days=back))
    assert files.days() == []
    assert len(list(tmp_path.glob("*.damaged"))) == 5


def test_no_room_leaves_the_one_before(tmp_path: Path) -> None:
    files = DayFiles(tmp_path)
    files.write(DAY, b"before")
    # A limit on the size of files is the kernel's own refusal in the middle of a write.
    script = (
        "import resource, signal, sys; from datetime import date; from pathlib import Path; "
        "from appliance.core.day_files import DayFiles; "
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: DayFiles(Path(sys.argv[1])).write(date(2026, 11, 21), b'x' * 100_000)\n"
        "except OSError as fault: sys.exit(fault.errno)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=Path(__file__).parents[3], check=False)
    assert ended.returncode == 27  # EFBIG
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 4096
    assert files.read(DAY) == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["2026-11-21.json"]


def test_reading_makes_nothing(tmp_path: Path) -> None:
    files = DayFiles(tmp_path / "summary")
    files.read(DAY)
    files.days()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_no_right_is_an_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        DayFiles(tmp_path).write(DAY, b"x")
