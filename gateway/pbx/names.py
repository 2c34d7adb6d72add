"""Decides the keys of queues and agents of one PBX, and keeps them stable: first sight, the journal, configuration.

An agent is a MemberName; members that share one StateInterface are one agent, under the MemberName first seen;
`[agents.KEY] interfaces` overrides. With several PBXs keys carry the PBX's name in front.
"""

from __future__ import annotations

from typing import Final

from appliance.core.catalogue import Named
from appliance.core.config import Config
from appliance.core.slug import is_key, prefixed, slug, unclashed

#: More names than this no floor has; what comes after (rubbish on the line) is not remembered.
MAX_NAMES: Final = 10_000
#: Members that share a phone under several MemberNames: True books answered calls under each name, as queue_log does;
#: False books them all under the MemberName first seen.
BOOK_BY_MEMBER_NAME: Final = True


class QueueNames:
    """Queue keys by the PBX's own text."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._keys: dict[str, str] = {}
        self._titles: dict[str, str] = {}

    def restore(self, key: str, title: str) -> None:
        """Take up an assignment that the journal holds."""
        self._keys[title] = key
        self._titles[key] = title

    def key(self, title: str) -> str:
        """The key of a queue, assigned at first sight."""
        found = self._keys.get(title)
        if found is None:
            found = unclashed(prefixed(self._prefix, slug(title, "q")), self._titles)
            if len(self._titles) < MAX_NAMES:
                self.restore(found, title)
        return found

    def title(self, key: str) -> str:
        """The PBX's own text of a key; the key itself when it was never seen."""
        return self._titles.get(key, key)

    def all(self) -> tuple[Named, ...]:
        """Every queue seen, in order of first sight."""
        return tuple(Named(key, title) for key, title in self._titles.items())


class AgentNames:
    """Agent keys by StateInterface, Interface and MemberName."""

    def __init__(self, config: Config, prefix: str) -> None:
        self._prefix = prefix
        self._titles: dict[str, str] = {}
        self._by_device: dict[str, str] = {}
        self._by_name: dict[str, str] = {}
        for text, agent in config.agents.items():
            key = text if is_key(text) else slug(text, "a")
            for interface in agent.interfaces:
                self._by_device[interface] = key
            if agent.interfaces:
                self._titles[key] = agent.name or text
        self._configured = frozenset(self._by_device.values())
        self._fixed = frozenset(self._by_device)
        self._config = config

    def restore(self, key: str, name: str | None, interface: str | None) -> None:
        """Take up an assignment that the journal holds; configuration goes before it."""
        self._titles.setdefault(key, name or key)
        if name:
            self._by_name.setdefault(name, key)
        if interface:
            self._by_device.setdefault(interface, key)

    def key(self, name: str, interface: str, state_interface: str = "") -> str:
        """The key of the agent behind a member; `name` is the MemberName (the interface when the PBX has none)."""
        device = state_interface or interface
        found = self._by_device.get(device) or self._by_device.get(interface) or self._by_name.get(name)
        if found is None:
            found = unclashed(prefixed(self._prefix, slug(name or interface, "a")), self._titles)
            if len(self._titles) >= MAX_NAMES:
                return found
            self._titles[found] = name or interface
            self._by_name[name or interface] = found
        if len(self._by_device) < MAX_NAMES:
            self._by_device.setdefault(device, found)
        return found

    def booked(self, presence: str, name: str) -> str:
        """The key that a member's calls are booked under: his MemberName's, as the PBX's own log does it.

        Two MemberNames at one phone are one agent (presence, states, head counts), yet the queue log, which the
        customer's figures are checked against, keeps their calls apart. See BOOK_BY_MEMBER_NAME.
        """
        if not BOOK_BY_MEMBER_NAME or not name or self._titles.get(presence) == name or presence in self._configured:
            return presence
        found = self._by_name.get(name)
        if found is None:
            found = unclashed(prefixed(self._prefix, slug(name, "a")), self._titles)
            if len(self._titles) < MAX_NAMES:
                self._titles[found] = name
                self._by_name[name] = found
        return found

    def release(self, state_interface: str) -> None:
        """The last member at this phone was removed: whoever logs in there next is himself again."""
        if state_interface not in self._fixed:
            self._by_device.pop(state_interface, None)

    def title(self, key: str) -> str:
        """The name to show: the configuration's, or the MemberName first seen."""
        configured = self._config.agents.get(key)
        if configured is not None and configured.name:
            return configured.name
        return self._titles.get(key, key)
