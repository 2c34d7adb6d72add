"""The generated documents in docs/ are what the types say today."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.schema.document import generated

DOCS = Path(__file__).parents[3] / "docs"
GENERATED = generated()


@pytest.mark.parametrize("name", GENERATED)
def test_generated_document_is_up_to_date(name: str) -> None:
    path = DOCS / name
    assert path.exists(), f"docs/{name} is missing: run make docs"
    assert path.read_text(encoding="utf-8") == GENERATED[name], f"docs/{name} is out of date: run make docs"


def test_no_forgotten_schema() -> None:
    """A schema that nothing generates any more would mislead."""
    assert {f"schema/{path.name}" for path in (DOCS / "schema").glob("*.json")} == {
        name for name in GENERATED if name.startswith("schema/")
    }
