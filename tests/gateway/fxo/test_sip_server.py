"""A gateway's transactions on a clock moved by hand: calls that end every way, packets lost and doubled, floods, loops, and what is refused."""

from __future__ import annotations

import pytest
from gateway_rig import request
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.clock import NS
from gateway.fxo.sip_invite import Ended, Peer, Rang
from gateway.fxo.sip_message import SipMessage, message_from_bytes
from gateway.fxo.sip_server import MAX_INVITES, SipServer

GATEWAY = Peer("127.0.0.1", 5061)


class Talk:
    """A server, its clock, and what it said."""

    def __init__(self, ring_max_s: float = 180.0) -> None:
        numbers = iter(range(10_000_000))
        self.server = SipServer({"linea-1", "linea-2"}, token=lambda: f"t{next(numbers)}", ring_max_s=ring_max_s)
        self.now_ns = 1000 * NS
        self.said: list[SipMessage] = []
        self.peers: list[Peer] = []
        self.news: list[object] = []

    def feed(self, data: bytes, source: Peer = GATEWAY) -> list[str]:
        self.server.feed(data, source, self.now_ns)
        return self._take()

    def ask(self, method: str, source: Peer = GATEWAY, **more: str) -> list[str]:
        """What is answered: status and whose."""
        return self.feed(request(method, 5061, **more), source)

    def pass_s(self, seconds: float) -> list[str]:
        until_ns, out = self.now_ns + int(seconds * NS), []
        while (due_ns := self.server.due_ns) is not None and due_ns <= until_ns:
            self.now_ns = due_ns
            self.server.tick(due_ns)
            out += self._take()
        self.now_ns = until_ns
        return out

    def _take(self) -> list[str]:
        out, news = self.server.take()
        said = [message_from_bytes(data) for data, _ in out]
        self.said += said
        self.peers += [peer for _, peer in out]
        self.news += news
        return [f"{each.status} {each.cseq_method}" for each in said]

    @property
    def hows(self) -> list[str]:
        return ["rang" if isinstance(each, Rang) else each.how if isinstance(each, Ended) else str(each) for each in self.news]


def test_a_call_rings_and_is_cancelled() -> None:
    talk = Talk()
    assert talk.ask("INVITE") == ["100 INVITE", "180 INVITE"]
    assert talk.said[0].to_tag is None
    tag = talk.said[1].to_tag
    assert tag is not None
    assert talk.ask("CANCEL") == ["200 CANCEL", "487 INVITE"]
    assert [each.to_tag for each in talk.said[2:]] == [tag, tag]
    assert talk.ask("ACK", to_tag=tag) == []
    assert talk.pass_s(100) == []
    assert talk.hows == ["rang", "cancelled"]
    assert talk.server.due_ns is None


def test_what_got_lost_is_said_again_and_nothing_is_told_twice() -> None:
    talk = Talk()
    talk.ask("INVITE")
    assert talk.ask("INVITE") == ["180 INVITE"]
    talk.ask("CANCEL")
    assert talk.ask("CANCEL") == ["200 CANCEL"]
    assert talk.ask("INVITE") == ["487 INVITE"]
    assert talk.hows == ["rang", "cancelled"]


def test_without_an_ack_the_end_is_said_again_for_32_seconds() -> None:
    talk = Talk()
    talk.ask("INVITE")
    talk.ask("CANCEL")
    assert talk.pass_s(31.9) == ["487 INVITE"] * 10  # 0.5 1 2 4 4 …: the table of RFC 3261, 17.2.1
    assert talk.pass_s(60) == []
    assert talk.ask("CANCEL") == ["481 CANCEL"]


def test_over_a_connection_nothing_is_said_again() -> None:
    talk, source = Talk(), Peer("127.0.0.1", 5061, 7)
    talk.ask("INVITE", source)
    talk.ask("CANCEL", Peer("127.0.0.1", 5062, 8))
    assert talk.pass_s(60) == []
    assert [peer.conn for peer in talk.peers] == [7, 7, 8, 8]


def test_a_ring_is_renewed_each_minute_and_given_up_at_last() -> None:
    talk = Talk(ring_max_s=150)
    talk.ask("INVITE")
    assert talk.pass_s(149) == ["180 INVITE"] * 2
    assert talk.pass_s(2)[0] == "487 INVITE"
    assert talk.hows == ["rang", "given_up"]


def test_an_invite_that_expires() -> None:
    talk = Talk()
    talk.ask("INVITE", more="Expires: 20")
    talk.pass_s(21)
    assert talk.hows == ["rang", "given_up"]


def test_bye_ends_an_early_dialog() -> None:
    talk = Talk()
    talk.ask("INVITE")
    assert talk.ask("BYE", to_tag=str(talk.said[-1].to_tag)) == ["200 BYE", "487 INVITE"]
    assert talk.hows == ["rang", "cancelled"]
    assert talk.ask("BYE", to_tag="else") == ["481 BYE"]


def test_answered_elsewhere_is_told() -> None:
    talk = Talk()
    talk.ask("INVITE")
    talk.ask("CANCEL", more='Reason: Q.850;cause=16, SIP;cause=200;text="Call completed elsewhere"')
    assert talk.hows == ["rang", "elsewhere"]


def test_the_next_call_on_the_line_ends_the_one_before() -> None:
    talk = Talk()
    talk.ask("INVITE")
    assert talk.ask("INVITE", call="c2") == ["480 INVITE", "100 INVITE", "180 INVITE"]
    talk.ask("INVITE", call="c3", user="linea-2")
    assert talk.hows == ["rang", "given_up", "rang", "rang"]


