"""The configuration's schema takes the least file that runs, knows every key, and has a word for each."""

from __future__ import annotations

import tomllib
from typing import Any

import jsonschema
import msgspec
import pytest

from appliance.core.config import Config
from appliance.schema import config
from appliance.schema.config_words import WORDS

DOCUMENT = config.document()
VALIDATOR = jsonschema.Draft202012Validator(DOCUMENT)

LEAST = """
[site]
name = "quito-norte"
box = "piso-3"
timezone = "America/Guayaquil"
language = "es"

[journal]
path = "journal.db"

[pbx.central]
kind = "asterisk"
host = "127.0.0.1"
port = 5038
username = "callfloor"
secret_file = "pbx.secret"

[crm]
url = "mqtt://127.0.0.1:1883"

[wallboard.tv]
listen = "127.0.0.1:8080"
"""


def test_document_is_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(DOCUMENT)


def test_least_file_fits() -> None:
    VALIDATOR.validate(tomllib.loads(LEAST))


def test_empty_file_fits() -> None:
    VALIDATOR.validate({})


@pytest.mark.parametrize(
    "text",
    [
        "[site]\ncolour = 'blue'",
        "[site]\nlanguage = 'fr'",
        "[pbx.central]\nport = 'five'",
        "[groups.todas]\ntitle = 'Todas'",
        "[kpi]\nservice_level = 'best'",
        "[crm]\nurl = 7",
    ],
)
def test_fault_is_refused(text: str) -> None:
    assert not VALIDATOR.is_valid(tomllib.loads(text))


def test_every_key_has_its_word() -> None:
    keys = {f"{name}.{key}" for name, shape in DOCUMENT["$defs"].items() for key in shape["properties"]}
    assert sorted(keys - set(WORDS)) == [], "say in appliance/schema/config_words.py what these mean"
    assert sorted(set(WORDS) - keys) == [], "no such keys any more"


def test_defaults_told_are_the_defaults_used() -> None:
    """Writing every default that the page tells into a file changes nothing."""
    written: dict[str, Any] = {}
    for row in config.rows():
        if row.default is None or "NAME" in row.table or row.default == "{}":
            continue
        table = written
        for part in row.table.split("."):
            table = table.setdefault(part, {})
        table.update(tomllib.loads(f"{row.key} = {row.default}"))
    used = msgspec.convert(written, Config, strict=False, dec_hook=lambda kind, value: kind(value))
    tables: dict[str, Any] = {"site": {"hours": {}}, "wallboard": {"tv": {}}, "outbound": {"hours": {}}}
    plain = msgspec.convert(tables | {name: {} for name in ("crm", "headsets", "opcua", "kiosk", "routing")}, Config)
    assert used == plain


def test_no_null_in_toml() -> None:
    assert '"null"' not in msgspec.json.encode(DOCUMENT).decode()
