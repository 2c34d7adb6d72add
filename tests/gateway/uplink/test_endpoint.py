"""Which brokers a configuration may name, and when commands are taken from them."""

from __future__ import annotations

import random
import ssl
from collections import Counter
from pathlib import Path

import pytest

from appliance.core.config import Crm
from appliance.core.errors import MisconfiguredError
from gateway.uplink.backoff import Backoff
from gateway.uplink.endpoint import endpoints_from_config, requires_consumer, takes_commands
from gateway.uplink.tls import tls_context
from gateway.uplink.topic import Topics


def test_several_brokers_are_kept_in_order() -> None:
    first, second, third = endpoints_from_config(Crm(url=("mqtts://a.example", "mqtts://b.example:9", "mqtt://[::1]:7")))
    assert (first.host, first.port, first.tls, first.local) == ("a.example", 8883, True, False)
    assert (second.host, second.port) == ("b.example", 9)
    assert (third.host, third.port, third.tls, third.local) == ("::1", 7, False, True)
    assert endpoints_from_config(Crm()) == ()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mqtt://crm.example", "insecure = true"),
        ("mqtt://10.0.0.1:1883", "callers' numbers in clear"),
        ("http://127.0.0.1", "mqtts://"),
        ("mqtt://u:secret@127.0.0.1", "password_file"),
        ("mqtt://127.0.0.1:99999", "no valid port"),
        ("mqtt://", "names no host"),
    ],
)
def test_a_bad_broker_is_refused_and_the_text_says_how_to_mend_it(url: str, words: str) -> None:
    with pytest.raises(MisconfiguredError, match=words) as caught:
        endpoints_from_config(Crm(url=url))
    assert "secret" not in str(caught.value)


def test_clear_text_goes_beyond_loopback_only_on_demand() -> None:
    (endpoint,) = endpoints_from_config(Crm(url="mqtt://10.0.0.1", insecure=True))
    assert not takes_commands(endpoint, Crm())


def test_commands_come_over_tls_with_a_certificate_or_from_this_machine() -> None:
    (far,) = endpoints_from_config(Crm(url="mqtts://crm.example"))
    (near,) = endpoints_from_config(Crm(url="mqtt://localhost"))
    assert not takes_commands(far, Crm())
    assert takes_commands(far, Crm(cert_file=Path("box.crt")))
    assert takes_commands(near, Crm())


def test_a_consumer_is_required_where_the_protocol_can_tell() -> None:
    assert requires_consumer(Crm())
    assert not requires_consumer(Crm(require_consumer=False))
    assert not requires_consumer(Crm(protocol="3.1.1"))
    with pytest.raises(MisconfiguredError, match=r"3\.1\.1 does not tell"):
        requires_consumer(Crm(protocol="3.1.1", require_consumer=True))


def test_tls_is_modern_checks_names_and_names_a_missing_file(tmp_path: Path) -> None:
    context = tls_context(Crm())
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED
    with pytest.raises(MisconfiguredError, match="ca_file"):
        tls_context(Crm(ca_file=tmp_path / "none.pem"))
    with pytest.raises(MisconfiguredError, match="cert_file"):
        tls_context(Crm(cert_file=tmp_path / "none.pem"))


def test_waits_grow_are_spread_and_begin_anew_only_when_proved() -> None:
    slow = Backoff(60, lambda: 1.0)
    waits = [slow.next_s(answered=True) for _ in range(14)]
    assert waits == sorted(waits)
    assert waits[0] == 0.5
    assert waits[-1] == 60
    assert not slow.is_proved
    slow.proved()
    assert slow.next_s(answered=True) == 0.5
    knocking = Backoff(60, lambda: 1.0)
    assert max(knocking.next_s(answered=False) for _ in range(20)) == 8
    assert Backoff(60, lambda: 0.0).next_s(answered=True) == 0.25
    quick = Backoff(0.2, lambda: 1.0)
    assert max(quick.next_s(answered=True, stood=True) for _ in range(5)) == 0.2


def test_a_thousand_boxes_do_not_return_in_the_same_second() -> None:
    dice = random.Random(6)
    boxes = [Backoff(60, dice.random) for _ in range(1000)]
    for tries in range(6):
        seconds = Counter(int(box.next_s(answered=True, stood=not tries)) for box in boxes)
        if tries == 0:
            assert max(seconds.values()) < 350, "spread over four seconds"
    assert max(seconds.values()) < 250, seconds


def test_two_boxes_of_one_name_do_not_fight_for_ever() -> None:
    box = Backoff(60, lambda: 0.5)
    waits = [box.rival_s() for _ in range(6)]
    assert waits[0] >= 60
    assert waits == sorted(waits)
    assert waits[-1] > 900
    box.proved()
    assert box.rival_s() > 900, "the other one is acknowledged too, in between"
    box.unrivalled()
    assert box.rival_s() == waits[0]


@pytest.mark.parametrize(
    "topic", ["", "a/+/b", "#", "$SYS/x", "callfloor/1/q/p/floor", "callfloor/1/q/p/event/call/held", "x" * 257, "a\0b"]
)
def test_a_reply_never_goes_where_it_would_pass_for_something_else(topic: str) -> None:
    assert not Topics("q", "p").may_answer(topic)


@pytest.mark.parametrize("topic", ["crm/answers/7", "callfloor/1/q/p/reply/x", "callfloor/1/q/other"])
def test_a_reply_may_go_where_the_crm_listens(topic: str) -> None:
    assert Topics("q", "p").may_answer(topic)
