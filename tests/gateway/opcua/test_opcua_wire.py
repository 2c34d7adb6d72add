"""What comes over the wire and is none of ours, or was once: streams of a real client with bytes changed, cut and doubled. And a bomb."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from typing import Any

import pytest
from asyncua import ua
from asyncua.common.connection import SecureConnection, TransportLimits
from asyncua.common.utils import Buffer
from asyncua.crypto.security_policies import SecurityPolicyNone
from asyncua.ua import ua_binary
from opcua_box import Box

from gateway.opcua import guard
from gateway.opcua.door import CHUNK_MOST

#: One worker has the box that all of these share: a server takes seconds to start.
pytestmark = pytest.mark.xdist_group("opcua")


def _stream() -> bytes:
    """What a client says first: hello, a channel without security, how may I connect?, and a session that it must not get."""
    wire = SecureConnection(SecurityPolicyNone(), TransportLimits())
    opening = ua.OpenSecureChannelRequest()
    opening.Parameters.SecurityMode = ua.MessageSecurityMode.None_
    opening.Parameters.RequestedLifetime = 60_000
    opening.Parameters.ClientNonce = b""
    said = [ua_binary.uatcp_to_binary(ua.MessageType.Hello, ua.Hello(EndpointUrl="opc.tcp://x"))]
    said.append(wire.message_to_binary(ua_binary.struct_to_binary(opening), ua.MessageType.SecureOpen, 1))
    for number, request in enumerate((ua.GetEndpointsRequest(), ua.FindServersRequest(), ua.CreateSessionRequest(), ua.ReadRequest()), 2):
        said.append(wire.message_to_binary(ua_binary.struct_to_binary(request), request_id=number))
    return b"".join(said)


async def _say(box: Box, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", box.port)
    got = b""
    try:
        writer.write(sent)
        if writer.can_write_eof():
            writer.write_eof()
        async with asyncio.timeout(60):
            got = await reader.read(-1)
    except ConnectionError:
        pass
    finally:
        writer.close()
    return got


async def test_a_stream_with_bytes_changed(box: Box) -> None:
    """No word of ours, no crash, no connection that stays."""
    whole = _stream()
    chance = random.Random(4840)
    for _ in range(60):
        sent = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(sent))
            match chance.randrange(4):
                case 0:
                    sent[at] = chance.randrange(256)
                case 1:
                    del sent[at : at + chance.randint(1, 30)]
                case 2:
                    sent[at:at] = sent[: chance.randint(1, 60)]
                case _:
                    sent[at : at + 4] = chance.choice([b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x00"])
            sent = sent or bytearray(whole)
        await _say(box, bytes(sent))
    async with box.client("leo") as floor:
        assert await floor.number("site") == "quito"
        end = time.monotonic() + 20
        while await floor.number("extra/opcua/sessions") != 1:
            assert time.monotonic() < end
            await asyncio.sleep(0.1)


async def test_half_open_clients_take_nobodys_place(box: Box) -> None:
    """Connections that say nothing, or half a word: they wait, others are served."""
    idle = [await asyncio.open_connection("127.0.0.1", box.port) for _ in range(20)]
    try:
        for _, writer in idle[:10]:
            writer.write(_stream()[:40])
        async with box.client("leo") as floor:
            assert await floor.number("site") == "quito"
    finally:
        for _, writer in idle:
            writer.close()


async def test_a_message_of_many_megabytes(box: Box) -> None:
    """Chunk after chunk of one request: at a megabyte it is enough."""
    wire = SecureConnection(SecurityPolicyNone(), TransportLimits())
    opening = ua.OpenSecureChannelRequest()
    opening.Parameters.SecurityMode = ua.MessageSecurityMode.None_
    opening.Parameters.RequestedLifetime = 60_000
    opening.Parameters.ClientNonce = b""
    reader, writer = await asyncio.open_connection("127.0.0.1", box.port)
    writer.write(ua_binary.uatcp_to_binary(ua.MessageType.Hello, ua.Hello(EndpointUrl="opc.tcp://x")))
    writer.write(wire.message_to_binary(ua_binary.struct_to_binary(opening), ua.MessageType.SecureOpen, 1))
    await writer.drain()
    header = (await reader.readexactly(28)), (await reader.readexactly(8))
    size = int.from_bytes(header[1][4:8], "little")
    channel = int.from_bytes((await reader.readexactly(size - 8))[:4], "little")
    wire.security_token.ChannelId, wire.security_token.TokenId = channel, 13
    many = wire.message_to_binary(bytes(4_000_000), request_id=2)
    assert len(many) > 60 * CHUNK_MOST
    try:
        writer.write(many)
        await writer.drain()
        async with asyncio.timeout(60):
            rest = await reader.read(-1)
    except ConnectionError:
        rest = b""
    writer.close()
    assert len(rest) < 1000
    async with box.client("leo") as floor:
        assert await floor.number("site") == "quito"


def test_ten_bytes_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """An array of two thousand million nulls: asyncua alone makes the list."""
    monkeypatch.setattr(ua_binary, "unpack_uatype_array", ua_binary.unpack_uatype_array)
    quiet = logging.getLogger("asyncua")
    handlers, propagate, level = list(quiet.handlers), quiet.propagate, quiet.level
    try:
        guard.stand()
        bomb = b"\x80" + (0x7FFFFFFF).to_bytes(4, "little")
        with pytest.raises(ua.UaStatusCodeError):
            ua_binary.variant_from_binary(Buffer(bomb))
        sound = ua_binary.variant_to_binary(ua.Variant([1, 2], ua.VariantType.Int32))
        assert ua_binary.variant_from_binary(Buffer(sound)).Value == [1, 2]
    finally:
        quiet.handlers[:], quiet.propagate = handlers, propagate
        quiet.setLevel(level)


def test_the_log_repeats_nothing_that_a_client_sent(caplog: pytest.LogCaptureFixture) -> None:
    handler = guard.Quiet()
    made: Any = logging.LogRecord("asyncua.x", logging.ERROR, "f", 1, "bad method %s", ("0999000111",), None)
    with caplog.at_level(logging.WARNING):
        for _ in range(50):
            handler.emit(made)
    assert "0999000111" not in caplog.text
    assert 1 <= len(caplog.records) <= 10


def test_whoever_knocks_for_hours_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Ten lines a minute of each kind; what one kind is too many of hides no other."""
    spared = logging.getLogger("gateway.opcua.door")
    guard.stand()
    guard.stand()
    with caplog.at_level(logging.WARNING):
        for at in range(200):
            spared.warning("a connection from %s is closed: %s", at, "bytes that are no OPC UA")
        spared.warning("another line")
        assert len(caplog.records) == 11
        sparing = guard.Sparing()
        first = logging.LogRecord("x", logging.WARNING, "f", 1, "text", (), None)
        later = logging.LogRecord("x", logging.WARNING, "f", 1, "text", (), None)
        first.created, later.created = 1000.0, 1061.0
        assert [sparing.filter(first) for _ in range(12)] == [True] * 10 + [False] * 2
        assert sparing.filter(later), "a minute later"
