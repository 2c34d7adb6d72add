"""One line of a gateway on a clock moved by hand: SIP and SNMP in every order, either of them gone, and what may be said of a call then."""

from __future__ import annotations

import pytest

from appliance.core.fxo_gateway_config import Make
from gateway.fxo.caller_id import CallerId
from gateway.fxo.gateway_port import GatewayLine, GatewayPort
from gateway.fxo.line_call import NS, Told
from gateway.fxo.line_settings import LineSettings
from gateway.fxo.snmp_profile import PROFILES, meaning

SETTINGS = LineSettings(line="linea-1", ring_ms=(1000, 4000))
ANA = CallerId(format="sip", number="0987654321")


class Floor:
    """A line, and what it told."""

    def __init__(self, *, port: int | None = 0, user: str | None = "linea-1", parallel: bool = False, hook: bool = True) -> None:
        self.port = GatewayPort(GatewayLine(settings=SETTINGS, port=port, user=user, parallel_phones=parallel, hook=hook))
        self.now_ns = 1000 * NS
        self.told: list[Told] = []
        self.sight(user is not None, port is not None)
        if port is not None and hook:
            self.poll(False)

    def pass_s(self, seconds: float) -> None:
        self.now_ns += int(seconds * NS)
        self.told += self.port.line.tick(self.now_ns)

    def sight(self, sip: bool, snmp: bool) -> None:
        self.told += self.port.sight(sip, snmp, self.now_ns)

    def poll(self, off: bool | None, late_s: float = 0.0) -> None:
        self.told += self.port.hook(off, self.now_ns - int(late_s * NS), self.now_ns)

    def rang(self, call: str = "c1") -> None:
        self.told += self.port.rang(call, ANA, self.now_ns)

    def ended(self, call: str = "c1", how: str = "cancelled") -> None:
        self.told += self.port.ended(call, how, self.now_ns)  # type: ignore[arg-type]

    @property
    def kinds(self) -> list[str]:
        return [type(each.event).__name__.removeprefix("Line") for each in self.told]

    @property
    def outcomes(self) -> list[str | None]:
        return [each.event.outcome for each in self.told if hasattr(each.event, "outcome")]


def test_taken_by_the_gateway() -> None:
    floor = Floor()
    floor.rang()
    floor.pass_s(5)
    floor.poll(True)
    floor.ended()
    floor.pass_s(60)
    floor.poll(False)
    assert floor.kinds == ["Ringing", "CallerId", "Seized", "Released"]
    assert floor.outcomes == ["answered"]
    assert floor.told[2].event.direction == "in"


def test_withdrawn_before_the_poll_that_sees_it_taken() -> None:
    """The poll under way when the CANCEL came says nothing: it was sent before."""
    floor = Floor()
    floor.rang()
    floor.pass_s(5)
    floor.ended()
    floor.pass_s(0.1)
    floor.poll(False, late_s=0.2)
    assert floor.outcomes == []
    floor.pass_s(1)
    floor.poll(True)
    floor.pass_s(9)
    floor.poll(False)
    assert floor.outcomes == ["answered"]


def test_abandoned_where_nobody_but_the_gateway_can_have_taken_it() -> None:
    floor = Floor()
    floor.rang()
    floor.pass_s(20)
    floor.ended()
    ended_ns = floor.now_ns
    floor.pass_s(1)
    floor.poll(False)
    assert floor.outcomes == ["abandoned"]
    assert floor.told[-1].at_ns == ended_ns


def test_a_parallel_phone_is_out_of_sight() -> None:
    floor = Floor(parallel=True)
    floor.rang()
    floor.pass_s(20)
    floor.ended()
    floor.pass_s(1)
    floor.poll(False)
    assert floor.outcomes == ["unknown"]
    assert floor.port.line.settings.limits
    floor.rang("c2")
    floor.poll(True)
    floor.poll(False)
    assert floor.outcomes == ["unknown", "answered"]


def test_by_sip_alone_nobody_knows() -> None:
    floor = Floor(port=None)
    floor.rang()
    floor.pass_s(20)
    floor.ended()
    assert floor.outcomes == ["unknown"]


def test_answered_elsewhere_by_the_gateways_word() -> None:
    floor = Floor(port=None)
    floor.rang()
    floor.pass_s(5)
    floor.ended(how="elsewhere")
    assert floor.kinds == ["Ringing", "CallerId", "Seized", "Released"]
    assert floor.outcomes == ["answered"]


def test_by_snmp_alone_nobody_knows_who_called_whom() -> None:
    floor = Floor(user=None)
    floor.poll(True)
    floor.pass_s(60)
    floor.poll(False)
    assert floor.kinds == ["Seized", "Released"]
    assert (floor.told[0].event.direction, floor.told[1].event.inferred, floor.outcomes) == (None, False, [None])


def test_a_call_out() -> None:
    floor = Floor()
    floor.poll(True)
    assert floor.told[0].event.direction == "out"


def test_snmp_is_silent_while_it_rings() -> None:
    floor = Floor()
    floor.rang()
    floor.pass_s(5)
    floor.sight(True, False)
    floor.pass_s(30)
    assert floor.outcomes == []  # SIP will tell its end
    floor.ended()
    assert floor.outcomes == ["unknown"]
    floor.sight(True, True)
    floor.poll(False)
    floor.rang("c2")
    floor.ended("c2")
    floor.pass_s(1)
    floor.poll(False)
    assert floor.outcomes == ["unknown", "abandoned"]


def test_snmp_falls_silent_between_the_end_and_its_poll() -> None:
    floor = Floor()
    floor.rang()
    floor.pass_s(5)
    floor.ended()
    floor.sight(True, False)
    assert floor.outcomes == ["unknown"]


