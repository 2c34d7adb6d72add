"""The units shut much out: here the headsets' drivers run under the one restriction that may trouble a program that calls C libraries."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator

import pytest
from hid_rig import MUTE_PRESS, OFF_HOOK, Bus, open_box, open_bus

pytestmark = pytest.mark.usb

#: linux/prctl.h: PR_SET_MDWE with PR_MDWE_REFUSE_EXEC_GAIN, which is what MemoryDenyWriteExecute= sets (systemd 254 and later).
PR_SET_MDWE, PR_GET_MDWE, REFUSE_EXEC_GAIN = 65, 66, 1
BEGIN = f"""
import ctypes, os, sys
if ctypes.CDLL(None).prctl({PR_SET_MDWE}, {REFUSE_EXEC_GAIN}, 0, 0, 0) != 0:
    sys.exit("no such restriction")
os.execvp(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def bus() -> Iterator[Bus]:
    with open_bus() as made:
        yield made


@pytest.mark.skipif(ctypes.CDLL(None).prctl(PR_GET_MDWE, 0, 0, 0, 0) < 0, reason="needs Linux 6.3")
@pytest.mark.parametrize("kind", ["own", "watch"])
def test_without_memory_that_may_be_written_and_run(bus: Bus, kind: str) -> None:
    bus.plug("1-2")
    with open_box(bus, sys.executable, "-c", BEGIN) as box:
        assert box.do("plugs_on", 10)["without_events"] is None
        box.do("open", kind, "1-2")
        box.do("listen", "1-2")
        bus.do("report", "1-2", OFF_HOOK, MUTE_PRESS)
        assert [report for _, report, _ in box.do("heard", 2)["heard"]] == [OFF_HOOK, MUTE_PRESS]
        if kind == "own":
            box.do("write", "1-2", "020300")
            assert ("set_report 0202 3", "020300") in bus.log()
        bus.do("plug", "1-3", "1-3", 0x1209, 2, "S2", "Other", "", {})
        bus.do("pull", "1-2")
        assert box.do("changes", 1)["changes"]
