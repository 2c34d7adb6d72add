"""`callfloor backup` and `restore`: the same box on another machine, a new epoch that the consumer is told of, and sealed files that tell of tampering."""

from __future__ import annotations

import json
import sqlite3
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.cli.main import main
from appliance.core.alive import Alive
from appliance.core.do_not_call import DoNotCall, Listed
from appliance.core.errors import CallfloorError
from appliance.core.journal_readonly import ReadonlyJournal
from appliance.provision.archive import Manifest, Saved, packed, unpacked

from .conftest import SHEET, tree

MakeRoot = Callable[..., Path]
PHRASE = "correct horse battery staple"


@pytest.fixture
def old_box(make_root: MakeRoot, sheet: Path) -> Path:
    root = make_root("old")
    assert main(["provision", str(sheet), "--root", str(root), "--yes"]) == 0
    (root / "etc/callfloor/boards").mkdir()
    (root / "etc/callfloor/boards/entrada.toml").write_text('title = "Entrada"\n[[page]]\nkind = "floor"\n')
    (root / "var/lib/callfloor/privacy.salt").write_bytes(b"salt" * 8)
    (root / "var/lib/callfloor/summary").mkdir()
    (root / "var/lib/callfloor/summary/2026-11-21.json").write_text("{}")
    (root / "var/lib/callfloor/cache").mkdir()
    (root / "var/lib/callfloor/cache/floor.fold").write_text("not saved")
    (root / "var/lib/callfloor/directory.pages").mkdir()
    (root / "var/lib/callfloor/directory.pages/page-c1").write_bytes(b"not saved")
    (root / "var/lib/callfloor/directory.db").write_bytes(b"not saved")
    numbers = DoNotCall(root / "var/lib/callfloor/do_not_call.db", write=True)
    numbers.add([Listed(593991234567, 0)])
    numbers.close()
    return root


@pytest.fixture
def phrase(tmp_path: Path) -> Path:
    path = tmp_path / "phrase"
    path.write_text(PHRASE + "\n")
    return path


