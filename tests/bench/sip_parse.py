"""`parse.sip`: a gateway's calls as datagrams, read by our parser; beside a bare split of the same bytes at their line ends."""

from __future__ import annotations

import random
import time

from gateway.fxo.sip_message import message_from_bytes
from tests.bench.room import Room
from tests.bench.table import Row, at_least, compared

#: A bare split is one call of C; a gateway of 24 lines that all ring at once sends some hundred packets.
GOAL = 0.02


def parse(room: Room) -> list[Row]:
    """CPU time of both on the same datagrams, in turns."""
    dice = random.Random(5)
    calls = 500 if room.quick else 10_000
    packets = [packet for _ in range(calls) for packet in _call(dice)]
    size = sum(map(len, packets))
    pairs = []
    for again in room.rounds(7):
        room.say(f"parse.sip, round {again + 1}: {size / 1e6:.1f} MB")
        start = time.process_time()
        read = sum(message_from_bytes(packet).method == "INVITE" for packet in packets)
        ours_s = time.process_time() - start
        if read != calls:
            raise RuntimeError(f"parse.sip: {read} INVITEs of {calls}")
        start = time.process_time()
        for packet in packets:
            packet.split(b"\r\n")
        pairs.append((size / ours_s, size / (time.process_time() - start)))
    goal = at_least(GOAL, "× bare split")
    return [compared("parse.sip", "B/s", pairs, "a bare split of the same bytes", goal, note=f"{len(packets)} datagrams")]


def _call(dice: random.Random) -> list[bytes]:
    number, port = f"0{dice.randrange(10**8, 10**9)}", dice.randrange(8)
    branch, call = f"z9hG4bK{dice.randrange(10**9)}", f"{dice.randrange(10**12)}@10.0.0.9"
    out = []
    for method in ("INVITE", "CANCEL", "ACK"):
        lines = [
            f"{method} sip:linea-{port}@10.0.0.2;user=phone SIP/2.0",
            f"Via: SIP/2.0/UDP 10.0.0.9:5060;rport;branch={branch}",
            "Max-Forwards: 70",
            f'From: "ANA TORRES" <sip:{number}@10.0.0.9>;tag=1c{call[:8]}',
            f"To: <sip:linea-{port}@10.0.0.2;user=phone>",
            f"Call-ID: {call}",
            f"CSeq: 1 {method}",
        ]
        body = ""
        if method == "INVITE":
            body = "v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\nm=audio 6000 RTP/AVP 8 0 101\r\na=sendrecv\r\n"
            lines += [
                f"Contact: <sip:{number}@10.0.0.9:5060>",
                "Supported: em,timer,replaces,path,early-session,resource-priority",
                "Allow: REGISTER,OPTIONS,INVITE,ACK,CANCEL,BYE,NOTIFY,PRACK,REFER,INFO,SUBSCRIBE,UPDATE",
                f'Remote-Party-ID: "ANA TORRES" <sip:{number}@10.0.0.9>;party=calling;privacy=off;screen=yes',
                "User-Agent: gateway",
                "Content-Type: application/sdp",
            ]
        out.append("\r\n".join([*lines, f"Content-Length: {len(body)}", "", body]).encode())
    return out
