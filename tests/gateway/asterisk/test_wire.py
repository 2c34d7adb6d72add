"""Login and session against a manager played by hand on a real socket."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from appliance.core.config import PbxConfig
from appliance.core.errors import DeniedError, MisconfiguredError, TransientError
from gateway.asterisk import wire as wire_module
from gateway.asterisk.wire import action_bytes, open_wire, without_secrets
from gateway.pbx.stream import secret_of

Play = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
BANNER = b"Asterisk Call Manager/11.0.0\r\n"


@asynccontextmanager
async def manager(play: Play, context: ssl.SSLContext | None = None) -> AsyncIterator[PbxConfig]:
    """A manager port on which `play` answers one client."""

    clients: set[asyncio.Task[None]] = set()

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        clients.add(task)
        try:
            await play(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(client, "127.0.0.1", 0, ssl=context)
    async with server:
        yield PbxConfig(port=server.sockets[0].getsockname()[1], username="callfloor")
        if clients:
            await asyncio.wait(clients, timeout=2)


async def action(reader: asyncio.StreamReader) -> dict[str, str]:
    block = await reader.readuntil(b"\r\n\r\n")
    return dict(line.split(": ", 1) for line in block.decode().split("\r\n") if line)


def answer(to: dict[str, str], word: str = "Success", **fields: str) -> bytes:
    rows = "".join(f"{key}: {value}\r\n" for key, value in fields.items())
    return f"Response: {word}\r\nActionID: {to['ActionID']}\r\n{rows}\r\n".encode()


async def test_md5_challenge_keeps_the_secret_off_the_wire() -> None:
    seen: list[dict[str, str]] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(BANNER)
        seen.append(await action(reader))
        writer.write(b"Event: Reload\r\n\r\n" + answer(seen[0], Challenge="4711"))
        seen.append(await action(reader))
        writer.write(answer(seen[1], Message="Authentication accepted") + b"Event: FullyBooted\r\n\r\n")
        await reader.read()

    async with manager(play) as config:
        wire = await open_wire(config)
        await wire.login(config, "geheim")
        assert seen[1]["Key"] == hashlib.md5(b"4711geheim").hexdigest()
        assert "geheim" not in str(seen)
        assert wire.early[0].name == "Reload"
        assert wire.banner == "Asterisk Call Manager/11.0.0"
        wire.close()


@pytest.mark.parametrize("auth", ["plain", "auto"])
async def test_plain_login_where_it_is_asked_for_or_no_challenge_is_given(auth: str) -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Asterisk Call Manager/1.1\r\n")
        if auth == "auto":
            writer.write(answer(await action(reader), "Error", Message="Invalid/unknown command"))
        asked = await action(reader)
        good = asked == {"Action": "Login", "ActionID": asked["ActionID"], "Username": "callfloor", "Secret": "geheim"}
        writer.write(answer(asked, "Success" if good else "Error"))
        await reader.read()

    async with manager(play) as base:
        config = msgspec.structs.replace(base, auth=auth)
        wire = await open_wire(config)
        await wire.login(config, "geheim")
        wire.close()


async def test_a_refused_login_is_one_clear_message() -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(BANNER)
        writer.write(answer(await action(reader), Challenge="1"))
        writer.write(answer(await action(reader), "Error", Message="Authentication failed"))
        await reader.read()

    async with manager(play) as config:
        wire = await open_wire(config)
        with pytest.raises(DeniedError, match=r"refused the login of 'callfloor': Authentication failed; check username"):
            await wire.login(config, "falsch")
        wire.close()


async def test_md5_insisted_upon_and_not_given_is_denied() -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(BANNER)
        writer.write(answer(await action(reader), "Error", Message="Must specify AuthType"))
        await reader.read()

    async with manager(play) as base:
        config = msgspec.structs.replace(base, auth="md5")
        wire = await open_wire(config)
        with pytest.raises(DeniedError, match="no MD5 challenge"):
            await wire.login(config, "geheim")
        wire.close()


async def test_a_port_that_closes_or_says_nothing_is_transient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire_module, "BANNER_S", 0.05)
    monkeypatch.setattr(wire_module, "ANSWER_S", 0.1)

    async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(BANNER[:10])

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with manager(closes) as config:
        wire = await open_wire(config)
        with pytest.raises(TransientError, match=r"closed|broke"):
            await wire.login(config, "x")
        wire.close()
    async with manager(silent) as config:
        wire = await open_wire(config)
        with pytest.raises(TransientError, match="no answer to the login"):
            await wire.login(config, "x")
        wire.close()


async def test_nobody_listens() -> None:
    async with manager(lambda reader, writer: asyncio.sleep(0)) as config:
        pass
    with pytest.raises(TransientError, match=r"127\.0\.0\.1:\d+ cannot be reached: .*check that Asterisk runs"):
        await open_wire(config)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
async def test_tls_with_its_own_authority_and_without(tmp_path: Path) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=pbx",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(BANNER)
        writer.write(answer(await action(reader)))
        await reader.read()

    async with manager(play, context) as base:
        config = msgspec.structs.replace(base, tls=True, auth="plain", ca_file=tmp_path / "cert.pem")
        wire = await open_wire(config)
        await wire.login(config, "x")
        wire.close()
        with pytest.raises(TransientError, match="TLS failed"):
            await open_wire(msgspec.structs.replace(config, ca_file=None))
        (tmp_path / "no.pem").write_text("kein Zertifikat")
        with pytest.raises(MisconfiguredError, match=r"no\.pem: no usable certificate"):
            await open_wire(msgspec.structs.replace(config, ca_file=tmp_path / "no.pem"))


async def test_a_tap_sees_everything_but_secrets() -> None:
    seen: list[tuple[str, bytes]] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(BANNER)
        writer.write(answer(await action(reader)))
        await reader.read()

    async with manager(play) as base:
        config = msgspec.structs.replace(base, auth="plain")
        wire = await open_wire(config, lambda way, data: seen.append((way, data)))
        await wire.login(config, "geheim")
        wire.close()
    assert b"geheim" not in b"".join(data for _, data in seen)
    assert any(way == "out" and b"Secret: ***" in data for way, data in seen)
    assert b"".join(data for way, data in seen if way == "in").startswith(BANNER)


def test_values_cannot_smuggle_in_headers() -> None:
    assert (
        action_bytes("Login", "1", Username="a\r\nAction: Originate")
        == b"Action: Login\r\nActionID: 1\r\nUsername: aAction: Originate\r\n\r\n"
    )


@pytest.mark.parametrize("line", [b"Secret: x", b"secret:x", b"SECRET:  x", b"Key: x"])
def test_secrets_are_struck_out_however_they_are_written(line: bytes) -> None:
    assert without_secrets(b"Action: Login\r\n" + line + b"\r\n\r\n").endswith(b": ***\r\n\r\n")


def test_secret_file_faults_name_the_file(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("geheim \n# note\n")
    assert secret_of(PbxConfig(secret_file=tmp_path / "s")) == "geheim"
    assert secret_of(PbxConfig()) == ""
    with pytest.raises(MisconfiguredError, match=r"none: cannot be read \(No such file or directory\)"):
        secret_of(PbxConfig(secret_file=tmp_path / "none"))
