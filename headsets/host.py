"""Decides what our host writes to a headset that is ours: which lamps are lit, when a press is answered, what a hook press asks of the PBX.

The lamps follow the call that the PBX reports for the seat; between its turns they follow the person, since a press is a request and
the lamp its acknowledgement. Every press is answered at once, with what is shown already if nothing changes by it, and again until
the device takes it or has lost its patience. On hold the off-hook lamp stays lit: clearing it ends the call on some Jabra models
(gonicus/gonnect #52). Of a call that nobody knows of, nothing is written. Pure: the writing is the caller's.
"""

from __future__ import annotations

from typing import Final, Literal

from headsets.hook import Asked
from headsets.press import MS
from headsets.quirks import Quirk

Call = Literal["none", "ringing", "talking", "holding", "unknown"]
Verb = Literal["answer", "hangup"]
Leds = dict[str, bool]

_EITHER: Final = ("mute", "microphone")
#: A write that failed is tried again after this time, while a press waits for it.
RETRY_NS: Final = 100 * MS
#: The same where nothing waits, and the device may be in trouble.
SLOW_RETRY_NS: Final = 5000 * MS
#: A write of which nothing was heard for so long has failed.
LOST_NS: Final = 1000 * MS
#: The PBX must have done what a press asked for by then, or the lamps go back to what it says.
OBEY_NS: Final = 5000 * MS


