"""The screen that stays, on a real pty: little is sent when little changed, and the last sign of a full line stands."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import termios
from collections.abc import Iterator

import pytest

from appliance.cli.terminal import full_screen


class Window:
    """A terminal of 20 x 5 and what came to it."""

    def __init__(self) -> None:
        self.master, slave = pty.openpty()
        self.stream = os.fdopen(slave, "w", encoding="utf-8")
        self.size(20, 5)

    def size(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self.stream, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def came(self) -> str:
        """All that was written: the kernel hands it over in pieces, a moment later on a busy machine."""
        out = b""
        while select.select([self.master], [], [], 0.2 if out else 5.0)[0]:
            out += os.read(self.master, 65536)
        return out.decode()


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> Iterator[Window]:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("LINES", raising=False)
    window = Window()
    yield window
    window.stream.close()
    os.close(window.master)


def test_only_what_changed_is_sent(window: Window) -> None:
    with full_screen(window.stream) as draw:
        lines = [f"line {at} ".ljust(20, ".") for at in range(5)]
        draw(lines)
        came = window.came()
        assert all(line in came for line in lines)
        draw([*lines[:2], "another", *lines[3:]])
        assert window.came() == "\x1b[3;1H\x1b[Kanother"
        draw([*lines[:2], "another"])
        assert window.came() == "\x1b[4;1H\x1b[J"
    assert window.came().endswith("\x1b[?1049l")


def test_no_line_is_cleared_behind_its_last_sign(window: Window) -> None:
    """A cursor behind the last column stands on it still: what clears to the right takes that sign."""
    with full_screen(window.stream) as draw:
        draw(["x" * 20, "y"])
        assert "x\x1b[K" not in window.came()


def test_the_screen_is_drawn_whole_now_and_then(window: Window) -> None:
    with full_screen(window.stream) as draw:
        draw(["a", "b"])
        window.came()
        draw(["a", "c"])
        assert "a" not in window.came()
        for number in range(60):
            draw(["a", str(number)])
        assert window.came().count("Ka\x1b[2;1H") == 1
