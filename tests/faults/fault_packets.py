"""Faults of the broker itself, played by the line between it and the box: what it refuses, how it throttles, what it garbles."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

from fault_kinds import Kind, Play, wait
from fault_stage import Round, Stage

CONNACK, PUBLISH, PUBACK, SUBACK, DISCONNECT = 0x20, 0x30, 0x40, 0x90, 0xE0
#: MQTT 5.0, section 3.2.2.2: every code with which a broker refuses a connection.
REFUSALS = (0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90, 0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F)
#: Section 3.14.2.1: every code with which a broker may end one, and two that it may not. 0x8E is played by itself: a box leaves
#: the link to another of its name for one to two minutes (`Backoff.rival_s`).
GOODBYES = (
    0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8D, 0x8F, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0x9B,
    0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2, 0x55, 0xFF,
)  # fmt: skip
#: Answers to a PUBLISH that leave the event with us, and those that give it up after three tries.
KEPT, POISON = (0x10, 0x80, 0x83, 0x87, 0x91, 0x97), (0x90, 0x99)


def garbled() -> Iterator[tuple[str, bytes]]:
    """Packets that no broker may send, each with its name."""
    for kind in range(16):
        yield f"type {kind} with nothing in it", bytes((kind << 4, 0))
        yield f"type {kind} with rubbish in it", bytes((kind << 4 | 2, 9)) + b"\xff\xfe\x00\x00\x00\x01\x80\x80\x80"
        yield f"type {kind} with all flags", bytes((kind << 4 | 15, 4)) + b"\x00\x01a\x00"
    yield "a length of five bytes", b"\x40\xff\xff\xff\xff\x01"
    yield "a length of 256 MB", b"\x30\xff\xff\xff\x7f"
    yield "a PUBLISH of 2 MB begun", b"\x32\x80\x89\x7a" + b"\x00\x04abcd" * 20
    yield "a PUBLISH cut short", b"\x32\x7f\x00\x04call"
    yield "half a header", b"\x40"
    yield "PUBACK of nobody, event lane", b"\x40\x02\x7f\xf0"
    yield "PUBACK of nobody, live lane", b"\x40\x02\xff\xf0"
    yield "PUBACK of identifier 0", b"\x40\x02\x00\x00"
    yield "PUBACK of all identifiers", b"".join(b"\x40\x02" + mid.to_bytes(2, "big") for mid in range(0x4000, 0x8000))
    yield "PUBACK with a code of nobody", b"\x40\x04\x7f\xf0\x87\x00"
    yield "PUBACK without an identifier", b"\x40\x00"
    yield "PUBACK of one byte", b"\x40\x01\x00"
    yield "PUBACK with properties beyond its end", b"\x40\x06\x7f\xf0\x00\x7f\x1f\x00"
    yield "CONNACK twice", b"\x20\x03\x00\x00\x00"
    yield "CONNACK twice, refusing", b"\x20\x03\x00\x87\x00"
    yield "SUBACK of nobody", b"\x90\x04\x77\x77\x00\x01"
    yield "UNSUBACK of nobody", b"\xb0\x04\x77\x77\x00\x00"
    yield "PUBREC of nobody", b"\x50\x02\x00\x07"
    yield "PUBREL of nobody", b"\x62\x02\x00\x07"
    yield "PUBCOMP of nobody", b"\x70\x02\x00\x07"
    yield "PINGRESP unasked", b"\xd0\x00" * 50
    yield "PINGRESP with a body", b"\xd0\x02ab"
    yield "AUTH", b"\xf0\x02\x18\x00"
    yield "a SUBSCRIBE to us", b"\x82\x08\x00\x01\x00\x00\x02#a\x01"
    yield "a CONNECT to us", b"\x10\x0d\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x00"
    yield "PUBLISH of QoS 3", b"\x36\x08\x00\x01a\x00\x09\x00hi"
    yield "PUBLISH of QoS 2", b"\x34\x08\x00\x01a\x00\x09\x00hi"
    yield "PUBLISH to a wildcard", b"\x30\x06\x00\x01#\x00hi"
    yield "PUBLISH to no topic", b"\x30\x05\x00\x00\x00hi"
    yield "PUBLISH to no UTF-8", b"\x30\x07\x00\x02\xff\xfe\x00hi"
    yield "PUBLISH with a NUL in its topic", b"\x30\x07\x00\x02a\x00\x00hi"
    yield "PUBLISH with an alias of nobody", b"\x30\x08\x00\x00\x03\x23\x00\x09hi"
    yield "PUBLISH with an unknown property", b"\x30\x08\x00\x01a\x02\x7e\x01hi"
    yield "PUBLISH with a topic longer than itself", b"\x30\x06\x7f\xff\x00abc"
    yield "a million zeros", b"\x00" * 1_000_000
    yield "a web server's answer", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"


GARBLED = tuple(garbled())


class Cases:
    """Plays a list of cases, one a round, over and over."""

    def __init__(self, count: int) -> None:
        self._count, self._next = count, 0

    def next(self) -> int:
        at, self._next = self._next % self._count, self._next + 1
        return at


def garbles() -> Play:
    cases = Cases(len(GARBLED))

    def play(stage: Stage, played: Round, chance: random.Random) -> None:
        played.name = GARBLED[cases.next()][0]
        wait(chance, 0.0, 0.3)
        says(played.name)(stage, played, chance)

    return play


def says(name: str) -> Play:
    """One of the garbled packets, by its name."""
    data = dict(GARBLED)[name]  # an honest broker comes back: what was begun and never ended would swallow what follows

    def play(stage: Stage, _: Round, __: random.Random) -> None:
        stage.line.say(data)
        time.sleep(0.3)
        stage.line.cut()

    return play


def refuses() -> Play:
    cases = Cases(len(REFUSALS))

    def play(stage: Stage, played: Round, _: random.Random) -> None:
        code = REFUSALS[cases.next()]
        played.name = f"{code:#04x}"
        stage.line.down = lambda packet: ([bytes((CONNACK, 3, 0, code, 0))] if packet[0] == CONNACK else [packet], [])
        with played.down():
            stage.line.cut()
            time.sleep(2.6)
            played.board_says("denied" if code in {0x85, 0x86, 0x87, 0x8A, 0x8C} else "down")
        stage.line.clear()
        stage.line.cut()
        if code == 0x84:
            stage.kill("uplink")  # it speaks 3.1.1 with such a broker for ten minutes, in which the codes after this one mean other things

    return play


#: Greetings that no broker may send, or that few do; what follows them is the broker's own.
GREETINGS: tuple[tuple[str, bytes], ...] = (
    ("cut short", b"\x20\x01\x00"),
    ("without a code", b"\x20\x02\x00\x00"),
    ("with a property of nobody", b"\x20\x05\x00\x00\x02\x7e\x01"),
    ("with properties beyond its end", b"\x20\x04\x00\x00\x7f\x21"),
    ("with Receive Maximum 0", b"\x20\x06\x00\x00\x03\x21\x00\x00"),
    ("with Maximum Packet Size 0", b"\x20\x08\x00\x00\x05\x27\x00\x00\x00\x00"),
    ("with a Receive Maximum twice", b"\x20\x09\x00\x00\x06\x21\x00\x05\x21\x00\x09"),
    ("with 65535 aliases", b"\x20\x06\x00\x00\x03\x22\xff\xff"),
    ("with a keepalive of 1 s", b"\x20\x06\x00\x00\x03\x13\x00\x01"),
    ("with a session that it has not", b"\x20\x03\x01\x00\x00"),
    ("as a PUBACK", b"\x40\x02\x00\x01"),
    ("as a SUBACK", b"\x90\x04\x00\x01\x00\x01"),
    ("as nothing", b""),
)


def greets() -> Play:
    cases = Cases(len(GREETINGS))

    def play(stage: Stage, played: Round, _: random.Random) -> None:
        played.name, greeting = GREETINGS[cases.next()]
        stage.line.down = lambda packet: ([greeting] if packet[0] == CONNACK else [packet], [])
        stage.line.cut()
        time.sleep(2.0)
        stage.line.clear()
        stage.line.cut()

    return play


def leaves(codes: tuple[int, ...]) -> Play:
    cases = Cases(len(codes))

    def play(stage: Stage, played: Round, chance: random.Random) -> None:
        code = codes[cases.next()]
        played.name = f"{code:#04x}"
        wait(chance, 0.0, 0.3)
        stage.line.say(bytes((DISCONNECT, 2, code, 0)))
        time.sleep(0.3)

    return play


def answers(codes: tuple[int, ...], seconds: float) -> Play:
    """The broker answers every event with a code for some seconds, and does not pass it on."""
    cases = Cases(len(codes))

    def play(stage: Stage, played: Round, _: random.Random) -> None:
        code = codes[cases.next()]
        played.name = f"{code:#04x}"

        def up(packet: bytes) -> tuple[list[bytes], list[bytes]]:
            if packet[0] & 0xF6 != 0x32 or b'"specversion"' not in packet:  # a topic may be an alias
                return [packet], []
            at = next(i for i in range(1, 5) if packet[i] < 128) + 1
            topic = int.from_bytes(packet[at : at + 2], "big")
            return [], [bytes((PUBACK, 4)) + packet[at + 2 + topic : at + 4 + topic] + bytes((code, 0))]

        played.disorder = code in POISON  # refused once and then taken: those behind it have arrived meanwhile
        stage.line.up = up
        time.sleep(seconds)
        if code in KEPT:
            played.board_says({0x10: "no_consumer", 0x87: "denied"}.get(code, "down"))
        stage.line.clear()

    return play


def throttled(receive_max: int, answer_s: float) -> Play:
    """A broker that takes so few at a time and thinks about each."""

    def play(stage: Stage, _: Round, __: random.Random) -> None:
        def down(packet: bytes) -> tuple[list[bytes], list[bytes]]:
            if packet[0] == CONNACK:
                return [b"\x20\x06\x00\x00\x03\x21" + receive_max.to_bytes(2, "big")], []
            if packet[0] == PUBACK:
                time.sleep(answer_s)
            return [packet], []

        stage.line.down = down
        stage.line.cut()
        time.sleep(4.0)
        stage.line.clear()
        stage.line.cut()  # a Receive Maximum holds for the connection

    return play


def doubled(stage: Stage, _: Round, __: random.Random) -> None:
    """Every answer comes twice."""
    stage.line.down = lambda packet: ([packet, packet] if packet[0] != CONNACK else [packet], [])
    time.sleep(3.0)
    stage.line.clear()


def unanswered(stage: Stage, _: Round, chance: random.Random) -> None:
    """A third of the answers never come, until the connection ends."""
    stage.line.down = lambda packet: ([] if packet[0] == PUBACK and chance.random() < 0.3 else [packet], [])
    time.sleep(2.0)
    stage.line.clear()
    stage.line.cut()


def shuffled(stage: Stage, _: Round, __: random.Random) -> None:
    """Answers come in pairs the wrong way round."""
    kept: list[bytes] = []

    def down(packet: bytes) -> tuple[list[bytes], list[bytes]]:
        if packet[0] != PUBACK:
            return [packet], []
        kept.append(packet)
        if len(kept) < 2:
            return [], []
        on = kept[::-1]
        kept.clear()
        return on, []

    stage.line.down = down
    time.sleep(3.0)
    stage.line.clear()
    stage.line.cut()


def forgets_retained(stage: Stage, played: Round, _: random.Random) -> None:
    """What is retained is answered and thrown away; the box says all of it again at its next greeting."""

    def up(packet: bytes) -> tuple[list[bytes], list[bytes]]:
        if packet[0] != 0x33:
            return [packet], []
        at = next(i for i in range(1, 5) if packet[i] < 128) + 1
        topic = int.from_bytes(packet[at : at + 2], "big")
        return [], [bytes((PUBACK, 2)) + packet[at + 2 + topic : at + 4 + topic]]

    stage.line.up = up
    time.sleep(3.0)
    stage.line.clear()
    stage.line.cut()
    played.retained_again = True


BROKER = (
    Kind("broker says what it may not", len(GARBLED), garbles()),
    Kind("broker refuses the connection", len(REFUSALS), refuses()),
    Kind("broker greets with rubbish", len(GREETINGS), greets()),
    Kind("broker says goodbye", len(GOODBYES), leaves(GOODBYES)),
    Kind("broker says that another has our name", 1, leaves((0x8E,)), 150.0),
    Kind("broker takes no event", len(KEPT), answers(KEPT, 2.6)),
    Kind("broker calls events poison", len(POISON), answers(POISON, 0.4)),
    Kind("broker takes one at a time, slowly", 2, throttled(1, 0.03)),
    Kind("broker takes three at a time", 2, throttled(3, 0.0)),
    Kind("broker answers twice", 2, doubled),
    Kind("broker forgets answers", 3, unanswered),
    Kind("broker answers out of order", 3, shuffled),
    Kind("broker forgets what is retained", 2, forgets_retained),
)
