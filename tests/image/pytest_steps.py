"""Runs a file of pytest's tests as a scenario: each test is a step."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

from scenario import Report

_ROOT = Path(__file__).resolve().parents[2]
_LIMIT_S = 3600


def tests(scenario: str, file: str, folder: Path, report: Report, env: Mapping[str, str]) -> None:
    """Count every test of tests/image/FILE; what they print is in FOLDER/pytest.log. Raises TimeoutExpired."""
    results = folder / "results.xml"
    words = [sys.executable, "-m", "pytest", "-s", "-m", "image", "-p", "no:cacheprovider", f"--junitxml={results}", f"tests/image/{file}"]
    with (folder / "pytest.log").open("wb") as log:
        subprocess.run(words, check=False, cwd=_ROOT, env=os.environ | env, stdout=log, stderr=subprocess.STDOUT, timeout=_LIMIT_S)
    counted = 0
    for case in ElementTree.parse(results).iter("testcase"):
        wrong = next((each for each in case if each.tag in {"failure", "error"}), None)
        skipped = case.find("skipped")
        name = case.get("name", "?").removeprefix("test_").replace("_", " ")
        counted += 1
        if skipped is not None:
            report.skip(scenario, f"{name}: {skipped.get('message')}")
        else:
            report.step(scenario, name, wrong is None, "" if wrong is None else wrong.get("message"), float(case.get("time", "0")))
    if not counted:
        report.step(scenario, "its tests ran", ok=False, note=(folder / "pytest.log").read_text(errors="replace")[-300:])
