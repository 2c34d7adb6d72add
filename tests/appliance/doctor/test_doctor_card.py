"""How long the disk under the journal lasts: counted by the real kernel, judged against what it stands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.core.config import Config, JournalConfig
from appliance.doctor import card
from appliance.doctor.card import ASSUMED_TBW, CardFacts, Written

DAY_S = 86_400.0
GB = 1_000_000_000

WRITER = """
import os, sys
from pathlib import Path
from appliance.core.alive import Alive
held = Alive.open(Path(sys.argv[1]), "gateway")
with open(sys.argv[2], "wb") as file:
    file.write(os.urandom(4_000_000))
    file.flush()
    os.fsync(file.fileno())
print("written", flush=True)
sys.stdin.read()
"""


def facts(a_day: float, device: str = "mmcblk0", **services: float) -> CardFacts:
    """A machine that has been up for ten days."""
    return CardFacts(
        device, Written(int(a_day * 10), 10 * DAY_S), {name: Written(int(rate * 2), 2 * DAY_S) for name, rate in services.items()}
    )


def test_a_service_is_found_by_its_lock_and_its_writing_is_counted(tmp_path: Path) -> None:
    config = Config(journal=JournalConfig(path=tmp_path / "journal.db", run_dir=tmp_path / "run"))
    command = [sys.executable, "-c", WRITER, str(tmp_path / "run"), str(tmp_path / "bytes")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"written\n"
        seen = card.probe(config)
        counted = int(Path(f"/proc/{writer.pid}/io").read_text().partition("\nwrite_bytes: ")[2].split()[0])
    assert seen.services["gateway"].bytes == counted
    assert 0 < seen.services["gateway"].seconds < 60
    assert "gateway" not in card.probe(config).services, "it is gone"


def test_the_whole_disk_is_counted_whatever_partition_the_journal_is_on(tmp_path: Path) -> None:
    """The kernel's own tree below /sys, with a card's two partitions."""
    disk = tmp_path / "sys" / "devices" / "mmcblk0"
    part = disk / "mmcblk0p2"
    part.mkdir(parents=True)
    (part / "partition").write_text("2\n")
    (disk / "stat").write_text(" 10 0 80 5 200 0 4000000 90 0 50 95\n")
    number = os.stat(tmp_path).st_dev  # noqa: PTH116
    link = tmp_path / "sys" / "dev" / "block" / f"{os.major(number)}:{os.minor(number)}"
    link.parent.mkdir(parents=True)
    link.symlink_to(part)
    seen = card.probe(Config(journal=JournalConfig(path=tmp_path / "journal.db")), sys=tmp_path / "sys")
    assert seen.device == "mmcblk0"
    assert seen.whole is not None
    assert seen.whole.bytes == 4_000_000 * 512


def test_the_real_disk_of_this_machine_is_told() -> None:
    config = Config(journal=JournalConfig(path=Path(__file__)))
    seen = card.probe(config)
    if seen.whole is None:
        pytest.skip("this file system names no device")
    assert Path(f"/sys/class/block/{seen.device}/stat").exists()
    assert seen.whole.bytes > 0
    (said,) = card.judge(seen, config.journal)
    assert said.item == "card"
    assert seen.device in said.evidence


@pytest.mark.parametrize(
    ("a_day", "tbw", "device", "level"),
    [
        (1 * GB, None, "mmcblk0", "ok"),  # 27 years
        (12 * GB, None, "mmcblk0", "amber"),  # 2.3 years
        (40 * GB, None, "mmcblk0", "red"),  # 8 months
        (40 * GB, 60.0, "mmcblk0", "ok"),  # 4.1 years
        (40 * GB, None, "nvme0n1", "ok"),  # nobody said what it stands
        (40 * GB, 30.0, "nvme0n1", "amber"),
        (0, None, "mmcblk0", "ok"),
    ],
)
def test_projected_life_against_what_the_disk_stands(a_day: float, tbw: float | None, device: str, level: str) -> None:
    (said,) = card.judge(facts(a_day, device, gateway=a_day / 4), JournalConfig(disk_tbw=tbw))
    assert said.level == level
    assert bool(said.mend) == (level != "ok")
    assert ("assumed" in said.evidence) is (tbw is None and device == "mmcblk0")


def test_evidence_tells_whose_doing_it_is_and_the_mend_follows() -> None:
    (theirs,) = card.judge(facts(40 * GB, gateway=1 * GB, uplink=0.5 * GB), JournalConfig())
    assert "40.0 GB a day" in theirs.evidence
    assert "gateway 1.0 GB" in theirs.evidence
    assert f"{ASSUMED_TBW:g} TB assumed: 0.7 years" in theirs.evidence
    assert theirs.mend.startswith("sudo iotop")
    (ours,) = card.judge(facts(40 * GB, gateway=30 * GB), JournalConfig())
    assert "[journal] path" in ours.mend
    (one,) = card.judge(facts(40 * GB, gateway=15 * GB, uplink=15 * GB), JournalConfig())
    assert "gateway+uplink 15.0 GB" in one.evidence, "one process runs both"
    assert one.mend.startswith("sudo iotop")


def test_just_after_the_start_nothing_is_projected() -> None:
    (said,) = card.judge(CardFacts("mmcblk0", Written(3 * GB, 600.0), {}), JournalConfig())
    assert said.level == "ok"
    assert "too early" in said.finding
