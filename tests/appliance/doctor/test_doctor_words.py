"""What the doctor says is said in Spanish and Portuguese too: every finding, consequence and label of its source has a text in each."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.box.words import WORDS as BOARD
from appliance.doctor.finding import Finding
from appliance.doctor.words import _LABELS, in_language, knows, label, said, shown
from appliance.doctor.words_evidence import EVIDENCE, MENDS
from appliance.doctor.words_table import WORDS

ROOT = Path(__file__).parents[3] / "appliance"
SOURCES = sorted([*(ROOT / "doctor").glob("*.py"), *(ROOT / "box").glob("*.py")])
#: What a finding may be made of besides fixed text: words that come from elsewhere, said as they are.
FOREIGN = {"{}", "{} {}"}


def templates(path: Path, places: tuple[int, ...] = (2, 4)) -> Iterator[str]:
    """The texts that a module's Findings are made of, as far as they stand in it: finding and consequence, through its own names."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                pairs = [(target, node.value)]
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = list(zip(target.elts, node.value.elts, strict=True))
                for name, value in pairs:
                    if isinstance(name, ast.Name):
                        named.setdefault(name.id, []).append(value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding":
            for at in places:
                if len(node.args) > at:
                    yield from texts(node.args[at], named, set())


def texts(node: ast.expr, named: dict[str, list[ast.expr]], seen: set[str]) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)) if text:
            yield text
        case ast.JoinedStr():
            parts: list[str] = []
            for part in node.values:
                value = part.value if isinstance(part, ast.Constant | ast.FormattedValue) else part
                inner = list(texts(value, named, set(seen))) if isinstance(value, ast.expr) else []
                constant = isinstance(value, ast.Name) and value.id.startswith("_") and len(inner) == 1
                parts.append(inner[0] if constant else "{}" if isinstance(value, ast.expr) else str(value))
            yield "".join(parts)
        case ast.IfExp():
            yield from texts(node.body, named, seen)
            yield from texts(node.orelse, named, seen)
        case ast.Name() if node.id not in seen:
            for value in named.get(node.id, []):
                yield from texts(value, named, seen | {node.id})
        case _:
            pass


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_finding_and_consequence_has_its_texts(path: Path) -> None:
    missing = {text for text in templates(path) if " " in text and text not in FOREIGN and not knows(text)}
    assert missing == set()


def words_of(template: str) -> set[str]:
    """What of it a person reads as words: not names of files, keys and units."""
    return {word for word in re.sub(r"\S*[/@_=\[\]]\S*|\{\}", " ", template).split() if re.fullmatch(r"[a-z]{2,}[,;:.]?", word)}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_what_shows_a_finding_is_said_too(path: Path) -> None:
    """Part by part: with its gaps filled, nothing of it is left in English."""
    for tongue in ("es", "pt"):
        for text in templates(path, (3,)):
            if words_of(text) - {"bootstatus", "boxes:"}:
                filled = text.removesuffix("{}") if text.endswith("machine{}") else text
                assert shown(filled.replace("{}", "X1"), tongue) != filled.replace("{}", "X1"), text


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_mend_is_a_command_or_said(path: Path) -> None:
    """A bare command is the same everywhere; whatever explains one, or is none, is said."""
    command = re.compile(r"(sudo |ssh |ping |ls |ps |echo |callfloor |journalctl |timedatectl|pip |printf )")
    for text in templates(path, (5,)):
        if "   # " in text or "; then" in text or not command.match(text):
            assert text in FOREIGN or knows(text), text


def test_the_source_is_really_read() -> None:
    found = {text for path in SOURCES for text in templates(path)}
    assert "its time is longer than this board's {} s" in found
    assert "the floor's figures stand still and say so; calls meanwhile are missing" in found
    assert len(found) > 100


@pytest.mark.parametrize("text", [*BOARD, *WORDS, *EVIDENCE, *MENDS])
def test_forms_have_the_same_gaps(text: str) -> None:
    for form in (BOARD | WORDS | EVIDENCE | MENDS)[text]:
        assert form.count("{}") == text.count("{}")
        assert form != text
        assert not re.search(r"\s{2}(?!#| #)", form), form


def test_what_shows_it_is_said_part_by_part_and_others_words_stay() -> None:
    seen = Finding("x", "ok", "it answers", "crm:8883: with TLS, its certificate is good, after 12 ms")
    assert in_language(seen, "es").evidence == "crm:8883: con TLS, su certificado es bueno, a los 12 ms"
    assert shown('10.0.0.9:5038 said "SSH-2.0-OpenSSH"; TLS may be wanted there', "pt") == (
        '10.0.0.9:5038 disse "SSH-2.0-OpenSSH"; talvez ali se exija TLS'
    )
    assert shown("/var/lib/callfloor/journal.db: 1,200 events written; 1.3 of 2,048 MiB", "es").endswith(
        "1,200 eventos escritos; 1.3 de 2,048 MiB"
    )
    assert shown("the UPS is on battery", "es") == "the UPS is on battery"


def test_a_finding_in_spanish_keeps_what_shows_it_and_its_command() -> None:
    finding = Finding("led a", "red", "callfloor may not open it", "/dev/x (root:spi)", "it shows nothing; the other boards go on, and it is tried "
                      "again every few seconds", "sudo usermod -aG spi callfloor")  # fmt: skip
    told = in_language(finding, "es")
    assert (told.finding, told.evidence, told.mend) == ("callfloor no puede abrirlo", finding.evidence, finding.mend)
    assert told.consequence.startswith("no muestra nada")
    assert in_language(finding, "en") == finding


def test_what_no_table_has_stays_english() -> None:
    assert said("the UPS is on battery", "pt") == "the UPS is on battery"


@pytest.mark.parametrize("text", _LABELS)
def test_labels_fill_their_gaps(text: str) -> None:
    gaps = tuple(range(text.count("{}")))
    for tongue in ("es", "en", "pt"):
        filled = label(text, tongue, *gaps)
        assert all(str(gap) in filled for gap in gaps)
