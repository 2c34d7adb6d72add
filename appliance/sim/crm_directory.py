"""Decides what a simulated CRM has for customers, and sends them as one full load: pages in order, so many under way, each with its reply.

Its customers are nobody: their numbers are those that North America keeps for fiction, 555-0100 to 555-0199 of every area.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from appliance.core.directory_page import CARDS_MOST
from appliance.core.errors import TransientError
from appliance.directory.table import Table
from appliance.sim.crm import SimCrm

#: Pages on their way at once: the box takes twenty commands at a time, and keeps 64 pages that wait.
UNDER_WAY: Final = 16
_REPLY_S: Final = 600.0
_AREAS: Final = [f"{a}{b}{c}" for a, b, c in itertools.product(range(2, 10), range(9), range(10)) if not (b == 1 and c == 1)]
#: So many numbers are nobody's.
FICTION_MOST: Final = len(_AREAS) * 100
_FIRST: Final = [
    "Ana",
    "Luis",
    "María",
    "José",
    "Carmen",
    "Pedro",
    "Lucía",
    "Jorge",
    "Elena",
    "Miguel",
    "Sofia",
    "João",
    "Inês",
    "Paulo",
    "Rita",
]
_LAST: Final = [
    "Andrade",
    "Benítez",
    "Cárdenas",
    "Duarte",
    "Espinosa",
    "Figueroa",
    "Guerra",
    "Herrera",
    "Iñíguez",
    "Jaramillo",
    "Leite",
    "Mendes",
    "Núñez",
    "Ortiz",
    "Peña",
]
_SEGMENTS: Final = ("vip", "gold", *("standard",) * 8)


class Sent(Struct, kw_only=True):
    """What became of a load: pages and customers sent, seconds, and the last reply's result; `reason`: why it ended early."""

    pages: int = 0
    customers: int = 0
    seconds: float = 0.0
    result: dict[str, Any] | None = None
    reason: str | None = None


def nobodies(count: int, seed: int = 1) -> Iterator[dict[str, Any]]:
    """So many customers, the same for the same seed. Raises ValueError for more than there are numbers of fiction."""
    if not 1 <= count <= FICTION_MOST:
        raise ValueError(f"{count} customers: 1 to {FICTION_MOST}, so many numbers are kept for fiction; for more give a file of your own")
    dice = random.Random(seed)  # noqa: S311 - a simulation
    numbers = [f"+1{area}55501{last:02d}" for area in _AREAS for last in range(100)]
    dice.shuffle(numbers)
    for at in range(count):
        yield {
            "customer": f"c-{at:06d}",
            "numbers": [numbers[at]],
            "name": f"{dice.choice(_FIRST)} {dice.choice(_LAST)}",
            "segment": dice.choice(_SEGMENTS),
            "language": dice.choice(("es", "es", "en", "pt")),
            **({"last_case": f"T-{dice.randrange(100_000)}"} if dice.random() < 0.5 else {}),
        }


def cards_of(path: Path) -> Iterator[dict[str, Any]]:
    """The customers of a file, as they stand there; lines that hold none are left out. Raises MisconfiguredError."""
    with Table(path) as table:
        yield from (line.card for line in table.lines() if isinstance(line.card, dict))


def pages_of(cards: Iterable[dict[str, Any]], version: int, size: int = CARDS_MOST) -> Iterator[dict[str, Any]]:
    """The arguments of a full load's commands, the first of this version. One page at least."""
    rest = iter(cards)
    page, more = list(itertools.islice(rest, size)), True
    part = "begin"
    while more:
        following = list(itertools.islice(rest, size))
        more = bool(following)
        if not more:
            part = "whole" if part == "begin" else "end"
        yield {"version": version, "snapshot": part, "upserts": page}
        page, part, version = following, "more", version + 1


async def send_directory(
    crm: SimCrm, site: str, box: str, cards: Iterable[dict[str, Any]], *, version: int, size: int = CARDS_MOST,
    progress: Callable[[Sent], None] = lambda sent: None,
) -> Sent:  # fmt: skip
    """Send them all; a page that is not done ends it. Raises TransientError when the broker is away or no reply comes."""
    loop, sent, run = asyncio.get_running_loop(), Sent(), os.urandom(4).hex()
    began_s, waiting = loop.time(), list[asyncio.Task[Any]]()

    async def settled() -> bool:
        reply = await waiting.pop(0)
        sent.result = reply.result or sent.result
        if reply.state != "done":
            sent.reason = f"{reply.state}: {reply.reason}"
        progress(sent)
        return sent.reason is None

    try:
        for args in pages_of(cards, version, size):
            command = f"dir-{run}-{args['version']}"
            waiting.append(loop.create_task(crm.send(site, box, "directory", args, command=command, timeout_s=_REPLY_S)))
            await asyncio.sleep(0)  # it is sent: in order
            sent.pages += 1
            sent.customers += len(args["upserts"])
            if len(waiting) >= UNDER_WAY and not await settled():
                break
        while sent.reason is None and waiting and await settled():
            pass
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        sent.seconds = loop.time() - began_s
    return sent


def version_after(crm: SimCrm, site: str, box: str) -> int:
    """The version that a load begins at: behind the one that the box says it holds. Raises TransientError where it said nothing yet."""
    known = crm.boxes.get(f"{site}/{box}")
    if known is None or known.info is None:
        raise TransientError(f"{site}/{box} has not said what it holds; is it online at this broker?")
    return (known.info.directory.version if known.info.directory is not None else 0) + 1
