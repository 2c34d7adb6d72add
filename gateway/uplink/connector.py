"""Which connection there is: to which broker, in which version of MQTT, by which certificates, and when to try again.

What is done on a connection is the conversation's; here is what happens between two of them, and what makes one leave in order:
renewed certificates, a clock that is set at last, a better broker that is back.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import suppress
from typing import Final

import msgspec

from appliance.core.config import Crm
from appliance.core.errors import CallfloorError, DeniedError, MisconfiguredError, TransientError, UnsupportedError
from appliance.core.event import stored_from_body
from appliance.core.journal import PAGE, Journal
from appliance.service import Context
from gateway.uplink.backoff import Backoff
from gateway.uplink.brokers import Brokers
from gateway.uplink.conversation import Conversation
from gateway.uplink.endpoint import Endpoint, takes_commands
from gateway.uplink.herald import Herald
from gateway.uplink.link import TAKEN_OVER, End, SentAwayError
from gateway.uplink.link_state import LinkState
from gateway.uplink.mqtt import Link
from gateway.uplink.tls import Lease, Tls

_log = logging.getLogger(__name__)

#: How often files, clock and earlier brokers are looked at.
_LOOK_S: Final = 2.0
_PROBE_S: Final = 5.0
#: A broker that knew no MQTT 5 is asked again at the first connection after ten minutes: it may have been renewed or only have
#: stumbled, and with 3.1.1 what nobody listens to counts as delivered.
_OLD_S: Final = 600.0
#: A broker that spoke MQTT 5 to us before must refuse it for so long until it is believed to know it no more.
_DOUBT_S: Final = 600.0
#: A broker that does not say 0x8E to whom another client of the same name replaced (mosquitto 2.0.11) looks like one that answers at
#: once, knows the session, and closes without a word: so soon after the greeting, and so often in a row.
_SOON_S: Final = 60.0
_OFTEN: Final = 3
#: Who held a connection that long has no rival of the same name.
_ALONE_S: Final = 3600.0
#: A box whose clock is not set may have recorded much since: so far back the time that it knew last is looked for.
_PAGES_BACK: Final = 40


class Connector:
    """Connects, for ever. `trusted` tells whether commands may be taken from the broker of now."""

    def __init__(
        self,
        context: Context,
        crm: Crm,
        endpoints: tuple[Endpoint, ...],
        talk: Conversation,
        herald: Herald,
        state: LinkState,
        backoff: Backoff,
    ) -> None:
        """`endpoints`: at least one."""
        self._context, self._crm, self._talk, self._herald, self._state = context, crm, talk, herald, state
        self._backoff = backoff
        self._brokers = Brokers(endpoints)
        self._tls = Tls(crm, context.clock, lambda: newest_synced_ns(context.journal))
        self._old: dict[Endpoint, float] = {}
        #: Brokers that spoke MQTT 5 in this run; and since when one of them has refused to.
        self._new: set[Endpoint] = set()
        self._doubted: dict[Endpoint, float] = {}
        #: The lease of the connection that stands was given by a clock that is not synced.
        self._lenient = False
        #: After how many renewals that connection was made.
        self._shown = 0
        #: Attempts since the last connection, and how many connections in a row looked as if a rival had ended them.
        self._attempts = self._robbed = 0
        self._said = self._where = ""
        self.trusted = False
        #: Connections that stood, attempts that failed, connections that were lost.
        self.stood = self.failures = self.losses = 0

    async def run(self, name: str, commands: str, receive_max: int) -> None:
        """Be connected as client `name`, asking for the topics `commands`, with at most so many messages under way towards us."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._mind())
            while True:
                wait_s = await self._one(name, commands, receive_max)
                if wait_s:
                    await asyncio.sleep(wait_s)

    async def _one(self, name: str, commands: str, receive_max: int) -> float:
        """One attempt, and the connection to its end. Returns how long to wait before the next one."""
        endpoint, clock = self._brokers.current, asyncio.get_running_loop()
        v5 = self._crm.protocol != "3.1.1" and self._old.get(endpoint, 0.0) <= clock.time()
        self._talk.expect()
        self._attempts += 1
        shown = self._tls.renewals
        try:
            lease = await asyncio.to_thread(self._tls.lease) if endpoint.tls else None
            link = await Link.open(endpoint, self._crm, name, self._herald.will, self._talk, lease, receive_max=receive_max, v5=v5)
        except UnsupportedError as fault:
            return self._unsupported(endpoint, fault, v5=v5)
        except (TransientError, DeniedError, MisconfiguredError) as fault:
            return self._failed(fault)
        began_s, self._shown = clock.time(), shown
        if v5:
            self._new.add(endpoint)
            self._doubted.pop(endpoint, None)
        self.trusted, self._lenient = takes_commands(endpoint, self._crm), lease is not None and lease.least_ns is not None
        self._where = f"connected to {endpoint.url}" + ("" if v5 else " with MQTT 3.1.1, by which nobody can tell whether anybody listens")
        self._said = ""
        self.stood += 1
        self._say()
        end = await self._talk.talk(link, self._herald.greet, commands)
        self._where = ""
        return self._lost(end, name, clock.time() - began_s, session=link.greeting.session_present)

    def _lost(self, end: End, name: str, stood_s: float, *, session: bool) -> float:
        """A connection ended after so long; `session`: the broker knew us when it began. Returns how long to wait before the next one."""
        first, self._attempts = self._attempts == 1, 0
        if end.reason == "renewed":
            _log.info("the link is made anew: %s", end.text)
            return 0.0
        self.losses += 1
        self._state.set("denied" if end.reason == "denied" else "down", end.text)
        self._context.watch.status(end.text)
        if stood_s > _ALONE_S:
            self._backoff.unrivalled()
        self._robbed = self._robbed + 1 if first and session and end.closed and stood_s < _SOON_S else 0
        if end.code == TAKEN_OVER:
            return self._backoff.rival_s()
        if self._robbed >= _OFTEN:
            text = f"the broker greets this box and closes again and again: do two boxes have one [site] name and box, both {name}?"
            self._context.watch.status(text)
            _log.warning("%s", text)
            return self._backoff.rival_s(suspected=True)
        if end.reference and self._brokers.named(end.reference):
            return self._backoff.next_s(answered=True)
        if not self._backoff.is_proved:
            self._brokers.failed()
        return self._backoff.next_s(answered=True, stood=True)

    def _failed(self, fault: CallfloorError) -> float:
        self.failures += 1
        denied = not isinstance(fault, TransientError)
        self._state.set("denied" if denied else "down", str(fault))
        self._context.watch.status(str(fault))
        if isinstance(fault, DeniedError):
            self._tls.refused(str(fault))
        if not (isinstance(fault, SentAwayError) and self._brokers.named(fault.reference)):
            self._brokers.failed()
        silent = isinstance(fault.__cause__, OSError) and not isinstance(fault.__cause__, CallfloorError)
        return self._backoff.next_s(answered=denied or not silent)

    def _unsupported(self, endpoint: Endpoint, fault: UnsupportedError, *, v5: bool) -> float:
        """The rule: MQTT 5 first; 3.1.1 where the broker says that it does not know this version, unless only 5 may be used.

        One that did know it is asked again for ten minutes: it stumbles, or something stands before it.
        """
        if v5 and endpoint in self._new and self._crm.protocol == "auto":
            now_s = asyncio.get_running_loop().time()
            if now_s - self._doubted.setdefault(endpoint, now_s) < _DOUBT_S:
                return self._failed(TransientError(f"{fault}; it spoke MQTT 5 before, and is asked again"))
            self._new.discard(endpoint)
        if v5 and self._crm.protocol == "auto" and not self._crm.require_consumer:
            _log.warning(
                "%s: the broker knows no MQTT 5; 3.1.1 is spoken with it, by which nobody can tell whether anybody listens", endpoint.url
            )
            self._old[endpoint] = asyncio.get_running_loop().time() + _OLD_S
            return 0.0
        why = "require_consumer needs MQTT 5" if self._crm.require_consumer else f'[crm] protocol is "{self._crm.protocol}"'
        return self._failed(DeniedError(f"{fault}; {why}"))

    def _say(self) -> None:
        """Where we are, and what of TLS a person should know."""
        said = "; ".join(text for text in (self._where, self._tls.warning()) if text)
        if said != self._said:
            self._said = said
            if said:
                self._context.watch.status(said)

    async def _mind(self) -> None:
        """Look after what may change while a connection stands, for ever."""
        clock, warned, level = asyncio.get_running_loop(), "", ""
        while True:
            await asyncio.sleep(_LOOK_S)
            if await asyncio.to_thread(self._tls.look):
                self._talk.renew("its certificates were renewed")
            if self._lenient and self._context.clock.quality() == "synced":
                self._lenient = False
                self._talk.renew("the clock is set: the broker's certificate is judged by it")
            warning = self._tls.warning()
            if warning and warning != warned:
                _log.warning("%s", warning)
            warned = warning
            health = self._tls.health()
            if health is not None and health.level != level:
                with suppress(CallfloorError):  # a journal that takes nothing says so itself; it is told again in two seconds
                    await self._context.emit(health, name="crm")
                    level = health.level
            if self._talk.link is None:
                continue
            self._say()
            if self._backoff.is_proved:
                self._tls.proved(self._shown)
                self._brokers.stands(clock.time())
            earlier = self._brokers.to_look_at(clock.time())
            if earlier:
                back = await asyncio.to_thread(self._first_back, earlier)
                if self._talk.link is not None and self._brokers.looked(back, clock.time()):
                    self._talk.renew(f"{self._brokers.current.url} is back", self._herald.moving())

    def _first_back(self, endpoints: tuple[Endpoint, ...]) -> Endpoint | None:
        """The first that answers: the network, and TLS where it has that. No CONNECT: in a cluster that would end the link that stands."""
        for endpoint in endpoints:
            try:
                with socket.create_connection((endpoint.host, endpoint.port), _PROBE_S) as line:
                    if endpoint.tls:
                        _shake(line, endpoint, self._tls.lease())
                return endpoint
            except (OSError, MisconfiguredError):
                continue
        return None


def _shake(line: socket.socket, endpoint: Endpoint, lease: Lease) -> None:
    with lease.context.wrap_socket(line, server_hostname=endpoint.host) as talk:
        lease.check(talk.getpeercert(binary_form=True))


def newest_synced_ns(journal: Journal) -> int:
    """The newest time that the journal's last rows have from a synced clock: it is no earlier than that. 0 where there is none. Blocks."""
    end, newest = journal.head().seq, 0
    for _ in range(_PAGES_BACK):
        begin = max(0, end - PAGE)
        for entry in journal.read(begin, end - begin) if end else ():
            try:
                row = stored_from_body(entry.body)
            except msgspec.DecodeError:
                continue
            if row.clock == "synced":
                newest = max(newest, row.wall_ns)
        if newest or begin < journal.first_seq():
            break
        end = begin
    return newest
