"""`callfloor config`: one key changed and the rest of the file as it was, judged first, kept by number, named with who must heed it."""

from __future__ import annotations

import io
import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.cli.main import main
from appliance.core.errors import MisconfiguredError
from appliance.provision.site_file import over
from appliance.provision.toml_edit import key_from_text, merged, value_from_text, with_value

FILE = """\
# Quito, third floor
[site]
name = "quito" # as in the CRM
box = "piso-3"

[kpi]
target_s = 15.0   # agreed in May

[wallboard.tv]
listen = "127.0.0.1:8080"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "callfloor.toml"
    path.write_text(FILE)
    path.chmod(0o640)
    return path


def config(file: Path, *words: str) -> int:
    return main(["config", *words, "-c", str(file)])


def test_set_keeps_comments_order_and_rights(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert config(file, "set", "kpi.target_s", "20") == 0
    assert file.read_text() == FILE.replace("15.0   #", "20   #")
    assert file.stat().st_mode & 0o777 == 0o640
    assert "config rollback 1" in capsys.readouterr().out
    assert config(file, "set", "kpi.target_s", "20") == 0
    assert "so already" in capsys.readouterr().out
    assert config(file, "set", 'queues."Atención".title', "Atención al cliente", "--lang", "es") == 0
    assert config(file, "set", "kpi.target_s", "--default") == 0
    assert "target_s" not in file.read_text()
    assert tomllib.loads(file.read_text())["queues"] == {"Atención": {"title": "Atención al cliente"}}


def test_log_diff_and_back(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config(file, "set", "kpi.target_s", "20")
    config(file, "set", "site.box", "piso-4")
    capsys.readouterr()
    assert config(file, "log", "--json") == 0
    assert [(each["number"], each["why"]) for each in json.loads(capsys.readouterr().out)] == [(2, "set site.box"), (1, "set kpi.target_s")]
    assert config(file, "diff", "1") == 1
    said = capsys.readouterr().out
    assert "-target_s = 15.0   # agreed in May" in said
    assert '+box = "piso-4"' in said
    assert config(file, "diff", "--json") == 1
    assert {each["key"]: (each["value"], each.get("default")) for each in json.loads(capsys.readouterr().out)["differs"]} == {
        "site.name": ("quito", "site"),
        "site.box": ("piso-4", "box"),
        "kpi.target_s": (20, 15.0),
    }
    assert config(file, "rollback", "1") == 0
    assert file.read_text() == FILE
    assert config(file, "rollback") == 0, "and back again: what was left is kept too"
    assert "piso-4" in file.read_text()
    assert config(file, "rollback", "77") == 1


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("kpi.targt_s", "3", "did you mean target_s?"),
        ("kpi.target_s", "-3", "not allowed"),
        ("site.name", "Quito Norte", 'write "quito-norte"'),
        ("wallboard.tv.listen", "0.0.0.0:80", "lets everybody"),
        ("pbx.central.secret", "hunter2", "secrets never stand in this file"),
        ("kpi.target_s.x", "3", "is a value in this file"),
        ("a b", "3", "is no key"),
    ],
)
def test_a_wrong_change_is_not_written(file: Path, key: str, value: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert config(file, "set", key, value) == 1
    told = capsys.readouterr().err
    assert said in told
    assert "hunter2" not in told
    assert file.read_text() == FILE
    assert sorted(path.name for path in file.parent.iterdir()) == ["callfloor.toml"]


def test_a_file_with_faults_may_be_mended_one_by_one(file: Path) -> None:
    file.write_text(FILE.replace('box = "piso-3"', 'box = "Piso 3"') + "\n[kip]\n")
    assert config(file, "set", "kpi.target_s", "20") == 1, "that mends nothing"
    assert config(file, "set", "site.box", "piso-3") == 0
    assert config(file, "set", "kip", "--default") == 0
    assert config(file, "set", "kpi.target_s", "20") == 0


def test_a_number_may_be_a_name(file: Path) -> None:
    assert config(file, "set", "site.box", "3") == 0
    assert 'box = "3"' in file.read_text()


@pytest.mark.parametrize("text", ["", "a.", "a b", "a = 1\nb", "[a]", '"a', "a.b = 2 #"])
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(MisconfiguredError):
        key_from_text(text)


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\r\0", exclude_categories=["Cc", "Cs"]), max_size=8)
VALUES = st.booleans() | st.integers(-9, 9) | NAMES | st.lists(st.integers(0, 9), max_size=3)
TABLES = st.recursive(st.dictionaries(NAMES, VALUES, max_size=3), lambda inner: st.dictionaries(NAMES, inner | VALUES, max_size=3))


@given(TABLES, TABLES)
def test_what_is_merged_says_what_was_asked_for(before: dict[str, object], told: dict[str, object]) -> None:
    text = merged("# kept\n", before)
    try:
        after = merged(text, told)
    except MisconfiguredError:
        return  # refused rather than written otherwise
    assert tomllib.loads(after) == over(tomllib.loads(text), told)
    assert after.startswith("# kept")


@given(NAMES, NAMES, VALUES)
def test_a_key_that_was_set_has_its_value(table: str, name: str, value: object) -> None:
    try:
        text = with_value(FILE, (table, name), value)
    except MisconfiguredError:
        return
    assert tomllib.loads(text)[table][name] == value
    assert "# agreed in May" in text or (table, name) == ("kpi", "target_s")


@given(st.text(max_size=20))
def test_any_word_is_a_value(word: str) -> None:
    value = value_from_text(word)
    assert value == word or tomllib.loads(f"it = {word}") == {"it": value} or value != value


def test_a_secret_is_changed_and_shown_nowhere(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file that the configuration names for it, which may be missing; by standard input; what is no secret is refused."""
    file.write_text(FILE + '[pbx.central]\nhost = "192.168.1.10"\nsecret_file = "credentials/pbx"\n')

    def said(text: str, table: str = "pbx.central") -> int:
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        return config(file, "secret", table, "--lang", "es")

    assert said("s3cr3t of the manager\n") == 0
    assert capsys.readouterr().out == f"{tmp_path}/credentials/pbx: cambiada\n"
    assert (tmp_path / "credentials/pbx").read_text() == "s3cr3t of the manager"
    (tmp_path / "credentials/pbx").chmod(0o400)
    assert said("another\r\n") == 0
    assert (tmp_path / "credentials/pbx").stat().st_mode & 0o777 == 0o400
    assert (tmp_path / "credentials/pbx").stat().st_size == len("another")
    assert said("\n") == 1
    assert said("x" * 600) == 1
    assert said("x", "pbx.other") == 1
    assert "[pbx.other]" in capsys.readouterr().err
    assert (tmp_path / "credentials/pbx").read_text() == "another"


def test_a_service_that_a_key_brings_or_ends_is_named(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert config(file, "set", "headsets.poll_s", "2") == 1
    capsys.readouterr()
    assert config(file, "set", "headsets.hold", "watch") == 0
    assert "sudo systemctl enable --now callfloor@headsets" in capsys.readouterr().out
    assert config(file, "rollback") == 0
    assert "sudo systemctl disable --now callfloor@headsets" in capsys.readouterr().out
