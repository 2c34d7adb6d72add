"""Whatever comes as a command is a request or a reason why not: never a fault of the program, and never half of one."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.command import VERBS, args_of, digest_of, is_id, judge, request_from_payload, too_late

SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
JSON = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4), max_leaves=12
)
#: Names that some verb takes, so that what is made comes close.
NAMES = sorted({field.encode_name for verb in VERBS.values() for field in msgspec.structs.fields(verb.args)})
TIME = st.text(max_size=45) | st.sampled_from(
    [
        "2026-11-21T14:00:00Z",
        "0000-00-00T00:00:00Z",
        "9999-12-31T23:59:59.999999999+23:59",
        "0001-01-01T00:00:00+23:59",
        "2026-02-30T00:00:00Z",
    ]
)
ARGS = st.dictionaries(st.sampled_from(NAMES), JSON | TIME | st.just("agente-101"), max_size=6)


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_request_or_a_reason(payload: bytes) -> None:
    try:
        request = request_from_payload(payload)
    except ValueError:
        return
    assert is_id(request.id)


@given(st.sampled_from(sorted(VERBS)), ARGS, st.none() | TIME, st.none() | TIME)
def test_any_arguments_run_or_are_told_why_not(verb: str, args: dict[str, Any], expires: str | None, sent: str | None) -> None:
    verdict = judge(verb, args, expires, allow=VERBS, owned=VERBS, now_ns=1_795_000_000 * 10**9, quality="synced")
    assert verdict.state == "run" or verdict.reason
    late = too_late(verb, sent, 1_795_000_000 * 10**9, "synced", expires=expires, age_s=None)
    assert late is None or late.reason
    if verdict.state == "run":
        made = args_of(verb, args)
        assert args_of(verb, msgspec.to_builtins(made)) == made, "what was read once is read again alike"


@given(ARGS)
def test_the_order_of_members_is_nothing(args: dict[str, Any]) -> None:
    assert digest_of("pause", args) == digest_of("pause", dict(reversed(args.items())))


@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_nesting_is_no_fault(depth: int) -> None:
    with pytest.raises(ValueError, match="not a command"):
        request_from_payload(b'{"id": "x", "args": {"a": ' + b"[" * depth)
    with pytest.raises(ValueError, match="not a command"):
        request_from_payload(b'{"id": "x", "args": {"a": ' + b"[" * depth + b"]" * depth + b"}}")
