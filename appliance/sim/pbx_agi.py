"""Decides how the simulated dialplan asks a FastAGI server: as Asterisk's AGI() does, line by line, and what it then does with the call.

As there, a connection may take 2 s, and an answer as long as it likes: the call waits (res_agi.c, MAX_AGI_CONNECT, run_agi).
"""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from appliance.core.endpoint import endpoint_from_text
from appliance.core.errors import MisconfiguredError

_CONNECT_S: Final = 2.0
_PORT: Final = 4573
_LINE_BYTES: Final = 8192
_SCHEME: Final = "agi://"
_PAIR: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=([^,]*)(?:,|$)")

Status = Literal["SUCCESS", "FAILURE"]


class Told(Struct, kw_only=True):
    """What became of one AGI(): AGISTATUS, the channel's variables, how many commands, and the whole time."""

    status: Status
    variables: dict[str, str]
    commands: int = 0
    #: Bytes of the longest command with its end; older versions of Asterisk read 2 047.
    longest: int = 0
    took_s: float = 0.0


class Agi:
    """One `AGI(url)` of a dialplan. `whole` False: a PBX that has no MSet, and takes variables one by one.

    Raises MisconfiguredError for a URL that is none.
    """

    def __init__(self, url: str, *, whole: bool = True) -> None:
        host, _, script = url.removeprefix(_SCHEME).partition("/")
        try:
            self._at = endpoint_from_text(host, _PORT)
        except ValueError as fault:
            raise MisconfiguredError(f'"{url}": {fault}; write it as agi://127.0.0.1/route?default=ventas') from fault
        if not url.startswith(_SCHEME):
            raise MisconfiguredError(f'"{url}" is no address of a FastAGI server; write it as agi://127.0.0.1/route')
        self.url, self._script, self._whole = url, script, whole

    async def ask(self, fields: Mapping[str, str]) -> Told:
        """Ask for one call. `fields`: the environment without `agi_`, as `callerid`, `dnid`, `uniqueid`. Raises nothing of the network."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        told = Told(status="FAILURE", variables={})
        try:
            async with asyncio.timeout(_CONNECT_S):
                reader, writer = await asyncio.open_connection(self._at.host or "127.0.0.1", self._at.port, limit=_LINE_BYTES)
        except (TimeoutError, OSError):
            return told
        try:
            script = [("network_script", self._script)] if self._script else []
            for name, value in [("network", "yes"), *script, ("request", self.url), *fields.items()]:
                writer.write(f"agi_{name}: {value}\n".encode())
            writer.write(b"\n")
            told.status = "SUCCESS"
            while line := await reader.readline():
                told.commands += 1
                told.longest = max(told.longest, len(line))
                writer.write(self._obey(line.decode().rstrip("\n"), told.variables))
        except (OSError, ValueError, asyncio.LimitOverrunError):
            told.status = "FAILURE"
        finally:
            writer.close()
        told.took_s = loop.time() - began_s
        return told

    def _obey(self, line: str, variables: dict[str, str]) -> bytes:
        match shlex.split(line):
            case ["SET", "VARIABLE", name, value]:
                variables[name] = value
                return b"200 result=1\n"
            case ["EXEC", "MSet", pairs] if self._whole:
                variables.update(_PAIR.findall(pairs))
                return b"200 result=0\n"
            case ["EXEC", *_]:
                return b"200 result=-2\n"
            case ["SET", "VARIABLE", *_]:
                return b"520-Invalid command syntax.  Proper usage follows:\nUsage: SET VARIABLE\n520 End of proper usage.\n"
            case _:
                return b"510 Invalid or unknown command\n"
