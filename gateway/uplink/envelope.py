"""How a journal row becomes a CloudEvent: the envelope is written as bytes around the data, which is never decoded.

CloudEvents 1.0, structured JSON, with the contract's members `sequence`, `delivery`, `previous`, `clock` and `late`.
"""

from __future__ import annotations

from typing import Final

import msgspec

from appliance.core.catalogue import KINDS
from appliance.core.clock import NS, Clock, rfc3339
from appliance.core.event import Entry, Stored, stored_from_body
from gateway.uplink.packet import topic_field
from gateway.uplink.topic import Topics

#: An event first sent later than this after it was appended is marked `late`.
LATE_NS: Final = 60 * NS
_CACHE_ROWS: Final = 4096
_quoted = msgspec.json.Encoder().encode


class Envelope:
    """Writes the CloudEvents of one box and one epoch."""

    def __init__(self, topics: Topics, epoch: str) -> None:
        self._topics, self._epoch = topics, epoch.encode()
        self._fixed: dict[tuple[str, str], tuple[bytes, bytes]] = {}
        self._second, self._second_text = -1, b""

    def event(self, entry: Entry, late: bool) -> tuple[bytes, bytes]:
        """The topic field and the payload of one row that is due (`n` is not None), without `previous`.

        Raises msgspec.DecodeError when the body is not an event.
        """
        return self.stored(stored_from_body(entry.body), entry.seq, entry.n or 0, late)

    def stored(self, row: Stored, seq: int, n: int, late: bool, previous: int | None = None) -> tuple[bytes, bytes]:
        """`event` for a body already decoded. `previous`: see `gateway.uplink.chain`."""
        key = (row.kind, row.source)
        fixed = self._fixed.get(key)
        if fixed is None:
            fixed = self._fixed_of(*key)
        topic, middle = fixed
        second, rest = divmod(row.wall_ns, NS)
        if second != self._second:
            self._second, self._second_text = second, rfc3339(row.wall_ns)[:-4].encode()
        payload = (
            b'{"specversion":"1.0","id":"%b-%d",%b"time":"%b%03dZ","sequence":"%012d","delivery":"%012d",%b"clock":"%b",%b"data":%b}'
            % (
                self._epoch,
                seq,
                middle,
                self._second_text,
                rest // 1_000_000,
                seq,
                n,
                b"" if previous is None else b'"previous":"%012d",' % previous,
                row.clock.encode(),
                b'"late":true,' if late else b"",
                row.data,
            )
        )
        return topic, payload

    def _fixed_of(self, kind: str, source: str) -> tuple[bytes, bytes]:
        """What is the same for every event of this kind and source: the topic, and the members between id and time."""
        if len(self._fixed) >= _CACHE_ROWS:
            self._fixed.clear()
        version = KINDS[kind].version if kind in KINDS else 1
        full = _quoted(f"/{self._topics.site}/{self._topics.box}/{source}")
        type_ = _quoted(f"callfloor.{kind}.v{version}")
        middle = b'"source":%b,"type":%b,"datacontenttype":"application/json",' % (full, type_)
        self._fixed[kind, source] = made = (topic_field(self._topics.event(kind)), middle)
        return made


def is_late(row: Stored, clock: Clock) -> bool:
    """Has more than a minute passed since the row was appended? By monotonic time in the same boot, else by the wall."""
    if row.boot == clock.boot:
        return clock.mono_ns() - row.mono_ns > LATE_NS
    return clock.quality() == "unset" or abs(clock.wall_ns() - row.wall_ns) > LATE_NS
