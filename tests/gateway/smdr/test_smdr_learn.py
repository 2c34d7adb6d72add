"""A profile proposed from lines of a make that nobody knows: in columns, in words, by commas; what is not sure is said."""

from __future__ import annotations

import random
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.cli.main import main
from appliance.core.errors import CorruptError
from gateway.smdr.learn import learn
from gateway.smdr.page import written
from gateway.smdr.profile import profile_from_toml
from gateway.smdr.shelf import profiles
from gateway.smdr.vote import read

NOW = datetime(2026, 11, 22, 3, 0)  # noqa: DTZ001 - printed times have no zone
ROOT = Path(__file__).parent.parent.parent.parent
Row = tuple[int, str, str, str, str, str, str, str]


def calls(count: int, seed: int = 5) -> list[Row]:
    """Sequence, date, time, extension, trunk, way, number, duration of a morning's calls."""
    dice = random.Random(seed)
    minute, out = 8 * 60, []
    for n in range(1, count + 1):
        minute += dice.randrange(1, 6)
        span = dice.randrange(3, 4000)
        out.append(
            (
                n, "21/11/26", f"{minute // 60:02d}:{minute % 60:02d}", str(dice.randrange(2001, 2040)), f"{dice.randrange(1, 9):02d}",
                dice.choice("ES"), "0" + "".join(dice.choices("123456789", k=dice.randrange(7, 10))),
                f"{span // 3600:02d}:{span // 60 % 60:02d}:{span % 60:02d}",
            )
        )  # fmt: skip
    return out


def in_columns(rows: list[Row]) -> list[str]:
    return [f"{n:5d}  {day} {time} {ext:>6} {trunk} {way} {number:<18} {span}" for n, day, time, ext, trunk, way, number, span in rows]


def in_words(rows: list[Row]) -> list[str]:
    return [" ".join(map(str, row[1:])) for row in rows]


def by_commas(rows: list[Row]) -> list[str]:
    return [",".join(f'"{cell}"' for cell in row) for row in rows]


@pytest.mark.parametrize("printed", [in_columns, in_words, by_commas])
def test_a_proposal_reads_the_lines_that_it_never_saw(printed) -> None:  # type: ignore[no-untyped-def]
    proposal = learn(["ACME REPORT", *printed(calls(60))], "acme", NOW)
    rows = calls(300, seed=9)
    result = read(profile_from_toml(proposal.toml, "acme.toml"), printed(rows), NOW)
    assert len(result.records) > 0.9 * len(rows)
    told = {record.raw: record for record in result.records}
    for text, (_, _, time, extension, trunk, way, number, span) in zip(printed(rows), rows, strict=True):
        record = told.get(text)
        if record is None or record.start is None or ":" not in time or int(time[:2]) > 23:
            continue
        assert (record.extension, record.trunk, record.number) == (extension, trunk, number)
        assert f"{record.start:%Y-%m-%d %H:%M}" == f"2026-11-21 {time}"
        assert record.duration_s == sum(int(part) * unit for part, unit in zip(span.split(":"), (3600, 60, 1), strict=True))
        assert record.direction == {"E": "in", "S": "out"}[way]


def test_each_column_says_how_sure_it_is() -> None:
    toml = learn(in_columns(calls(60)), "acme", NOW).toml
    lines = {line.split()[1]: line for line in toml.splitlines() if "% sure" in line}
    assert {"sequence", "date", "time", "extension", "trunk", "mark", "number", "duration"} <= set(lines)
    assert "100 % sure" in lines["date"]
    assert "day first" in lines["date"]
    assert "goes up in 100 % of the lines" in lines["time"]


def test_prose_teaches_nothing() -> None:
    with pytest.raises(CorruptError, match="too few"):
        learn(["the paper is low", "toner low at 10:03", ""], "acme", NOW)


def test_the_verb_names_a_make_that_is_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "printed.txt"
    file.write_text("".join(f"11/21/26 10:{n:02d}AM 1200 01 <I>099123456{n % 10} 0'05 00:01'{n:02d}\r\n" for n in range(30)))
    assert main(["smdr", "learn", str(file)]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert 'profile = "panasonic"' in err


def test_the_verb_prints_the_file_and_what_does_not_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, profile = tmp_path / "printed.txt", tmp_path / "acme.toml"
    file.write_text("\r\n".join(["ACME REPORT OF THE DAY", *in_columns(calls(60))]))
    assert main(["smdr", "learn", str(file), "--name", "acme"]) == 0
    out, err = capsys.readouterr()
    assert "60 of 61 lines are records by it" in err
    assert "does not fit: ACME REPORT OF THE DAY" in err
    profile.write_text(out)
    assert main(["decode", "smdr", str(file), "--profile", str(profile), "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 60


def test_the_verb_lists_the_makes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["smdr", "profiles"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [each.name for each in profiles()]


def test_the_page_has_the_profiles_of_the_code() -> None:
    page = (ROOT / "docs" / "smdr.md").read_text(encoding="utf-8")
    assert page == written(page), "run make docs"


def test_no_make_is_labelled_better_than_it_is_known() -> None:
    assert {each.name for each in profiles() if each.spec.known == "manuals"} == {
        "panasonic-ta", "panasonic-dbs", "avaya-cm", "intertel", "hipath", "esi",
    }  # fmt: skip


def test_learning_from_a_pipe() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "appliance.cli.main", "smdr", "learn", "-"], input="\n".join(in_words(calls(20))).encode(), capture_output=True, cwd=ROOT, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b"[[line]]" in done.stdout


WORD = st.sampled_from("11/21/26 21.11.26 10:03 10:03:59 00:00:10 00:05'12 2001 01 0991234567 TR I O T102 ANA $1.25 1,2 \"a\" '' é".split())


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.lists(st.tuples(WORD, st.integers(1, 14)), max_size=9).map(lambda row: "".join(f"{word:<{width}}" for word, width in row)),
        max_size=12,
    )
)
def test_whatever_it_learns_from_the_proposal_is_a_profile(lines: list[str]) -> None:
    try:
        proposal = learn(lines, "acme", NOW)
    except CorruptError:
        return
    assert profile_from_toml(proposal.toml, "acme.toml").name == "acme"
    assert all(0 <= column.sure <= 1 for column in proposal.columns)
