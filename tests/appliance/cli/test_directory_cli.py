"""`callfloor directory`: files as people's programs write them, what is told of their faults, and the do-not-call list."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.cli.main import main
from appliance.core.clock import SystemClock
from appliance.core.directory import Directory
from appliance.core.directory_store import Cards
from appliance.core.journal_sqlite import SqliteJournal

ROOT = Path(__file__).parents[3]


@pytest.fixture
def box(tmp_path: Path) -> Path:
    (tmp_path / "c.toml").write_text('[site]\nname = "quito"\nbox = "p3"\ntimezone = "America/Guayaquil"\n')
    return tmp_path


def run(box: Path, *words: str | Path) -> int:
    return main(["directory", *map(str, words), "-c", str(box / "c.toml")])


def asked(capsys: pytest.CaptureFixture[str], box: Path, *words: str | Path) -> dict:
    capsys.readouterr()
    run(box, *words, "--json")
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], box: Path, *words: str | Path) -> str:
    capsys.readouterr()
    assert run(box, *words) == 1
    return capsys.readouterr().err


TABLES = {
    "semicolons in latin-1": ("Código Cliente;Nombre;Apellidos;Teléfono 1;Celular;Segmento\r\n7;Ana;Peña;02 345 6789;099 123 4567;Oro\r\n", "cp1252"),
    "commas with a mark": ("customer_id,full name,phone,tier\n7,Ana Peña,\"0991234567, 02 345 6789\",Oro\n", "utf-8-sig"),
    "tabs": ("cliente\tnome\ttelefone\tcelular\tcategoria\n7\tAna Peña\t023456789\t0991234567\tOro\n", "utf-8"),
    "UTF-16 of a spreadsheet": ("cliente\tnome\ttelefone\tcelular\tcategoria\n7\tAna Peña\t023456789\t0991234567\tOro\n", "utf-16"),
    "JSON lines": ('{"customer": "7", "name": "Ana Peña", "numbers": ["0991234567", "023456789"], "segment": "Oro", "colour": 1}\n', "utf-8"),
}  # fmt: skip


@pytest.mark.parametrize("kind", TABLES)
def test_tables_as_programs_write_them(box: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    text, encoding = TABLES[kind]
    file = box / "file"
    file.write_bytes(text.encode(encoding))
    assert run(box, "import", file, "--dry-run") == 0
    assert not (box / "directory.db").exists()
    assert run(box, "import", file) == 0, capsys.readouterr()
    for number in ("0991234567", "+59323456789"):
        shown = asked(capsys, box, "show", number)
        assert {name: shown["card"][name] for name in ("customer", "name", "segment")} == {
            "customer": "7",
            "name": "Ana Peña",
            "segment": "Oro",
        }


def test_lines_that_are_not_taken_are_told_by_number(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = box / "k.csv"
    file.write_text(
        'id,phone,name,dnc\n1,0991234567,"Ana\nMaría",\n2,0800FLOWERS,b,\n3,"099 123 4568|12",c,sí\n4,a,b,c,d,e\n5,0991234569,d,maybe\n'
    )
    assert run(box, "import", file) == 1
    told = capsys.readouterr()
    assert [line.partition(f"{file}:")[2][:20] for line in told.err.splitlines() if str(file) in line] == [
        "4: no number: none a", "5: numbers left out,", "6: 6 columns, and th", "7: bad_card: do_not_",
    ]  # fmt: skip
    assert "0800" not in told.err
    assert "5 lines (csv, utf-8, ',' between columns): 2 customers filed" in told.out
    assert asked(capsys, box, "show", "0991234568")["card"]["do_not_call"] is True


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "is empty"),
        ("a;b;c\n1;2;3\n", "no column is called phone"),
        ("id,cuenta,phone\n", "two columns would be customer"),
        ('id,phone\n1,"0991234567\n' + "x" * 200_000, "no CSV"),
    ],
)
def test_files_that_are_no_tables(box: Path, content: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    (box / "k.csv").write_text(content)
    assert told in refused(capsys, box, "import", box / "k.csv")


def test_columns_by_hand(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (box / "k.csv").write_text("CONTACTO,RUC,id\n0991234567,179,3\n")
    assert run(box, "import", box / "k.csv", "--column", "numbers=CONTACTO", "--column", "customer=RUC") == 0
    assert asked(capsys, box, "show", "0991234567")["card"]["customer"] == "179"
    assert "no column is called" in refused(capsys, box, "import", box / "k.csv", "--column", "numbers=NADA")
    assert "write MEMBER=HEADING" in refused(capsys, box, "import", box / "k.csv", "--column", "age=NADA")


def test_replace_or_nothing(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other, none = box / "1.jsonl", box / "2.jsonl", box / "3.jsonl"
    one.write_text('{"customer": "a", "numbers": ["0991234567"]}\n')
    other.write_text('{"customer": "b", "numbers": ["0987654321"]}\n{"number": "023456789", "name": "of a list"}\n')
    none.write_text("{}\n[1]\nnonsense\n")
    run(box, "import", one, "--version", "5")
    assert "all that is held stays" in refused(capsys, box, "import", none, "--replace")
    assert asked(capsys, box, "stats")["entries"] == 1
    assert run(box, "import", other, "--replace", "--version", "9") == 0
    told = asked(capsys, box, "stats")
    assert (told["entries"], told["version"], told["snapshot"]) == (2, 9, None)
    assert asked(capsys, box, "show", "023456789")["card"]["customer"] == "+59323456789"
    assert run(box, "show", "0991234567") == 1
    run(box, "export", "-o", box / "out.jsonl")
    assert asked(capsys, box, "import", box / "out.jsonl", "--version", "8")["older"] == 2, "what is held is newer"
    assert asked(capsys, box, "import", box / "out.jsonl", "--replace", "--version", "9")["entries"] == 2
    assert run(box, "verify") == 0


def test_a_file_that_ends_half_way_makes_no_version(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The CRM sends what follows the box's version: one that holds half of a file must not say that it has it."""
    (box / "1.csv").write_text("id,phone\na,0991234567\n")
    assert run(box, "import", box / "1.csv", "--version", "5") == 0
    rows = "".join(f"{n},09{80000000 + n}\n" for n in range(1500))
    (box / "2.csv").write_text(f'id,phone\n{rows}"{"x" * 200_000}')
    assert "is a quote left open" in refused(capsys, box, "import", box / "2.csv", "--version", "1041")
    told = asked(capsys, box, "stats")
    assert (told["version"], told["entries"]) == (5, 1001)
    (box / "3.csv").write_text("id,phone\na,nobody\n")
    assert run(box, "import", box / "3.csv", "--version", "1041") == 1
    assert asked(capsys, box, "stats")["version"] == 5, "nothing of it was taken"
    (box / "2.csv").write_text(f"id,phone\n{rows}")
    assert run(box, "import", box / "2.csv", "--version", "1041") == 0
    told = asked(capsys, box, "stats")
    assert (told["version"], told["entries"]) == (1041, 1501)


