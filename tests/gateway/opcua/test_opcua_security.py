"""Who is let in, and what he sees: certificates, passwords, roles; and what asyncua alone would let through. On a real box."""

from __future__ import annotations

import asyncio
import os
import struct
import time
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, ua
from cryptography.hazmat.primitives import serialization
from opcua_box import Box, pair

from appliance.cli.main import main
from appliance.core.catalogue import CommandReceived
from appliance.core.clock import ClockQuality, ManualClock
from appliance.core.opcua_config import OpcuaConfig, OpcuaUser
from appliance.core.password import line_from_password
from gateway.opcua.count import Counts
from gateway.opcua.trust import Trust, thumbprint_of
from gateway.opcua.user import TRIES, Users, Visitor

#: One worker has the box that all of these share: a server takes seconds to start.
pytestmark = pytest.mark.xdist_group("opcua")

SIGN = ua.MessageSecurityMode.Sign


async def test_signed_alone_is_enough(box: Box) -> None:
    """A password goes encrypted all the same."""
    async with box.client("ana", mode=SIGN) as floor:
        assert (await floor.call("ping"))[1] == "done"


async def test_without_security_it_is_only_told_how_to_connect(box: Box) -> None:
    client = Client(box.url)
    await client.connect_socket()
    try:
        await client.send_hello()
        await client.open_secure_channel()
        endpoints = await client.get_endpoints()
        assert {(each.SecurityPolicyUri.partition("#")[2], each.SecurityMode) for each in endpoints} == {
            ("Basic256Sha256", ua.MessageSecurityMode.Sign),
            ("Basic256Sha256", ua.MessageSecurityMode.SignAndEncrypt),
        }
        with pytest.raises(ua.uaerrors.BadSecurityPolicyRejected):
            await client.uaclient.create_session(ua.CreateSessionParameters())
        with pytest.raises(ua.uaerrors.BadServiceUnsupported):
            await client.uaclient.register_server(ua.RegisteredServer())
    finally:
        client.disconnect_socket()


@pytest.mark.parametrize(("user", "password"), [("ana", "wrong"), ("ana", ""), ("nobody", "x"), (None, None), ("ana", "x" * 5000)])
async def test_a_login_that_is_none(box: Box, user: str | None, password: str | None) -> None:
    with pytest.raises((ua.uaerrors.BadUserAccessDenied, ua.uaerrors.BadIdentityTokenRejected)):
        async with box.client(user, password=password):
            pass


async def test_a_certificate_instead_of_a_password(box: Box) -> None:
    """The one of the connection, or one shown on another's connection; but its key must be shown too."""
    async with box.client(None, who=box.karla) as floor:
        assert (await floor.call("ping", "karla-1"))[1] == "done"
    assert [row.who for row in box.commands() if row.id == "karla-1" and isinstance(row, CommandReceived)] == ["opcua:karla"]
    shown = await box.stranger()
    await shown.load_client_certificate(str(box.karla.certificate))
    await shown.load_private_key(str(box.karla.key))
    await shown.connect()
    await shown.disconnect()
    stolen = await box.stranger()
    await stolen.load_client_certificate(str(box.karla.certificate))
    await stolen.load_private_key(str(box.mine.key))
    with pytest.raises((ua.uaerrors.BadIdentityTokenInvalid, ua.uaerrors.BadUserAccessDenied, ua.uaerrors.BadIdentityTokenRejected)):
        await stolen.connect()


