"""A profile's file: what it may not say, each fault by name; and a site's own in use."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from appliance.core.errors import MisconfiguredError
from gateway.smdr.profile import profile_from_file, profile_from_toml
from gateway.smdr.shelf import ORDER, named, profile, profiles
from gateway.smdr.vote import read

NOW = datetime(2026, 11, 22, 3, 0)  # noqa: DTZ001 - printed times have no zone
ROOT = Path(__file__).parent.parent.parent.parent
HEAD = 'name = "acme"\ntitle = "ACME"\n[[line]]\nname = "call"\n'


def test_the_example_of_the_page_reads() -> None:
    page = (ROOT / "docs" / "smdr.md").read_text(encoding="utf-8")
    text = page.partition("## A profile of your own")[2].partition("```")[2].partition("```")[0]
    lines = ["21/11/26 10:15 2001 01 0991234567         00:03:20 I", "21/11/26 10:16 2001 01 0991234567         00:00:20 A"]
    first, second = read(profile_from_toml(text, "acme.toml"), lines, NOW).records
    assert (first.direction, first.duration_s, first.answered, second.abandoned, second.ring_s) == ("in", 200, True, True, 20)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name = ", "acme.toml"),
        ('name = "acme"\ntitle = "x"\nline = []', "line"),
        (HEAD, "one of the three"),
        (HEAD + "pattern = 'x'\ncsv = ['a', 'b']", "one of the three"),
        (HEAD + "pattern = '(?P<time'", "pattern"),
        (HEAD + "pattern = '(?P<time>x)'\nneed = ['number']", "no field number"),
        (HEAD + "pattern = '(?P<time>x)'\ncheck = { number = 'x' }", "no field number"),
        (HEAD + "pattern = '(?P<time>x)'\nrules = [{ set = { colour = 'red' } }]", "colour"),
        (HEAD + "pattern = '(?P<time>x)'\nrules = [{ set = { answered = 'yes' } }]", "answered"),
        (HEAD + "pattern = '(?P<time>x)'\nrules = [{ set = { direction = 'inside' } }]", "direction"),
        (HEAD + "pattern = '(?P<time>x)'\nrules = [{ set = { number = '@dial' } }]", "no such field"),
        (HEAD + "pattern = '(?P<time>x)'\nrules = [{ when = { mark = 'x' }, set = { answered = true } }]", "no such field"),
        (HEAD + "columns = { time = '0-4' }", "counted from 1"),
        (HEAD + "columns = { time = '4-2' }", "counted from 1"),
        (HEAD + "columns = { time = '1-4', number = '3-9' }", "begins within"),
        (HEAD + "pattern = 'x'\nparts = { a = { of = 'b', pattern = 'x' } }", "one group"),
        (HEAD + "pattern = 'x'\nshape = 1", "shape"),
        ('skip = ["("]\n' + HEAD + "pattern = 'x'", "skip"),
    ],
)
def test_what_it_may_not_say(text: str, says: str) -> None:
    with pytest.raises(MisconfiguredError, match=says) as caught:
        profile_from_toml(text, "acme.toml")
    assert str(caught.value).startswith("acme.toml")


def test_a_file_that_is_no_profile(tmp_path: Path) -> None:
    with pytest.raises(MisconfiguredError, match="No such file"):
        profile_from_file(tmp_path / "none.toml")
    (tmp_path / "large.toml").write_bytes(b"#" * 300_000)
    with pytest.raises(MisconfiguredError, match="larger"):
        profile_from_file(tmp_path / "large.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(MisconfiguredError):
        named(str(tmp_path / "binary.toml"))


def test_a_name_that_is_none() -> None:
    with pytest.raises(MisconfiguredError, match="did you mean"):
        profile("panasonik")


def test_every_profile_is_on_the_shelf() -> None:
    assert {path.stem for path in (ROOT / "gateway" / "smdr" / "profiles").glob("*.toml")} == set(ORDER)
    assert [each.name for each in profiles()] == list(ORDER)


def test_a_make_by_its_name() -> None:
    assert [each.name for each in named("Toshiba")] == ["toshiba-ctx", "toshiba-dk"]
    assert [each.name for each in named("siemens")] == ["hipath"]
    assert [each.name for each in named("nec")] == ["nec"]
    with pytest.raises(MisconfiguredError, match="there is no SMDR profile"):
        named("zzz")
