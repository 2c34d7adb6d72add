"""Decides how a process's figures reach whoever gathers them: on a unix socket in the box's run folder, only when somebody asks.

Nothing is written, and nobody turns while nobody asks; what a dead process said is not there to be taken for its word. A question is
one line, `figures` or `floor`; the answer is JSON, and the end of the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import msgspec

from appliance.core.meter import Family, Meter

_log = logging.getLogger("callfloor.metrics")
#: A process whose loop stands still is not waited for longer.
ASK_S: Final = 1.0
_QUESTION_BYTES: Final = 64
_LONGEST_BYTES: Final = 107
_ANSWER_BYTES: Final = 32 * 1024 * 1024
_SUFFIX: Final = ".sock"

_families: Final = msgspec.json.Decoder(list[Family])


class Voices:
    """What this process answers, by question."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def answer(self, question: str) -> bytes:
        """The answer as JSON; nothing to a question that it cannot answer."""
        if question == "figures":
            return msgspec.json.encode(self._meter.families())
        if question == "floor":
            for floor in self._meter.floors.values():
                return floor()
        return b""


@contextlib.asynccontextmanager
async def open_line(run_dir: Path, name: str, voices: Voices) -> AsyncIterator[None]:
    """Answer in `run_dir/figures/NAME.sock` while the block runs. A box that cannot have it goes on without, and says so."""
    folder = run_dir / "figures"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}{_SUFFIX}").unlink(missing_ok=True)
        with _address(folder, name) as address:
            server = await asyncio.start_unix_server(lambda r, w: _answered(r, w, voices), address, limit=_QUESTION_BYTES)
    except OSError as fault:
        _log.warning("the figures of %s cannot be asked for (%s): they stand in no /metrics", name, fault)
        yield
        return
    try:
        yield
    finally:
        server.close()
        with contextlib.suppress(OSError):
            (folder / f"{name}{_SUFFIX}").unlink(missing_ok=True)


async def _answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, voices: Voices) -> None:
    try:
        async with asyncio.timeout(ASK_S):
            question = await reader.readline()
            writer.write(voices.answer(question.decode("ascii", "replace").strip()))
            await writer.drain()
    except (OSError, TimeoutError, ValueError):
        pass  # whoever asked is gone, or said something that is no question
    finally:
        writer.close()


def names(run_dir: Path) -> list[str]:
    """The processes that have such a socket, in order."""
    try:
        return sorted(path.name.removesuffix(_SUFFIX) for path in (run_dir / "figures").iterdir() if path.name.endswith(_SUFFIX))
    except OSError:
        return []


async def asked(run_dir: Path, name: str, question: str) -> bytes | None:
    """What a process answers; None when it is gone, hangs, or has nothing to say."""
    try:
        async with asyncio.timeout(ASK_S):
            with _address(run_dir / "figures", name) as address:
                reader, writer = await asyncio.open_unix_connection(address)
            try:
                writer.write(f"{question}\n".encode())
                return await _whole(reader) or None
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None


async def figures_of(run_dir: Path) -> dict[str, list[Family]]:
    """By process, the figures of all that answer."""
    found = names(run_dir)
    answers = await asyncio.gather(*(asked(run_dir, name, "figures") for name in found))
    out: dict[str, list[Family]] = {}
    for name, answer in zip(found, answers, strict=True):
        if answer is not None:
            with contextlib.suppress(msgspec.DecodeError):  # another version of the program, in the middle of an update
                out[name] = _families.decode(answer)
    return out


async def _whole(reader: asyncio.StreamReader) -> bytes:
    parts, size = [], 0
    while chunk := await reader.read(1 << 16):
        size += len(chunk)
        if size > _ANSWER_BYTES:
            return b""
        parts.append(chunk)
    return b"".join(parts)


@contextlib.contextmanager
def _address(folder: Path, name: str) -> Iterator[str]:
    """The socket's path, or a short one that leads there: sun_path has little room (unix(7))."""
    whole = f"{folder}/{name}{_SUFFIX}"
    if len(os.fsencode(whole)) <= _LONGEST_BYTES:
        yield whole
        return
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{name}{_SUFFIX}"
    finally:
        os.close(descriptor)
