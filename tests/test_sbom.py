"""The bill of materials is what the lock pins, and CycloneDX by a validator that shares no code with its writer: `make contract`."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLACE = ROOT / "build" / "sbom"
PACKAGES = ("@cyclonedx/cyclonedx-library@10", "ajv@8", "ajv-formats@3", "ajv-formats-draft2019@1")
CHECK = """
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { readFileSync } from 'node:fs';
const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
const told = await Promise.all(process.argv.slice(2).map(name => validator.validate(readFileSync(name, 'utf8'))));
console.log(JSON.stringify(told.map(one => one === null)));
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None, reason="no npm here")
def test_the_bill_is_whole_and_valid(tmp_path: Path) -> None:
    subprocess.run([ROOT / "images" / "sbom"], check=True, timeout=400)
    bill = json.loads((ROOT / "build" / "sbom.json").read_text(encoding="utf-8"))
    lock = (ROOT / "images" / "package" / "requirements.lock").read_text(encoding="utf-8")

    def named(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    pinned = {named(name): version for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s\\;]+)", lock, re.MULTILINE)}
    assert {named(one["name"]): one["version"] for one in bill["components"]} == {
        name: version for name, version in pinned.items() if name != "spidev"
    }
    assert bill["metadata"]["component"]["name"] == "callfloor"
    assert str(ROOT) not in json.dumps(bill)
    bad = {**bill, "components": [{**bill["components"][0], "type": "thing"}]}
    (tmp_path / "bad.json").write_text(json.dumps(bad), encoding="utf-8")
    (tmp_path / "package.json").write_text('{"private": true, "type": "module"}', encoding="utf-8")
    if not all((PLACE / "node_modules" / name.rpartition("@")[0]).is_dir() for name in PACKAGES):
        command = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(PLACE), *PACKAGES]
        subprocess.run(command, check=True, timeout=300)
    (tmp_path / "node_modules").symlink_to(PLACE / "node_modules")
    (tmp_path / "check.mjs").write_text(CHECK, encoding="utf-8")
    command = ["node", "check.mjs", str(ROOT / "build" / "sbom.json"), "bad.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [True, False]
