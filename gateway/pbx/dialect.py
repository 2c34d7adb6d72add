"""Decides what a PBX's dialect must offer, and where each is found; imports none until one is asked for.

A dialect is a folder of its own: a `Wire` that speaks with the PBX, and a pure `Source` that says what was heard. Everything else is
the same for all: the link with its back-off, the journal, recordings and replays. A site adds one by installing a package with an entry
point in the group `callfloor.pbx` (`name = "module:Class"`) and writing `kind = "name"` (docs/adding-a-pbx.md).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, TypeAlias, cast

from msgspec import Struct

from appliance.core.catalogue import PbxDownReason
from appliance.core.config import Config, PbxConfig
from appliance.core.errors import MisconfiguredError
from appliance.core.pbx_kind import BUILT_IN, installed
from gateway.pbx.known import Known, Moment

#: One message as a dialect's parser makes it: opaque to everything but the dialect itself.
Message: TypeAlias = Any
#: Told of every chunk that came (`in`) and of everything sent with its secrets struck out (`out`).
Tap = Callable[[str, bytes], None]
#: A recorded moment on this boot's monotonic clock, in ns.
Mono = Callable[[Moment], int]

_MODULES: Final = {"asterisk": "gateway.asterisk.dialect:Asterisk", "freeswitch": "gateway.freeswitch.dialect:Freeswitch"}


class Parser(Protocol):
    """Bytes into messages, however they are cut."""

    def feed(self, data: bytes) -> Sequence[Message]:
        """The messages that these bytes complete. Raises nothing: what is no message is counted and dropped."""
        ...


class Wire(Protocol):
    """One session with a PBX. It never reconnects."""

    #: What was parsed during the login and not yet taken.
    early: list[Message]

    @property
    def damaged(self) -> int:
        """Pieces of this session that were no messages."""
        ...

    async def login(self, config: PbxConfig, secret: str) -> None:
        """Be let in. Raises DeniedError when refused, TransientError when no answer comes."""
        ...

    async def read(self) -> Sequence[Message]:
        """The messages of the next chunk; waits for bytes. Raises TransientError when the PBX has closed."""
        ...

    async def read_within(self, wait_s: float) -> Sequence[Message]:
        """`read`, for `wait_s` at most; nothing then, and sometimes before."""
        ...

    def send(self, request: str) -> str:
        """Ask what `Source.requests` named; the id under which the answer will come."""
        ...

    def ping(self) -> None:
        """Make a live PBX say something."""
        ...

    def close(self) -> None:
        """Close at once, whatever is still unsent."""
        ...

    async def logoff(self) -> None:
        """Say good-bye and close; never waits long."""
        ...


class Source(Protocol):
    """One PBX, whole and pure: feed it what happens with the monotonic ns at which it did, append what it returns."""

    pbx: str

    def connected(self, mono_ns: int) -> list[Struct]:
        """A session stands and its login was accepted."""
        ...

    def disconnected(self, mono_ns: int, reason: PbxDownReason = "lost", text: str | None = None) -> list[Struct]:
        """The session is gone, or the service was not running."""
        ...

    def requests(self, mono_ns: int) -> Sequence[str]:
        """What is to be asked now: lists after a login, and again after damage. Each is handed out once."""
        ...

    def sent(self, request: str, request_id: str) -> None:
        """It was asked under this id."""
        ...

    def seen(self, mono_ns: int) -> None:
        """Any byte came: the PBX is in sight."""
        ...

    def on_message(self, message: Message, mono_ns: int) -> list[Struct]:
        """The events that a message means."""
        ...

    def damaged(self, pieces: int, mono_ns: int) -> bool:
        """So many pieces of this session were no messages; whether that is a reason to ask for everything again."""
        ...

    @property
    def next_due_ns(self) -> int | None:
        """When `tick` or `requests` has something to do."""
        ...

    def tick(self, mono_ns: int) -> list[Struct]:
        """What is due by time alone."""
        ...

    def restore(self, known: Known, mono: Mono, last_seen_ns: int | None) -> None:
        """Take up what the journal knows of this PBX, on a new source."""
        ...


class Dialect(Protocol):
    """One kind of PBX. One that carries out commands has `commander(source, config)` too, and its wires `order(ask)`: gateway.pbx.order."""

    def source(self, pbx: str, config: Config) -> Source:
        """A source that knows nothing yet; `pbx` is the key in [pbx.KEY]."""
        ...

    async def open(self, config: PbxConfig, tap: Tap | None = None) -> Wire:
        """Connect. Raises TransientError when the PBX cannot be reached, MisconfiguredError for unusable settings."""
        ...

    def parser(self) -> Parser:
        """For recordings: what a session's bytes mean, from its first byte."""
        ...

    def replay_sent(self, source: Source, data: bytes) -> None:
        """For recordings: what the box sent then, so that `source` knows which answers are whose."""
        ...


def dialect(kind: str) -> Dialect:
    """The dialect of a `kind`. Raises MisconfiguredError for one that nobody offers, or whose package is broken."""
    where = _MODULES.get(kind) or installed().get(kind)
    if where is None:
        known = ", ".join([*BUILT_IN, *sorted(installed())])
        raise MisconfiguredError(f'there is no kind of PBX "{kind}"; there are: {known}')
    module, _, attribute = where.partition(":")
    try:
        return cast("Dialect", getattr(importlib.import_module(module), attribute)())
    except (ImportError, AttributeError) as fault:
        raise MisconfiguredError(f'the package of the PBX kind "{kind}" cannot be used ({where}: {fault}); install it again') from fault
