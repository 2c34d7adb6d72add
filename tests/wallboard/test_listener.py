"""The listener as somebody on the network meets it: who gets in, what is said to those who do not, TLS, floods and silence."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import ssl
import subprocess
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest

from appliance.core.config import Config, Privacy, Site, Tv
from appliance.core.config_file import ConfigFaultsError, config_from_toml
from appliance.core.errors import MisconfiguredError
from appliance.core.journal_memory import MemoryJournal
from appliance.service import Context
from wallboard.board_figures import BoardFigures
from wallboard.board_set import BoardSet
from wallboard.sample import HeldView
from wallboard.stream.feed import Feed
from wallboard.stream.hub import MAX_CLIENTS
from wallboard.web.certificate import Certificate, certificate_of
from wallboard.web.gate import Gate
from wallboard.web.http import Server, open_server

TOKEN = "a-long-enough-random-word"


class Listening:
    """A running listener: where it is, and what is behind it."""

    def __init__(self, server: Server, feed: Feed, port: int) -> None:
        self.server, self.feed, self.port = server, feed, port

    async def raw(self, request: bytes, wait_s: float = 5.0) -> bytes:
        """What comes back for these bytes, until the other side closes or the first answer's head is there."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            async with asyncio.timeout(wait_s):
                with suppress(asyncio.IncompleteReadError):
                    return await reader.readuntil(b"\r\n\r\n")
                return b""
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


@asynccontextmanager
async def listening(**tv: Any) -> AsyncIterator[Listening]:
    config = Config(site=Site(name="quito-norte", box="piso-3", timezone="America/Guayaquil"))
    view = HeldView()
    listener = Tv(**{"listen": "127.0.0.1:0", **tv})
    feed = Feed(view, view.clock, Privacy())
    server = Server(config, listener, feed, BoardSet(config), view.clock, {})
    figures = BoardFigures(Context(config, MemoryJournal(), view.clock, cast("Any", None), "wallboard"), cast("Any", view), feed)
    figures.media((), None, server)
    server.scrape = figures.scrape
    async with open_server(server, listener) as (_, port):
        yield Listening(server, feed, port)


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def get(path: str = "/api/floor", host: str = "localhost", *more: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *more, "", ""]).encode()


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "tv.token"
    path.write_text(TOKEN + "\n")
    return path


# Who is at the other end


async def test_a_foreign_name_is_not_made_ours_by_a_wrong_token(token_file: Path) -> None:
    """DNS rebinding: a page of evil.example in a browser on the box, its name pointed at 127.0.0.1."""
    async with listening(token_file=token_file) as site:
        assert status_of(await site.raw(get("/api/floor?token=anything", "evil.example"))) == 421
        assert status_of(await site.raw(get("/api/floor", "evil.example", "Cookie: callfloor_token=anything"))) == 421
        assert status_of(await site.raw(get("/api/floor", "evil.example", f"Authorization: Bearer {TOKEN}"))) == 200


async def test_whom_a_proxy_on_the_box_passes_on_is_not_at_the_box(token_file: Path) -> None:
    async with listening(token_file=token_file) as site:
        for header in ("X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1", "X-Real-IP: ::1", "Via: 1.1 proxy"):
            assert status_of(await site.raw(get("/api/floor", "localhost", header))) == 403, header
            assert status_of(await site.raw(get("/metrics", "localhost", header, f"Authorization: Bearer {TOKEN}"))) == 403, header
            assert status_of(await site.raw(get("/api/floor", "localhost", header, f"Authorization: Bearer {TOKEN}"))) == 200, header
    async with listening(allow=("127.0.0.0/8",)) as site:  # that network was let in by name
        assert status_of(await site.raw(get("/api/floor", "localhost", "X-Forwarded-For: 203.0.113.9"))) == 200


async def test_a_wrong_token_is_not_kept_and_the_right_one_leaves_the_address_bar_of_every_page(token_file: Path) -> None:
    async with listening(token_file=token_file) as site:
        for path in ("/", "/board/floor"):
            right = await site.raw(get(f"{path}?token={TOKEN}&lang=en"))
            assert status_of(right) == 303
            assert f"location: {path}?lang=en\r\n".encode() in right.lower()
            assert TOKEN.encode() in right
            assert b"secure" not in right.lower()
            wrong = await site.raw(get(f"{path}?token=wrong-word"))
            assert status_of(wrong) == 303
            assert b"set-cookie" not in wrong.lower()
            assert b"wrong-word" not in wrong


