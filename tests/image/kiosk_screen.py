"""The box's own screen, on an emulated display adapter: compositor and browser come by themselves and paint the board, what paints nothing is begun
again, a screen that was unplugged is drawn on again, and in the hours without a picture it is dark.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import screen
from other_disks import settle
from PIL import Image
from scenario import Report
from vm_box import SLACK, Box

from appliance.core.errors import TransientError

#: One page, lest the two pictures be of different ones.
_PAGE: Final = "board/floor?page=floor"
_SHEET: Final = f'\n[callfloor.kiosk]\nurl = "http://127.0.0.1:8080/{_PAGE}"\n'
_BLANK_S: Final = 20
#: An emulated processor that draws by itself takes minutes for what a board's graphics processor has in seconds.
_WORDS: Final = f"consoleblank={_BLANK_S} systemd.setenv=CALLFLOOR_KIOSK_FIRST_FRAME_S=900"
_FIRST_S: Final = 900
#: From here on two pictures are of the same board: figures move on between them.
_LIKE: Final = 0.6
_CONNECTOR: Final = "/sys/class/drm/card0-Virtual-1"


class Screen:
    """What is seen at one box's screen."""

    def __init__(self, box: Box, monitor: Path) -> None:
        self._box, self._monitor, self._number = box, monitor, 0
        self.last = ""

    def see(self, name: str = "") -> Image.Image:
        """The picture of now, kept beside the console's log."""
        self._number += 1
        return screen.dump(self._monitor, self._box.folder / f"screen-{name or 'now'}.png")

    def shows_board(self, name: str) -> bool:
        """Whether it is what another browser makes of the same board in the same moment, at the same size."""
        try:
            wanted = screen.reference(f"{self._box.tv}/{_PAGE}", self._box.folder / f"screen-{name}-wanted.png")
        except TransientError as fault:  # a box that is busy painting answers late: looked at again
            self.last = str(fault)
            return False
        picture = self.see(name)
        like = screen.likeness(picture, wanted) if picture.size == wanted.size else 0.0
        self.last = f"{picture.size} likeness {like}, {screen.look(picture)}"
        return like >= _LIKE and screen.shares_colours(picture, wanted)

    def wait(self, name: str, limit_s: float) -> float | None:
        """Until it shows the board: seconds since the box was switched on."""
        end_s = time.monotonic() + limit_s * SLACK
        while time.monotonic() < end_s and self._box.running:
            blank = screen.look(self.see(name)).is_blank
            seen_s = round(time.monotonic() - self._box.power_on_s, 1)
            if not blank and self.shows_board(name):
                return seen_s
            time.sleep(1)
        return None

    def moves(self) -> int:
        """So many pixels changed within eight seconds: a picture that stands is of a browser that is gone."""
        before = self.see("moves-1")
        time.sleep(8)
        return screen.changed(before, self.see("moves-2"))

    def wait_dark(self, limit_s: float) -> bool:
        """Until the kernel has switched the screen off, and nothing is on it."""
        end_s = time.monotonic() + limit_s * SLACK
        while time.monotonic() < end_s and self._box.running:
            power, look = self._box.ssh(f"cat {_CONNECTOR}/dpms")[1], screen.look(self.see("dark"))
            self.last = f"dpms {power}, {look}"
            if power == "Off" and look.is_dark:
                return True
            time.sleep(2)
        return False


def scenario(box: Box, sheet: str, report: Report) -> Callable[[], None]:
    """All of it on one start."""

    def run() -> None:
        settle(box.firmware, sheet + _SHEET, f"ttyS0,115200 {_WORDS}", box.folder / "scratch")
        with tempfile.TemporaryDirectory() as place:
            seen = Screen(box, Path(place, "monitor"))
            width, height = screen.SIZE
            box.extra = (
                *box.extra, "-device", f"virtio-gpu-pci,xres={width},yres={height}", "-qmp", f"unix:{place}/monitor,server=on,wait=off",
            )  # fmt: skip
            try:
                box.power_on()
                if _first(box, seen, report):
                    _rights(box, report)
                    _frozen(box, seen, report)
                    _unplugged(box, seen, report)
                    _dark(box, seen, report)
            finally:
                box.cut()

    return run


