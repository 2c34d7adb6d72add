"""Decides what happens where a real device stands in a simulator's place: a person, or a program of the bench, does what a simulator would.

The program is called with the action and its arguments (`bench.sh lines/line1/ring times=0`) and ends with 0 when it is done; what it
writes is told where it ends otherwise. Without one, the rig asks whoever sits at its terminal.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from appliance.core.errors import TransientError, UnsupportedError
from appliance.rig.part import Deed, Do, Part
from gateway.opcua.rig_port import Scalar

#: A person looks for the right cable; an action has no longer (gateway/opcua/rig_nodes.py).
_WAIT_S: Final = 55.0
_SAID: Final = 300


class Hand:
    """Who does it. `program` None: the person at the terminal."""

    def __init__(self, program: str | None) -> None:
        self._program = program
        self._one = asyncio.Lock()

    def doing(self, deed: Deed) -> Do:
        """What carries out a deed by hand."""

        async def do(args: Mapping[str, Scalar]) -> dict[str, Any] | None:
            words = [f"{name}={_word(value)}" for name, value in args.items() if value is not None]
            async with self._one:
                await (self._run(deed.name, words) if self._program is not None else self._ask(deed, words))
            return {"by": "hand" if self._program is None else self._program}

        return do

    async def _run(self, name: str, words: list[str]) -> None:
        assert self._program is not None
        try:
            process = await asyncio.create_subprocess_exec(
                self._program,
                name,
                *words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
        except OSError as fault:
            raise UnsupportedError(f"--hand {self._program}: {fault.strerror}; name a program that may be run") from fault
        try:
            async with asyncio.timeout(_WAIT_S):
                said, _ = await process.communicate()
        except TimeoutError as fault:
            raise TransientError(f"{self._program} {name} did not end within {_WAIT_S:g} s") from fault
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            text = said.decode("utf-8", "replace").strip()[-_SAID:]
            raise TransientError(f"{self._program} {name} ended with {process.returncode}: {text or 'it said nothing'}")

    async def _ask(self, deed: Deed, words: list[str]) -> None:
        if not sys.stdin.isatty():
            raise UnsupportedError(
                f"{deed.name} is done by hand here, and nobody sits at the rig; start it in a terminal, or with --hand PROGRAM"
            )
        sys.stderr.write(f"\a  BY HAND  {deed.name} {' '.join(words)}: {deed.text}; then press Enter\n")
        sys.stderr.flush()
        loop = asyncio.get_running_loop()
        pressed = asyncio.Event()
        loop.add_reader(sys.stdin, pressed.set)
        try:
            async with asyncio.timeout(_WAIT_S):
                await pressed.wait()
            sys.stdin.readline()
        except TimeoutError as fault:
            raise TransientError(f"nobody did {deed.name} within {_WAIT_S:g} s") from fault
        finally:
            loop.remove_reader(sys.stdin)


class HandPart:
    """A real device: what its simulator could do, done by hand. What only the simulator could see stays unknown."""

    def __init__(self, part: Part, hand: Hand) -> None:
        self._deeds = tuple(replace(deed, text=f"{deed.text} (by hand)", do=hand.doing(deed)) for deed in part.deeds())

    def deeds(self) -> tuple[Deed, ...]:
        return self._deeds

    async def rest(self) -> None:
        """A real device is as it is."""


def _word(value: Scalar) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
