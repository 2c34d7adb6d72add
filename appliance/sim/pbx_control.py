"""The simulated PBX's control lines: faults, truth and quit, one command a line, on a unix socket or on standard input."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from appliance.sim.pbx import SimPbx
from appliance.sim.pbx_fault import FAULTS


def write_truth(pbx: SimPbx, path: Path) -> None:
    """Write the ground truth as of now. Raises OSError."""
    path.write_text(json.dumps(pbx.truth(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def command(pbx: SimPbx, line: str, done: Callable[[], None]) -> str:
    """Carry out one control line; the answer to it, one line (for `truth` without a file, the totals)."""
    word, *rest = line.split()
    try:
        if word in FAULTS:
            seconds = float(rest[0]) if rest else 5.0
            pbx.fault(word, seconds=seconds, reset="fin" not in rest)
            return f"ok {word} for {seconds:g} s"
        if word == "truth":
            if rest:
                write_truth(pbx, Path(rest[0]))
                return f"ok wrote {rest[0]}"
            return json.dumps(pbx.truth(calls=False)["totals"])
        if word == "quit":
            done()
            return "ok"
    except (ValueError, OSError) as fault:
        return f"error {line!r}: {fault}"
    return f"error {word!r}; there are {', '.join(FAULTS)}, truth, quit"


@contextlib.asynccontextmanager
async def controlled(pbx: SimPbx, where: str | None, done: asyncio.Event) -> AsyncIterator[None]:
    """Take control lines while the block runs: from the unix socket `where`, from standard input for `-`, from nowhere for None."""

    async def obey(reader: asyncio.StreamReader, reply: Callable[[str], None]) -> None:
        async for raw in reader:
            line = raw.decode("utf-8", "replace").strip()
            if line:
                reply(command(pbx, line, done.set))

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await obey(reader, lambda text: writer.write(f"{text}\n".encode()))
        finally:
            writer.close()

    async with contextlib.AsyncExitStack() as stack:
        if where == "-":
            reader = asyncio.StreamReader()
            loop = asyncio.get_running_loop()
            transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
            stack.callback(transport.close)
            task = asyncio.create_task(obey(reader, lambda text: print(text, flush=True)))  # noqa: T201
            stack.callback(task.cancel)
        elif where is not None:
            path = Path(where)
            path.unlink(missing_ok=True)  # noqa: ASYNC240  one call on a local file
            server = await asyncio.start_unix_server(client, where)
            stack.callback(path.unlink, missing_ok=True)
            stack.callback(server.close)
        yield
