"""Decides how quantities of the configuration are bounded: durations, shares, ports."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

Port = Annotated[int, Meta(ge=1, le=65535)]
#: A duration that must pass, and one that may be nothing; a day is the most that makes sense for either.
Period = Annotated[float, Meta(gt=0, le=86400, extra={"unit": "s"})]
Span = Annotated[float, Meta(ge=0, le=86400, extra={"unit": "s"})]
Share = Annotated[float, Meta(ge=0, le=1)]
