"""The HTTP side over real sockets: routes, headers, who may look, streams, a port in use."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from appliance.core.config import Config, Led, Privacy, Site, Tv
from appliance.core.config import Wallboard as Boards
from appliance.core.errors import MisconfiguredError, TransientError
from appliance.core.journal_memory import MemoryJournal
from appliance.core.meter import Meter
from appliance.metrics.gather import Gatherer
from wallboard.board_set import BoardSet
from wallboard.led.run import LedRun
from wallboard.sample import HeldView
from wallboard.stream.feed import Feed
from wallboard.stream.hub import Hub
from wallboard.stream.patch import apply, without_nulls
from wallboard.web.access import Door, door_from, is_own_host, listen_from
from wallboard.web.http import HEADERS, Server, open_server


class Running:
    """A running server over a view that the test holds."""

    def __init__(
        self, view: HeldView, feed: Feed, server: Server, base: str, session: aiohttp.ClientSession, led: LedRun, boards: BoardSet
    ) -> None:
        self.boards = boards
        self.view, self.feed, self.server, self.base, self.session, self.led = view, feed, server, base, session, led

    async def get(self, path: str, **options: Any) -> tuple[int, Any, str]:
        async with self.session.get(self.base + path, **options) as answer:
            return answer.status, answer.headers, await answer.text()


@contextlib.asynccontextmanager
async def running(tv: Tv | None = None, hub: Hub | None = None, language: str = "es", folder: Path | None = None) -> AsyncIterator[Running]:
    tv = tv or Tv(listen="127.0.0.1:0")
    config = Config(
        site=Site(name="quito-norte", box="piso-3", timezone="America/Guayaquil", language=language), wallboard=Boards(tv=tv, boards=folder)
    )  # type: ignore[arg-type]
    view = HeldView()
    feed = Feed(view, view.clock, Privacy(), hub)
    boards = BoardSet(config)
    led = LedRun("entrada", Led(url="sim:", width=64, height=8), boards, feed, view.clock)
    server = Server(config, tv, feed, boards, view.clock, {"entrada": led.chain})
    server.scrape = Gatherer(config, MemoryJournal(), Meter(), feed.snapshot).scrape
    async with open_server(server, tv) as (host, port), aiohttp.ClientSession() as session:
        yield Running(view, feed, server, f"http://{host}:{port}", session, led, boards)


class Events:
    """Reads server-sent events from a response."""

    def __init__(self, answer: aiohttp.ClientResponse, *, with_setup: bool = False) -> None:
        self._answer, self._with_setup = answer, with_setup

    async def next(self) -> tuple[str, Any]:
        fields: dict[str, str] = {}
        while True:
            line = (await asyncio.wait_for(self._answer.content.readline(), 10)).decode()
            if line == "":
                raise EOFError
            name, colon, value = line.rstrip("\n").partition(": ")
            if colon:
                fields[name] = value
            elif "event" in fields:
                if fields["event"] != "setup" or self._with_setup:
                    return fields["event"], json.loads(fields["data"])
                fields = {}


async def test_the_snapshot_and_its_headers() -> None:
    async with running() as site:
        status, headers, body = await site.get("/api/floor")
        assert status == 200
        assert json.loads(body)["queues"]["ventas"]["waiting"] == 3
        assert headers["Content-Type"].startswith("application/json")
        for name, value in HEADERS.items():
            assert headers[name] == value
        assert "unsafe" not in headers["Content-Security-Policy"]


async def test_every_page_is_served_without_inline_script_or_foreign_address() -> None:
    async with running() as site:
        for path in ("/", "/board/floor", "/board/queue.ventas", "/board/led.entrada", "/board/queue.not-yet"):
            status, headers, body = await site.get(path)
            assert status == 200, path
            assert headers["Content-Type"] == "text/html; charset=utf-8"
            assert "http://" not in body.replace("http://www.w3.org", "")
            assert "https://" not in body
            assert "<style" not in body
            assert " style=" not in body
            assert "[[" not in body
        for name in ("board.js", "board.css", "paint.js", "view.js", "stream.js", "setup.js", "led.js", "mark.svg", "index.css"):
            status, headers, body = await site.get(f"/tv/{name}")
            assert status == 200, name
            assert "https://" not in body
            again, _, _ = await site.get(f"/tv/{name}", headers={"If-None-Match": headers["ETag"]})
            assert again == 304


async def test_names_and_texts_from_the_pbx_cannot_break_the_page() -> None:
    async with running() as site:
        site.view.held.queues["ventas"].title = '</script><b title="x">&'
        site.feed.changed()
        for path in ("/", "/board/queue.ventas"):
            _, _, body = await site.get(path)
            assert "</script><b" not in body
            assert "<b title" not in body


async def test_what_there_is_not_is_not_found_and_nothing_can_be_written() -> None:
    async with running() as site:
        for path in ("/board/nope", "/board/led.nope", "/tv/..%2fhttp.py", "/tv/board.html", "/api/led/nope", "/api/nope", "/board/"):
            status, headers, _ = await site.get(path)
            assert status == 404, path
            assert headers["X-Content-Type-Options"] == "nosniff"
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            async with site.session.request(method, site.base + "/api/floor") as answer:
                assert answer.status == 405
                assert answer.headers["Content-Security-Policy"]


async def test_the_stream_rebuilds_the_floor() -> None:
    async with running() as site, site.session.get(site.base + "/api/stream") as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert answer.headers["X-Frame-Options"] == "DENY"
        events = Events(answer)
        name, document = await events.next()
        assert name == "floor"
        site.view.held.seq += 1
        site.view.held.queues["ventas"].waiting = 9
        del site.view.held.queues["cobranzas"]
        site.feed.changed()
        site.feed.turn()
        name, patch = await events.next()
        assert name == "patch"
        assert patch["queues"] == {"ventas": {"waiting": 9}, "cobranzas": None}
        document = apply(document, patch)
        _, _, body = await site.get("/api/floor")
        assert without_nulls(document) == without_nulls(json.loads(body))
        site.view.clock.advance(2.5)
        site.feed.turn()
        assert (await events.next())[0] == "beat"
    async with running() as site, site.session.get(site.base + "/api/stream") as answer:
        assert (await Events(answer).next())[0] == "floor"


async def test_a_page_is_told_what_it_must_be_at_every_connect_and_when_a_board_file_changes(tmp_path: Path) -> None:
    def loaded(page: str) -> str:
        setup = json.loads(page.partition('id="setup">')[2].partition("</script>")[0])
        return str(setup["revision"])

    (tmp_path / "sala.toml").write_text('title = "Sala"\n[[page]]\nkind = "floor"\n')
    async with running(folder=tmp_path) as site:
        first = loaded((await site.get("/board/sala"))[2])
        async with site.session.get(site.base + "/api/stream") as answer:
            events = Events(answer, with_setup=True)
            assert (await events.next())[0] == "floor"
            assert await events.next() == ("setup", {"revision": first})
            site.feed.turn()
            (tmp_path / "sala.toml").write_text('title = "Sala 2"\n[[page]]\nkind = "trunks"\n')
            assert site.boards.look()
            site.feed.turn()
            name, said = await events.next()
            assert name == "setup"
        second = loaded((await site.get("/board/sala"))[2])
        assert said == {"revision": second}
        assert second != first
    async with running(folder=tmp_path) as site:  # the same box again: nothing to load anew
        assert loaded((await site.get("/board/sala"))[2]) == second
    async with running(folder=tmp_path, language="en") as site:  # its configuration was changed meanwhile
        assert loaded((await site.get("/board/sala"))[2]) != second


async def test_a_board_file_that_cannot_stand_shows_its_faults_in_the_boards_stead_and_heals(tmp_path: Path) -> None:
    sick = tmp_path / "sala.toml"
    sick.write_text('title = "<b>Sala"\n[[page]]\nkind = "<i>nada"\n')
    async with running(folder=tmp_path) as site:
        status, headers, page = await site.get("/board/sala?lang=es")
        assert status == 200
        assert headers["Cache-Control"] == "no-store"
        for part in ("sala.toml", "línea 3", "page[0].kind", "&lt;i&gt;nada", "/tv/fault.js", "no se puede mostrar"):
            assert part in page, part
        assert "<i>nada" not in page
        assert str(tmp_path) not in page
        mark = page.partition('data-revision="')[2][:16]
        assert mark in (await site.get("/board/sala?lang=en"))[2]
        status, _, index = await site.get("/")
        assert status == 200
        assert "línea 3" in index
        assert 'href="/board/floor' in index
        sick.write_text('title = "Sala"\n[[page]]\nkind = "floor"\n')
        assert site.boards.look()
        status, _, page = await site.get("/board/sala")
        assert (status, mark in page, 'id="setup"' in page) == (200, False, True)
        assert "línea" not in (await site.get("/"))[2]
        sick.unlink()  # taken away: the TV that shows it waits for it
        assert site.boards.look()
        status, headers, page = await site.get("/board/sala")
        assert (status, headers["Content-Type"]) == (404, "text/html; charset=utf-8")
        assert "/tv/fault.js" in page


async def test_a_file_of_rubbish_makes_a_page_of_bounded_size(tmp_path: Path) -> None:
    (tmp_path / "mal.toml").write_text("".join(f'[[page]]\nkind = "{"x" * 3000}{number}"\n' for number in range(60)))
    async with running(folder=tmp_path) as site:
        status, _, page = await site.get("/board/mal")
        assert status == 200
        assert len(page) < 40_000


async def test_fifty_boards_that_come_back_at_once_share_one_text() -> None:
    async with running() as site:
        texts = [site.feed.join(lambda: None) for _ in range(50)]
        chunks = [await client.take() for client in texts]
        assert len(set(chunks)) == 1


async def test_a_board_that_left_is_forgotten() -> None:
    async with running() as site:
        answer = await site.session.get(site.base + "/api/stream")
        await Events(answer).next()
        assert len(site.feed.hub) == 1
        answer.close()
        async with asyncio.timeout(5):
            while len(site.feed.hub):
                await asyncio.sleep(0.01)


async def test_a_board_that_does_not_read_is_cut_off() -> None:
    async with running(hub=Hub(max_bytes=200_000)) as site:
        host, port = site.base.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
        writer.write(b"GET /api/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await writer.drain()
        await reader.readline()
        async with asyncio.timeout(20):
            while site.feed.hub.dropped == 0:
                site.view.held.seq += 1
                site.view.held.announcements[0].text = "x" * 100_000 + str(site.view.held.seq)
                site.feed.changed()
                site.feed.turn()
                await asyncio.sleep(0)
        assert len(site.feed.hub) == 0
        assert (await site.get("/healthz"))[0] == 200
        writer.close()


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_a_stream_is_framed_as_its_listener_understands_it(version: str) -> None:
    async with running() as site:
        host, port = site.base.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET /api/stream HTTP/{version}\r\nHost: localhost\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert (b"Transfer-Encoding: chunked" in head) == (version == "1.1")

        async def event() -> bytes:
            if version == "1.0":
                return await reader.readuntil(b"\n\n")
            chunk = await reader.readexactly(int(await reader.readuntil(b"\r\n"), 16))
            assert await reader.readexactly(2) == b"\r\n"
            return chunk

        floor = await event()
        assert b"event: floor\n" in floor
        if b"event: setup\n" not in floor:
            assert b"event: setup\n" in await event()
        for waiting in (7, 8, 9):
            site.view.held.seq += 1
            site.view.held.queues["ventas"].waiting = waiting
            site.feed.changed()
            site.feed.turn()
            assert f'"waiting":{waiting}}}'.encode() in await event()
        site.feed.hub.close()
        async with asyncio.timeout(5):
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
        writer.close()


async def test_too_many_boards_are_told_to_come_back() -> None:
    async with running(hub=Hub(max_clients=1)) as site, site.session.get(site.base + "/api/stream"):
        status, headers, _ = await site.get("/api/stream")
        assert (status, headers["Retry-After"]) == (503, "10")


async def test_the_led_chain_as_bits_as_picture_and_as_stream() -> None:
    async with running() as site:
        task = asyncio.create_task(site.led.run())
        async with site.session.get(site.base + "/api/led/entrada/stream") as answer:
            events = Events(answer)
            name, shown = await events.next()
            while not any("1" in row for row in shown["rows"]):
                name, shown = await events.next()
        assert (name, shown["width"], len(shown["rows"]), {len(row) for row in shown["rows"]}) == ("frame", 64, 8, {64})
        _, _, body = await site.get("/api/led/entrada")
        assert json.loads(body)["rows"] == shown["rows"]
        async with site.session.get(site.base + "/api/led/entrada?format=png") as picture:
            assert picture.headers["Content-Type"] == "image/png"
            assert (await picture.read())[:4] == b"\x89PNG"
        task.cancel()


async def test_health_and_metrics() -> None:
    async with running() as site:
        status, _, body = await site.get("/healthz")
        assert (status, json.loads(body)["status"]) == (200, "ok")
        site.view.clock.advance(60)
        assert (await site.get("/healthz"))[0] == 503
        status, headers, body = await site.get("/metrics")
        assert headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
        lines = body.splitlines()
        assert lines[-1] == "# EOF"
        assert 'callfloor_queue_waiting{queue="ventas"} 3.0' in lines
        assert "callfloor_crm_recorded_total 9120.0" in lines
        assert 'callfloor_crm_state{callfloor_crm_state="up"} 1.0' in lines


async def test_a_name_of_the_internet_that_points_here_is_refused() -> None:
    async with running() as site:
        for host, status in (
            ("evil.example", 421),
            ("evil.example:8080", 421),
            ("localhost:1", 200),
            ("piso-3.local", 200),
            ("[::1]:8080", 200),
        ):
            assert (await site.get("/api/floor", headers={"Host": host}))[0] == status, host


async def test_a_port_in_use_is_transient_and_names_itself() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(TransientError, match=f"127.0.0.1:{port}: the port is in use"):
            async with running(Tv(listen=f"127.0.0.1:{port}")):
                pass


async def test_an_address_that_is_not_ours_is_a_fault_of_the_configuration() -> None:
    with pytest.raises(MisconfiguredError, match="no such address"):
        async with running(Tv(listen="192.0.2.7:0", allow=("10.0.0.0/8",))):
            pass


async def test_a_token_opens_the_board_and_then_stays_in_a_cookie(tmp_path: Path) -> None:
    secret = tmp_path / "tv.token"
    secret.write_text("a-long-enough-random-word\n")
    tv = Tv(listen="127.0.0.1:0", token_file=secret)
    path = "/board/floor?token=a-long-enough-random-word&lang=en"
    async with running(tv) as site, site.session.get(site.base + path, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/board/floor?lang=en")
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
    door = door_from(tv)
    assert door.admits("203.0.113.9", "a-long-enough-random-word")
    assert not door.admits("203.0.113.9", "a-long-enough-random-worD")
    assert not door.admits("203.0.113.9")


def test_who_may_look() -> None:
    door = door_from(Tv(listen="0.0.0.0:8080", allow=("192.168.10.0/24", "fd00::/8")))
    assert [door.admits(peer) for peer in ("192.168.10.7", "::ffff:192.168.10.7", "fd00::1", "127.0.0.1", "::1")] == [True] * 5
    assert [door.admits(peer) for peer in ("192.168.11.7", "8.8.8.8", "2001:db8::1", None, "")] == [False] * 5
    assert not Door().admits("10.0.0.1", "")


@pytest.mark.parametrize(
    ("tv", "word"),
    [
        (Tv(listen="0.0.0.0:80"), "open to the network"), (Tv(listen="[::]:80"), "open to the network"), (Tv(listen="box:80"), "open to the network"),
        (Tv(listen="127.0.0.1"), "no port"), (Tv(listen="127.0.0.1:99999"), "no port"), (Tv(listen="0.0.0.0:80", allow=("10.0.0.1/8",)), "allow"),
        (Tv(listen="127.0.0.1:80", token_file=Path("/nonexistent/x")), "token_file"),
    ],
)  # fmt: skip
def test_a_bad_listener_says_its_mend(tv: Tv, word: str) -> None:
    with pytest.raises(MisconfiguredError, match=word):
        door_from(tv)


def test_a_token_too_short_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t").write_text("short")
    with pytest.raises(MisconfiguredError, match="too few"):
        door_from(Tv(token_file=tmp_path / "t"))


def test_hosts_and_listeners() -> None:
    assert listen_from("[::1]:8080") == ("::1", 8080)
    assert is_own_host("box.example.org", frozenset({"box.example.org"}))
    assert not is_own_host("box.example.org.", frozenset())
