"""Whom a command may touch, which numbers it may dial, and how often: refused with the reason, before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.command import VERBS, args_of
from appliance.core.command_limit import CommandLimit
from appliance.core.commands_config import CommandOnly, Commands, DialConfig
from appliance.core.config import Config, PbxConfig, Site
from appliance.core.dial_number import number_from_text, regex_of
from appliance.core.emergency import codes_of, is_emergency


def limit(dial: DialConfig | None = None, timezone: str = "America/Guayaquil", **commands: Any) -> CommandLimit:
    only = {"originate": CommandOnly(numbers=("*", "+*")), "transfer": CommandOnly(numbers=("2xxx",))}
    config = Config(
        site=Site(timezone=timezone),
        pbx={"central": PbxConfig(dial=dial or DialConfig())},
        commands=Commands(**{"allow": tuple(VERBS), "only": only, **commands}),
    )
    return CommandLimit(config)


def refusal(limit: CommandLimit, verb: str, now_s: float = 0.0, **args: Any) -> str | None:
    told = limit.refusal(verb, args_of(verb, args), now_s)
    return told if told is None else told.partition(":")[0]


@pytest.mark.parametrize("number", ["112", "911", "0911", "9911", "90911", "+593911", "00593911", " 1-1-2 ", "011593911"])
def test_emergency_numbers_are_never_dialled_whatever_the_pattern(number: str) -> None:
    assert refusal(limit(), "originate", agent="a", number=number) in ("emergency", "bad_number")
    everything = {"transfer": CommandOnly(numbers=("*",))}
    assert refusal(limit(only=everything), "transfer", call="c", to=number) in ("emergency", "bad_number")


def test_a_prefix_makes_no_emergency_number_out_of_another() -> None:
    assert refusal(limit(DialConfig(prefix="9")), "originate", agent="a", number="11") == "emergency"
    assert refusal(limit(DialConfig(prefix="9")), "originate", agent="a", number="0991234567") is None


def test_the_country_is_the_timezones_unless_it_is_given_and_all_where_nobody_tells() -> None:
    assert refusal(limit(timezone="America/Sao_Paulo"), "originate", agent="a", number="190") == "emergency"
    assert refusal(limit(), "originate", agent="a", number="190") is None
    assert refusal(limit(timezone="UTC"), "originate", agent="a", number="190") == "emergency"
    assert refusal(limit(country="BR"), "originate", agent="a", number="190") == "emergency"
    assert refusal(limit(never=("1700*",)), "originate", agent="a", number="1700123456") == "never"


@pytest.mark.parametrize(
    "number", ["0800-FLORES", "09912\r\nAction: Logoff", "*69", "911#", "", "+0991234567", "+5939912345678901", "٠٩٩", "9" * 40]
)
def test_what_is_no_number_is_refused(number: str) -> None:
    with pytest.raises(ValueError, match="bad_number"):
        number_from_text(number)


@given(st.text(max_size=40))
def test_a_number_is_digits_and_nothing_else(text: str) -> None:
    try:
        number = number_from_text(text)
    except ValueError:
        return
    assert set(number.removeprefix("+")) <= set("0123456789")
    assert 1 <= len(number) <= 19


@given(st.sampled_from(sorted(codes_of(None))), st.sampled_from(["", "0", "9", "90", "+593", "0034", "00", "011593"]))
def test_every_code_is_known_behind_what_gets_a_line(code: str, head: str) -> None:
    assert is_emergency(head + code, codes_of(None))


@pytest.mark.parametrize("pattern", ["", "0-9", "**", "*1", "09a", "[9", "1+", "x" * 3 + "**"])
def test_a_pattern_that_is_none_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="no pattern"):
        regex_of(pattern)


def test_patterns_say_which_numbers() -> None:
    only = {"originate": CommandOnly(numbers=("09xxxxxxxx", "[2-3]xxx"), agents=("agente-*",))}
    box = limit(only=only)
    assert refusal(box, "originate", agent="agente-1", number="0991234567") is None
    assert refusal(box, "originate", agent="agente-1", number="2040") is None
    assert refusal(box, "originate", agent="agente-1", number="4040") == "number_not_allowed"
    assert refusal(box, "originate", agent="jefa", number="2040") == "not_allowed"
    assert refusal(limit(only={}), "originate", agent="agente-1", number="2040") == "number_not_allowed"


def test_agents_queues_and_supervisors_are_those_that_are_named() -> None:
    only = {"pause": CommandOnly(agents=("a*",), queues=("ventas",)), "hangup": CommandOnly(agents=("a*",))}
    box = limit(only=only, supervisors=("jefa-1",))
    assert refusal(box, "pause", agent="a1", queues=["ventas"]) is None
    assert refusal(box, "pause", agent="a1", queues=["soporte"]) == "not_allowed"
    assert refusal(box, "pause", agent="a1") == "not_allowed"
    assert refusal(box, "pause", agent="b1", queues=["ventas"]) == "not_allowed"
    assert refusal(box, "hangup", call="c") == "not_allowed"
    assert refusal(box, "supervise", supervisor="jefa-1", agent="b1", mode="listen") is None
    assert refusal(box, "supervise", supervisor="b1", agent="jefa-1", mode="listen") == "not_a_supervisor"


def test_so_many_a_minute_and_no_more() -> None:
    only = {"originate": CommandOnly(numbers=("*",), per_minute=3, per_agent_minute=2)}
    box = limit(only=only, per_minute=4)
    assert [refusal(box, "originate", t, agent="a1", number="2040") for t in (0.0, 1.0, 2.0)] == [None, None, "rate"]
    assert refusal(box, "originate", 3.0, agent="a2", number="2040") is None
    assert refusal(box, "originate", 4.0, agent="a3", number="2040") == "rate"
    assert refusal(box, "pause", 5.0, agent="a1") is None
    assert refusal(box, "pause", 6.0, agent="a1") == "rate"
    assert refusal(box, "originate", 60.5, agent="a1", number="2040") is None
    assert refusal(box, "originate", 60.6, agent="a1", number="112") == "emergency", "what is refused does not count"


@pytest.mark.parametrize("number", ["8112", "8911", "80911"])
def test_the_prefix_gets_a_line_also_when_it_is_dialled_as_part_of_the_number(number: str) -> None:
    """What `internal` names is dialled as it is: the dialplan takes its 8 for the line."""
    box = limit(DialConfig(prefix="8", internal=("8*",)), never=("1700*",))
    assert refusal(box, "originate", agent="a", number=number) in ("emergency", "bad_number")
    assert refusal(box, "originate", agent="a", number="81700123") == "never"
    assert refusal(box, "originate", agent="a", number="8040") is None


@pytest.mark.parametrize(("timezone", "number"), [("Asia/Singapore", "995"), ("Europe/Athens", "166")])
def test_a_country_that_the_list_did_not_know_has_its_own_codes(timezone: str, number: str) -> None:
    assert refusal(limit(timezone=timezone), "originate", agent="a", number=number) == "emergency"


def test_a_countrys_code_is_seen_behind_the_sites_own_international_prefix() -> None:
    box = limit(DialConfig(international="810"))
    assert refusal(box, "originate", agent="a", number="810593911") == "emergency"
    assert refusal(box, "originate", agent="a", number="81059323456789") is None
