"""Decides which findings of one seat are told, and of whom: what stood of one agent is over when somebody else sits there. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from appliance.core.catalogue import HeadsetFinding
from appliance.core.clock import NS
from appliance.core.headset_config import HeadsetsConfig
from headsets.crosscheck import FINDINGS, CrossCheck, Facts, Finding, Holds, Verdict
from headsets.heard import Stood

#: After a start headsets are opened and the PBX is read first: so long what stood is not over because nothing is known.
GRACE_S: Final = 15.0


class Found:
    """The cross-check of one seat, of this box or (`box`) of another."""

    def __init__(self, seat: str, box: str | None, config: HeadsetsConfig) -> None:
        self._seat, self._box = seat, box
        holds = Holds(**{finding: getattr(config.hold_s, finding) for finding in FINDINGS})
        self._check = CrossCheck(holds, findings=config.findings)
        self._agent: str | None = None

    def adopt(self, stood: Mapping[str, Stood], boot: str, now_ns: int, now_wall_ns: int) -> None:
        """Take up what the journal says was found here and is not over."""
        for finding in FINDINGS:
            told = stood.get(finding)
            if told is not None:
                self._agent = told.agent
                self._check.adopt(finding, told.since_ns(boot, now_ns, now_wall_ns), now_ns + round(GRACE_S * NS))

    @property
    def due_ns(self) -> int | None:
        """When `look` has to come again though nothing changes."""
        return self._check.due_ns

    def look(self, agent: str | None, facts: Facts, now_ns: int) -> tuple[HeadsetFinding, ...]:
        """Who sits there and what is known now; what has begun or is over."""
        ended = self.end(now_ns) if agent != self._agent else ()
        self._agent = agent
        return (*ended, *self._events(self._check.look(facts, now_ns)))

    def end(self, now_ns: int) -> tuple[HeadsetFinding, ...]:
        """All that stand are over."""
        return self._events(self._check.end(now_ns))

    @property
    def standing(self) -> tuple[Finding, ...]:
        """The findings that were told and are not over."""
        return self._check.standing

    def anew(self, stood: Mapping[str, Stood]) -> tuple[HeadsetFinding, ...]:
        """For whoever has missed events: those that stand, told again, and the end of those that only the journal says stand."""
        over = tuple(Verdict(finding, False, 0.0) for finding in FINDINGS if finding in stood and finding not in self.standing)
        return self._events((*over, *(Verdict(finding, True, 0.0) for finding in self.standing)))

    def _events(self, verdicts: tuple[Verdict, ...]) -> tuple[HeadsetFinding, ...]:
        return tuple(
            HeadsetFinding(
                seat=self._seat,
                agent=self._agent,
                finding=verdict.finding,
                over=not verdict.began,
                for_s=round(verdict.for_s, 3),
                box=self._box,
            )
            for verdict in verdicts
        )
