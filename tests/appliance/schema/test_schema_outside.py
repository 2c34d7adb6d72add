"""Validators of other people's, in another language, take the documents: AsyncAPI's own parser, and ajv. From npm: `make contract`."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from appliance.schema.document import WHICH, schema_text

ROOT = Path(__file__).parents[3]
MODULES = ROOT / "build" / "contract" / "node_modules"
PACKAGES = ("@asyncapi/parser@3", "ajv@8", "ajv-formats@3")

PARSE = """
import { Parser } from '@asyncapi/parser';
import { readFileSync } from 'node:fs';
const { document, diagnostics } = await new Parser().parse(readFileSync('asyncapi.json', 'utf8'));
const told = diagnostics.filter(one => one.severity <= 1).map(one => `${one.severity} ${one.code} ${one.path.join('.')}: ${one.message}`);
console.log(JSON.stringify({
  told,
  channels: document ? document.channels().all().length : 0,
  operations: document ? document.operations().all().length : 0,
  messages: document ? document.messages().all().map(one => [one.name(), one.examples().all().length]) : [],
}));
"""
VALIDATE = """
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { readFileSync } from 'node:fs';
const { documents, cases } = JSON.parse(readFileSync('cases.json', 'utf8'));
const ajv = new Ajv2020({ strict: true, strictRequired: false, strictTypes: false, strictTuples: false, allErrors: true,
  keywords: ['x-unit', 'x-privacy', 'x-path'] });
(formats.default ?? formats)(ajv);
for (const document of documents) ajv.addSchema(document);
console.log(JSON.stringify(cases.map(([ref, payload]) => {
  const validate = ajv.getSchema(ref);
  return validate(payload) ? [] : validate.errors.map(error => `${ref} ${error.instancePath} ${error.message}`);
})));
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which node finds the packages."""
    if shutil.which("npm") is None:
        pytest.skip("no npm here")
    if not all((MODULES / name.rpartition("@")[0]).is_dir() for name in PACKAGES):
        command = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(MODULES.parent), *PACKAGES]
        subprocess.run(command, check=True, timeout=300)
    folder = tmp_path_factory.mktemp("contract")
    (folder / "package.json").write_text('{"private": true, "type": "module"}', encoding="utf-8")
    (folder / "node_modules").symlink_to(MODULES)
    return folder


def node(place: Path, script: str) -> Any:
    (place / "check.mjs").write_text(script, encoding="utf-8")
    done = subprocess.run(["node", "check.mjs"], cwd=place, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def reference(row: dict[str, Any]) -> str:
    """Which schema a message must fit."""
    name = str(row["name"])
    group = row["topic"].split("/")[4]
    if group == "event":
        return "urn:callfloor:1:events"
    return (
        "urn:callfloor:1:floor"
        if group == "floor"
        else f"urn:callfloor:1:{'commands' if group == 'cmd' else 'link'}#/$defs/" + (name if group == "cmd" else group)
    )


@pytest.mark.slow
def test_asyncapis_own_parser_takes_the_document(place: Path) -> None:
    (place / "asyncapi.json").write_text(schema_text("asyncapi"), encoding="utf-8")
    told = node(place, PARSE)
    assert told["told"] == []
    ours = json.loads(schema_text("asyncapi"))
    assert (told["channels"], told["operations"]) == (len(ours["channels"]), len(ours["operations"]))
    messages = dict(told["messages"])
    assert messages.keys() == ours["components"]["messages"].keys()
    assert min(messages.values()) >= 1


@pytest.mark.slow
def test_the_parser_would_tell(place: Path) -> None:
    """What is broken is found: an operation on no channel, and an example that does not fit."""
    document = json.loads(schema_text("asyncapi"))
    document["operations"]["status"]["channel"] = {"$ref": "#/channels/nowhere"}
    document["components"]["messages"]["info"]["examples"][0]["payload"]["contract"] = "one"
    (place / "asyncapi.json").write_text(json.dumps(document), encoding="utf-8")
    told = " ".join(node(place, PARSE)["told"])
    assert "nowhere" in told


@pytest.mark.slow
def test_ajv_takes_schemas_and_every_example(place: Path) -> None:
    documents = [json.loads(schema_text(which)) for which in WHICH if which not in ("asyncapi", "examples")]
    rows = json.loads(schema_text("examples"))["messages"]
    good = [[reference(row), row["payload"]] for row in rows]
    bad = [[ref, {**payload, spoilt: {"no": "such"}}] for ref, payload in good for spoilt in [next(iter(payload))]]
    (place / "cases.json").write_text(json.dumps({"documents": documents, "cases": good + bad}), encoding="utf-8")
    told = node(place, VALIDATE)
    assert [errors for errors in told[: len(good)] if errors] == []
    assert [case for case, errors in zip(bad, told[len(good) :], strict=True) if not errors] == []