async def test_guesses_are_bounded_and_a_board_with_an_old_cookie_is_not_shut_out(token_file: Path) -> None:
    async with listening(token_file=token_file) as site:
        proxied = "X-Forwarded-For: 203.0.113.9"  # so that loopback is a stranger here
        old = "Cookie: callfloor_token=the-token-of-last-year"
        for _ in range(30):
            assert status_of(await site.raw(get("/api/stream", "localhost", proxied, old))) == 403
        assert status_of(await site.raw(get(f"/api/floor?token={TOKEN}", "localhost", proxied, old))) == 200
        answers = [status_of(await site.raw(get(f"/api/floor?token=guess-{n}", "localhost", proxied))) for n in range(30)]
        assert answers.count(403) == 9
        assert answers[9:] == [429] * 21
        shut = await site.raw(get(f"/api/floor?token={TOKEN}", "localhost", proxied))
        assert status_of(shut) == 429  # else guessing would go on
        assert b"Retry-After: 6\r\n" in shut
        assert status_of(await site.raw(get("/api/floor"))) == 200  # who is at the box needs no token
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{site.port}/metrics") as answer:
            assert "callfloor_board_wrong_tokens_total 10.0\n" in await answer.text()
        site.server._clock.advance(7)  # type: ignore[attr-defined]
        assert status_of(await site.raw(get(f"/api/floor?token={TOKEN}", "localhost", proxied))) == 200


async def test_the_token_is_nowhere_in_the_log(token_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    async with listening(token_file=token_file) as site:
        for path in ("/board/floor", "/api/floor", "/nowhere"):
            await site.raw(get(f"{path}?token={TOKEN}"))
            await site.raw(get(f"{path}?token=wrong-{TOKEN}"))
    assert TOKEN not in caplog.text


# What may be asked


@pytest.mark.parametrize(
    ("request_", "statuses"),
    [
        (get("/api/stream", method="HEAD"), {405}), (get("/api/led/x/stream", method="HEAD"), {405}), (get(method="OPTIONS"), {405}), (get(method="TRACE"), {405}),
        (get("/", method="HEAD"), {200}), (get("/tv/../../etc/passwd"), {404}), (get("/tv/%2e%2e%2fhttp.py"), {404}), (get("/tv/..%5c..%5chttp.py"), {404}),
        (get("//tv//board.js"), {404}), (get("/board/..%2f..%2fetc%2fpasswd"), {404}), (get("/tv/board.js%00.css"), {400, 404}), (get("http://evil.example/api/floor", "evil.example"), {421}),
        (get("/" + "a" * 9000), {400, 414}), (get("/", "localhost", "X-Long: " + "a" * 9000), {400, 431}), (get("/", "localhost", *(f"X-{n}: 1" for n in range(200))), {400, 431}),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", {400}), (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {400}),
        (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n", {400, 404, 405, 421}), (get("/board/%F0%9F%98%80%E2%80%AE"), {404}), (get("/board/" + "%41" * 2000), {404}),
    ],
)  # fmt: skip
async def test_odd_requests_meet_a_plain_refusal_and_the_next_one_is_served(request_: bytes, statuses: set[int]) -> None:
    async with listening() as site:
        answer = await site.raw(request_)
        assert status_of(answer) in statuses, answer[:300]
        assert b"root:" not in answer
        assert b"Traceback" not in answer
        assert status_of(await site.raw(get("/healthz"))) == 200
        assert len(site.feed.hub) == 0


# Floods and silence


async def test_who_never_finishes_a_request_is_let_go_and_streams_are_not() -> None:
    async with listening() as site:
        assert site.server.gate is not None
        site.server.gate.first_request_s = 0.3
        stream, stream_writer = await asyncio.open_connection("127.0.0.1", site.port)
        stream_writer.write(get("/api/stream"))
        await stream.readuntil(b"event: floor")
        ends = [await asyncio.open_connection("127.0.0.1", site.port) for _ in range(5)]
        for number, (_, writer) in enumerate(ends):
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "[: number * 12])
        async with asyncio.timeout(10):
            for reader, writer in ends:
                with suppress(ConnectionResetError):
                    assert await reader.read() == b""
                writer.close()
        assert site.server.gate.silent == 5
        site.feed.hub.send(b"event: beat\ndata: {}\n\n")
        async with asyncio.timeout(5):
            await stream.readuntil(b"event: beat")
        stream_writer.close()


async def _served(gate: Gate) -> tuple[asyncio.Server, int]:
    server = await asyncio.get_running_loop().create_server(gate, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


class Echo(asyncio.Protocol):
    """Something behind the gate."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


async def test_more_connections_than_the_box_holds_are_cut_and_the_others_live() -> None:
    gate = Gate(Echo, max_connections=3)
    server, port = await _served(gate)
    ends = [await asyncio.open_connection("127.0.0.1", port) for _ in range(5)]
    for _, writer in ends:
        with suppress(ConnectionError):
            writer.write(b"x")
    heard = []
    for reader, _ in ends:
        try:
            heard.append(await asyncio.wait_for(reader.read(1), 5))
        except ConnectionResetError:
            heard.append(b"")
    assert sorted(heard) == [b"", b"", b"x", b"x", b"x"]
    assert gate.refused == 2
    for _, writer in ends:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    async with asyncio.timeout(5):
        while gate._open:
            await asyncio.sleep(0.01)
    server.close()


def test_one_stranger_cannot_take_every_place_but_the_box_itself_may() -> None:
    gate = Gate(Echo, max_connections=10, max_per_peer=2)
    assert [gate.enters("192.0.2.9") for _ in range(4)] == [True, True, False, False]
    assert [gate.enters("192.0.2.10") for _ in range(2)] == [True, True]
    assert [gate.enters("127.0.0.1") for _ in range(8)] == [True] * 6 + [False] * 2
    gate.leaves("192.0.2.9")
    assert gate.enters("192.0.2.9")


def test_fifty_boards_with_two_streams_each_fit_twice_over() -> None:
    assert MAX_CLIENTS >= 200


# TLS


class Authority:
    """A certificate authority of our own, by openssl."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=CA",
                  "-days", "2", "-addext", "keyUsage=critical,keyCertSign,cRLSign")  # fmt: skip

    def issue(self, name: str) -> tuple[Path, Path]:
        (self.folder / f"{name}.ext").write_text(
            f"subjectAltName=DNS:localhost,DNS:{name}.example,IP:127.0.0.1\n"
            "basicConstraints=CA:FALSE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
        )
        self._run(
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            f"{name}.key",
            "-out",
            f"{name}.csr",
            "-subj",
            f"/CN={name}",
        )
        self._run(
            "x509",
            "-req",
            "-in",
            f"{name}.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            f"{name}.ext",
            "-out",
            f"{name}.pem",
        )
        key = self.folder / f"{name}.key"
        key.chmod(0o640)
        return self.folder / f"{name}.pem", key

    def lock(self, key: Path) -> Path:
        self._run("pkey", "-in", str(key), "-aes256", "-passout", "pass:secret", "-out", "locked.key")
        return self.folder / "locked.key"

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.folder / "ca.pem"))

    def _run(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine")
    return Authority(tmp_path_factory.mktemp("ca"))


async def _peer_name(port: int, trust: ssl.SSLContext, server_hostname: str = "127.0.0.1") -> str:
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust, server_hostname=server_hostname)
    certificate: Any = writer.get_extra_info("peercert")
    writer.close()
    with suppress(ConnectionError, ssl.SSLError):
        await writer.wait_closed()
    return str(certificate["subject"][0][0][1])


