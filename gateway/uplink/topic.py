"""Where each message goes: the topics of one box, as the contract draws them."""

from __future__ import annotations

from collections.abc import Container

from msgspec import Struct

from appliance.core.slug import is_key


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


class SeatTopics(Struct, frozen=True):
    """The topics of the seat boxes that one box reads: `boxes` are their names, or `*` for all of the site."""

    site: str
    box: str
    boxes: tuple[str, ...]

    @property
    def named(self) -> tuple[str, ...]:
        """The boxes asked for by name, this one left out."""
        return tuple(dict.fromkeys(box for box in self.boxes if box not in ("*", self.box)))

    @property
    def filters(self) -> tuple[str, ...]:
        """Their headset events, then their status.

        >>> SeatTopics("quito", "p3", ("isla-4", "p3")).filters
        ('callfloor/1/quito/isla-4/event/headset/#', 'callfloor/1/quito/isla-4/status')
        """
        asked = ("+",) if "*" in self.boxes else self.named
        return tuple(each for box in asked for each in self._of(box))

    def reads(self, box: str) -> bool:
        """Is this a box that is read?"""
        return is_key(box) and box != self.box and (box in self.boxes or "*" in self.boxes)

    def place(self, topic: str) -> tuple[str, str | None] | None:
        """Box and kind of a topic that a seat box of the site may use, or this box; the kind is None for the status.

        >>> SeatTopics("quito", "p3", ()).place("callfloor/1/quito/isla-4/event/headset/hook")
        ('isla-4', 'headset.hook')
        """
        head = f"callfloor/1/{self.site}/"
        box, _, rest = topic[len(head) :].partition("/")
        if not topic.startswith(head):
            return None
        if rest == "status":
            return box, None
        kind = rest.removeprefix("event/headset/")
        return (box, f"headset.{kind}") if kind != rest else None

    def box_of_filter(self, topic_filter: str) -> str | None:
        """Whose headset events a filter asks for, `*` for all boxes; None for any other filter."""
        parts = topic_filter.split("/")
        ours = topic_filter in self.filters and topic_filter.endswith("/event/headset/#")
        return parts[3].replace("+", "*") if ours else None

    def strays(self, box: str, also: Container[str]) -> tuple[str, ...]:
        """Filters by which an earlier configuration may have asked for what this box says; those of others are left."""
        return tuple(each for name in (box, "+") for each in self._of(name) if each not in self.filters and each not in also)

    def _of(self, box: str) -> tuple[str, str]:
        root = f"callfloor/1/{self.site}/{box}"
        return f"{root}/event/headset/#", f"{root}/status"
