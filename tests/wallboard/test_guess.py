"""How often a stranger may guess: any order of guesses, waits and strangers stays within the bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.core.clock import NS
from wallboard.web.guess import Guesses

S = NS


def test_ten_guesses_then_one_every_six_seconds() -> None:
    guesses = Guesses()
    for number in range(10):
        assert guesses.wait_s("192.0.2.1", 0) == 0
        guesses.was_wrong("192.0.2.1", f"word {number}", 0)
    assert guesses.wait_s("192.0.2.1", 0) == 6
    assert guesses.wait_s("192.0.2.1", 2 * S) == 4
    assert guesses.wait_s("192.0.2.1", 6 * S) == 0
    assert guesses.wait_s("192.0.2.2", 0) == 0
    guesses.was_wrong("192.0.2.1", "one more", 6 * S)
    assert guesses.wait_s("192.0.2.1", 6 * S) == 6
    assert guesses.wait_s("192.0.2.1", 600 * S) == 0


def test_a_network_of_ipv6_is_one_stranger_and_a_mapped_address_is_its_ipv4() -> None:
    guesses = Guesses(free=1)
    guesses.was_wrong("2001:db8::1", "a", 0)
    assert guesses.wait_s("2001:db8::ffff:1%eth0", 0) == 6
    assert guesses.wait_s("2001:db8:0:1::1", 0) == 0
    guesses.was_wrong("::ffff:192.0.2.1", "a", 0)
    assert guesses.wait_s("::ffff:192.0.2.2", 0) == 0


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 20), st.integers(0, 10 * S)), max_size=200))
def test_nobody_gets_more_than_his_share_and_memory_is_bounded(steps: list[tuple[int, int, int]]) -> None:
    guesses = Guesses(free=3, every_ns=6 * S, max_peers=20)
    now_ns = 0
    taken: dict[int, list[tuple[int, int]]] = {}
    for peer, word, pause_ns in steps:
        now_ns += pause_ns
        if guesses.wait_s(f"192.0.2.{peer}", now_ns) == 0:
            guesses.was_wrong(f"192.0.2.{peer}", str(word), now_ns)
            words = taken.setdefault(peer, [])
            if not words or words[-1][0] != word:
                words.append((word, now_ns))
    for words in taken.values():
        for first in range(len(words)):
            for last in range(first, len(words)):
                assert last - first + 1 <= 3 + (words[last][1] - words[first][1]) / (6 * S) + 1e-6


def test_the_strangers_longest_unheard_are_forgotten() -> None:
    guesses = Guesses(max_peers=50)
    for number in range(5000):
        guesses.was_wrong(f"10.0.{number // 250}.{number % 250}", "x", number)
    assert len(guesses) == 50
    guesses.was_wrong("not an address", "\ud800", 0)
