"""What is said to a modem: it is asked whether it is there, also where it refuses to tell callers, and a box that takes no commands never."""

from __future__ import annotations

from gateway.fxo.modem_bytes import Result
from gateway.fxo.modem_profile import PROFILES
from gateway.fxo.modem_talk import ASK_NS, ModemTalk


def test_a_modem_that_refuses_to_tell_callers_is_asked_whether_it_is_there() -> None:
    talk, said = ModemTalk(PROFILES["v253"]), []
    out = talk.begin(0)
    while out:
        said.append(out)
        out = talk.feed(Result("ERROR" if b"CID" in out else "OK"), 0)
    assert talk.ready
    assert "caller_id" in talk.limits
    assert said[-1] == b"AT#CID=1\r"
    due_ns = talk.due_ns
    assert due_ns == ASK_NS
    assert talk.tick(due_ns) == b"AT\r"
    assert talk.feed(Result("OK"), due_ns) == b""
    assert (talk.failed, talk.due_ns) == (None, due_ns + ASK_NS)
    while (next_ns := talk.due_ns) is not None and talk.failed is None:  # it was switched off
        talk.tick(next_ns)
    assert talk.failed is not None
    assert "no answer to AT " in talk.failed


def test_a_box_that_takes_no_commands_is_never_asked() -> None:
    talk = ModemTalk(PROFILES["box"])
    assert (talk.begin(0), talk.ready, talk.due_ns) == (b"", True, None)


def test_a_modem_that_was_reset_is_told_again_to_tell_the_hook() -> None:
    talk = ModemTalk(PROFILES["v253"], hook=True)
    out = talk.begin(0)
    while out:
        out = talk.feed(Result("OK"), 0)
    assert talk.tick(ASK_NS) == b"AT+FCLASS=8\r"
    assert talk.feed(Result("OK"), ASK_NS) == b"AT+VCID=1\r"
    assert talk.feed(Result("OK"), ASK_NS) == b""


def test_what_a_modem_refused_it_may_do_after_all() -> None:
    talk = ModemTalk(PROFILES["v253"], hook=True)
    out = talk.begin(0)
    while out:
        out = talk.feed(Result("ERROR" if b"FCLASS" in out else "OK"), 0)
    assert (talk.tells_hook, list(talk.limits)) == (False, ["AT+FCLASS=8"])
    assert talk.tick(ASK_NS) == b"AT+FCLASS=8\r"
    talk.feed(Result("OK"), ASK_NS)
    assert (talk.tells_hook, talk.limits) == (True, {})


def test_a_profile_that_cannot_tell_the_hook_says_so() -> None:
    talk = ModemTalk(PROFILES["rockwell"], hook=True)
    out = talk.begin(0)
    while out:
        out = talk.feed(Result("OK"), 0)
    assert (talk.tells_hook, list(talk.limits)) == (False, ["hook"])