def test_sip_is_gone_while_it_rings() -> None:
    floor = Floor()
    floor.rang()
    floor.pass_s(5)
    floor.sight(False, True)
    floor.pass_s(10)
    assert floor.outcomes == ["unknown"]
    floor.sight(True, True)
    floor.ended()
    floor.poll(False)
    assert floor.outcomes == ["unknown"]


def test_first_snmp_then_sip_is_gone_while_it_rings() -> None:
    floor = Floor()
    floor.rang()
    floor.pass_s(5)
    floor.sight(True, False)
    floor.pass_s(5)
    floor.sight(False, False)
    assert floor.outcomes == ["unknown"]


def test_sip_is_gone_in_the_middle_of_a_call_that_snmp_sees() -> None:
    floor = Floor()
    floor.rang()
    floor.poll(True)
    floor.sight(False, True)
    floor.pass_s(600)
    floor.sight(False, True)
    assert floor.outcomes == []
    floor.poll(False)
    assert floor.outcomes == ["answered"]
    floor.sight(False, True)
    assert floor.port.line.blind
    floor.poll(True)
    assert floor.told[-1].event.direction is None  # who called whom only SIP would have told


def test_both_are_gone_in_the_middle_of_a_call() -> None:
    floor = Floor()
    floor.rang()
    floor.poll(True)
    floor.sight(False, False)
    floor.pass_s(10)
    floor.sight(True, True)
    floor.poll(True)
    assert floor.outcomes == []  # it goes on
    floor.sight(False, False)
    floor.pass_s(10)
    floor.sight(True, True)
    floor.poll(False)
    assert (floor.outcomes, floor.told[-1].event.inferred) == (["answered"], True)


def test_gone_for_too_long_in_the_middle_of_a_call() -> None:
    floor = Floor()
    floor.rang()
    floor.poll(True)
    floor.sight(False, False)
    floor.pass_s(60)
    assert (floor.outcomes, floor.told[-1].event.inferred) == (["answered"], True)


def test_the_next_call_comes_before_the_poll() -> None:
    """Nobody asked how the hook was between both."""
    floor = Floor()
    floor.rang()
    floor.ended()
    floor.rang("c2")
    assert floor.outcomes == ["unknown"]
    floor.ended("c2")
    floor.pass_s(1)
    floor.poll(False)
    assert floor.outcomes == ["unknown", "abandoned"]


def test_the_next_call_rings_before_the_poll_that_sees_the_last_one_hung_up() -> None:
    floor = Floor()
    floor.poll(True)
    floor.rang()
    floor.pass_s(0.5)
    floor.poll(False)
    assert floor.kinds == ["Seized", "Released", "Ringing", "CallerId"]
    assert floor.told[-1].at_ns == floor.now_ns
    assert not floor.port.early


def test_a_gateway_that_takes_calls_before_it_tells_of_them() -> None:
    floor = Floor()
    floor.poll(True)
    floor.rang()
    floor.pass_s(1)
    floor.poll(True)
    assert floor.port.early
    assert floor.kinds == ["Seized"]
    floor.ended()
    floor.poll(False)
    assert floor.kinds == ["Seized", "Released"]


def test_words_that_nobody_understands_are_doubt() -> None:
    floor = Floor()
    floor.rang()
    floor.ended()
    floor.pass_s(1)
    floor.poll(None)
    assert floor.outcomes == ["unknown"]
    floor.poll(True)
    assert (floor.told[-1].event.inferred, floor.told[-1].event.direction) == (True, None)


def test_a_line_that_is_dead() -> None:
    floor = Floor(hook=False)
    floor.told += floor.port.battery(False, floor.now_ns)
    floor.pass_s(5)
    floor.told += floor.port.battery(True, floor.now_ns)
    assert [(each.event.fault, each.event.over) for each in floor.told] == [("no_battery", False), ("no_battery", True)]


@pytest.mark.parametrize(
    ("make", "value", "expected"),
    [
        ("audiocodes", 1, "on_hook"),
        ("audiocodes", "2", "off_hook"),
        ("audiocodes", 3, None),
        ("grandstream", "Not Connected", "no_line"),
        ("grandstream", " ON-HOOK\n", "on_hook"),
        ("grandstream", "Busy", "off_hook"),
        ("grandstream", "", None),
        ("grandstream", "x" * 300, None),
        ("mediatrix", 0, "unknown"),
        ("mediatrix", 2, "no_line"),
        ("mediatrix", None, None),
    ],
)
def test_what_values_mean(make: Make, value: int | str | None, expected: str | None) -> None:
    assert meaning(PROFILES[make].columns[0], value, {"busy": "off_hook"}) == expected


def test_a_line_that_is_not_connected_has_no_hook() -> None:
    floor = Floor()
    floor.told += floor.port.polled_as({"hook": "no_line"}, floor.now_ns, floor.now_ns)
    floor.pass_s(3)
    floor.told += floor.port.polled_as({"hook": "on_hook"}, floor.now_ns, floor.now_ns)
    assert floor.kinds == ["Fault", "Fault"]


def test_ringing_seen_by_snmp_alone() -> None:
    floor = Floor(user=None)
    floor.told += floor.port.ringing(floor.now_ns)
    floor.pass_s(20)
    assert (floor.kinds, floor.outcomes) == (["Ringing", "Released"], ["abandoned"])


def test_a_call_without_an_end_is_doubt() -> None:
    floor = Floor()
    floor.rang()
    floor.ended(how="given_up")
    assert floor.outcomes == ["unknown"]
