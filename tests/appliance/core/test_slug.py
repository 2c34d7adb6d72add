"""Names of the PBX as keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.slug import MAX_KEY, is_key, prefixed, slug, unclashed

keys = st.from_regex(r"[a-z0-9._-]{1,64}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("atención_al_cliente", "atencion_al_cliente"),
        ("Back Office #1: 50%", "back-office-1-50"),
        ("  Ventas  ", "ventas"),
        ("ÑANDÚ", "nandu"),
        ("ﬁnanzas", "finanzas"),
        ("a/b\\c", "a-b-c"),
        ("100", "100"),
        ("v1.2_x", "v1.2_x"),
    ],
)
def test_worked(text: str, key: str) -> None:
    assert slug(text) == key


@pytest.mark.parametrize("text", ["الدعم", "客户服务", "---", "", "!?"])
def test_nothing_left(text: str) -> None:
    assert slug(text, "q").startswith("q-")
    assert slug(text, "a").startswith("a-")
    assert len(slug(text)) == 10
    assert is_key(slug(text))


@given(st.text())
def test_always_a_key_and_always_the_same(text: str) -> None:
    assert is_key(slug(text))
    assert slug(text) == slug(text)


@given(st.text(st.characters(codec=None), max_size=20))
def test_broken_text_has_a_key_too(text: str) -> None:
    """A PBX sends what its dialplan holds, surrogates of undecodable bytes included."""
    assert is_key(slug(text))


@given(keys.filter(lambda key: key.strip("-") == key))
def test_a_key_stays_what_it_is(key: str) -> None:
    assert slug(key) == key


@given(prefix=keys, key=keys)
def test_prefixed_fits(prefix: str, key: str) -> None:
    assert is_key(prefixed(prefix, key))


@given(st.lists(st.sampled_from(["ventas", "x" * MAX_KEY, "x" * 63]), max_size=12))
def test_clashes_are_told_apart(texts: list[str]) -> None:
    taken: list[str] = []
    for text in texts:
        taken.append(unclashed(slug(text), taken))
    assert len(set(taken)) == len(taken)
    assert all(is_key(key) for key in taken)
