"""Where each message goes: the topics of one box, as the contract draws them."""

from __future__ import annotations

from msgspec import Struct


class Topics(Struct, frozen=True):
    """The topics under `callfloor/1/{site}/{box}`."""

    site: str
    box: str

    @property
    def root(self) -> str:
        return f"callfloor/1/{self.site}/{self.box}"

    @property
    def status(self) -> str:
        return f"{self.root}/status"

    @property
    def info(self) -> str:
        return f"{self.root}/info"

    @property
    def floor(self) -> str:
        return f"{self.root}/floor"

    @property
    def commands(self) -> str:
        """The filter of all commands to this box."""
        return f"{self.root}/cmd/+"

    def event(self, kind: str) -> str:
        """`event/{group}/{kind}` for a catalogue kind such as `call.answered`."""
        return f"{self.root}/event/{kind.replace('.', '/')}"

    def pop(self, agent: str) -> str:
        return f"{self.root}/pop/{agent}"

    def reply(self, command: str) -> str:
        return f"{self.root}/reply/{command}"

    def verb(self, topic: str) -> str | None:
        """The verb of a command topic of this box; None for any other topic.

        >>> Topics("quito", "p3").verb("callfloor/1/quito/p3/cmd/ping")
        'ping'
        """
        head = f"{self.root}/cmd/"
        verb = topic[len(head) :]
        return verb if topic.startswith(head) and verb and "/" not in verb else None

    @property
    def others(self) -> tuple[str, str]:
        """What is read of another site's box, in this order: its floor, then its status, which tells that the floor is the newest."""
        return self.floor, self.status

    def may_answer(self, topic: str) -> bool:
        """May a reply go to this response topic? Not to a filter, and not where it would pass for something the box says itself.

        >>> Topics("quito", "p3").may_answer("callfloor/1/quito/p3/floor")
        False
        """
        own = topic == self.root or topic.startswith(f"{self.root}/")
        sound = 0 < len(topic) <= 256 and not set(topic) & {"+", "#", "\0"} and not topic.startswith("$")
        return sound and (not own or topic.startswith(f"{self.root}/reply/"))