def _first(box: Box, seen: Screen, report: Report) -> bool:
    board_s = box.wait_board(600)
    report.step("kiosk", "first board served", board_s is not None, "", board_s)
    if board_s is None:
        return False
    drawn_s = seen.wait("first", _FIRST_S)
    report.figures["kiosk: power-on to first board on the screen, s"] = drawn_s
    report.step("kiosk", "the unit comes by itself and paints the board", drawn_s is not None, seen.last, drawn_s)
    up_s = box.wait_up()
    report.step("kiosk", "all started", up_s is not None, "", up_s)
    said = box.ssh("systemctl show -P StatusText callfloor-kiosk; systemctl --failed --no-legend --plain")[1]
    report.step("kiosk", "it says what it shows, and no unit failed", said == f"showing http://127.0.0.1:8080/{_PAGE}", said)
    if drawn_s is None:
        print(
            box.ssh(
                "journalctl -b -u callfloor-kiosk -u seatd --no-pager | tail -n 60; ls -l /dev/dri /run/seatd.sock; ps axo user,args | tail -n 30"
            )[1]
        )
        return False
    report.step("kiosk", "the picture moves", (moved := seen.moves()) > 0, f"{moved} pixels in 8 s")
    return True


def _rights(box: Box, report: Report) -> None:
    ask = "systemctl show -P MemoryPeak -P MemoryCurrent -P User callfloor-kiosk; ps -o user:32=,comm= -C cage,cog,WPEWebProcess,WPENetworkProcess | sort -u"
    said = box.ssh(ask)[1]
    users = {line.split()[0] for line in said.splitlines() if len(line.split()) == 2}
    used = [int(line) for line in said.splitlines() if line.isdigit()]
    report.figures["kiosk: memory, MB"] = round(max(used) / 1e6) if used else None
    report.step("kiosk", "compositor and browser run as a user of their own", users == {"callfloor-kiosk"}, said)


def _restarts(box: Box) -> int:
    said = box.ssh("systemctl show -P NRestarts callfloor-kiosk")[1]
    return int(said) if said.isdigit() else -1


def _frozen(box: Box, seen: Screen, report: Report) -> None:
    before = _restarts(box)
    began_s = time.monotonic()
    box.ssh("pkill -STOP WPEWebProcess")
    while time.monotonic() - began_s < 150 * SLACK and _restarts(box) <= before:
        time.sleep(2)
    told = box.ssh("journalctl -b -u callfloor-kiosk --no-pager -o cat | grep -m1 'no frame is painted'")[1]
    ended_s = time.monotonic() - began_s
    report.step("kiosk", "a page that paints nothing is killed by the watchdog", _restarts(box) > before and bool(told), told, ended_s)
    again_s = seen.wait("after-freeze", _FIRST_S)
    report.step("kiosk", "and painted anew", again_s is not None, seen.last, time.monotonic() - began_s)


def _unplugged(box: Box, seen: Screen, report: Report) -> None:
    """The television is switched off and on: its connector says so."""
    code, said = box.ssh(f"cd {_CONNECTOR} && echo off >status && sleep 12 && cat status && echo detect >status")
    began_s = time.monotonic()
    back_s = seen.wait("after-unplug", _FIRST_S)
    took_s, moved = time.monotonic() - began_s, seen.moves()
    ok = code == 0 and said == "disconnected" and back_s is not None and moved > 0
    report.step("kiosk", "unplugged and plugged, the board is there again", ok, f"{said}: {seen.last}, {moved} pixels in 8 s", took_s)


def _dark(box: Box, seen: Screen, report: Report) -> None:
    began_s = time.monotonic()
    code, said = box.ssh("callfloor config set kiosk.off '[\"00:00-23:59\"]' && systemctl restart callfloor-kiosk")
    dark = seen.wait_dark(60 + 4 * _BLANK_S)
    told = box.ssh("systemctl show -P StatusText callfloor-kiosk; pgrep -c cage")[1].split("\n")
    ok = dark and told == ["the screen is off by its schedule", "0"]
    report.step("kiosk", "in the hours without a picture it is dark", ok, f"{code} {said} {told} {seen.last}", time.monotonic() - began_s)
