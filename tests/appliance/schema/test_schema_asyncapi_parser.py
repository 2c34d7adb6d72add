"""AsyncAPI's own parser takes the document. It comes from npm, so this is a slow test: `make test-slow`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from appliance.schema.document import schema_text

SCRIPT = """
import { Parser } from '@asyncapi/parser';
import { readFileSync } from 'node:fs';
const { diagnostics } = await new Parser().parse(readFileSync('asyncapi.json', 'utf8'));
const errors = diagnostics.filter(diagnostic => diagnostic.severity === 0);
for (const error of errors) console.log(error.path.join('.'), error.message);
process.exitCode = errors.length ? 1 : 0;
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None, reason="no npm here")
def test_document_is_asyncapi(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"private": true}', encoding="utf-8")
    (tmp_path / "check.mjs").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "asyncapi.json").write_text(schema_text("asyncapi"), encoding="utf-8")
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent", "@asyncapi/parser@3"], cwd=tmp_path, check=True, timeout=300)
    checked = subprocess.run(["node", "check.mjs"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert checked.returncode == 0, checked.stdout + checked.stderr
