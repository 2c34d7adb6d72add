"""Every make's lines, drawn from its description, come out as they were meant: as printed, and as copies, terminals and printers leave them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from smdr_print import MAKES, NOW, printed

from appliance.core.errors import CorruptError
from gateway.smdr.learn import learn
from gateway.smdr.line import Splitter
from gateway.smdr.profile import profile_from_toml
from gateway.smdr.shelf import ORDER, profile, profiles
from gateway.smdr.vote import read, winner

#: What happens to a line on its way.
WAYS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "blanks after it": lambda text: f"{text}    \t",
    "NUL and form feed": lambda text: f"\f{text}\0",
    "blanks before it": lambda text: f"  {text}",
    "blanks at its ends lost": lambda text: text.strip(),
}
#: For lines whose fields no glue holds together.
LOOSE: dict[str, Callable[[str], str]] = {
    "blanks lost": lambda text: re.sub(" +", " ", text),
    "columns wider": lambda text: re.sub(" {2,}", lambda m: m[0] + "   ", text),
    "tabs": lambda text: re.sub(" {2,}", "\t", text),
}
SEPARATED = ("avaya-ipoffice", "asterisk", "esi", "cisco-cme")


def records(name: str, text: str) -> list[dict[str, Any]]:
    splitter = Splitter()
    return [record.as_json() for record in read(profile(name), splitter.feed(f"{text}\r\n".encode()), NOW).records]


def test_every_make_is_printed() -> None:
    assert set(MAKES) == set(ORDER)


@pytest.mark.parametrize("name", ORDER)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_is_printed_comes_out(name: str, data: st.DataObject) -> None:
    line, meant = printed(data.draw, name)
    ways = WAYS if name in SEPARATED else WAYS | LOOSE
    way = data.draw(st.sampled_from(sorted(ways)))
    text = ways[way](line)
    found = records(name, text)
    assert len(found) == 1, (way, text)
    (told,) = found
    assert {key: told.get(key) for key in meant} == meant, (way, text)


@pytest.mark.parametrize("name", ORDER)
@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_of_either_case(name: str, data: st.DataObject) -> None:
    """A terminal that prints small letters alone: numbers, times and what became of the call are the same."""
    line, meant = printed(data.draw, name)
    found = records(name, line.lower())
    assert len(found) == 1, line.lower()
    (told,) = found
    for key in ("duration_s", "ring_s", "start", "direction", "abandoned", "answered"):
        if key in meant and not (name == "panasonic-dbs" and key == "direction"):  # small letters are marks of their own there
            assert told[key] == meant[key], line.lower()


@pytest.mark.slow
@pytest.mark.parametrize("name", ORDER)
@settings(max_examples=3, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_a_page_of_lines_names_its_make_and_teaches_a_profile(name: str, data: st.DataObject) -> None:
    """As `callfloor smdr learn FILE` does: the make that we know is named; made to, it proposes one of its own that can be read."""
    lines = [printed(data.draw, name)[0] for _ in range(12)]
    found = winner(profiles(), lines, NOW)
    assert found is not None
    # Two makes of Panasonic print the same line of a call out where the hour has two digits.
    assert found.profile.name == name or (name, found.profile.name) == ("panasonic-ta", "panasonic")
    assert len(found.records) == len(lines)
    try:
        proposal = learn(lines, "acme", NOW)
    except CorruptError:
        return  # it says that there is too little
    profile_from_toml(proposal.toml, "acme.toml")
