"""Downloads that break off, servers that lie, disks and files that are too large: over real sockets."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from appliance.core.errors import CorruptError, MisconfiguredError, TransientError
from appliance.update.fetch import digest, fetched, is_url

CONTENT = bytes(range(256)) * 12_000


class Server(ThreadingHTTPServer):
    """Serves CONTENT at any path; `cut_at`: bytes after which each answer breaks off."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.cut_at: int | None = None
        self.ranges = True
        self.tells_size = True
        self.sent = 0
        self.tag = '"one"'
        self.content = CONTENT
        self.asked: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/updates/callfloor-0.2.0.raucb"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, wanted = self.server, self.headers.get("Range")
        server.asked.append(wanted)
        start = 0
        if self.path.endswith("missing.raucb"):
            self.send_error(404)
            return
        if wanted and server.ranges and self.headers.get("If-Range", server.tag) == server.tag:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(server.content):
                self.send_response(416)
                if server.tells_size:
                    self.send_header("Content-Range", f"bytes */{len(server.content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
        body = server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("ETag", server.tag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if server.cut_at is not None:
            self.wfile.write(body[: server.cut_at])
            self.close_connection = True
            return
        self.wfile.write(body)
        server.sent += len(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    served = Server()
    threading.Thread(target=served.serve_forever, args=(0.05,), daemon=True).start()
    yield served
    served.shutdown()
    served.server_close()


def test_whole_and_flushed(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    file = fetched(server.url, tmp_path, lambda done, total: seen.append((done, total)))
    assert file.name == "callfloor-0.2.0.raucb"
    assert digest(file) == hashlib.sha256(CONTENT).hexdigest()
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert {path.name for path in tmp_path.iterdir()} == {file.name, f"{file.name}.etag"}, "no part is left"


def test_it_goes_on_where_it_broke_off(server: Server, tmp_path: Path) -> None:
    server.cut_at = 1_100_000
    with pytest.raises(TransientError, match="goes on with it"):
        # Too large a file for five tries at this length.
        server.content = CONTENT * 3
        fetched(server.url, tmp_path, pause_s=0)
    here = (tmp_path / "callfloor-0.2.0.raucb.part").stat().st_size
    assert here == 5 * 1_100_000
    server.cut_at, server.asked = None, []
    file = fetched(server.url, tmp_path, pause_s=0)
    assert server.asked == [f"bytes={here}-"]
    assert file.read_bytes() == CONTENT * 3


@pytest.mark.parametrize("why", ["no ranges", "another file"])
def test_what_cannot_be_gone_on_with_begins_anew(server: Server, tmp_path: Path, why: str) -> None:
    part = tmp_path / "callfloor-0.2.0.raucb.part"
    part.write_bytes(b"x" * 1000)
    part.with_suffix(".etag").write_text('"old"' if why == "another file" else server.tag)
    server.ranges = why == "another file"
    assert fetched(server.url, tmp_path, pause_s=0).read_bytes() == CONTENT


def test_a_part_that_is_longer_than_the_file_begins_anew(server: Server, tmp_path: Path) -> None:
    (tmp_path / "callfloor-0.2.0.raucb.part").write_bytes(b"x" * (len(CONTENT) + 5))
    assert fetched(server.url, tmp_path, pause_s=0).read_bytes() == CONTENT


def test_too_large_is_refused_before_it_fills_the_disk(server: Server, tmp_path: Path) -> None:
    with pytest.raises(CorruptError, match="more than the 1,000"):
        fetched(server.url, tmp_path, largest=1000)


def test_refusals_say_what_to_do(server: Server, tmp_path: Path) -> None:
    with pytest.raises(MisconfiguredError, match="names no file"):
        fetched(server.url.rpartition("/")[0] + "/", tmp_path)
    with pytest.raises(TransientError, match="404"):
        fetched(server.url.replace("callfloor-0.2.0", "missing"), tmp_path)
    assert is_url(server.url)
    assert not is_url("/srv/http.raucb")


def test_one_download_at_a_time_stays_on_the_disk(server: Server, tmp_path: Path) -> None:
    (tmp_path / "callfloor-0.1.9.raucb").write_bytes(b"old")
    fetched(server.url, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"callfloor-0.2.0.raucb", "callfloor-0.2.0.raucb.etag"}


def test_what_is_whole_is_not_fetched_twice(server: Server, tmp_path: Path) -> None:
    first = fetched(server.url, tmp_path, pause_s=0)
    assert fetched(server.url, tmp_path, pause_s=0) == first
    assert first.read_bytes() == CONTENT
    assert server.sent == len(CONTENT)
    assert server.asked == [None, f"bytes={len(CONTENT)}-"]


@pytest.mark.parametrize("why", ["another tag", "no size told"])
def test_what_is_whole_and_may_be_another_is_fetched_anew(server: Server, tmp_path: Path, why: str) -> None:
    fetched(server.url, tmp_path, pause_s=0)
    server.content = CONTENT[::-1]
    if why == "another tag":
        server.tag = '"two"'
    else:
        server.tells_size = False
    assert fetched(server.url, tmp_path, pause_s=0).read_bytes() == CONTENT[::-1]
