"""A bench in small, for the tests of real devices: a voice modem at a serial line, and a program by which its line is rung.

python bench_modem.py modem DEVICE SOCKET     plays the modem until told to end
python bench_modem.py ACTION [K=V …]          the program for --hand; the socket's path comes by RIG_BENCH_SOCKET
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # started as a program, it has its own folder there alone

from appliance.rig.pty_bench import PtyBench
from appliance.sim.modem import SimModem

PERIOD_S = 4.5


async def play(device: Path, control: str) -> None:
    modem = SimModem()
    wire = PtyBench(device, modem.feed)
    wire.plug()
    bell: asyncio.Task[None] | None = None

    async def ring() -> None:
        while True:
            await asyncio.sleep(PERIOD_S)
            wire.write(modem.ring())

    async def obey(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal bell
        word = (await reader.readline()).decode().strip()
        if bell is not None and word in ("off-hook", "give-up", "on-hook"):
            bell.cancel()
            bell = None
        if word == "ring":
            wire.write(modem.ring())
            bell = asyncio.create_task(ring())
        elif word.startswith("caller "):
            wire.write(modem.caller(word.partition(" ")[2]))
        elif word in ("off-hook", "on-hook"):
            wire.write(modem.hook(word == "off-hook"))
        writer.write(b"ok\n")
        writer.close()

    async with await asyncio.start_unix_server(obey, control):
        print("plays", flush=True)
        await asyncio.Event().wait()


def hand(action: str, words: list[str]) -> int:
    verb = action.rpartition("/")[2]
    given = dict(word.split("=", 1) for word in words)
    if verb == "caller":
        verb = f"caller {given['number']}"
    elif verb not in ("ring", "off-hook", "on-hook", "give-up"):
        print(f"this bench cannot do {action}")
        return 1
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(os.environ["RIG_BENCH_SOCKET"])
        line.sendall(verb.encode() + b"\n")
        line.recv(10)
    return 0


if __name__ == "__main__":
    if sys.argv[1] == "modem":
        asyncio.run(play(Path(sys.argv[2]), sys.argv[3]))
    sys.exit(hand(sys.argv[1], sys.argv[2:]))
