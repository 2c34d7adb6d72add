"""What the first-start unit tells, and takes off CONFIG, of a data partition that a TPM keeps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from appliance.firstboot.personal import RECOVERY, REPORT, SHEET

KEY = "itfchnlc-ledfdjev-fdenetee-rgckcfgf-huhnvefg-vfgkfjfj-ikvbvhjd-enkgckuc\n"


def started(root: Path, state: str, why: str = "", *, key: bool = True, sheet: str = "") -> tuple[int, str, Path]:
    """Exit code, report, CONFIG."""
    config, run = root / "config", root / "box/run/callfloor-data"
    config.mkdir()
    run.mkdir(parents=True)
    (run / "state").write_text(f"{state}\n")
    if why:
        (run / "why").write_text(f"{why}\n")
    if state == "locked":
        (root / "box/run/callfloor-no-data").write_text(f"{why}\n")
    if key:
        (config / RECOVERY).write_text(KEY)
    if sheet:
        (config / SHEET).write_text(sheet)
    words = [sys.executable, "-m", "appliance.firstboot", "--root", str(root / "box"), "--config", str(config)]
    code = subprocess.run(words, check=False, stdout=subprocess.DEVNULL).returncode
    report = config / REPORT
    return code, report.read_text() if report.exists() else "", config


def test_locked_says_why_in_three_languages_and_touches_nothing(tmp_path: Path) -> None:
    code, report, config = started(tmp_path, "locked", "its key is sealed to a TPM, and this machine has none", sheet="site_sheet = 1\n")
    assert code == 1
    assert report.count("its key is sealed to a TPM") == 3
    assert "does not open" in report
    assert "no se abre" in report
    assert "não abre" in report
    assert (config / RECOVERY).read_text() == KEY
    assert (config / SHEET).exists()  # a sheet is made true on the box's own data, and not in a memory that forgets it


def test_a_key_that_a_tpm_has_taken_leaves_config(tmp_path: Path) -> None:
    code, report, config = started(tmp_path, "resealed")
    assert (code, (config / RECOVERY).exists()) == (0, False)
    assert "sealed to this machine's TPM now" in report
    assert KEY.strip() not in report


def test_one_that_a_power_cut_left_there_goes_at_the_next_start(tmp_path: Path) -> None:
    assert not (started(tmp_path, "sealed")[2] / RECOVERY).exists()


def test_a_key_that_nothing_else_stands_in_for_stays_and_is_told(tmp_path: Path) -> None:
    code, report, config = started(tmp_path, "by-key", "this machine has none")
    assert (code, (config / RECOVERY).read_text()) == (0, KEY)
    assert "stays on CONFIG" in report


def test_without_a_key_there_is_nothing_to_tell(tmp_path: Path) -> None:
    assert started(tmp_path, "sealed", key=False)[:2] == (0, "")
