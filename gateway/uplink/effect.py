"""What a verb of the uplink's does: the shape of an effect, and what it is handed.

An effect returns the events that the command leaves in the journal, its `command.finished` last. They and the owner's cursor are one
transaction, so that a kill leaves either all or nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from msgspec import Struct

from appliance.core.catalogue import CommandFinished, CommandReceived
from appliance.floor_view import FloorView
from appliance.service import Context


class Order(Struct, frozen=True):
    """One command that may run: its row, itself, its arguments as the verb's type in `appliance.core.command.VERBS`."""

    seq: int
    command: CommandReceived
    args: Struct
    context: Context
    view: FloorView

    def done(self, **result: Any) -> CommandFinished:
        """The end of a command that did what it was asked; `result` is what the reply tells beside."""
        return CommandFinished(id=self.command.id, state="done", result=result or None)

    def failed(self, reason: str) -> CommandFinished:
        """The end of one that could not; the reason begins with a word for programs: `unknown_alarm: no alarm …`."""
        return CommandFinished(id=self.command.id, state="failed", reason=reason)


#: At once, between two rows of the journal: nothing slow, screen pops wait behind it.
Effect = Callable[[Order], Sequence[Struct]]
#: On a lane of its own: it may wait, and hand work to a thread.
StagedEffect = Callable[[Order], Awaitable[Sequence[Struct]]]


class Staged(Struct, frozen=True):
    """A verb on a lane of its own.

    `recall`: how a command ended whose end the journal lost, by its id, None when nothing was done; a verb without it is `unknown` then.
    `settled`: the end of a command is durable.
    """

    effect: StagedEffect
    recall: Callable[[str], Awaitable[CommandFinished | None]] | None = None
    settled: Callable[[str], Awaitable[None]] | None = None
