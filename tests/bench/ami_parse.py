"""`ami.parse`: a recorded morning through our parser and through panoramisk's protocol object, every header of every message split.

Ours keeps values as bytes and decodes a text when it is read, which the tracker does for a few headers of a few kinds."""

from __future__ import annotations

import collections
import importlib
import logging
import time
from typing import Any

from gateway.asterisk.ami import Parser
from tests.bench.captures import capture, chunks_from
from tests.bench.room import Room, SkippedError
from tests.bench.table import Row, at_least, compared


def parse(room: Room) -> list[Row]:
    """CPU time of both on the same chunks, in turns."""
    chunks = chunks_from(capture("S2_busy", "full"))
    peer = _peer()
    pairs = []
    for again in room.rounds(9):
        room.say(f"round {again + 1}: {sum(map(len, chunks)) / 1e6:.1f} MB")
        ours_s, ours = _timed(lambda: _ours(chunks))
        peer_s, theirs = _timed(lambda: peer(chunks))
        if abs(ours - theirs) > ours / 100:  # panoramisk does not hand on responses that nobody asked for, nor the banner
            raise RuntimeError(f"not the same work: {ours} messages by ours, {theirs} by panoramisk")
        pairs.append((ours / ours_s, theirs / peer_s))
    return [compared("ami.parse", "events/s", pairs, "panoramisk's protocol object", at_least(3, "× panoramisk"))]


def _timed(work: Any) -> tuple[float, int]:
    start = time.process_time()
    count = work()
    return time.process_time() - start, count


def _ours(chunks: list[bytes]) -> int:
    parser = Parser()
    count = 0
    for chunk in chunks:
        for message in parser.feed(chunk):
            count += bool(message.headers.values) or message.type == "banner"
    return count


def _peer() -> Any:
    try:
        protocol_class: Any = importlib.import_module("panoramisk.ami_protocol").AMIProtocol
    except ImportError as fault:
        raise SkippedError("panoramisk is not installed: make bench installs it") from fault

    class Counting:
        """What the protocol hands its messages to."""

        config: dict[str, str] = {"encoding": "utf8"}  # noqa: RUF012
        responses: dict[str, Any] = {}  # noqa: RUF012

        def __init__(self) -> None:
            self.count = 0

        def dispatch(self, _message: Any) -> None:
            self.count += 1

    class Transport:
        def close(self) -> None:
            raise RuntimeError("panoramisk closed the connection")

    def feed(chunks: list[bytes]) -> int:
        protocol = protocol_class()
        protocol.factory = counting = Counting()
        protocol.transport = Transport()
        protocol.log, protocol.encoding = logging.getLogger("bench"), "utf8"
        protocol.queue, protocol.responses = collections.deque(), {}
        protocol.uuid, protocol.version, protocol.authenticated, protocol.closed = "bench", None, True, False
        for chunk in chunks:
            protocol.data_received(chunk)
        return counting.count

    return feed
