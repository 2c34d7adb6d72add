"""The documents are true: their links lead somewhere, their commands exist, their configurations are valid."""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
import subprocess
import tomllib
from pathlib import Path

import jsonschema
import pytest

from appliance.cli.main import VERBS
from appliance.provision.site_file import site_from_toml
from appliance.schema import config
from wallboard.board_file import board_from_toml

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "systemd").glob("*.md"), *(ROOT / "images").glob("*.md")])
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.S | re.M)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def prose(page: str) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", (ROOT / page).read_text(encoding="utf-8"))


def blocks(page: str, language: str) -> list[str]:
    return [body for _, kind, body in _FENCE.findall((ROOT / page).read_text(encoding="utf-8")) if kind == language]


def anchors(page: Path) -> set[str]:
    """The fragments of a page's headings, as they are made where Markdown is shown."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", NAMES)
def test_links_lead_somewhere(page: str) -> None:
    for target in _LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        assert file.exists(), f"{page}: {target}"
        if fragment:
            assert fragment in anchors(file), f"{page}: {target} names no heading of {path or page}"


def test_pages_are_reached_from_the_readme() -> None:
    """A page that no other page names is never read."""
    named = {((ROOT / page).parent / target.partition("#")[0]).resolve() for page in NAMES for target in _LINK.findall(prose(page))}
    assert [
        page for page in NAMES if (ROOT / page).resolve() not in named and page != "README.md" and not page.endswith("/README.md")
    ] == []


def targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))


@pytest.mark.parametrize("page", NAMES)
def test_make_targets_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|^)make ([a-z][a-z-]*)", text, re.M))
    assert named <= targets()


def test_help_lists_every_target_that_a_person_types() -> None:
    shown = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert targets() - {"machine"} == set(re.findall(r"^  make ([a-z-]+)", shown, re.M))


def test_ci_runs_what_the_readme_names() -> None:
    text = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.findall(r"^make (\w+)$", text, re.M) == ["lint", "test"]
    assert "make test" in "".join(blocks("README.md", "sh"))


def verbs_of(text: str) -> set[str]:
    return set(re.findall(r"(?:`|^)(?:[\w./]*/)?callfloor ([a-z]+)", text, re.M))


@pytest.mark.parametrize("page", NAMES)
def test_verbs_exist(page: str) -> None:
    named = verbs_of(prose(page)) | {verb for block in blocks(page, "sh") for verb in verbs_of(block)}
    assert named <= set(VERBS)
    for verb in named:
        assert importlib.util.find_spec(f"appliance.cli.{verb}"), f"{page} names callfloor {verb}, which has no module"


def test_contract_lists_every_verb() -> None:
    table = prose("docs/contract.md").partition("## The command")[2].partition("## ")[0]
    listed = {verb for row in re.findall(r"^\| (`.*?) \|", table, re.M) for verb in re.findall(r"`([a-z]+)", row)}
    assert listed == set(VERBS)


@pytest.mark.parametrize("page", NAMES)
def test_configurations_are_valid(page: str) -> None:
    validator = jsonschema.Draft202012Validator(config.document())
    for block in blocks(page, "toml"):
        text = re.sub(r"^ {3}", "", block, flags=re.M)
        if "[[page]]" in text:
            assert board_from_toml(text, Path("entrada.toml"))[1] == ()
        elif "site_sheet" in text:
            site_from_toml(text, Path("site.toml"))
        else:
            validator.validate(tomllib.loads(text))


@pytest.mark.parametrize("page", NAMES)
def test_json_is_json(page: str) -> None:
    for block in blocks(page, "json"):
        json.loads(block)


def test_version_is_told_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert headings[0] == "Unreleased"
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", heading) for heading in headings[1:])
    assert project["license"] == "Apache-2.0"
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").lstrip().startswith("Apache License\n")
