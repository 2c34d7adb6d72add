"""What [routing] may not say, in callfloor.toml and in a file of its own: every fault with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.core.config_file import ConfigFaultsError, config_from_toml
from appliance.core.route_file import rules_from_file, rules_from_toml, rules_of

HERE = Path("/nowhere/callfloor.toml")
RULES = '[[rule]]\nname = "a"\ncaller = ["09*"]\nqueue = "ventas"\n'


def faults(text: str) -> list[str]:
    with pytest.raises(ConfigFaultsError) as caught:
        config_from_toml(text, HERE)
    return [f"{fault.line} {fault.key}: {fault.fault}" for fault in caught.value.faults]


def rule_faults(text: str) -> list[str]:
    with pytest.raises(ConfigFaultsError) as caught:
        rules_from_toml(text, Path("rules.toml"))
    return [f"{fault.line} {fault.key}: {fault.fault}" for fault in caught.value.faults]


def test_the_door_is_locked_beyond_the_box() -> None:
    assert faults('[routing]\nlisten = "0.0.0.0:4573"') == [
        '2 routing.listen: "0.0.0.0:4573" lets everybody on the network ask who your customers are'
    ]
    config = config_from_toml('[routing]\nlisten = "0.0.0.0"\nallow = ["10.0.0.5"]', HERE)
    assert config.routing is not None
    assert faults('[routing]\nlisten = "x:y:z"\nallow = ["10.0.0.5/8"]') == [
        '2 routing.listen: "x:y:z": an IPv6 address stands in brackets, then a colon and the port',
        '3 routing.allow[0]: "10.0.0.5/8" is no network: 10.0.0.5/8 has host bits set',
    ]


def test_rules_stand_in_one_place() -> None:
    assert faults('[routing]\nrules = "r.toml"\n[[routing.rule]]\nname = "a"\nqueue = "x"') == [
        "2 routing.rules: the rules stand here and in r.toml too"
    ]


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ("", 'rule "b" gives nothing'),
        ('queue = "x"\ncaller = [""]', '"" is empty'),
        ('queue = "x"\ncaller = ["ana"]\n[[rule]]\nname = "c"\nqueue = "y"\ncaller = ["0-0 [9]"]', '"0-0 [9]" is no number'),
        ('queue = "x"\nsegment = ["*a*b*c*d*"]', '"*a*b*c*d*" is too long, or has more than 4 *'),
        ('queue = "x"\nhours = "labroal"', 'there are no hours "labroal"'),
        ('queue = "x,1"', '"x,1" is no queue'),
        ('set = { CALLFLOOR_X = "1" }', '"CALLFLOOR_X" is no variable'),
        ('set = { "SHELL(x)" = "1" }', '"SHELL(x)" is no variable'),
        ('set = { X = "${SHELL(ls)}" }', '"${SHELL(ls)}" is no value'),
        ('queue = "x"\nwithheld = true\ncaller = ["09*"]', 'rule "b" wants a number that is withheld'),
        ('queue = "x"\nwithheld = true\nsegment = ["vip"]', 'rule "b" wants to know who withholds his number'),
        ('queue = "x"\npriority = -1', "-1"),
        ('queue = "x"\nprio = 1', "prio"),
    ],
)
def test_a_rule_that_cannot_be_meant(lines: str, fault: str) -> None:
    text = f'[schedules.laboral]\nmon = ["08:00-18:00"]\n[[rule]]\nname = "b"\n{lines}\n'
    assert any(fault in each for each in rule_faults(text)), rule_faults(text)


def test_a_key_misspelt_is_found_in_its_rule() -> None:
    text = '[routing]\nlisen = "x"\n[[routing.rule]]\nname = "a"\ncallers = ["09*"]\nqueue = 5\n[[routing.rule]]\nqueue = "y"\n'
    assert [each.partition(":")[0] for each in faults(text)] == [
        "2 routing.lisen",
        "3 routing.rule[0]",  # gives nothing, as it stands
        "5 routing.rule[0].callers",
        "6 routing.rule[0].queue",
        "7 routing.rule[1]",
    ]


def test_hours_and_names() -> None:
    text = 'holidays = ["25-12-2026"]\n[schedules.l]\nmon = ["8-18"]\n[[rule]]\nname = "a"\nqueue = "x"\nwithheld = true\n[[rule]]\nname = "a"\nqueue = "y"'
    assert rule_faults(text) == [
        '1 holidays[0]: "25-12-2026" is no date',
        '3 schedules.l.mon[0]: "8-18" is no span of hours',
        '9 rule[1].name: there are two rules "a"',
    ]


@pytest.mark.parametrize(
    ("first", "second", "reached"),
    [
        ("", 'caller = ["09*"]', False),
        ('caller = ["09*"]', "", True),
        ('caller = ["09*", "08*"]', 'caller = ["+593 99", "0991234567"]', True),
        ('caller = ["09*"]', 'caller = ["099*", "09?1"]\nhours = "l"', False),
        ('caller = ["09*"]\nhours = "l"', 'caller = ["099*"]', True),
        ('hours = "l"', 'hours = "l"\nopen = true', False),
        ('hours = "l"', 'hours = "l"\nopen = false', True),
        ('hours = "l"\nholiday = true', 'hours = "l"', True),
        ("gave_up_from = 2", "gave_up_from = 3", False),
        ("gave_up_from = 3", "gave_up_from = 2", True),
        ('segment = ["vip*"]', 'segment = ["VIP-1"]', False),
        ("withheld = true", "withheld = false", True),
        ('digits = ["2"]', 'digits = ["main:2"]', False),
        ('digits = ["main:2"]', 'digits = ["2"]', True),
    ],
)
def test_a_rule_that_is_never_reached(first: str, second: str, *, reached: bool) -> None:
    text = (
        f'[schedules.l]\nmon = ["08:00-18:00"]\n[[rule]]\nname = "a"\nqueue = "x"\n{first}\n[[rule]]\nname = "b"\nqueue = "y"\n{second}\n'
    )
    if reached:
        assert len(rules_from_toml(text, Path("r.toml")).rule) == 2
    else:
        assert rule_faults(text)[0].endswith('rule "b" is never reached: "a" takes all its calls')


def test_a_file_of_rules(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(RULES)
    config = config_from_toml('[routing]\nrules = "rules.toml"', tmp_path / "callfloor.toml")
    assert config.routing is not None
    assert [rule.name for rule in rules_of(config.routing).rule] == ["a"]
    for raw, what in ((b"\xff", "is not UTF-8"), (b"[[rule]\n", "not TOML"), (b"#" * (4 * 1024**2 + 1), "larger than 4 MiB")):
        (tmp_path / "rules.toml").write_bytes(raw)
        with pytest.raises(ConfigFaultsError, match=what):
            rules_from_file(tmp_path / "rules.toml")
    with pytest.raises(ConfigFaultsError, match="it cannot be read"):
        rules_from_file(tmp_path / "none.toml")
