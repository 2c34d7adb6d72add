"""Decides who is logged in at which phone and what he does, by the PBX's word, as far as that can be relied on. Pure.

A state holds while its PBX is in sight: from `pbx.resynced` until `pbx.down`, or until the gateway that told it is gone. Whoever sits
where is remembered beyond that, since nobody moves because a cable was pulled.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from msgspec import Struct

from appliance.core.catalogue import AgentLoggedIn, AgentLoggedOut, AgentState, AgentStateChanged, BoxStarted, PbxDown, PbxResynced
from headsets.phone import is_same_phone

#: More agents than any floor has.
_KEPT: Final = 5000


class Person(Struct):
    """One agent. `state` None: it was not told yet."""

    pbx: str
    state: AgentState | None = None
    interface: str | None = None


class Staff(Struct):
    """The agents, and for each PBX whether it is in sight. `moves` counts what may have seated somebody elsewhere."""

    people: dict[str, Person] = {}
    sighted: dict[str, bool] = {}
    moves: int = 0

    def feed(self, data: Struct) -> None:
        """One event, oldest first; those that tell nothing of agents are passed over."""
        match data:
            case AgentLoggedIn():
                person = self._person(data.agent, data.pbx)
                person.interface = data.interface
                person.state = None if person.state == "logged_out" else person.state
                self.moves += 1
            case AgentLoggedOut():
                person = self._person(data.agent, data.pbx)
                person.interface, person.state = None, "logged_out"
                self.moves += 1
            case AgentStateChanged():
                self._person(data.agent, data.pbx).state = data.state
            case PbxResynced():
                self.sighted[data.pbx] = True
            case PbxDown():
                self.sighted[data.pbx] = False
            case BoxStarted() if "gateway" in data.services:
                self.blind()

    def blind(self) -> None:
        """Who told all this is gone: nothing of it holds until the PBX was read anew."""
        for pbx in self.sighted:
            self.sighted[pbx] = False

    def state_of(self, agent: str | None, hidden: Collection[str] = ()) -> AgentState | None:
        """What the agent does now; None where that cannot be known. `hidden`: PBXs that were not heard for too long."""
        person = self.people.get(agent) if agent is not None else None
        if person is None or person.pbx in hidden or not self.sighted.get(person.pbx):
            return None
        return person.state

    def at(self, phones: Mapping[str, str], others: Mapping[str, Collection[str]]) -> dict[str, str]:
        """Seat → agent logged in there. `phones`: the phone of each seat; `others`: all phones that may be an agent's, by agent.

        A phone at which two are logged in (one of each PBX) seats nobody.
        """
        here = {key: person for key, person in self.people.items() if person.interface is not None and person.state != "logged_out"}
        found: dict[str, str] = {}
        for seat, phone in phones.items():
            agents = [key for key, person in here.items() if person.interface == phone]
            agents = agents or [key for key, person in here.items() if is_same_phone(phone, person.interface or "")]
            if len(agents) == 1:
                found[seat] = agents[0]
        seated = set(found.values())
        for seat, phone in phones.items():
            agents = [key for key in here if key not in seated and phone in others.get(key, ())]
            if seat not in found and len(agents) == 1:
                found[seat] = agents[0]
        return found

    def _person(self, agent: str, pbx: str) -> Person:
        person = self.people.setdefault(agent, Person(pbx))
        person.pbx = pbx
        while len(self.people) > _KEPT:
            del self.people[next(iter(self.people))]
        return person
