"""Every error of ours is caught by its own name, by the family's, and by the builtin that a Python reader would catch."""

from __future__ import annotations

import inspect

import pytest

from appliance.core import errors

CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind is not errors.CallfloorError]


@pytest.mark.parametrize("kind", CLASSES)
def test_class_is_in_the_family_and_a_builtin(kind: type[Exception]) -> None:
    assert issubclass(kind, errors.CallfloorError)
    builtin = [base for base in kind.__mro__ if base.__module__ == "builtins" and base not in (Exception, BaseException, object)]
    assert builtin
    assert kind.__doc__


@pytest.mark.parametrize("kind", CLASSES)
def test_text_is_what_a_person_reads(kind: type[Exception]) -> None:
    """OSError would make a tuple of several arguments; one text must come out as it went in."""
    assert str(kind("journal.db is full: free some space")) == "journal.db is full: free some space"
