"""What the CRM under the storm asks for, and by what each command's doing is counted: at the PBX, in the journal, at a lamp, at a headset."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct

from appliance.core import catalogue as c
from appliance.core.clock import rfc3339

AGENTS = 24
#: Each of these sounds alone: the next is given once the one before has ended, and this long after.
DEVICES = {"beacon": 2.0, "headset_ring": 1.2}
#: So is a page of the directory, for each follows another.
ALONE = {**DEVICES, "directory": 0.0}
PBX = ("originate", "originate", "pause", "pause", "queue_add", "queue_remove")
JOURNAL = ("announce", "kpi", "classify", "callback", "directory", "ping")
CONFIG = """
[commands]
allow = ["originate", "pause", "unpause", "queue_add", "queue_remove", "ping", "announce", "kpi", "classify", "callback", "directory",
    "beacon", "headset_ring"]
country = "EC"
per_minute = 10000

[commands.only.originate]
numbers = ["09xxxxxxxx"]

[outbound]
attempts_per_day = 1

[callbacks]

[wallboard.beacon.torre]
url = "sim:{lamp}"
buzzer = 18
beep_from = "never"
test_at_start = false

[headsets]
minutes = false

[headsets.seat.a]
url = "sim:{headset}"
"""


class Given(Struct):
    """One command as it was given: `mark` is what its doing leaves, by where that is counted; None: nothing to count."""

    verb: str
    args: dict[str, Any]
    payload: bytes
    mark: tuple[str, ...] | None
    given_s: float


class Known(Struct):
    """What the CRM knows that commands may be about. `page`: the version that the directory has."""

    calls: list[str] = []
    callbacks: list[str] = []
    page: int = 0


def ask(verb: str, at: int, chance: random.Random, known: Known, now_ns: int) -> tuple[dict[str, Any], tuple[str, ...] | None]:
    """Arguments that are this command's alone, and its mark."""
    name, agent = f"k-{at}", f"agente-{101 + chance.randrange(AGENTS)}"
    number = f"09{at:06d}{chance.choice(('00', '17', '34'))}"
    match verb:
        case "originate":
            preview = {"preview": True, "card": name} if chance.random() < 0.3 else {}
            return {"agent": agent, "number": number, **preview}, ("pbx", "originate", "exten", number)
        case "pause":
            return {"agent": agent, "reason": name}, ("pbx", "queuepause", "reason", name)
        case "queue_add":  # who is in the queue, and who is not, hangs on chance; the penalty says whose doing it was
            return {"agent": agent, "queue": "soporte", "penalty": at}, ("pbx", "queueadd", "penalty", str(at))
        case "queue_remove":
            return {"agent": agent, "queue": "soporte"}, None
        case "announce":
            return {"text": name}, ("journal", "shown", name)
        case "kpi":
            return {"as_of": rfc3339(now_ns + at), "fcr": at / 1_000_000}, ("journal", "kpi", f"{at / 1_000_000}")
        case "classify":
            call = chance.choice(known.calls) if known.calls else "none-yet"
            return {"call": call, "topic": name}, ("journal", "classified", name)
        case "callback":
            claim = chance.random() < 0.3
            callback = chance.choice(known.callbacks) if known.callbacks else "none-yet"
            args = {"callback": callback, "action": "claim" if claim else "close", "by": name}
            return args, ("journal", "claimed" if claim else "closed", name)
        case "directory":
            card = {"customer": name, "numbers": [f"+593{990_000_000 + at}"], "name": name}
            return {"version": known.page + 1, "upserts": [card]}, ("directory", name)
        case "beacon":
            return {"lamp": "torre.buzzer", "pattern": "beep", "seconds": 30}, ("device", "beacon", name)
        case "headset_ring":
            return {"seat": "a", "seconds": 0.6}, ("device", "headset_ring", name)
    return {}, None


def page_held(given: Given, reply: dict[str, Any], page: int) -> int:
    """Which version the directory has after a page's end."""
    if reply["state"] == "done":
        return int(given.args["version"])
    holds = re.search(r"the box holds ([0-9]+)", reply["reason"] or "")
    return int(holds[1]) if holds else page


def done_in_journal(events: Iterable[Any]) -> Counter[tuple[str, ...]]:
    """By mark, how often each was done, of what leaves its trace in the journal alone."""
    marks: dict[type, Callable[[Any], tuple[str, str]]] = {
        c.AnnouncementShown: lambda data: ("shown", data.text),
        c.KpiTold: lambda data: ("kpi", f"{data.fcr}"),
        c.CallClassified: lambda data: ("classified", data.topic or ""),
        c.CallbackClaimed: lambda data: ("claimed", data.by or ""),
        c.CallbackClosed: lambda data: ("closed", data.by or ""),
    }
    return Counter(("journal", *marks[type(event.data)](event.data)) for event in events if type(event.data) in marks)


def sounded(verb: str, given: dict[str, Given], sounds: list[float]) -> Counter[tuple[str, ...]]:
    """How often a device began to sound for each command: it sounds for the one that was given last."""
    mine = sorted((each.given_s, name) for name, each in given.items() if each.verb == verb)
    found: Counter[tuple[str, ...]] = Counter()
    for at_s in sounds:
        name = next((name for given_s, name in reversed(mine) if given_s <= at_s), "nobody")
        found["device", verb, name] += 1
    return found
