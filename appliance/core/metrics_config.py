"""Decides what callfloor.toml may say of the figures for a monitoring system: `[metrics]`, as a type."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct


class MetricsConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A listener for /metrics alone; the boards' listener has it too. Beyond loopback `allow` (networks) or `token_file` is needed.

    `queues`: so many queues, and so many groups of lines, stand under their own keys; the rest is summed up as `other`.
    """

    listen: str | None = None
    allow: tuple[str, ...] = ()
    token_file: Path | None = None
    queues: Annotated[int, Meta(ge=1, le=1000)] = 50