def test_the_same_box_on_another_machine(
    make_root: MakeRoot, old_box: Path, tmp_path: Path, phrase: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, new = tmp_path / "box.backup", make_root("new")
    (old_box / "etc/callfloor/boards/entrada.toml").unlink()  # its form is not the matter here
    (old_box / "etc/callfloor/boards").rmdir()
    assert main(["backup", str(file), "--secrets", "--passphrase-file", str(phrase), "--root", str(old_box)]) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert b"s3cr3t" not in file.read_bytes()
    assert main(["restore", str(file), "--passphrase-file", str(phrase), "--root", str(new), "--yes"]) == 0
    said = capsys.readouterr().out
    assert "Restored as quito/piso-3" in said
    was, now = tree(old_box), tree(new)
    for name in (
        *("etc/callfloor/callfloor.toml", "etc/callfloor/credentials/pbx.central.secret", "etc/hostname", "etc/localtime"),
        *("var/lib/callfloor/privacy.salt", "var/lib/callfloor/summary/2026-11-21.json"),
        "etc/systemd/system/callfloor.target.wants/callfloor@gateway.service",
    ):
        assert now[name] == was[name], name
    assert "var/lib/callfloor/cache/floor.fold" not in now
    assert not [name for name in now if "lib/callfloor/directory" in name], "the customers are the CRM's, which sends them again"
    numbers = DoNotCall(new / "var/lib/callfloor/do_not_call.db")
    assert numbers.has(593991234567), "whom nobody may call is the box's own"
    assert numbers.faults() == []
    numbers.close()
    journal = ReadonlyJournal(new / "var/lib/callfloor/journal.db", new / "run/callfloor")
    assert json.loads(journal.read(0)[0].body)["d"]["reason"] == "restored"
    assert journal.head().n == 1, "the CRM is told"
    journal.close()
    # And the way back: the new machine as it was.
    assert main(["provision", "rollback", "--root", str(new), "--yes"]) == 0
    assert not (new / "etc/callfloor/callfloor.toml").exists()


def test_without_secrets_it_says_what_is_missing(
    make_root: MakeRoot, old_box: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, new = tmp_path / "box.backup", make_root("new")
    assert main(["backup", str(file), "--root", str(old_box)]) == 0
    with tarfile.open(file) as tar:
        names = tar.getnames()
    assert not [name for name in names if "credentials" in name or "salt" in name]
    assert "etc/callfloor/boards/entrada.toml" in names
    assert main(["restore", str(file), "--root", str(new), "--yes"]) == 1
    assert "Secrets are missing: pbx.central.secret_file" in capsys.readouterr().out
    assert main(["backup", str(file), "--root", str(old_box)]) == 1, "a backup is not written over by itself"


def test_a_box_that_is_another_or_that_runs_is_left_alone(
    make_root: MakeRoot, old_box: Path, tmp_path: Path, sheet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, new = tmp_path / "box.backup", make_root("new")
    assert main(["backup", str(file), "--root", str(old_box)]) == 0
    sheet.write_text(SHEET.replace("piso-3", "piso-9"))
    assert main(["provision", str(sheet), "--root", str(new), "--yes"]) == 0
    before = tree(new)
    assert main(["restore", str(file), "--root", str(new), "--yes"]) == 1
    assert "this box is quito/piso-9, the backup is of quito/piso-3" in capsys.readouterr().err
    assert tree(new) == before
    alive = Alive.open(new / "run/callfloor", "gateway")
    try:
        assert main(["restore", str(file), "--root", str(new), "--yes", "--force"]) == 1
        assert "services run on this box" in capsys.readouterr().err
    finally:
        alive.close()
    assert main(["restore", str(file), "--root", str(new), "--yes", "--force"]) == 0  # the secret that is there fits by its name
    assert 'box = "piso-3"' in (new / "etc/callfloor/callfloor.toml").read_text()


def test_nothing_of_a_former_box_passes_for_the_restored_one(make_root: MakeRoot, old_box: Path, tmp_path: Path, sheet: Path) -> None:
    file, new = tmp_path / "box.backup", make_root("new")
    assert main(["backup", str(file), "--root", str(old_box)]) == 0
    assert main(["provision", str(sheet), "--root", str(new), "--yes"]) == 0
    state = new / "var/lib/callfloor"
    (state / "directory.pages").mkdir()
    (state / "directory.pages/page-c9").write_bytes(b"somebody else's")
    (state / "directory.db").write_bytes(b"somebody else's")
    killed = sqlite3.connect(state / "do_not_call.db")
    killed.execute("PRAGMA journal_mode=WAL")
    killed.execute("CREATE TABLE listed (number)")
    wal = (state / "do_not_call.db-wal").read_bytes()
    killed.close()
    (state / "do_not_call.db-wal").write_bytes(wal)  # as a kill leaves it
    assert wal
    assert main(["restore", str(file), "--root", str(new), "--yes"]) == 0
    assert not list(state.glob("directory*"))
    numbers = DoNotCall(state / "do_not_call.db")
    assert (numbers.has(593991234567), numbers.faults()) == (True, [])
    numbers.close()


MANIFEST = Manifest(
    backup=1, site="q", box="b", at_s=0.0, callfloor="0", epoch=None, secrets=True,
    files=(Saved(path="/etc/callfloor/callfloor.toml", mode=0o640, user="root", group="callfloor"),),
)  # fmt: skip
SEALED = packed(MANIFEST, {"/etc/callfloor/callfloor.toml": b"x" * 200_000}, PHRASE)


def test_a_wrong_passphrase_opens_nothing(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(SEALED)
    assert unpacked(tmp_path / "f", PHRASE)[0] == MANIFEST
    with pytest.raises(CallfloorError, match="passphrase is wrong"):
        unpacked(tmp_path / "f", "incorrect horse")


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_no_changed_byte_and_no_cut_goes_unnoticed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("sealed") / "f"
    at = data.draw(st.integers(0, len(SEALED) - 1))
    cut = data.draw(st.booleans())
    path.write_bytes(SEALED[:at] if cut else SEALED[:at] + bytes([SEALED[at] ^ 1]) + SEALED[at + 1 :])
    with pytest.raises(CallfloorError):
        unpacked(path, PHRASE)


@pytest.mark.parametrize("name", ["/etc/passwd", "/etc/callfloor/../passwd", "/root/.ssh/authorized_keys"])
def test_a_backup_of_somebody_elses_writes_nowhere_else(make_root: MakeRoot, tmp_path: Path, name: str) -> None:
    manifest = Manifest(
        backup=1, site="q", box="b", at_s=0.0, callfloor="0", epoch=None, secrets=False,
        files=(
            Saved(path="/etc/callfloor/callfloor.toml", mode=0o640, user="root", group="callfloor"),
            Saved(path=name, mode=0o644, user="root", group="root"),
        ),
    )  # fmt: skip
    file, root = tmp_path / "f", make_root()
    file.write_bytes(packed(manifest, {"/etc/callfloor/callfloor.toml": b"", name: b"mine"}, None))
    before = tree(root)
    assert main(["restore", str(file), "--root", str(root), "--yes"]) == 1
    assert tree(root) == before