class Host:
    """The host's side of one headset. `lamps`: the names of those that the device has.

    `found`: the device was there before us. A call that is under way then is left alone until it changes or a button is pressed:
    its mute cannot be read, and our first report would end it.
    """

    def __init__(self, lamps: frozenset[str], quirk: Quirk, *, answer: bool = False, hang_up: bool = False, found: bool = False) -> None:
        self.call: Call = "unknown"
        self.mute = False
        self._lamps = lamps
        self._mute_led = quirk.mute_led
        self._own_mute = quirk.own_mute
        self._on_line = quirk.on_line
        self._patience_ns = round(quirk.patience_s * 1000) * MS
        self._found = found
        self._may: dict[Verb, bool] = {"answer": answer, "hangup": hang_up}
        self._off_hook = False
        self._asked_ns: int | None = None
        self._ring_until_ns: int | None = None
        self._shown: Leds | None = None
        self._flying: Leds | None = None
        self._flown_ns = 0
        #: Since when a press waits for its answer, and how many have come: one that comes during a write is not answered by it.
        self._owed_ns: int | None = None
        self._presses = 0
        self._presses_flown = 0
        self._not_before_ns = 0
        self._failed = False

    def told(self, call: Call) -> bool:
        """The PBX told of the seat's call. True when a call began or ended by it.

        When it is out of sight a call goes on as it was; only ringing ends, since it would go on for as long as the PBX is away.
        """
        before = self.call
        if call == "unknown" and before == "ringing":
            self.call = "none"
        if call in ("unknown", before):
            return False
        is_late = self._asked_ns is not None and call == "none"  # what a press asked for is over
        self.call, self._asked_ns = call, None
        self._found = self._found and before == "unknown"
        was, now = before in ("talking", "holding"), call in ("talking", "holding")
        if was != now or before == "unknown" or is_late:
            self._off_hook = now
        return was != now

    def ring(self, until_ns: int) -> None:
        """Ring until then, whatever the PBX says: somebody looks for the headset."""
        self._ring_until_ns = until_ns

    def hook_asked(self, asked: Asked, now_ns: int) -> Verb | None:
        """The person lifted or hung up. What is to be asked of the PBX by it, where the site allows it."""
        self._owe(now_ns, "off_hook")
        self._off_hook = asked == "off"
        verb: Verb | None = None
        if self.call == "ringing" and asked == "off":
            verb = "answer"
        elif self.call in ("talking", "holding") and asked == "on":
            verb = "hangup"
        if verb is None or not self._may[verb]:
            return None
        self._asked_ns = now_ns
        return verb

    def mute_asked(self, muted: bool, now_ns: int) -> None:
        """The person asked for mute or its end."""
        self._owe(now_ns, *self._mute_lamps())
        self.mute = muted

    def wanted(self, now_ns: int) -> Leds:
        """The lamps as they should be, those that the device has."""
        sought = self._ring_until_ns is not None and now_ns < self._ring_until_ns
        ringing = self.call == "ringing" and self._asked_ns is None
        lit = {
            "off_hook": self._off_hook,
            "mute": False,
            "ring": ringing or sought,
            "hold": self.call == "holding",
            "microphone": False,
            "on_line": self._off_hook and self._on_line,
            "ringer": sought,  # the base's own bell: the agent's phone rings by itself
        }
        lit.update(dict.fromkeys(self._mute_lamps(), self.mute))
        return {name: on for name, on in lit.items() if name in self._lamps}

    def next_write(self, now_ns: int) -> Leds | None:
        """What is to be written now, None when nothing is: then the caller writes it and tells `wrote`."""
        if self._flying is not None or not self._lamps or now_ns < self._not_before_ns:
            return None
        wanted = self.wanted(now_ns)
        is_untold = self.call == "unknown" and self._shown is None and not any(wanted.values())
        if self._owed_ns is None and (self.leaves_alone or is_untold or wanted == self._shown):
            self._failed = False
            return None
        self._flying, self._flown_ns, self._presses_flown = wanted, now_ns, self._presses
        return wanted

    def wrote(self, ok: bool, now_ns: int) -> Leds | None:
        """The write is over. The lamps that the device took, None when it took nothing.

        None of them where a press came meanwhile: the device has moved since, and the next write is its answer.
        """
        flying, self._flying = self._flying, None
        if flying is None:
            return None
        if not ok:
            self._failed = True
            self._shown = None
            self._not_before_ns = now_ns + (RETRY_NS if self._owed_ns is not None else SLOW_RETRY_NS)
            return None
        self._shown, self._failed, self._not_before_ns = flying, False, 0
        if self._presses_flown != self._presses:
            return {}
        self._owed_ns = None
        return flying

    def tick(self, now_ns: int) -> bool:
        """Time passes. True when a press has just gone without an answer for as long as the device waits."""
        if self._flying is not None and now_ns - self._flown_ns >= LOST_NS:
            self.wrote(False, now_ns)
        if self._ring_until_ns is not None and now_ns >= self._ring_until_ns:
            self._ring_until_ns = None
        if self._asked_ns is not None and now_ns - self._asked_ns >= OBEY_NS:
            self._asked_ns, self._off_hook = None, self.call in ("talking", "holding")
        if self._owed_ns is not None and now_ns - self._owed_ns >= self._patience_ns:
            self._owed_ns = None
            self._not_before_ns = max(self._not_before_ns, now_ns + SLOW_RETRY_NS) if self._failed else 0
            return True
        return False

    @property
    def due_ns(self) -> int | None:
        """When `tick`, and then `next_write`, are due; None while nothing runs."""
        ends = [
            None if self._flying is None else self._flown_ns + LOST_NS,
            self._ring_until_ns,
            None if self._asked_ns is None else self._asked_ns + OBEY_NS,
            None if self._owed_ns is None else self._owed_ns + self._patience_ns,
            self._not_before_ns if self._failed and self._flying is None else None,
        ]
        return min((end for end in ends if end is not None), default=None)

    @property
    def leaves_alone(self) -> bool:
        """Whether nothing is written: a call goes on that was under way before us."""
        return self._found and self.call in ("talking", "holding")

    @property
    def can_show_mute(self) -> bool:
        """Whether mute has a lamp here, and so can be answered."""
        return bool(self._mute_lamps())

    def mute_of(self, lit: Leds) -> bool | None:
        """What the lamps say of mute, None where they say nothing."""
        return next((lit[name] for name in self._mute_lamps() if name in lit), None)

    def _mute_lamps(self) -> tuple[str, ...]:
        """The lamps that show mute: by the model's habit, of those that it has; none where the device mutes by itself."""
        if self._own_mute:
            return ()
        wish = {"mute": ("mute",), "microphone": ("microphone",), "both": ("mute", "microphone")}[self._mute_led]
        # Chromium's developers answer mute by the microphone lamp (WICG/webhid #72): it is taken where there is no other.
        return tuple(name for name in wish if name in self._lamps) or tuple(name for name in _EITHER if name in self._lamps)[:1]

    def _owe(self, now_ns: int, *lamps: str) -> None:
        if self._lamps.intersection(lamps):
            self._presses += 1
            self._found = False
            self._not_before_ns = 0
            if self._owed_ns is None:
                self._owed_ns = now_ns
