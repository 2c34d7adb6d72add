"""Decides how many events may be under way: what broker and configuration allow, and no more than keeps the way to the broker short.

Whatever is under way stands before the live lane in every buffer between the box and the broker; on a slow link a fixed window
would keep states and replies waiting for as long as it takes to empty. So the time from sending to acknowledgement is looked at: the
window doubles with each round while that stays near the shortest seen on this connection, rests where it grows, and shrinks in
proportion above. One event at a time is timed. While words of the live lane follow each other closely, a near broker has only a few
events under way: these keep it nearly as busy, and a word then stands behind few. Pure: times are of one clock that never steps, in
seconds.
"""

from __future__ import annotations

import math
from typing import Final

from appliance.core.meter import Histogram

#: Up to half the shortest round trip above it the window grows, and from twice as much on it shrinks; that half is held between these:
#: a near broker answers in a thousandth of a second, and a word of the live lane should hardly wait longer for it than without a backlog.
NEAR_S: Final = 0.004
FAR_S: Final = 0.25
#: One slow round trip of a busy machine halves the window at most, and it never shrinks below this: the drain would starve.
_SHARE_LEAST: Final = 0.5
LEAST: Final = 32
#: While answers come within this time, so many may be under way whatever the differences: those of a near broker are as much those of a
#: busy machine, and on such a one a window that followed them would let a drain starve.
SOON_S: Final = 0.1
SOON: Final = 512
#: So long after a word of the live lane the next one is near, and so many events may be under way meanwhile.
WORD_S: Final = 0.25
BESIDE_WORDS: Final = 48
#: Where so many words followed each other, not at once but within that time, a breath after each batch lets everybody on the way, the
#: consumer too, empty its hands before the next word comes. Those with which a connection begins are fewer, and come at once.
WORDS: Final = 4
APART_S: Final = 0.005
BREATH_S: Final = 0.001
#: A broker whose answers take longer is a far one: so few events would leave the way to it empty, and hardly shorten it.
_NEAR_WAY_S: Final = 0.02


class Window:
    """The window of one connection after another."""

    def __init__(self) -> None:
        self.most = self.open = 1
        #: Seconds from sending to acknowledgement, of the events that were timed.
        self.took = Histogram()
        self._word_s, self._words = -math.inf, 0
        self._shortest_s: float | None = None
        self._timed: tuple[int, float] | None = None
        self._grows = True

    def begin(self, most: int) -> None:
        """A new connection that takes `most`: nothing is known of it."""
        self.most, self.open = max(1, most), 1
        self._shortest_s, self._timed, self._grows = None, None, True
        self._word_s, self._words = -math.inf, 0

    def again(self) -> None:
        """All that was under way is forgotten; begin with one, on the same connection."""
        self.open, self._timed, self._grows = 1, None, True

    def word(self, now_s: float) -> None:
        """A message of the live lane went out."""
        apart_s = now_s - self._word_s
        if apart_s >= APART_S:
            self._words = self._words + 1 if apart_s < WORD_S else 1
            self._word_s = now_s

    def now(self, now_s: float) -> int:
        """How many events may be under way now."""
        return min(self.open, BESIDE_WORDS) if self._is_beside_words(now_s) else self.open

    def breath_s(self, now_s: float) -> float:
        """How long to send nothing after a batch."""
        return BREATH_S if self._words >= WORDS and self._is_beside_words(now_s) else 0.0

    def _is_beside_words(self, now_s: float) -> bool:
        return self._shortest_s is not None and self._shortest_s < _NEAR_WAY_S and now_s < self._word_s + WORD_S

    def sent(self, mid: int, now_s: float) -> None:
        """The last of a batch went out."""
        if self._timed is None:
            self._timed = mid, now_s

    def acked(self, mids: list[int], now_s: float) -> None:
        """These came back."""
        if self._timed is not None and self._timed[0] in mids:
            took_s = now_s - self._timed[1]
            self._timed = None
            self.took.observe(took_s)
            self._judge(took_s)
        if self._grows:
            self.open = min(self.open + len(mids), self.most)

    def _judge(self, took_s: float) -> None:
        if self._shortest_s is None or took_s < self._shortest_s:
            self._shortest_s = took_s
        over_s = took_s - self._shortest_s
        grows_s = min(FAR_S, max(NEAR_S, self._shortest_s / 2))
        least = min(SOON if took_s < SOON_S else LEAST, self.most)
        self._grows = over_s < grows_s or self.open < least
        if over_s > 2 * grows_s:
            share = max(_SHARE_LEAST, (self._shortest_s + grows_s) / took_s)
            self.open = min(self.open, max(least, int(self.open * share)))