async def test_a_name_that_is_tried_too_often(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """After ten wrong passwords a minute none is looked at; it costs nobody else anything. No server needed for this."""
    file = tmp_path / "pw"
    file.write_text(line_from_password("good"))
    now = [0.0]
    users = Users(OpcuaConfig(users={"ana": OpcuaUser(password_file=file), "leo": OpcuaUser(password_file=file)}), Counts(), lambda: now[0])
    for _ in range(TRIES):
        assert users.get_user(None, "ana", "bad") is None
    assert users.get_user(None, "ana", "good") is None
    assert caplog.text.count("no password of ana is looked at") == 1
    assert users.get_user(None, "0999000111", "x") is None
    assert "0999000111" not in caplog.text, "what is no user's name may be anything, a password too"
    assert isinstance(users.get_user(None, "leo", "good"), Visitor)
    now[0] = 61.0
    assert isinstance(users.get_user(None, "ana", "good"), Visitor)
    file.write_text(line_from_password("other"))
    assert users.get_user(None, "ana", "good") is None, "a new password holds at once"


async def test_a_certificate_that_is_not_trusted(box: Box, tmp_path: Path) -> None:
    """It is turned away before anything is asked of it, kept for a person to look at, and taken once it lies in the folder."""
    stranger = pair(tmp_path, "stranger")
    with pytest.raises(ua.uaerrors.BadSecurityChecksFailed):
        async with box.client("ana", who=stranger):
            pass
    kept = list((box.folder / "opcua" / "rejected").glob("*.pem"))
    assert [file for file in kept if file.read_bytes() == stranger.certificate.read_bytes()]
    box.trust(stranger)
    async with box.client("ana", who=stranger) as floor:
        assert (await floor.call("ping"))[1] == "done"
    (box.trusted / stranger.certificate.name).unlink()
    with pytest.raises(ua.uaerrors.BadSecurityChecksFailed):
        async with box.client("ana", who=stranger):
            pass


async def test_an_authority_and_what_it_signed(box: Box, tmp_path: Path) -> None:
    authority = pair(tmp_path, "authority", ca=True)
    signed = pair(tmp_path, "signed", signer=authority)
    expired = pair(tmp_path, "expired", signer=authority, begins=-9, days=-2)
    false_authority = pair(tmp_path, "false-authority")
    box.trust(authority)
    box.trust(false_authority)
    async with box.client("leo", who=signed) as floor:
        assert await floor.number("site") == "quito"
    for turned_away in (expired, pair(tmp_path, "falsely-signed", signer=false_authority)):
        with pytest.raises(ua.uaerrors.BadSecurityChecksFailed):
            async with box.client("leo", who=turned_away):
                pass


def test_that_an_authority_is_trusted_is_said(box: Box, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """openssl makes one of every certificate that it is not told otherwise of."""
    for name, ca in (("plain", False), ("opens-all-doors", True)):
        made = pair(tmp_path, name, ca=ca)
        assert main(["opcua", "trust", str(made.certificate), "-c", str(box.file)]) == 0
        (box.trusted / f"{thumbprint_of(made.parsed)[:16]}.pem").unlink()
        assert ("an authority: whatever it signs is trusted too" in capsys.readouterr().out) == ca


def test_a_clock_that_is_not_set_turns_nobody_away(tmp_path: Path) -> None:
    """Neither a client's own certificate nor one that an authority signed is expired in 1970."""
    folder = tmp_path / "trusted"
    folder.mkdir()
    authority = pair(folder, "authority", ca=True)
    signed = pair(tmp_path, "signed", signer=authority)
    der = signed.parsed.public_bytes(serialization.Encoding.DER)
    moments: list[tuple[ClockQuality, int, bool]] = [("unset", 0, True), ("synced", 0, False), ("synced", time.time_ns(), True)]
    for quality, wall_ns, trusted in moments:
        clock = ManualClock(wall_ns=wall_ns, quality=quality)
        assert (Trust(folder, tmp_path / "rejected", clock, Counts()).refusal(der) is None) == trusted


async def test_a_session_is_nobody_elses(box: Box) -> None:
    """asyncua alone takes a session up on another channel, by a token that counts up, before it looks at the login."""
    async with box.client("ana") as floor:
        token = floor.client.uaclient.session.authentication_token
        thief = await box.stranger()
        await thief.connect_socket()
        try:
            await thief.send_hello()
            await thief.open_secure_channel()
            thief.uaclient.session.restore_authentication_token(token)
            with pytest.raises(ua.uaerrors.BadSessionIdInvalid):
                await thief.uaclient.activate_session(ua.ActivateSessionParameters())
            with pytest.raises(ua.uaerrors.BadSessionIdInvalid):
                await thief.uaclient.read(ua.ReadParameters(NodesToRead=[_value("site", floor.index)]))
        finally:
            thief.disconnect_socket()
        assert (await floor.call("ping"))[1] == "done"


def _value(path: str, index: int) -> ua.ReadValueId:
    return ua.ReadValueId(NodeId=ua.NodeId(path, index), AttributeId=ua.AttributeIds.Value)


async def test_a_subscription_is_nobody_elses(box: Box) -> None:
    async with box.client("rita") as rita, box.client("leo") as leo:
        mine = await rita.client.create_subscription(100, _Nothing())
        await mine.subscribe_data_change(rita.node("seq"))
        other = mine.subscription_id
        answer = await leo.client.uaclient.delete_subscriptions([other])
        assert answer[0].value == ua.StatusCodes.BadSubscriptionIdInvalid
        taken = await leo.client.uaclient.transfer_subscriptions(ua.TransferSubscriptionsParameters([other], False))
        assert taken[0].StatusCode.value == ua.StatusCodes.BadSubscriptionIdInvalid
        asked = ua.CreateMonitoredItemsParameters(SubscriptionId=other)
        with pytest.raises(ua.uaerrors.BadSubscriptionIdInvalid):
            await leo.client.uaclient.create_monitored_items(asked)
        await mine.delete()


class _Nothing:
    def datachange_notification(self, *_args: Any) -> None:
        pass


def frame(kind: bytes, body: bytes, chunk: bytes = b"F") -> bytes:
    return kind + chunk + struct.pack("<I", len(body) + 8) + body


def hello(url: str = "opc.tcp://x") -> bytes:
    return frame(b"HEL", struct.pack("<IIIIII", 0, 65535, 65535, 0, 0, 0)[:20] + struct.pack("<I", len(url)) + url.encode())


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
        b"\x00" * 4096,
        os.urandom(4096),
        frame(b"HEL", bytes(24)) + frame(b"HEL", bytes(24)),
        b"HELF\xff\xff\xff\xff" + bytes(100),
        b"HELF\x08\x00\x00\x00",
        hello() + b"MSGF\xff\xff\xff\x7f" + bytes(100),
        hello() + b"OPNF\x0c\x00\x00\x00" + bytes(4),
        hello() + frame(b"OPN", bytes(4) + b"\xff\xff\xff\x7f" + bytes(64)),
        hello() + frame(b"MSG", bytes(64)),
        hello() + frame(b"CLO", bytes(64)),
        hello()
        + frame(
            b"MSG",
            struct.pack("<IIII", 0, 0, 1, 1)
            + bytes([1, 0])
            + struct.pack("<H", ua.ObjectIds.CreateSessionRequest_Encoding_DefaultBinary)
            + bytes(200),
        ),
    ],
    ids=range(13),
)
async def test_garbage_ends_the_connection_and_nothing_else(box: Box, sent: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", box.port)
    writer.write(sent)
    await writer.drain()
    async with asyncio.timeout(60):  # it is counted below, so that it is not for its silence that it was closed
        answer = await _read_all(reader)
    writer.close()
    assert b"callfloor" not in answer, "nobody is told anything"
    async with box.client("leo") as floor:
        assert await floor.number("site") == "quito"
        refused = await floor.number("extra/opcua/garbage"), await floor.number("extra/opcua/faults")
        end = time.monotonic() + 20
        while not any(refused):
            assert time.monotonic() < end, "it is counted"
            await asyncio.sleep(0.2)
            refused = await floor.number("extra/opcua/garbage"), await floor.number("extra/opcua/faults")


async def _read_all(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(-1)
    except ConnectionResetError:
        return b""
