"""The line of every key: against a generator that knows where it wrote each, and against any text that tomllib takes."""

from __future__ import annotations

import contextlib
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.toml_lines import lines_from_toml

SAMPLE = '''# a comment = [not, a, key]
top = "x = 1"

[site]
name = "a" # [site.hours]
"quo\\u0074ed key" = 1
'lit.eral' = """
[not.a.header]
key = 1 """

[ pbx . "central" ]
allow = [
  "one", # ]
  "two ] # ,",

  [1, 2,
   3],
  {x = 1, y.z = "}"},
]
a.b.c = 1
empty = []
after = \'\'\'
it''s \'\'\'\'\'

[[led]]
n = 1
[led.inner]
m = 2
[[led]]
n = 3
[[led.deep]]
o = 4
[[led.deep]]
o = 5
'''


def test_every_place_in_a_page_that_uses_all_of_toml() -> None:
    lines = lines_from_toml(SAMPLE)
    assert lines == {
        ("top",): 2,
        ("site",): 4,
        ("site", "name"): 5,
        ("site", "quoted key"): 6,
        ("site", "lit.eral"): 7,
        ("pbx",): 11,
        ("pbx", "central"): 11,
        ("pbx", "central", "allow"): 12,
        ("pbx", "central", "allow", 0): 13,
        ("pbx", "central", "allow", 1): 14,
        ("pbx", "central", "allow", 2): 16,
        ("pbx", "central", "allow", 2, 0): 16,
        ("pbx", "central", "allow", 2, 1): 16,
        ("pbx", "central", "allow", 2, 2): 17,
        ("pbx", "central", "allow", 3): 18,
        ("pbx", "central", "allow", 3, "x"): 18,
        ("pbx", "central", "allow", 3, "y"): 18,
        ("pbx", "central", "allow", 3, "y", "z"): 18,
        ("pbx", "central", "a"): 20,
        ("pbx", "central", "a", "b"): 20,
        ("pbx", "central", "a", "b", "c"): 20,
        ("pbx", "central", "empty"): 21,
        ("pbx", "central", "after"): 22,
        ("led",): 25,
        ("led", 0): 25,
        ("led", 0, "n"): 26,
        ("led", 0, "inner"): 27,
        ("led", 0, "inner", "m"): 28,
        ("led", 1): 29,
        ("led", 1, "n"): 30,
        ("led", 1, "deep"): 31,
        ("led", 1, "deep", 0): 31,
        ("led", 1, "deep", 0, "o"): 32,
        ("led", 1, "deep", 1): 33,
        ("led", 1, "deep", 1, "o"): 34,
    }


def test_windows_line_ends_count_as_one() -> None:
    assert lines_from_toml("a = 1\r\n\r\nb = 2\r\n")[("b",)] == 3


# -- a generator that knows its lines ----------------------------------------------------------------------------

BARE = st.text("abcxyz019_-", min_size=1, max_size=4)
KEYS = st.one_of(
    BARE, st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x7f", min_codepoint=32), min_size=0, max_size=4)
)
GAPS = st.sampled_from(["", "\n", "# [x]\n", '\n# a = """\n', "   \n\t\n"])
SCALARS = st.sampled_from(
    ["1", "-2.5", "true", '"a # b"', "'c ] d'", '"""\nx = 1\n"""', "'''\n[y]\n'''", '"""a"\\""b"""', "1979-05-27 07:32:00", '""', "nan"]
)


def written(key: str) -> str:
    if key and all(c in "abcdefghijklmnopqrstuvwxyz0123456789_-" for c in key):
        return key
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Page:
    """Writes TOML and remembers where each thing went."""

    def __init__(self) -> None:
        self.text = ""
        self.lines: dict[tuple[str | int, ...], int] = {}

    def mark(self, path: tuple[str | int, ...]) -> None:
        self.lines[path] = self.text.count("\n") + 1

    def value(self, draw: Any, path: tuple[str | int, ...], depth: int) -> None:
        kind = draw(st.sampled_from(["scalar", "list", "inline"])) if depth < 3 else "scalar"
        if kind == "scalar":
            self.text += draw(SCALARS)
        elif kind == "list":
            self.text += "["
            for index in range(draw(st.integers(0, 3))):
                self.text += draw(GAPS)
                self.mark((*path, index))
                self.value(draw, (*path, index), depth + 1)
                self.text += draw(GAPS) + ","
            self.text += draw(GAPS) + "]"
        else:
            self.text += "{"
            for number, key in enumerate(draw(st.lists(KEYS, max_size=3, unique=True))):
                self.text += ", " if number else " "
                self.mark((*path, key))
                self.text += written(key) + " = "
                self.value(draw, (*path, key), depth + 1)
            self.text += "}"


@st.composite
def pages(draw: Any) -> Page:
    page = Page()
    for name in draw(st.lists(KEYS, max_size=4, unique=True)):
        page.text += draw(GAPS)
        page.mark((name,))
        page.text += f"[{written(name)}]" + draw(st.sampled_from(["\n", " # end\n", "\t\n"]))
        for key in draw(st.lists(KEYS, max_size=4, unique=True)):
            page.text += draw(GAPS)
            page.mark((name, key))
            page.text += f"{written(key)} = "
            page.value(draw, (name, key), 0)
            page.text += draw(st.sampled_from(["\n", " # = 1\n"]))
    return page


def paths(value: Any, at: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {path for key, inner in items for path in ({(*at, key)} | paths(inner, (*at, key)))}


@given(pages())
def test_every_key_is_found_where_it_was_written(page: Page) -> None:
    tomllib.loads(page.text)
    assert lines_from_toml(page.text) == page.lines


PIECES = st.sampled_from(['a', 'b', '.', '=', '[', ']', '[[', ']]', '{', '}', ',', '"', "'", '"""', "'''", '\n', '\r\n', '#', ' ', '1', 'true', '\\', '\\"', 'a = 1\n', '[a]\n', '[[b]]\n'])  # fmt: skip


@given(st.lists(PIECES, max_size=30).map("".join))
def test_whatever_tomllib_takes_is_located_whole_and_the_rest_never_hangs(text: str) -> None:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        with contextlib.suppress(ValueError):
            lines_from_toml(text)
        return
    found = lines_from_toml(text)
    assert set(found) == paths(data)
    assert all(1 <= line <= text.count("\n") + 1 for line in found.values())


def test_a_text_that_is_no_toml_raises() -> None:
    with pytest.raises(ValueError, match="line 2"):
        lines_from_toml("a = 1\n!\n")