async def test_boards_by_https_and_a_renewed_certificate_without_dropping_a_stream(
    tmp_path: Path, authority: Authority, token_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = authority.issue("first"), authority.issue("second")
    cert, key = tmp_path / "tv.pem", tmp_path / "tv.key"

    def put(source: Path, target: Path) -> None:
        staged = tmp_path / "staged"
        shutil.copy(source, staged)
        staged.replace(target)

    put(first[0], cert), put(first[1], key)
    trust = authority.trust()
    async with listening(cert_file=cert, key_file=key, token_file=token_file) as site, aiohttp.ClientSession() as session:
        base = f"https://127.0.0.1:{site.port}"
        async with session.get(f"{base}/board/floor?token={TOKEN}", ssl=trust, allow_redirects=False) as answer:
            assert answer.status == 303
            assert "Secure" in answer.headers["Set-Cookie"]
        # The certificate proves the name: a company's own name needs no entry anywhere.
        async with session.get(f"{base}/healthz", ssl=trust, headers={"Host": "tableros.example.com"}) as answer:
            assert answer.status == 200
        async with session.get(f"{base}/api/stream", ssl=trust) as stream:
            async with asyncio.timeout(5):
                await stream.content.readuntil(b"event: floor")
            assert await _peer_name(site.port, trust) == "first"
            put(second[0], cert)  # half of it: no pair yet
            assert await _peer_name(site.port, trust) == "first"
            assert "the former certificate goes on" in caplog.text
            put(second[1], key)
            assert await _peer_name(site.port, trust) == "second"
            assert await _peer_name(site.port, trust, "localhost") == "second"
            key.unlink()
            assert await _peer_name(site.port, trust) == "second"
            site.feed.hub.send(b"event: beat\ndata: {}\n\n")
            async with asyncio.timeout(5):
                await stream.content.readuntil(b"event: beat")


async def test_old_tls_and_plain_http_are_refused(authority: Authority) -> None:
    cert, key = authority.issue("only")
    async with listening(cert_file=cert, key_file=key) as site:
        old = authority.trust()
        old.set_ciphers("DEFAULT:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await _peer_name(site.port, old)
        with suppress(ConnectionError):
            assert b"200" not in await site.raw(get("/healthz"))
        assert await _peer_name(site.port, authority.trust()) == "only"


async def test_a_silent_client_behind_tls_is_let_go_as_well(authority: Authority) -> None:
    cert, key = authority.issue("quiet")
    async with listening(cert_file=cert, key_file=key) as site:
        assert site.server.gate is not None
        site.server.gate.first_request_s = 0.2
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port, ssl=authority.trust())
        async with asyncio.timeout(5):
            with suppress(ConnectionError):
                assert await reader.read() == b""
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()
        url = f"https://localhost:{site.port}/api/stream"
        async with aiohttp.ClientSession() as session, session.get(url, ssl=authority.trust()) as stream:
            await asyncio.sleep(0.4)
            assert b"event: floor" in await stream.content.readany()


Files = Callable[[Path, Authority], dict[str, Path]]


def _loose(folder: Path, authority: Authority) -> dict[str, Path]:
    cert, key = authority.issue("loose")
    key.chmod(0o644)
    return {"cert_file": cert, "key_file": key}


def _rubbish(folder: Path, authority: Authority) -> dict[str, Path]:
    (folder / "rubbish.pem").write_text("nothing of use\n")
    return {"cert_file": folder / "rubbish.pem", "key_file": authority.issue("good")[1]}


@pytest.mark.parametrize(
    ("files", "key", "word", "mend"),
    [
        (lambda folder, ca: {"cert_file": ca.issue("a")[0]}, "cert_file", "without key_file", "take cert_file out"),
        (lambda folder, ca: {"key_file": ca.issue("a")[1]}, "key_file", "without cert_file", "write cert_file"),
        (lambda folder, ca: {"cert_file": ca.issue("a")[0], "key_file": ca.issue("b")[1]}, "cert_file", "is not the key of", "asked for with"),
        (lambda folder, ca: {"cert_file": ca.issue("a")[0], "key_file": ca.lock(ca.issue("a")[1])}, "cert_file", "passphrase", "openssl pkey"),
        (lambda folder, ca: {"cert_file": folder / "none.pem", "key_file": ca.issue("a")[1]}, "cert_file", "there is no file", "make it"),
        (_loose, "key_file", "everybody on this box may read", "chmod 640"),
        (_rubbish, "cert_file", "make no pair", "PEM"),
    ],
)  # fmt: skip
def test_check_names_what_is_wrong_with_a_pair(tmp_path: Path, authority: Authority, files: Files, key: str, word: str, mend: str) -> None:
    paths = files(tmp_path, authority)
    lines = "".join(f'{name} = "{path}"\n' for name, path in paths.items())
    text = f'[site]\nname = "a"\nbox = "b"\n[journal]\npath = "j.db"\n[wallboard.tv]\n{lines}'
    with pytest.raises(ConfigFaultsError) as faults:
        config_from_toml(text, tmp_path / "callfloor.toml", {})
    (fault,) = faults.value.faults
    assert fault.key == f"wallboard.tv.{key}"
    assert word in fault.fault
    assert mend in fault.mend
    assert fault.line is not None


def test_a_sound_pair_is_taken_without_a_word_and_a_bad_one_never_listens(tmp_path: Path, authority: Authority) -> None:
    cert, key = authority.issue("sound")
    text = f'[site]\nname = "a"\nbox = "b"\n[journal]\npath = "j.db"\n[wallboard.tv]\ncert_file = "{cert}"\nkey_file = "{key}"\n'
    tv = config_from_toml(text, tmp_path / "callfloor.toml", {}).wallboard.tv
    assert tv is not None
    assert certificate_of(tv) is not None
    with pytest.raises(MisconfiguredError, match="PEM"):
        Certificate(cert, authority.issue("other")[1])
    with pytest.raises(MisconfiguredError, match="both, or neither"):
        certificate_of(Tv(cert_file=cert))
    assert certificate_of(Tv()) is None


async def test_it_listens_by_ipv6_as_well() -> None:
    with contextlib.closing(socket.socket(socket.AF_INET6)) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6 here")
    async with (
        listening(listen="[::1]:0") as site,
        aiohttp.ClientSession() as session,
        session.get(f"http://[::1]:{site.port}/api/floor") as answer,
    ):
        assert answer.status == 200