@pytest.mark.parametrize(
    ("method", "more", "expected", "count"),
    [
        ("OPTIONS", {}, "200", None),
        ("REGISTER", {}, "405", "refused"),
        ("SUBSCRIBE", {}, "405", "refused"),
        ("FROB", {}, "501", "refused"),
        ("BYE", {}, "481", "stray"),
        ("CANCEL", {}, "481", "stray"),
        ("INVITE", {"to_tag": "x"}, "481", "stray"),
        ("INVITE", {"user": "linea-9"}, "404", "unknown_user"),
        ("INVITE", {"more": "Require: 100rel"}, "420", "extension"),
    ],
)
def test_what_is_no_call(method: str, more: dict[str, str], expected: str, count: str | None) -> None:
    talk = Talk()
    assert talk.ask(method, **more) == [f"{expected} {method}"]
    assert talk.said[0].to_tag is not None
    assert talk.news == []
    if count is not None:
        assert talk.server.counts[count] == 1
    if expected in ("405", "200"):
        assert "INVITE" in (talk.said[0].first("allow") or "")
    if expected == "420":
        assert talk.said[0].first("unsupported") == "100rel"


def test_an_uri_of_another_scheme_and_bad_hops() -> None:
    talk = Talk()
    assert talk.feed(request("INVITE", 5061).replace(b"INVITE sip:", b"INVITE http:")) == ["416 INVITE"]
    assert talk.feed(request("INVITE", 5061).replace(b"Forwards: 70", b"Forwards: x")) == ["400 INVITE"]
    assert talk.news == []


def test_a_stray_ack_and_rubbish_get_no_answer() -> None:
    talk = Talk()
    assert talk.ask("ACK") == []
    assert talk.feed(b"\x00" * 100) == []
    assert talk.feed(b"SIP/2.0 200 OK\r\n" + request("OPTIONS", 5061).partition(b"\r\n")[2]) == []
    assert (talk.server.counts["stray"], talk.server.counts["malformed"]) == (2, 1)


def test_the_same_call_by_two_ways_is_a_loop() -> None:
    talk = Talk()
    talk.ask("INVITE")
    assert talk.feed(request("INVITE", 5061).replace(b"z9hG4bKc1", b"z9hG4bKother")) == ["482 INVITE"]
    assert talk.hows == ["rang"]


def test_our_own_ping_that_comes_back_is_a_loop_and_only_an_answer_to_it_is_one() -> None:
    talk = Talk()
    talk.server.ping(GATEWAY, ("10.0.0.2", 5060))
    (data, peer), *_ = talk.server.take()[0]
    assert peer == GATEWAY
    assert talk.feed(data) == ["482 OPTIONS"]
    answered = b"SIP/2.0 404 Not Found\r\n" + data.partition(b"\r\n")[2]
    talk.feed(answered.replace(b"z9hG4bK", b"z9hG4bKforged"))
    assert talk.news == []
    talk.feed(answered)
    talk.feed(answered)
    assert talk.news == ["pong"]


def test_where_an_answer_goes() -> None:
    """RFC 3261, 18.2.2: to where it came from, at the port of its Via; RFC 3581: at the real one where it asks for that."""
    talk, far = Talk(), Peer("10.0.0.9", 40_000)
    talk.ask("OPTIONS", far)
    talk.feed(request("OPTIONS", 5061).replace(b";rport", b""), far)
    talk.feed(request("OPTIONS", 5061).replace(b":5061;rport", b""), far)
    assert [(peer.host, peer.port) for peer in talk.peers] == [("10.0.0.9", 40_000), ("10.0.0.9", 5061), ("10.0.0.9", 5060)]


def test_a_flood_of_calls_is_bounded() -> None:
    talk = Talk()
    for count in range(3 * MAX_INVITES):
        talk.ask("INVITE", call=f"c{count}")
    assert len(talk.server._invites) == MAX_INVITES
    assert talk.server.counts["too_many"] == 2 * MAX_INVITES
    talk.pass_s(40)
    assert talk.ask("INVITE", call="again")[-1] == "180 INVITE"


def test_an_old_peer_without_a_branch() -> None:
    """RFC 2543: the transaction is known by its call."""
    talk = Talk()
    for method in ("INVITE", "INVITE", "CANCEL", "ACK"):
        talk.feed(request(method, 5061).replace(b";branch=z9hG4bKc1", b""))
    assert talk.hows == ["rang", "cancelled"]
    assert talk.pass_s(60) == []


_STEPS = st.tuples(
    st.sampled_from(["INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "tick", "damage"]),
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["linea-1", "linea-2", "nobody"]),
    st.integers(0, 400),
)


@settings(max_examples=150)
@given(st.lists(_STEPS, max_size=40))
def test_whatever_comes_in_whatever_order(steps: list[tuple[str, str, str, int]]) -> None:
    """What rang ends once, a line rings once at a time, nothing is left over, and nobody is ever answered with an answer to his call."""
    talk = Talk()
    for method, call, user, number in steps:
        if method == "tick":
            talk.pass_s(number / 10)
        elif method == "damage":
            data = bytearray(request("INVITE", 5061, call=call, user=user))
            data[number % len(data)] ^= 1 + number % 255
            talk.server.feed(bytes(data), GATEWAY, talk.now_ns)
            talk._take()
        else:
            talk.ask(method, call=call, user=user)
        ringing = [each.call.user for each in talk.server._ringing()]
        assert len(ringing) == len(set(ringing))
    talk.pass_s(400)
    assert talk.server.due_ns is None
    rang = [each.call.id for each in talk.news if isinstance(each, Rang)]
    assert sorted(rang) == sorted(each.call.id for each in talk.news if isinstance(each, Ended))
    assert len(rang) == len(set(rang))
    assert not any(each.status == 200 and each.cseq_method == "INVITE" for each in talk.said)