def test_too_many_are_refused(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (box / "c.toml").write_text('[site]\ntimezone = "America/Guayaquil"\n[directory]\nmax_entries = 1000\n')
    (box / "k.csv").write_text("id,phone\n" + "".join(f"{n},09{80000000 + n}\n" for n in range(1001)))
    assert "more than 1000 customers" in refused(capsys, box, "import", box / "k.csv", "--replace")


def test_who_else_files_is_told(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (box / "k.csv").write_text("id,phone\n1,0991234567\n")
    cards = Cards(box / "directory.db")
    with cards.turn():
        assert "busy" in refused(capsys, box, "import", box / "k.csv")
    cards.close()


def test_a_damaged_file_is_said(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (box / "directory.db").write_bytes(b"x" * 9000)
    assert run(box, "verify") == 1
    assert "damaged" in capsys.readouterr().err
    assert "damaged" in refused(capsys, box, "show", "0991234567")


def test_do_not_call(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(capsys, box, "dnc", "add", "099 123 4567", "--reason", "asked") == {"deed": "add", "changed": 1, "listed": 1}
    assert run(box, "dnc", "show", "+593991234567") == 0
    assert "asked" in capsys.readouterr().out
    (box / "list.txt").write_text("0991234567\n\n098 765 4321\nx\n")
    assert run(box, "dnc", "import", box / "list.txt") == 1
    told = capsys.readouterr()
    assert "3 lines: 1 numbers added; 2 may not be called" in told.out
    assert told.err.strip() == f"{box / 'list.txt'}:4: no number"
    (box / "table.csv").write_text("nombre;telefono\nAna;022222345\n")
    assert run(box, "dnc", "import", box / "table.csv") == 0
    capsys.readouterr()
    run(box, "dnc", "list")
    assert capsys.readouterr().out.split() == ["+59322222345", "+593987654321", "+593991234567"]
    with Directory(box / "directory.db", country="EC") as directory:
        assert directory.is_do_not_call("0987654321")
    run(box, "dnc", "import", box / "list.txt", "--remove")
    assert run(box, "dnc", "show", "0991234567") == 1
    assert "no number where EC dials from" in refused(capsys, box, "dnc", "add", "2040")


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="only root becomes another user")
def test_root_leaves_the_files_to_the_services_user(box: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The file that is imported lies where only root may read."""
    secret = box / "k.csv"
    secret.write_text("id,phone\n1,0991234567\n")
    secret.chmod(0o600)
    state = box / "state"
    state.mkdir()
    os.chown(state, 65534, 65534)
    for folder in (box, *list(box.parents)[:-1]):
        if folder.stat().st_mode & 0o001 == 0 and folder != Path("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o011)
    (box / "c.toml").write_text(f'[site]\ntimezone = "America/Guayaquil"\n[journal]\npath = "{state}/journal.db"\n')
    (box / "c.toml").chmod(0o644)
    words = ["directory", "import", str(secret), "-c", str(box / "c.toml")]
    done = subprocess.run([sys.executable, "-m", "appliance.cli.main", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {one.stat().st_uid for one in state.iterdir()} == {65534}


def test_forget_takes_the_customer_away_and_no_older_file_brings_him_back(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    SqliteJournal.open(box / "journal.db", clock=SystemClock()).close()
    (box / "k.csv").write_text("id,phone,mobile,name\n1,0991234567,,Ana Nadie\n2,022222345,0991234567,Luis\n3,022222345,,Eva\n")
    run(box, "import", box / "k.csv", "--version", "5")
    run(box, "dnc", "add", "0991234567")
    words = ["privacy", "forget", "099 123 4567", "-c", str(box / "c.toml")]
    capsys.readouterr()
    main([*words, "--dry-run", "--json"])
    assert json.loads(capsys.readouterr().out)["directory"] == {"customers": 2, "do_not_call": True}
    assert run(box, "show", "0991234567") == 0
    assert main(words) == 0
    told = capsys.readouterr()
    assert "lost 2 customers" in told.out
    assert "stays on the do-not-call list" in told.out
    assert b"Ana Nadie" not in b"".join(one.read_bytes() for one in box.glob("directory*"))
    for more in (["--version", "5"], [], ["--replace", "--version", "5"], ["--replace"]):
        run(box, "import", box / "k.csv", *more)
        assert run(box, "show", "0991234567") == 1, more
        assert asked(capsys, box, "show", "022222345")["card"]["customer"] == "3"
    run(box, "import", box / "k.csv", "--replace", "--version", "6")
    assert run(box, "show", "0991234567") == 0, "what is newer is the CRM's word"
    capsys.readouterr()
    main(["privacy", "-c", str(box / "c.toml")])
    shown = capsys.readouterr().out
    assert str(box / "directory.db") in shown
    assert str(box / "do_not_call.db") in shown
