"""`parse.freeswitch`: an event socket's day as bytes through our parser to the headers that a floor reads; beside a bare split of the bytes.

A bare split knows nothing: it cuts at the empty lines and looks at no length. The ratio is the price of knowing.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from appliance.sim.freeswitch_text import event, uuid_of
from gateway.freeswitch.esl import Parser
from tests.bench.room import Room
from tests.bench.table import Row, at_least, compared

_CHUNK = 1_460
#: The fastest PBX that we know of tells a few hundred thousand bytes a second.
GOAL = 0.1


def parse(room: Room) -> list[Row]:
    """CPU time of both on the same chunks, in turns."""
    dice = random.Random(8)
    calls = 500 if room.quick else 4_000
    stream = _day(dice, calls)
    chunks = [stream[at : at + _CHUNK] for at in range(0, len(stream), _CHUNK)]
    pairs = []
    for again in room.rounds(7):
        room.say(f"round {again + 1}: {len(stream) / 1e6:.1f} MB")
        ours_s, found = _timed(lambda: _ours(chunks))
        if found != 2 * calls:
            raise RuntimeError(f"{found} of {2 * calls} events of the queue")
        split_s, _ = _timed(lambda: _split(chunks))
        pairs.append((len(stream) / ours_s, len(stream) / split_s))
    note = f"{calls} calls, {len(stream) / calls / 1e3:.1f} kB each"
    return [compared("parse.freeswitch", "B/s", pairs, "a bare split of the same bytes", at_least(GOAL, "× bare split"), note=note)]


def _timed(work: Callable[[], int]) -> tuple[float, int]:
    start = time.process_time()
    count = work()
    return time.process_time() - start, count


def _ours(chunks: list[bytes]) -> int:
    parser, count = Parser(), 0
    for chunk in chunks:
        for message in parser.feed(chunk):
            if message.name == "callcenter::info":
                count += bool(message.get("CC-Action") and message.get("CC-Member-Session-UUID") and message.get("CC-Queue"))
            else:
                count += not message.get("Unique-ID")
    return count


def _split(chunks: list[bytes]) -> int:
    rest, count = b"", 0
    for chunk in chunks:
        *pieces, rest = (rest + chunk).split(b"\n\n")
        count += len(pieces)
    return count


def _day(dice: random.Random, calls: int) -> bytes:
    """Each call: created, queued, left, hung up, with as many variables as a SIP channel has."""
    out = []
    for number in range(calls):
        head: dict[str, object] = {"Core-UUID": uuid_of(dice), "Event-Date-Timestamp": 1_795_000_000_000_000 + number}
        channel: dict[str, object] = {"Unique-ID": uuid_of(dice), "Channel-State": "CS_EXECUTE", "Caller-Caller-ID-Number": "612000101"}
        variables: dict[str, object] = {f"variable_sip_header_{at}": f"sip:{dice.getrandbits(64):x}@192.0.2.10:5060" for at in range(40)}
        member = {"CC-Queue": "ventas@default", "CC-Member-Session-UUID": channel["Unique-ID"], "CC-Member-CID-Name": "José Núñez"}
        custom = head | {"Event-Subclass": "callcenter::info"}
        out.append(event("CHANNEL_CREATE", head, channel | variables))
        out.append(event("CUSTOM", custom, channel | variables | {"CC-Action": "member-queue-start"} | member))
        out.append(event("CUSTOM", custom, channel | variables | {"CC-Action": "member-queue-end"} | member))
        out.append(event("CHANNEL_HANGUP", head, channel | variables))
    return b"".join(out)
