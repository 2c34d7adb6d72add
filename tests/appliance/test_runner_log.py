"""A log line is one line, whatever it tells of."""

from __future__ import annotations

import logging

from appliance.runner_log import OneLine


def line(formatter: OneLine, text: str, *args: object, fault: BaseException | None = None) -> str:
    exc_info = (type(fault), fault, fault.__traceback__) if fault else None
    return formatter.format(logging.LogRecord("callfloor.x", logging.WARNING, __file__, 1, text, args, exc_info))


def test_a_peer_cannot_forge_a_second_line() -> None:
    told = line(OneLine(journald=True), "the PBX says %s", "a\n<0>kernel: \x1b[31mb\r\u2028c")
    assert told == "<4>callfloor.x: the PBX says a\\n<0>kernel: \\x1b[31mb\\r\\u2028c"


def test_a_fault_has_its_type_and_place_and_verbose_the_whole_way() -> None:
    try:
        int("three\nfour")
    except ValueError as caught:
        fault = caught
    told = line(OneLine(), "it failed", fault=fault)
    assert "\n" not in told
    assert "it failed: ValueError: invalid literal" in told
    assert f"at {__file__}:" in told
    verbose = line(OneLine(verbose=True), "it failed", fault=fault)
    assert "\n" not in verbose
    assert "Traceback (most recent call last)" in verbose
