"""How an event is put on one connection: which properties it carries, and when its topic is a number instead of a name.

A topic is sent by name once and then by its alias (MQTT 5.0 section 3.3.2.3.4): fifty bytes become three in nearly every event, as
there are only as many topics as kinds. The first topics get the numbers, as many as the broker takes, and keep them; the live
lane has a message or two a second and goes by name.
"""

from __future__ import annotations

from typing import Final

from gateway.uplink.packet import publish, topic_field, varint

#: More kinds than that there are not; a number costs the broker memory in each connection.
_ALIASES_MOST: Final = 128
_NO_TOPIC: Final = topic_field("")
_CONTENT_TYPE: Final = b"\x03"
_TOPIC_ALIAS: Final = b"\x23"
_USER_PROPERTY: Final = b"\x26"


def _user(name: str, value: str) -> bytes:
    return _USER_PROPERTY + topic_field(name) + topic_field(value)


#: What the payload is (CloudEvents' MQTT binding, section 3.2: the structured mode), and the contract's major version.
_PLAIN: Final = _CONTENT_TYPE + topic_field("application/cloudevents+json") + _user("v", "1")
_LATE: Final = _PLAIN + _user("late", "true")
#: By whether an event is late: its properties with their length in front, without an alias.
_BY_NAME: Final = tuple(varint(len(each)) + each for each in (_PLAIN, _LATE))


class Framer:
    """Writes the PUBLISH packets of the event lane of one connection."""

    def __init__(self, v5: bool, alias_max: int, packet_max: int | None) -> None:
        """What the broker said at the door: see `gateway.uplink.link.Greeting`."""
        self._v5, self._packet_max = v5, packet_max
        self._free = min(alias_max, _ALIASES_MOST) if v5 else 0
        self._aliases: dict[bytes, tuple[bytes, bytes]] = {}

    def frame(self, topic: bytes, mid: int, payload: bytes, late: bool) -> bytes:
        """One event; `topic` is a `topic_field`. What is larger than the broker takes must not be sent, all else must, in this order."""
        known = self._aliases.get(topic)
        if known is not None:
            return publish(_NO_TOPIC, mid, payload, True, known[late])
        if not self._free:
            return publish(topic, mid, payload, self._v5, _BY_NAME[late])
        alias = _TOPIC_ALIAS + (len(self._aliases) + 1).to_bytes(2, "big")
        made = tuple(varint(len(alias + each)) + alias + each for each in (_PLAIN, _LATE))
        frame = publish(topic, mid, payload, True, made[late])
        if self._packet_max is not None and len(frame) > self._packet_max:
            return frame
        self._aliases[topic] = made[0], made[1]
        self._free -= 1
        return frame
