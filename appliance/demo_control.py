"""How a second terminal steers a running demo: a unix socket in the demo's folder, one word in, one line out."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final

from appliance.core.errors import MisconfiguredError, UnpluggedError

#: What a running demo can be told, and what each does.
WORDS: Final[dict[str, str]] = {
    "cut": "pull the cable to the CRM",
    "restore": "plug it in again",
    "status": "one line: the floor, the link, what the CRM has",
    "restart-pbx": "the PBX restarts: everybody is hung up",
    "drop-pbx": "the connection to the PBX (or to a line) breaks for some seconds; the calls go on",
    "announce": "show an announcement on the boards",
    "stop": "end the demo, with its summary",
}
_SOCKET: Final = "demo.sock"
_LONGEST: Final = 100


def new_folder() -> Path:
    """A fresh folder for a demo's socket (and for all else of it, unless told otherwise), where `running` finds it."""
    return Path(tempfile.mkdtemp(prefix=_prefix()))


def running() -> Path:
    """The folder of this user's demo that runs, the newest of several. Raises UnpluggedError when none runs."""
    for place in sorted(Path(tempfile.gettempdir()).glob(_prefix() + "*"), key=_age, reverse=True):
        if _answers(place / _SOCKET):
            return place
    raise UnpluggedError("no demo runs; start one with: callfloor demo")


def ask(folder: Path, word: str) -> str:
    """Say one word to the demo in a folder and give its answer. Raises UnpluggedError when it does not answer."""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(10)
            line.connect(str(folder / _SOCKET))
            line.sendall(word.encode() + b"\n")
            with line.makefile("rb") as answer:
                return answer.readline().decode().rstrip("\n")
    except OSError as fault:
        raise UnpluggedError(f"the demo in {folder} does not answer: {fault}; start one with: callfloor demo") from fault


@contextlib.asynccontextmanager
async def listening(folder: Path, obey: Callable[[str], Awaitable[str]]) -> AsyncIterator[None]:
    """Take words while the block runs. Raises MisconfiguredError when the folder's path is too long for a socket."""
    path = folder / _SOCKET
    if len(str(path)) > _LONGEST:
        raise MisconfiguredError(f"{folder} is too long a path for a socket; set TMPDIR to a shorter one")

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            word = (await reader.readline()).decode("utf-8", "replace").strip()
            answer = await obey(word) if word else "error: no word"
            writer.write(answer.replace("\n", " ").encode() + b"\n")
            await writer.drain()
        except (OSError, ValueError):
            pass  # Whoever asked has gone, or sent no line at all.
        finally:
            writer.close()

    path.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(client, str(path), limit=4096)
    try:
        yield
    finally:
        server.close()
        path.unlink(missing_ok=True)


def _prefix() -> str:
    return f"callfloor-demo-{os.getuid()}-"


def _age(place: Path) -> float:
    with contextlib.suppress(OSError):
        return place.stat().st_mtime
    return 0.0


def _answers(path: Path) -> bool:
    try:
        if path.stat().st_uid != os.getuid():
            return False
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(1)
            line.connect(str(path))
    except OSError:
        return False
    return True
