"""Decides how often a stranger may guess the token: a few wrong words, then one every few seconds. Bounded in memory, no clock of its own.

The same wrong word again is no new guess: a TV whose cookie is from before the token was changed asks for ever, and must not be
kept out when somebody shows it the new one.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
from collections import OrderedDict
from typing import Final

from msgspec import Struct

from appliance.core.clock import NS

#: Wrong words in a row that a person with a long token may well type.
FREE: Final = 10
EVERY_NS: Final = 6 * NS
#: Strangers remembered; the one longest unheard is forgotten first.
MAX_PEERS: Final = 1024


class _Peer(Struct):
    """What is left to a stranger: guesses, since when, and the last wrong word (only its hash is kept)."""

    left: float
    at_ns: int
    last: bytes = b""


class Guesses:
    """Wrong tokens by who showed them. An IPv6 network of 64 bits counts as one peer: its owner has all its addresses."""

    def __init__(self, free: int = FREE, every_ns: int = EVERY_NS, max_peers: int = MAX_PEERS) -> None:
        self._free, self._every_ns, self._max_peers = free, every_ns, max_peers
        self._peers: OrderedDict[str, _Peer] = OrderedDict()
        self.wrong = 0

    def __len__(self) -> int:
        return len(self._peers)

    def wait_s(self, peer: str | None, now_ns: int) -> int:
        """Whole seconds until this peer may show a token again; 0 when it may now."""
        known = self._peers.get(_key(peer))
        if known is None:
            return 0
        lacking_s = (1 - self._left(known, now_ns)) * self._every_ns / NS
        return max(0, math.ceil(round(lacking_s, 6)))

    def was_wrong(self, peer: str | None, token: str, now_ns: int) -> None:
        """Note a word that was not the token."""
        mark = hashlib.sha256(token.encode(errors="surrogatepass")).digest()
        key = _key(peer)
        known = self._peers.setdefault(key, _Peer(self._free, now_ns))
        self._peers.move_to_end(key)
        if mark != known.last:
            self.wrong += 1
            known.left, known.at_ns, known.last = max(0.0, self._left(known, now_ns) - 1), now_ns, mark
        if len(self._peers) > self._max_peers:
            self._peers.popitem(last=False)

    def _left(self, peer: _Peer, now_ns: int) -> float:
        return min(self._free, peer.left + (now_ns - peer.at_ns) / self._every_ns)


def _key(peer: str | None) -> str:
    try:
        address = ipaddress.ip_address((peer or "").split("%")[0])
    except ValueError:
        return peer or ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
