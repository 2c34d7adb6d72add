"""Decides how a recording of an external gateway becomes events again: by the live service's lines, with the recording's `t` as clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Final

from msgspec import Struct

from appliance.core.catalogue import Named, PbxDown
from appliance.core.clock import NS
from appliance.core.errors import CorruptError
from appliance.core.slug import slug
from gateway.fxo.gateway_port import GatewayLine, GatewayPort
from gateway.fxo.gateway_row import SIP_SILENT, SNMP_SILENT, poll_from_text
from gateway.fxo.line_call import Told
from gateway.fxo.line_queue import LineQueue
from gateway.fxo.line_settings import LineSettings
from gateway.fxo.recording import START_NS, Row, played, recording
from gateway.fxo.sip_caller import user_from_uri
from gateway.fxo.sip_invite import Peer, Rang
from gateway.fxo.sip_message import message_from_bytes
from gateway.fxo.sip_server import SipServer

_AFTER_NS: Final = 30 * NS
_GATEWAY: Final = Peer("192.0.2.1", 5060)
_MOST_LINES: Final = 512


def feed_capture(
    lines: Iterable[str | bytes], settings: Sequence[GatewayLine] | None = None, queue: Named | None = None
) -> Iterator[tuple[float, list[Struct]]]:
    """Yield `(t, events)` for every instant that means something; the lines' calls are in that queue, or in one of the gateway's name.

    Without settings each account that is called and each port that is polled is a line; one of each are the same. Raises CorruptError,
    naming the row, for a file that is no recording of a gateway.
    """
    header, told = recording(lines, ("gateway",), "a gateway")
    replay = _Replay(settings or _guessed(told), slug(header.name) or "gateway", queue)
    yield from played(replay, told, _AFTER_NS)


def _guessed(rows: Iterable[Row]) -> list[GatewayLine]:
    users: dict[str, None] = {}
    ports: dict[int, bool] = {}
    for row in rows:
        polled = poll_from_text(row.data or "")
        if polled is not None:
            ports |= {port: "hook" in said for port, said in polled[0].items()}
        elif (row.data or "").startswith("INVITE "):
            try:
                user = user_from_uri(message_from_bytes(_bytes(row)).uri)
            except CorruptError:
                continue
            users |= {user: None} if user is not None else {}
    if len(users) == len(ports) == 1:
        (user,), ((port, hook),) = users, ports.items()
        return [GatewayLine(settings=LineSettings(line=slug(user) or "line"), port=port, user=user, hook=hook)]
    some = [GatewayLine(settings=LineSettings(line=slug(user) or "line"), user=user) for user in users]
    some += [GatewayLine(settings=LineSettings(line=f"port-{port}"), port=port, hook=hook) for port, hook in ports.items()]
    return some[:_MOST_LINES]


def _bytes(row: Row) -> bytes:
    return (row.data or "").encode("latin-1", "replace")


class _Replay:
    """The gateway's lines, their queue, and the session of the moment."""

    def __init__(self, lines: Sequence[GatewayLine], name: str, queue: Named | None) -> None:
        ids = count(1)
        self._name = name
        self._ports = [GatewayPort(line) for line in lines]
        senses = {port.line.settings.line: port.line.settings.senses_answer for port in self._ports}
        waits = queue or Named(name, name)
        self._queue = LineQueue(
            waits.key, name, lambda: f"{name}-{next(ids)}", title=waits.title, senses=lambda line: senses.get(line, False)
        )
        self._tokens = count(1)
        self._open()

    def _open(self) -> None:
        self._by_user = {port.spec.user: port for port in self._ports if port.spec.user is not None}
        self._server = SipServer(self._by_user, token=lambda: f"t{next(self._tokens)}")
        self._sip = self._snmp = self._told_silent = False

    def begin(self, now_ns: int) -> list[Struct]:
        return [*self._queue.in_sight(), *self._sight(now_ns)]

    def row(self, row: Row, now_ns: int) -> list[Struct]:
        if row.event == "disconnected":
            if not self._told_silent:  # not one of both fell silent: the box itself heard nobody any more
                self._open()
            return [*self._sight(now_ns), PbxDown(pbx=self._name, reason="lost")]
        if row.event == "connected":
            self._told_silent = False
            return self.begin(now_ns)
        data = _bytes(row)
        if not data:
            return []
        if data in (SNMP_SILENT, SIP_SILENT):
            self._snmp, self._sip = self._snmp and data != SNMP_SILENT, self._sip and data != SIP_SILENT
            self._told_silent = True
            return self._sight(now_ns)
        polled = poll_from_text(data.decode("latin-1"))
        if polled is not None:
            self._snmp = True
            events = self._sight(now_ns)
            for port in self._ports:
                said = polled[0].get(port.spec.port) if port.spec.port is not None else None
                if said is not None:
                    events += self._queued(port.polled_as(said, now_ns - int(polled[1] * NS), now_ns), now_ns)
            return events
        self._sip = self._server.feed(data, _GATEWAY, now_ns) or self._sip
        return self._sight(now_ns) + self._news(now_ns)

    def due(self, until_ns: int) -> Iterator[tuple[float, list[Struct]]]:
        while (due_ns := self._due_ns()) is not None and due_ns <= until_ns:
            self._server.tick(due_ns)
            events = self._news(due_ns)
            for port in self._ports:
                events += self._queued(port.line.tick(due_ns), due_ns)
            if events:
                yield (due_ns - START_NS) / NS, events

    def _due_ns(self) -> int | None:
        dues = [self._server.due_ns, *(port.line.due_ns for port in self._ports)]
        return min((due for due in dues if due is not None), default=None)

    def _sight(self, now_ns: int) -> list[Struct]:
        events: list[Struct] = []
        for port in self._ports:
            events += self._queued(port.sight(self._sip, self._snmp, now_ns), now_ns)
        return events

    def _news(self, now_ns: int) -> list[Struct]:
        events: list[Struct] = []
        for each in self._server.take()[1]:
            if each == "pong":
                continue
            port = self._by_user[each.call.user]
            if isinstance(each, Rang):
                events += self._queued(port.rang(each.call.id, each.call.caller, now_ns), now_ns)
            else:
                events += self._queued(port.ended(each.call.id, each.how, now_ns), now_ns)
        return events

    def _queued(self, told: list[Told], now_ns: int) -> list[Struct]:
        return [*(each.event for each in told), *self._queue.apply(told, now_ns)]
