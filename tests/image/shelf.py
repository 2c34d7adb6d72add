"""A web server with the bundles, as a box sees it: answers ranges, slowly if told, and remembers what was asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_PIECE = 256 * 1024


class Shelf(ThreadingHTTPServer):
    """`asked`: where each request began to read; `sent`: bytes of the present answer that went out."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder, self.asked, self.sent = folder, list[int](), 0
        #: Bytes a second; None: as fast as it goes.
        self.rate: int | None = None

    @property
    def port(self) -> int:
        """Where it listens, on loopback."""
        return int(self.server_address[1])

    def handle_error(self, *_about: object) -> None:
        """A box that is cut off hangs up: no fault of ours."""


class _Handler(BaseHTTPRequestHandler):
    server: Shelf

    def do_GET(self) -> None:
        """A file of the folder, from where it is wanted."""
        server, file = self.server, self.server.folder / Path(self.path).name
        if not file.is_file():
            self.send_error(404)
            return
        size, wanted = file.stat().st_size, self.headers.get("Range")
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        server.asked.append(start)
        server.sent = 0
        if wanted and start >= size:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if wanted else 200)
        self.send_header("ETag", f'"{size}"')
        self.send_header("Content-Length", str(size - start))
        self.end_headers()
        with file.open("rb") as read:
            read.seek(start)
            while piece := read.read(_PIECE):
                self.wfile.write(piece)
                server.sent += len(piece)
                if server.rate is not None:
                    time.sleep(len(piece) / server.rate)

    def log_message(self, *_about: object) -> None:
        """Silent."""


@contextmanager
def shelf(folder: Path) -> Iterator[Shelf]:
    """A server of this folder, for as long as the block."""
    served = Shelf(folder)
    threading.Thread(target=served.serve_forever, args=(0.1,), daemon=True).start()
    try:
        yield served
    finally:
        served.shutdown()
        served.server_close()
