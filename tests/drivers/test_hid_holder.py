"""Who has a device file open, by real processes and real files; and what stands between a headset and the machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drivers.hid_holder import held
from drivers.hid_power import line_to


@contextmanager
def holding(path: Path) -> Iterator[int]:
    """A process that has the file open; its id."""
    program = "import sys; file = open(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process.pid
        process.stdin.close()


def test_holders_are_named_by_process(tmp_path: Path) -> None:
    one, other, gone = (tmp_path / name for name in ("hidraw0", "hidraw1", "hidraw2"))
    one.touch()
    other.touch()
    with other.open(), holding(one) as first, holding(one) as second:  # ours does not count
        found = held(map(str, (one, other, gone))).by_path
        assert {holder.pid for holder in found[str(one)]} == {first, second}
        assert all(holder.name.startswith("python") and f"(process {holder.pid})" in str(holder) for holder in found[str(one)])
        assert (found[str(other)], found[str(gone)]) == ((), ())
    assert held([str(one)]).by_path == {str(one): ()}


def test_a_machine_without_that_port_still_says_the_way() -> None:
    assert [(feed.port, feed.self_powered, feed.draws_ma) for feed in line_to("98-1.4")] == [("98-1", None, None), ("98-1.4", None, None)]
