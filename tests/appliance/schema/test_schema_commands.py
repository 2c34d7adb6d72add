"""Every verb has its schema; what the schema takes the box takes, and what it refuses the box refuses."""

from __future__ import annotations

from typing import Any

import jsonschema
import jsonschema_rs
import pytest

from appliance.core.command import VERBS, args_of
from appliance.core.config import Commands
from appliance.schema import command

DOCUMENT = command.document()

#: The contract's verbs.
CONTRACT = """announce withdraw acknowledge originate answer hangup hold resume transfer pause unpause queue_add queue_remove supervise
callback headset_ring beacon kpi directory classify resend ping"""


def validator(verb: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator({**DOCUMENT, "$ref": f"#/$defs/{verb}"}, format_checker=jsonschema.FormatChecker())


def test_verbs_are_the_contracts() -> None:
    assert list(VERBS) == CONTRACT.split()


def test_document_is_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(DOCUMENT)


@pytest.mark.parametrize("verb", VERBS)
def test_example_is_taken(verb: str) -> None:
    sent = command.example(verb)
    validator(verb).validate(sent)
    jsonschema_rs.validator_for({**DOCUMENT, "$ref": f"#/$defs/{verb}"}, validate_formats=True).validate(sent)
    assert args_of(verb, sent["args"])


@pytest.mark.parametrize("verb", VERBS)
def test_id_is_needed_and_a_slug(verb: str) -> None:
    sent = command.example(verb)
    assert not validator(verb).is_valid({**sent, "id": "Mi Comando"})
    assert not validator(verb).is_valid({name: value for name, value in sent.items() if name != "id"})


@pytest.mark.parametrize("verb", [verb for verb, row in VERBS.items() if row.touches_call])
def test_what_touches_a_call_must_expire(verb: str) -> None:
    sent = {name: value for name, value in command.example(verb).items() if name != "expires"}
    assert not validator(verb).is_valid(sent)


@pytest.mark.parametrize(
    ("verb", "args"),
    [
        ("announce", {"text": ""}),
        ("announce", {"text": "x", "severity": "mild"}),
        ("announce", {"text": "x", "colour": "red"}),
        ("withdraw", {}),
        ("hangup", {}),
        ("hangup", {"call": "c", "agent": "a"}),
        ("supervise", {"supervisor": "a", "agent": "b", "mode": "shout"}),
        ("resend", {"from": 0, "to": 5}),
        ("originate", {"agent": "Agente 101", "number": "1"}),
        ("ping", {"loud": True}),
    ],
)
def test_schema_and_box_refuse_the_same(verb: str, args: dict[str, Any]) -> None:
    assert not validator(verb).is_valid({**command.example(verb), "args": args})
    with pytest.raises(ValueError, match=r"."):
        args_of(verb, args)


def test_verbs_allowed_by_default_exist_and_touch_no_call() -> None:
    assert [verb for verb in Commands().allow if VERBS[verb].touches_call] == []
