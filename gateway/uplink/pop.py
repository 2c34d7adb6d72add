"""The screen pop: what an agent's screen is told the moment a call rings him, and how long it is worth telling. Pure."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from appliance.core.catalogue import CallPreviewed, CallRinging, PopCard
from appliance.core.clock import NS, rfc3339
from appliance.core.directory import Directory
from appliance.core.directory_card import Card
from appliance.core.event import Stored
from gateway.uplink.pop_call import PopCalls

EXPIRY_S: Final = 30


class Customer(Struct, frozen=True):
    """The card of who calls, as the directory has it now."""

    customer: str
    name: str | None
    segment: str | None
    language: str | None
    last_case: str | None
    vip: bool


class Pop(Struct, frozen=True):
    """One screen pop. `id` is that of the event that it is of, so that the two can be matched.

    `digits`: what he chose in the menus, oldest first, as `menu:digits`; `waited_s` in this queue, up to the ring. `callback`: the open
    callback of his number. `why`: a call that rings; or `preview`, a number (`dialled`, its `card`) that will be dialled once he picks up,
    at the command `command`, which gave him `text` to read.
    """

    id: str
    call: str
    agent: str
    pbx: str
    queue: str | None
    visit: str | None
    caller: str | None
    dialled: str | None
    time: str
    expires: str
    why: Literal["call", "preview"] = "call"
    title: str | None = None
    digits: tuple[str, ...] = ()
    waited_s: float | None = None
    card: Customer | None = None
    callback: str | None = None
    command: str | None = None
    text: str | None = None


def pop_from_ringing(
    pop: str, row: Stored, data: CallRinging, agent: str, calls: PopCalls, card: Card | None = None, callback: str | None = None
) -> Pop:
    """The pop of a `call.ringing` row, from what was told of its call before."""
    joined = calls.joined(data.visit)
    return Pop(
        pop, data.call, agent, data.pbx, data.queue, data.visit, data.caller, data.dialled,
        rfc3339(row.wall_ns), rfc3339(row.wall_ns + EXPIRY_S * NS),
        title=calls.title(data.queue), digits=calls.digits(data.call), waited_s=joined.waited_s(row) if joined is not None else None,
        card=_customer(card), callback=callback,
    )  # fmt: skip


def pop_from_preview(pop: str, row: Stored, data: CallPreviewed, agent: str, card: Card | None, callback: str | None) -> Pop:
    """The pop of a `call.previewed` row: out before the agent picks up, for the number is dialled then."""
    return Pop(
        pop, data.call, agent, data.pbx, data.queue, data.visit, data.caller, data.dialled,
        rfc3339(row.wall_ns), rfc3339(row.wall_ns + EXPIRY_S * NS),
        why="preview", card=_customer(card), callback=callback, command=data.command, text=data.card,
    )  # fmt: skip


def looked_up(directory: Directory, number: str | None) -> tuple[Card | None, PopCard]:
    """Whose number it is; and where nobody is found, why."""
    if number is None:
        return None, "no_number"
    card = directory.lookup(number)
    if card is not None:
        return card, "found"
    if directory.fault:
        return None, "failed"
    if directory.version is None:
        return None, "no_directory"
    return None, "not_found" if directory.e164(number) is not None else "no_number"


def _customer(card: Card | None) -> Customer | None:
    if card is None:
        return None
    return Customer(card.customer, card.name, card.segment, card.language, card.last_case, card.vip)
